//! Which alerts fire in the Prometheus of a region of the simulated world: a version that fails too many of its requests. Owns the rule; `sim::world::meters` counts.

use crate::{
    resources::{
        Place,
        alarms::{Alarm, AlarmType},
    },
    sim::{World, world::meters::EVERY},
};

/// Share of failing requests above which a version is alerted about.
const TOO_MANY: f64 = 0.05;
/// Samples in a row that it takes: a minute.
const SAMPLES: usize = 4;

/// The alerts that fire in the region.
pub fn observe(world: &World, place: &Place) -> Vec<Alarm> {
    let Some(region) = world.region(place) else {
        return Vec::new();
    };
    let newest = world.meters.of(region).next();
    let meters = newest.map_or(&[][..], |(_, meters)| meters);
    let alerts = meters.iter().filter_map(|meter| {
        let before = world.meters.of(region).map(|(t, meters)| {
            let same = |other: &&_| {
                let other: &crate::sim::world::meters::Meter = other;
                other.service == meter.service && other.version == meter.version
            };
            (t, meters.iter().find(same).map_or(0.0, |same| same.failing))
        });
        let bad: Vec<i64> = before
            .take_while(|(_, failing)| *failing > TOO_MANY)
            .map(|(t, _)| t)
            .collect();
        let since = bad.last().filter(|_| bad.len() >= SAMPLES)?;
        let labels = [
            ("namespace", "shop"),
            ("service", &meter.service),
            ("severity", "warning"),
            ("version", &meter.version),
        ];
        let labels = labels.into_iter().filter(|(_, value)| !value.is_empty());
        let dimensions: Vec<(String, String)> = labels
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Some(Alarm {
            name: "ServiceFailing".to_owned(),
            arn: None,
            alarm_type: AlarmType::Alert,
            state: "ALARM".to_owned(),
            reason: Some(format!(
                "service {} fails {:.0} %",
                meter.service,
                meter.failing * 100.0
            )),
            since: Some(world.timestamp(since - EVERY)),
            actions_enabled: true,
            evaluation: None,
            metric: None,
            rule: None,
            dimensions,
            actions: Vec::new(),
        })
    });
    alerts.collect()
}
