//! A change of a forward action: whether its weights are as expected. Must never drop an action, a target group or a setting that the change does not name.

pub mod live;

use crate::resources::traffic::change::ForwardEdit;

/// The heaviest weight that a target group can have.
const HEAVIEST: u32 = 999;

/// Why a change cannot be sent; `None` where it can.
pub(super) fn unsendable(edits: &[ForwardEdit]) -> Option<String> {
    if edits.is_empty() {
        return Some("no target group is changed".to_owned());
    }
    edits
        .iter()
        .find(|edit| edit.to > HEAVIEST)
        .map(|edit| format!("{} is no weight: {HEAVIEST} is the most", edit.to))
}

/// What differs from what a change expects of these target groups; `None` where nothing does.
pub(super) fn drift(edits: &[ForwardEdit], groups: &[(String, u32)]) -> Option<String> {
    edits.iter().find_map(|edit| {
        let name = &edit.target_group_name;
        let seen = groups.iter().find(|(arn, _)| *arn == edit.target_group_arn);
        match seen {
            None => Some(format!("{name} is no target group of this action any more")),
            Some((_, weight)) if *weight != edit.from => Some(format!(
                "the weight of {name} is {weight}, not {}",
                edit.from
            )),
            Some(_) => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(name: &str, from: u32, to: u32) -> ForwardEdit {
        ForwardEdit {
            target_group_arn: format!("arn:{name}"),
            target_group_name: name.to_owned(),
            from,
            to,
        }
    }

    #[test]
    fn every_named_group_must_have_the_weight_that_is_expected() {
        let edits = [edit("stable", 95, 50), edit("canary", 5, 50)];
        let groups = |canary| {
            vec![
                ("arn:stable".to_owned(), 95),
                ("arn:canary".to_owned(), canary),
                ("arn:other".to_owned(), 1),
            ]
        };
        assert_eq!(drift(&edits, &groups(5)), None);
        assert_eq!(
            drift(&edits, &groups(10)).unwrap(),
            "the weight of canary is 10, not 5"
        );
        assert!(drift(&edits, &groups(5)[..1]).is_some());
    }

    #[test]
    fn a_weight_is_999_at_most() {
        assert_eq!(unsendable(&[edit("a", 1, 999)]), None);
        assert!(unsendable(&[edit("a", 1, 1_000)]).is_some());
        assert!(unsendable(&[]).is_some());
    }
}
