//! Time, the operator, and the way back. Owns waits and gates, holding, aborting and undoing within a run.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    Context, Next, Phase, Progress, Run, Told,
    check::CHECK,
    settle::{self, Followed},
};
use crate::{
    plan::{
        GuardId, OnBreach, Step, Wait, Work,
        entry::{Ending, Outcome, What},
        gate::{self, Gate},
    },
    resources::{
        Change, Fleet, Place, RegionLabel, age, change::Alter, clusters::nodes, metrics::Reading,
    },
};

/// How long without an answer until an apply is given up as in doubt: longer than the deadline of any provider.
const ANSWER: Duration = Duration::from_secs(60);
/// How long a watch may wait for its first data beyond its time: metrics are up to two minutes late.
const LATE: Duration = Duration::from_secs(180);

/// What a wait says.
enum Seen {
    Over(String),
    NotYet(String),
    Breached(String),
}

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
        match seen(&wait, done, context.fleet, since, (usual, deadline)) {
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
        self.progress[self.at].ended = Some(context.now());
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

/// What a wait says after these changes, given how long it usually takes and after how long somebody is asked.
fn seen<'a>(
    wait: &Wait,
    done: impl Iterator<Item = &'a Change>,
    fleet: &Fleet,
    since: Timestamp,
    (usual, deadline): (Duration, Duration),
) -> Seen {
    let waited = age(since, fleet.now);
    match wait {
        Wait::Tail {
            region,
            seconds,
            baseline_rps,
            below_percent,
        } => {
            let over = waited >= Duration::from_secs(*seconds);
            tail(
                fleet,
                region,
                *baseline_rps,
                *below_percent,
                since,
                over,
                waited >= deadline,
            )
        }
        Wait::Bake { regions, seconds } => bake(fleet, regions, done, since, *seconds),
        Wait::Version { at, image, seconds } => match settle::stays(fleet, at, image) {
            Err(text) => Seen::Breached(text),
            Ok(()) => {
                let regions = std::slice::from_ref(&at.region);
                bake(fleet, regions, done, since, *seconds)
            }
        },
        Wait::Nodes {
            region,
            cluster,
            node_group,
            nodes,
        } => {
            let place = Place::Region(region.clone());
            match there(fleet, &place, cluster, node_group, *nodes, waited >= usual) {
                (true, text) => Seen::Over(text),
                (false, text) if waited >= deadline => Seen::Breached(format!(
                    "{node_group} has {text} after {} s",
                    waited.as_secs()
                )),
                (false, text) => Seen::NotYet(text),
            }
        }
        Wait::Emptied { node } => match settle::emptied(fleet, node) {
            (true, text) => Seen::Over(text),
            (false, text) if waited >= deadline => Seen::Breached(text),
            (false, text) => Seen::NotYet(text),
        },
        Wait::Rollout { at, pods } => match settle::rolled_out(fleet, at, *pods) {
            Followed::Yes(text) => Seen::Over(text),
            Followed::Failed(text) => Seen::Breached(format!("{}: {text}", at.words())),
            Followed::NotYet(text) if waited >= deadline => Seen::Breached(format!(
                "{}: {text} after {} s",
                at.words(),
                waited.as_secs()
            )),
            Followed::NotYet(text) => Seen::NotYet(text),
        },
    }
}

/// Watches regions for a while. What nobody measured is a breach in the end.
fn bake<'a>(
    fleet: &Fleet,
    regions: &[RegionLabel],
    done: impl Iterator<Item = &'a Change>,
    since: Timestamp,
    seconds: u64,
) -> Seen {
    let (waited, wanted) = (age(since, fleet.now), Duration::from_secs(seconds));
    match gate::judge(fleet, regions, done, since) {
        Gate::Breached(text) => Seen::Breached(text),
        Gate::Holds if waited >= wanted => Seen::Over("every gate held".to_owned()),
        Gate::Holds => Seen::NotYet("every gate holds".to_owned()),
        Gate::NoData(text) if waited > wanted + LATE => Seen::Breached(text),
        Gate::NoData(text) => Seen::NotYet(text),
    }
}

/// Whether so many nodes are there, in words. Where nobody counts those that are Ready, wanted ones do once they had the time that nodes need.
fn there(
    fleet: &Fleet,
    place: &Place,
    cluster: &str,
    node_group: &str,
    nodes: i32,
    settled: bool,
) -> (bool, String) {
    if let Some(ready) = nodes::ready(fleet, place, cluster, node_group) {
        return (ready >= nodes, format!("{ready} of {nodes} nodes Ready"));
    }
    let group = nodes::group(fleet, place, cluster, node_group);
    let wanted = group
        .filter(|group| group.status.as_deref() == Some("ACTIVE"))
        .and_then(|group| group.desired);
    let enough = wanted.is_some_and(|wanted| wanted >= nodes);
    let wanted = wanted.map_or("?".to_owned(), |wanted| wanted.to_string());
    let text = format!("{wanted} of {nodes} nodes wanted, whether they are Ready is not known");
    (enough && settled, text)
}

fn tail(
    fleet: &Fleet,
    region: &RegionLabel,
    baseline: Option<f64>,
    below: f64,
    since: Timestamp,
    over: bool,
    late: bool,
) -> Seen {
    let reading = fleet.rollup(region).demand.requests_per_second;
    let rate = match reading {
        Some(Reading::Value { value, at, .. }) if at >= since => Some(value),
        Some(
            Reading::Value { .. }
            | Reading::NeverRead
            | Reading::Failed
            | Reading::NoData
            | Reading::Forbidden,
        )
        | None => None,
    };
    let residual = rate
        .zip(baseline.filter(|baseline| *baseline > 0.0))
        .map(|(rate, baseline)| rate / baseline * 100.0);
    match residual {
        Some(residual) if over && residual < below => {
            Seen::Over(format!("{residual:.1} % of its requests remain"))
        }
        // Long connections and stubborn resolvers are shown, and are no reason to stop.
        Some(residual) if late => {
            Seen::Over(format!("{residual:.1} % of its requests still arrive"))
        }
        Some(residual) => Seen::NotYet(format!("{residual:.1} % of its requests remain")),
        None if late || (over && fleet.rollup(region).reach.lost(fleet.now)) => Seen::Over(
            "the time is over; what remains is not known, because nothing is measured there"
                .to_owned(),
        ),
        None => Seen::NotYet("nothing was measured there after the change yet".to_owned()),
    }
}
