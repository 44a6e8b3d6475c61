//! G-QUORUM: a region is dead only when two independent signals say so. Owns the signals; one alone never suffices.

use super::{
    Guard, GuardId,
    finding::Findings,
    outlook::Outlook,
    writers::{
        Accepts, cluster, cluster_accepts, instance, instance_accepts, region_of_arn, short,
        source_of,
    },
};
use crate::resources::{
    ErrorClass, Fleet, Freshness, Place, RegionLabel, Source,
    cell::milliseconds,
    clusters::Cluster,
    databases,
    metrics::Reading,
    traffic::{self, Mechanism},
};

/// G-QUORUM.
pub fn quorum(outlook: &Outlook<'_>) -> Guard {
    let mut found = Findings::default();
    for change in outlook.databases() {
        let (label, target, accepts, reading) = match change {
            databases::Change::FailOver {
                from,
                to_region,
                to,
                ..
            } => {
                let place = Place::Region(to_region.clone());
                let loss = cluster(outlook.fleet, to_region, to)
                    .map(|cluster| cluster.loss_ms(outlook.fleet, &place));
                let label = region_of_arn(outlook.fleet, from);
                (label, from, cluster_accepts(outlook, from), loss)
            }
            databases::Change::Promote {
                region,
                instance: id,
                source,
                ..
            } => {
                let place = Place::Region(region.clone());
                let lag = instance(outlook.fleet, region, id)
                    .map(|instance| instance.lag_ms(outlook.fleet, &place));
                let label = source_of(outlook.fleet, region, source).map(|(label, _)| label);
                (
                    label,
                    source,
                    instance_accepts(outlook, region, source),
                    lag,
                )
            }
            databases::Change::SwitchOver { .. } | databases::Change::FailOverCluster { .. } => {
                continue;
            }
        };
        let Some(label) = label else {
            found.unknown(
                format!("{}: its region is not watched", short(target)),
                "find out by hand",
            );
            continue;
        };
        if outlook.blind() {
            found.unknown(
                format!("nothing was read anywhere lately: the silence of {label} may be our own network"),
                "look from elsewhere",
            );
            continue;
        }
        let (dead, alive) = signals(outlook, label, &accepts, reading);
        let text = if dead.is_empty() {
            format!("no signal says that {label} is dead")
        } else {
            format!("{} of 2 signals: {}", dead.len(), dead.join(", "))
        };
        let text = if alive.is_empty() {
            text
        } else {
            format!("{text}; against it: {}", alive.join(", "))
        };
        if dead.len() >= 2 {
            found.pass(text);
        } else {
            found.fail(
                text,
                "one path that fails is not a dead region: look from elsewhere",
            );
        }
    }
    found.guard(GuardId::Quorum, "no region is given up for dead")
}

/// What says that a region, or its writer, is dead; and what says that it lives.
fn signals(
    outlook: &Outlook<'_>,
    label: &RegionLabel,
    accepts: &Accepts,
    lag: Option<Reading>,
) -> (Vec<String>, Vec<String>) {
    let fleet = outlook.fleet;
    let place = Place::Region(label.clone());
    let (mut dead, mut alive) = (Vec::new(), Vec::new());
    let mut note = |says: Option<bool>, bad: String, good: &str| match says {
        Some(true) => dead.push(bad),
        Some(false) => alive.push(good.to_owned()),
        None => {}
    };
    let rollup = fleet.rollup(label);
    let lost = rollup.reach.lost(fleet.now);
    note(
        (rollup.reach.asked > 0).then_some(lost),
        "its APIs are silent".to_owned(),
        "its APIs answer",
    );
    let checks = &rollup.health_checks;
    let failing = !checks.failing.is_empty();
    note(
        (failing || (checks.total > 0 && checks.unknown.is_empty())).then_some(failing),
        "its health checks fail".to_owned(),
        "its health checks pass",
    );
    note(
        endpoints_dead(fleet, label),
        "its accelerator endpoints are unhealthy".to_owned(),
        "its accelerator endpoints are healthy",
    );
    let rpo = fleet.estate.thresholds.rpo_ms;
    let lag = lag.map(|lag| (lag, lag.usable()));
    note(
        match lag {
            Some((_, Some(lag))) => Some(lag < 0.0 || lag > rpo),
            // The series was there and stopped.
            Some((Reading::Value { .. }, None)) => Some(true),
            Some((_, None)) | None => None,
        },
        match lag {
            Some((_, Some(lag))) => format!("replication stalls ({})", milliseconds(lag)),
            Some((_, None)) | None => "replication stopped".to_owned(),
        },
        "replication flows",
    );
    note(
        kubernetes_silent(fleet, &place),
        "its Kubernetes API is silent".to_owned(),
        "its Kubernetes API answers",
    );
    // What RDS itself says of the writer, while it answers.
    match accepts {
        Accepts::No(text) if !lost => note(Some(true), text.clone(), ""),
        Accepts::Yes(text) => note(Some(false), String::new(), text),
        Accepts::No(_) | Accepts::Unknown(_) => {}
    }
    (dead, alive)
}

fn endpoints_dead(fleet: &Fleet, label: &RegionLabel) -> Option<bool> {
    if fleet.freshness(Source::Accelerators, &Place::Global) >= Freshness::Expired {
        return None;
    }
    let slice = fleet.traffic.slice(Source::Accelerators, &Place::Global)?;
    let states: Vec<Option<bool>> = slice
        .rows
        .iter()
        .filter(|row| row.region(fleet, &Place::Global) == Some(label))
        .filter_map(|row| match &row.by {
            Mechanism::Dial(group) if group.accelerator_enabled => Some(group),
            Mechanism::Dial(_)
            | Mechanism::Record(_)
            | Mechanism::Forward(_)
            | Mechanism::Alias(_)
            | Mechanism::Distribution(_)
            | Mechanism::Control(_)
            | Mechanism::Route(_)
            | Mechanism::Rollout(_) => None,
        })
        .filter(|group| !group.endpoints.is_empty())
        .map(traffic::EndpointGroup::healthy)
        .collect();
    if states.contains(&Some(true)) {
        Some(false)
    } else {
        (!states.is_empty() && !states.contains(&None)).then_some(true)
    }
}

fn kubernetes_silent(fleet: &Fleet, place: &Place) -> Option<bool> {
    let error = fleet.status(Source::ApiServers, place).error;
    let slice = fleet.clusters.slice(Source::ApiServers, place)?;
    let servers = slice.rows.iter().filter_map(|row| match row {
        Cluster::ApiServer(server) => Some(server),
        Cluster::Eks(_) | Cluster::NodeGroup(_) | Cluster::Nodes(_) => None,
    });
    let known: Vec<bool> = servers
        .filter(|server| server.answered_before || server.error.is_none())
        .map(|server| server.error.is_none())
        .collect();
    if known.is_empty() {
        return None; // never reached from here: it may be private
    }
    let silent = error
        .is_some_and(|error| matches!(error.class, ErrorClass::Timeout | ErrorClass::Unreachable));
    if silent {
        return Some(true);
    }
    let fresh = fleet.freshness(Source::ApiServers, place) < Freshness::Expired;
    fresh.then(|| !known.contains(&true))
}
