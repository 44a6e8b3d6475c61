//! How much traffic is steered to a region, and where a canary is out. Owns the one place where the roll-up and the views look up effective shares; computes none of them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::resources::{
    Fleet, Freshness, Place, RegionLabel, Source,
    traffic::{Mechanism, share as traffic},
};

/// The effective traffic share of a region or of a member of a split, as far as it is known.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Share {
    /// 0.0 to 1.0; `None` when health or weights are not known well enough, or who asks decides.
    pub fraction: Option<f64>,
    /// Whether it is more than nothing, where it lies between two numbers; `None` when that is not known.
    #[serde(skip)]
    pub some: Option<bool>,
    /// In the fewest characters that still tell: `46%`, `?`.
    pub text: String,
    /// Whether it is used only because nothing is healthy; `None` when that is not known.
    pub fail_open: Option<bool>,
    /// What is worth saying about it, or why it is not known.
    pub note: Option<String>,
    /// Of the records that it comes from.
    pub freshness: Freshness,
}

impl Share {
    fn of(share: traffic::Share, freshness: Freshness) -> Self {
        Self {
            fraction: share.value(),
            some: share.range().and(share.answers()),
            text: share.text(),
            fail_open: share.fail_open,
            note: share.remark.map(|remark| remark.words().to_owned()),
            freshness,
        }
    }

    fn unknown(reason: Option<&str>, freshness: Freshness) -> Self {
        Self {
            fraction: None,
            some: None,
            text: "?".to_owned(),
            fail_open: None,
            note: reason.map(str::to_owned),
            freshness,
        }
    }
}

/// A split between two versions that is neither off nor finished.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Canary {
    /// The load balancer and rule, the function and alias, or the route.
    pub split: String,
    /// The smaller member: target group, version, or backend.
    pub member: String,
    /// Its share in percent, above 0 and at most 50.
    pub percent: f64,
}

/// The source whose answers hold members of this mechanism.
pub fn source(by: &Mechanism) -> Source {
    match by {
        Mechanism::Record(_) => Source::Records,
        Mechanism::Dial(_) => Source::Accelerators,
        Mechanism::Forward(_) => Source::LoadBalancers,
        Mechanism::Alias(_) => Source::Aliases,
        Mechanism::Distribution(_) => Source::Distributions,
        Mechanism::Control(_) => Source::RoutingControls,
        Mechanism::Route(_) => Source::Routes,
        Mechanism::Rollout(_) => Source::Rollouts,
    }
}

/// The effective share of one member of a split; `None` when there is no such member.
pub fn member_share(fleet: &Fleet, source: Source, place: &Place, key: &str) -> Option<Share> {
    let freshness = fleet.freshness(source, place);
    let share = fleet.shares.get(source, place, key)?;
    Some(Share::of(share, freshness))
}

/// The share of the first managed name that goes to a region, or of what the gateways of a mesh send there; `None` when nothing that we know steers traffic to it.
pub fn region_share(fleet: &Fleet, label: &RegionLabel) -> Option<Share> {
    let freshness = if fleet.shares.by_gateways() {
        let places = fleet.estate.places(Source::Routes).into_iter();
        let oldest = places
            .map(|place| fleet.freshness(Source::Routes, &place))
            .max();
        oldest.unwrap_or(Freshness::Never)
    } else {
        fleet.estate.names.first()?;
        fleet.freshness(Source::Records, &Place::Global)
    };
    match fleet.shares.region_share(label) {
        Ok(share) => Some(Share::of(share, freshness)),
        Err(reason) => Some(Share::unknown(Some(reason), freshness)),
    }
}

/// When what decides the shares was last read; the oldest of several gateways.
pub fn told_at(fleet: &Fleet) -> Option<Timestamp> {
    if !fleet.shares.by_gateways() {
        return fleet.status(Source::Records, &Place::Global).observed_at;
    }
    let places = fleet.estate.places(Source::Routes).into_iter();
    let read = places.map(|place| fleet.status(Source::Routes, &place).observed_at);
    read.min().flatten()
}

/// Canaries out in a region: rules with more than one weighted target group or backend, aliases with more than one version.
pub fn canaries(fleet: &Fleet, place: &Place) -> Vec<Canary> {
    let mut members: BTreeMap<(String, &str), Vec<(String, f64)>> = BTreeMap::new();
    let sources = [
        Source::LoadBalancers,
        Source::Aliases,
        Source::Routes,
        Source::Rollouts,
    ];
    for source in sources {
        let Some(slice) = fleet.traffic.slice(source, place) else {
            continue;
        };
        for row in &slice.rows {
            let (split, weight) = match &row.by {
                Mechanism::Forward(forward) => (
                    format!("{} {}", forward.load_balancer_name, forward.priority),
                    f64::from(forward.weight),
                ),
                Mechanism::Alias(alias) => {
                    (format!("{}:{}", alias.function, alias.alias), alias.weight)
                }
                Mechanism::Rollout(version) => (row.split.clone(), version.weight()),
                // What leads to another region is none of its canaries.
                Mechanism::Route(_) if row.region(fleet, place) != place.region() => continue,
                Mechanism::Route(backend) => (row.split.clone(), f64::from(backend.weight)),
                Mechanism::Record(_)
                | Mechanism::Dial(_)
                | Mechanism::Distribution(_)
                | Mechanism::Control(_) => continue,
            };
            let weighted = members.entry((split, &row.split)).or_default();
            if weight > 0.0 {
                weighted.push((row.member.clone(), weight));
            }
        }
    }
    let canary = |((split, _), weighted): ((String, &str), Vec<(String, f64)>)| {
        if weighted.len() < 2 {
            return None;
        }
        let total: f64 = weighted.iter().map(|(_, weight)| weight).sum();
        let (member, weight) = weighted.into_iter().min_by(|a, b| a.1.total_cmp(&b.1))?;
        Some(Canary {
            split,
            member,
            percent: weight / total * 100.0,
        })
    };
    members.into_iter().filter_map(canary).collect()
}
