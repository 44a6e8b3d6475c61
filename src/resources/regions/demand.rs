//! What a region's load balancers say about its users: requests, errors, latency. Owns the rules of domain A.9 for adding series up (missing is not zero, units, late points); never averages a percentile.

use std::{collections::BTreeSet, time::Duration};

use jiff::Timestamp;
use serde::Serialize;

use crate::resources::{
    Fleet, Place, RegionLabel, Source, age,
    metrics::{Point, Quality, Reading, Series},
    traffic::{Mechanism, Split, load_balancer_key, share::Share},
};

/// Requests, errors and latency of a region. `None`: the region has no load balancer that could tell.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Demand {
    /// Requests per second over all load balancers that carry user traffic.
    pub requests_per_second: Option<Reading>,
    /// Failed requests in percent of all, 0 to 100.
    pub error_percent: Option<Reading>,
    /// 95th percentile of the response time in milliseconds, of the worst load balancer.
    pub p95_ms: Option<Reading>,
    /// 99th percentile of the response time in milliseconds, of the worst load balancer.
    pub p99_ms: Option<Reading>,
}

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
    let arn = |row: &'a Split| match &row.by {
        Mechanism::Forward(forward)
            if forward.load_balancer_type.as_deref() == Some("application")
                && (wanted.is_empty() || wanted.contains(&forward.load_balancer_name)) =>
        {
            Some(forward.load_balancer_arn.as_str())
        }
        Mechanism::Forward(_)
        | Mechanism::Record(_)
        | Mechanism::Dial(_)
        | Mechanism::Alias(_)
        | Mechanism::Distribution(_)
        | Mechanism::Control(_)
        | Mechanism::Route(_)
        | Mechanism::Rollout(_) => None,
    };
    slice.rows.iter().filter_map(arn).collect()
}

impl Demand {
    /// What is known for a region now.
    pub fn of(fleet: &Fleet, label: &RegionLabel) -> Self {
        let place = Place::Region(label.clone());
        match fleet.traffic.slice(Source::LoadBalancers, &place) {
            None => return Self::default(),
            Some(slice) if slice.observed_at.is_none() => {
                return Self::all(fleet.unread(Source::LoadBalancers, &place));
            }
            Some(_) => {}
        }
        let balancers = load_balancers(fleet, label);
        if balancers.is_empty() {
            return Self::default();
        }
        let all: Vec<Balancer> = balancers
            .iter()
            .map(|arn| Balancer::of(fleet, &place, arn))
            .collect();
        let unread = fleet.unread(Source::Metrics, &place);
        let Some(newest) = all.iter().filter_map(|balancer| balancer.at).max() else {
            let none = |what| Some(missing(&all, &[what], unread));
            return Self {
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
        let failed = (asked > 0.0)
            .then(|| ((sum(TARGET_5XX) + sum(ELB_5XX)) / asked * 100.0).clamp(0.0, 100.0));
        let milliseconds = |what| worst(what).map(|seconds| seconds * 1_000.0);
        Self {
            requests_per_second: reading(Some(sum(REQUESTS) / PERIOD.as_secs_f64()), &[REQUESTS]),
            error_percent: reading(failed, &errors),
            p95_ms: reading(milliseconds(P95), &[P95]),
            p99_ms: reading(milliseconds(P99), &[P99]),
        }
    }

    fn all(reading: Reading) -> Self {
        Self {
            requests_per_second: Some(reading),
            error_percent: Some(reading),
            p95_ms: Some(reading),
            p99_ms: Some(reading),
        }
    }
}

/// Requests per second of every region, all of them in one minute: the newest that each region with a number has. Load that has moved since a region fell silent
/// would otherwise be counted twice, there by its last number and by the newest one where it arrives.
pub fn in_one_minute(fleet: &Fleet) -> Vec<(&RegionLabel, Option<f64>)> {
    let newest: Vec<(&RegionLabel, Option<(f64, Timestamp)>)> = fleet
        .estate
        .regions
        .iter()
        .map(|spec| {
            let reading = fleet.rollup(&spec.label).demand.requests_per_second;
            let known = match reading {
                Some(Reading::Value { value, at, .. })
                    if reading.and_then(Reading::usable).is_some() =>
                {
                    Some((value, at))
                }
                Some(
                    Reading::Value { .. }
                    | Reading::NeverRead
                    | Reading::Failed
                    | Reading::NoData
                    | Reading::Forbidden,
                )
                | None => None,
            };
            (&spec.label, known)
        })
        .collect();
    let common = newest
        .iter()
        .filter_map(|(_, known)| known.map(|(_, at)| at))
        .min();
    newest
        .into_iter()
        .map(|(label, known)| {
            let rate = known.zip(common).map(|((value, at), common)| {
                let then = (at > common).then(|| requests_at(fleet, label, common));
                // Without a point of that minute the newest one stands in.
                then.flatten().unwrap_or(value)
            });
            (label, rate)
        })
        .collect()
}

/// The same, where a region to which nothing is steered and that measures nothing has none.
pub fn served(fleet: &Fleet) -> Vec<(&RegionLabel, Option<f64>)> {
    let idle = |label: &RegionLabel| {
        let share = fleet.shares.region_share(label).ok();
        share.and_then(Share::value) == Some(0.0)
    };
    in_one_minute(fleet)
        .into_iter()
        .map(|(label, rate)| (label, rate.or_else(|| idle(label).then_some(0.0))))
        .collect()
}

/// Requests per second of all regions together, in one minute.
pub fn total(fleet: &Fleet) -> Option<f64> {
    served(fleet).into_iter().map(|(_, rate)| rate).sum()
}

/// A minute of a region.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Minute {
    /// Its begin.
    pub at: Timestamp,
    /// Requests in it, those included that a load balancer refused.
    pub requests: f64,
    /// Of these failed.
    pub errors: f64,
    /// p95 in milliseconds, of the worst load balancer.
    pub p95_ms: Option<f64>,
}

/// The complete minutes of a region in which anything was counted, the newest first; or why there are none.
pub fn minutes(fleet: &Fleet, label: &RegionLabel) -> Result<Vec<Minute>, String> {
    let place = Place::Region(label.clone());
    let balancers = load_balancers(fleet, label);
    if balancers.is_empty() {
        return Err(format!("no load balancer tells about {label}"));
    }
    let all: Vec<Balancer> = balancers
        .iter()
        .map(|arn| Balancer::of(fleet, &place, arn))
        .collect();
    let needed = [REQUESTS, TARGET_5XX, ELB_5XX, P95];
    match missing(&all, &needed, fleet.unread(Source::Metrics, &place)) {
        Reading::NoData | Reading::Value { .. } => {}
        Reading::NeverRead => return Err("its metrics were not read yet".to_owned()),
        Reading::Failed => return Err("its metrics could not be read in full".to_owned()),
        Reading::Forbidden => return Err("its metrics may not be read".to_owned()),
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

/// Requests per second of a region in the minute that began at a time; `None` where no load balancer has a point of it.
fn requests_at(fleet: &Fleet, label: &RegionLabel, at: Timestamp) -> Option<f64> {
    let place = Place::Region(label.clone());
    let counts: Vec<f64> = load_balancers(fleet, label)
        .iter()
        .filter_map(|arn| fleet.series(&place, &load_balancer_key(arn, WHAT[REQUESTS])))
        .filter_map(|series| series.points.iter().find(|point| point.at == at))
        .map(|point| point.value)
        .collect();
    (!counts.is_empty()).then(|| counts.iter().sum::<f64>() / PERIOD.as_secs_f64())
}

/// Period of the load balancer series.
const PERIOD: Duration = Duration::from_secs(60);

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
