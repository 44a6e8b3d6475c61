//! A change of the share of a staging distribution: whether the policy is as it expects it. Must never take a header policy for a share.

pub mod live;

use crate::resources::traffic::change::{close, percent};

/// The largest share that CloudFront gives a staging distribution.
const LARGEST: f64 = 0.15;

/// Why a change cannot be sent; `None` where it can.
pub(super) fn unsendable(to: f64) -> Option<String> {
    let allowed = (0.0..=LARGEST).contains(&to);
    (!allowed).then(|| {
        format!(
            "{} is not between 0 % and {}",
            percent(to),
            percent(LARGEST)
        )
    })
}

/// What differs from what a change expects; `None` where nothing does.
pub(super) fn drift(weight: Option<f64>, from: f64) -> Option<String> {
    match weight {
        None => Some("the policy does not split by weight".to_owned()),
        Some(weight) if !close(weight, from) => Some(format!(
            "the staging share is {}, not {}",
            percent(weight),
            percent(from)
        )),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_staging_share_is_15_percent_at_most_and_replaces_what_is_expected() {
        assert_eq!(unsendable(0.15), None);
        assert_eq!(unsendable(0.0), None);
        assert!(unsendable(0.16).is_some());
        assert_eq!(drift(Some(0.05), 0.05), None);
        assert_eq!(
            drift(Some(0.1), 0.05).unwrap(),
            "the staging share is 10 %, not 5 %"
        );
        assert!(drift(None, 0.05).is_some());
    }
}
