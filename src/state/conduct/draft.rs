//! The plan that is looked at: how it is made, judged, overridden and confirmed. Owns no run.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{record, say};
use crate::{
    actions,
    effect::Effect,
    plan::{
        Guard, Intent, Plan, Step,
        beside::{Beside, clash},
        entry::What,
        guard::{self, Overrides, Subject},
        intent,
    },
    resources::{
        Change, Query, Wanted,
        change::{Alter, Standing},
        rehearsal::Rehearsal,
    },
    state::{Dialog, Input, Page, Screen, State, navigate},
};

/// What stands against a plan while the console is not armed; the confirmation asks for it.
pub const NOT_ARMED: &str = "not armed: `:arm <reason>`";

/// A plan that is looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// The plan.
    pub plan: Plan,
    /// Its guards as they are now.
    pub guards: Vec<Guard>,
    /// Guards that were overridden by name, with reasons.
    pub overrides: Overrides,
    /// The interrupted run that it continues.
    pub continues: Option<String>,
}

/// How far a confirmation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The console is not armed: `arm` and a reason are typed.
    Arm,
    /// The phrase is typed.
    Phrase,
    /// The words about the loss are typed.
    Loss,
    /// A reason is typed.
    Reason,
    /// One key is left.
    Ready,
}

impl Draft {
    /// The guards that block it.
    pub fn blocking(&self) -> impl Iterator<Item = &Guard> {
        self.guards
            .iter()
            .filter(|guard| guard.blocks(&self.overrides))
    }
}

/// Makes a plan of what was typed; without a target, of what is selected.
pub fn draft(state: &mut State, typed: &str) -> Vec<Effect> {
    match intent::parse(typed) {
        Ok(intent) => propose(state, intent, None),
        Err(text) => say(state, text),
    }
}

/// Makes a plan of an intent.
pub fn propose(state: &mut State, mut intent: Intent, continues: Option<String>) -> Vec<Effect> {
    if intent.target.is_empty() {
        intent.target = selected_target(state, &intent.action).unwrap_or_default();
    }
    match actions::plan(&state.fleet, &state.conduct.ledger, &intent) {
        Ok(plan) => look_at(state, plan, continues),
        Err(refusal) => {
            let mut lines = refusal.reasons;
            lines.push(String::new());
            lines.push(format!("→ {}", refusal.advice));
            let title = format!("No plan for {}", intent::text(&intent));
            state.dialogs.push(Dialog::Text {
                title,
                lines,
                scroll: 0,
            });
            Vec::new()
        }
    }
}

/// Puts a plan up for confirmation.
pub fn look_at(state: &mut State, plan: Plan, continues: Option<String>) -> Vec<Effect> {
    state.conduct.draft = Some(Draft {
        plan,
        guards: Vec::new(),
        overrides: Overrides::new(),
        continues,
    });
    judge(state);
    navigate::go(state, Screen::Page(Page::Plan, 0));
    // What the plan builds on is read again now, so that its guards look at the present.
    state.schedule.refresh_all(state.now);
    let mut effects = state.ask_due();
    effects.extend(rehearse(state));
    effects
}

/// Asks the API servers what they would say to the changes of the draft: what is refused is known before the first step. What was said about an earlier
/// plan is asked again, for somebody may have mended it, or forbidden it, since.
/// Not before the console is armed: a rehearsal keeps nothing, but that is the promise of somebody else's server.
pub fn rehearse(state: &State) -> Vec<Effect> {
    let asked = rehearsable(state).filter_map(|change| {
        let place = change.place();
        let mut reads = change.reads(&state.fleet.estate).into_iter();
        let (source, place) = reads.find(|(_, read)| *read == place)?;
        Some(Effect::Observe(Query {
            source,
            place,
            wanted: Wanted::Rehearsal(Box::new(change.clone())),
            read: Query::ASIDE,
        }))
    });
    asked.collect()
}

/// Whether everything that is rehearsed for the draft was answered since a time.
pub fn rehearsed(state: &State, since: Timestamp) -> bool {
    let known = &state.fleet.rehearsals;
    rehearsable(state).all(|change| {
        let known = known.of(change, state.now);
        known.is_some_and(|known| known.at >= since)
    })
}

/// The changes of the draft that are rehearsed: each that could be made now.
fn rehearsable(state: &State) -> impl Iterator<Item = &Change> {
    let conduct = &state.conduct;
    let armed = !conduct.read_only && conduct.armed_left(state.now).is_some();
    let draft = conduct.draft.as_ref().filter(|_| armed);
    let steps = draft.into_iter().flat_map(|draft| &draft.plan.steps);
    steps.filter_map(Step::change).filter(|change| {
        Rehearsal::possible(change) && change.standing(&state.fleet) == Standing::Before
    })
}

/// What the selection means to an action: the first of its region, key and name that the action takes.
fn selected_target(state: &State, action: &str) -> Option<String> {
    let action = actions::find(action).ok()?;
    let targets: BTreeSet<String> = action
        .targets(&state.fleet, &state.conduct.ledger)
        .into_iter()
        .collect();
    let id = state.selected()?;
    let region = crate::resources::shown::find(state.shown(), &id)
        .and_then(|row| crate::resources::shown::show(state.shown(), id.kind, &row))
        .and_then(|row| row.region)
        .map(|label| label.to_string());
    let name = id.key.rsplit('/').next().map(ToOwned::to_owned);
    let split = id.key.rsplit_once('/').map(|(split, _)| split.to_owned());
    let candidates = [Some(id.key.clone()), split, name, region];
    candidates
        .into_iter()
        .flatten()
        .find(|candidate| targets.contains(candidate))
}

/// Judges the guards of the draft again: they look at the fleet of now.
pub fn judge(state: &mut State) {
    let Some(draft) = &state.conduct.draft else {
        return;
    };
    let subject = Subject {
        fleet: &state.fleet,
        plan: &draft.plan,
        ahead: &draft.plan.steps,
        ledger: &state.conduct.ledger,
        beside: &beside(state, draft),
    };
    let guards = guard::judge(subject, &draft.plan.guards());
    if let Some(draft) = &mut state.conduct.draft {
        draft.guards = guards;
    }
}

/// The other runs that are not over; the one that the draft continues is no other.
fn beside<'a>(state: &'a State, draft: &Draft) -> Vec<Beside<'a>> {
    let ours: Vec<&str> = draft.continues.as_deref().into_iter().collect();
    state.conduct.beside(&ours, state.now)
}

/// Plans the same again on the fleet of now.
pub fn replan(state: &mut State) -> Vec<Effect> {
    match state.conduct.draft.take() {
        Some(before) => {
            let effects = propose(state, before.plan.intent.clone(), before.continues);
            // What somebody has overridden and why holds on for the very same plan, and for no other.
            if let Some(draft) = &mut state.conduct.draft
                && draft.plan.hash() == before.plan.hash()
            {
                draft.overrides = before.overrides;
            }
            effects
        }
        None => say(state, "there is no plan".to_owned()),
    }
}

/// Opens the confirmation of the draft, or says why not.
pub fn confirm(state: &mut State) -> Vec<Effect> {
    judge(state);
    let mut reasons = obstacles(state);
    // Nobody has to begin again because the console was not armed yet: that is asked first.
    let unarmed = reasons == [NOT_ARMED];
    if unarmed {
        reasons.clear();
    }
    if let (true, Some(draft)) = (reasons.is_empty(), &state.conduct.draft) {
        let stage = if unarmed {
            Stage::Arm
        } else {
            next_stage(&draft.plan, None, false)
        };
        state.dialogs.push(Dialog::Confirm {
            stage,
            input: Input::default(),
            typed: Vec::new(),
        });
        // What was typed ahead was not typed at this question.
        return vec![Effect::DropKeys];
    }
    let text = reasons.join("; ");
    let Some(draft) = &state.conduct.draft else {
        return say(state, text);
    };
    let what = What::Refused {
        intent: Box::new(draft.plan.intent.clone()),
        hash: Some(draft.plan.hash()),
        reasons,
    };
    let mut effects = record(state, what);
    effects.extend(say(state, text));
    effects
}

/// Writes down that a plan is not carried out.
pub fn refuse(state: &mut State, plan: &Plan, reasons: Vec<String>) -> Vec<Effect> {
    let what = What::Refused {
        intent: Box::new(plan.intent.clone()),
        hash: Some(plan.hash()),
        reasons,
    };
    record(state, what)
}

/// Why the draft cannot be confirmed now; empty when it can.
pub fn obstacles(state: &State) -> Vec<String> {
    let conduct = &state.conduct;
    let Some(draft) = &conduct.draft else {
        return vec!["there is no plan to confirm".to_owned()];
    };
    let mut reasons: Vec<String> = Vec::new();
    if conduct.read_only {
        reasons.push("this console is read-only".to_owned());
    } else if conduct.armed_left(state.now).is_none() {
        reasons.push(NOT_ARMED.to_owned());
    }
    if let Some(problem) = &conduct.journal_problem {
        reasons.push(format!("the journal cannot be written: {problem}"));
    }
    if draft.plan.expired(state.now) {
        reasons.push("the plan has expired: plan again".to_owned());
    }
    reasons.extend(draft.plan.drift(&state.fleet));
    // Nobody can override what two runs of this console would do to each other.
    for other in beside(state, draft).iter().filter(|other| other.here()) {
        let why = clash(&state.fleet, &draft.plan, other);
        let text = other.text(state.now);
        reasons.extend(why.map(|why| format!("{text}: {why}; {}", other.remedy())));
    }
    reasons.extend(draft.blocking().map(|guard| {
        format!(
            "{} {}: {}",
            guard.id.name(),
            guard.verdict.word(),
            guard.evidence
        )
    }));
    reasons
}

/// The question that follows another one; `None` is before the first.
pub fn next_stage(plan: &Plan, answered: Option<Stage>, reasoned: bool) -> Stage {
    match answered {
        None | Some(Stage::Arm) if !plan.phrase.is_empty() => Stage::Phrase,
        None | Some(Stage::Arm | Stage::Phrase) if !plan.loss_phrase.is_empty() => Stage::Loss,
        Some(Stage::Loss) if !reasoned => Stage::Reason,
        None | Some(Stage::Arm | Stage::Phrase | Stage::Loss | Stage::Reason | Stage::Ready) => {
            Stage::Ready
        }
    }
}

/// The reason, where somebody typed `arm` and one.
pub fn arming(text: &str) -> Option<&str> {
    let reason = text.trim().strip_prefix("arm ")?.trim();
    (!reason.is_empty()).then_some(reason)
}
