//! The question `what now?`: which plans would help, and the key that chooses one. Owns the dialog; a choice makes a plan and changes nothing.

use super::{Dialog, Notice, State, conduct};
use crate::{
    actions::{self, Advice},
    config::key::{Key, KeyCode},
    effect::Effect,
    plan::Plan,
};

/// Lists the plans that would help.
pub fn ask(state: &mut State) {
    let conduct = &state.conduct;
    let in_hand: Vec<&Plan> = conduct.active().map(|run| &run.plan).collect();
    let advice = actions::what_now(&state.fleet, &conduct.ledger, &in_hand);
    if advice.is_empty() {
        let text = "no region is BAD in a way that a plan would help, beyond what is in hand; w says why it is as it is";
        state.notice = Some(Notice {
            text: text.to_owned(),
            failed: false,
        });
        return;
    }
    state.dialogs.push(Dialog::WhatNow { advice, cursor: 0 });
}

/// A key while they are listed. A digit, or Enter, makes the plan.
pub fn key(
    state: &mut State,
    key: Key,
    advice: Vec<Advice>,
    mut cursor: usize,
) -> Option<Vec<Effect>> {
    let last = advice.len().saturating_sub(1);
    let chosen = match (key.code, key.ctrl) {
        (KeyCode::Char('c'), true) => return None,
        (KeyCode::Esc | KeyCode::Backspace, _) | (KeyCode::Char('q' | '['), false) => {
            return Some(Vec::new());
        }
        (KeyCode::Enter, _) => Some(cursor),
        (KeyCode::Char(digit @ '1'..='9'), false) => {
            digit.to_digit(10).map(|digit| digit as usize - 1)
        }
        (KeyCode::Char('j'), false) | (KeyCode::Down, _) => {
            cursor = (cursor + 1).min(last);
            None
        }
        (KeyCode::Char('k'), false) | (KeyCode::Up, _) => {
            cursor = cursor.saturating_sub(1);
            None
        }
        _ => None,
    };
    match chosen.and_then(|chosen| advice.get(chosen)) {
        Some(one) => Some(conduct::draft(state, &one.typed)),
        None => {
            state.dialogs.push(Dialog::WhatNow { advice, cursor });
            Some(Vec::new())
        }
    }
}
