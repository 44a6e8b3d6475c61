//! Steers an Argo Rollout, or suspends and resumes a Flagger Canary. Owns which way makes sense when, and what each needs to be confirmed (domain B.3).

use super::{
    Action, Refusal,
    kit::{frame, guards::guards, pace},
};
use crate::{
    plan::{Blast, GuardId, Intent, OnBreach, Plan, ledger::Ledger},
    resources::{
        Change, Fleet, Place, RegionLabel, Source,
        traffic::{
            self, Mechanism, Rollout,
            rollouts::{Tool, Verb},
        },
    },
};

/// See the module.
pub struct SteerRollout;

/// Seconds to watch after more users get the new version.
const BAKE: u64 = 300;
/// What is typed besides, where all steps and analyses are skipped.
const ACCEPT_FOR_GOOD: &str = "skip analysis";

impl Action for SteerRollout {
    fn name(&self) -> &'static str {
        "steer-rollout"
    }

    fn doc(&self) -> &'static str {
        "Promote, pause, resume, abort, retry or undo an Argo Rollout; suspend or resume a Flagger Canary"
    }

    fn target(&self) -> &'static str {
        "<rollout[@region]>"
    }

    fn options(&self) -> &'static [&'static str] {
        &["to", "bake"]
    }

    fn targets(&self, fleet: &Fleet, _ledger: &Ledger) -> Vec<String> {
        names(fleet)
    }

    fn plan(&self, fleet: &Fleet, _ledger: &Ledger, intent: &Intent) -> Result<Plan, Refusal> {
        let (label, rollout) = find(fleet, intent.target.trim())?;
        let verb = verb(rollout, intent.options.to.as_deref())?;
        makes_sense(fleet, rollout, &verb)?;
        let steering = rollout.steering(label, verb.clone());
        let change = Change::Traffic(traffic::Change::Steer(steering));
        let mut steps = vec![pace::edits(change, guards(&verb))];
        let bake = intent.options.bake_seconds.unwrap_or(BAKE);
        if verb.raises() && bake > 0 {
            steps.push(pace::bake(std::slice::from_ref(label), bake));
        }
        let title = format!("{} {} in {label}", title(&verb), rollout.name.object());
        let mut plan = frame::plan(fleet, intent, title, steps);
        plan.remarks = remarks(rollout, &verb);
        // What it did cannot be taken back by the same patch: whoever is asked aborts it.
        plan.on_breach = OnBreach::Hold;
        if verb != Verb::Pause && verb != Verb::Resume {
            plan.blast = Blast::L2;
            plan.phrase.clone_from(&rollout.name.name);
        }
        if verb == Verb::PromoteFull {
            ACCEPT_FOR_GOOD.clone_into(&mut plan.loss_phrase);
        }
        Ok(plan)
    }
}

/// What gives users more of a new version must find the region well; a way back must not wait for that.
fn guards(verb: &Verb) -> &'static [GuardId] {
    const BACK: &[GuardId] = guards!(pace::BACK, &[GuardId::Owner]);
    const RAISE: &[GuardId] = guards!(
        BACK,
        &[
            GuardId::Soak,
            GuardId::Sample,
            GuardId::Health,
            GuardId::Alarm,
            GuardId::Freeze,
            GuardId::Abort,
        ],
    );
    if verb.raises() { RAISE } else { BACK }
}

/// The rollouts of the estate, each once, with its region.
fn all(fleet: &Fleet) -> impl Iterator<Item = (&str, &RegionLabel, &Rollout)> {
    let rows = fleet.traffic.rows();
    rows.filter_map(|(source, place, row)| {
        let (Mechanism::Rollout(version), Place::Region(label)) = (&row.by, place) else {
            return None;
        };
        let once = version.new && source == Source::Rollouts;
        once.then_some((row.split.as_str(), label, &version.rollout))
    })
}

/// With the region where the name alone does not tell.
fn names(fleet: &Fleet) -> Vec<String> {
    let count = |name: &str| all(fleet).filter(|(split, _, _)| *split == name).count();
    let named = all(fleet).map(|(split, label, _)| {
        if count(split) > 1 {
            format!("{split}@{label}")
        } else {
            split.to_owned()
        }
    });
    named.collect()
}

fn find<'a>(fleet: &'a Fleet, target: &str) -> Result<(&'a RegionLabel, &'a Rollout), Refusal> {
    let is = |(split, label, _): &(&str, &RegionLabel, &Rollout)| {
        target == *split || target == format!("{split}@{label}")
    };
    let mut found: Vec<_> = all(fleet).filter(is).collect();
    match (found.pop(), found.len()) {
        (Some((_, label, rollout)), 0) => Ok((label, rollout)),
        (Some(_), more) => Err(Refusal::new(
            format!("`{target}` is {} rollouts", more + 1),
            format!("name one: {}", names(fleet).join(", ")),
        )),
        (None, _) => {
            let names = names(fleet);
            let advice = if names.is_empty() {
                "no cluster shows an Argo Rollout or a Flagger Canary".to_owned()
            } else {
                format!("there are {}", names.join(", "))
            };
            Err(Refusal::new(
                format!("there is no rollout `{target}`"),
                advice,
            ))
        }
    }
}

fn verb(rollout: &Rollout, wanted: Option<&str>) -> Result<Verb, Refusal> {
    let possible = |verb: &Verb| match rollout.name.tool {
        Tool::ArgoRollouts => true,
        Tool::Flagger => matches!(verb, Verb::Pause | Verb::Resume),
    };
    let words: Vec<&str> = Verb::ALL
        .iter()
        .filter(|verb| possible(verb))
        .map(Verb::name)
        .collect();
    let found = Verb::ALL
        .into_iter()
        .find(|verb| Some(verb.name()) == wanted);
    match (found.filter(possible), wanted) {
        (Some(verb), _) => Ok(verb),
        (None, Some(other)) => Err(Refusal::new(
            format!("a {} is not steered to `{other}`", rollout.name.tool.kind()),
            format!("it is one of {}", words.join(", ")),
        )),
        (None, None) => Err(Refusal::new(
            "say where to",
            format!("`to` is one of {}", words.join(", ")),
        )),
    }
}

/// Why it would do nothing, or harm.
fn makes_sense(fleet: &Fleet, rollout: &Rollout, verb: &Verb) -> Result<(), Refusal> {
    let object = rollout.name.object();
    let refuse = |reason: String, advice: &str| Err(Refusal::new(reason, advice));
    if !rollout.heard(fleet).usable() {
        return refuse(
            format!("the cluster {} is not heard", rollout.name.cluster),
            "wait until its API server answers",
        );
    }
    let idle = rollout.stable == rollout.current && rollout.name.tool == Tool::ArgoRollouts;
    match verb {
        Verb::Promote | Verb::PromoteFull | Verb::Abort | Verb::Undo if idle => refuse(
            format!("{object} sends nothing out: {}", rollout.words()),
            "nothing is left to change",
        ),
        Verb::Promote | Verb::PromoteFull if rollout.aborted => refuse(
            format!("{object} was aborted"),
            "retry it, or put the old specification back: undo",
        ),
        Verb::Promote if rollout.suspended => refuse(
            format!("{object} is paused in its specification"),
            "resume it first",
        ),
        Verb::Promote if rollout.blue_green && rollout.waits.is_empty() => refuse(
            format!("{object} does not wait: {}", rollout.words()),
            "it switches by itself",
        ),
        Verb::Pause if rollout.suspended => {
            refuse(format!("{object} is held already"), "resume it")
        }
        Verb::Resume if !rollout.suspended => refuse(
            format!("nobody holds {object}"),
            "where it waits at a step of its own, promote it",
        ),
        Verb::Abort if rollout.aborted => refuse(
            format!("{object} was aborted already"),
            "undo it, or retry it",
        ),
        Verb::Retry if !rollout.aborted => refuse(
            format!("{object} was not aborted"),
            "nothing is left to change",
        ),
        Verb::Promote
        | Verb::PromoteFull
        | Verb::Pause
        | Verb::Resume
        | Verb::Abort
        | Verb::Retry
        | Verb::Undo
        | Verb::Image(_) => Ok(()),
    }
}

fn title(verb: &Verb) -> &'static str {
    match verb {
        Verb::Promote => "Promote",
        Verb::PromoteFull => "Promote to the end",
        Verb::Pause => "Hold",
        Verb::Resume => "Resume",
        Verb::Abort => "Abort",
        Verb::Retry => "Retry",
        Verb::Undo => "Undo",
        Verb::Image(_) => "Release",
    }
}

fn remarks(rollout: &Rollout, verb: &Verb) -> Vec<String> {
    let mut remarks = vec![format!(
        "it is {}, {:.0} % to the new version",
        rollout.words(),
        rollout.weight
    )];
    let more = match verb {
        Verb::Promote => "one step further; what it did is taken back by an abort",
        Verb::PromoteFull => "all steps and analyses that are left are skipped",
        Verb::Pause => {
            "it stays where it is until somebody resumes it; what users get now, they keep"
        }
        Verb::Resume => "it goes on from where it was held",
        Verb::Abort => {
            "everything goes back to the stable version; the specification still names the new one, so revert Git too"
        }
        Verb::Retry => "it begins again with its first step",
        Verb::Undo => "the specification becomes that of the stable version again; revert Git too",
        Verb::Image(_) => "it goes out by its own steps",
    };
    remarks.push(more.to_owned());
    remarks.extend(
        rollout
            .message
            .iter()
            .map(|message| format!("its controller says: {message}")),
    );
    remarks.extend(
        rollout
            .analyses
            .iter()
            .map(|analysis| format!("analysis {analysis}")),
    );
    remarks
}

#[cfg(test)]
mod tests;
