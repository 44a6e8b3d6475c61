//! What the minutes of a region say about a version of a service: requests, errors, latency. Owns from where they are taken; judges none of them.
//!
//! Where a Prometheus tells the versions of the services of a region apart, the version's own numbers count; otherwise those of all users of the region.

use std::{collections::BTreeMap, rc::Rc};

use jiff::Timestamp;

use crate::resources::{
    Fleet, Place, RegionLabel,
    metrics::signals::{STEP, Signal, VersionSignals, same_version},
    regions::demand::{self, Minute},
};

/// The minutes of the regions that were looked at, each gathered once.
pub struct Seen<'f> {
    /// The fleet.
    pub fleet: &'f Fleet,
    regions: BTreeMap<RegionLabel, Rc<Signals>>,
}

/// Minutes, the newest first, and whose they are.
#[derive(Debug, Clone, PartialEq)]
pub struct Signals {
    /// Whose requests these are.
    pub of: String,
    /// The minutes that are complete.
    pub minutes: Result<Vec<Minute>, String>,
}

/// A version of a service.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Namespace.
    pub namespace: &'a str,
    /// Name of the service.
    pub name: &'a str,
    /// Its version.
    pub version: &'a str,
}

impl<'f> Seen<'f> {
    /// Nothing looked at yet.
    pub fn of(fleet: &'f Fleet) -> Self {
        Self {
            fleet,
            regions: BTreeMap::new(),
        }
    }

    /// What is known of a version of a service in a region.
    pub fn signals(&mut self, region: &RegionLabel, asked: Asked<'_>) -> Rc<Signals> {
        let place = Place::Region(region.clone());
        if self.fleet.estate.measures_services(&place) {
            return Rc::new(of_version(self.fleet, &place, asked));
        }
        let fleet = self.fleet;
        let entry = self.regions.entry(region.clone());
        let gathered = entry.or_insert_with(|| {
            Rc::new(Signals {
                // A load balancer counts all services: one that is ill speaks against every release there.
                of: "requests of all services of the region".to_owned(),
                minutes: demand::minutes(fleet, region),
            })
        });
        Rc::clone(gathered)
    }

    /// Whether the versions of a service are told apart in a region, so that an older one can be compared with where it runs beside.
    pub fn told_apart(&self, region: &RegionLabel, asked: Asked<'_>) -> bool {
        let place = Place::Region(region.clone());
        let signals = self
            .fleet
            .service_signals(&place, asked.namespace, asked.name);
        signals
            .iter()
            .any(|signals| same_version(&signals.version, asked.version))
    }
}

/// What a Prometheus tells of a version. A service that it does not know is one of which nothing is measured.
fn of_version(fleet: &Fleet, place: &Place, asked: Asked<'_>) -> Signals {
    let Asked {
        namespace,
        name,
        version,
    } = asked;
    let all = fleet.service_signals(place, namespace, name);
    let own = all
        .iter()
        .find(|signals| same_version(&signals.version, version));
    let whole = all.iter().find(|signals| signals.version.is_empty());
    let (of, minutes) = match own.or(whole) {
        Some(signals) => (
            if own.is_some() {
                format!("requests of {version}")
            } else {
                format!("requests of {name}")
            },
            Ok(minutes(fleet, place, signals)),
        ),
        None => (
            format!("requests of {version}"),
            Err(format!(
                "its Prometheus tells nothing about {version} of {namespace}/{name}"
            )),
        ),
    };
    Signals { of, minutes }
}

fn minutes(fleet: &Fleet, place: &Place, signals: &VersionSignals) -> Vec<Minute> {
    let points = |signal| signals.points_since(fleet, place, signal, Timestamp::MIN);
    let at = |signal, at| {
        let mut points = points(signal).iter();
        points.find(|point| point.at == at).map(|point| point.value)
    };
    let minute = |requests: &crate::resources::metrics::Point| {
        let count = requests.value * STEP.as_secs_f64();
        Minute {
            at: requests.at,
            requests: count,
            errors: at(Signal::Errors, requests.at).unwrap_or(0.0) / 100.0 * count,
            p95_ms: at(Signal::P95, requests.at),
        }
    };
    points(Signal::Requests).iter().map(minute).collect()
}

impl Signals {
    /// The minutes that began in a time.
    pub fn between(&self, from: Timestamp, until: Timestamp) -> Vec<Minute> {
        let minutes = self.minutes.iter().flatten();
        minutes
            .filter(|minute| minute.at >= from && minute.at < until)
            .copied()
            .collect()
    }
}
