//! What became of a change: reads until one shows it, or the time is up. Owns the three outcomes; a change is never called verified because it was accepted.

use std::time::Duration;

use super::{Context, Next, Phase, Run, check::unread};
use crate::{
    plan::entry::{Outcome, What},
    resources::{
        Change, ErrorClass, age,
        change::{Alter, ApplyError, Fate, Receipt, Standing},
        clusters::node,
    },
};

/// The pause between two reads of a verification.
const AGAIN: Duration = Duration::from_secs(5);
/// How long a throttled API is asked again (domain B.0).
const THROTTLED: Duration = Duration::from_secs(60);

impl Run {
    pub(super) fn applied(
        &mut self,
        step: usize,
        result: Result<Receipt, ApplyError>,
        context: Context<'_>,
    ) -> Vec<Next> {
        if step != self.at || !matches!(self.phase, Phase::Applying { .. }) {
            return Vec::new();
        }
        match result {
            Ok(receipt) => {
                self.progress[step].receipt = Some(receipt.clone());
                let entry = self.journal(Some(step), What::Accepted { receipt }, context);
                self.verify(false, entry, context)
            }
            Err(error) if error.fate == Fate::InDoubt => {
                let entry = self.journal(Some(step), What::Rejected { error }, context);
                self.verify(true, entry, context)
            }
            Err(error) => self.rejected(step, error, context),
        }
    }

    fn rejected(&mut self, step: usize, error: ApplyError, context: Context<'_>) -> Vec<Next> {
        let (class, text) = (error.error.class, error.to_string());
        let advice = error.error.advice();
        let mut next = vec![self.journal(Some(step), What::Rejected { error }, context)];
        let began = self.progress[step].began.unwrap_or(context.now());
        let passing = matches!(class, ErrorClass::Throttled | ErrorClass::Transient);
        // A disruption budget that says no is asked again for as long as the step may take (domain B.6).
        let evicts = matches!(
            self.change(),
            Some(Change::Nodes(node::Change::Evict { .. }))
        );
        let patience = self
            .step()
            .filter(|_| evicts)
            .map_or(THROTTLED, super::super::Step::deadline);
        if passing && age(began, context.now()) < patience {
            let pause = Duration::from_secs(1 << self.progress[step].attempts.clamp(1, 3));
            let until = context.now() + pause;
            self.phase = Phase::Pausing { until, why: text };
            return next;
        }
        self.progress[step].evidence.clone_from(&text);
        next.extend(self.halt(format!("{text}: {advice}"), context));
        next
    }

    fn verify(&mut self, in_doubt: bool, entry: Next, context: Context<'_>) -> Vec<Next> {
        let now = context.now();
        self.phase = Phase::Verifying {
            since: now,
            pending: Default::default(),
            next: now,
            in_doubt,
            in_sync: None,
            seen: String::new(),
        };
        let mut next = vec![entry];
        next.extend(self.look(context));
        next
    }

    /// Reads again when it is time, or gives up when it is over.
    pub(super) fn look(&mut self, context: Context<'_>) -> Vec<Next> {
        let now = context.now();
        let Phase::Verifying {
            pending,
            next,
            since,
            ..
        } = &self.phase
        else {
            return Vec::new();
        };
        let deadline = self
            .step()
            .map(super::super::Step::deadline)
            .unwrap_or_default();
        // A read that hangs must not hold up the verdict for ever.
        let overdue = age(*since, now) > deadline + super::check::CHECK;
        if overdue {
            return self.give_up(context);
        }
        if !pending.is_empty() || now < *next {
            return Vec::new();
        }
        let Some(change) = self.change().cloned() else {
            return Vec::new();
        };
        let reference = self.progress[self.at]
            .receipt
            .as_ref()
            .and_then(|receipt| receipt.reference.clone());
        let queries = self.queries(&change, reference.as_deref(), context);
        if let Phase::Verifying {
            pending,
            in_sync,
            seen,
            ..
        } = &mut self.phase
        {
            *pending = queries.iter().map(|query| query.read).collect();
            *in_sync = None;
            // What the look before showed is no failure of a read of this one.
            seen.clear();
        }
        queries.into_iter().map(Next::Read).collect()
    }

    pub(super) fn read(
        &mut self,
        read: u64,
        result: Result<Option<bool>, String>,
        context: Context<'_>,
    ) -> Vec<Next> {
        if matches!(self.phase, Phase::Checking { .. }) {
            return self.checked(read, result, context);
        }
        let Phase::Verifying {
            pending,
            in_sync,
            seen,
            ..
        } = &mut self.phase
        else {
            return Vec::new();
        };
        if !pending.remove(&read) {
            return Vec::new();
        }
        match result {
            Ok(synced) => *in_sync = in_sync.or(synced),
            Err(text) => *seen = text,
        }
        let last = pending.is_empty();
        if last {
            self.look_at(context)
        } else {
            Vec::new()
        }
    }

    /// All reads of one look are in.
    fn look_at(&mut self, context: Context<'_>) -> Vec<Next> {
        let Some(change) = self.change().cloned() else {
            return Vec::new();
        };
        let now = context.now();
        let deadline = self
            .step()
            .map(super::super::Step::deadline)
            .unwrap_or_default();
        let Phase::Verifying {
            since,
            next,
            in_sync,
            seen,
            ..
        } = &mut self.phase
        else {
            return Vec::new();
        };
        let failed = std::mem::take(seen);
        let asked = change.reads(&context.fleet.estate).len();
        let unread = unread(&change, usize::from(!failed.is_empty()), asked.max(1));
        let standing = if unread {
            Standing::Unknown(format!("could not be read: {failed}"))
        } else {
            change.standing(context.fleet)
        };
        let (verified, text) = match standing {
            Standing::After if *in_sync != Some(false) => (true, "a read shows it".to_owned()),
            Standing::After => (false, "written, and on its way to every server".to_owned()),
            Standing::Before => (false, "not there yet".to_owned()),
            Standing::Underway(text) | Standing::Other(text) | Standing::Unknown(text) => {
                (false, text)
            }
        };
        seen.clone_from(&text);
        *next = now + AGAIN;
        let late = age(*since, now) >= deadline;
        if verified {
            return self.conclude(Outcome::Verified, &text, context);
        }
        if late {
            self.give_up(context)
        } else {
            Vec::new()
        }
    }

    /// The time is up: what did not happen is NOT TAKEN only if a read says so and no answer was lost.
    fn give_up(&mut self, context: Context<'_>) -> Vec<Next> {
        let (
            Phase::Verifying {
                in_doubt,
                pending,
                seen,
                ..
            },
            Some(change),
        ) = (&self.phase, self.change())
        else {
            return Vec::new();
        };
        let standing = change.standing(context.fleet);
        let outcome = if !in_doubt && pending.is_empty() && standing == Standing::Before {
            Outcome::NotTaken
        } else {
            Outcome::Unknown
        };
        let evidence = if seen.is_empty() {
            "no read was answered in time".to_owned()
        } else {
            seen.clone()
        };
        self.conclude(outcome, &evidence, context)
    }

    /// A step has its outcome.
    pub(super) fn conclude(
        &mut self,
        outcome: Outcome,
        evidence: &str,
        context: Context<'_>,
    ) -> Vec<Next> {
        let progress = &mut self.progress[self.at];
        progress.outcome = Some(outcome);
        evidence.clone_into(&mut progress.evidence);
        let what = What::Concluded {
            outcome,
            evidence: evidence.to_owned(),
        };
        let mut next = vec![self.journal(Some(self.at), what, context)];
        match outcome {
            Outcome::Verified => {
                self.progress[self.at].ended = Some(context.now());
                self.at += 1;
                next.extend(self.enter(context));
            }
            Outcome::NotTaken | Outcome::Unknown => {
                let why = format!("{}: {evidence}", outcome.word());
                next.extend(self.halt(why, context));
            }
        }
        next
    }
}
