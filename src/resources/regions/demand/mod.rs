//! What the users of a region get: requests, errors, latency. Owns who tells about them: its application load balancers, or where it has none its Prometheus; never both.

mod balancers;
mod prometheus;

use std::{collections::BTreeSet, time::Duration};

use jiff::Timestamp;
use serde::Serialize;

pub use self::balancers::load_balancers;
use crate::resources::{
    Fleet, Place, RegionLabel, Source, metrics::Reading, traffic::share::Share,
};

/// Requests, errors and latency of a region. `None`: nobody is there who could tell.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Demand {
    /// Requests per second over everything that carries user traffic.
    pub requests_per_second: Option<Reading>,
    /// Failed requests in percent of all, 0 to 100.
    pub error_percent: Option<Reading>,
    /// 95th percentile of the response time in milliseconds, of the worst load balancer, or over all of them by a Prometheus.
    pub p95_ms: Option<Reading>,
    /// 99th percentile of the response time in milliseconds, likewise.
    pub p99_ms: Option<Reading>,
}

/// Who tells what the users of a region get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Teller<'a> {
    /// Nobody: it has no load balancer that could tell, and no Prometheus.
    Nobody,
    /// Not known, because its load balancers were never read.
    Unread,
    /// Its application load balancers, by ARN.
    Balancers(BTreeSet<&'a str>),
    /// Its Prometheus.
    Prometheus,
}

impl<'a> Teller<'a> {
    /// Who tells about a region. A Prometheus tells where no application load balancer does: a region that AWS does not serve, or whose users come by a network load balancer to a mesh.
    pub fn of(fleet: &'a Fleet, label: &RegionLabel) -> Self {
        let place = Place::Region(label.clone());
        let slice = fleet.traffic.slice(Source::LoadBalancers, &place);
        if slice.is_some_and(|slice| slice.observed_at.is_none()) {
            return Self::Unread;
        }
        let balancers = load_balancers(fleet, label);
        if !balancers.is_empty() {
            Self::Balancers(balancers)
        } else if fleet.estate.measures_services(&place) {
            Self::Prometheus
        } else {
            Self::Nobody
        }
    }

    /// The source whose answers tell it.
    pub fn source(&self) -> Option<Source> {
        match self {
            Self::Nobody => None,
            Self::Unread => Some(Source::LoadBalancers),
            Self::Balancers(_) => Some(Source::Metrics),
            Self::Prometheus => Some(Source::Prometheus),
        }
    }

    /// Over how long one of its numbers is taken.
    pub fn period(&self, fleet: &Fleet, label: &RegionLabel) -> Duration {
        match self {
            Self::Nobody | Self::Unread | Self::Balancers(_) => balancers::PERIOD,
            Self::Prometheus => {
                let server = fleet.estate.prometheus.get(label);
                server.map_or(balancers::PERIOD, |server| {
                    Duration::from_secs(u64::from(server.window))
                })
            }
        }
    }

    /// Who it is, in words.
    pub fn words(&self, fleet: &Fleet, label: &RegionLabel) -> String {
        match self {
            Self::Nobody => "nobody: no load balancer, no Prometheus".to_owned(),
            Self::Unread => "not known: its load balancers were not read yet".to_owned(),
            Self::Balancers(balancers) => match balancers.len() {
                1 => "1 load balancer".to_owned(),
                several => format!("{several} load balancers"),
            },
            Self::Prometheus => prometheus::words(fleet, &Place::Region(label.clone())),
        }
    }
}

impl Demand {
    /// What is known for a region now.
    pub fn of(fleet: &Fleet, label: &RegionLabel) -> Self {
        let place = Place::Region(label.clone());
        match Teller::of(fleet, label) {
            Teller::Nobody => Self::default(),
            Teller::Unread => Self::all(fleet.unread(Source::LoadBalancers, &place)),
            Teller::Balancers(balancers) => balancers::demand(fleet, &place, &balancers),
            Teller::Prometheus => prometheus::demand(fleet, &place),
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

/// Whether nobody can tell anything of the users of a region: nobody is there, or a Prometheus that answers and has no number of them.
pub fn mute(fleet: &Fleet, label: &RegionLabel) -> bool {
    let place = Place::Region(label.clone());
    match Teller::of(fleet, label) {
        Teller::Nobody => true,
        Teller::Unread | Teller::Balancers(_) => false,
        Teller::Prometheus => {
            let answers = fleet.status(Source::Prometheus, &place).error.is_none()
                && fleet.freshness(Source::Prometheus, &place).usable();
            let demand = prometheus::demand(fleet, &place);
            answers && demand == Demand::all(Reading::NoData)
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
    match Teller::of(fleet, label) {
        Teller::Nobody => Err(format!(
            "no load balancer and no Prometheus tells about {label}"
        )),
        Teller::Unread => {
            let why = unreadable(fleet.unread(Source::LoadBalancers, &place));
            Err(why.unwrap_or_else(|| "its load balancers were not read yet".to_owned()))
        }
        Teller::Balancers(balancers) => balancers::minutes(fleet, &place, &balancers),
        Teller::Prometheus => prometheus::minutes(fleet, &place),
    }
}

/// Why metrics tell nothing, where that is not for lack of points.
fn unreadable(reading: Reading) -> Option<String> {
    let why = match reading {
        Reading::NoData | Reading::Value { .. } => return None,
        Reading::NeverRead => "its metrics were not read yet",
        Reading::Failed => "its metrics could not be read in full",
        Reading::Forbidden => "its metrics may not be read",
    };
    Some(why.to_owned())
}

/// Requests per second of a region in the minute that began at about a time; `None` where nobody has a point of it.
fn requests_at(fleet: &Fleet, label: &RegionLabel, at: Timestamp) -> Option<f64> {
    let place = Place::Region(label.clone());
    match Teller::of(fleet, label) {
        Teller::Nobody | Teller::Unread => None,
        Teller::Balancers(balancers) => balancers::requests_at(fleet, &place, &balancers, at),
        Teller::Prometheus => prometheus::requests_at(fleet, &place, at),
    }
}

/// How far a minute may be from the one that is asked for: those of CloudWatch begin with the clock's, those of a Prometheus with its polls.
const APART: u64 = 30;

/// The time that is nearest to another, if it is near enough.
fn nearest(times: impl Iterator<Item = Timestamp>, to: Timestamp) -> Option<Timestamp> {
    let apart = |at: &Timestamp| at.as_second().abs_diff(to.as_second());
    times.min_by_key(apart).filter(|at| apart(at) <= APART)
}

#[cfg(test)]
mod tests;
