//! Brings traffic back to a drained region, slower than it was taken away: level by level, each watched. Owns what must hold before it begins; the steps are `kit::comeback`'s.

#[cfg(test)]
mod tests;

use super::{
    Action, Refusal,
    kit::{
        comeback::{self, Pace},
        forecast, frame,
        normal::Normal,
        region,
        route::Routes,
    },
};
use crate::{
    plan::{Blast, Intent, Mark, OnBreach, Plan, Step, forecast::Forecast, ledger::Ledger},
    resources::{Fleet, RegionLabel, health_checks},
};

/// The action.
pub struct RestoreRegion;

impl Action for RestoreRegion {
    fn name(&self) -> &'static str {
        "restore-region"
    }

    fn doc(&self) -> &'static str {
        "Bring traffic back to a drained region, level by level"
    }

    fn target(&self) -> &'static str {
        "<region>"
    }

    fn options(&self) -> &'static [&'static str] {
        &["percent", "bake", "now", "weights"]
    }

    fn targets(&self, fleet: &Fleet, ledger: &Ledger) -> Vec<String> {
        let regions = fleet.estate.regions.iter().map(|spec| &spec.label);
        regions
            .filter(|label| {
                region::drained(ledger, label) || forecast::share(fleet, label) == Some(0.0)
            })
            .map(ToString::to_string)
            .collect()
    }

    fn plan(&self, fleet: &Fleet, ledger: &Ledger, intent: &Intent) -> Result<Plan, Refusal> {
        let label = region::find(fleet, &intent.target)?;
        let run = ledger
            .drained()
            .into_iter()
            .find(|drain| drain.region == label);
        let run = run.and_then(|drain| ledger.run(&drain.run));
        let normal = match run {
            Some(run) => Normal::captured(ledger, run, &label),
            None => Normal::told(fleet, &Routes::of(fleet), &label, &intent.options.weights)?,
        };
        of(fleet, ledger, intent, &label, &normal)
    }
}

/// The plan that brings a region back to what is normal for it.
pub fn of(
    fleet: &Fleet,
    ledger: &Ledger,
    intent: &Intent,
    label: &RegionLabel,
    normal: &Normal,
) -> Result<Plan, Refusal> {
    let stop = intent.options.percent.unwrap_or(100.0);
    if !(stop > 0.0 && stop <= 100.0) {
        return Err(Refusal::new(
            format!("a region cannot be restored to {stop} % of its share"),
            "give more than 0 and at most 100",
        ));
    }
    entry(fleet, label)?;
    let bake = intent.options.bake_seconds.unwrap_or(comeback::BAKE);
    let bake = if intent.options.now { 0 } else { bake };
    let made = comeback::steps(fleet, ledger, label, normal, Pace { stop, bake });
    if made.steps.is_empty() {
        return Err(Refusal::new(
            format!("{label} has its normal share already"),
            "nothing is left to restore",
        ));
    }
    let changes: Vec<_> = made
        .steps
        .iter()
        .filter_map(Step::change)
        .cloned()
        .collect();
    let title = if stop < 100.0 {
        format!("Restore {label} to {stop} % of its share")
    } else {
        format!("Restore {label}")
    };
    let mut plan = frame::plan(fleet, intent, title, made.steps);
    plan.forecast = forecast::of(fleet, &changes, None);
    known(fleet, label, normal.requests, stop, &mut plan.forecast);
    plan.remarks = made.remarks;
    plan.remarks
        .extend(forecast::remarks(fleet, &plan.forecast));
    plan.remarks.push("the writer moves back last, with `switchover`, when traffic has been stable for half an hour".to_owned());
    (plan.blast, plan.phrase) = if intent.options.now {
        let after = plan
            .forecast
            .iter()
            .find(|forecast| forecast.region == *label);
        let share = after.and_then(|forecast| Some(forecast.share_after? - forecast.share_before?));
        (Blast::L3, region::phrase(label, share))
    } else {
        (Blast::L2, label.to_string())
    };
    plan.on_breach = OnBreach::StepBack;
    if stop >= 100.0 {
        plan.marks = vec![Mark::Restored {
            region: label.clone(),
        }];
    }
    Ok(plan)
}

/// What gateways will send back to a region can only be bounded; what it served before it was drained is nearer.
fn known(
    fleet: &Fleet,
    label: &RegionLabel,
    served: Option<f64>,
    stop: f64,
    forecasts: &mut [Forecast],
) {
    let of = |forecast: &&mut Forecast| forecast.region == *label;
    if let Some(served) = served.filter(|_| fleet.shares.by_gateways())
        && let Some(forecast) = forecasts.iter_mut().find(of)
    {
        let back = served * stop / 100.0;
        forecast.rps_after = Some(forecast.rps_before.unwrap_or_default().max(back));
    }
}

/// What must hold before any traffic returns (domain B.2); the rest is for the guards.
fn entry(fleet: &Fleet, label: &RegionLabel) -> Result<(), Refusal> {
    let mut reasons = Vec::new();
    if region::lost(fleet, label) {
        reasons.push(format!("{label} does not answer"));
    }
    let routes = Routes::of(fleet);
    let mut ids: Vec<&str> = Vec::new();
    for record in routes.names.iter().flat_map(|name| name.of(label)) {
        leaves(&routes, record.health_check_id.as_deref(), 0, &mut ids);
    }
    ids.sort_unstable();
    ids.dedup();
    for id in ids {
        if health_checks::healthy(fleet, id) == Some(false) {
            let target = routes.check(id).map_or(id, |check| &check.target);
            reasons.push(format!("the health check of {target} fails"));
        }
    }
    if reasons.is_empty() {
        return Ok(());
    }
    Err(Refusal {
        reasons,
        advice: format!(
            "traffic returns only to a healthy region: wait until {label} has been well for ten minutes"
        ),
    })
}

/// The checks that measure something: neither switched by a control, nor turned by us, nor calculated.
fn leaves<'a>(routes: &Routes<'a>, id: Option<&str>, depth: u8, ids: &mut Vec<&'a str>) {
    let Some(check) = id.and_then(|id| routes.check(id)) else {
        return;
    };
    if check.children.is_empty() {
        if check.routing_control_arn.is_none() && !check.inverted && !check.disabled {
            ids.push(&check.id);
        }
    } else if depth < 4 {
        for child in &check.children {
            leaves(routes, Some(child), depth + 1, ids);
        }
    }
}
