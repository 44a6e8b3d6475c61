//! What the Prometheus of a region of the simulated world tells about its services. Owns no state; `sim::world::meters` counts.

use std::collections::BTreeMap;

use crate::{
    resources::{
        Place,
        metrics::{
            Origin, Point, Quality, Series, SeriesSpec, Stat,
            dialect::Dialect,
            signals::{STEP, Signal, TARGETS_DOWN, TARGETS_UP, signal_key},
        },
    },
    sim::{World, world::meters::Meter},
};

/// Points of a series: forty minutes.
const POINTS: usize = 41;
/// Proxies that are scraped in a region.
const TARGETS: f64 = 42.0;

/// Every service of the region, a point for every minute back from the newest sample.
pub fn observe(world: &World, place: &Place) -> Vec<Series> {
    let Some(region) = world.region(place) else {
        return Vec::new();
    };
    let seconds = i64::try_from(STEP.as_secs()).unwrap_or(60);
    let mut rows: BTreeMap<String, Series> = BTreeMap::new();
    let newest = world.meters.of(region).next().map(|(t, _)| t);
    let samples = world.meters.of(region);
    let minutes = samples.filter(|(t, _)| newest.is_some_and(|newest| (newest - t) % seconds == 0));
    for (t, meters) in minutes.take(POINTS) {
        let at = world.timestamp(t - seconds);
        let mut add = |key: String, query: &str, value: f64| {
            let row = rows.entry(key.clone());
            let row = row.or_insert_with(|| series(key, query));
            row.points.push(Point { at, value });
        };
        for (signal, value, meter) in meters.iter().flat_map(values) {
            let key = signal_key("shop", &meter.service, &meter.version, signal);
            add(key, Dialect::Istio.metric(), value);
        }
        let up = if meters.is_empty() { 0.0 } else { TARGETS };
        add(TARGETS_UP.to_owned(), "up", up);
        add(TARGETS_DOWN.to_owned(), "up", TARGETS - up);
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

fn series(key: String, query: &str) -> Series {
    let stat = if key.ends_with("/p95") {
        Stat::P95
    } else {
        Stat::Average
    };
    let mut spec = SeriesSpec::new(key, Origin::Prometheus.name(), query, &[], stat);
    spec.origin = Origin::Prometheus;
    Series {
        spec,
        points: Vec::new(),
        quality: Quality::Complete,
    }
}
