//! Holds, resumes and restarts the roll-out of a deployment. Owns these three procedures; which revision runs is `roll_back`'s.

#[cfg(test)]
mod tests;

use super::{
    Action, Refusal,
    kit::{
        deployment::{self, Found},
        stores::Draft,
    },
};
use crate::{
    plan::{Blast, Intent, Mark, Plan, Step, ledger::Ledger},
    resources::{
        Fleet,
        deployments::{At, Change, Rollout},
    },
};

/// Holds a roll-out where it is.
pub struct Pause;
/// Lets a paused roll-out go on.
pub struct Resume;
/// Replaces all pods by pods of the same version.
pub struct Restart;

/// A paused deployment takes no fix either: after this many minutes somebody should look.
const UNTIL_MINUTES: u64 = 60;

impl Action for Pause {
    fn name(&self) -> &'static str {
        "pause-rollout"
    }

    fn doc(&self) -> &'static str {
        "Hold the roll-out of a deployment where it is"
    }

    fn target(&self) -> &'static str {
        "<deployment[@region]>"
    }

    fn options(&self) -> &'static [&'static str] {
        &["minutes"]
    }

    fn targets(&self, fleet: &Fleet, _ledger: &Ledger) -> Vec<String> {
        deployment::targets(fleet)
    }

    fn plan(&self, fleet: &Fleet, _ledger: &Ledger, intent: &Intent) -> Result<Plan, Refusal> {
        let (chosen, remarks) = choose(fleet, intent, |found| {
            found.row.paused.then(|| "is paused already".to_owned())
        })?;
        let steps = chosen.iter().map(|found| pause(found, true)).collect();
        let mut plan = plan(
            fleet,
            intent,
            "Hold the roll-out of",
            &chosen,
            steps,
            remarks,
        );
        plan.remarks.push(
            "pods of both versions go on serving; autoscaling goes on, other edits wait until it is resumed".to_owned(),
        );
        plan.marks = chosen
            .iter()
            .map(|found| Mark::Orphan {
                what: format!("paused roll-out of {}", found.at.words()),
            })
            .collect();
        let minutes = intent.options.minutes.unwrap_or(UNTIL_MINUTES);
        let seconds = std::time::Duration::from_secs(minutes.saturating_mul(60));
        plan.until = fleet.now.checked_add(seconds).ok();
        Ok(plan)
    }
}

impl Action for Resume {
    fn name(&self) -> &'static str {
        "resume-rollout"
    }

    fn doc(&self) -> &'static str {
        "Let the paused roll-out of a deployment go on"
    }

    fn target(&self) -> &'static str {
        "<deployment[@region]>"
    }

    fn options(&self) -> &'static [&'static str] {
        &[]
    }

    fn targets(&self, fleet: &Fleet, _ledger: &Ledger) -> Vec<String> {
        deployment::targets(fleet)
    }

    fn plan(&self, fleet: &Fleet, _ledger: &Ledger, intent: &Intent) -> Result<Plan, Refusal> {
        let (chosen, remarks) = choose(fleet, intent, |found| {
            (!found.row.paused).then(|| "is not paused".to_owned())
        })?;
        let each = |found: &Found<'_>| {
            let wait = deployment::settles(&found.at, None, true);
            [pause(found, false), wait]
        };
        // One region after the other: what was held may be what is wrong.
        let steps = chosen.iter().flat_map(each).collect();
        let mut plan = plan(
            fleet,
            intent,
            "Resume the roll-out of",
            &chosen,
            steps,
            remarks,
        );
        plan.remarks
            .push("everything that was edited since it was paused rolls out now".to_owned());
        Ok(plan)
    }
}

impl Action for Restart {
    fn name(&self) -> &'static str {
        "restart-rollout"
    }

    fn doc(&self) -> &'static str {
        "Replace all pods of a deployment by new ones of the same version"
    }

    fn target(&self) -> &'static str {
        "<deployment[@region]>"
    }

    fn options(&self) -> &'static [&'static str] {
        &[]
    }

    fn targets(&self, fleet: &Fleet, _ledger: &Ledger) -> Vec<String> {
        deployment::targets(fleet)
    }

    fn plan(&self, fleet: &Fleet, _ledger: &Ledger, intent: &Intent) -> Result<Plan, Refusal> {
        let (chosen, remarks) = choose(fleet, intent, |found| match found.row.rollout() {
            Rollout::Complete | Rollout::Short { .. } => None,
            Rollout::Paused => Some("is paused: nothing would be restarted".to_owned()),
            Rollout::Asleep => Some("has no pods".to_owned()),
            Rollout::Unseen | Rollout::Failed | Rollout::Moving { .. } => {
                Some("is rolling out: a restart would begin it again".to_owned())
            }
        })?;
        let note = fleet.now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let each = |found: &Found<'_>| {
            let wait = deployment::settles(&found.at, None, true);
            [
                restart(&found.at, found.row.restarted_at.clone(), &note),
                wait,
            ]
        };
        // One region after the other: the next one is touched when this one serves again.
        let steps = chosen.iter().flat_map(each).collect();
        let mut plan = plan(fleet, intent, "Restart", &chosen, steps, remarks);
        plan.remarks.push(
            "connections and caches of the old pods are lost; ConfigMaps and Secrets are read anew"
                .to_owned(),
        );
        Ok(plan)
    }
}

fn restart(at: &At, from: Option<String>, to: &str) -> Step {
    let title = format!("Restart {}", at.words());
    let change = Change::Restart {
        at: at.clone(),
        from,
        to: to.to_owned(),
    };
    deployment::step(title, change, deployment::FORWARD)
}

fn pause(found: &Found<'_>, to: bool) -> Step {
    let (word, guards) = if to {
        ("Pause", deployment::GUARDS)
    } else {
        ("Resume", deployment::FORWARD)
    };
    let change = Change::Pause {
        at: found.at.clone(),
        from: !to,
        to,
    };
    deployment::step(format!("{word} {}", found.at.words()), change, guards)
}

/// The deployments of the target that it makes sense for, and why the others are left alone.
fn choose<'a>(
    fleet: &'a Fleet,
    intent: &Intent,
    why_not: impl Fn(&Found<'a>) -> Option<String>,
) -> Result<(Vec<Found<'a>>, Vec<String>), Refusal> {
    let mut chosen = Vec::new();
    let mut reasons = Vec::new();
    for found in deployment::find(fleet, &intent.target)? {
        let words = found.at.words();
        let no = deployment::unheard(fleet, &found)
            .or_else(|| why_not(&found).map(|why| format!("{words} {why}")));
        match no {
            Some(why) => reasons.push(why),
            None => chosen.push(found),
        }
    }
    if chosen.is_empty() {
        return Err(Refusal {
            reasons,
            advice: "see the Deployments pane (6)".to_owned(),
        });
    }
    Ok((chosen, reasons))
}

fn plan(
    fleet: &Fleet,
    intent: &Intent,
    verb: &str,
    chosen: &[Found<'_>],
    steps: Vec<Step>,
    left: Vec<String>,
) -> Plan {
    let name = chosen.first().map(|found| found.at.name.clone());
    let name = name.unwrap_or_default();
    let title = match chosen {
        [only] => format!("{verb} {}", only.at.words()),
        many => format!("{verb} {name} in {} regions", many.len()),
    };
    let mut draft = Draft::new(title, name, steps);
    if chosen.len() == 1 {
        draft.blast = Blast::L1;
        draft.phrase = String::new();
    }
    draft.remarks = left
        .into_iter()
        .map(|why| format!("left alone: {why}"))
        .collect();
    draft.freeze(fleet, intent)
}
