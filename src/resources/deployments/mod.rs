//! Deployments: what runs where, in which version, and whether its roll-out goes on. Owns the model; no call and no clock.

pub(in crate::resources) mod assembly;
mod canaries;
pub mod change;
mod judge;
pub mod live;
pub(in crate::resources) mod owner;
mod signals;
pub mod sim;
pub mod versions;
mod view;
mod write;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::{
    change::{At, Change, Floor, Version},
    judge::Rollout,
    signals::version_of,
};

use super::{Fleet, Freshness, Judgement, Limits, Place, Resource, Source};

/// A Kubernetes Deployment in one cluster, with what belongs to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Deployment {
    /// Name.
    pub name: String,
    /// Namespace.
    pub namespace: String,
    /// Name of the cluster, or of its kubeconfig context.
    pub cluster: String,
    /// When its API server last said anything about deployments: a list, an event or a bookmark.
    pub heard_at: Option<Timestamp>,
    /// Generation of the specification, and the newest one that the controller has seen.
    pub generation: i64,
    /// See there: everything else in the status is about this one.
    pub observed_generation: i64,
    /// Whether its roll-out is paused.
    pub paused: bool,
    /// Number of the current revision.
    pub revision: Option<String>,
    /// The note of its last restart by hand: a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restarted_at: Option<String>,
    /// Labels of the template by which a mesh names its service and version.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<(String, String)>,
    /// Containers of the current template, the main one first.
    pub containers: Vec<Container>,
    /// Its pods in numbers.
    pub replicas: Replicas,
    /// `Available`, `Progressing`, `ReplicaFailure` …
    pub conditions: Vec<Condition>,
    /// Its revisions, the newest first.
    pub revisions: Vec<Revision>,
    /// Its pods, those in trouble first; not all of many.
    pub pods: Vec<Pod>,
    /// Restarts of its containers in all of its pods; `None` where the pods may not be read.
    pub restarts: Option<u32>,
    /// What keeps its pods from running, the most pods first.
    pub troubles: Vec<Trouble>,
    /// Its horizontal pod autoscaler.
    pub autoscaler: Option<Autoscaler>,
    /// Its pod disruption budget.
    pub budget: Option<Budget>,
    /// Who applies it and would undo an edit.
    pub owner: Option<Owner>,
    /// Warnings about it, its replica sets and pods, the newest first.
    pub warnings: Vec<Warning>,
    /// What its crashed containers wrote last; not all of many.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub logs: Vec<Log>,
    /// What could not be read, so that it may be there although it is not shown.
    pub unknown: Vec<Part>,
}

/// A container and its image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Container {
    /// Name.
    pub name: String,
    /// Image as the template names it.
    pub image: String,
    /// Digest that runs, `sha256:…`; `None` before a pod of this revision has pulled it.
    pub digest: Option<String>,
}

/// Numbers of pods, as the deployment's status gives them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Replicas {
    /// Wanted.
    pub desired: i32,
    /// There, of any revision.
    pub total: i32,
    /// Of the current revision.
    pub updated: i32,
    /// Ready.
    pub ready: i32,
    /// Ready for long enough.
    pub available: i32,
}

/// A condition of the status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// `Available`, `Progressing` …
    pub name: String,
    /// `True`, `False`, `Unknown`.
    pub status: String,
    /// One word.
    pub reason: Option<String>,
    /// A sentence.
    pub message: Option<String>,
    /// When it last changed, its reason included.
    pub since: Option<Timestamp>,
}

/// A revision: a replica set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    /// Its number; `None` where the annotation is missing or no number.
    pub number: Option<u64>,
    /// Name of the replica set.
    pub replica_set: String,
    /// Image of the main container.
    pub image: Option<String>,
    /// Pods wanted of it.
    pub desired: i32,
    /// Of them ready.
    pub ready: i32,
    /// When it was made.
    pub created_at: Option<Timestamp>,
}

/// A pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pod {
    /// Name.
    pub name: String,
    /// Whether it is of the current revision.
    pub current: bool,
    /// `Running`, `Pending` …
    pub phase: String,
    /// Whether it is ready.
    pub ready: bool,
    /// Restarts of its containers.
    pub restarts: u32,
    /// `CrashLoopBackOff`, `ImagePullBackOff`, `Unschedulable` …; `None` when nothing is wrong.
    pub reason: Option<String>,
    /// The container that the reason is about.
    pub container: Option<String>,
    /// Its node.
    pub node: Option<String>,
    /// When it was started.
    pub started_at: Option<Timestamp>,
}

/// One reason that keeps pods from running.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// `CrashLoopBackOff`, `OOMKilled`, `Unschedulable` …
    pub reason: String,
    /// How many pods have it.
    pub pods: u32,
    /// Whether one of them is of the current revision.
    pub current: bool,
    /// What one of them says.
    pub message: Option<String>,
}

/// A horizontal pod autoscaler.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Autoscaler {
    /// Name.
    pub name: String,
    /// At least so many pods.
    pub min: i32,
    /// At most.
    pub max: i32,
    /// Pods now.
    pub current: i32,
    /// Pods that it wants.
    pub desired: i32,
    /// Why its wish is cut: `TooManyReplicas`, `TooFewReplicas`; `None` when it is not.
    pub limited: Option<String>,
    /// Why it does not scale at all: `FailedGetResourceMetric` …; `None` when it does.
    pub inactive: Option<String>,
    /// Who applies it and would undo an edit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Owner>,
}

impl Autoscaler {
    /// Whether it would have more pods and may not.
    pub fn exhausted(&self) -> bool {
        self.desired >= self.max && self.limited.as_deref() == Some("TooManyReplicas")
    }
}

/// A pod disruption budget.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// Name.
    pub name: String,
    /// Pods that may be evicted now.
    pub allowed: i32,
    /// Healthy pods.
    pub healthy: i32,
    /// Pods that must be.
    pub required: i32,
}

/// Who applies a deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// `Argo CD`, `Flux`, `Helm` …
    pub by: String,
    /// Its application, release or object, where it tells.
    pub name: Option<String>,
    /// Whether it puts back what others change.
    pub reverts: bool,
}

/// A warning event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// `FailedScheduling`, `BackOff` …
    pub reason: String,
    /// Kind and name of what it is about.
    pub object: String,
    /// A sentence.
    pub message: String,
    /// How often.
    pub count: u32,
    /// When last.
    pub at: Option<Timestamp>,
}

/// The last lines of a container that ended badly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Log {
    /// The pod.
    pub pod: String,
    /// The container.
    pub container: String,
    /// Whether they are of the run before the present one.
    pub previous: bool,
    /// How often the container was started again.
    pub restarts: u32,
    /// What that run ended with.
    pub exit_code: i32,
    /// The lines, the newest last, without control characters.
    pub lines: Vec<String>,
    /// Whether there was more than what is read.
    pub cut: bool,
    /// Why there are no lines; `None` where they were read.
    pub missing: Option<String>,
}

/// What is read beside the deployments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // the names say it
pub enum Part {
    ReplicaSets,
    Pods,
    Autoscalers,
    Budgets,
    Events,
}

impl Part {
    /// The word for a sentence.
    pub fn word(self) -> &'static str {
        match self {
            Self::ReplicaSets => "replica sets",
            Self::Pods => "pods",
            Self::Autoscalers => "autoscalers",
            Self::Budgets => "disruption budgets",
            Self::Events => "events",
        }
    }
}

impl Deployment {
    /// The container that it is about: the first one.
    pub fn main(&self) -> Option<&Container> {
        self.containers.first()
    }

    /// The revision that its template is, where the replica sets were read.
    pub fn current(&self) -> Option<&Revision> {
        let number = self.revision.as_deref()?.parse().ok();
        let mut revisions = self.revisions.iter();
        revisions.find(|revision| revision.number == number)
    }

    /// Whether pods of a replica set are there.
    pub fn runs(&self, replica_set: &str) -> bool {
        let mut revisions = self.revisions.iter();
        revisions.any(|revision| revision.replica_set == replica_set && revision.ready > 0)
    }

    /// How much it can be trusted, by when its API server was last heard: a cluster that is silent leaves the others of its region fresh.
    pub fn heard(&self, fleet: &Fleet) -> Freshness {
        Limits::for_watch(fleet.interval(Source::Deployments)).judge(self.heard_at, fleet.now)
    }
}

impl Resource for Deployment {
    fn key(&self) -> String {
        format!("{}/{}/{}", self.cluster, self.namespace, self.name)
    }

    fn judge(&self, _fleet: &Fleet, _place: &Place) -> Judgement {
        judge::of(self)
    }
}

#[cfg(test)]
mod tests;
