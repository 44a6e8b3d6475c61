//! The window in which plans may be confirmed: opened with a reason, closed by hand. Owns who may open it; a run decides what its end means.

use super::{draft, record, say};
use crate::{arm::Armed, effect::Effect, plan::entry::What, state::State};

/// Opens the window, or keeps it open for longer.
pub fn arm(state: &mut State, reason: &str) -> Vec<Effect> {
    if state.conduct.read_only {
        return say(
            state,
            "this console is read-only and cannot be armed".to_owned(),
        );
    }
    if let Some(problem) = &state.conduct.journal_problem {
        let text = format!("the journal cannot be written, so nothing may be changed: {problem}");
        return say(state, text);
    }
    let armed = match &state.conduct.armed {
        Some(open) => open.extended(reason, state.now),
        None => Armed::new(reason, state.now),
    };
    let Some(armed) = armed else {
        return say(
            state,
            "`arm` needs a reason: it is written into the journal".to_owned(),
        );
    };
    let what = What::Armed {
        reason: armed.reason().to_owned(),
        until: armed.until(),
    };
    state.conduct.armed = Some(armed);
    let mut effects = record(state, what);
    effects.extend(draft::rehearse(state));
    effects
}

/// Closes the window; a run stops before its next change.
pub fn disarm(state: &mut State) -> Vec<Effect> {
    if state.conduct.armed.take().is_none() {
        return say(state, "not armed".to_owned());
    }
    record(state, What::Disarmed)
}
