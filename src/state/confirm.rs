//! Keys while a plan is being confirmed or a run is being stopped. Owns that the key that starts never confirms, that Enter never executes, and that pasted text confirms nothing.

use super::{
    Dialog, Input, State,
    conduct::{self, Stage},
};
use crate::{
    config::key::{Key, KeyCode},
    effect::Effect,
    plan::{
        GuardId,
        run::{Happening, Told},
    },
};

/// A key while a plan is being confirmed. `typed` holds what was typed at the stages before.
pub fn confirm(
    state: &mut State,
    key: Key,
    stage: Stage,
    mut input: Input,
    mut typed: Vec<String>,
) -> Option<Vec<Effect>> {
    match (key.code, key.ctrl) {
        (KeyCode::Esc, _) | (KeyCode::Char('g'), true) => return Some(Vec::new()),
        // Leaving must always work.
        (KeyCode::Char('c'), true) => return None,
        _ => {}
    }
    if stage == Stage::Ready {
        if key == Key::plain(KeyCode::Char('y')) {
            return Some(conduct::start(state, &typed));
        }
        state.dialogs.push(Dialog::Confirm {
            stage,
            input,
            typed,
        });
        return Some(Vec::new());
    }
    input.edit(key);
    let Some(next) = after(state, stage, &input.text, key, &typed) else {
        state.dialogs.push(Dialog::Confirm {
            stage,
            input,
            typed,
        });
        return Some(Vec::new());
    };
    let mut effects = Vec::new();
    if let (Stage::Arm, Some(reason)) = (stage, conduct::arming(&input.text)) {
        effects = conduct::arm(state, reason);
        if state.conduct.armed_left(state.now).is_none() {
            return Some(effects);
        }
    }
    typed.push(input.text.trim().to_owned());
    state.dialogs.push(Dialog::Confirm {
        stage: next,
        input: Input::default(),
        typed,
    });
    // Nothing that was typed before the next question was seen may answer it.
    effects.push(Effect::DropKeys);
    Some(effects)
}

/// The stage that follows, once this one is answered.
fn after(state: &State, stage: Stage, text: &str, key: Key, typed: &[String]) -> Option<Stage> {
    let plan = &state.conduct.draft.as_ref()?.plan;
    let answered = match stage {
        Stage::Arm => key.code == KeyCode::Enter && conduct::arming(text).is_some(),
        Stage::Phrase => text.trim() == plan.phrase,
        Stage::Loss => text.trim() == plan.loss_phrase,
        Stage::Reason => key.code == KeyCode::Enter && !text.trim().is_empty(),
        Stage::Ready => false,
    };
    // Who has just said why they arm has given the reason.
    let reasoned = typed
        .first()
        .is_some_and(|first| conduct::arming(first).is_some());
    answered.then(|| conduct::next_stage(plan, Some(stage), reasoned))
}

/// A key while the words about the loss are typed once more for an override.
pub fn accept(
    state: &mut State,
    key: Key,
    (run, guard, reason): (String, GuardId, String),
    mut input: Input,
) -> Option<Vec<Effect>> {
    match (key.code, key.ctrl) {
        (KeyCode::Esc, _) | (KeyCode::Char('g'), true) => return Some(Vec::new()),
        (KeyCode::Char('c'), true) => return None,
        _ => {}
    }
    input.edit(key);
    let phrase = state.conduct.run(&run).map(|run| &run.plan.loss_phrase);
    if phrase.is_some_and(|phrase| input.text.trim() == phrase) {
        let mut effects = conduct::happened(state, &run, Happening::Overridden(guard, reason));
        // The key after the phrase must not let the run go on.
        effects.push(Effect::DropKeys);
        return Some(effects);
    }
    state.dialogs.push(Dialog::Override {
        run,
        guard,
        reason,
        input,
    });
    Some(Vec::new())
}

/// A key while it is asked how a run shall stop.
pub fn stop(state: &mut State, run: &str, key: Key) -> Option<Vec<Effect>> {
    match (key.code, key.ctrl) {
        (KeyCode::Char('c'), true) => None,
        (KeyCode::Char('s'), false) => Some(conduct::tell(state, run, Told::Abort)),
        (KeyCode::Char('u'), false) => Some(conduct::tell(state, run, Told::GoBack)),
        _ => Some(Vec::new()),
    }
}
