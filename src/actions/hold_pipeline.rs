//! Keeps the next execution of a pipeline out of a stage, and lets it in again. Owns what the reason at the stage says, and that a hold of somebody else is let go
//! only by typing its name; what is in the stage already goes on.

#[cfg(test)]
mod tests;

use super::{
    Action, Refusal,
    kit::{
        guards::guards,
        pipelines::{self, FORWARD, Found, GUARDS},
        stores::Draft,
    },
};
use crate::{
    plan::{
        Blast, GuardId, Intent, Mark, Plan, Work,
        entry::Ending,
        ledger::{Ledger, RunRecord},
    },
    resources::{
        self, Fleet,
        change::Alter,
        pipelines::{Change, Gate, change},
    },
};

/// See the module.
pub struct HoldPipeline;
/// See the module.
pub struct ReleasePipeline;

/// A held pipeline takes no fix either: after this many minutes somebody should look.
const UNTIL_MINUTES: u64 = 60;
/// A hold that stands for longer than a week is no hold but a decision.
const MOST_MINUTES: u64 = 7 * 24 * 60;
/// Guards of a hold: it is left over until somebody lets it go.
const HOLD: &[GuardId] = guards!(GUARDS, &[GuardId::Orphan]);
/// Seen with the next reading.
const TIME: (u64, u64) = (10, 120);

impl Action for HoldPipeline {
    fn name(&self) -> &'static str {
        "hold-pipeline"
    }

    fn doc(&self) -> &'static str {
        "Keep the next execution of a pipeline out of a stage"
    }

    fn target(&self) -> &'static str {
        "<pipeline>/<stage>"
    }

    fn options(&self) -> &'static [&'static str] {
        &["minutes"]
    }

    fn targets(&self, fleet: &Fleet, _ledger: &Ledger) -> Vec<String> {
        pipelines::targets(fleet, |found| found.index > 0 && !found.stage.held())
    }

    fn plan(&self, fleet: &Fleet, _ledger: &Ledger, intent: &Intent) -> Result<Plan, Refusal> {
        let found = pipelines::find(fleet, &intent.target)?;
        pipelines::not_the_first(&found, "hold")?;
        let minutes = intent.options.minutes.unwrap_or(UNTIL_MINUTES);
        if !(1..=MOST_MINUTES).contains(&minutes) {
            return Err(Refusal::new(
                format!("{minutes} minutes"),
                format!("1 to {MOST_MINUTES} minutes: CodePipeline never lets go by itself"),
            ));
        }
        match (found.stage.transition.enabled, found.stage.hold_words()) {
            (_, Some(held)) => Err(Refusal::new(
                held,
                format!("`release-pipeline {}` lets it go", found.at.words()),
            )),
            (None, None) => Err(Refusal::new(
                format!("whether {} is held is not told", found.at.words()),
                "wait for the next reading of its state",
            )),
            (Some(_), None) => Ok(hold(fleet, intent, &found, minutes)),
        }
    }
}

fn hold(fleet: &Fleet, intent: &Intent, found: &Found<'_>, minutes: u64) -> Plan {
    let words = found.at.words();
    let until = fleet
        .now
        .checked_add(std::time::Duration::from_secs(minutes * 60))
        .ok();
    let change = Change::Transition {
        at: found.at.clone(),
        from: Gate::Open,
        to: Gate::Held {
            reason: String::new(),
        },
    };
    let steps = vec![pipelines::step(format!("Hold {words}"), change, TIME, HOLD)];
    let into = into(fleet, found);
    let mut draft = Draft::new(format!("Hold {words} for {minutes} min{into}"), "", steps);
    draft.blast = Blast::L1;
    draft.until = until;
    draft.marks = vec![Mark::Orphan {
        what: format!("held stage {words}"),
    }];
    draft.remarks = vec![
        "what it would have carried on waits before it, and a newer execution may take its place; other stages go on".to_owned(),
        format!("nothing lets it go by itself: `release-pipeline {words}` within {minutes} min"),
    ];
    if let Some(ran) = found.stage.latest.as_ref().filter(|ran| ran.in_progress()) {
        draft.remarks.push(format!(
            "{} is in the stage now and goes on: only the next one is kept out",
            found.words(&ran.execution)
        ));
    }
    let mut plan = draft.freeze(fleet, intent);
    // The reason names the plan, whose hash leaves the reason out.
    let hash: String = plan.hash().chars().take(12).collect();
    let end = until.map(|until| until.strftime("%Y-%m-%d %H.%M UTC").to_string());
    let by = pipelines::operator(fleet, &found.at.region);
    let text = format!(
        "pilothouse plan {hash} by {by} until {}",
        end.unwrap_or_default()
    );
    for step in &mut plan.steps {
        if let Work::Change(resources::Change::Pipelines(Change::Transition {
            to: Gate::Held { reason },
            ..
        })) = &mut step.work
        {
            *reason = change::reason(&text);
        }
    }
    plan
}

/// Which regions it keeps something out of.
fn into(fleet: &Fleet, found: &Found<'_>) -> String {
    let regions = found.regions(fleet);
    let regions: Vec<&str> = regions.iter().map(resources::RegionLabel::as_str).collect();
    if regions.is_empty() {
        String::new()
    } else {
        format!(", before {}", regions.join(", "))
    }
}

impl Action for ReleasePipeline {
    fn name(&self) -> &'static str {
        "release-pipeline"
    }

    fn doc(&self) -> &'static str {
        "Let the next execution of a pipeline into a held stage"
    }

    fn target(&self) -> &'static str {
        "<pipeline>/<stage>"
    }

    fn options(&self) -> &'static [&'static str] {
        &[]
    }

    fn targets(&self, fleet: &Fleet, _ledger: &Ledger) -> Vec<String> {
        pipelines::targets(fleet, |found| found.stage.held())
    }

    fn plan(&self, fleet: &Fleet, ledger: &Ledger, intent: &Intent) -> Result<Plan, Refusal> {
        let found = pipelines::find(fleet, &intent.target)?;
        let words = found.at.words();
        let Some(held) = found.stage.hold_words() else {
            return Err(match found.stage.transition.enabled {
                Some(_) => Refusal::new(format!("{words} is not held"), "nothing needs to be done"),
                None => Refusal::new(
                    format!("whether {words} is held is not told"),
                    "wait for the next reading of its state",
                ),
            });
        };
        let reason = found.stage.transition.reason.clone().unwrap_or_default();
        let change = Change::Transition {
            at: found.at.clone(),
            from: Gate::Held { reason },
            to: Gate::Open,
        };
        let run = ours(ledger, &change).map(|run| run.id.clone());
        let steps = vec![pipelines::step(
            format!("Let go of {words}"),
            change,
            TIME,
            FORWARD,
        )];
        let into = into(fleet, &found);
        let mut draft = Draft::new(format!("Let go of {words}{into}"), words.clone(), steps);
        match &run {
            Some(run) => {
                draft.blast = Blast::L1;
                draft.phrase = String::new();
                draft.remarks.push(format!("what run {run} held"));
            }
            None => draft.remarks.push(format!(
                "this console did not hold it: {held}; ask whoever did"
            )),
        }
        let waiting = found.stage.inbound.iter();
        draft.remarks.extend(waiting.map(|ran| {
            format!(
                "{} waits there and goes in at once",
                found.words(&ran.execution)
            )
        }));
        let mut intent = intent.clone();
        // With the run in the plan the journal knows that what it left behind is gone.
        intent.options.run = run;
        Ok(draft.freeze(fleet, &intent))
    }
}

/// The run of ours that left a hold which is there now, by the reason at the stage.
fn ours<'a>(ledger: &'a Ledger, release: &Change) -> Option<&'a RunRecord> {
    let holds = |change: &&resources::Change| {
        let inverse = release.inverse();
        inverse.is_ok_and(|inverse| inverse == **change)
    };
    let over = |run: &&RunRecord| {
        run.ended.is_some_and(|ending| ending != Ending::Refused) && run.undone_by.is_none()
    };
    let mut runs = ledger.runs.iter().rev().filter(over);
    runs.find(|run| run.standing_changes().iter().any(holds))
}
