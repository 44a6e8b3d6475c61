//! Whether a deployment's roll-out is complete, goes on, or is stuck, and why. Owns the rule of domain A.3; knows no other row.

use jiff::Timestamp;

use super::{Autoscaler, Condition, Deployment, Trouble};
use crate::resources::{Judgement, Severity};

/// Reasons that time does not mend: somebody must change something.
const STUCK: &[&str] = &[
    "CrashLoopBackOff",
    "ImagePullBackOff",
    "ErrImagePull",
    "ErrImageNeverPull",
    "InvalidImageName",
    "ImageInspectError",
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
    "OOMKilled",
];

/// Where a roll-out stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rollout {
    /// The controller has not looked at the newest specification yet: its numbers are about an older one.
    Unseen,
    /// No progress within the deadline.
    Failed,
    /// Held by somebody, with pods of two revisions.
    Paused,
    /// So many of the wanted pods are of the current revision and available.
    Moving {
        /// Updated and available.
        done: i32,
        /// Wanted.
        of: i32,
    },
    /// Every pod is of the current revision, and fewer than wanted are available.
    Short {
        /// Available.
        available: i32,
        /// Wanted.
        of: i32,
    },
    /// Everything wanted is updated and available, and nothing old is left.
    Complete,
    /// No pod is wanted.
    Asleep,
}

impl Trouble {
    /// Whether time does not mend it.
    pub fn stuck(&self) -> bool {
        STUCK.contains(&self.reason.as_str())
    }

    fn short(&self) -> String {
        match self.pods {
            1 => format!("{} in 1 pod", self.reason),
            many => format!("{} in {many} pods", self.reason),
        }
    }

    /// What it is, in how many pods, and what one of them says.
    pub fn words(&self) -> String {
        match &self.message {
            Some(message) => format!("{}: {message}", self.short()),
            None => self.short(),
        }
    }
}

impl Deployment {
    /// Where its roll-out stands. The `Progressing` condition alone does not tell: right after an edit it still speaks of the roll-out before.
    pub fn rollout(&self) -> Rollout {
        let replicas = &self.replicas;
        let of = replicas.desired;
        if self.observed_generation < self.generation {
            return Rollout::Unseen;
        }
        if self.progress().is_some_and(failed) {
            return Rollout::Failed;
        }
        let old = replicas.total > replicas.updated;
        let updated = replicas.updated >= of;
        if updated && !old && replicas.available >= of {
            return if of == 0 {
                Rollout::Asleep
            } else {
                Rollout::Complete
            };
        }
        if self.paused {
            return Rollout::Paused;
        }
        if updated && !old {
            return Rollout::Short {
                available: replicas.available,
                of,
            };
        }
        // Old pods are available too; those of the current revision are what the old ones leave.
        let old_pods = (replicas.total - replicas.updated).max(0);
        let done = (replicas.available - old_pods).clamp(0, replicas.updated);
        Rollout::Moving { done, of }
    }

    /// The condition that tells of the roll-out.
    pub fn progress(&self) -> Option<&Condition> {
        let mut conditions = self.conditions.iter();
        conditions.find(|condition| condition.name == "Progressing")
    }

    /// How bad its roll-out is and why, whatever its autoscaler says.
    pub(in crate::resources) fn judge_rollout(&self) -> Judgement {
        of_rollout(self)
    }

    /// Whether pods of the current revision end again and again, or cannot be started.
    pub fn crashes(&self) -> bool {
        let mut troubles = self.troubles.iter();
        troubles.any(|trouble| trouble.current && trouble.stuck())
    }

    /// Since when every pod is of the current revision, as its controller says; `None` while that is not so. A deployment without a deadline has no such
    /// condition: there the newest of its pods tells, which is later rather than too early.
    pub fn completed_at(&self) -> Option<Timestamp> {
        match self.rollout() {
            Rollout::Complete | Rollout::Short { .. } | Rollout::Asleep => {}
            Rollout::Unseen | Rollout::Failed | Rollout::Paused | Rollout::Moving { .. } => {
                return None;
            }
        }
        match self.progress() {
            Some(condition) if condition.reason.as_deref() == Some("NewReplicaSetAvailable") => {
                condition.since
            }
            Some(_) => None,
            None => {
                let current = self.pods.iter().filter(|pod| pod.current);
                let started = current.filter_map(|pod| pod.started_at).max();
                started.max(self.current()?.created_at)
            }
        }
    }

    /// What an operator must mend, and where a roll-out that does not move hangs.
    fn worst(&self) -> Option<&Trouble> {
        let mut current = self.troubles.iter().filter(|trouble| trouble.current);
        let found = current
            .clone()
            .find(|trouble| trouble.stuck())
            .or_else(|| current.next());
        found.or_else(|| self.troubles.first())
    }

    /// The event or message that explains the trouble, in a sentence.
    fn explanation(&self) -> Option<&str> {
        let said = self.worst().and_then(|trouble| trouble.message.as_deref());
        let event = self.warnings.first().map(|event| event.message.as_str());
        let failure = self
            .conditions
            .iter()
            .find(|condition| condition.name == "ReplicaFailure" && condition.status == "True")
            .and_then(|condition| condition.message.as_deref());
        failure.or(said).or(event).filter(|text| !text.is_empty())
    }
}

fn failed(condition: &Condition) -> bool {
    condition.status == "False" && condition.reason.as_deref() == Some("ProgressDeadlineExceeded")
}

/// How bad it is and why.
pub(super) fn of(deployment: &Deployment) -> Judgement {
    let rollout = of_rollout(deployment);
    let scaler = deployment
        .autoscaler
        .as_ref()
        .map_or_else(Judgement::ok, judge_autoscaler);
    rollout.worse(scaler)
}

/// How bad its roll-out is and why, whatever its autoscaler says.
pub(super) fn of_rollout(deployment: &Deployment) -> Judgement {
    let name = &deployment.name;
    let trouble = deployment.worst().map(Trouble::short);
    let stuck = deployment.worst().is_some_and(Trouble::stuck);
    let because = [trouble.as_deref(), deployment.explanation()];
    let because: Vec<&str> = because.into_iter().flatten().collect();
    let say = |severity, what: String| {
        let parts: Vec<&str> = std::iter::once(what.as_str())
            .chain(because.iter().copied())
            .collect();
        Judgement::new(severity, parts.join(": "))
    };
    let none_serve = deployment.replicas.available <= 0;
    let severity = if none_serve || stuck {
        Severity::Bad
    } else {
        Severity::Warn
    };
    match deployment.rollout() {
        Rollout::Complete if trouble.is_some() => say(
            if stuck { Severity::Warn } else { Severity::Ok },
            format!("{name} is complete"),
        ),
        // Pods that wait to be deleted may be in any state.
        Rollout::Complete | Rollout::Asleep => Judgement::ok(),
        Rollout::Unseen => Judgement::new(
            Severity::Warn,
            format!("{name} was changed; its controller has not seen it yet"),
        ),
        Rollout::Failed => say(
            Severity::Bad,
            format!("the roll-out of {name} made no progress within its deadline"),
        ),
        Rollout::Paused => say(severity, format!("the roll-out of {name} is paused")),
        Rollout::Moving { done, of } => {
            say(severity, format!("{name} rolls out, {done} of {of} done"))
        }
        Rollout::Short { available, of } => say(
            severity,
            format!("{name} has {available} of {of} pods available"),
        ),
    }
}

fn judge_autoscaler(scaler: &Autoscaler) -> Judgement {
    if scaler.exhausted() {
        let text = format!("{} wants more than its {} pods", scaler.name, scaler.max);
        return Judgement::new(Severity::Warn, text);
    }
    match &scaler.inactive {
        Some(reason) => Judgement::new(
            Severity::Warn,
            format!("{} does not scale: {reason}", scaler.name),
        ),
        None => Judgement::ok(),
    }
}
