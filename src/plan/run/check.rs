//! The beginning of a step: read afresh what it expects, compare, judge the guards, write the intention. Owns that nothing is sent on old or changed values.

use std::{collections::BTreeSet, time::Duration};

use super::{Context, Next, Phase, Run};
use crate::{
    plan::{
        Guard, GuardId, Step, Work,
        entry::{Outcome, What},
        guard::{self, Power, Subject},
    },
    resources::{
        Change, Fleet, Place, Query, Source, Wanted, age,
        change::{Alter, Standing},
        traffic,
    },
};

/// How long the read before a change may take.
pub const CHECK: Duration = Duration::from_secs(45);

impl Run {
    /// The confirmation is on disk.
    pub(super) fn begin(&mut self, context: Context<'_>) -> Vec<Next> {
        self.enter(context)
    }

    /// Begins the step in hand.
    pub(super) fn enter(&mut self, context: Context<'_>) -> Vec<Next> {
        let Some(step) = self.steps.get(self.at) else {
            return self.finish(context);
        };
        let now = context.now();
        self.progress[self.at].began.get_or_insert(now);
        match step.work.clone() {
            Work::Wait(_) => {
                self.phase = Phase::Waiting {
                    since: now,
                    seen: String::new(),
                };
                self.tick(context)
            }
            Work::Change(_) if self.holding => {
                self.phase = Phase::Held;
                vec![self.journal(
                    Some(self.at),
                    What::Held {
                        why: "the operator holds it".to_owned(),
                    },
                    context,
                )]
            }
            Work::Change(change) => self.check(&change, context),
        }
    }

    fn check(&mut self, change: &Change, context: Context<'_>) -> Vec<Next> {
        let queries = self.queries(change, None, context);
        self.phase = Phase::Checking {
            pending: queries.iter().map(|query| query.read).collect(),
            failed: Vec::new(),
            asked: queries.len(),
            since: context.now(),
        };
        queries.into_iter().map(Next::Read).collect()
    }

    /// The reads that show a change, each with a number of its own.
    pub(super) fn queries(
        &mut self,
        change: &Change,
        reference: Option<&str>,
        context: Context<'_>,
    ) -> Vec<Query> {
        let reads = asked(change, context.fleet);
        let mut queries = Vec::with_capacity(reads.len());
        for (source, place) in reads {
            self.reads += 1;
            let wanted = reference.map_or_else(
                || change.wanted(),
                |reference| Wanted::Reference(reference.to_owned()),
            );
            queries.push(Query {
                source,
                place,
                wanted,
                read: self.first_read() + self.reads,
            });
        }
        queries
    }

    /// Reads of runs side by side have numbers that tell which run asked.
    pub(super) fn first_read(&self) -> u64 {
        u64::from_str_radix(&self.id, 16).unwrap_or_default() << 32
    }

    /// Whether a read was asked by this run.
    pub fn asked(&self, read: u64) -> bool {
        read > self.first_read() && read <= self.first_read() + self.reads
    }

    pub(super) fn checked(
        &mut self,
        read: u64,
        result: Result<Option<bool>, String>,
        context: Context<'_>,
    ) -> Vec<Next> {
        let Phase::Checking {
            pending,
            failed,
            asked,
            ..
        } = &mut self.phase
        else {
            return Vec::new();
        };
        if !pending.remove(&read) {
            return Vec::new();
        }
        failed.extend(result.err());
        if !pending.is_empty() {
            return Vec::new();
        }
        let (failed, asked) = (std::mem::take(failed), *asked);
        let Some(change) = self.change().cloned() else {
            return Vec::new();
        };
        if unread(&change, failed.len(), asked) {
            return self.halt(
                format!("what it expects could not be read: {}", failed.join("; ")),
                context,
            );
        }
        self.compare(&change, context)
    }

    fn compare(&mut self, change: &Change, context: Context<'_>) -> Vec<Next> {
        match change.standing(context.fleet) {
            Standing::Before => self.judge(change, context),
            Standing::After => {
                let evidence = "it is so already: nothing was sent".to_owned();
                self.conclude(Outcome::Verified, &evidence, context)
            }
            Standing::Underway(text) => self.halt(
                format!("somebody is changing it right now: {text}"),
                context,
            ),
            Standing::Other(text) => self.halt(
                format!("it is not as the plan expects: {text}; plan again"),
                context,
            ),
            Standing::Unknown(text) => {
                self.halt(format!("it cannot be told what is there: {text}"), context)
            }
        }
    }

    fn judge(&mut self, change: &Change, context: Context<'_>) -> Vec<Next> {
        let Some(step) = self.steps.get(self.at).cloned() else {
            return Vec::new();
        };
        self.guards = self.judged(&step, context);
        let blocking: Vec<String> = self
            .blocking()
            .map(|guard| {
                format!(
                    "{} {}: {}",
                    guard.id.name(),
                    guard.verdict.word(),
                    guard.evidence
                )
            })
            .collect();
        if !blocking.is_empty() {
            let entry = self.halt(blocking.join("; "), context);
            self.blocked = true;
            return entry;
        }
        self.phase = Phase::Journaling {
            since: context.now(),
        };
        let what = What::Sending {
            title: step.title,
            change: change.clone(),
        };
        vec![self.journal(Some(self.at), what, context)]
    }

    /// The guards of a step on what is known now, with everything that is still ahead.
    fn judged(&self, step: &Step, context: Context<'_>) -> Vec<Guard> {
        let subject = Subject {
            fleet: context.fleet,
            plan: &self.plan,
            ahead: &self.steps[self.at..],
            ledger: context.ledger,
            beside: context.beside,
        };
        guard::judge(subject, &step.guards)
    }

    /// What stopped it is judged anew; going on judges it once more.
    pub(super) fn look_again(&mut self, context: Context<'_>) {
        if !self.blocked || !matches!(self.phase, Phase::Halted { .. }) {
            return;
        }
        if let Some(step) = self.step().cloned() {
            self.guards = self.judged(&step, context);
        }
    }

    /// Takes an override of a guard that stopped it. Nothing goes on by that alone, and an absolute guard is overridden by nobody.
    pub(super) fn overridden(
        &mut self,
        id: GuardId,
        reason: String,
        context: Context<'_>,
    ) -> Vec<Next> {
        let stopped = self.blocked && matches!(self.phase, Phase::Halted { .. });
        let stands = self.blocking().any(|guard| guard.id == id);
        if !stopped || !stands || id.power() != Power::Overridable || reason.trim().is_empty() {
            return Vec::new();
        }
        self.overrides.insert(id, reason.clone());
        let what = What::Overridden { guard: id, reason };
        vec![self.journal(Some(self.at), what, context)]
    }

    /// A check whose reads never came back.
    pub(super) fn overdue_check(&self, context: Context<'_>) -> bool {
        matches!(&self.phase, Phase::Checking { since, .. } if age(*since, context.now()) > CHECK)
    }

    /// No read is needed of a change of nothing.
    pub(super) fn unreadable(pending: &BTreeSet<u64>) -> bool {
        pending.is_empty()
    }
}

/// What is read to see a change. Of the endpoints of a recovery cluster those that answered last, if they are two at least: waiting for a dead one
/// would take longer than the change.
pub(super) fn asked(change: &Change, fleet: &Fleet) -> Vec<(Source, Place)> {
    let reads = change.reads(&fleet.estate);
    let answering = |(source, place): &&(Source, Place)| {
        let status = fleet.status(*source, place);
        status.error.is_none() && status.observed_at.is_some()
    };
    let alive: Vec<(Source, Place)> = reads.iter().filter(answering).cloned().collect();
    if any_will_do(change) && alive.len() >= 2 {
        alive
    } else {
        reads
    }
}

/// The state of a routing control is told by any endpoint; everything else has one place that knows.
fn any_will_do(change: &Change) -> bool {
    matches!(change, Change::Traffic(traffic::Change::Controls { .. }))
}

/// Whether too few reads were answered.
pub(super) fn unread(change: &Change, failed: usize, asked: usize) -> bool {
    failed == asked || (failed > 0 && !any_will_do(change))
}
