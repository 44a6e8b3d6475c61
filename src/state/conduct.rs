//! Arming, and the runs in hand: what each is told and what it wants. Owns who may start what; the run itself decides every step.

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
        beside::{self, Beside},
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
    /// The runs of this session, oldest first: those that are not over, and the last that are.
    pub runs: Vec<Run>,
    /// Which of them is looked at.
    pub chosen: Option<String>,
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

    /// The runs that the page of runs lists: interrupted ones, oldest first, then those that can be undone, newest first.
    pub fn listed(&self) -> Vec<&RunRecord> {
        let undoable = self.ledger.undoable().filter(|run| run.ended.is_some());
        self.interrupted().chain(undoable).collect()
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
        for run in self.interrupted() {
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

/// The run that a command without a name is about: the one that is looked at, else the newest that is not over.
pub fn in_hand(state: &State) -> Option<String> {
    let conduct = &state.conduct;
    let looked_at = matches!(state.screen, Screen::Page(Page::Run, _));
    let shown = conduct
        .shown()
        .filter(|run| looked_at || !run.over())
        .or(conduct.active().last());
    shown.filter(|run| !run.over()).map(|run| run.id.clone())
}

/// Holds a run before its next change, or lets it go on.
pub fn hold(state: &mut State) -> Vec<Effect> {
    let Some(id) = in_hand(state) else {
        return say(state, "no run is in hand".to_owned());
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
        Some(id) => tell(state, &id, Told::Skip),
        None => say(state, "no run is in hand".to_owned()),
    }
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
                "{interrupted} run(s) were interrupted: `:runs` tells which step is in doubt"
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
    // Countdowns and steps show every second; a console that only watches stays silent.
    state.unsettled |= looked_at || busy || state.conduct.armed.is_some();
    if !busy && state.conduct.armed_left(state.now).is_none() {
        state.conduct.armed = None;
    }
    everybody(state, &Happening::Tick)
}

fn say(state: &mut State, text: String) -> Vec<Effect> {
    state.notice = Some(Notice { text, failed: true });
    Vec::new()
}
