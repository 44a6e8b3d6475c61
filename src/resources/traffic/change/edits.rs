//! What a change of a traffic split edits, in words, and the change that takes it back. Owns neither sending nor recognising it.

use super::{BackendEdit, Change, ControlEdit, ForwardEdit, RecordEdit, percent};
use crate::resources::{change::Edit, traffic::rollouts};

/// The fields that get another value.
pub(super) fn edits(change: &Change) -> Vec<Edit> {
    match change {
        Change::Weights { records } => records
            .iter()
            .map(|edit| {
                let from = edit
                    .from_weight()
                    .map_or("?".to_owned(), |weight| weight.to_string());
                Edit::new(format!("weight {}", edit.name()), from, edit.to)
            })
            .collect(),
        Change::Dial {
            region, from, to, ..
        } => {
            vec![Edit::new(
                format!("dial {region}"),
                format!("{from} %"),
                format!("{to} %"),
            )]
        }
        Change::Controls { controls } => controls
            .iter()
            .map(|edit| {
                let word = |on| if on { "On" } else { "Off" };
                Edit::new(
                    format!("control {}", edit.name),
                    word(edit.from),
                    word(edit.to),
                )
            })
            .collect(),
        Change::Forward { groups, .. } => groups
            .iter()
            .map(|edit| {
                Edit::new(
                    format!("weight {}", edit.target_group_name),
                    edit.from,
                    edit.to,
                )
            })
            .collect(),
        Change::Steer(steering) => vec![rollouts::edit(steering)],
        // Every backend of the rule is named, so that none is overlooked; those that keep theirs are not edited.
        Change::Route { backends, .. } => backends
            .iter()
            .filter(|edit| edit.from != edit.to)
            .map(|edit| Edit::new(format!("weight {}", edit.backend), edit.from, edit.to))
            .collect(),
        Change::Alias {
            function,
            alias,
            canary,
            from,
            to,
            ..
        } => vec![Edit::new(
            format!("{function}:{alias} version {canary}"),
            percent(*from),
            percent(*to),
        )],
        Change::Staging {
            distribution_id,
            from,
            to,
            ..
        } => vec![Edit::new(
            format!("staging of {distribution_id}"),
            percent(*from),
            percent(*to),
        )],
        Change::Invalidate { paths, .. } => paths
            .iter()
            .map(|path| Edit::new(path, "cached", "invalid"))
            .collect(),
    }
}

/// The weight that a record set had.
fn back(edit: &RecordEdit) -> Result<RecordEdit, &'static str> {
    let to = edit.from_weight().ok_or("a record set has no weight")?;
    let from = edit.after();
    Ok(RecordEdit { from, to })
}

/// The change that takes it back.
pub(super) fn inverse(change: &Change) -> Result<Change, &'static str> {
    let inverse = match change.clone() {
        Change::Weights { records } => Change::Weights {
            records: records.iter().map(back).collect::<Result<_, _>>()?,
        },
        Change::Dial {
            accelerator_arn,
            group_arn,
            region,
            from,
            to,
        } => Change::Dial {
            accelerator_arn,
            group_arn,
            region,
            from: to,
            to: from,
        },
        Change::Controls { controls } => Change::Controls {
            controls: controls
                .into_iter()
                .map(|edit| ControlEdit {
                    from: edit.to,
                    to: edit.from,
                    ..edit
                })
                .collect(),
        },
        Change::Forward {
            region,
            load_balancer_name,
            listener_arn,
            rule_arn,
            groups,
        } => Change::Forward {
            region,
            load_balancer_name,
            listener_arn,
            rule_arn,
            groups: groups
                .into_iter()
                .map(|edit| ForwardEdit {
                    from: edit.to,
                    to: edit.from,
                    ..edit
                })
                .collect(),
        },
        Change::Steer(steering) => Change::Steer(rollouts::inverse(&steering)?),
        Change::Route {
            region,
            rule,
            backends,
        } => Change::Route {
            region,
            rule,
            backends: backends
                .into_iter()
                .map(|edit| BackendEdit {
                    from: edit.to,
                    to: edit.from,
                    ..edit
                })
                .collect(),
        },
        // The token is another one after the write; the value still guards the way back.
        Change::Alias {
            region,
            function,
            alias,
            stable,
            canary,
            from,
            to,
            ..
        } => Change::Alias {
            region,
            function,
            alias,
            stable,
            canary,
            from: to,
            to: from,
            revision_id: None,
        },
        Change::Staging {
            distribution_id,
            policy_id,
            from,
            to,
        } => Change::Staging {
            distribution_id,
            policy_id,
            from: to,
            to: from,
        },
        Change::Invalidate { .. } => {
            return Err("what was cached is gone; the caches fill again by themselves");
        }
    };
    Ok(inverse)
}
