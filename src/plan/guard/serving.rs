//! G-LAST and G-ZERO: after every remaining step some healthy region serves, and no set of weights is all zero. Owns what "serves" means; in doubt it does not.

use std::collections::BTreeSet;

use super::{
    finding::Findings,
    moved::{self, SplitKey, members, same_set},
};
use crate::resources::{
    Change, Fleet, Freshness, Place, RegionLabel, Source,
    change::Alter,
    databases::Database,
    regions::demand,
    traffic::{self, Mechanism, Policy, Split},
};

/// A state between two steps.
pub struct State<'a> {
    /// Everything known now.
    pub fleet: &'a Fleet,
    /// What traffic would follow from.
    pub imagined: &'a Fleet,
    /// Regions that are not meant to serve any more.
    pub excluded: &'a BTreeSet<RegionLabel>,
    /// After how many of the remaining steps.
    pub step: usize,
    /// How many there are.
    pub of: usize,
}

/// Whether something serves, and why it does not.
enum Serves {
    Yes(String),
    No(String),
    Unknown(String),
}

/// Whether every split that a change touches still has a region that serves.
pub fn last(state: &State<'_>, change: &Change) -> Findings {
    let mut found = Findings::default();
    let when = format!("after step {} of {}", state.step, state.of);
    let mut keys = moved::touched(state.imagined, change);
    if keys.is_empty() {
        keys = panels(state.imagined, change);
    }
    if keys.is_empty() {
        found.unknown(
            format!("{when}: what it moves is not listed, so who serves then cannot be told"),
            "read the traffic splits again (:refresh)",
        );
    }
    for key in keys {
        match of_split(state, &key) {
            Serves::Yes(text) => found.pass(format!("{when}: {text}")),
            Serves::No(text) => found.fail(
                format!("{when} no region serves {}: {text}", key.1),
                "give another region traffic and let it become healthy first",
            ),
            Serves::Unknown(text) => found.unknown(
                format!("{when} it cannot be told who serves {}: {text}", key.1),
                "wait for fresh readings of the other regions",
            ),
        }
    }
    found
}

/// Routing controls that gate nothing that is watched: the panel itself has to keep a region on.
fn panels(fleet: &Fleet, change: &Change) -> BTreeSet<SplitKey> {
    let Change::Traffic(traffic::Change::Controls { controls }) = change else {
        return BTreeSet::new();
    };
    let rows = fleet.traffic.rows();
    rows.filter(|(_, _, row)| matches!(&row.by, Mechanism::Control(control) if controls.iter().any(|edit| edit.arn == control.arn)))
        .map(|(source, _, row)| (source, row.split.clone()))
        .collect()
}

fn of_split(state: &State<'_>, key: &SplitKey) -> Serves {
    let places = state.imagined.estate.places(key.0);
    let usable = |place: &Place| {
        let freshness = state.imagined.freshness(key.0, place);
        matches!(freshness, Freshness::Fresh | Freshness::Stale)
    };
    if !places.iter().any(usable) {
        return Serves::Unknown(format!("{} were read too long ago", key.0.name()));
    }
    let (mut serving, mut no, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
    let mut seen = BTreeSet::new();
    for place in &places {
        let slice = state.imagined.traffic.slice(key.0, place);
        let rows = slice.map_or(&[][..], |slice| &slice.rows);
        for row in rows.iter().filter(|row| row.split == key.1) {
            if !seen.insert(row.member.as_str()) {
                continue; // the same routing control at another endpoint
            }
            match of_member(state, key.0, place, row) {
                Serves::Yes(text) => serving.push(text),
                Serves::No(text) => no.push(text),
                Serves::Unknown(text) => unknown.push(text),
            }
        }
    }
    if !serving.is_empty() {
        Serves::Yes(format!("{} serves", serving.join(", ")))
    } else if unknown.is_empty() {
        Serves::No(no.join(", "))
    } else {
        unknown.extend(no);
        Serves::Unknown(unknown.join(", "))
    }
}

fn of_member(state: &State<'_>, source: Source, place: &Place, row: &Split) -> Serves {
    let who = &row.member;
    if idle(&row.by) {
        return Serves::No(format!("{who} is set to nothing"));
    }
    let (answers, fail_open) = if let Mechanism::Control(control) = &row.by {
        (state.imagined.shares.control(&control.arn), Some(false))
    } else {
        let share = state
            .imagined
            .shares
            .get(source, &Place::Global, &row_key(row));
        share.map_or((None, None), |share| (share.answers(), share.fail_open))
    };
    if answers == Some(false) {
        return Serves::No(format!("{who} gets nothing"));
    }
    if fail_open == Some(true) {
        return Serves::No(format!(
            "{who} is used only because nothing is healthy (fail-open)"
        ));
    }
    let Some(label) = row.region(state.imagined, place) else {
        return Serves::Unknown(format!("{who} is in a region that is not known"));
    };
    if state.excluded.contains(label) {
        return Serves::No(format!("{label} is being drained"));
    }
    let region = region(state.fleet, label);
    match (answers.is_some() && fail_open.is_some(), region) {
        (_, Serves::No(text)) => Serves::No(text),
        (true, other) => other,
        (false, Serves::Yes(_) | Serves::Unknown(_)) => {
            Serves::Unknown(format!("the health of {label} is not known"))
        }
    }
}

fn row_key(row: &Split) -> String {
    crate::resources::Resource::key(row)
}

/// Whether its own lever is at nothing: it may still be used when all others fail, but nobody may rely on that.
fn idle(by: &Mechanism) -> bool {
    match by {
        Mechanism::Record(record) => record.policy == (Policy::Weighted { weight: 0 }),
        Mechanism::Dial(group) => group.dial <= 0.0,
        Mechanism::Forward(forward) => forward.weight == 0,
        Mechanism::Control(control) => control.on == Some(false),
        Mechanism::Alias(_) | Mechanism::Distribution(_) => false,
    }
}

/// Whether a region serves what reaches it: it answers, has a healthy target and a database.
fn region(fleet: &Fleet, label: &RegionLabel) -> Serves {
    let rollup = fleet.rollup(label);
    if rollup.reach.lost(fleet.now) {
        return Serves::No(format!("{label} does not answer"));
    }
    match (targets(fleet, label), database(fleet, label)) {
        (no @ Serves::No(_), _) | (_, no @ Serves::No(_)) => no,
        (unknown @ Serves::Unknown(_), _) | (_, unknown @ Serves::Unknown(_)) => unknown,
        (Serves::Yes(_), Serves::Yes(_)) => Serves::Yes(label.to_string()),
    }
}

/// Whether what a source says about a place can be used.
fn usable(fleet: &Fleet, source: Source, place: &Place) -> Option<bool> {
    let asked = fleet.estate.places(source).contains(place);
    asked.then(|| {
        let freshness = fleet.freshness(source, place);
        matches!(freshness, Freshness::Fresh | Freshness::Stale)
    })
}

/// Load balancers that carry user traffic have a healthy target; a region without any tells nothing by them.
fn targets(fleet: &Fleet, label: &RegionLabel) -> Serves {
    let place = Place::Region(label.clone());
    match usable(fleet, Source::LoadBalancers, &place) {
        None => return Serves::Yes(label.to_string()),
        Some(false) => {
            return Serves::Unknown(format!("the targets of {label} were not read lately"));
        }
        Some(true) => {}
    }
    let carrying = demand::load_balancers(fleet, label);
    let slice = fleet.traffic.slice(Source::LoadBalancers, &place);
    let rows = slice.map_or(&[][..], |slice| &slice.rows);
    let states: Vec<Option<bool>> = rows
        .iter()
        .filter_map(|row| match &row.by {
            Mechanism::Forward(forward)
                if forward.weight > 0
                    && (carrying.is_empty()
                        || carrying.contains(forward.load_balancer_arn.as_str())) =>
            {
                Some(forward.health.and_then(traffic::TargetHealth::serves))
            }
            Mechanism::Forward(_)
            | Mechanism::Record(_)
            | Mechanism::Dial(_)
            | Mechanism::Alias(_)
            | Mechanism::Distribution(_)
            | Mechanism::Control(_) => None,
        })
        .collect();
    if states.is_empty() || states.contains(&Some(true)) {
        Serves::Yes(label.to_string())
    } else if states.contains(&None) {
        Serves::Unknown(format!("the target health of {label} is not known"))
    } else {
        Serves::No(format!("{label} has no healthy target"))
    }
}

/// A database of the region that can answer, at least for reads: in a disaster the writer follows after the traffic, so a replica is enough. A region
/// without any has no database that we know.
fn database(fleet: &Fleet, label: &RegionLabel) -> Serves {
    let place = Place::Region(label.clone());
    match usable(fleet, Source::Rds, &place) {
        None => return Serves::Yes(label.to_string()),
        Some(false) => {
            return Serves::Unknown(format!("the databases of {label} were not read lately"));
        }
        Some(true) => {}
    }
    let mut rows = fleet.databases.at(&place).peekable();
    if rows.peek().is_none() || rows.any(answers) {
        Serves::Yes(label.to_string())
    } else {
        Serves::No(format!("{label} has no database that answers"))
    }
}

/// Whether a database can answer reads.
fn answers(database: &Database) -> bool {
    let gone = |status: &str| {
        let words = ["stopped", "stopping", "deleting", "creating", "starting"];
        words.contains(&status)
            || status.contains("fail") && status != "failing-over"
            || status.starts_with("inaccessible")
            || status.starts_with("incompatible")
    };
    match database {
        Database::Cluster(cluster) => {
            let rebuilt = cluster
                .membership()
                .and_then(|member| member.synchronization.as_deref())
                == Some("pending-resync");
            !gone(&cluster.status) && !rebuilt
        }
        Database::Instance(instance) => !gone(&instance.status),
        Database::Table(_) => true,
    }
}

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
                | traffic::Change::Alias { .. }
                | traffic::Change::Staging { .. } => "all weights 0: nobody gets traffic",
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
        traffic::Change::Weights { .. } | traffic::Change::Controls { .. } => None,
        traffic::Change::Dial { to, .. } => beyond("the dial", *to, 100.0),
        traffic::Change::Forward { groups, .. } => groups
            .iter()
            .find_map(|edit| beyond("the weight", f64::from(edit.to), 999.0)),
        traffic::Change::Alias { to, .. } => beyond("the share", *to, 1.0),
        traffic::Change::Staging { to, .. } => beyond("the share", *to, 0.15),
    }
}

/// The weights of the sets that a change touches; `None` for one that is not known.
fn sets(fleet: &Fleet, change: &traffic::Change) -> Vec<(String, Vec<Option<f64>>)> {
    match change {
        traffic::Change::Weights { records } => {
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
                        Some(match record.policy {
                            Policy::Weighted { weight } => Some(f64::from(weight)),
                            Policy::Simple
                            | Policy::Latency { .. }
                            | Policy::Geolocation { .. }
                            | Policy::Geoproximity { .. }
                            | Policy::Failover { .. }
                            | Policy::MultiValue
                            | Policy::Cidr { .. }
                            | Policy::Other => None,
                        })
                    }
                    Mechanism::Record(_)
                    | Mechanism::Dial(_)
                    | Mechanism::Forward(_)
                    | Mechanism::Alias(_)
                    | Mechanism::Distribution(_)
                    | Mechanism::Control(_) => None,
                })
                .collect();
            vec![(name, weights)]
        }
        traffic::Change::Dial { .. } => moved::touched(fleet, &Change::Traffic(change.clone()))
            .into_iter()
            .map(|key| {
                let weights = members(fleet, &key).filter_map(|row| match &row.by {
                    Mechanism::Dial(group) => Some(Some(group.dial)),
                    Mechanism::Record(_)
                    | Mechanism::Forward(_)
                    | Mechanism::Alias(_)
                    | Mechanism::Distribution(_)
                    | Mechanism::Control(_) => None,
                });
                (format!("accelerator {}", short(&key.1)), weights.collect())
            })
            .collect::<Vec<_>>()
            .or_unread("the accelerator"),
        traffic::Change::Controls { .. } => panels(fleet, &Change::Traffic(change.clone()))
            .into_iter()
            .map(|(_, split)| (format!("panel {}", short(&split)), states(fleet, &split)))
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
                | Mechanism::Control(_) => None,
            });
            vec![(load_balancer_name.clone(), weights.collect())]
        }
        // Two versions share what is there: one of them always gets something.
        traffic::Change::Alias { .. } | traffic::Change::Staging { .. } => Vec::new(),
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
