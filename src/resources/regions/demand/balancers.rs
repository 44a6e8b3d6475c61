//! What the application load balancers of a region say about its users. Owns the rules of domain A.9 for adding series up (missing is not zero, units, late points); never averages a percentile.

use std::{collections::BTreeSet, time::Duration};

use jiff::Timestamp;

use super::{Demand, Minute, nearest, unreadable};
use crate::resources::{
    Fleet, Place, RegionLabel, Source, age,
    metrics::{Point, Quality, Reading, Series},
    traffic::{Split, load_balancer_key},
};

/// The ARNs of the application load balancers that carry the user traffic of a region.
pub fn load_balancers<'a>(fleet: &'a Fleet, label: &RegionLabel) -> BTreeSet<&'a str> {
    let place = Place::Region(label.clone());
    let wanted: &[String] = fleet
        .estate
        .region(label)
        .map_or(&[], |spec| &spec.load_balancers);
    let Some(slice) = fleet.traffic.slice(Source::LoadBalancers, &place) else {
        return BTreeSet::new();
    };
    let arn = |row: &'a Split| {
        let forward = row.by.forward()?;
        let carries = forward.load_balancer_type.as_deref() == Some("application")
            && (wanted.is_empty() || wanted.contains(&forward.load_balancer_name));
        carries.then_some(forward.load_balancer_arn.as_str())
    };
    slice.rows.iter().filter_map(arn).collect()
}

/// What is known of the users of a region now, by these load balancers.
pub(super) fn demand(fleet: &Fleet, place: &Place, balancers: &BTreeSet<&str>) -> Demand {
    let all: Vec<Balancer> = balancers
        .iter()
        .map(|arn| Balancer::of(fleet, place, arn))
        .collect();
    let unread = fleet.unread(Source::Metrics, place);
    let Some(newest) = all.iter().filter_map(|balancer| balancer.at).max() else {
        let none = |what| Some(missing(&all, &[what], unread));
        return Demand {
            requests_per_second: none(REQUESTS),
            error_percent: none(REQUESTS),
            p95_ms: none(P95),
            p99_ms: none(P99),
        };
    };
    // Points of one period arrive at different times, so the period before counts too; a load balancer without newer ones has no traffic any more.
    let oldest = newest - PERIOD;
    let live: Vec<(&Balancer, Timestamp)> = all
        .iter()
        .filter_map(|balancer| Some((balancer, balancer.at.filter(|at| *at >= oldest)?)))
        .collect();
    // Counters are published only when they are not zero: no point beside other points means 0.
    let sum = |what: usize| -> f64 {
        live.iter()
            .filter_map(|(balancer, at)| balancer.value(what, *at))
            .sum()
    };
    let worst = |what: usize| {
        live.iter()
            .filter_map(|(balancer, at)| balancer.value(what, *at))
            .reduce(f64::max)
    };
    let reading = |value: Option<f64>, sources: &[usize]| {
        let missing = missing(&all, sources, unread);
        match value {
            Some(value) if missing == Reading::NoData => Some(at_end_of(newest, value, fleet)),
            Some(_) | None => Some(missing),
        }
    };
    let errors = [REQUESTS, TARGET_5XX, ELB_5XX];
    // Requests that the load balancer itself refused are not in RequestCount (domain A.2).
    let asked = sum(REQUESTS) + sum(ELB_5XX);
    let failed =
        (asked > 0.0).then(|| ((sum(TARGET_5XX) + sum(ELB_5XX)) / asked * 100.0).clamp(0.0, 100.0));
    let milliseconds = |what| worst(what).map(|seconds| seconds * 1_000.0);
    Demand {
        requests_per_second: reading(Some(sum(REQUESTS) / PERIOD.as_secs_f64()), &[REQUESTS]),
        error_percent: reading(failed, &errors),
        p95_ms: reading(milliseconds(P95), &[P95]),
        p99_ms: reading(milliseconds(P99), &[P99]),
    }
}

/// The complete minutes in which they counted anything, the newest first; or why there are none.
pub(super) fn minutes(
    fleet: &Fleet,
    place: &Place,
    balancers: &BTreeSet<&str>,
) -> Result<Vec<Minute>, String> {
    let all: Vec<Balancer> = balancers
        .iter()
        .map(|arn| Balancer::of(fleet, place, arn))
        .collect();
    let needed = [REQUESTS, TARGET_5XX, ELB_5XX, P95];
    let missing = missing(&all, &needed, fleet.unread(Source::Metrics, place));
    if let Some(why) = unreadable(missing) {
        return Err(why);
    }
    let settled = PERIOD * 2;
    let counted = [REQUESTS, TARGET_5XX, ELB_5XX];
    let times: BTreeSet<Timestamp> = all
        .iter()
        .flat_map(|balancer| counted.iter().filter_map(|what| balancer.series[*what]))
        .flat_map(|series| series.points.iter().map(|point| point.at))
        .filter(|at| age(*at, fleet.now) >= settled)
        .collect();
    let minute = |at: Timestamp| {
        let sum = |what: usize| -> f64 {
            let values = all.iter().filter_map(|balancer| balancer.value(what, at));
            values.sum()
        };
        let slowest = all.iter().filter_map(|balancer| balancer.value(P95, at));
        Minute {
            at,
            requests: sum(REQUESTS) + sum(ELB_5XX),
            errors: sum(TARGET_5XX) + sum(ELB_5XX),
            p95_ms: slowest.reduce(f64::max).map(|seconds| seconds * 1_000.0),
        }
    };
    Ok(times.into_iter().rev().map(minute).collect())
}

/// Requests per second in the minute nearest to a time; `None` where none of them has a point of it.
pub(super) fn requests_at(
    fleet: &Fleet,
    place: &Place,
    balancers: &BTreeSet<&str>,
    at: Timestamp,
) -> Option<f64> {
    let series = balancers
        .iter()
        .filter_map(|arn| fleet.series(place, &load_balancer_key(arn, WHAT[REQUESTS])));
    let points = || series.clone().flat_map(|series| &series.points);
    let minute = nearest(points().map(|point| point.at), at)?;
    let counts = points().filter(|point| point.at == minute);
    Some(counts.map(|point| point.value).sum::<f64>() / PERIOD.as_secs_f64())
}

/// Period of the load balancer series.
pub(super) const PERIOD: Duration = Duration::from_secs(60);

const WHAT: [&str; 5] = ["requests", "target-5xx", "elb-5xx", "p95", "p99"];
const REQUESTS: usize = 0;
const TARGET_5XX: usize = 1;
const ELB_5XX: usize = 2;
const P95: usize = 3;
const P99: usize = 4;

/// The series of one load balancer, in the order of `WHAT`; `None` until they were read.
struct Balancer<'a> {
    series: [Option<&'a Series>; 5],
    /// Start of the newest settled period in which anything was counted.
    at: Option<Timestamp>,
}

impl<'a> Balancer<'a> {
    fn of(fleet: &'a Fleet, place: &Place, arn: &str) -> Self {
        let series = WHAT.map(|what| fleet.series(place, &load_balancer_key(arn, what)));
        let counters = [REQUESTS, TARGET_5XX, ELB_5XX];
        let latest = |what: &usize| series[*what]?.latest(fleet.now);
        Self {
            series,
            at: counters
                .iter()
                .filter_map(latest)
                .map(|point| point.at)
                .max(),
        }
    }

    fn value(&self, what: usize, at: Timestamp) -> Option<f64> {
        let points: &[Point] = &self.series[what]?.points;
        points
            .iter()
            .find(|point| point.at == at)
            .map(|point| point.value)
    }
}

/// Why a value of these series would not be known, `unread` where one is not there at all; `NoData` when all of them were read in full.
fn missing(all: &[Balancer<'_>], what: &[usize], unread: Reading) -> Reading {
    let qualities = || {
        all.iter()
            .flat_map(|balancer| what.iter().map(|what| balancer.series[*what]))
            .map(|series| series.map(|series| series.quality))
    };
    if qualities().any(|quality| quality == Some(Quality::Forbidden)) {
        Reading::Forbidden
    } else if qualities().any(|quality| quality.is_none()) {
        unread
    } else if qualities().any(|quality| quality != Some(Quality::Complete)) {
        Reading::Failed
    } else {
        Reading::NoData
    }
}

fn at_end_of(at: Timestamp, value: f64, fleet: &Fleet) -> Reading {
    Reading::Value {
        value,
        at,
        freshness: fleet.series_limits(60).judge(Some(at + PERIOD), fleet.now),
    }
}
