//! G-ZERO: no set of weights is all zero, and none is outside what its API takes. Owns which weights count together.

use std::collections::BTreeSet;

use super::{
    finding::Findings,
    moved::{self, members, same_set},
    serving::{panels, usable},
};
use crate::resources::{
    Change, Fleet, Place, Source,
    change::Alter,
    traffic::{self, Mechanism, find},
};

/// Whether a change leaves a set of weights that are all zero, or sets one outside what its API takes. `fleet` has it done.
pub fn zero(fleet: &Fleet, change: &Change) -> Findings {
    let mut found = Findings::default();
    let Change::Traffic(change) = change else {
        return found;
    };
    if let Some(text) = outside(change) {
        found.fail(text, "plan again with a value in the range");
    }
    let reads = Change::Traffic(change.clone()).reads(&fleet.estate);
    let fresh = |(source, place): &(Source, Place)| usable(fleet, *source, place) == Some(true);
    if !reads.iter().any(fresh) {
        let source = reads
            .first()
            .map_or("the split", |(source, _)| source.name());
        found.unknown(
            format!("{source} were read too long ago to tell the other weights"),
            "wait for a fresh reading",
        );
    }
    for (name, weights) in sets(fleet, change) {
        let reread = "read the split again (:refresh)";
        if weights.is_empty() {
            found.unknown(format!("the members of {name} were not read"), reread);
        } else if weights.iter().all(|weight| *weight == Some(0.0)) {
            let text = match change {
                traffic::Change::Weights { .. } => "all weights 0: Route 53 then uses all equally",
                traffic::Change::Controls { .. } => "every routing control would be Off",
                traffic::Change::Dial { .. } => "every traffic dial would be 0",
                traffic::Change::Forward { .. }
                | traffic::Change::Route { .. }
                | traffic::Change::Steer(_)
                | traffic::Change::Alias { .. }
                | traffic::Change::Staging { .. }
                | traffic::Change::Invalidate { .. } => "all weights 0: nobody gets traffic",
            };
            found.fail(
                format!("{name}: {text}"),
                "give another member a weight above 0 first",
            );
        } else if weights.iter().flatten().any(|weight| *weight > 0.0) {
            let sum: f64 = weights.iter().flatten().sum();
            found.pass(format!("{name}: sum {sum:.0}"));
        } else {
            found.unknown(format!("the weights of {name} are not known"), reread);
        }
    }
    found
}

fn outside(change: &traffic::Change) -> Option<String> {
    let beyond = |what: &str, value: f64, most: f64| {
        (!value.is_finite() || value < 0.0 || value > most)
            .then(|| format!("{what} {value} is outside 0 to {most}"))
    };
    match change {
        // A byte cannot leave the range of Route 53; a control has two states.
        traffic::Change::Weights { .. }
        | traffic::Change::Controls { .. }
        | traffic::Change::Steer(_)
        | traffic::Change::Invalidate { .. } => None,
        traffic::Change::Dial { to, .. } => beyond("the dial", *to, 100.0),
        traffic::Change::Forward { groups, .. } => groups
            .iter()
            .find_map(|edit| beyond("the weight", f64::from(edit.to), 999.0)),
        traffic::Change::Route { rule, backends, .. } => {
            let most = f64::from(rule.kind.heaviest());
            let mut weights = backends.iter().map(|edit| f64::from(edit.to));
            weights.find_map(|weight| beyond("the weight", weight, most))
        }
        traffic::Change::Alias { to, .. } => beyond("the share", *to, 1.0),
        traffic::Change::Staging { to, .. } => beyond("the share", *to, 0.15),
    }
}

/// The weights of the record sets that share a name with those that are changed.
fn of_records(
    fleet: &Fleet,
    records: &[traffic::change::RecordEdit],
) -> Vec<(String, Vec<Option<f64>>)> {
    let Some(edit) = records.first() else {
        return Vec::new();
    };
    let name = format!(
        "{} {}",
        edit.from.name.trim_end_matches('.'),
        edit.from.record_type
    );
    let slice = fleet.traffic.slice(Source::Records, &Place::Global);
    let rows = slice.map_or(&[][..], |slice| &slice.rows);
    let weights: Vec<Option<f64>> = rows
        .iter()
        .filter_map(|row| match &row.by {
            Mechanism::Record(record) if same_set(record, &edit.from) => {
                Some(record.weight().map(f64::from))
            }
            Mechanism::Record(_)
            | Mechanism::Dial(_)
            | Mechanism::Forward(_)
            | Mechanism::Alias(_)
            | Mechanism::Distribution(_)
            | Mechanism::Control(_)
            | Mechanism::Route(_)
            | Mechanism::Rollout(_) => None,
        })
        .collect();
    vec![(name, weights)]
}

/// The weights of the sets that a change touches; `None` for one that is not known.
fn sets(fleet: &Fleet, change: &traffic::Change) -> Vec<(String, Vec<Option<f64>>)> {
    match change {
        traffic::Change::Weights { records } => of_records(fleet, records),
        traffic::Change::Dial { .. } => moved::touched(fleet, &Change::Traffic(change.clone()))
            .into_iter()
            .map(|key| {
                let weights = members(fleet, &key).filter_map(|row| match &row.by {
                    Mechanism::Dial(group) => Some(Some(group.dial)),
                    Mechanism::Record(_)
                    | Mechanism::Forward(_)
                    | Mechanism::Alias(_)
                    | Mechanism::Distribution(_)
                    | Mechanism::Control(_)
                    | Mechanism::Route(_)
                    | Mechanism::Rollout(_) => None,
                });
                (
                    format!("accelerator {}", short(&key.split)),
                    weights.collect(),
                )
            })
            .collect::<Vec<_>>()
            .or_unread("the accelerator"),
        traffic::Change::Controls { .. } => panels(fleet, &Change::Traffic(change.clone()))
            .into_iter()
            .map(|key| {
                let name = format!("panel {}", short(&key.split));
                (name, states(fleet, &key.split))
            })
            .collect::<Vec<_>>()
            .or_unread("the routing controls"),
        traffic::Change::Forward {
            region,
            load_balancer_name,
            listener_arn,
            rule_arn,
            ..
        } => {
            let slice = fleet
                .traffic
                .slice(Source::LoadBalancers, &Place::Region(region.clone()));
            let rows = slice.map_or(&[][..], |slice| &slice.rows);
            let weights = rows.iter().filter_map(|row| match &row.by {
                Mechanism::Forward(forward)
                    if forward.listener_arn == *listener_arn && forward.rule_arn == *rule_arn =>
                {
                    Some(Some(f64::from(forward.weight)))
                }
                Mechanism::Forward(_)
                | Mechanism::Record(_)
                | Mechanism::Dial(_)
                | Mechanism::Alias(_)
                | Mechanism::Distribution(_)
                | Mechanism::Control(_)
                | Mechanism::Route(_)
                | Mechanism::Rollout(_) => None,
            });
            vec![(load_balancer_name.clone(), weights.collect())]
        }
        traffic::Change::Route { region, rule, .. } => {
            let place = Place::Region(region.clone());
            let slice = fleet.traffic.slice(Source::Routes, &place);
            let rows = slice.map_or(&[][..], |slice| &slice.rows);
            let backends = find::backends(rows, rule);
            let weights = backends.map(|(_, backend)| Some(f64::from(backend.weight)));
            vec![(rule.object(), weights.collect())]
        }
        // Two versions share what is there: one of them always gets something.
        traffic::Change::Alias { .. }
        | traffic::Change::Staging { .. }
        | traffic::Change::Steer(_)
        | traffic::Change::Invalidate { .. } => Vec::new(),
    }
}

trait OrUnread {
    fn or_unread(self, name: &str) -> Self;
}

impl OrUnread for Vec<(String, Vec<Option<f64>>)> {
    /// A set that is not listed is not an empty one.
    fn or_unread(self, name: &str) -> Self {
        if self.is_empty() {
            vec![(name.to_owned(), Vec::new())]
        } else {
            self
        }
    }
}

/// The states of the controls of a panel, as the endpoints that answer agree on them.
fn states(fleet: &Fleet, split: &str) -> Vec<Option<f64>> {
    let arns: BTreeSet<&str> = fleet
        .traffic
        .rows()
        .filter_map(|(_, _, row)| match &row.by {
            Mechanism::Control(control) if row.split == split => Some(control.arn.as_str()),
            Mechanism::Control(_)
            | Mechanism::Route(_)
            | Mechanism::Rollout(_)
            | Mechanism::Record(_)
            | Mechanism::Dial(_)
            | Mechanism::Forward(_)
            | Mechanism::Alias(_)
            | Mechanism::Distribution(_) => None,
        })
        .collect();
    arns.into_iter()
        .map(|arn| {
            fleet
                .shares
                .control(arn)
                .map(|on| if on { 1.0 } else { 0.0 })
        })
        .collect()
}

fn short(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}
