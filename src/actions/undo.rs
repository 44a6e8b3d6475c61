//! Takes back what a run did, from the values that it captured: a plan of its own, with its own guards. Owns what can be taken back; traffic returns to a region as slowly as in a restore.

#[cfg(test)]
mod tests;

use super::{
    Action, Refusal,
    kit::{deployment, forecast, frame, normal::Normal, pace, pipelines, region},
    restore_region,
};
use crate::{
    plan::{
        Blast, Intent, Mark, OnBreach, Plan, Step, canaries,
        ledger::{Ledger, RunRecord},
        raise,
    },
    resources::{
        Change, Fleet, RegionLabel,
        change::Alter,
        releases::carrier,
        traffic::{self, routes::leads::between_regions},
    },
};

/// Seconds to watch the regions after traffic was moved back.
const BAKE: u64 = 300;

/// The action.
pub struct Undo;

impl Action for Undo {
    fn name(&self) -> &'static str {
        "undo"
    }

    fn doc(&self) -> &'static str {
        "Take back what a run did"
    }

    fn target(&self) -> &'static str {
        "<run>"
    }

    fn options(&self) -> &'static [&'static str] {
        &["now", "bake", "run"]
    }

    fn targets(&self, _fleet: &Fleet, ledger: &Ledger) -> Vec<String> {
        ledger.undoable().map(|run| run.id.clone()).collect()
    }

    fn plan(&self, fleet: &Fleet, ledger: &Ledger, intent: &Intent) -> Result<Plan, Refusal> {
        let run = find(ledger, intent.target.trim())?;
        let mut intent = intent.clone();
        // The journal knows by this which run is undone.
        intent.options.run = Some(run.id.clone());
        let mut plan = match drains(run).filter(|_| !intent.options.now) {
            Some(label) => paced(fleet, ledger, &intent, run, &label)?,
            None => at_once(fleet, &intent, run),
        };
        plan.remarks.extend(in_doubt(run));
        Ok(plan)
    }
}

/// What should be known of a run that has not ended and whose change was under way. A run that somebody still has in hand holds its locks.
fn in_doubt(run: &RunRecord) -> Option<String> {
    let doubt = run.doubt().filter(|_| run.ended.is_none())?;
    Some(format!(
        "run {} has not ended, and nobody knows what became of step {} ({}): the read before each change tells; should it arrive only after that, undo once more",
        run.id,
        doubt.step + 1,
        doubt.title
    ))
}

/// The run that a target names, if it can be undone.
fn find<'a>(ledger: &'a Ledger, target: &str) -> Result<&'a RunRecord, Refusal> {
    let known: Vec<&str> = ledger.undoable().map(|run| run.id.as_str()).collect();
    let others = match known.as_slice() {
        [] => "no run can be undone".to_owned(),
        known => format!("these can be undone: {}", known.join(", ")),
    };
    let Some(run) = ledger.run(target) else {
        return Err(Refusal::new(format!("there is no run `{target}`"), others));
    };
    let id = &run.id;
    if let Some(by) = &run.undone_by {
        return Err(Refusal::new(
            format!("run {id} was undone by run {by}"),
            others,
        ));
    }
    let standing = run.standing_changes();
    if standing.is_empty() {
        return Err(Refusal::new(
            format!("nothing that run {id} did still stands"),
            others,
        ));
    }
    if !run.undoable() {
        let reasons = standing
            .iter()
            .filter_map(|change| refused(change))
            .collect();
        return Err(Refusal {
            reasons,
            advice: others,
        });
    }
    Ok(run)
}

/// Why a change cannot be undone.
fn refused(change: &Change) -> Option<String> {
    let why = change.inverse().err()?;
    Some(format!("{} cannot be undone: {why}", words(change)))
}

fn words(change: &Change) -> String {
    let edits = change.edits();
    edits.first().map_or_else(
        || change.target(),
        |edit| format!("{} {} → {}", edit.what, edit.from, edit.to),
    )
}

/// Whether traffic follows a change from region to region, so that bringing it back is paced.
fn steers(change: &Change) -> bool {
    match change {
        Change::HealthChecks(_) => true,
        Change::Traffic(change) => match change {
            traffic::Change::Weights { .. }
            | traffic::Change::Dial { .. }
            | traffic::Change::Controls { .. } => true,
            traffic::Change::Route { backends, .. } => between_regions(backends),
            traffic::Change::Forward { .. }
            | traffic::Change::Steer(_)
            | traffic::Change::Alias { .. }
            | traffic::Change::Staging { .. }
            | traffic::Change::Invalidate { .. } => false,
        },
        Change::Databases(_)
        | Change::Caches(_)
        | Change::Clusters(_)
        | Change::Deployments(_)
        | Change::Nodes(_)
        | Change::Alarms(_)
        | Change::Pipelines(_) => false,
    }
}

/// Traffic level by level, then what else can be taken back: the writer last.
fn paced(
    fleet: &Fleet,
    ledger: &Ledger,
    intent: &Intent,
    run: &RunRecord,
    label: &RegionLabel,
) -> Result<Plan, Refusal> {
    let mut plan = restore_region::of(
        fleet,
        ledger,
        intent,
        label,
        &Normal::captured(ledger, run, label),
    )?;
    plan.title = format!("Undo run {}: restore {label}", run.id);
    let rest = run
        .standing_changes()
        .into_iter()
        .filter(|change| !steers(change));
    for change in rest {
        match change.inverse() {
            Ok(inverse) => {
                let follows = deployment::follows(&inverse);
                plan.steps.push(step(inverse));
                plan.steps.extend(follows);
            }
            Err(_) => plan.remarks.extend(refused(change)),
        }
    }
    Ok(plan)
}

/// Every change back, newest first.
fn at_once(fleet: &Fleet, intent: &Intent, run: &RunRecord) -> Plan {
    let mut steps = Vec::new();
    let mut remarks = Vec::new();
    let mut inverses = Vec::new();
    for change in run.standing_changes() {
        match change.inverse() {
            Ok(inverse) => {
                steps.push(step(inverse.clone()));
                inverses.push(inverse);
            }
            Err(_) => remarks.extend(refused(change)),
        }
    }
    steps.extend(inverses.iter().filter_map(deployment::follows));
    let forecasts = forecast::of(fleet, &inverses, None);
    let moved: Vec<(RegionLabel, f64)> = forecasts
        .iter()
        .filter_map(|forecast| {
            let moved = forecast.share_after? - forecast.share_before?;
            (moved > 0.0).then(|| (forecast.region.clone(), moved))
        })
        .collect();
    let felt = felt(fleet, &inverses, &mut remarks);
    let traffic = !felt.is_empty();
    if traffic {
        let seconds = intent.options.bake_seconds.unwrap_or(BAKE);
        let watched = concerned(fleet, &felt);
        if seconds > 0 && !watched.is_empty() {
            steps.push(pace::bake(&watched, seconds));
        }
    }
    let mut plan = frame::plan(
        fleet,
        intent,
        format!("Undo run {}: {}", run.id, run.plan.title),
        steps,
    );
    let regional = inverses.iter().any(steers);
    (plan.blast, plan.phrase) = match moved.iter().max_by(|a, b| a.1.total_cmp(&b.1)) {
        Some((label, share)) if *share > 0.1 => (Blast::L3, region::phrase(label, Some(*share))),
        Some(_) | None => match drains(run).filter(|_| regional) {
            Some(label) => (Blast::L3, region::phrase(&label, None)),
            None => (Blast::L2, run.id.clone()),
        },
    };
    plan.on_breach = if traffic {
        OnBreach::StepBack
    } else {
        OnBreach::Hold
    };
    plan.marks = drains(run)
        .map(|region| Mark::Restored { region })
        .into_iter()
        .collect();
    remarks.extend(forecast::remarks(fleet, &forecasts));
    if regional {
        plan.forecast = forecasts;
    }
    plan.remarks = remarks;
    plan
}

/// The changes that users feel, which are watched. What somebody else's controller goes on with can only be watched where something is measured; what our
/// own hand moves is watched, or is not well.
fn felt<'c>(fleet: &Fleet, inverses: &'c [Change], remarks: &mut Vec<String>) -> Vec<&'c Change> {
    let moves = |change: &&Change| {
        steers(change) || (matches!(change, Change::Traffic(_)) && !gives_back(change))
    };
    let blind = |change: &&Change| raise::lets_go(change) && !canaries::measurable(fleet, change);
    let (blind, felt): (Vec<&Change>, Vec<&Change>) =
        inverses.iter().filter(moves).partition(blind);
    remarks.extend(blind.into_iter().map(unwatched));
    remarks.extend(inverses.iter().filter_map(|change| by_steps(fleet, change)));
    felt
}

/// Whether a change gives a Rollout the image again that it had. Its roll-out is waited for, as for a deployment: no gate may bring back what was taken back.
fn gives_back(change: &Change) -> bool {
    let Change::Traffic(traffic::Change::Steer(steering)) = change else {
        return false;
    };
    matches!(steering.verb, traffic::rollouts::Verb::Image(_))
}

/// What should be known of a Rollout that has the image everywhere by now: it goes back as it came.
fn by_steps(fleet: &Fleet, change: &Change) -> Option<String> {
    let Change::Traffic(traffic::Change::Steer(steering)) = change else {
        return None;
    };
    let by = carrier::sent_by(fleet, &steering.region, &steering.rollout)?;
    let rollout = by.sender().filter(|_| gives_back(change))?;
    let (object, region, name) = (rollout.name.object(), &steering.region, by.name());
    (rollout.steps > 0 && !rollout.under_way()).then(|| {
        format!(
            "{object} is complete in {region}: it goes back by its own {} steps, and waits where they wait; roll-back {name}@{region} goes past them",
            rollout.steps
        )
    })
}

/// What should be known of what is let go where nothing is measured.
fn unwatched(change: &Change) -> String {
    let what = match change {
        Change::Traffic(traffic::Change::Steer(steering)) => steering.rollout.object(),
        other => other.target(),
    };
    format!(
        "{what} goes on by its own controller, and nothing measures it in {}: nothing is watched after it; look at the board (:releases)",
        change.place()
    )
}

/// The regions whose traffic some changes move: all of them where it moves between regions.
fn concerned(fleet: &Fleet, changes: &[&Change]) -> Vec<RegionLabel> {
    let all = changes.iter().any(|change| steers(change));
    let mut labels: Vec<RegionLabel> = Vec::new();
    for spec in &fleet.estate.regions {
        let here = || {
            changes
                .iter()
                .any(|change| change.place().region() == Some(&spec.label))
        };
        if all || here() {
            labels.push(spec.label.clone());
        }
    }
    labels
}

/// The region that a run drained.
fn drains(run: &RunRecord) -> Option<RegionLabel> {
    run.plan.marks.iter().find_map(|mark| match mark {
        Mark::Drained { region } => Some(region.clone()),
        Mark::Restored { .. } | Mark::Orphan { .. } => None,
    })
}

fn step(inverse: Change) -> Step {
    let guards = match &inverse {
        Change::Databases(_) | Change::Caches(_) => pace::STORE,
        Change::Traffic(traffic::Change::Steer(_)) | Change::Deployments(_) => deployment::GUARDS,
        Change::Traffic(_) | Change::HealthChecks(_) => pace::RESTORE,
        Change::Pipelines(_) => pipelines::FORWARD,
        Change::Clusters(_) | Change::Nodes(_) | Change::Alarms(_) => pace::PLAIN,
    };
    pace::edits(inverse, guards)
}
