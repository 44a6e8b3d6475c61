//! Overriding a guard by name, in a plan or in a run that it stopped. Owns who may do it and what is typed for it; the journal gets the reason.

use super::{happened, say};
use crate::{
    effect::Effect,
    plan::{
        Guard, GuardId, Verdict,
        guard::{Overrides, Power},
        run::Happening,
    },
    state::{Dialog, Input, Page, Screen, State},
};

/// Overrides a guard of what is looked at: of the run on its page, of the plan elsewhere.
pub fn override_guard(state: &mut State, argument: &str) -> Vec<Effect> {
    let (name, reason) = argument
        .split_once(char::is_whitespace)
        .unwrap_or((argument, ""));
    let (name, reason) = (name.to_ascii_uppercase(), reason.trim());
    if reason.is_empty()
        && let Some(guard) = asked_for(state, &name)
    {
        // Nobody has to know the grammar: only the reason is left to type.
        state.dialogs.push(Dialog::Palette {
            input: Input::new(&format!("override {} ", guard.name())),
            choice: 0,
            recalled: None,
        });
        return Vec::new();
    }
    let on_run = matches!(state.screen, Screen::Page(Page::Run, _));
    if on_run || state.conduct.draft.is_none() {
        return of_run(state, &name, reason);
    }
    let Some(draft) = &mut state.conduct.draft else {
        return Vec::new();
    };
    match found(&draft.guards, &draft.overrides, &name, reason) {
        Ok(id) => {
            draft.overrides.insert(id, reason.to_owned());
            Vec::new()
        }
        Err(text) => say(state, text),
    }
}

/// The guard whose reason is missing: the named one, or the first that blocks and can be overridden.
fn asked_for(state: &State, name: &str) -> Option<GuardId> {
    let on_run = matches!(state.screen, Screen::Page(Page::Run, _));
    let blocking: Vec<&Guard> = match &state.conduct.draft {
        Some(draft) if !on_run => draft.blocking().collect(),
        Some(_) | None => {
            let run = state
                .conduct
                .shown()
                .filter(|run| run.blocked && !run.over())?;
            run.blocking().collect()
        }
    };
    let mut overridable = blocking
        .iter()
        .filter(|guard| guard.id.power() == Power::Overridable)
        .map(|guard| guard.id);
    overridable.find(|id| name.is_empty() || id.name() == name)
}

fn of_run(state: &mut State, name: &str, reason: &str) -> Vec<Effect> {
    let Some(run) = state
        .conduct
        .shown()
        .filter(|run| run.blocked && !run.over())
    else {
        let text = "no guard can be overridden here: no plan is looked at, and no run that a guard stopped";
        return say(state, text.to_owned());
    };
    let id = match found(&run.guards, &run.overrides, name, reason) {
        Ok(id) => id,
        Err(text) => return say(state, text),
    };
    let (run, phrase) = (run.id.clone(), run.plan.loss_phrase.clone());
    if phrase.is_empty() {
        return happened(state, &run, Happening::Overridden(id, reason.to_owned()));
    }
    // Where nothing undoes it, the words about the loss are typed once more.
    state.dialogs.push(Dialog::Override {
        run,
        guard: id,
        reason: reason.to_owned(),
        input: Input::default(),
    });
    vec![Effect::DropKeys]
}

/// The guard that a name and a reason may override, or why not.
fn found(
    guards: &[Guard],
    overrides: &Overrides,
    name: &str,
    reason: &str,
) -> Result<GuardId, String> {
    let Some(guard) = guards.iter().find(|guard| guard.id.name() == name) else {
        let blocking = guards.iter().filter(|guard| guard.blocks(overrides));
        let names: Vec<&str> = blocking.map(|guard| guard.id.name()).collect();
        return Err(match names.as_slice() {
            [] => format!("no guard `{name}` is here, and none blocks"),
            names => format!(
                "no guard `{name}` is here; what blocks: {}",
                names.join(", ")
            ),
        });
    };
    let id = guard.id.name();
    match (guard.id.power(), guard.verdict) {
        (Power::Absolute, _) => Err(format!(
            "{id} is absolute: nobody can override it; {}",
            guard.remedy
        )),
        (Power::Advisory, _) | (_, Verdict::Pass | Verdict::Warn) => {
            Err(format!("{id} does not block"))
        }
        (Power::Overridable, Verdict::Fail | Verdict::Unknown) if reason.is_empty() => Err(
            format!("`override {id}` needs a reason: it is written into the journal"),
        ),
        (Power::Overridable, Verdict::Fail | Verdict::Unknown) => Ok(guard.id),
    }
}
