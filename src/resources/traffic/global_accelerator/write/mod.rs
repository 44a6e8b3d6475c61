//! A change of a traffic dial: whether the group is still as the change expects it. Must never touch the endpoints of the group.

pub mod live;

use crate::resources::traffic::change::close;

/// What differs from what a change expects; `None` where nothing does.
pub(super) fn drift(dial: f64, status: Option<&str>, from: f64) -> Option<String> {
    match status {
        _ if !close(dial, from) => Some(format!("the dial is {dial} %, not {from} %")),
        Some("DEPLOYED") => None,
        Some(status) => Some(format!(
            "the accelerator is {status}: another change is being deployed"
        )),
        None => Some("the accelerator does not tell whether it is deployed".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dial_is_turned_only_from_where_it_is_expected_and_on_a_deployed_accelerator() {
        assert_eq!(drift(100.0, Some("DEPLOYED"), 100.0), None);
        assert!(drift(50.0, Some("DEPLOYED"), 100.0).is_some());
        assert!(drift(100.0, Some("IN_PROGRESS"), 100.0).is_some());
        assert!(drift(100.0, None, 100.0).is_some());
    }
}
