//! Runs of the journal that were interrupted: settled, or continued by a new plan. Never resumes one.

use super::{propose, say, under_cursor};
use crate::{
    effect::Effect,
    plan::entry::{Entry, What},
    state::State,
};

/// A person says that nothing more is to be done about an interrupted run.
pub fn settle(state: &mut State, argument: &str) -> Vec<Effect> {
    let (id, note) = argument
        .split_once(char::is_whitespace)
        .unwrap_or((argument, ""));
    let note = note.trim();
    let known = state.conduct.interrupted().any(|run| run.id == id);
    if !known {
        return say(state, format!("`{id}` has ended, or there is no such run"));
    }
    if note.is_empty() {
        return say(
            state,
            "`settle` needs a note: what is true now, and why nothing more is to be done"
                .to_owned(),
        );
    }
    let what = What::Settled {
        note: note.to_owned(),
    };
    vec![Effect::Journal(Entry {
        at: state.now,
        run: Some(id.to_owned()),
        step: None,
        what,
    })]
}

/// Plans the rest of an interrupted run anew: the same intent on the fleet of now. Never resumes blindly.
pub fn go_on(state: &mut State, id: &str) -> Vec<Effect> {
    let chosen = under_cursor(state).map(|line| line.run().to_owned());
    let id = if id.is_empty() {
        chosen.as_deref().unwrap_or_default()
    } else {
        id
    };
    let Some(record) = state.conduct.interrupted().find(|run| run.id == id) else {
        return say(state, format!("`{id}` has ended, or there is no such run"));
    };
    let intent = record.plan.intent.clone();
    propose(state, intent, Some(id.to_owned()))
}
