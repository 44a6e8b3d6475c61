//! Gives a member of a traffic split another share: weights, dial, canary. Owns what each mechanism takes and its traps (domain B.3); one change, then a watch.

mod route;
mod target;
#[cfg(test)]
mod tests;
mod version;
mod write;

use self::target::Target;
use super::{
    Action, Refusal,
    kit::{forecast, frame, pace, region},
};
use crate::{
    plan::{Blast, Intent, OnBreach, Plan, ledger::Ledger, raise::moves_traffic},
    resources::{Change, Fleet, RegionLabel, Resource, imagine::Imagined},
};

/// Seconds to watch after the change.
const BAKE: u64 = 300;
/// Points of a region's share from which the region and the share are typed.
const MUCH: f64 = 0.10;

/// The action.
pub struct ShiftWeights;

impl Action for ShiftWeights {
    fn name(&self) -> &'static str {
        "shift-weights"
    }

    fn doc(&self) -> &'static str {
        "Give a member of a traffic split another share, in percent or by weights"
    }

    fn target(&self) -> &'static str {
        "<split>"
    }

    fn options(&self) -> &'static [&'static str] {
        &["percent", "weights", "bake"]
    }

    fn targets(&self, fleet: &Fleet, _ledger: &Ledger) -> Vec<String> {
        target::names(fleet)
    }

    fn plan(&self, fleet: &Fleet, _ledger: &Ledger, intent: &Intent) -> Result<Plan, Refusal> {
        let target = target::find(fleet, intent.target.trim())?;
        let write::Shift { change, remarks } = write::shift(fleet, &target, &intent.options)?;
        let bake = intent.options.bake_seconds.unwrap_or(BAKE);
        let step = pace::edits(change.clone(), pace::SHIFT);
        let title = format!("Shift {}", step.title);
        let watched = watched(fleet, &target);
        let mut steps = vec![step];
        if bake > 0 && !watched.is_empty() {
            steps.push(pace::bake(&watched, bake + write::settles(&target)));
        }
        let mut plan = frame::plan(fleet, intent, title, steps);
        plan.remarks = remarks;
        plan.on_breach = OnBreach::StepBack;
        if moves_traffic(&change) {
            let changes = std::slice::from_ref(&change);
            plan.forecast = forecast::of(fleet, changes, None);
            plan.remarks
                .extend(forecast::remarks(fleet, &plan.forecast));
            (plan.blast, plan.phrase) = blast(fleet, &target, &change);
        }
        Ok(plan)
    }
}

/// The regions whose users see it: those of the members, or where the split is; a staging distribution answers everywhere.
fn watched(fleet: &Fleet, target: &Target<'_>) -> Vec<RegionLabel> {
    let mut labels: Vec<RegionLabel> = Vec::new();
    for row in &target.rows {
        if let Some(label) = row.region(fleet, target.place)
            && !labels.contains(label)
        {
            labels.push(label.clone());
        }
    }
    if labels.is_empty() {
        let all = fleet.estate.regions.iter();
        labels.extend(all.map(|spec| spec.label.clone()));
    }
    labels
}

/// How much a shift between regions can hurt, and what is typed: the region that moves most.
fn blast(fleet: &Fleet, target: &Target<'_>, change: &Change) -> (Blast, String) {
    let mut imagined = Imagined::of(fleet);
    imagined.take([change]);
    let mut moved: Option<(&RegionLabel, Option<f64>)> = None;
    for spec in &fleet.estate.regions {
        let rows = || {
            let of_region = |row: &&&crate::resources::traffic::Split| {
                row.region(fleet, target.place) == Some(&spec.label)
            };
            target.rows.iter().filter(of_region)
        };
        let sum = |fleet: &Fleet| -> Option<f64> {
            rows()
                .map(|row| {
                    fleet
                        .shares
                        .get(target.source, target.place, &row.key())?
                        .value()
                })
                .sum()
        };
        let moves = sum(imagined.fleet())
            .zip(sum(fleet))
            .map(|(after, before)| (after - before).abs());
        let worse = match (moved, moves) {
            _ if rows().next().is_none() => false,
            (Some((_, None)), _) => false,
            (None, _) | (Some((_, Some(_))), None) => true,
            (Some((_, Some(most))), Some(this)) => this > most + 1e-9,
        };
        if worse {
            moved = Some((&spec.label, moves));
        }
    }
    match moved {
        Some((label, Some(share))) if share > MUCH => {
            (Blast::L3, region::phrase(label, Some(share)))
        }
        Some((label, None)) => (Blast::L3, region::phrase(label, None)),
        Some((_, Some(_))) | None => {
            let name = target.member.unwrap_or(target.split);
            (Blast::L2, name.to_owned())
        }
    }
}
