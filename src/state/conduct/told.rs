//! What the operator tells a run: hold, go on, wait no longer, stop, go back. Owns which run is meant; the run decides what it can do.

use super::{Listed, happened, say, under_cursor};
use crate::{
    effect::Effect,
    plan::run::{Happening, Told},
    state::{Page, Screen, State},
};

/// The run that a command without a name is about: the one that is looked at or under the cursor, and elsewhere the newest that is not over.
pub fn in_hand(state: &State) -> Result<String, String> {
    let conduct = &state.conduct;
    let run = match state.screen {
        Screen::Page(Page::Runs, _) => match under_cursor(state) {
            Some(Listed::Active(run)) => Some(run),
            Some(
                Listed::Interrupted(_)
                | Listed::Drained(_)
                | Listed::Left(_)
                | Listed::Undoable(_)
                | Listed::Over(_),
            )
            | None => {
                return Err("no run in hand stands under the cursor".to_owned());
            }
        },
        Screen::Page(Page::Run, _) => conduct.shown(),
        Screen::Page(Page::Plan | Page::Journal, _)
        | Screen::Home
        | Screen::Zoom(_)
        | Screen::Detail(..) => conduct.active().last(),
    };
    match run {
        Some(run) if !run.over() => Ok(run.id.clone()),
        Some(run) => Err(format!("run {} is over", run.id)),
        None => Err("no run is in hand".to_owned()),
    }
}

/// Holds a run before its next change, or lets it go on.
pub fn hold(state: &mut State) -> Vec<Effect> {
    let id = match in_hand(state) {
        Ok(id) => id,
        Err(why) => return say(state, why),
    };
    let told = match state.conduct.run(&id) {
        Some(run) if run.holding || run.choices().contains(&Told::Resume) => Told::Resume,
        Some(_) | None => Told::Hold,
    };
    tell(state, &id, told)
}

/// Tells the run in hand not to wait any longer.
pub fn skip(state: &mut State) -> Vec<Effect> {
    match in_hand(state) {
        Ok(id) => tell(state, &id, Told::Skip),
        Err(why) => say(state, why),
    }
}

/// What the operator tells a run.
pub fn tell(state: &mut State, id: &str, told: Told) -> Vec<Effect> {
    match state.conduct.run(id).filter(|run| !run.over()) {
        None => say(state, "no run is in hand".to_owned()),
        Some(run)
            if !run.choices().contains(&told) && !matches!(told, Told::Hold | Told::Resume) =>
        {
            let text = "not now: the change in flight is brought to its outcome first; it holds after that".to_owned();
            let mut effects = happened(state, id, Happening::Told(Told::Hold));
            effects.extend(say(state, text));
            effects
        }
        Some(_) => happened(state, id, Happening::Told(told)),
    }
}
