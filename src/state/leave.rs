//! Leaving while a run is in hand. Owns what is said and written then; a change in flight is never forgotten, and Ctrl-C never asks.

use super::{Notice, State, conduct};
use crate::{
    effect::Effect,
    plan::{
        entry::{Entry, What},
        run::{Happening, Phase, Told},
    },
};

/// Leaves, unless a run goes on by itself.
pub fn quit(state: &mut State) -> Vec<Effect> {
    match state.conduct.active() {
        Some(run) if !matches!(run.phase, Phase::Held | Phase::Halted { .. }) => {
            let text = format!(
                "run {} is in hand: hold it (space) or stop it (X) first; Ctrl-C leaves all the same, and leaves it interrupted",
                run.id
            );
            state.notice = Some(Notice { text, failed: true });
            Vec::new()
        }
        Some(_) | None => vec![Effect::Quit],
    }
}

/// The session is lost: the run holds before its next change, and the journal says why.
pub fn lost(state: &mut State, why: &str) -> Vec<Effect> {
    let Some(run) = state.conduct.active() else {
        return Vec::new();
    };
    let entry = Entry {
        at: state.now,
        run: Some(run.id.clone()),
        step: Some(run.at),
        what: What::Held {
            why: why.to_owned(),
        },
    };
    let mut effects = vec![Effect::Journal(entry)];
    effects.extend(conduct::happened(state, Happening::Told(Told::Hold)));
    effects
}

/// Whether a change is on its way: the next moments tell what became of it.
pub fn in_flight(state: &State) -> bool {
    state.conduct.active().is_some_and(|run| {
        matches!(
            run.phase,
            Phase::Journaling { .. } | Phase::Applying { .. } | Phase::Verifying { .. }
        )
    })
}
