//! The runs in hand: what each is told, and what it wants as effects. Owns who may start what; the run itself decides every step.

mod draft;
mod list;
mod overriding;
mod past;
mod reminder;
mod told;
mod window;

use jiff::Timestamp;

pub use self::{
    draft::{
        Draft, NOT_ARMED, Stage, arming, confirm, draft, judge, look_at, next_stage, obstacles,
        propose, refuse, rehearsed, replan,
    },
    list::{Listed, beside, open, show, under_cursor},
    overriding::override_guard,
    past::{go_on, settle},
    reminder::Reminder,
    told::{hold, in_hand, skip, tell},
    window::{arm, disarm},
};
use super::{Notice, Page, Screen, State};
use crate::{
    arm::{Armed, Written},
    effect::Effect,
    plan::{
        beside::{self, Beside},
        entry::{Entry, What},
        ledger::{Ledger, RunRecord},
        run::{Context, Happening, Next, Run},
    },
    resources::{
        ProviderError, Query,
        change::{ApplyError, Receipt},
    },
};

/// Plans and runs.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Conduct {
    /// Whether the process was started with `--read-only`, or shows a recording.
    pub read_only: bool,
    /// The window, if there is one.
    pub armed: Option<Armed>,
    /// What the journal says.
    pub ledger: Ledger,
    /// Why the journal cannot be used: nothing can be confirmed then.
    pub journal_problem: Option<String>,
    /// The plan that is looked at.
    pub draft: Option<Draft>,
    /// The runs of this session, oldest first: those that are not over, and the last that are.
    pub runs: Vec<Run>,
    /// Which of them is looked at.
    pub chosen: Option<String>,
}

/// How many runs that are over stay in sight.
const KEPT: usize = 12;

impl Conduct {
    /// The runs in hand that are not over, oldest first.
    pub fn active(&self) -> impl Iterator<Item = &Run> {
        self.runs.iter().filter(|run| !run.over())
    }

    /// A run of this session.
    pub fn run(&self, id: &str) -> Option<&Run> {
        self.runs.iter().find(|run| run.id == id)
    }

    /// The run that the page of the run shows: the chosen one, else the newest.
    pub fn shown(&self) -> Option<&Run> {
        let chosen = self.chosen.as_deref().and_then(|id| self.run(id));
        chosen.or(self.runs.last())
    }

    /// The other runs that are not over, but for `ours`.
    fn beside<'a>(&'a self, ours: &[&str], now: Timestamp) -> Vec<Beside<'a>> {
        beside::others(&self.ledger, self.runs.iter(), ours, now)
    }

    /// Runs of the journal that are not over and that this console does not have.
    pub fn interrupted(&self) -> impl Iterator<Item = &RunRecord> {
        self.ledger
            .interrupted(self.active().map(|run| run.id.as_str()))
    }

    /// Time left in the window; `None` when nothing may be confirmed.
    pub fn armed_left(&self, now: Timestamp) -> Option<std::time::Duration> {
        self.armed.as_ref()?.left(now)
    }

    /// Takes a new run in hand. Those that have been over for longest are forgotten here; the journal has them.
    fn take(&mut self, run: Run) {
        self.chosen = Some(run.id.clone());
        self.runs.push(run);
        let over = self.runs.iter().filter(|run| run.over()).count();
        for _ in KEPT..over {
            if let Some(oldest) = self.runs.iter().position(Run::over) {
                self.runs.remove(oldest);
            }
        }
    }
}

fn record(state: &mut State, what: What) -> Vec<Effect> {
    vec![Effect::Journal(Entry {
        at: state.now,
        run: None,
        step: None,
        what,
    })]
}

/// Starts the run of the confirmed draft. Everything is judged once more: time has passed while the phrase was typed.
pub fn start(state: &mut State, typed: &[String]) -> Vec<Effect> {
    judge(state);
    if !obstacles(state).is_empty() {
        return confirm(state);
    }
    let Some(draft) = state.conduct.draft.take() else {
        return Vec::new();
    };
    let (mut run, next) = Run::new(
        draft.plan,
        draft.guards,
        draft.overrides,
        typed.join(" / "),
        state.now,
    );
    run.continues = draft.continues;
    let id = run.id.clone();
    state.conduct.take(run);
    // The plan screen is no place to come back to.
    state.screen = Screen::Page(Page::Run, 0);
    state.unsettled = true;
    carry(state, &id, next)
}

/// Tells a run what happened. The others are what it looks at beside the fleet.
pub fn happened(state: &mut State, id: &str, happening: Happening) -> Vec<Effect> {
    let conduct = &mut state.conduct;
    let Some(index) = conduct.runs.iter().position(|run| run.id == id) else {
        return Vec::new();
    };
    let mut run = conduct.runs.remove(index);
    let continues = run.continues.clone();
    let ours: Vec<&str> = [Some(id), continues.as_deref()]
        .into_iter()
        .flatten()
        .collect();
    let beside = conduct.beside(&ours, state.now);
    let context = Context {
        fleet: &state.fleet,
        armed: conduct.armed.as_ref(),
        ledger: &conduct.ledger,
        beside: &beside,
    };
    let next = run.handle(happening, context);
    conduct.runs.insert(index, run);
    carry(state, id, next)
}

/// A run's wants as effects.
fn carry(state: &State, id: &str, next: Vec<Next>) -> Vec<Effect> {
    let run = || id.to_owned();
    let title = state.conduct.run(id).map(|run| run.plan.title.clone());
    next.into_iter()
        .map(|next| match next {
            Next::Lock(targets) => Effect::Lock {
                run: run(),
                targets,
                why: title.clone().unwrap_or_default(),
            },
            Next::Unlock => Effect::Unlock { run: run() },
            Next::Read(query) => Effect::Observe(query),
            Next::Journal(entry) => Effect::Journal(entry),
            Next::Apply(step, change, token) => Effect::Apply {
                run: run(),
                step,
                change,
                token,
            },
        })
        .collect()
}

/// The journal as it was at the start.
pub fn opened(state: &mut State, entries: Vec<Entry>, problem: Option<String>) {
    state.conduct.ledger = Ledger::of(entries);
    state.conduct.journal_problem = problem;
    let interrupted = state.conduct.interrupted().count();
    if interrupted > 0 {
        state.notice = Some(Notice {
            text: format!(
                "{interrupted} run(s) have not ended: `:runs` tells which step is in doubt"
            ),
            failed: true,
        });
    }
}

/// An entry is on disk, or not.
pub fn journaled(state: &mut State, entry: Entry, result: Result<Written, String>) -> Vec<Effect> {
    let run = entry.run.clone().unwrap_or_default();
    let step = entry.step;
    let confirmed = matches!(entry.what, What::Confirmed { .. });
    let awaited = confirmed || matches!(entry.what, What::Sending { .. });
    match &result {
        Ok(_) => {
            state.conduct.ledger.add(entry);
            state.unsettled = true;
        }
        Err(problem) => state.conduct.journal_problem = Some(problem.clone()),
    }
    let ours = state.conduct.run(&run);
    let continues = ours.and_then(|run| run.continues.clone());
    match (ours.is_some() && awaited, result) {
        (true, result) => {
            let settled = continues.filter(|_| confirmed && result.is_ok());
            let mut effects = happened(state, &run, Happening::Journaled(step, result));
            effects.extend(settled.map(|before| continued(state.now, before, &run)));
            effects
        }
        (false, Err(problem)) => say(state, format!("the journal cannot be written: {problem}")),
        (false, Ok(_)) => Vec::new(),
    }
}

/// The interrupted run needs nobody any more, once the one that continues it is on disk.
fn continued(now: Timestamp, before: String, by: &str) -> Effect {
    let what = What::Settled {
        note: format!("continued by run {by}"),
    };
    Effect::Journal(Entry {
        at: now,
        run: Some(before),
        step: None,
        what,
    })
}

/// The locks of a run are ours, or not.
pub fn locked(state: &mut State, run: &str, result: Result<(), String>) -> Vec<Effect> {
    happened(state, run, Happening::Locked(result))
}

/// A change was answered.
pub fn applied(
    state: &mut State,
    run: &str,
    step: usize,
    result: Result<Receipt, ApplyError>,
) -> Vec<Effect> {
    if let Ok(receipt) = &result {
        for (api, calls) in &receipt.calls {
            *state.fleet.calls.entry(*api).or_default() += u64::from(*calls);
        }
    }
    happened(state, run, Happening::Applied(step, result))
}

/// A read of a run was answered; what it showed is in the fleet already.
pub fn observed(
    state: &mut State,
    query: &Query,
    result: Result<Option<bool>, ProviderError>,
) -> Vec<Effect> {
    let mut runs = state.conduct.runs.iter();
    let Some(id) = runs
        .find(|run| run.asked(query.read))
        .map(|run| run.id.clone())
    else {
        return Vec::new();
    };
    let result = result.map_err(|error| error.to_string());
    happened(state, &id, Happening::Read(query.read, result))
}

/// The same happens to every run in hand.
pub fn everybody(state: &mut State, happening: &Happening) -> Vec<Effect> {
    let ids: Vec<String> = state.conduct.active().map(|run| run.id.clone()).collect();
    ids.iter()
        .flat_map(|id| happened(state, id, happening.clone()))
        .collect()
}

/// Time passed.
pub fn tick(state: &mut State) -> Vec<Effect> {
    // A plan that was left is judged again when somebody comes back to it.
    let looked_at = matches!(state.screen, Screen::Page(Page::Plan, _));
    if looked_at {
        judge(state);
    }
    let busy = state.conduct.active().next().is_some();
    // What blocks a run that stands still may have passed meanwhile.
    let mut effects = Vec::new();
    if matches!(state.screen, Screen::Page(Page::Run, _))
        && let Some(id) = state.conduct.shown().map(|run| run.id.clone())
    {
        effects = happened(state, &id, Happening::LookedAt);
    }
    // Countdowns and steps show every second; a console that only watches stays silent.
    state.unsettled |= looked_at || busy || state.conduct.armed.is_some();
    if !busy && state.conduct.armed_left(state.now).is_none() {
        state.conduct.armed = None;
    }
    effects.extend(everybody(state, &Happening::Tick));
    effects
}

fn say(state: &mut State, text: String) -> Vec<Effect> {
    state.notice = Some(Notice { text, failed: true });
    Vec::new()
}
