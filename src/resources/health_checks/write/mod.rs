//! A change of a health check: whether it is as the change expects it. Must never disable one: a disabled check counts as healthy.

pub mod live;

/// What differs from what a change expects; `None` where nothing does.
pub(super) fn drift(inverted: bool, from: bool) -> Option<String> {
    let found = if inverted {
        "it is inverted already"
    } else {
        "it is not inverted any more"
    };
    (inverted != from).then(|| found.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_is_turned_only_from_where_it_is_expected() {
        assert_eq!(drift(false, false), None);
        assert_eq!(drift(true, true), None);
        assert_eq!(drift(true, false).unwrap(), "it is inverted already");
        assert_eq!(drift(false, true).unwrap(), "it is not inverted any more");
    }
}
