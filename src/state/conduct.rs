//! Arming, and the run in hand: what it is told and what it wants. Owns who may start what; the run itself decides every step.

mod draft;
mod past;

use jiff::Timestamp;

pub use self::{
    draft::{
        Draft, Stage, confirm, draft, judge, look_at, obstacles, override_guard, propose, refuse,
        replan,
    },
    past::{go_on, settle, undo_chosen},
};
use super::{Notice, Page, Screen, State};
use crate::{
    arm::{Armed, Written},
    effect::Effect,
    plan::{
        entry::{Entry, What},
        ledger::{Ledger, RunRecord},
        run::{Context, Happening, Next, Run, Told},
    },
    resources::{
        ProviderError, Query, age,
        cell::coarse_age,
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
    /// The run in hand, or the last one.
    pub run: Option<Run>,
}

/// Something that must not be forgotten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reminder {
    /// In one line.
    pub text: String,
    /// Whether it should have ended.
    pub overdue: bool,
}

impl Reminder {
    fn new(what: &str, since: Timestamp, until: Option<Timestamp>, now: Timestamp) -> Self {
        let for_so_long = coarse_age(age(since, now));
        let overdue = until.is_some_and(|until| until < now);
        let end = match until {
            None => "no end is set".to_owned(),
            Some(until) if overdue => format!("OVERDUE by {}", coarse_age(age(until, now))),
            Some(until) => format!("until {}", until.strftime("%H:%MZ")),
        };
        Self {
            text: format!("{what} for {for_so_long}, {end}"),
            overdue,
        }
    }
}

impl Conduct {
    /// The run in hand, while it is not over.
    pub fn active(&self) -> Option<&Run> {
        self.run.as_ref().filter(|run| !run.over())
    }

    /// The runs that the page of runs lists: interrupted ones, oldest first, then those that can be undone, newest first.
    pub fn listed(&self) -> Vec<&RunRecord> {
        let active = self.active().map(|run| run.id.as_str());
        let interrupted = self.ledger.interrupted(active);
        let undoable = self.ledger.undoable().filter(|run| run.ended.is_some());
        interrupted.chain(undoable).collect()
    }

    /// What must not be forgotten, the overdue first.
    pub fn reminders(&self, now: Timestamp) -> Vec<Reminder> {
        let drains = self.ledger.drained().into_iter().map(|drain| {
            let what = format!("{} is drained", drain.region);
            Reminder::new(&what, drain.since, drain.until, now)
        });
        let leftovers = self
            .ledger
            .leftovers()
            .into_iter()
            .map(|left| Reminder::new(&left.what, left.since, left.until, now));
        let mut reminders: Vec<Reminder> = drains.chain(leftovers).collect();
        let active = self.active().map(|run| run.id.as_str());
        for run in self.ledger.interrupted(active) {
            let text = format!("run {} was interrupted: {} (:runs)", run.id, run.plan.title);
            reminders.push(Reminder {
                text,
                overdue: true,
            });
        }
        reminders.sort_by_key(|reminder| !reminder.overdue); // stable
        reminders
    }

    /// Time left in the window; `None` when nothing may be confirmed.
    pub fn armed_left(&self, now: Timestamp) -> Option<std::time::Duration> {
        self.armed.as_ref()?.left(now)
    }
}

/// Holds the run before its next change, or lets it go on.
pub fn hold(state: &mut State) -> Vec<Effect> {
    let told = match state.conduct.active() {
        Some(run) if run.holding || run.choices().contains(&Told::Resume) => Told::Resume,
        Some(_) | None => Told::Hold,
    };
    tell(state, told)
}

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
    record(state, what)
}

/// Closes the window; a run stops before its next change.
pub fn disarm(state: &mut State) -> Vec<Effect> {
    if state.conduct.armed.take().is_none() {
        return say(state, "not armed".to_owned());
    }
    record(state, What::Disarmed)
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
    let (run, next) = Run::new(
        draft.plan,
        draft.guards,
        draft.overrides,
        typed.join(" / "),
        state.now,
    );
    let id = run.id.clone();
    state.conduct.run = Some(run);
    let mut effects = carry(state, next);
    if let Some(settled) = draft.continues {
        let what = What::Settled {
            note: format!("continued by run {id}"),
        };
        effects.push(Effect::Journal(Entry {
            at: state.now,
            run: Some(settled),
            step: None,
            what,
        }));
    }
    // The plan screen is no place to come back to.
    state.screen = Screen::Page(Page::Run, 0);
    state.unsettled = true;
    effects
}

/// Tells the run what happened.
pub fn happened(state: &mut State, happening: Happening) -> Vec<Effect> {
    let Conduct {
        run: Some(run),
        armed,
        ledger,
        ..
    } = &mut state.conduct
    else {
        return Vec::new();
    };
    let context = Context {
        fleet: &state.fleet,
        armed: armed.as_ref(),
        ledger,
    };
    let next = run.handle(happening, context);
    carry(state, next)
}

/// What the operator tells the run in hand.
pub fn tell(state: &mut State, told: Told) -> Vec<Effect> {
    match state.conduct.active() {
        None => say(state, "no run is in hand".to_owned()),
        Some(run)
            if !run.choices().contains(&told) && !matches!(told, Told::Hold | Told::Resume) =>
        {
            let text = "not now: the change in flight is brought to its outcome first; it holds after that".to_owned();
            let mut effects = happened(state, Happening::Told(Told::Hold));
            effects.extend(say(state, text));
            effects
        }
        Some(_) => happened(state, Happening::Told(told)),
    }
}

/// A run's wants as effects.
fn carry(state: &mut State, next: Vec<Next>) -> Vec<Effect> {
    let Some(run) = state.conduct.run.as_ref().map(|run| run.id.clone()) else {
        return Vec::new();
    };
    let title = state
        .conduct
        .run
        .as_ref()
        .map(|run| run.plan.title.clone())
        .unwrap_or_default();
    next.into_iter()
        .map(|next| match next {
            Next::Lock(targets) => Effect::Lock {
                run: run.clone(),
                targets,
                why: title.clone(),
            },
            Next::Unlock => Effect::Unlock,
            Next::Read(query) => Effect::Observe(query),
            Next::Journal(entry) => Effect::Journal(entry),
            Next::Apply(step, change, token) => Effect::Apply {
                run: run.clone(),
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
    let interrupted = state.conduct.ledger.interrupted(None).count();
    if interrupted > 0 {
        state.notice = Some(Notice {
            text: format!(
                "{interrupted} run(s) were interrupted: `:runs` tells which step is in doubt"
            ),
            failed: true,
        });
    }
}

/// An entry is on disk, or not.
pub fn journaled(state: &mut State, entry: Entry, result: Result<Written, String>) -> Vec<Effect> {
    let run = entry.run.clone();
    let step = entry.step;
    let awaited = matches!(entry.what, What::Confirmed { .. } | What::Sending { .. });
    match &result {
        Ok(_) => {
            state.conduct.ledger.add(entry);
            state.unsettled = true;
        }
        Err(problem) => state.conduct.journal_problem = Some(problem.clone()),
    }
    let ours = run.is_some() && run == state.conduct.run.as_ref().map(|run| run.id.clone());
    match (ours && awaited, result) {
        (true, result) => happened(state, Happening::Journaled(step, result)),
        (false, Err(problem)) => say(state, format!("the journal cannot be written: {problem}")),
        (false, Ok(_)) => Vec::new(),
    }
}

/// The locks of a run are ours, or not.
pub fn locked(state: &mut State, run: &str, result: Result<(), String>) -> Vec<Effect> {
    if state.conduct.run.as_ref().is_some_and(|own| own.id == run) {
        happened(state, Happening::Locked(result))
    } else {
        Vec::new()
    }
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
    if state.conduct.run.as_ref().is_some_and(|own| own.id == run) {
        happened(state, Happening::Applied(step, result))
    } else {
        Vec::new()
    }
}

/// A read of the run was answered; what it showed is in the fleet already.
pub fn observed(
    state: &mut State,
    query: &Query,
    result: Result<Option<bool>, ProviderError>,
) -> Vec<Effect> {
    happened(
        state,
        Happening::Read(query.read, result.map_err(|error| error.to_string())),
    )
}

/// Time passed.
pub fn tick(state: &mut State) -> Vec<Effect> {
    // A plan that was left is judged again when somebody comes back to it.
    let looked_at = matches!(state.screen, Screen::Page(Page::Plan, _));
    if looked_at {
        judge(state);
    }
    // Countdowns and steps show every second; a console that only watches stays silent.
    state.unsettled |=
        looked_at || state.conduct.active().is_some() || state.conduct.armed.is_some();
    if state.conduct.active().is_none() && state.conduct.armed_left(state.now).is_none() {
        state.conduct.armed = None;
    }
    happened(state, Happening::Tick)
}

fn say(state: &mut State, text: String) -> Vec<Effect> {
    state.notice = Some(Notice { text, failed: true });
    Vec::new()
}
