//! Guards about what surrounds a plan: a freeze, the control plane that is needed, leftovers of earlier plans.

use super::{Guard, GuardId, finding::Findings, outlook::Outlook};
use crate::{
    plan::Mark,
    resources::{
        Change, ErrorClass, Freshness, RegionLabel, Source, age,
        cell::coarse_age,
        change::{Alter, Lever},
        levers::{LeverState, levers},
        traffic,
    },
};

/// G-FREEZE.
pub fn freeze(outlook: &Outlook<'_>) -> Guard {
    let mut found = Findings::default();
    let now = outlook.fleet.now;
    for freeze in &outlook.fleet.estate.freezes {
        if !freeze.holds(now) {
            continue;
        }
        let text = format!(
            "frozen until {}: {}",
            freeze.until.strftime("%Y-%m-%d %H:%MZ"),
            freeze.reason
        );
        if outlook.now() {
            found.warn(text, "an emergency goes on all the same");
        } else if outlook.easing() {
            found.warn(text, "a way back goes on all the same");
        } else {
            found.fail(text, "wait until it ends, or override it with a reason");
        }
    }
    let known = outlook.fleet.estate.freezes.len();
    let otherwise = format!("{known} freezes are configured, none is in force");
    found.guard(GuardId::Freeze, &otherwise)
}

/// G-CP.
pub fn control_plane(outlook: &Outlook<'_>) -> Guard {
    let mut found = Findings::default();
    let all = levers(outlook.fleet);
    let mut seen: Vec<Lever> = Vec::new();
    for change in outlook.changes() {
        let lever = change.lever();
        if seen.contains(&lever) {
            continue;
        }
        if matches!(change, Change::Traffic(traffic::Change::Controls { .. })) {
            endpoints(&all, &mut found);
        } else {
            one(outlook, change, &lever, &all, &mut found);
        }
        seen.push(lever);
    }
    found.guard(GuardId::ControlPlane, "nothing is sent")
}

/// The data plane of the recovery cluster: at least three of its five endpoints stay usable by design.
fn endpoints(all: &[crate::resources::levers::Lever], found: &mut Findings) {
    let group = || {
        all.iter()
            .filter(|lever| lever.group == "ARC" && !lever.home.is_empty())
    };
    let works =
        |lever: &&crate::resources::levers::Lever| matches!(lever.state, LeverState::Works { .. });
    let (working, total) = (group().filter(works).count(), group().count());
    let failing = group().any(|lever| matches!(lever.state, LeverState::Failing { .. }));
    let text = format!("{working} of {total} recovery cluster endpoints answer");
    if total == 0 {
        found.fail(
            "no recovery cluster endpoint is configured",
            "set [recovery] endpoints in pilothouse.toml",
        );
    } else if working * 2 > total {
        found.pass(text);
    } else if working > 0 {
        found.warn(text, "");
    } else if failing {
        found.fail(text, "use the traffic dial or weights");
    } else {
        found.unknown(text, "wait for an answer");
    }
}

fn one(
    outlook: &Outlook<'_>,
    change: &Change,
    lever: &Lever,
    all: &[crate::resources::levers::Lever],
    found: &mut Findings,
) {
    let name = if lever.name.is_empty() {
        "its API"
    } else {
        &lever.name
    };
    let place = change.place();
    let listed = all.iter().find(|known| {
        known.home == lever.home
            && (known.name == lever.name || known.name == format!("{} {}", lever.name, lever.home))
    });
    let state = match listed {
        Some(known) => known.state.clone(),
        None => asked(outlook, change),
    };
    let home = outlook.fleet.estate.region_named(&lever.home);
    let home_lost = home.is_some_and(|label| outlook.lost(label));
    let other = other_lever(outlook, change, all);
    let gone = |text: String, found: &mut Findings| match other {
        Some(other) => found.fail(text, format!("use {other} instead")),
        None => found.warn(text, "there is no other way that works: it may fail"),
    };
    match state {
        LeverState::Denied => found.fail(
            format!("{name} denies us at {place}"),
            "get the permissions that `doctor` lists",
        ),
        LeverState::Failing { error, .. } => {
            gone(format!("{name} does not answer: {error}"), found);
        }
        _ if home_lost => gone(
            format!("{name} lives in {}, which does not answer", lever.home),
            found,
        ),
        LeverState::Works { age, .. } => {
            found.pass(match coarse_age(age).as_str() {
                "now" => format!("{name} answered just now"),
                ago => format!("{name} answered {ago} ago"),
            });
        }
        LeverState::NotConfigured | LeverState::Unknown => found.unknown(
            format!("whether {name} answers is not known"),
            "wait for an answer",
        ),
    }
}

/// An API that is not among the levers is judged by the read that verifies the change.
fn asked(outlook: &Outlook<'_>, change: &Change) -> LeverState {
    let fleet = outlook.fleet;
    let Some((source, place)) = change.reads(&fleet.estate).into_iter().next() else {
        return LeverState::Unknown;
    };
    let status = fleet.status(source, &place);
    match (status.error, status.observed_at) {
        (Some(error), _) if error.class == ErrorClass::Denied => LeverState::Denied,
        (Some(error), since) => LeverState::Failing {
            since,
            error: error.to_string(),
        },
        (None, Some(at)) if fleet.freshness(source, &place) < Freshness::Expired => {
            LeverState::Works {
                age: age(at, fleet.now),
                latency: status.took,
            }
        }
        (None, _) => LeverState::Unknown,
    }
}

/// Another lever that moves the traffic of regions and works, the data plane first (domain 0.4).
fn other_lever(
    outlook: &Outlook<'_>,
    change: &Change,
    all: &[crate::resources::levers::Lever],
) -> Option<&'static str> {
    let own = match change {
        Change::Traffic(traffic::Change::Weights { .. }) | Change::HealthChecks(_) => "R53",
        Change::Traffic(traffic::Change::Dial { .. }) => "GA",
        Change::Traffic(_)
        | Change::Databases(_)
        | Change::Caches(_)
        | Change::Clusters(_)
        | Change::Deployments(_)
        | Change::Nodes(_)
        | Change::Alarms(_)
        | Change::Pipelines(_) => return None,
    };
    let works = |group: &str| {
        let of = |lever: &&crate::resources::levers::Lever| lever.group == group;
        all.iter()
            .filter(of)
            .any(|lever| matches!(lever.state, LeverState::Works { .. }))
    };
    let exists = |source: Source| {
        let mut rows = outlook.fleet.traffic.rows();
        rows.any(|(listed, _, _)| listed == source)
    };
    if works("ARC") && exists(Source::RoutingControls) {
        Some("the routing controls")
    } else if own != "GA" && works("GA") && exists(Source::Accelerators) {
        Some("the traffic dial")
    } else if own != "R53" && works("R53") && exists(Source::Records) {
        Some("the record weights")
    } else {
        None
    }
}

/// G-ORPHAN.
pub fn orphan(outlook: &Outlook<'_>) -> Guard {
    let mut found = Findings::default();
    let now = outlook.fleet.now;
    let restored = |label: &RegionLabel| {
        let marks = outlook.plan.marks.iter();
        let mut of =
            marks.filter(|mark| matches!(mark, Mark::Restored { region } if region == label));
        of.next().is_some()
    };
    for leftover in outlook.ledger.leftovers() {
        if outlook.undoes() == Some(leftover.run.as_str()) {
            continue;
        }
        let since = coarse_age(age(leftover.since, now));
        let overdue = leftover.until.is_some_and(|until| until < now);
        let text = format!(
            "{} for {since} (run {}){}",
            leftover.what,
            leftover.run,
            if overdue { ", overdue" } else { "" }
        );
        found.warn(text, format!("undo run {}", leftover.run));
    }
    for drain in outlook.ledger.drained() {
        let overdue = drain.until.is_some_and(|until| until < now);
        if overdue && !restored(&drain.region) {
            let since = coarse_age(age(drain.since, now));
            found.warn(
                format!("{} is drained for {since}, overdue", drain.region),
                format!("restore {}", drain.region),
            );
        }
    }
    found.guard(GuardId::Orphan, "nothing is left over")
}
