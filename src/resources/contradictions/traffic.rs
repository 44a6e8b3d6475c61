//! What is steered against what arrives, and what Route 53 and the recovery cluster really do with what they were told. Owns the patience that caches and late metrics need.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;

use super::{Contradiction, join};
use crate::resources::{
    Fleet, Freshness, Place, RegionLabel, Severity, Source, age,
    cell::{coarse_age, percent, rate},
    health_checks,
    metrics::Reading,
    regions::{demand::Teller, rollup::Drained},
    traffic::{Mechanism, Policy, Record},
};

/// A region that gets more than this share of all requests although nothing is steered to it is not merely draining.
const RESIDUAL: f64 = 0.02;
/// A share below this may well bring no request in a minute.
const SMALL_SHARE: f64 = 0.01;
/// Metrics show a change this late: two periods until a point settles, and the minute between two reads.
const METRIC_DELAY: Duration = Duration::from_secs(180);
/// What resolvers make of an alias target (domain C, G-TTL).
const ALIAS_TTL_SECONDS: u32 = 60;

/// Contradictions about traffic.
pub fn find(fleet: &Fleet) -> Vec<Contradiction> {
    let mut found = fail_open(fleet);
    found.extend(steering(&steered(fleet), tail(fleet), fleet.now));
    found.extend(all_zero(fleet));
    found.extend(controls(fleet));
    found
}

/// The members of each split of Route 53, with whether their check says healthy (`None` where they have no check or it is not known).
fn record_sets(fleet: &Fleet) -> BTreeMap<&str, Vec<&Record>> {
    let mut sets: BTreeMap<&str, Vec<&Record>> = BTreeMap::new();
    let slice = fleet.traffic.slice(Source::Records, &Place::Global);
    for row in slice.into_iter().flat_map(|slice| &slice.rows) {
        if let Mechanism::Record(record) = &row.by {
            sets.entry(&row.split).or_default().push(record);
        }
    }
    sets
}

fn fail_open(fleet: &Fleet) -> Vec<Contradiction> {
    let fails = |id: &Option<String>| {
        id.as_deref()
            .is_some_and(|id| health_checks::healthy(fleet, id) == Some(false))
    };
    record_sets(fleet)
        .into_iter()
        .filter(|(_, records)| records.iter().all(|record| fails(&record.health_check_id)))
        .map(|(split, records)| Contradiction {
            severity: Severity::Bad,
            regions: Vec::new(),
            text: format!(
                "all {} health checks of {split} fail: Route 53 answers with every record (fail-open)",
                records.len()
            ),
        })
        .collect()
}

fn all_zero(fleet: &Fleet) -> Vec<Contradiction> {
    record_sets(fleet)
        .into_iter()
        .filter(|(_, records)| {
            records
                .iter()
                .all(|record| record.policy == Policy::Weighted { weight: 0 })
        })
        .map(|(split, _)| Contradiction {
            severity: Severity::Warn,
            regions: Vec::new(),
            text: format!("every weight of {split} is 0: Route 53 then answers with all alike"),
        })
        .collect()
}

/// What is steered to a region, and what arrives there.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Steered {
    pub(super) region: RegionLabel,
    /// 0.0 to 1.0.
    pub(super) share: f64,
    /// Requests per second; `None` when not known. No traffic is 0 only where the read itself is fresh.
    pub(super) requests: Option<f64>,
    pub(super) drained: Option<Drained>,
}

fn steered(fleet: &Fleet) -> Vec<Steered> {
    let of = |label: &RegionLabel| {
        let rollup = fleet.rollup(label);
        let place = Place::Region(label.clone());
        let source = Teller::of(fleet, label).source();
        // A load balancer publishes nothing when nothing comes; of a Prometheus that tells nothing nobody knows why.
        let read = source == Some(Source::Metrics)
            && fleet.freshness(Source::Metrics, &place) == Freshness::Fresh;
        let reading = rollup.demand.requests_per_second?;
        let requests = match reading {
            Reading::NoData if read => Some(0.0),
            other => other.usable(),
        };
        Some(Steered {
            region: label.clone(),
            share: rollup.share.as_ref()?.fraction?,
            requests,
            drained: fleet.drained(label),
        })
    };
    let regions = fleet.estate.regions.iter();
    regions.filter_map(|region| of(&region.label)).collect()
}

/// How long after a change of weights requests may still arrive: twice the longest TTL, and the delay of the metrics that show it.
fn tail(fleet: &Fleet) -> Duration {
    let slice = fleet.traffic.slice(Source::Records, &Place::Global);
    let ttls = slice
        .into_iter()
        .flat_map(|slice| &slice.rows)
        .filter_map(|row| match &row.by {
            Mechanism::Record(record) => Some(record.ttl.unwrap_or(ALIAS_TTL_SECONDS)),
            Mechanism::Dial(_)
            | Mechanism::Forward(_)
            | Mechanism::Alias(_)
            | Mechanism::Distribution(_)
            | Mechanism::Control(_)
            | Mechanism::Route(_)
            | Mechanism::Rollout(_) => None,
        });
    let longest = ttls.max().unwrap_or(ALIAS_TTL_SECONDS);
    Duration::from_secs(u64::from(longest) * 2) + METRIC_DELAY
}

pub(super) fn steering(regions: &[Steered], tail: Duration, now: Timestamp) -> Vec<Contradiction> {
    let total: f64 = regions.iter().filter_map(|region| region.requests).sum();
    if total <= 0.0 {
        return Vec::new();
    }
    let judge = |region: &Steered| {
        let requests = region.requests?;
        let text = if region.share <= 0.0 && requests > total * RESIDUAL {
            let since = match region.drained {
                // A drain that we saw is given the time that caches need.
                Some(drained) if drained.witnessed && age(drained.since, now) <= tail => {
                    return None;
                }
                Some(drained) if drained.witnessed => {
                    format!(
                        " {} after it was drained",
                        coarse_age(age(drained.since, now))
                    )
                }
                Some(_) | None => String::new(),
            };
            format!(
                "{}: share is 0, but still {} requests/s ({}){since}",
                region.region,
                rate(requests),
                percent(requests / total * 100.0),
            )
        } else if region.share >= SMALL_SHARE && requests <= 0.0 {
            format!(
                "{}: share is {}, but no request arrives",
                region.region,
                percent(region.share * 100.0)
            )
        } else {
            return None;
        };
        Some(Contradiction {
            severity: Severity::Warn,
            regions: vec![region.region.clone()],
            text,
        })
    };
    regions.iter().filter_map(judge).collect()
}

/// A routing control as the endpoints that answer see it.
struct Control<'a> {
    name: &'a str,
    on: Vec<String>,
    off: Vec<String>,
}

/// Routing controls whose state differs between the endpoints that answer.
fn controls(fleet: &Fleet) -> Vec<Contradiction> {
    let mut controls: BTreeMap<&str, Control<'_>> = BTreeMap::new();
    for (source, place, row) in fleet.traffic.rows() {
        let Mechanism::Control(control) = &row.by else {
            continue;
        };
        // An endpoint that has not answered for long only shows the past.
        if fleet.freshness(source, place) != Freshness::Fresh {
            continue;
        }
        let endpoint = match place {
            Place::Endpoint(region) => region.clone(),
            Place::Region(_) | Place::Global => place.to_string(),
        };
        let seen = controls.entry(&control.arn).or_insert_with(|| Control {
            name: &control.name,
            on: Vec::new(),
            off: Vec::new(),
        });
        match control.on {
            Some(true) => seen.on.push(endpoint),
            Some(false) => seen.off.push(endpoint),
            None => {}
        }
    }
    controls
        .into_values()
        .filter(|seen| !seen.on.is_empty() && !seen.off.is_empty())
        .map(|seen| Contradiction {
            severity: Severity::Warn,
            regions: Vec::new(),
            text: format!(
                "routing control {} is On at {}, Off at {}",
                seen.name,
                join(&seen.on),
                join(&seen.off)
            ),
        })
        .collect()
}
