//! G-LAST: after every remaining step some healthy region serves. Owns what "serves" means; in doubt it does not.

use std::collections::BTreeSet;

use super::{
    finding::Findings,
    moved::{self, SplitKey},
};
use crate::resources::{
    Change, Fleet, Freshness, Place, RegionLabel, Source,
    databases::Database,
    health_checks,
    metrics::Reading,
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
        let (serves, sure) = of_split(state, &key);
        match serves {
            Serves::Yes(text) if sure => found.pass(format!("{when}: {text}")),
            Serves::Yes(text) => found.warn(
                format!("{when}: {text}: users reach it, and its health checks cannot be read"),
                "watch the requests of the other regions",
            ),
            Serves::No(text) => found.fail(
                format!("{when} no region serves {}: {text}", key.split),
                "give another region traffic and let it become healthy first",
            ),
            Serves::Unknown(text) => found.unknown(
                format!("{when} it cannot be told who serves {}: {text}", key.split),
                "wait for fresh readings of the other regions",
            ),
        }
    }
    found
}

/// Routing controls that gate nothing that is watched: the panel itself has to keep a region on.
pub fn panels(fleet: &Fleet, change: &Change) -> BTreeSet<SplitKey> {
    let Change::Traffic(traffic::Change::Controls { controls }) = change else {
        return BTreeSet::new();
    };
    let rows = fleet.traffic.rows();
    rows.filter(|(_, _, row)| matches!(&row.by, Mechanism::Control(control) if controls.iter().any(|edit| edit.arn == control.arn)))
        .map(|(source, _, row)| SplitKey {
            source,
            place: Place::Global,
            split: row.split.clone(),
        })
        .collect()
}

/// Whether somebody serves a split, and whether their health checks say so too.
fn of_split(state: &State<'_>, key: &SplitKey) -> (Serves, bool) {
    let places = key.places(&state.imagined.estate);
    let usable = |place: &Place| {
        let freshness = state.imagined.freshness(key.source, place);
        matches!(freshness, Freshness::Fresh | Freshness::Stale)
    };
    if !places.iter().any(usable) {
        let old = format!("{} were read too long ago", key.source.name());
        let users = by_users(state, &old).map(|serves| (serves, false));
        return users.unwrap_or((Serves::Unknown(old), true));
    }
    let (mut serving, mut reached, mut no, mut unknown) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut seen = BTreeSet::new();
    for place in &places {
        let slice = state.imagined.traffic.slice(key.source, place);
        let rows = slice.map_or(&[][..], |slice| &slice.rows);
        for row in rows.iter().filter(|row| row.split == key.split) {
            if !seen.insert(row.member.as_str()) {
                continue; // the same routing control at another endpoint
            }
            match of_member(state, key.source, place, row) {
                (Serves::Yes(text), true) => serving.push(text),
                (Serves::Yes(text), false) => reached.push(text),
                (Serves::No(text), _) => no.push(text),
                (Serves::Unknown(text), _) => unknown.push(text),
            }
        }
    }
    if !serving.is_empty() {
        let text = format!("{} serves", serving.join(", "));
        (Serves::Yes(text), true)
    } else if !reached.is_empty() {
        let text = format!("{} serves", reached.join(", "));
        (Serves::Yes(text), false)
    } else if unknown.is_empty() {
        (Serves::No(no.join(", ")), true)
    } else {
        unknown.extend(no);
        (Serves::Unknown(unknown.join(", ")), true)
    }
}

/// Whether a member serves, and whether its health checks say so too.
fn of_member(state: &State<'_>, source: Source, place: &Place, row: &Split) -> (Serves, bool) {
    let who = &row.member;
    if idle(&row.by) {
        return (Serves::No(format!("{who} is set to nothing")), true);
    }
    let (answers, fail_open) = if let Mechanism::Control(control) = &row.by {
        (state.imagined.shares.control(&control.arn), Some(false))
    } else {
        let share = state.imagined.shares.get(source, place, &row_key(row));
        share.map_or((None, None), |share| (share.answers(), share.fail_open))
    };
    if answers == Some(false) {
        return (Serves::No(format!("{who} gets nothing")), true);
    }
    if fail_open == Some(true) {
        let text = format!("{who} is used only because nothing is healthy (fail-open)");
        return (Serves::No(text), true);
    }
    let Some(label) = row.region(state.imagined, place) else {
        let text = format!("{who} is in a region that is not known");
        return (Serves::Unknown(text), true);
    };
    if state.excluded.contains(label) {
        return (Serves::No(format!("{label} is being drained")), true);
    }
    let region = region(state.fleet, label);
    match (answers.is_some() && fail_open.is_some(), region) {
        (_, Serves::No(text)) => (Serves::No(text), true),
        (true, other) => (other, true),
        // The checks of all regions are dark when us-east-1 is lost (domain D.1). Users who are seen to reach a region that serves still reach it
        // when another region is closed.
        (false, Serves::Yes(text)) if dark(state.fleet) && reached(state.fleet, label) => {
            (Serves::Yes(text), false)
        }
        (false, Serves::Yes(_) | Serves::Unknown(_)) => {
            let text = format!("the health of {label} is not known");
            (Serves::Unknown(text), true)
        }
    }
}

/// A region that serves by what is seen in it alone. Records grow old when the control plane of Route 53 is lost with us-east-1; nobody can change them
/// then, and a routing control must not depend on them.
fn by_users(state: &State<'_>, old: &str) -> Option<Serves> {
    let labels = state.fleet.estate.regions.iter().map(|spec| &spec.label);
    let serving: Vec<&str> = labels
        .filter(|label| !state.excluded.contains(*label) && reached(state.fleet, label))
        .filter(|label| matches!(region(state.fleet, label), Serves::Yes(_)))
        .map(RegionLabel::as_str)
        .collect();
    (!serving.is_empty()).then(|| {
        let names = serving.join(", ");
        Serves::Yes(format!("users reach {names} right now ({old})"))
    })
}

/// Whether no health check tells its state: us-east-1 is lost, and with it everything that Route 53 publishes. One check alone that is not known may be bad.
fn dark(fleet: &Fleet) -> bool {
    let slice = fleet
        .health_checks
        .slice(Source::HealthChecks, &Place::Global);
    let checks = slice.map_or(&[][..], |slice| &slice.rows);
    // The data plane tells the state of routing controls.
    let mut measured = checks
        .iter()
        .filter(|check| check.routing_control_arn.is_none() && check.children.is_empty())
        .peekable();
    measured.peek().is_some()
        && measured.all(|check| health_checks::healthy(fleet, &check.id).is_none())
}

/// Whether users are seen to reach a region.
fn reached(fleet: &Fleet, label: &RegionLabel) -> bool {
    let demand = fleet.rollup(label).demand.requests_per_second;
    demand
        .and_then(Reading::usable)
        .is_some_and(|rate| rate > 0.0)
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
        Mechanism::Route(backend) => backend.weight == 0,
        Mechanism::Alias(_) | Mechanism::Distribution(_) | Mechanism::Rollout(_) => false,
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
pub fn usable(fleet: &Fleet, source: Source, place: &Place) -> Option<bool> {
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
            | Mechanism::Control(_)
            | Mechanism::Route(_)
            | Mechanism::Rollout(_) => None,
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
