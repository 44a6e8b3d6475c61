//! What the other regions get when one is drained, and how many times their nodes that takes. Owns the arithmetic of domain B.5; knows no node group.

use super::super::region;
use crate::{
    plan::forecast::Forecast,
    resources::{
        Fleet, RegionLabel,
        regions::{capacity::Capacity, demand},
    },
};

/// The utilisation that receivers shall have after the shift, in percent.
pub const WANTED_PERCENT: f64 = 70.0;

/// What each other region gets when one loses all its traffic. The shares of the others grow in proportion; where they are not known, what they serve now stands in.
pub fn forecast(fleet: &Fleet, away: &RegionLabel) -> Vec<Forecast> {
    let share = |label: &RegionLabel| fleet.rollup(label).share.as_ref()?.fraction;
    // All in one minute: what has moved already is not counted where it was and where it is.
    let rates = demand::in_one_minute(fleet);
    let rps = |label: &RegionLabel| {
        let of = rates.iter().find(|(known, _)| *known == label);
        of.and_then(|(_, rate)| *rate)
    };
    // A region to which nothing is steered any more has nothing left to give.
    let moving = rps(away).or((share(away) == Some(0.0)).then_some(0.0));
    let others: Vec<&RegionLabel> = fleet
        .estate
        .regions
        .iter()
        .map(|spec| &spec.label)
        .filter(|label| *label != away && !region::lost(fleet, label) && share(label) != Some(0.0))
        .collect();
    let weights: Option<Vec<f64>> = others
        .iter()
        .map(|label| share(label))
        .collect::<Option<Vec<f64>>>()
        .or_else(|| others.iter().map(|label| rps(label)).collect());
    let total: f64 = weights.iter().flatten().sum();
    others
        .iter()
        .enumerate()
        .map(|(index, label)| {
            let part = weights
                .as_ref()
                .filter(|_| total > 0.0)
                .map(|weights| weights[index] / total);
            let with = |more: Option<f64>| Some(rps(label)? + more?);
            Forecast {
                region: (*label).clone(),
                share_before: share(label),
                share_after: share(label)
                    .and(share(away))
                    .zip(part)
                    .map(|(away, part)| share(label).unwrap_or_default() + away * part),
                rps_before: region::rps(fleet, label),
                rps_after: with(moving.zip(part).map(|(moving, part)| moving * part)),
                rps_worst: with(moving),
                capacity_rps: Capacity::of(fleet, label).usable(),
            }
        })
        .collect()
}

/// How many times the nodes that are wanted now a receiver must have to stay at the wanted utilisation, given what it serves once all of those are Ready.
pub fn factor(forecast: &Forecast, wanted_rps: Option<f64>) -> Option<f64> {
    let capacity = wanted_rps.filter(|rps| *rps > 0.0)?;
    let times = forecast.rps_after? / capacity * 100.0 / WANTED_PERCENT;
    // In whole tenths upwards, so that a reading that trembles gives the same plan; 1.3000000000000003 tenths are 13, not 14.
    Some((times * 10.0 - 1e-6).ceil() / 10.0)
}

/// A number of nodes times a factor, upwards.
pub fn nodes(now: i32, factor: f64) -> i32 {
    let wanted = (f64::from(now) * factor - 1e-6).ceil();
    // A node group has at most a few hundred nodes; a product beyond the range is no plan.
    #[allow(clippy::cast_possible_truncation)]
    let wanted = wanted.clamp(0.0, f64::from(i32::MAX)) as i32;
    wanted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn getting(after: f64) -> Forecast {
        Forecast {
            region: RegionLabel::new("eu").unwrap(),
            share_before: None,
            share_after: None,
            rps_before: Some(0.0),
            rps_after: Some(after),
            rps_worst: Some(after),
            capacity_rps: None,
        }
    }

    #[test]
    fn a_receiver_is_scaled_to_seventy_percent_and_never_rounded_down() {
        let capacity = Some(1_000.0);
        assert_eq!(factor(&getting(700.0), capacity), Some(1.0));
        assert_eq!(factor(&getting(701.0), capacity), Some(1.1));
        assert_eq!(factor(&getting(910.0), capacity), Some(1.3));
        assert_eq!(factor(&getting(1_200.0), capacity), Some(1.8));
        assert_eq!(factor(&getting(1_200.0), None), None);
        assert_eq!(nodes(4, 1.8), 8);
        assert_eq!(nodes(10, 1.3), 13);
        assert_eq!(nodes(3, 1.0), 3);
    }
}
