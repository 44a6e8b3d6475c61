//! Keys while a plan is being confirmed or a run is being stopped. Owns that the key that starts never confirms, that Enter never executes, and that pasted text confirms nothing.

use super::{
    Dialog, Input, State,
    conduct::{self, Stage},
};
use crate::{
    config::key::{Key, KeyCode},
    effect::Effect,
    plan::run::Told,
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
    let Some(next) = after(state, stage, &input.text, key) else {
        state.dialogs.push(Dialog::Confirm {
            stage,
            input,
            typed,
        });
        return Some(Vec::new());
    };
    typed.push(input.text.trim().to_owned());
    state.dialogs.push(Dialog::Confirm {
        stage: next,
        input: Input::default(),
        typed,
    });
    // Nothing that was typed before the next question was seen may answer it.
    Some(vec![Effect::DropKeys])
}

/// The stage that follows, once this one is answered.
fn after(state: &State, stage: Stage, text: &str, key: Key) -> Option<Stage> {
    let plan = &state.conduct.draft.as_ref()?.plan;
    match stage {
        Stage::Phrase if text.trim() != plan.phrase => None,
        Stage::Phrase if plan.loss_phrase.is_empty() => Some(Stage::Ready),
        Stage::Phrase => Some(Stage::Loss),
        Stage::Loss if text.trim() != plan.loss_phrase => None,
        Stage::Loss => Some(Stage::Reason),
        Stage::Reason if key.code == KeyCode::Enter && !text.trim().is_empty() => {
            Some(Stage::Ready)
        }
        Stage::Reason | Stage::Ready => None,
    }
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
