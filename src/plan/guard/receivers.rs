//! Guards about the regions that get something: room, alarms, and whether what would stop the plan can be seen. A region that gets nothing is no receiver.

use std::time::Duration;

use super::{
    Guard, GuardId, Verdict, finding::Findings, nodes, origins, outlook::Outlook,
    snapshot::AT_THE_DOOR,
};
use crate::{
    plan::{Step, Wait, Work, canaries, forecast::Forecast},
    resources::{
        Change, Fleet, Freshness, Place, RegionLabel, Severity, Source, age,
        cell::{milliseconds, percent as percents},
        metrics::Reading,
        regions::{
            capacity::Capacity,
            demand::{self, Teller},
            rollup::SOURCES_OF_ALARMS,
        },
        traffic::{self, routes::leads::between_regions, share::Share},
    },
};

/// G-CAP.
pub fn capacity(outlook: &Outlook<'_>) -> Guard {
    let mut found = Findings::default();
    for label in &outlook.receiving {
        let forecast = outlook
            .plan
            .forecast
            .iter()
            .find(|forecast| forecast.region == *label);
        match forecast {
            Some(forecast) => room(outlook, forecast, &mut found),
            None => found.unknown(
                format!("nothing is forecast for {label}"),
                "plan again when its share is known",
            ),
        }
    }
    if outlook.receiving.is_empty() && !outlook.losing.is_empty() {
        found.unknown(
            "nobody is seen to get what is taken away",
            "plan again when the shares are known",
        );
    }
    for change in outlook.traffic() {
        if let traffic::Change::Invalidate {
            distribution_id,
            paths,
            ..
        } = change
        {
            origins::room(outlook, distribution_id, paths, &mut found);
        }
    }
    nodes::room(outlook, &mut found);
    found.guard(GuardId::Capacity, "no region gets more traffic")
}

fn room(outlook: &Outlook<'_>, forecast: &Forecast, found: &mut Findings) {
    let limits = &outlook.fleet.estate.thresholds;
    let (warn, bad) = (
        limits.utilisation_warn_percent,
        limits.utilisation_bad_percent,
    );
    let label = &forecast.region;
    let scale = format!("scale {label} up first, or move less");
    // The load is that of the plan; the capacity is what is there now.
    let capacity = Capacity::of(outlook.fleet, label);
    let Some(rps) = capacity.usable().filter(|rps| *rps > 0.0) else {
        let remedy = format!(
            "set `capacity_rps` of {label} in pilothouse.toml, or wait until its nodes are read"
        );
        found.unknown(
            format!("{label}: its capacity is not known, {}", capacity.how),
            remedy,
        );
        return;
    };
    let percent = |load: f64| load / rps * 100.0;
    let Some(load) = load(outlook, forecast) else {
        found.unknown(
            format!(
                "{label}: its load after the shift is not known (the forecast is of {})",
                outlook.plan.made_at.strftime("%H:%M:%SZ")
            ),
            format!("wait for request metrics of {label}"),
        );
        return;
    };
    let after = percent(load);
    let numbers = format!(" ({load:.0} of {rps:.0} rps: {})", capacity.how);
    if after > bad {
        // Close above the limit it says by how much: `85 % > 85 %` would explain nothing.
        let digits = usize::from(after < bad + 1.0);
        let text = format!("{label} {after:.digits$} % > {bad:.0} %{numbers}");
        found.fail(text, scale);
        return;
    }
    if after > warn {
        found.warn(
            format!("{label} {after:.0} % > {warn:.0} %{numbers}"),
            scale.clone(),
        );
    } else if capacity.presumed {
        found.warn(
            format!("{label} {after:.0} %{numbers}"),
            "wait until its new nodes are Ready",
        );
    } else {
        found.pass(format!("{label} {after:.0} %{numbers}"));
    }
    let rollup = outlook.fleet.rollup(label);
    let now = rollup.utilisation_percent.and_then(Reading::usable);
    if let Some(now) = now.filter(|now| *now > bad) {
        found.fail(format!("{label} is at {now:.0} % > {bad:.0} % now"), scale);
    } else if let Some(worst) = forecast.rps_worst.map(percent).filter(|worst| *worst > bad) {
        found.warn(
            format!("{label} {worst:.0} % > {bad:.0} % if it gets everything that moves"),
            scale,
        );
    }
}

/// How long a forecast holds: as long as the metrics of which it was made (domain C, G-STALE).
const FORECAST: Duration = Duration::from_secs(300);

/// By how much a measured load may differ from the forecast before it replaces it: what load does from minute to minute stops no run half-way.
const NOISE: f64 = 0.1;

/// Whether a change divides anew between regions what arrives at a gateway.
fn by_rule(change: &Change) -> bool {
    matches!(change, Change::Traffic(traffic::Change::Route { backends, .. }) if between_regions(backends))
}

/// Whether what is measured of a region is of the time before it was emptied, and says nothing about it: nothing is steered to it, or the run that gives it
/// something for the first time has only begun. Its metrics must be read; the watch after each step takes no data for a failure.
pub fn idle(outlook: &Outlook<'_>, label: &RegionLabel) -> bool {
    let fleet = outlook.fleet;
    let place = Place::Region(label.clone());
    let sources = [Source::Metrics, Source::Prometheus].into_iter();
    let mut asked = sources.filter(|source| fleet.estate.places(*source).contains(&place));
    let share = fleet.shares.region_share(label).ok();
    let emptied = share.and_then(Share::value) == Some(0.0);
    let mut forecasts = outlook.plan.forecast.iter();
    let from_nothing =
        forecasts.any(|forecast| forecast.region == *label && forecast.share_before == Some(0.0));
    let begun = outlook.ahead.len() < outlook.plan.steps.len();
    (emptied || (from_nothing && begun))
        && asked.all(|source| fleet.freshness(source, &place).usable())
}

/// What a region serves now.
fn now(fleet: &Fleet, label: &RegionLabel) -> Option<f64> {
    let rates = demand::served(fleet);
    rates.into_iter().find(|(known, _)| *known == label)?.1
}

/// The load after the shift: as it was forecast, or once that is too old by what is measured now.
fn load(outlook: &Outlook<'_>, forecast: &Forecast) -> Option<f64> {
    if age(outlook.plan.made_at, outlook.fleet.now) <= FORECAST {
        return forecast.rps_after;
    }
    let by_share = demand::total(outlook.fleet)
        .zip(forecast.share_after)
        .map(|(total, share)| total * share);
    let measured = match by_share.filter(|_| !outlook.fleet.shares.by_gateways()) {
        Some(load) => load,
        // What gateways divide anew was bounded before the first step; from half of it done nothing tighter follows.
        None if outlook.changes().any(by_rule) => {
            now(outlook.fleet, &forecast.region)?.max(forecast.rps_after?)
        }
        None => return None,
    };
    let confirmed = |load: &f64| (measured - load).abs() <= load * NOISE;
    Some(forecast.rps_after.filter(confirmed).unwrap_or(measured))
}

/// G-ALARM.
pub fn alarm(outlook: &Outlook<'_>) -> Guard {
    let mut found = Findings::default();
    let fleet = outlook.fleet;
    for label in outlook.concerned() {
        let place = Place::Region(label.clone());
        let watched = SOURCES_OF_ALARMS.into_iter();
        let mut watched = watched
            .filter(|source| fleet.estate.places(*source).contains(&place))
            .peekable();
        if watched.peek().is_none() {
            found.warn(format!("alarms of {label} are not watched"), "");
            continue;
        }
        if watched.any(|source| fleet.freshness(source, &place) >= Freshness::Expired) {
            found.unknown(
                format!("alarms of {label} were not read lately"),
                "wait for a fresh reading",
            );
            continue;
        }
        let rollup = fleet.rollup(&label);
        let alarms = &rollup.alarms;
        let remedy = format!("look into {label} first");
        let (composite, metric) = (alarms.composite.len(), alarms.metric.len());
        if let Some(name) = alarms.composite.first() {
            found.fail(
                format!("{label}: {composite} composite alarms, {name}"),
                remedy.clone(),
            );
        }
        if let Some(name) = alarms.metric.first() {
            let text = format!("{label}: {metric} of {} in ALARM, {name}", alarms.total);
            if rollup.severity == Severity::Bad {
                found.fail(format!("{text}, and the region is BAD"), remedy);
            } else {
                found.warn(text, remedy);
            }
        }
        let (grave, others) = (alarms.grave_alerts.len(), alarms.alerts.len());
        let remedy = format!("look into {label} first");
        if let Some(name) = alarms.grave_alerts.first() {
            found.fail(
                format!("{label}: {grave} critical alerts fire, {name}"),
                remedy,
            );
        } else if let Some(name) = alarms.alerts.first() {
            found.warn(format!("{label}: {others} alerts fire, {name}"), remedy);
        }
        if alarms.insufficient > 0 {
            let count = alarms.insufficient;
            found.warn(
                format!("{label}: {count} of {} without enough data", alarms.total),
                "",
            );
        }
        if composite + metric + grave + others + alarms.insufficient == 0 {
            found.pass(format!("{label} 0 of {} in ALARM", alarms.total));
        }
    }
    if outlook.unseen() {
        found.unknown(
            "nobody is seen to get what is taken away",
            "plan again when the shares are known",
        );
    }
    found.guard(GuardId::Alarm, "nothing new is sent anywhere")
}

/// G-ABORT.
pub fn abort(outlook: &Outlook<'_>) -> Guard {
    let mut found = Findings::default();
    let mut regions = outlook.receiving.clone();
    for step in outlook.ahead {
        if let Work::Wait(Wait::Bake {
            regions: watched, ..
        }) = &step.work
        {
            regions.extend(watched.iter().cloned());
        }
    }
    let limits = &outlook.fleet.estate.thresholds;
    let bakes = outlook.ahead.iter().any(is_bake);
    for label in &regions {
        if by_canary(outlook, label, &mut found) {
            continue;
        }
        let rollup = outlook.fleet.rollup(label);
        let demand = &rollup.demand;
        let inputs = [("error rate", demand.error_percent), ("p95", demand.p95_ms)];
        let silent: Vec<&str> = inputs
            .iter()
            .filter(|(_, reading)| reading.and_then(Reading::usable).is_none())
            .map(|(what, _)| *what)
            .collect();
        let idle = idle(outlook, label)
            && inputs.iter().all(|(_, reading)| {
                let nothing = |reading: &Reading| match reading {
                    Reading::NoData => true,
                    Reading::Value { .. } => reading.usable().is_none(),
                    Reading::NeverRead | Reading::Failed | Reading::Forbidden => false,
                };
                reading.as_ref().is_some_and(nothing)
            });
        if silent.is_empty() {
            let value = |reading: Option<Reading>| reading.and_then(Reading::usable);
            let errors = value(demand.error_percent).map_or_else(String::new, percents);
            let p95 = value(demand.p95_ms).map_or_else(String::new, milliseconds);
            found.pass(format!(
                "{label} errors {errors} (limit {} %), p95 {p95} (limit {} ms)",
                limits.error_bad_percent, limits.p95_bad_ms
            ));
        } else if idle {
            found.warn(format!("{label} has no traffic to measure yet"), "");
        } else {
            // A way back does not wait until the harm can be measured.
            let verdict = if outlook.easing() {
                Verdict::Warn
            } else {
                Verdict::Unknown
            };
            found.add(
                verdict,
                format!("{label}: {} not known", silent.join(" and ")),
                match Teller::of(outlook.fleet, label) {
                    Teller::Unread | Teller::Balancers(_) => "wait for its load balancer metrics",
                    Teller::Prometheus => AT_THE_DOOR,
                    Teller::Nobody => "let a Prometheus tell about its users ([prometheus])",
                },
            );
        }
    }
    if !regions.is_empty() && !bakes && !outlook.now() {
        found.warn("no step watches the receivers", "");
    }
    found.guard(GuardId::Abort, "nothing that is measured by region moves")
}

/// Where nobody could tell of all users of a region, what gets more of them tells for itself, if whoever measures it is heard. Tells whether that is so.
fn by_canary(outlook: &Outlook<'_>, label: &RegionLabel, found: &mut Findings) -> bool {
    let (fleet, place) = (outlook.fleet, Place::Region(label.clone()));
    let raised = outlook
        .changes()
        .flat_map(|change| canaries::of(fleet, change));
    let mut own = raised.filter(|canary| canary.place == place && canary.measured(fleet));
    let Some(canary) = own.next().filter(|_| demand::mute(fleet, label)) else {
        return false;
    };
    let source = canary.told_by();
    if fleet.freshness(source, &place) >= Freshness::Expired {
        let text = format!("the {} of {label} was not read lately", source.name());
        found.unknown(text, "wait for a fresh reading");
    } else {
        found.pass(format!("{label} is judged by the canary itself"));
    }
    true
}

fn is_bake(step: &Step) -> bool {
    matches!(step.work, Work::Wait(Wait::Bake { .. }))
}
