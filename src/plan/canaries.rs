//! Which measured version of which service a change gives more users. Owns that match; a canary that nobody tells apart is not judged by the whole.

mod part;

use jiff::{SignedDuration, Timestamp};

use self::part::Part;
use super::{
    gate::Gate,
    raise::{Raised, raised},
};
use crate::resources::{
    Change, Fleet, Freshness, Place, RegionLabel, Source,
    change::Alter,
    deployments::{At, Container},
    metrics::signals::{Signal, VersionSignals, same_version},
    regions::demand,
    releases::carrier,
    sequence::Rules,
    traffic::{
        Mechanism, RouteBackend, RouteRule,
        rollouts::{Steering, Verb},
    },
};

/// A point counts against a canary as soon as so many seconds of its window lie after the change: nobody waits for a whole minute of errors.
const EAGER: SignedDuration = SignedDuration::from_secs(45);

/// Whether anything where a change is could tell how its users fare: whoever tells about those of the region, or the Prometheus of its services.
pub fn measurable(fleet: &Fleet, change: &Change) -> bool {
    let place = change.place();
    let users = place
        .region()
        .is_some_and(|label| !demand::mute(fleet, label));
    users
        || of(fleet, change)
            .iter()
            .any(|canary| canary.measured(fleet))
}

/// What gets more users by a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Canary {
    /// Where.
    pub place: Place,
    /// In words.
    pub what: String,
    measured: Measured,
}

/// Who tells what its users get.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Measured {
    /// The Prometheus of its region, as a version of a service.
    Service(Service),
    /// CloudWatch, as a part of what AWS divides.
    Part(Part),
}

/// A version of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Service {
    namespace: String,
    /// Its name: what is enough for a verdict, and too much for its users, may be said for each.
    name: String,
    /// Names under which it may be measured, with the version where it is one of several.
    names: Vec<(String, Option<String>)>,
}

/// What the users of a canary got in some minutes.
#[derive(Debug, Clone, PartialEq)]
pub struct Minutes {
    /// Requests.
    pub requests: f64,
    /// Those of them that failed.
    pub failed: f64,
    /// How many minutes tell of them.
    pub minutes: usize,
    /// The worst error rate of a minute, in percent.
    worst_error_percent: Option<f64>,
    /// The worst p95 of a minute, in milliseconds.
    worst_p95_ms: Option<f64>,
    /// Whether it is known of now, and of the whole of them.
    known: bool,
}

/// What a change gives more users.
pub fn of(fleet: &Fleet, change: &Change) -> Vec<Canary> {
    match raised(change) {
        Raised::Backends {
            region,
            rule,
            backends,
        } => {
            let raised = backends.iter();
            let raised = raised.filter_map(|edit| backend(fleet, region, rule, &edit.backend));
            raised.map(|backend| of_backend(region, backend)).collect()
        }
        Raised::Rollout(steering) => vec![of_rollout(fleet, steering)],
        Raised::Version(at, version) => vec![of_deployment(at, &version.short())],
        Raised::Part => {
            let parts = part::of(fleet, change).into_iter();
            let canary = |(place, what, part)| Canary {
                place,
                what,
                measured: Measured::Part(part),
            };
            parts.map(canary).collect()
        }
        Raised::Regions | Raised::Nobody => Vec::new(),
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
    let (subset, service) = (backend.subset.clone(), &backend.service);
    let what = match &subset {
        Some(subset) => format!("subset {subset} of {service}"),
        None => service.clone(),
    };
    // By the label of its pods; a mesh whose DestinationRules may not be read mostly calls its subsets by their versions.
    let mut names = Vec::new();
    if let Some(version) = &backend.version {
        names.push((service.clone(), Some(version.clone())));
    }
    names.push((service.clone(), subset));
    Canary {
        place: Place::Region(region.clone()),
        what,
        measured: Measured::Service(Service {
            namespace: backend.service_namespace.clone(),
            name: whole(&backend.service).to_owned(),
            names,
        }),
    }
}

/// A deployment that goes to another version gives it all of its users.
fn of_deployment(at: &At, version: &str) -> Canary {
    Canary {
        place: Place::Region(at.region.clone()),
        what: format!("{version} of {}", at.name),
        measured: Measured::Service(Service {
            namespace: at.namespace.clone(),
            name: at.name.clone(),
            // Where versions are not told apart the whole service is what it gets: no other version is left.
            names: vec![
                (at.name.clone(), Some(version.to_owned())),
                (at.name.clone(), None),
            ],
        }),
    }
}

/// The version that a rollout sends out, by its hash or by the tag of its image.
fn of_rollout(fleet: &Fleet, steering: &Steering) -> Canary {
    let (region, name) = (&steering.region, &steering.rollout);
    let by = carrier::sent_by(fleet, region, name);
    let own = |version: String| (name.name.clone(), Some(version));
    let mut names = Vec::new();
    let what = if let Verb::Image(image) = &steering.verb {
        let version = Container::of(image.to.clone()).short();
        names.push(own(version.clone()));
        format!("{version} of {}", name.object())
    } else {
        names.push(own(steering.current.clone()));
        let version = by.and_then(|by| by.main().map(Container::short));
        names.extend(version.map(own));
        format!("the new version of {}", name.object())
    };
    names.push((format!("{}-canary", name.name), None));
    Canary {
        place: Place::Region(region.clone()),
        what,
        measured: Measured::Service(Service {
            namespace: name.namespace.clone(),
            name: by.map_or(&*name.name, |by| by.name()).to_owned(),
            names,
        }),
    }
}

/// The service that a backend is a part of, where its name says so: `checkout-canary` is of `checkout`.
fn whole(backend: &str) -> &str {
    const PARTS: [&str; 4] = ["-canary", "-preview", "-stable", "-primary"];
    let mut found = PARTS.iter().filter_map(|part| backend.strip_suffix(part));
    found.next().unwrap_or(backend)
}

impl Canary {
    /// What holds for it: enough for a verdict, and too much for its users. What AWS divides is known by no service, so that what is said for all of them holds.
    pub fn rules(&self, fleet: &Fleet) -> Rules {
        match &self.measured {
            Measured::Service(of) => fleet.estate.rollout_rules(&of.namespace, &of.name),
            Measured::Part(_) => fleet.estate.rollout_rules("", ""),
        }
    }

    /// Whether somebody counts its requests.
    pub fn measured(&self, fleet: &Fleet) -> bool {
        match &self.measured {
            Measured::Service(_) => fleet.estate.measures_services(&self.place),
            Measured::Part(_) => true,
        }
    }

    /// Who is asked about it.
    pub fn told_by(&self) -> Source {
        match &self.measured {
            Measured::Service(_) => Source::Prometheus,
            Measured::Part(_) => Source::Metrics,
        }
    }

    /// Whether its Prometheus answers and has no number of it. What AWS divides is always counted.
    pub fn mute(&self, fleet: &Fleet) -> bool {
        let Measured::Service(of) = &self.measured else {
            return false;
        };
        let status = fleet.status(Source::Prometheus, &self.place);
        status.error.is_none()
            && fleet.freshness(Source::Prometheus, &self.place).usable()
            && of.signals(fleet, &self.place).is_err()
    }

    /// What its users got since a time, by each version under which it is known; an error says why that is not known.
    pub fn minutes(&self, fleet: &Fleet, since: Timestamp) -> Result<Vec<Minutes>, String> {
        match &self.measured {
            Measured::Service(of) => {
                let versions = of.signals(fleet, &self.place)?;
                let minutes = versions.iter();
                Ok(minutes
                    .map(|version| minutes_of(fleet, &self.place, version, since))
                    .collect())
            }
            Measured::Part(part) => Ok(vec![part.minutes(fleet, &self.place, since)?]),
        }
    }

    /// Judges what its users got since a time. Nothing known is no proof of anything.
    pub fn judge(&self, fleet: &Fleet, since: Timestamp) -> Gate {
        let text = |what: String| format!("{} in {}: {what}", self.what, self.place);
        let early = self.minutes(fleet, since - EAGER);
        let minutes = match early.and_then(|early| Ok((early, self.minutes(fleet, since)?))) {
            Ok((early, late)) => early.into_iter().zip(late),
            Err(why) => return Gate::NoData(text(why)),
        };
        let rules = self.rules(fleet);
        let mut silent = None;
        for (early, late) in minutes {
            match verdict(&early, late.known, &rules) {
                Gate::Holds => {}
                Gate::NoData(why) => silent = silent.or(Some(text(why))),
                Gate::Breached(why) => return Gate::Breached(text(why)),
            }
        }
        silent.map_or(Gate::Holds, Gate::NoData)
    }
}

impl Service {
    /// What is known of it; an error says why nothing is.
    fn signals(&self, fleet: &Fleet, place: &Place) -> Result<Vec<VersionSignals>, String> {
        let mut told = false;
        for (service, version) in &self.names {
            let all = fleet.service_signals(place, &self.namespace, service);
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
        let error = fleet.status(Source::Prometheus, place).error;
        Err(match (error, told) {
            (Some(error), _) => format!("its Prometheus was not read: {error}"),
            (None, true) => "its versions are not told apart, or it has no requests".to_owned(),
            (None, false) => "its Prometheus tells nothing about it".to_owned(),
        })
    }
}

fn minutes_of(fleet: &Fleet, place: &Place, version: &VersionSignals, since: Timestamp) -> Minutes {
    let worst = |signal| {
        let points = version.points_since(fleet, place, signal, since).iter();
        points.map(|point| point.value).reduce(f64::max)
    };
    let (requests, seconds) = version.counted_since(fleet, place, since);
    let (errors, p95) = (worst(Signal::Errors), worst(Signal::P95));
    Minutes {
        requests,
        failed: version.failed_since(fleet, place, since),
        minutes: (seconds / 60.0).round() as usize,
        worst_error_percent: errors,
        worst_p95_ms: p95,
        // Without an answer of this very moment it may have died since.
        known: version.error_percent.freshness() == Freshness::Fresh
            && version.p95_ms.usable().is_some()
            && errors.is_some()
            && p95.is_some(),
    }
}

/// What follows from the minutes of a canary; `known` says whether some of them are of the time since the change, and of now.
fn verdict(minutes: &Minutes, known: bool, rules: &Rules) -> Gate {
    let (requests, failed) = (minutes.requests, minutes.failed);
    let enough = requests >= rules.min_requests || failed >= rules.min_errors;
    let checks = [
        (
            minutes.worst_error_percent,
            "error rate",
            rules.error_percent,
            "%",
        ),
        (minutes.worst_p95_ms, "p95", rules.p95_ms, "ms"),
    ];
    let mut doubt = None;
    for (worst, what, limit, unit) in checks {
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
    match doubt {
        Some(text) => Gate::NoData(text),
        None if known => Gate::Holds,
        None => Gate::NoData("no error rate and latency since the change".to_owned()),
    }
}

#[cfg(test)]
mod tests;
