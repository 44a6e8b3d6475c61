//! A change of routing controls: whether they are as it expects them, which endpoint comes when, and which error ends the rounds. Must never override a safety rule.

pub mod live;

use crate::resources::{
    ErrorClass,
    change::{ApplyError, Fate},
    estate::RecoveryEndpoint,
    traffic::{Mechanism, Split, change::ControlEdit},
};

/// The most entries of one call.
const MOST: usize = 10;

/// Why a change cannot be sent in one call; `None` where it can.
pub(super) fn unsendable(controls: &[ControlEdit], endpoints: usize) -> Option<String> {
    if endpoints == 0 {
        return Some("no endpoint of the recovery cluster is configured".to_owned());
    }
    match controls.len() {
        0 => Some("no routing control is changed".to_owned()),
        1..=MOST => None,
        count => Some(format!(
            "{count} routing controls are more than the {MOST} of one call"
        )),
    }
}

/// The endpoints in the order in which they are tried: another one first for each token, so that not everybody asks the same one.
pub(super) fn in_turn<'a>(
    endpoints: &'a [RecoveryEndpoint],
    token: &str,
) -> Vec<&'a RecoveryEndpoint> {
    let sum = token.bytes().map(usize::from).sum::<usize>();
    let first = sum.checked_rem(endpoints.len()).unwrap_or_default();
    let (before, after) = endpoints.split_at(first);
    after.iter().chain(before).collect()
}

/// What differs from what a change expects; `None` where nothing does.
pub(super) fn drift(controls: &[ControlEdit], rows: &[Split]) -> Option<String> {
    let state = |arn: &str| {
        rows.iter().find_map(|row| match &row.by {
            Mechanism::Control(control) if control.arn == arn => Some(control.on),
            Mechanism::Control(_)
            | Mechanism::Route(_)
            | Mechanism::Rollout(_)
            | Mechanism::Record(_)
            | Mechanism::Dial(_)
            | Mechanism::Forward(_)
            | Mechanism::Alias(_)
            | Mechanism::Distribution(_) => None,
        })
    };
    controls.iter().find_map(|edit| {
        let (name, arn) = (&edit.name, &edit.arn);
        let word = |on| if on { "On" } else { "Off" };
        match state(arn) {
            None => Some(format!("{name} is no control of this cluster")),
            Some(None) => Some(format!("the state of {name} is neither On nor Off")),
            Some(Some(on)) if on != edit.from => {
                Some(format!("{name} is {}, not {}", word(on), word(edit.from)))
            }
            Some(Some(_)) => None,
        }
    })
}

/// Whether no other endpoint would say anything else: they are one cluster.
pub(super) fn is_final(error: &ApplyError) -> bool {
    match error.error.class {
        // A safety rule, a concurrent change, a missing permission, a call that is wrong in itself.
        ErrorClass::Conflict | ErrorClass::Denied => true,
        ErrorClass::Terminal => error.fate == Fate::Refused,
        ErrorClass::Throttled
        | ErrorClass::Transient
        | ErrorClass::Timeout
        | ErrorClass::Unreachable
        | ErrorClass::Identity
        | ErrorClass::NotFound
        | ErrorClass::Skipped => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::{ProviderError, traffic::RoutingControl};

    fn edit(name: &str, from: bool) -> ControlEdit {
        ControlEdit {
            arn: format!("arn:{name}"),
            name: name.to_owned(),
            from,
            to: !from,
        }
    }

    fn row(name: &str, on: Option<bool>) -> Split {
        let control = RoutingControl {
            arn: format!("arn:{name}"),
            name: name.to_owned(),
            panel_arn: None,
            panel_name: None,
            on,
        };
        Split {
            split: "panel".into(),
            member: name.into(),
            by: Mechanism::Control(control),
        }
    }

    #[test]
    fn every_control_must_be_as_expected() {
        let edits = [edit("us", true), edit("eu", false)];
        let rows = |us, eu| [row("us", us), row("eu", eu)];
        let drift = |us, eu| drift(&edits, &rows(us, eu));
        assert_eq!(drift(Some(true), Some(false)), None);
        assert_eq!(
            drift(Some(false), Some(false)).unwrap(),
            "us is Off, not On"
        );
        assert!(drift(Some(true), None).is_some());
        assert!(super::drift(&edits, &[row("us", Some(true))]).is_some());
    }

    #[test]
    fn every_endpoint_comes_once_and_a_token_keeps_its_order() {
        let endpoints = ["a", "b", "c"].map(|region| RecoveryEndpoint {
            region: region.to_owned(),
            url: String::new(),
        });
        let order = |token| {
            let order = in_turn(&endpoints, token).into_iter();
            order
                .map(|endpoint| endpoint.region.as_str())
                .collect::<String>()
        };
        assert_eq!((order("\0"), order("\u{1}")), ("abc".into(), "bca".into()));
        assert_eq!(order("\u{2}"), "cab");
        assert!(in_turn(&[], "x").is_empty());
    }

    #[test]
    fn a_call_takes_one_to_ten_controls_and_an_endpoint() {
        let controls = vec![edit("us", true); 11];
        assert!(unsendable(&controls, 5).is_some());
        assert_eq!(unsendable(&controls[..10], 5), None);
        assert!(unsendable(&[], 5).is_some());
        assert!(unsendable(&controls[..1], 0).is_some());
    }

    #[test]
    fn a_refusal_ends_the_rounds_and_a_sick_endpoint_does_not() {
        let is_final = |fate, class| {
            let error = ProviderError::new(class, "x", "y");
            is_final(&ApplyError { fate, error })
        };
        assert!(is_final(Fate::Refused, ErrorClass::Conflict));
        assert!(is_final(Fate::Refused, ErrorClass::Denied));
        assert!(is_final(Fate::Refused, ErrorClass::Terminal));
        assert!(!is_final(Fate::NotSent, ErrorClass::Terminal));
        assert!(!is_final(Fate::InDoubt, ErrorClass::Timeout));
        assert!(!is_final(Fate::InDoubt, ErrorClass::Transient));
        assert!(!is_final(Fate::NotSent, ErrorClass::Unreachable));
        assert!(!is_final(Fate::Refused, ErrorClass::Throttled));
    }
}
