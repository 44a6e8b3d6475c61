//! Gates: whether regions stay healthy while a step is watched. Owns the thresholds' meaning; no data counts as failing.

use jiff::Timestamp;

use super::canaries::{self, Canary};
use crate::resources::{
    Change, Fleet, Place, RegionLabel,
    metrics::Reading,
    regions::{demand, rollup::Rollup},
};

/// What a gate says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gate {
    /// Everything is within its limits, seen after the change.
    Holds,
    /// Nothing has been seen since the change.
    NoData(String),
    /// A limit is passed.
    Breached(String),
}

/// Percent of its capacity from which on a region is saturated. The limits of the forecast (G-CAP) are lower: they leave room for what is about to come,
/// while here it has come, and errors and latency tell whether it hurts.
const SATURATED: f64 = 100.0;

/// What one of those that are watched says.
struct Told {
    gate: Gate,
    /// Whether nothing is there that could tell.
    mute: bool,
}

/// Judges regions by what was measured after `since`, and the canaries that changes gave more users by their own requests, where those are measured.
pub fn judge<'a>(
    fleet: &Fleet,
    regions: &[RegionLabel],
    changes: impl Iterator<Item = &'a Change>,
    since: Timestamp,
) -> Gate {
    let mut silent = None;
    for told in watched(fleet, regions, changes, since) {
        match told.gate {
            Gate::Holds => {}
            Gate::NoData(text) => silent = silent.or(Some(text)),
            breached @ Gate::Breached(_) => return breached,
        }
    }
    silent.map_or(Gate::Holds, Gate::NoData)
}

/// Whether everything that is silent there has nothing that could tell: no load balancer, and no Prometheus or one that answers and has no number of it.
pub fn mute<'a>(
    fleet: &Fleet,
    regions: &[RegionLabel],
    changes: impl Iterator<Item = &'a Change>,
    since: Timestamp,
) -> bool {
    let all = watched(fleet, regions, changes, since);
    all.iter().all(|told| match told.gate {
        Gate::Holds => true,
        Gate::NoData(_) => told.mute,
        Gate::Breached(_) => false,
    })
}

fn watched<'a>(
    fleet: &Fleet,
    regions: &[RegionLabel],
    changes: impl Iterator<Item = &'a Change>,
    since: Timestamp,
) -> Vec<Told> {
    let canaries: Vec<Canary> = changes
        .flat_map(|change| canaries::of(fleet, change))
        .filter(|canary| canary.measured(fleet))
        .collect();
    let own = canaries.iter().map(|canary| Told {
        gate: canary.judge(fleet, since),
        mute: canary.mute(fleet),
    });
    let regions = regions.iter().filter_map(|label| {
        // Where nobody could tell of all users, the canary tells for itself.
        let place = Place::Region(label.clone());
        let told = canaries.iter().any(|canary| canary.place == place);
        let (gate, mute) = (region(fleet, label, since), demand::mute(fleet, label));
        let left_out = told && mute && matches!(gate, Gate::NoData(_));
        (!left_out).then_some(Told { gate, mute })
    });
    own.chain(regions).collect()
}

/// One value against its limit. `at` is the start of the period: what began before the change says nothing about it.
pub(super) fn value(reading: Option<Reading>, since: Timestamp) -> Option<f64> {
    match reading {
        Some(Reading::Value { value, at, .. }) if at >= since => Some(value),
        Some(
            Reading::Value { .. }
            | Reading::NeverRead
            | Reading::Failed
            | Reading::NoData
            | Reading::Forbidden,
        )
        | None => None,
    }
}

fn region(fleet: &Fleet, label: &RegionLabel, since: Timestamp) -> Gate {
    let rollup: std::borrow::Cow<'_, Rollup> = fleet.rollup(label);
    let limits = &fleet.estate.thresholds;
    if rollup.reach.lost(fleet.now) {
        return Gate::Breached(format!("{label} does not answer"));
    }
    let demand = &rollup.demand;
    let checks = [
        (
            "error rate",
            demand.error_percent,
            limits.error_bad_percent,
            "%",
        ),
        ("p95", demand.p95_ms, limits.p95_bad_ms, "ms"),
        ("utilisation", rollup.utilisation_percent, SATURATED, "%"),
        (
            "database lag",
            rollup.databases.lag_ms,
            limits.database_lag_bad_ms,
            "ms",
        ),
    ];
    let breach = checks.iter().find_map(|(what, reading, limit, unit)| {
        let value = value(*reading, since)?;
        (value > *limit).then(|| format!("{label}: {what} {value:.1} {unit} above {limit} {unit}"))
    });
    if let Some(text) = breach {
        return Gate::Breached(text);
    }
    // Errors and latency are what users feel; without them nothing is known.
    match (
        value(demand.error_percent, since),
        value(demand.p95_ms, since),
    ) {
        (Some(_), Some(_)) => Gate::Holds,
        (_, _) => Gate::NoData(format!(
            "{label}: no error rate and latency since the change"
        )),
    }
}
