//! Time, the operator, and the way back. Owns what follows from a wait, holding, aborting and undoing within a run.

use std::time::Duration;

use super::{
    Context, Next, Phase, Progress, Run, Told,
    check::CHECK,
    waits::{Seen, seen},
};
use crate::{
    plan::{
        GuardId, OnBreach, Step, Wait, Work,
        entry::{Ending, Outcome, What},
        raise,
    },
    resources::{age, change::Alter},
};

/// How long without an answer until an apply is given up as in doubt: longer than the deadline of any provider.
const ANSWER: Duration = Duration::from_secs(60);

impl Run {
    pub(super) fn tick(&mut self, context: Context<'_>) -> Vec<Next> {
        let now = context.now();
        match &self.phase {
            Phase::Checking { pending, .. } if Self::unreadable(pending) => {
                self.halt("there is nothing that could show it".to_owned(), context)
            }
            Phase::Checking { .. } if self.overdue_check(context) => self.halt(
                format!("what it expects could not be read in {} s", CHECK.as_secs()),
                context,
            ),
            Phase::Applying { since } if age(*since, now) > ANSWER => {
                let error = crate::resources::ProviderError::new(
                    crate::resources::ErrorClass::Timeout,
                    self.change().map_or("", Alter::operation),
                    format!("no answer in {} s", ANSWER.as_secs()),
                );
                let fate = crate::resources::change::Fate::InDoubt;
                self.applied(
                    self.at,
                    Err(crate::resources::change::ApplyError { fate, error }),
                    context,
                )
            }
            Phase::Verifying { .. } => self.look(context),
            Phase::Pausing { until, .. } if now >= *until => self.enter(context),
            Phase::Waiting { .. } => self.wait(context),
            Phase::Locking
            | Phase::Opening
            | Phase::Checking { .. }
            | Phase::Journaling { .. }
            | Phase::Applying { .. }
            | Phase::Pausing { .. }
            | Phase::Held
            | Phase::Halted { .. }
            | Phase::Ended { .. } => Vec::new(),
        }
    }

    fn wait(&mut self, context: Context<'_>) -> Vec<Next> {
        let Phase::Waiting { since, .. } = self.phase else {
            return Vec::new();
        };
        let Some(Step {
            work: Work::Wait(wait),
            ..
        }) = self.step().cloned()
        else {
            return Vec::new();
        };
        let step = self.step();
        let deadline = step.map(Step::deadline).unwrap_or_default();
        let usual = step.map_or(0, |step| step.expected_seconds);
        let usual = Duration::from_secs(usual);
        let done = self.plan.steps.iter().take(self.at);
        let done = done.filter_map(Step::change);
        match seen(&wait, &done, context.fleet, since, (usual, deadline)) {
            Seen::Over(text) => self.waited(text, context),
            Seen::NotYet(text) => {
                if let Phase::Waiting { seen, .. } = &mut self.phase {
                    *seen = text;
                }
                Vec::new()
            }
            Seen::Breached(text) => self.breached(text, context),
        }
    }

    fn waited(&mut self, evidence: String, context: Context<'_>) -> Vec<Next> {
        let progress = &mut self.progress[self.at];
        progress.ended = Some(context.now());
        progress.evidence.clone_from(&evidence);
        let mut next = vec![self.journal(Some(self.at), What::Waited { evidence }, context)];
        self.at += 1;
        next.extend(self.enter(context));
        next
    }

    fn breached(&mut self, why: String, context: Context<'_>) -> Vec<Next> {
        match self.plan.on_breach {
            OnBreach::StepBack if !self.going_back() => {
                self.go_back(why, Ending::SteppedBack, context)
            }
            OnBreach::StepBack | OnBreach::Hold => self.halt(why, context),
        }
    }

    /// Nothing is left to do.
    pub(super) fn finish(&mut self, context: Context<'_>) -> Vec<Next> {
        let text = match self.goal {
            Ending::Done if self.let_go_unwatched() => format!(
                "{}: done and verified; nothing was watched after it, for nothing there can be measured",
                self.plan.title
            ),
            Ending::Done => format!("{}: done and verified", self.plan.title),
            Ending::Aborted | Ending::RolledBack | Ending::SteppedBack | Ending::Refused => {
                format!(
                    "{}: {} ({})",
                    self.plan.title,
                    self.goal.word(),
                    self.back_because
                )
            }
        };
        self.end(self.goal, text, context)
    }

    /// Whether it let go what a controller drives, and no step watched how that went on.
    fn let_go_unwatched(&self) -> bool {
        let watches = |step: &Step| {
            matches!(
                step.work,
                Work::Wait(Wait::Bake { .. } | Wait::Version { .. })
            )
        };
        let steps = &self.plan.steps;
        let mut changes = steps.iter().filter_map(Step::change);
        changes.any(raise::lets_go) && !steps.iter().any(watches)
    }

    pub(super) fn told(&mut self, told: Told, context: Context<'_>) -> Vec<Next> {
        match (told, &self.phase) {
            (Told::Resume, Phase::Held | Phase::Halted { .. }) => self.resume(context),
            (Told::Resume, _) => {
                self.holding = false;
                Vec::new()
            }
            (Told::Skip, Phase::Waiting { seen, .. }) => {
                let evidence = format!("cut short by the operator; last seen: {seen}");
                self.progress[self.at].skipped = true;
                self.waited(evidence, context)
            }
            (Told::GoBack, Phase::Waiting { .. } | Phase::Held | Phase::Halted { .. })
                if !self.going_back() =>
            {
                self.go_back("by the operator".to_owned(), Ending::RolledBack, context)
            }
            (
                Told::Abort,
                Phase::Waiting { .. }
                | Phase::Held
                | Phase::Halted { .. }
                | Phase::Locking
                | Phase::Opening,
            ) => self.end(
                Ending::Aborted,
                "aborted by the operator; what was done stays".to_owned(),
                context,
            ),
            // A change in flight is brought to its outcome first.
            (Told::Hold | Told::Skip | Told::GoBack | Told::Abort, _) => {
                self.holding = true;
                Vec::new()
            }
        }
    }

    /// Goes on from where it holds; a step whose change failed is begun again, with its reads, comparison and guards.
    fn resume(&mut self, context: Context<'_>) -> Vec<Next> {
        let now = context.now();
        self.holding = false;
        if context.armed.is_none_or(|armed| {
            armed.left(now).is_none() && armed.left(self.confirmed_at).is_none()
        }) {
            self.phase = Phase::Halted {
                why: "the console is not armed; :arm <reason>, then go on".to_owned(),
            };
            return Vec::new();
        }
        if context.armed.is_some_and(|armed| armed.left(now).is_some()) {
            self.confirmed_at = now;
        }
        let mut next = vec![self.journal(Some(self.at), What::Resumed, context)];
        next.extend(self.enter(context));
        next
    }

    /// Appends the steps that undo what was done, newest first: all of it, or only the last change of traffic.
    fn go_back(&mut self, why: String, goal: Ending, context: Context<'_>) -> Vec<Next> {
        let mut next =
            vec![self.journal(Some(self.at), What::GoingBack { why: why.clone() }, context)];
        self.goal = goal;
        self.back_because = why;
        self.holding = false;
        let done: Vec<usize> = (0..self.steps.len())
            .filter(|index| {
                let progress = &self.progress[*index];
                let happened =
                    progress.sent.is_some() && progress.outcome != Some(Outcome::NotTaken);
                happened && self.steps[*index].change().is_some()
            })
            .collect();
        self.steps.truncate(self.at + 1);
        self.progress.truncate(self.at + 1);
        let last_only = goal == Ending::SteppedBack;
        for index in done.into_iter().rev() {
            let Some(step) = self.steps.get(index).and_then(inverse) else {
                continue;
            };
            self.steps.push(step);
            self.progress.push(Progress::default());
            if last_only {
                break;
            }
        }
        let left = &mut self.progress[self.at];
        left.ended = Some(context.now());
        if left.evidence.is_empty() {
            left.evidence.clone_from(&self.back_because);
        }
        self.at += 1;
        next.extend(self.enter(context));
        next
    }
}

/// The step that undoes a step; `None` where nothing does.
fn inverse(step: &Step) -> Option<Step> {
    let change = step.change()?.inverse().ok()?;
    let absolute = [GuardId::Last, GuardId::Zero, GuardId::Split];
    Some(Step {
        title: format!("Undo: {}", step.title),
        work: Work::Change(change),
        guards: step
            .guards
            .iter()
            .copied()
            .filter(|id| absolute.contains(id))
            .collect(),
        ..step.clone()
    })
}
