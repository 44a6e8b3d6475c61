//! The lines of the page of runs on which its cursor stands, and what Enter does on each. Owns their order: first what runs, then what needs somebody; changes no run.

use super::{Conduct, draft, say};
use crate::{
    effect::Effect,
    plan::{
        ledger::{Drain, Leftover, RunRecord},
        run::Run,
    },
    state::{Page, Screen, State, navigate},
};

/// A line of the page of runs.
#[derive(Debug, Clone, PartialEq)]
pub enum Listed<'a> {
    /// A run in hand.
    Active(&'a Run),
    /// A run that nobody has any more, or another console.
    Interrupted(&'a RunRecord),
    /// A region without traffic.
    Drained(Drain),
    /// Something that was left behind.
    Left(Leftover),
    /// A run that can be undone.
    Undoable(&'a RunRecord),
    /// A run of this session that is over, and of which nothing is left to undo.
    Over(&'a Run),
}

impl Listed<'_> {
    /// The run that it is about.
    pub fn run(&self) -> &str {
        match self {
            Self::Active(run) | Self::Over(run) => &run.id,
            Self::Interrupted(record) | Self::Undoable(record) => &record.id,
            Self::Drained(drain) => &drain.run,
            Self::Left(left) => &left.run,
        }
    }
}

impl Conduct {
    /// What the page of runs lists: the runs in hand, the interrupted ones, drained regions and what is left over, oldest first; what can be undone and
    /// what is over, newest first.
    pub fn listed(&self) -> Vec<Listed<'_>> {
        let mut listed: Vec<Listed<'_>> = self.active().map(Listed::Active).collect();
        listed.extend(self.interrupted().map(Listed::Interrupted));
        listed.extend(self.ledger.drained().into_iter().map(Listed::Drained));
        listed.extend(self.ledger.leftovers().into_iter().map(Listed::Left));
        let undoable = self.ledger.undoable().filter(|run| run.ended.is_some());
        listed.extend(undoable.map(Listed::Undoable));
        let told = |run: &&Run| {
            listed
                .iter()
                .any(|line| matches!(line, Listed::Undoable(record) if record.id == run.id))
        };
        let over = self.runs.iter().rev().filter(|run| run.over());
        let over: Vec<Listed<'_>> = over.filter(|run| !told(run)).map(Listed::Over).collect();
        listed.extend(over);
        listed
    }
}

/// The line under the cursor of the page of runs; `None` elsewhere.
pub fn under_cursor(state: &State) -> Option<Listed<'_>> {
    let Screen::Page(Page::Runs, cursor) = state.screen else {
        return None;
    };
    state.conduct.listed().into_iter().nth(usize::from(cursor))
}

/// Enter on the page of runs: looks at a run that this console has, plans the way back of everything else.
pub fn open(state: &mut State) -> Vec<Effect> {
    let wanted = match under_cursor(state) {
        None => return say(state, "there is no run here".to_owned()),
        Some(Listed::Active(run) | Listed::Over(run)) => Err(run.id.clone()),
        Some(Listed::Interrupted(run) | Listed::Undoable(run)) => Ok(format!("undo {}", run.id)),
        Some(Listed::Drained(drain)) => Ok(format!("restore-region {}", drain.region)),
        Some(Listed::Left(left)) => Ok(format!("undo {}", left.run)),
    };
    match wanted {
        Ok(intent) => draft(state, &intent),
        Err(id) => {
            look_at_run(state, id);
            Vec::new()
        }
    }
}

/// Shows a run of this session: the named one, the one under the cursor, or the one that was looked at last.
pub fn show(state: &mut State, named: &str) -> Vec<Effect> {
    let id = if named.is_empty() {
        let here = under_cursor(state).map(|line| line.run().to_owned());
        here.filter(|id| state.conduct.run(id).is_some())
            .or_else(|| state.conduct.shown().map(|run| run.id.clone()))
    } else {
        Some(named.to_owned()).filter(|id| state.conduct.run(id).is_some())
    };
    match id {
        Some(id) => {
            look_at_run(state, id);
            Vec::new()
        }
        None if named.is_empty() => say(
            state,
            "there is no run: select a row and type an action, `:drain-region`".to_owned(),
        ),
        None => say(
            state,
            format!("`{named}` is no run of this session; :journal tells of earlier ones"),
        ),
    }
}

/// Goes to another run in hand, from the page of one.
pub fn beside(state: &mut State, by: isize) {
    let active: Vec<&str> = state.conduct.active().map(|run| run.id.as_str()).collect();
    let shown = state.conduct.shown().map(|run| run.id.as_str());
    let at = active.iter().position(|id| Some(*id) == shown);
    let at = at.map_or(0, |at| at.cast_signed() + by);
    let next = at.checked_rem_euclid(active.len().cast_signed());
    let next = next.and_then(|next| active.get(next.cast_unsigned()));
    if let Some(next) = next.map(|next| (*next).to_owned()) {
        state.conduct.chosen = Some(next);
        state.screen = Screen::Page(Page::Run, 0);
        state.unsettled = true;
    }
}

fn look_at_run(state: &mut State, id: String) {
    state.conduct.chosen = Some(id);
    navigate::go(state, Screen::Page(Page::Run, 0));
}
