//! Which measured version of which service a change gives more users. Owns that match; a canary that nobody tells apart is not judged by the whole.

use jiff::{SignedDuration, Timestamp};

use super::gate::Gate;
use crate::resources::{
    Change, Fleet, Freshness, Place, RegionLabel, Source,
    deployments::{self, Container},
    metrics::signals::{Signal, VersionSignals, same_version},
    traffic::{
        self, Mechanism, RouteBackend, RouteRule,
        rollouts::{Steering, Verb},
    },
};

/// Requests that are enough for a verdict (domain B.3).
pub const REQUESTS: f64 = 500.0;
/// Errors that are enough.
pub const ERRORS: f64 = 10.0;
/// A point counts against a canary as soon as so many seconds of its window lie after the change: nobody waits for a whole minute of errors.
const EAGER: SignedDuration = SignedDuration::from_secs(45);

/// What gets more users by a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Canary {
    /// Where.
    pub place: Place,
    /// In words.
    pub what: String,
    namespace: String,
    /// Names under which it may be measured, with the version where it is one of several.
    names: Vec<(String, Option<String>)>,
}

/// What a change of traffic gives more users.
pub fn of(fleet: &Fleet, change: &Change) -> Vec<Canary> {
    match change {
        Change::Traffic(traffic::Change::Route {
            region,
            rule,
            backends,
        }) => {
            let raised = backends.iter().filter(|edit| edit.to > edit.from);
            let raised = raised.filter_map(|edit| backend(fleet, region, rule, &edit.backend));
            raised.map(|backend| of_backend(region, backend)).collect()
        }
        Change::Traffic(traffic::Change::Steer(steering)) => match steering.verb {
            Verb::Promote | Verb::PromoteFull | Verb::Resume | Verb::Retry => {
                vec![of_rollout(steering)]
            }
            Verb::Pause | Verb::Abort | Verb::Undo => Vec::new(),
        },
        Change::Deployments(change) => of_deployment(change).into_iter().collect(),
        Change::Traffic(
            traffic::Change::Weights { .. }
            | traffic::Change::Dial { .. }
            | traffic::Change::Controls { .. }
            | traffic::Change::Forward { .. }
            | traffic::Change::Alias { .. }
            | traffic::Change::Staging { .. }
            | traffic::Change::Invalidate { .. },
        )
        | Change::Databases(_)
        | Change::Caches(_)
        | Change::Clusters(_)
        | Change::Nodes(_)
        | Change::HealthChecks(_)
        | Change::Alarms(_)
        | Change::Pipelines(_) => Vec::new(),
    }
}

fn backend<'a>(
    fleet: &'a Fleet,
    region: &RegionLabel,
    rule: &RouteRule,
    member: &str,
) -> Option<&'a RouteBackend> {
    let place = Place::Region(region.clone());
    let slice = fleet.traffic.slice(Source::Routes, &place)?;
    slice.rows.iter().find_map(|row| {
        let Mechanism::Route(backend) = &row.by else {
            return None;
        };
        (row.member == member && backend.rule.same(rule)).then_some(backend)
    })
}

fn of_backend(region: &RegionLabel, backend: &RouteBackend) -> Canary {
    let subset = backend.subset.clone();
    let what = match &subset {
        Some(subset) => format!("subset {subset} of {}", backend.service),
        None => backend.service.clone(),
    };
    Canary {
        place: Place::Region(region.clone()),
        what,
        namespace: backend.service_namespace.clone(),
        names: vec![(backend.service.clone(), subset)],
    }
}

/// A deployment that goes to another version gives it all of its users.
fn of_deployment(change: &deployments::Change) -> Option<Canary> {
    let image = match change {
        deployments::Change::Image { to, .. } => to,
        deployments::Change::Revise { to, .. } => &to.image,
        deployments::Change::Pause { .. }
        | deployments::Change::Restart { .. }
        | deployments::Change::Scale { .. }
        | deployments::Change::Resize { .. } => return None,
    };
    let (at, version) = (change.at(), Container::of(image.clone()).short());
    Some(Canary {
        place: Place::Region(at.region.clone()),
        what: format!("{version} of {}", at.name),
        namespace: at.namespace.clone(),
        // Where versions are not told apart the whole service is what it gets: no other version is left.
        names: vec![(at.name.clone(), Some(version)), (at.name.clone(), None)],
    })
}

fn of_rollout(steering: &Steering) -> Canary {
    let name = &steering.rollout;
    Canary {
        place: Place::Region(steering.region.clone()),
        what: format!("the new version of {}", name.object()),
        namespace: name.namespace.clone(),
        names: vec![
            (name.name.clone(), Some(steering.current.clone())),
            (format!("{}-canary", name.name), None),
        ],
    }
}

impl Canary {
    /// Whether a Prometheus tells about the services where it is.
    pub fn measured(&self, fleet: &Fleet) -> bool {
        fleet.estate.measures_services(&self.place)
    }

    /// What its users get; an error says why that is not known.
    pub fn signals(&self, fleet: &Fleet) -> Result<Vec<VersionSignals>, String> {
        let mut told = false;
        for (service, version) in &self.names {
            let all = fleet.service_signals(&self.place, &self.namespace, service);
            told |= !all.is_empty();
            let own: Vec<VersionSignals> = match version {
                None => all,
                Some(wanted) => {
                    let own = all.into_iter().filter(|s| same_version(&s.version, wanted));
                    own.collect()
                }
            };
            if !own.is_empty() {
                return Ok(own);
            }
        }
        let error = fleet.status(Source::Prometheus, &self.place).error;
        Err(match (error, told) {
            (Some(error), _) => format!("its Prometheus was not read: {error}"),
            (None, true) => "its versions are not told apart, or it has no requests".to_owned(),
            (None, false) => "its Prometheus tells nothing about it".to_owned(),
        })
    }

    /// Judges what its users got since a time. Nothing known is no proof of anything.
    pub fn judge(&self, fleet: &Fleet, since: Timestamp) -> Gate {
        let text = |what: String| format!("{} in {}: {what}", self.what, self.place);
        let versions = match self.signals(fleet) {
            Ok(versions) => versions,
            Err(why) => return Gate::NoData(text(why)),
        };
        let mut silent = None;
        for version in &versions {
            match judge_version(fleet, &self.place, version, since) {
                Gate::Holds => {}
                Gate::NoData(why) => silent = silent.or(Some(text(why))),
                Gate::Breached(why) => return Gate::Breached(text(why)),
            }
        }
        silent.map_or(Gate::Holds, Gate::NoData)
    }
}

fn judge_version(fleet: &Fleet, place: &Place, version: &VersionSignals, since: Timestamp) -> Gate {
    let limits = &fleet.estate.thresholds;
    let early = since - EAGER;
    let (requests, _) = version.counted_since(fleet, place, early);
    let failed = version.failed_since(fleet, place, early);
    let enough = requests >= REQUESTS || failed >= ERRORS;
    let checks = [
        (Signal::Errors, "error rate", limits.error_bad_percent, "%"),
        (Signal::P95, "p95", limits.p95_bad_ms, "ms"),
    ];
    let mut doubt = None;
    for (signal, what, limit, unit) in checks {
        let points = version.points_since(fleet, place, signal, early);
        let worst = points.iter().map(|point| point.value).reduce(f64::max);
        let Some(worst) = worst.filter(|worst| *worst > limit) else {
            continue;
        };
        let text = format!(
            "{what} {worst:.1} {unit} above {limit} {unit}, {failed:.0} of {requests:.0} requests failed"
        );
        if enough {
            return Gate::Breached(text);
        }
        doubt = doubt.or(Some(format!("{text}: too few for a verdict")));
    }
    // What is known of it must be known now, and be about the time since then.
    let seen = |signal| !version.points_since(fleet, place, signal, since).is_empty();
    // Without an answer of this very moment it may have died since.
    let known = version.error_percent.freshness() == Freshness::Fresh
        && version.p95_ms.usable().is_some()
        && seen(Signal::Errors)
        && seen(Signal::P95);
    match doubt {
        Some(text) => Gate::NoData(text),
        None if known => Gate::Holds,
        None => Gate::NoData("no error rate and latency since the change".to_owned()),
    }
}

#[cfg(test)]
mod tests;
