//! What the surviving regions would get: shares by the same functions as for the real fleet, requests from the total. Owns no threshold.

use crate::{
    actions::kit::region,
    plan::forecast::Forecast,
    resources::{
        Change, Fleet, RegionLabel,
        imagine::Imagined,
        regions::{capacity::Capacity, demand, gains},
    },
};

/// The effective share of a region, if it is a number.
pub fn share(fleet: &Fleet, label: &RegionLabel) -> Option<f64> {
    fleet.shares.region_share(label).ok()?.value()
}

/// What each region but `losing` gets when some changes are done. `losing` gives up everything that it serves.
pub fn of(fleet: &Fleet, changes: &[Change], losing: Option<&RegionLabel>) -> Vec<Forecast> {
    let mut imagined = Imagined::of(fleet);
    imagined.take(changes);
    let rates = demand::served(fleet);
    let total = demand::total(fleet);
    let moving = losing.and_then(|losing| {
        let rate = rates.iter().find(|(label, _)| *label == losing);
        rate.and_then(|(_, rate)| *rate)
    });
    let gains = gains::most(fleet, changes);
    let others = rates.iter().filter(|(label, _)| Some(*label) != losing);
    others
        .map(|(label, rate)| {
            let after = share(imagined.fleet(), label);
            let by_share = total.zip(after).map(|(total, share)| total * share);
            let base = if fleet.shares.by_gateways() {
                *rate
            } else {
                by_share.or(*rate)
            };
            let rps_after = match gains.get(*label) {
                None => by_share,
                Some(gain) => base.zip(*gain).map(|(rate, gain)| rate + gain),
            };
            let worst = match losing {
                Some(_) => rate.zip(moving).map(|(rate, moving)| rate + moving),
                None => rps_after,
            };
            Forecast {
                region: (*label).clone(),
                share_before: share(fleet, label),
                share_after: after,
                rps_before: region::rps(fleet, label),
                rps_after,
                rps_worst: worst,
                capacity_rps: Capacity::of(fleet, label).usable(),
            }
        })
        .collect()
}

/// What an operator should hear about the receivers: who would be too full.
pub fn remarks(fleet: &Fleet, forecasts: &[Forecast]) -> Vec<String> {
    let limit = fleet.estate.thresholds.utilisation_bad_percent;
    let full = forecasts.iter().filter_map(|forecast| {
        let used = [forecast.utilisation_after(), forecast.utilisation_worst()];
        let most = used.into_iter().flatten().fold(0.0, f64::max);
        (most > limit).then(|| {
            format!(
                "{} would serve up to {most:.0} % of its capacity (limit {limit:.0} %): plan `scale-receivers` first",
                forecast.region
            )
        })
    });
    full.collect()
}
