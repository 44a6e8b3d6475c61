//! A run: a confirmed plan being carried out, as a pure state machine. Owns the order journal → send → verify → pace, and every way to stop; sends nothing, writes nothing, asks no clock.
//!
//! ```text
//! Locking → Opening → Checking(i) → Journaling(i) → Applying(i) → Verifying(i) → next | Ended
//!                     Waiting(i) → next            any → Held, Halted → again | Ended | back over inverse steps
//! ```
//!
//! A change is handed out only in answer to its journal line being on disk. What happens is matched by run, step and read:
//! a late answer to something that is over changes nothing.

mod advance;
mod check;
mod settle;
mod verify;
mod waits;

#[cfg(test)]
mod tests;

use std::{collections::BTreeSet, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Guard, GuardId, Plan, Step,
    beside::Beside,
    entry::{Ending, Entry, Outcome, What},
    guard::Overrides,
    ledger::Ledger,
};
use crate::{
    arm::{ArmToken, Armed, Written},
    resources::{
        Change, Fleet, Query, Severity,
        change::{ApplyError, Receipt},
    },
};

/// Where a run is.
#[derive(Debug, Clone, PartialEq)]
pub enum Phase {
    /// Waits for the locks.
    Locking,
    /// Waits until the confirmation is on disk.
    Opening,
    /// Reads what the step expects.
    Checking {
        /// Reads without an answer.
        pending: BTreeSet<u64>,
        /// Reads that failed, in words.
        failed: Vec<String>,
        /// How many reads were asked.
        asked: usize,
        /// Since when.
        since: Timestamp,
    },
    /// Waits until the intention is on disk.
    Journaling {
        /// Since when.
        since: Timestamp,
    },
    /// Waits for the answer of the API.
    Applying {
        /// Since when.
        since: Timestamp,
    },
    /// Reads what became of the change.
    Verifying {
        /// When it was sent.
        since: Timestamp,
        /// Reads without an answer.
        pending: BTreeSet<u64>,
        /// When to read again.
        next: Timestamp,
        /// Whether the API's answer was lost.
        in_doubt: bool,
        /// Whether the API says that it has reached every server.
        in_sync: Option<bool>,
        /// What the last read showed.
        seen: String,
    },
    /// Waits for a condition.
    Waiting {
        /// Since when.
        since: Timestamp,
        /// What is seen.
        seen: String,
    },
    /// Waits before it asks again a throttled API.
    Pausing {
        /// Until when.
        until: Timestamp,
        /// Why.
        why: String,
    },
    /// The operator holds it.
    Held,
    /// It cannot go on by itself.
    Halted {
        /// Why.
        why: String,
    },
    /// It is over.
    Ended {
        /// How.
        ending: Ending,
        /// In words.
        text: String,
    },
}

/// What became of one step.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Progress {
    /// When it began.
    pub began: Option<Timestamp>,
    /// When the change was sent.
    pub sent: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// The receipt.
    pub receipt: Option<Receipt>,
    /// What became of the change.
    pub outcome: Option<Outcome>,
    /// What was seen.
    pub evidence: String,
    /// How often it was sent.
    pub attempts: u32,
    /// Whether the operator cut the wait short.
    pub skipped: bool,
}

/// A run.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Its id.
    pub id: String,
    /// The plan.
    pub plan: Plan,
    /// The steps: those of the plan, and behind them those that go back.
    pub steps: Vec<Step>,
    /// What became of each.
    pub progress: Vec<Progress>,
    /// The step in hand.
    pub at: usize,
    /// Where it is.
    pub phase: Phase,
    /// The guards as last judged.
    pub guards: Vec<Guard>,
    /// What was overridden.
    pub overrides: Overrides,
    /// When it was confirmed.
    pub confirmed_at: Timestamp,
    /// What was typed.
    pub typed: String,
    /// The interrupted run that it continues.
    pub continues: Option<String>,
    /// Whether guards stopped it at the step in hand.
    pub blocked: bool,
    /// Whether the operator wants it to hold before the next change.
    pub holding: bool,
    /// How it will end: going back ends otherwise than going on.
    pub goal: Ending,
    /// Why it goes back.
    pub back_because: String,
    reads: u64,
}

/// What a run is told.
#[derive(Debug, Clone, PartialEq)]
pub enum Happening {
    /// Time passed.
    Tick,
    /// The locks are ours, or not.
    Locked(Result<(), String>),
    /// An entry of a step is on disk, or not. `None` is the confirmation.
    Journaled(Option<usize>, Result<Written, String>),
    /// A read was answered and taken into the fleet, or failed; with whether the change is in sync.
    Read(u64, Result<Option<bool>, String>),
    /// The API answered to the change of a step.
    Applied(usize, Result<Receipt, ApplyError>),
    /// The operator does something.
    Told(Told),
    /// A guard that stopped it was overridden, with a reason.
    Overridden(GuardId, String),
    /// Somebody looks at it: what stopped it is judged on what is known now.
    LookedAt,
}

/// What an operator can tell a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Told {
    /// Hold before the next change.
    Hold,
    /// Go on.
    Resume,
    /// Do not wait any longer: the conditions of the next step are judged all the same.
    Skip,
    /// Stop; what was done stays.
    Abort,
    /// Stop and undo what was done.
    GoBack,
}

/// What a run wants done.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// Take these locks.
    Lock(Vec<String>),
    /// Let them go.
    Unlock,
    /// Read.
    Read(Query),
    /// Write an entry; its fate is told only for a confirmation and an intention.
    Journal(Entry),
    /// Send a change.
    Apply(usize, Box<Change>, ArmToken),
}

/// What a run looks at.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Everything known now.
    pub fleet: &'a Fleet,
    /// The window.
    pub armed: Option<&'a Armed>,
    /// The journal.
    pub ledger: &'a Ledger,
    /// The other runs that are not over.
    pub beside: &'a [Beside<'a>],
}

impl Context<'_> {
    fn now(self) -> Timestamp {
        self.fleet.now
    }
}

impl Run {
    /// A confirmed plan. Nothing happens before its locks are taken and its confirmation is on disk.
    pub fn new(
        plan: Plan,
        guards: Vec<Guard>,
        overrides: Overrides,
        typed: String,
        now: Timestamp,
    ) -> (Self, Vec<Next>) {
        let seed = format!("{}{now}{}", plan.hash(), plan.made_at);
        let id: String = super::digest(seed.as_bytes()).chars().take(8).collect();
        let locks = plan.targets();
        let run = Self {
            id,
            steps: plan.steps.clone(),
            progress: vec![Progress::default(); plan.steps.len()],
            plan,
            at: 0,
            phase: Phase::Locking,
            guards,
            overrides,
            confirmed_at: now,
            typed,
            continues: None,
            blocked: false,
            holding: false,
            goal: Ending::Done,
            back_because: String::new(),
            reads: 0,
        };
        (run, vec![Next::Lock(locks)])
    }

    /// Whether it is over.
    pub fn over(&self) -> bool {
        matches!(self.phase, Phase::Ended { .. })
    }

    /// The step in hand.
    pub fn step(&self) -> Option<&Step> {
        self.steps.get(self.at)
    }

    /// The change in hand.
    pub fn change(&self) -> Option<&Change> {
        self.step().and_then(Step::change)
    }

    /// Whether it goes back.
    pub fn going_back(&self) -> bool {
        self.goal != Ending::Done
    }

    /// The guards that stand against the step in hand, as last judged.
    pub fn blocking(&self) -> impl Iterator<Item = &Guard> {
        self.guards
            .iter()
            .filter(|guard| guard.blocks(&self.overrides))
    }

    /// Where it is, in a word or two; in capitals where it needs somebody.
    pub fn word(&self) -> &'static str {
        match &self.phase {
            Phase::Locking | Phase::Opening => "begins",
            Phase::Checking { .. } | Phase::Journaling { .. } => "checking",
            Phase::Applying { .. } => "sent",
            Phase::Verifying { in_doubt: true, .. } => "IN DOUBT",
            Phase::Verifying { .. } => "verifying",
            Phase::Waiting { .. } => "waiting",
            Phase::Pausing { .. } => "throttled",
            Phase::Held => "HELD",
            Phase::Halted { .. } => "STOPPED",
            Phase::Ended { ending, .. } => ending.word(),
        }
    }

    /// How bad it stands.
    pub fn severity(&self) -> Severity {
        match &self.phase {
            Phase::Halted { .. } => Severity::Bad,
            Phase::Held | Phase::Pausing { .. } | Phase::Verifying { in_doubt: true, .. } => {
                Severity::Warn
            }
            Phase::Locking
            | Phase::Opening
            | Phase::Checking { .. }
            | Phase::Journaling { .. }
            | Phase::Applying { .. }
            | Phase::Verifying { .. }
            | Phase::Waiting { .. }
            | Phase::Ended { .. } => Severity::Ok,
        }
    }

    /// How long it has been at the step in hand.
    pub fn elapsed(&self, now: Timestamp) -> Duration {
        let began = self
            .progress
            .get(self.at)
            .and_then(|progress| progress.began);
        began.map_or(Duration::ZERO, |began| crate::resources::age(began, now))
    }

    /// About how long it takes until it is over; nothing where it takes longer than usual.
    pub fn left(&self, now: Timestamp) -> Duration {
        let ahead = self.steps.get(self.at..).unwrap_or_default();
        let usual: u64 = ahead.iter().map(|step| step.expected_seconds).sum();
        Duration::from_secs(usual).saturating_sub(self.elapsed(now))
    }

    /// What an operator can tell it now, the safest first.
    pub fn choices(&self) -> Vec<Told> {
        match &self.phase {
            Phase::Ended { .. } => Vec::new(),
            Phase::Held | Phase::Halted { .. } if self.going_back() => {
                vec![Told::Resume, Told::Abort]
            }
            Phase::Held | Phase::Halted { .. } => vec![Told::Resume, Told::GoBack, Told::Abort],
            Phase::Waiting { .. } if self.going_back() => vec![Told::Hold, Told::Skip, Told::Abort],
            Phase::Waiting { .. } => vec![Told::Hold, Told::Skip, Told::GoBack, Told::Abort],
            Phase::Locking | Phase::Opening => vec![Told::Abort],
            Phase::Checking { .. }
            | Phase::Journaling { .. }
            | Phase::Applying { .. }
            | Phase::Verifying { .. }
            | Phase::Pausing { .. } => vec![Told::Hold],
        }
    }

    /// Takes in what happened.
    pub fn handle(&mut self, happening: Happening, context: Context<'_>) -> Vec<Next> {
        if self.over() {
            return Vec::new();
        }
        match happening {
            Happening::Tick => self.tick(context),
            Happening::Locked(result) => self.locked(result, context),
            Happening::Journaled(step, result) => self.journaled(step, result, context),
            Happening::Read(read, result) => self.read(read, result, context),
            Happening::Applied(step, result) => self.applied(step, result, context),
            Happening::Told(told) => self.told(told, context),
            Happening::Overridden(id, reason) => self.overridden(id, reason, context),
            Happening::LookedAt => {
                self.look_again(context);
                Vec::new()
            }
        }
    }

    fn locked(&mut self, result: Result<(), String>, context: Context<'_>) -> Vec<Next> {
        if self.phase != Phase::Locking {
            return Vec::new();
        }
        if let Err(text) = result {
            return self.end(Ending::Refused, text, context);
        }
        self.phase = Phase::Opening;
        let what = What::Confirmed {
            plan: Box::new(self.plan.clone()),
            hash: self.plan.hash(),
            guards: self.guards.clone(),
            overrides: self.overrides.clone(),
            typed: self.typed.clone(),
            reason: context
                .armed
                .map(|armed| armed.reason().to_owned())
                .unwrap_or_default(),
        };
        vec![self.journal(None, what, context)]
    }

    fn journaled(
        &mut self,
        step: Option<usize>,
        result: Result<Written, String>,
        context: Context<'_>,
    ) -> Vec<Next> {
        match (&self.phase, step, result) {
            (Phase::Opening, None, Ok(_)) => self.begin(context),
            (Phase::Opening, None, Err(text)) => {
                // Nothing was sent, and an ending cannot be written either.
                self.phase = Phase::Ended {
                    ending: Ending::Refused,
                    text: unwritten(&text),
                };
                vec![Next::Unlock]
            }
            (Phase::Journaling { .. }, Some(step), Ok(written)) if step == self.at => {
                self.send(written, context)
            }
            (Phase::Journaling { .. }, Some(step), Err(text)) if step == self.at => {
                self.halt(unwritten(&text), context)
            }
            _ => Vec::new(),
        }
    }

    /// The intention is on disk: the change may go, if the window in which the plan was confirmed was not closed by hand.
    fn send(&mut self, written: Written, context: Context<'_>) -> Vec<Next> {
        let token = context.armed.and_then(|armed| {
            ArmToken::grant(armed, self.confirmed_at, &self.id, self.at, written)
        });
        let (Some(token), Some(change)) = (token, self.change().cloned()) else {
            let error = ApplyError::drifted("arm", "the console is not armed");
            let entry = self.journal(Some(self.at), What::Rejected { error }, context);
            let mut next = self.halt(
                "the console is not armed; :arm <reason>, then go on".to_owned(),
                context,
            );
            next.insert(0, entry);
            return next;
        };
        self.phase = Phase::Applying {
            since: context.now(),
        };
        let progress = &mut self.progress[self.at];
        progress.sent = Some(context.now());
        progress.attempts += 1;
        vec![Next::Apply(self.at, Box::new(change), token)]
    }

    fn journal(&self, step: Option<usize>, what: What, context: Context<'_>) -> Next {
        Next::Journal(Entry {
            at: context.now(),
            run: Some(self.id.clone()),
            step,
            what,
        })
    }

    fn halt(&mut self, why: String, context: Context<'_>) -> Vec<Next> {
        self.blocked = false;
        let entry = self.journal(Some(self.at), What::Held { why: why.clone() }, context);
        self.phase = Phase::Halted { why };
        vec![entry]
    }

    fn end(&mut self, ending: Ending, text: String, context: Context<'_>) -> Vec<Next> {
        let entry = self.journal(
            None,
            What::Ended {
                ending,
                text: text.clone(),
            },
            context,
        );
        self.phase = Phase::Ended { ending, text };
        vec![entry, Next::Unlock]
    }
}

fn unwritten(text: &str) -> String {
    format!("the journal cannot be written, so nothing was sent: {text}")
}
