//! Objects that send a release out by themselves, step by step: Argo Rollouts and Flagger Canaries. Owns the model and what steering one means; no call.
//!
//! One row is one version of one object: what was there before, and what goes out. Their weights belong to their controller: they are steered, not shifted.

pub mod assembly;
mod change;
pub mod live;
pub mod sim;
mod steer;
pub mod write;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::steer::{Image, Steering, Verb, edit, inverse, standing};
use super::{Mechanism, Split};
use crate::resources::{
    Fleet, Freshness, Judgement, Limits, RegionLabel, Severity, Source,
    deployments::{Container, Owner, Replicas, Revision, Trouble},
};

/// Whose object it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tool {
    /// Argo Rollouts: `Rollout`, `argoproj.io/v1alpha1`.
    ArgoRollouts,
    /// Flagger: `Canary`, `flagger.app/v1beta1`.
    Flagger,
}

impl Tool {
    /// Its object, as the API names it.
    pub fn kind(self) -> &'static str {
        match self {
            Self::ArgoRollouts => "Rollout",
            Self::Flagger => "Canary",
        }
    }

    /// The word in the name of a split.
    pub fn singular(self) -> &'static str {
        match self {
            Self::ArgoRollouts => "rollout",
            Self::Flagger => "canary",
        }
    }

    /// As it stands in paths.
    pub fn plural(self) -> &'static str {
        match self {
            Self::ArgoRollouts => "rollouts",
            Self::Flagger => "canaries",
        }
    }

    /// Its API group.
    pub fn group(self) -> &'static str {
        match self {
            Self::ArgoRollouts => "argoproj.io",
            Self::Flagger => "flagger.app",
        }
    }

    /// The path of its group and version.
    pub fn group_path(self) -> &'static str {
        match self {
            Self::ArgoRollouts => "/apis/argoproj.io/v1alpha1",
            Self::Flagger => "/apis/flagger.app/v1beta1",
        }
    }
}

/// Which object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RolloutName {
    /// Name of the cluster, or of its kubeconfig context.
    pub cluster: String,
    /// Whose it is.
    pub tool: Tool,
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
}

impl RolloutName {
    /// In words: `Rollout shop/checkout`.
    pub fn object(&self) -> String {
        format!("{} {}/{}", self.tool.kind(), self.namespace, self.name)
    }

    /// The name of its split: `rollout/shop/checkout`.
    pub fn split(&self) -> String {
        format!("{}/{}/{}", self.tool.singular(), self.namespace, self.name)
    }
}

/// An object that sends a release out, as its controller tells it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rollout {
    /// Which.
    pub name: RolloutName,
    /// `Healthy`, `Progressing`, `Paused`, `Degraded` (Argo); `Initialized`, `Progressing`, `Promoting`, `Succeeded`, `Failed` … (Flagger). As it writes it.
    pub phase: String,
    /// Why, as it says.
    pub message: Option<String>,
    /// Whether the controller has seen the specification as it is now.
    pub observed: bool,
    /// The step that it is at, from 0; as many as there are steps once all are done. `None` where it has none.
    pub step: Option<u32>,
    /// How many there are.
    pub steps: u32,
    /// The step in words: `setWeight 20`, `pause`.
    pub step_words: Option<String>,
    /// Share of the new version, in percent.
    pub weight: f64,
    /// Why it waits: `CanaryPauseStep`, `BlueGreenPause`, `InconclusiveAnalysisRun`. Empty where it does not.
    pub waits: Vec<String>,
    /// Since when it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits_since: Option<Timestamp>,
    /// Seconds that its step lets it wait; `None` where somebody must promote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_seconds: Option<u64>,
    /// Whether the controller itself paused it.
    pub controller_pause: bool,
    /// Whether somebody paused or suspended it in its specification.
    pub suspended: bool,
    /// Whether it was aborted.
    pub aborted: bool,
    /// Whether it goes to the end without its steps.
    pub full: bool,
    /// The version that was there before, by its hash.
    pub stable: String,
    /// The version that goes out; the same once it is the stable one.
    pub current: String,
    /// The main container of the version that goes out, where its own template names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<Container>,
    /// The deployment that it takes its template from (Argo), or that it sends out (Flagger).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workload: Option<Workload>,
    /// Its versions, the newest first (Argo).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub revisions: Vec<Revision>,
    /// Its pods in numbers (Argo).
    #[serde(default)]
    pub replicas: Replicas,
    /// What keeps pods of the version that goes out from running, the most pods first (Argo).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub troubles: Vec<Trouble>,
    /// Since when nothing is on its way, as its controller says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Timestamp>,
    /// Whether all goes to one version at once, which is then switched.
    pub blue_green: bool,
    /// Checks that failed (Flagger).
    pub failed_checks: u32,
    /// Iterations done (Flagger).
    pub iterations: u32,
    /// What its analyses say: name and phase.
    pub analyses: Vec<String>,
    /// Who applies the object and would undo an edit of its specification.
    pub owner: Option<Owner>,
    /// When its API server last said anything about this kind.
    pub heard_at: Option<Timestamp>,
}

/// The deployment behind a rollout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workload {
    /// Name.
    pub name: String,
    /// Its generation that the controller has seen, where it tells (Argo).
    pub seen: Option<i64>,
}

/// One of the two versions of a rollout.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RolloutVersion {
    /// The object, with everything that is known of it.
    pub rollout: Rollout,
    /// Whether this is the version that goes out.
    pub new: bool,
}

impl RolloutVersion {
    /// Its share in percent.
    pub fn weight(&self) -> f64 {
        if self.new {
            self.rollout.weight
        } else {
            100.0 - self.rollout.weight
        }
    }
}

/// Its two versions as rows: what was there before, and what goes out. The name of the cluster is part of theirs where the region has several.
pub fn versions(rollout: &Rollout, several: bool) -> [Split; 2] {
    let mut split = rollout.name.split();
    if several {
        split = format!("{}:{split}", rollout.name.cluster);
    }
    [false, true].map(|new| Split {
        split: split.clone(),
        member: if new { "canary" } else { "stable" }.to_owned(),
        by: Mechanism::Rollout(Box::new(RolloutVersion {
            rollout: rollout.clone(),
            new,
        })),
    })
}

impl Rollout {
    /// A way to steer it as it is now.
    pub fn steering(&self, region: &RegionLabel, verb: Verb) -> Steering {
        Steering {
            region: region.clone(),
            rollout: self.name.clone(),
            verb,
            step: self.step,
            steps: self.steps,
            current: self.current.clone(),
            stable: self.stable.clone(),
        }
    }

    /// One of its versions by its hash (Argo): the end of the name of its replica set.
    pub fn revision(&self, hash: &str) -> Option<&Revision> {
        let mut revisions = self.revisions.iter();
        revisions.find(|revision| hash_of(&revision.replica_set) == hash && !hash.is_empty())
    }

    /// How much it can be trusted, by when its API server was last heard.
    pub fn heard(&self, fleet: &Fleet) -> Freshness {
        Limits::for_watch(fleet.interval(Source::Rollouts)).judge(self.heard_at, fleet.now)
    }

    /// Whether a release is on its way: two versions are there.
    pub fn under_way(&self) -> bool {
        match self.name.tool {
            Tool::ArgoRollouts => self.stable != self.current,
            Tool::Flagger => {
                let at_work = [
                    "Progressing",
                    "Waiting",
                    "WaitingPromotion",
                    "Promoting",
                    "Finalising",
                ];
                at_work.contains(&self.phase.as_str())
            }
        }
    }

    /// What keeps pods of the version that goes out from running and time does not mend, in words. Its controller waits for its deadline before it says so.
    pub fn stuck(&self) -> Option<String> {
        self.troubles
            .iter()
            .find(|trouble| trouble.stuck())
            .map(Trouble::words)
    }

    /// Where it stands, in words: `Paused at step 2 of 5 (pause), 20 %`.
    pub fn words(&self) -> String {
        let mut words = self.phase.clone();
        if let Some(step) = self.step.filter(|_| self.under_way()) {
            let at = (step + 1).min(self.steps);
            words = format!("{words} at step {at} of {}", self.steps);
            if let Some(step) = &self.step_words {
                words = format!("{words} ({step})");
            }
        }
        if self.suspended {
            words.push_str(match self.name.tool {
                Tool::ArgoRollouts => ", paused by somebody",
                Tool::Flagger => ", suspended",
            });
        }
        words
    }

    /// What is wrong with it.
    pub fn judge(&self, fleet: &Fleet) -> Judgement {
        let object = self.name.object();
        if !self.heard(fleet).usable() {
            return Judgement::new(
                Severity::Unknown,
                format!("{} is not heard", self.name.cluster),
            );
        }
        let why = self.message.as_deref().unwrap_or_default();
        let why = if why.is_empty() {
            String::new()
        } else {
            format!(": {why}")
        };
        if let Some(stuck) = self.stuck() {
            let text = format!("{object} is {}: {stuck}", self.words());
            return Judgement::new(Severity::Bad, text);
        }
        match self.phase.as_str() {
            "Degraded" | "Failed" => {
                Judgement::new(Severity::Bad, format!("{object} is {}{why}", self.phase))
            }
            "Paused" | "Progressing" | "Waiting" | "WaitingPromotion" | "Promoting"
            | "Finalising" => {
                Judgement::new(Severity::Warn, format!("{object} is {}{why}", self.words()))
            }
            "Healthy" | "Succeeded" | "Initialized" | "Initializing" if !self.suspended => {
                Judgement::ok()
            }
            "Healthy" | "Succeeded" | "Initialized" | "Initializing" => {
                Judgement::new(Severity::Warn, format!("{object} is {}", self.words()))
            }
            phase => Judgement::new(
                Severity::Unknown,
                format!("{object} has phase {phase}{why}"),
            ),
        }
    }
}

/// The hash of a version: its controller ends the name of a replica set with it.
pub fn hash_of(replica_set: &str) -> &str {
    replica_set.rsplit('-').next().unwrap_or_default()
}
