//! The tour: where a newcomer is being shown around, from the sick region to the undone drain. Owns when a stop is done, by what the state shows; it never
//! acts by itself and stands in nobody's way.

use super::{Dialog, Mode, Notice, Screen, State, conduct};
use crate::{
    plan::run::{Phase, Run},
    resources::{Kind, RegionLabel, Severity},
};

/// Where it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tour {
    /// The stop.
    pub stop: Stop,
    /// The region that got sick.
    pub sick: Option<RegionLabel>,
}

/// A stop of the tour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Stop {
    /// All is well; something is about to happen.
    #[default]
    Calm,
    /// A region is BAD: find it.
    Find,
    /// Ask why.
    Why,
    /// Open the window for changes.
    Arm,
    /// Plan the drain.
    Plan,
    /// Read the plan and confirm it.
    Confirm,
    /// Watch the run.
    Watch,
    /// Plan the undo.
    Undo,
    /// Confirm that, too.
    ConfirmUndo,
    /// Watch it.
    WatchUndo,
    /// That was all.
    End,
}

impl Stop {
    /// Every stop, in order.
    pub const ALL: &'static [Stop] = &[
        Stop::Calm,
        Stop::Find,
        Stop::Why,
        Stop::Arm,
        Stop::Plan,
        Stop::Confirm,
        Stop::Watch,
        Stop::Undo,
        Stop::ConfirmUndo,
        Stop::WatchUndo,
        Stop::End,
    ];

    /// Its number, from 1.
    pub fn number(self) -> usize {
        self as usize + 1
    }

    fn next(self) -> Option<Self> {
        Self::ALL.get(self.number()).copied()
    }
}

/// Begins the tour, or leaves it; without a word whichever is not so.
pub fn command(state: &mut State, word: &str) {
    let on = match word {
        "on" => true,
        "off" => false,
        "" => state.tour.is_none(),
        other => {
            let text = format!("`tour` takes on or off, not `{other}`");
            state.notice = Some(Notice { text, failed: true });
            return;
        }
    };
    if let (true, Some(why)) = (on, no_place(&state.mode)) {
        let text = why.to_owned();
        state.notice = Some(Notice { text, failed: true });
        return;
    }
    state.tour = on.then(Tour::default);
    // Its strip takes rows from the panes.
    state.unsettled = true;
    advance(state);
}

/// Why nobody is shown around here: what it drains must not be real.
pub(super) fn no_place(mode: &Mode) -> Option<&'static str> {
    match mode {
        Mode::Sim { .. } => None,
        Mode::Live | Mode::Replay => {
            Some("the tour drains a region: take it in `pilothouse demo --tour`")
        }
    }
}

/// Goes on as far as the state shows that things were done.
pub(super) fn advance(state: &mut State) {
    while let Some(tour) = &state.tour {
        let Some(next) = tour.stop.next().filter(|_| done(state, tour)) else {
            return;
        };
        let sick = tour.sick.clone().or_else(|| sick(state));
        state.tour = Some(Tour { stop: next, sick });
    }
}

/// Whether a stop is behind us.
fn done(state: &State, tour: &Tour) -> bool {
    match tour.stop {
        Stop::Calm => sick(state).is_some(),
        Stop::Find => state
            .selected()
            .is_some_and(|id| id.kind == Kind::Regions && id.place.region() == tour.sick.as_ref()),
        Stop::Why => {
            let asked = |dialog: &Dialog| matches!(dialog, Dialog::Text { title, .. } if title.starts_with("Why"));
            state.dialogs.iter().any(asked)
        }
        Stop::Arm => state.conduct.armed_left(state.now).is_some(),
        Stop::Plan => planned(state, |action, target| {
            action == "drain-region" && Some(target) == tour.sick.as_ref().map(RegionLabel::as_str)
        }),
        Stop::Confirm => run_of(state, |action| action == "drain-region").is_some(),
        Stop::Watch => {
            let run = run_of(state, |action| action == "drain-region");
            run.is_none_or(ended)
        }
        Stop::Undo => planned(state, |action, _| goes_back(action)),
        Stop::ConfirmUndo => run_of(state, goes_back).is_some(),
        Stop::WatchUndo => run_of(state, goes_back).is_none_or(ended),
        Stop::End => false,
    }
}

/// The first region that is BAD.
fn sick(state: &State) -> Option<RegionLabel> {
    let labels = state.fleet.estate.regions.iter().map(|spec| &spec.label);
    labels
        .filter(|label| state.fleet.rollup(label).severity == Severity::Bad)
        .max_by_key(|label| state.fleet.rollup(label).gravity(state.fleet.now))
        .cloned()
}

/// What takes a drain back: the undo of its run, or the restore of its region.
fn goes_back(action: &str) -> bool {
    matches!(action, "undo" | "restore-region")
}

fn planned(state: &State, is_it: impl Fn(&str, &str) -> bool) -> bool {
    let draft = state.conduct.draft.as_ref();
    draft.is_some_and(|draft| is_it(&draft.plan.intent.action, &draft.plan.intent.target))
}

/// The newest run of such an action.
fn run_of(state: &State, is_it: impl Fn(&str) -> bool) -> Option<&Run> {
    let runs = state.conduct.runs.iter().rev();
    runs.into_iter().find(|run| is_it(&run.plan.intent.action))
}

fn ended(run: &Run) -> bool {
    matches!(run.phase, Phase::Ended { .. })
}

/// What stands in the way of the plan that the tour is about, as far as the newcomer can do something about it.
pub fn in_the_way(state: &State) -> Option<String> {
    if state.conduct.draft.is_none() {
        return Some("there is no plan any more: plan it again".to_owned());
    }
    conduct::obstacles(state).into_iter().next()
}

/// Whether the plan is what fills the screen.
pub fn looks_at_plan(state: &State) -> bool {
    matches!(state.screen, Screen::Page(super::Page::Plan, _))
}
