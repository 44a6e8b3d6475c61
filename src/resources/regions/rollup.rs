//! The roll-up of a region: everything known about it. Owns what is gathered; how long it is kept is decided in `kept`, and the order of the reasons lives in `reasons`.

mod kept;

pub use self::kept::{AsOf, Drained, Rollups};

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::{
    Identity,
    capacity::Capacity,
    demand::Demand,
    reach::Reach,
    reasons,
    rollouts::Rollouts,
    steering::{self, Canary, Share},
    stores::{Judged, Stores},
};
use crate::resources::{
    Fleet, Freshness, Judgement, Place, RegionLabel, Severity, Source,
    alarms::{AlarmType, alerts},
    clusters::Cluster,
    health_checks,
    metrics::Reading,
    traffic::Mechanism,
};

/// Who tells about alarms; a region may have both, one or none.
pub const SOURCES_OF_ALARMS: [Source; 2] = [Source::Alarms, Source::FiringAlerts];

/// Alarms of a region by state.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Alarms {
    /// Whether they were ever read.
    pub known: bool,
    /// Names of the metric alarms in ALARM.
    pub metric: Vec<String>,
    /// Names of the composite alarms in ALARM.
    pub composite: Vec<String>,
    /// Names of the grave alerts that fire in its Prometheus.
    pub grave_alerts: Vec<String>,
    /// Names of the other alerts that fire there.
    pub alerts: Vec<String>,
    /// How many have insufficient data, or a state that we do not know.
    pub insufficient: usize,
    /// How many there are.
    pub total: usize,
}

/// Health checks of the record sets that point to a region, by id.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Checks {
    /// Those that fail.
    pub failing: Vec<String>,
    /// Those whose state is not known.
    pub unknown: Vec<String>,
    /// How many there are.
    pub total: usize,
}

/// A Kubernetes cluster of a region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClusterLine {
    /// Name.
    pub name: String,
    /// Kubernetes version.
    pub version: Option<String>,
    /// What EKS says; `None` for a cluster that only its API server tells about.
    pub status: Option<String>,
    /// Whether its API server answers; `None` when nobody has tried.
    pub answers: Option<bool>,
}

/// Everything known about a region.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rollup {
    /// The region.
    #[serde(skip)]
    pub label: RegionLabel,
    /// How bad it is.
    pub severity: Severity,
    /// Why, the worst first.
    pub reasons: Vec<Judgement>,
    /// How many of them are broken things of its own. Errors, latency and alarms do not count: a region that takes over the load of another has them too.
    pub causes: usize,
    /// Its effective traffic share; `None` when nothing steers traffic to it.
    pub share: Option<Share>,
    /// What its users get.
    #[serde(flatten)]
    pub demand: Demand,
    /// Requests per second in percent of its capacity; `None` without a known capacity.
    pub utilisation_percent: Option<Reading>,
    /// Its databases.
    pub databases: Stores,
    /// Its caches.
    pub caches: Stores,
    /// Canaries out in it.
    pub canaries: Vec<Canary>,
    /// Its alarms.
    pub alarms: Alarms,
    /// Health checks of the records that point to it.
    pub health_checks: Checks,
    /// Its clusters.
    pub clusters: Vec<ClusterLine>,
    /// Its deployments.
    pub deployments: Rollouts,
    /// Who we are there.
    #[serde(skip)]
    pub identity: Option<Identity>,
    /// How it answers.
    pub reach: Reach,
    /// Whether nothing answers anywhere, so that its silence says nothing about it.
    #[serde(skip)]
    pub cut_off: bool,
    /// The worst freshness of what it is made of.
    pub freshness: Freshness,
}

impl Rollup {
    /// Gathers it from the slices of this region alone, and from the records that point to it.
    pub fn of(fleet: &Fleet, label: &RegionLabel) -> Self {
        let place = Place::Region(label.clone());
        let demand = Demand::of(fleet, label);
        let capacity = Capacity::of(fleet, label);
        let utilisation_percent = capacity
            .rps
            .filter(|rps| *rps > 0.0)
            .zip(demand.requests_per_second)
            .map(|(rps, rate)| rate.map(|rate| rate / rps * 100.0))
            .map(|reading| reading.aged(capacity.freshness));
        let reach = Reach::of(fleet, label);
        let identity = fleet
            .regions
            .slice(Source::Identity, &place)
            .and_then(|slice| slice.rows.first())
            .and_then(|region| region.identity.clone());
        let freshness = reach.freshness_with(&demand);
        let judged = Judged::of(fleet, &place);
        let mut rollup = Self {
            label: label.clone(),
            severity: Severity::Ok,
            reasons: Vec::new(),
            causes: 0,
            share: steering::region_share(fleet, label),
            demand,
            utilisation_percent,
            databases: Stores::databases(fleet, &place, &judged),
            caches: Stores::caches(fleet, &place, &judged),
            canaries: steering::canaries(fleet, &place),
            alarms: alarms(fleet, &place),
            health_checks: checks(fleet, label),
            clusters: clusters(fleet, &place),
            deployments: Rollouts::of(fleet, &place),
            identity,
            freshness,
            cut_off: reach.lost(fleet.now) && fleet.cut_off(),
            reach,
        };
        if rollup.reach.lost(fleet.now) {
            rollup.age();
        }
        (rollup.reasons, rollup.causes) = reasons::of(fleet, &place, &rollup, &judged);
        rollup.severity = rollup
            .reasons
            .iter()
            .map(|reason| reason.severity)
            .max()
            .unwrap_or_default();
        rollup
    }

    /// Nothing of a region that does not answer is shown as if it were seen now (domain A.9 rule 5).
    fn age(&mut self) {
        let demand = &mut self.demand;
        for reading in [
            &mut demand.requests_per_second,
            &mut demand.error_percent,
            &mut demand.p95_ms,
            &mut demand.p99_ms,
            &mut self.utilisation_percent,
            &mut self.databases.lag_ms,
            &mut self.caches.lag_ms,
        ] {
            *reading = reading.map(|reading| reading.aged(Freshness::Stale));
        }
        for freshness in [
            &mut self.databases.freshness,
            &mut self.caches.freshness,
            &mut self.freshness,
        ] {
            *freshness = (*freshness).max(Freshness::Stale);
        }
    }

    /// What puts a region before others of the same severity: that it is lost, then how much of its own is broken.
    pub fn gravity(&self, now: Timestamp) -> (bool, usize) {
        (self.reach.lost(now), self.causes)
    }

    /// Its severity with the first reasons in one line.
    pub fn judgement(&self) -> Judgement {
        const SHOWN: usize = 4;
        let mut texts: Vec<&str> = self
            .reasons
            .iter()
            .take(SHOWN)
            .map(|reason| reason.reason.as_str())
            .collect();
        let more = self.reasons.len().saturating_sub(SHOWN);
        let rest = format!("{more} more");
        if more > 0 {
            texts.push(&rest);
        }
        Judgement::new(self.severity, texts.join("; "))
    }
}

fn alarms(fleet: &Fleet, place: &Place) -> Alarms {
    let slices = SOURCES_OF_ALARMS
        .into_iter()
        .filter_map(|source| fleet.alarms.slice(source, place));
    let mut alarms = Alarms {
        known: slices.clone().next().is_some()
            && slices.clone().all(|slice| slice.observed_at.is_some()),
        total: slices.clone().map(|slice| slice.rows.len()).sum(),
        ..Alarms::default()
    };
    for alarm in slices.flat_map(|slice| &slice.rows) {
        match (alarm.state.as_str(), alarm.alarm_type) {
            ("OK", _) => {}
            ("ALARM", AlarmType::Metric) => alarms.metric.push(alarm.name.clone()),
            ("ALARM", AlarmType::Composite) => alarms.composite.push(alarm.name.clone()),
            (_, AlarmType::Metric | AlarmType::Composite) => alarms.insufficient += 1,
            (_, AlarmType::Alert) => match alerts::severity(alarm) {
                Severity::Bad => alarms.grave_alerts.push(alarm.name.clone()),
                Severity::Warn | Severity::Unknown => alarms.alerts.push(alarm.name.clone()),
                Severity::Ok => {}
            },
        }
    }
    alarms
}

fn checks(fleet: &Fleet, label: &RegionLabel) -> Checks {
    let mut states: BTreeMap<&str, Option<bool>> = BTreeMap::new();
    let rows = fleet.traffic.slice(Source::Records, &Place::Global);
    for row in rows.into_iter().flat_map(|slice| &slice.rows) {
        let Mechanism::Record(record) = &row.by else {
            continue;
        };
        let Some(id) = record.health_check_id.as_deref() else {
            continue;
        };
        if !states.contains_key(id) && row.region(fleet, &Place::Global) == Some(label) {
            states.insert(id, health_checks::healthy(fleet, id));
        }
    }
    let named = |wanted: Option<bool>| {
        let these = states.iter().filter(|(_, state)| **state == wanted);
        these.map(|(id, _)| (*id).to_owned()).collect()
    };
    Checks {
        failing: named(Some(false)),
        unknown: named(None),
        total: states.len(),
    }
}

fn clusters(fleet: &Fleet, place: &Place) -> Vec<ClusterLine> {
    let rows = |source| {
        let slice = fleet.clusters.slice(source, place);
        slice.into_iter().flat_map(|slice| &slice.rows)
    };
    let mut lines: Vec<ClusterLine> = Vec::new();
    for row in rows(Source::Clusters).chain(rows(Source::ApiServers)) {
        match row {
            Cluster::Eks(cluster) => lines.push(ClusterLine {
                name: cluster.name.clone(),
                version: cluster.version.clone(),
                status: Some(cluster.status.clone()),
                answers: None,
            }),
            Cluster::NodeGroup(_) | Cluster::Nodes(_) => {}
            Cluster::ApiServer(state) => {
                let answers = Some(state.error.is_none());
                match lines.iter_mut().find(|line| line.name == state.name) {
                    Some(line) => line.answers = answers,
                    None => lines.push(ClusterLine {
                        name: state.name.clone(),
                        version: state.version.clone(),
                        status: None,
                        answers,
                    }),
                }
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests;
