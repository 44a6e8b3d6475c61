//! What the Prometheus of a region of the simulated world tells about its services and its users. Owns no state; `sim::world::meters` counts.

use std::collections::BTreeMap;

use crate::{
    resources::{
        Place,
        metrics::{
            Origin, Point, Quality, Series, SeriesSpec, Stat,
            dialect::Dialect,
            signals::{STEP, Signal, TARGETS_DOWN, TARGETS_UP, signal_key},
            users::UserSignal,
        },
    },
    sim::{
        World, physics,
        world::meters::{Meter, Users},
    },
};

/// Points of a series: forty minutes.
const POINTS: usize = 41;
/// Proxies that are scraped in a region.
const TARGETS: f64 = 42.0;

/// Every service of the region and its users, a point for every minute back from the newest sample.
pub fn observe(world: &World, place: &Place) -> Vec<Series> {
    let Some(region) = world.region(place) else {
        return Vec::new();
    };
    let seconds = i64::try_from(STEP.as_secs()).unwrap_or(60);
    let silent = UserSignal::ALL.map(|signal| {
        let key = signal.key().to_owned();
        (key.clone(), series(key, Dialect::Istio.metric()))
    });
    let mut rows: BTreeMap<String, Series> = silent.into_iter().collect();
    let newest = world.meters.of(region).next().map(|(t, _)| t);
    let of_minute = |t: i64| newest.is_some_and(|newest| (newest - t) % seconds == 0);
    let mut add = |t: i64, key: String, query: &str, value: f64| {
        let at = world.timestamp(t - seconds);
        let row = rows.entry(key.clone());
        let row = row.or_insert_with(|| series(key, query));
        row.points.push(Point { at, value });
    };
    let samples = world.meters.of(region).filter(|(t, _)| of_minute(*t));
    for (t, meters) in samples.take(POINTS) {
        for (signal, value, meter) in meters.iter().flat_map(values) {
            let key = signal_key("shop", &meter.service, &meter.version, signal);
            add(t, key, Dialect::Istio.metric(), value);
        }
        let up = if meters.is_empty() { 0.0 } else { TARGETS };
        add(t, TARGETS_UP.to_owned(), "up", up);
        add(t, TARGETS_DOWN.to_owned(), "up", TARGETS - up);
    }
    let samples = world.meters.users_of(region).filter(|(t, _)| of_minute(*t));
    for (t, users) in samples.take(POINTS) {
        for (signal, value) in of_users(users) {
            add(t, signal.key().to_owned(), Dialect::Istio.metric(), value);
        }
    }
    rows.into_values().collect()
}

fn values(meter: &Meter) -> [(Signal, f64, &Meter); 3] {
    [
        (Signal::Requests, meter.requests, meter),
        (Signal::Errors, meter.failing * 100.0, meter),
        (Signal::P95, meter.p95_ms, meter),
    ]
}

/// Without a request there is no share and no latency.
fn of_users(users: Users) -> Vec<(UserSignal, f64)> {
    let mut told = vec![(UserSignal::Requests, users.requests)];
    if users.requests > 0.0 {
        told.extend([
            (UserSignal::Errors, users.failing * 100.0),
            (UserSignal::P95, users.p95_ms),
            (UserSignal::P99, users.p95_ms * physics::P99_OF_P95),
        ]);
    }
    told
}

fn series(key: String, query: &str) -> Series {
    let stat = match key.rsplit('/').next() {
        Some("p95") => Stat::P95,
        Some("p99") => Stat::P99,
        Some(_) | None => Stat::Average,
    };
    let mut spec = SeriesSpec::new(key, Origin::Prometheus.name(), query, &[], stat);
    spec.origin = Origin::Prometheus;
    if spec.key.starts_with("users/") {
        let dialect = Dialect::Istio.name().to_owned();
        spec.dimensions = vec![("dialect".to_owned(), dialect)];
    }
    Series {
        spec,
        points: Vec::new(),
        quality: Quality::Complete,
    }
}
