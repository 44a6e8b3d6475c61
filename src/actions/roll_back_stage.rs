//! Takes a stage of a pipeline back to the last execution that it carried out well. Owns which one that is: never a rollback, never one that came after
//! what the stage went back to already.

#[cfg(test)]
mod tests;

use super::{
    Action, Refusal,
    kit::{
        pipelines::{self, Found, GUARDS},
        stores::{Draft, some},
    },
};
use crate::{
    plan::{Intent, Plan, ledger::Ledger},
    resources::{
        Fleet,
        pipelines::{Change, Execution, Ran, short},
    },
};

/// See the module.
pub struct RollBackStage;

/// Seconds that the actions of a stage take, and after which somebody is asked.
const TIME: (u64, u64) = (120, 1_800);

impl Action for RollBackStage {
    fn name(&self) -> &'static str {
        "roll-back-stage"
    }

    fn doc(&self) -> &'static str {
        "Take a stage of a pipeline back to the last execution that it carried out well"
    }

    fn target(&self) -> &'static str {
        "<pipeline>/<stage>"
    }

    fn options(&self) -> &'static [&'static str] {
        &["to"]
    }

    fn targets(&self, fleet: &Fleet, _ledger: &Ledger) -> Vec<String> {
        pipelines::targets(fleet, |found| {
            found.index > 0 && !found.regions(fleet).is_empty() && choose(found, None).is_ok()
        })
    }

    fn plan(&self, fleet: &Fleet, _ledger: &Ledger, intent: &Intent) -> Result<Plan, Refusal> {
        let found = pipelines::find(fleet, &intent.target)?;
        pipelines::not_the_first(&found, "take back")?;
        let (from, to) = choose(&found, intent.options.to.as_deref())?;
        let words = found.at.words();
        let change = Change::RollBack {
            at: found.at.clone(),
            from: from.execution.clone(),
            to: to.id.clone(),
            carries: to.revision().unwrap_or_default(),
        };
        let title = format!("Take {words} back to {}", to.words());
        let steps = vec![pipelines::step(title.clone(), change, TIME, GUARDS)];
        let mut draft = Draft::new(title, words.clone(), steps);
        draft.remarks = vec![format!("instead of {}", found.words(&from.execution))];
        let regions: Vec<String> = found
            .regions(fleet)
            .iter()
            .map(ToString::to_string)
            .collect();
        if !regions.is_empty() {
            draft.remarks.push(format!(
                "all actions of the stage run again, in {}",
                regions.join(", ")
            ));
        }
        if !found.stage.held() {
            draft.remarks.push(format!("the pipeline goes on: its next execution brings something newer again; `hold-pipeline {words}` keeps it out"));
        }
        let edited = found.pipeline.updated.zip(to.started);
        if edited.is_some_and(|(edited, started)| edited > started) {
            draft.remarks.push("the pipeline was edited since: CodePipeline may refuse, for it goes back only within one version of the definition".to_owned());
        }
        Ok(draft.freeze(fleet, intent))
    }
}

/// What the stage has, and what it goes back to.
fn choose<'a>(
    found: &Found<'a>,
    wanted: Option<&str>,
) -> Result<(&'a Ran, &'a Execution), Refusal> {
    let words = found.at.words();
    if found.pipeline.pipeline_type.as_deref() == Some("V1") {
        return Err(Refusal::new(
            format!(
                "{} is a V1 pipeline, which takes no stage back",
                found.at.pipeline
            ),
            "`roll-back` takes the deployment back, or run the pipeline with the older revision",
        ));
    }
    let Some(latest) = &found.stage.latest else {
        return Err(Refusal::new(
            format!("{words} has never run"),
            "there is nothing to take back",
        ));
    };
    if latest.in_progress() || latest.status == "Stopping" {
        return Err(Refusal::new(
            format!(
                "{words} carries out {} now, and CodePipeline takes back no stage that runs",
                found.words(&latest.execution)
            ),
            "wait until it is over, or stop it first: aws codepipeline stop-pipeline-execution",
        ));
    }
    let Some(good) = found.stage.succeeded.as_ref() else {
        return Err(Refusal::new(
            format!("what {words} carried out well was not read yet"),
            "wait until codepipeline:ListPipelineExecutions has been answered",
        ));
    };
    let has = has(found, latest);
    let others = || {
        good.iter()
            .filter(|one| !one.is_rollback() && one.id != has)
    };
    let chosen = match wanted {
        Some(wanted) => others()
            .find(|one| one.id == wanted || (wanted.len() >= 8 && one.id.starts_with(wanted))),
        // The list has the newest first: what comes behind the present one is older than it.
        None => {
            let behind = good
                .iter()
                .position(|one| one.id == has)
                .map_or(0, |index| index + 1);
            good.iter().skip(behind).find(|one| !one.is_rollback())
        }
    };
    chosen.map(|to| (latest, to)).ok_or_else(|| {
        let known: Vec<String> = others().map(|one| one.words()).collect();
        let reason = match wanted {
            Some(wanted) => format!("`{wanted}` is none that {words} carried out well"),
            None => format!("{words} carried out nothing well before {}", short(has)),
        };
        let advice = if known.is_empty() {
            "`roll-back` takes the deployment back by its own revisions".to_owned()
        } else {
            format!("there are {}; name one with `to`", some(&known))
        };
        Refusal::new(reason, advice)
    })
}

/// What the stage has at heart: a rollback brought what it went back to.
fn has<'a>(found: &Found<'a>, latest: &'a Ran) -> &'a str {
    let back = found.pipeline.execution(&latest.execution);
    let target = back.and_then(|execution| execution.rolls_back_to.as_deref());
    target
        .filter(|_| latest.is_rollback())
        .unwrap_or(&latest.execution)
}
