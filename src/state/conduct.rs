//! Plans and runs: arming, the draft that is looked at, its confirmation, and the run in hand. Owns who may start what; the run itself decides every step.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{Dialog, Input, Notice, Page, Screen, State, navigate};
use crate::{
    actions,
    arm::{Armed, Written},
    effect::Effect,
    plan::{
        Guard, GuardId, Intent, Plan, Verdict,
        entry::{Entry, What},
        guard::{self, Overrides, Subject},
        intent,
        ledger::{Ledger, RunRecord},
        run::{Context, Happening, Next, Run, Told},
    },
    resources::{
        Kind, ProviderError, Query, age,
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

/// A plan that is looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// The plan.
    pub plan: Plan,
    /// Its guards as they are now.
    pub guards: Vec<Guard>,
    /// Guards that were overridden by name, with reasons.
    pub overrides: Overrides,
    /// The interrupted run that it continues.
    pub continues: Option<String>,
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

/// How far a confirmation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The phrase is typed.
    Phrase,
    /// The words about the loss are typed.
    Loss,
    /// A reason is typed.
    Reason,
    /// One key is left.
    Ready,
}

impl Draft {
    /// The guards that block it.
    pub fn blocking(&self) -> impl Iterator<Item = &Guard> {
        self.guards
            .iter()
            .filter(|guard| guard.blocks(&self.overrides))
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

/// Makes a plan of what was typed; without a target, of what is selected.
pub fn draft(state: &mut State, typed: &str) -> Vec<Effect> {
    match intent::parse(typed) {
        Ok(intent) => propose(state, intent, None),
        Err(text) => say(state, text),
    }
}

/// Makes a plan of an intent.
pub fn propose(state: &mut State, mut intent: Intent, continues: Option<String>) -> Vec<Effect> {
    if intent.target.is_empty() {
        intent.target = selected_target(state, &intent.action).unwrap_or_default();
    }
    match actions::plan(&state.fleet, &state.conduct.ledger, &intent) {
        Ok(plan) => look_at(state, plan, continues),
        Err(refusal) => {
            let mut lines = refusal.reasons;
            lines.push(String::new());
            lines.push(format!("→ {}", refusal.advice));
            let title = format!("No plan for {}", intent::text(&intent));
            state.dialogs.push(Dialog::Text {
                title,
                lines,
                scroll: 0,
            });
            Vec::new()
        }
    }
}

/// Puts a plan up for confirmation.
pub fn look_at(state: &mut State, plan: Plan, continues: Option<String>) -> Vec<Effect> {
    state.conduct.draft = Some(Draft {
        plan,
        guards: Vec::new(),
        overrides: Overrides::new(),
        continues,
    });
    judge(state);
    navigate::go(state, Screen::Page(Page::Plan, 0));
    // What the plan builds on is read again now, so that its guards look at the present.
    for &kind in Kind::ALL {
        state.schedule.refresh(kind, state.now);
    }
    state.ask_due()
}

/// What the selection means to an action: the first of its region, key and name that the action takes.
fn selected_target(state: &State, action: &str) -> Option<String> {
    let action = actions::find(action).ok()?;
    let targets: BTreeSet<String> = action
        .targets(&state.fleet, &state.conduct.ledger)
        .into_iter()
        .collect();
    let id = state.selected()?;
    let region = crate::resources::shown::find(state.shown(), &id)
        .and_then(|row| crate::resources::shown::show(state.shown(), id.kind, &row))
        .and_then(|row| row.region)
        .map(|label| label.to_string());
    let name = id.key.rsplit('/').next().map(ToOwned::to_owned);
    let split = id.key.rsplit_once('/').map(|(split, _)| split.to_owned());
    let candidates = [Some(id.key.clone()), split, name, region];
    candidates
        .into_iter()
        .flatten()
        .find(|candidate| targets.contains(candidate))
}

/// Judges the guards of the draft again: they look at the fleet of now.
pub fn judge(state: &mut State) {
    let Conduct { draft, ledger, .. } = &mut state.conduct;
    if let Some(draft) = draft {
        let subject = Subject {
            fleet: &state.fleet,
            plan: &draft.plan,
            ahead: &draft.plan.steps,
            ledger,
        };
        draft.guards = guard::judge(subject, &draft.plan.guards());
    }
}

/// Plans the same again on the fleet of now.
pub fn replan(state: &mut State) -> Vec<Effect> {
    match state.conduct.draft.take() {
        Some(draft) => propose(state, draft.plan.intent, draft.continues),
        None => say(state, "there is no plan".to_owned()),
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
    let Some(armed) = Armed::new(reason, state.now) else {
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

/// Opens the confirmation of the draft, or says why not.
pub fn confirm(state: &mut State) -> Vec<Effect> {
    judge(state);
    let reasons = obstacles(state);
    if reasons.is_empty() {
        state.dialogs.push(Dialog::Confirm {
            stage: first_stage(state),
            input: Input::default(),
            typed: Vec::new(),
        });
        // What was typed ahead was not typed at this question.
        return vec![Effect::DropKeys];
    }
    let text = reasons.join("; ");
    let Some(draft) = &state.conduct.draft else {
        return say(state, text);
    };
    let what = What::Refused {
        intent: Box::new(draft.plan.intent.clone()),
        hash: Some(draft.plan.hash()),
        reasons,
    };
    let mut effects = record(state, what);
    effects.extend(say(state, text));
    effects
}

/// Writes down that a plan is not carried out.
pub fn refuse(state: &mut State, plan: &Plan, reasons: Vec<String>) -> Vec<Effect> {
    let what = What::Refused {
        intent: Box::new(plan.intent.clone()),
        hash: Some(plan.hash()),
        reasons,
    };
    record(state, what)
}

/// Why the draft cannot be confirmed now; empty when it can.
pub fn obstacles(state: &State) -> Vec<String> {
    let conduct = &state.conduct;
    let Some(draft) = &conduct.draft else {
        return vec!["there is no plan to confirm".to_owned()];
    };
    let mut reasons: Vec<String> = Vec::new();
    if conduct.read_only {
        reasons.push("this console is read-only".to_owned());
    } else if conduct.armed_left(state.now).is_none() {
        reasons.push("not armed: `:arm <reason>`".to_owned());
    }
    if let Some(problem) = &conduct.journal_problem {
        reasons.push(format!("the journal cannot be written: {problem}"));
    }
    if let Some(run) = conduct.active() {
        reasons.push(format!("run {} is not over", run.id));
    }
    if draft.plan.expired(state.now) {
        reasons.push("the plan has expired: plan again".to_owned());
    }
    reasons.extend(draft.plan.drift(&state.fleet));
    reasons.extend(draft.blocking().map(|guard| {
        format!(
            "{} {}: {}",
            guard.id.name(),
            guard.verdict.word(),
            guard.evidence
        )
    }));
    reasons
}

fn first_stage(state: &State) -> Stage {
    match &state.conduct.draft {
        Some(draft) if !draft.plan.phrase.is_empty() => Stage::Phrase,
        Some(draft) if !draft.plan.loss_phrase.is_empty() => Stage::Loss,
        Some(_) | None => Stage::Ready,
    }
}

/// Overrides a guard of the draft by name, with a reason.
pub fn override_guard(state: &mut State, argument: &str) -> Vec<Effect> {
    let (name, reason) = argument
        .split_once(char::is_whitespace)
        .unwrap_or((argument, ""));
    let reason = reason.trim();
    let Some(draft) = &mut state.conduct.draft else {
        return say(
            state,
            "there is no plan whose guard could be overridden".to_owned(),
        );
    };
    let wanted = name.to_ascii_uppercase();
    let Some(guard) = draft.guards.iter().find(|guard| guard.id.name() == wanted) else {
        let names: Vec<&str> = draft
            .guards
            .iter()
            .filter(|guard| guard.verdict >= Verdict::Unknown)
            .map(|guard| guard.id.name())
            .collect();
        let text = format!(
            "this plan has no guard `{name}`; not passed: {}",
            names.join(", ")
        );
        return say(state, text);
    };
    let id: GuardId = guard.id;
    match (id.power(), guard.verdict) {
        (guard::Power::Absolute, _) => {
            let text = format!("{} is absolute: nobody can override it", id.name());
            say(state, text)
        }
        (guard::Power::Advisory, _) | (_, Verdict::Pass | Verdict::Warn) => {
            let text = format!("{} does not block", id.name());
            say(state, text)
        }
        (guard::Power::Overridable, Verdict::Fail | Verdict::Unknown) if reason.is_empty() => {
            let text = format!(
                "`override {}` needs a reason: it is written into the journal",
                id.name()
            );
            say(state, text)
        }
        (guard::Power::Overridable, Verdict::Fail | Verdict::Unknown) => {
            draft.overrides.insert(id, reason.to_owned());
            Vec::new()
        }
    }
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
    judge(state);
    // Countdowns and steps show every second; a console that only watches stays silent.
    state.unsettled |= state.conduct.draft.is_some()
        || state.conduct.active().is_some()
        || state.conduct.armed.is_some();
    if state.conduct.active().is_none() && state.conduct.armed_left(state.now).is_none() {
        state.conduct.armed = None;
    }
    happened(state, Happening::Tick)
}

/// The run under the cursor of the page of runs.
fn chosen(state: &State) -> Option<String> {
    let Screen::Page(Page::Runs, cursor) = state.screen else {
        return None;
    };
    state
        .conduct
        .listed()
        .get(usize::from(cursor))
        .map(|run| run.id.clone())
}

/// Plans the undo of the run under the cursor.
pub fn undo_chosen(state: &mut State) -> Vec<Effect> {
    match chosen(state) {
        Some(id) => draft(state, &format!("undo {id}")),
        None => say(state, "there is no run to undo".to_owned()),
    }
}

/// A person says that nothing more is to be done about an interrupted run.
pub fn settle(state: &mut State, argument: &str) -> Vec<Effect> {
    let (id, note) = argument
        .split_once(char::is_whitespace)
        .unwrap_or((argument, ""));
    let note = note.trim();
    let active = state.conduct.active().map(|run| run.id.clone());
    let known = state
        .conduct
        .ledger
        .interrupted(active.as_deref())
        .any(|run| run.id == id);
    if !known {
        return say(state, format!("`{id}` is no interrupted run"));
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
    let chosen = chosen(state);
    let id = if id.is_empty() {
        chosen.as_deref().unwrap_or_default()
    } else {
        id
    };
    let active = state.conduct.active().map(|run| run.id.clone());
    let Some(record) = state
        .conduct
        .ledger
        .interrupted(active.as_deref())
        .find(|run| run.id == id)
    else {
        return say(state, format!("`{id}` is no interrupted run"));
    };
    let intent = record.plan.intent.clone();
    propose(state, intent, Some(id.to_owned()))
}

fn say(state: &mut State, text: String) -> Vec<Effect> {
    state.notice = Some(Notice { text, failed: true });
    Vec::new()
}
