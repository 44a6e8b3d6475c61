//! What is kept of each object: the few fields that rows are made of. Owns the paths that are watched; judges nothing.

mod pod;

use jiff::Timestamp;

pub use self::pod::{Crash, Pod, Trouble};
use super::{
    objects::{self, Meta, Quantities, Selector},
    watch::Watched,
};
use crate::resources::clusters::node::Room;

/// Characters of a message that are kept.
const SAID: usize = 200;

/// A deployment.
pub type Deployment = objects::Workload;

impl Watched for Deployment {
    type Object = objects::Workload;
    const PATH: &'static str = "/apis/apps/v1/deployments";
    const NOUN: &'static str = "Deployments";

    fn meta(object: &Self::Object) -> &Meta {
        &object.metadata
    }

    fn keep(mut object: Self::Object) -> Option<Self> {
        let notes = &mut object.spec.template.metadata.annotations;
        notes.retain(|name, _| name == RESTARTED_AT);
        Some(object)
    }
}

/// A replica set of a deployment or of an Argo Rollout.
#[derive(Debug)]
pub struct ReplicaSet {
    /// Uid of what made it.
    pub owner: String,
    /// The label that its pods carry.
    pub hash: String,
    /// Its revision.
    pub revision: Option<u64>,
    /// Image of the main container.
    pub image: Option<String>,
    /// Pods wanted.
    pub desired: i32,
    /// Pods ready.
    pub ready: i32,
    /// When it was made.
    pub created_at: Option<Timestamp>,
}

/// Where `kubectl rollout restart`, and we, note in a template when its pods were last replaced: another template is another revision.
pub const RESTARTED_AT: &str = "kubectl.kubernetes.io/restartedAt";
/// Containers that a mesh adds: never the one that a deployment is about.
pub const SIDECARS: &[&str] = &["istio-proxy", "linkerd-proxy", "envoy", "consul-dataplane"];
/// Where a deployment's controller notes the number of a revision.
pub const REVISION: &str = "deployment.kubernetes.io/revision";
/// The label that tells the pods of one revision from those of another.
pub const HASH: &str = "pod-template-hash";
/// The same two of Argo Rollouts.
const ARGO_REVISION: &str = "rollout.argoproj.io/revision";
/// See there.
pub const ARGO_HASH: &str = "rollouts-pod-template-hash";

/// The hash of a revision among labels, whoever wrote it.
fn hash(meta: &mut Meta) -> String {
    let labels = &mut meta.labels;
    let found = labels.remove(HASH).or_else(|| labels.remove(ARGO_HASH));
    found.unwrap_or_default()
}

impl Watched for ReplicaSet {
    type Object = objects::Workload;
    const PATH: &'static str = "/apis/apps/v1/replicasets";
    const NOUN: &'static str = "ReplicaSets";

    fn meta(object: &Self::Object) -> &Meta {
        &object.metadata
    }

    fn keep(mut object: Self::Object) -> Option<Self> {
        let made_by = |kind| owner(&object.metadata, kind);
        let owner = made_by("Deployment").or_else(|| made_by("Rollout"))?;
        let notes = &object.metadata.annotations;
        let revision = notes.get(REVISION).or_else(|| notes.get(ARGO_REVISION));
        let mut containers = object.spec.template.spec.containers;
        containers.sort_by_key(|container| SIDECARS.contains(&container.name.as_str()));
        let mut containers = containers.into_iter();
        Some(Self {
            revision: revision.and_then(|text| text.parse().ok()),
            hash: hash(&mut object.metadata),
            image: containers.next().map(|container| container.image),
            desired: object.spec.replicas.unwrap_or(1),
            ready: object.status.ready_replicas,
            created_at: object.metadata.creation_timestamp,
            owner: owner.uid,
        })
    }
}

/// An autoscaler.
#[derive(Debug)]
pub struct Scaler {
    /// What it scales.
    pub target: objects::ScaleTarget,
    /// At least.
    pub min: i32,
    /// At most.
    pub max: i32,
    /// What it says.
    pub status: objects::ScalerStatus,
    /// Its metadata: who applies it, and its version.
    pub meta: Meta,
}

impl Watched for Scaler {
    type Object = objects::Scaler;
    const PATH: &'static str = "/apis/autoscaling/v2/horizontalpodautoscalers";
    const NOUN: &'static str = "HorizontalPodAutoscalers";

    fn meta(object: &Self::Object) -> &Meta {
        &object.metadata
    }

    fn keep(object: Self::Object) -> Option<Self> {
        Some(Self {
            target: object.spec.scale_target_ref,
            min: object.spec.min_replicas.unwrap_or(1),
            max: object.spec.max_replicas,
            status: object.status,
            meta: object.metadata,
        })
    }
}

/// A disruption budget.
#[derive(Debug)]
pub struct Budget {
    /// Pods that it protects.
    pub selector: Selector,
    /// What it allows.
    pub status: objects::BudgetStatus,
}

impl Watched for Budget {
    type Object = objects::Budget;
    const PATH: &'static str = "/apis/policy/v1/poddisruptionbudgets";
    const NOUN: &'static str = "PodDisruptionBudgets";

    fn meta(object: &Self::Object) -> &Meta {
        &object.metadata
    }

    fn keep(object: Self::Object) -> Option<Self> {
        Some(Self {
            selector: object.spec.selector,
            status: object.status,
        })
    }
}

/// Labels by which providers name a node's group.
const GROUPS: &[&str] = &[
    "eks.amazonaws.com/nodegroup",
    "karpenter.sh/nodepool",
    "cloud.google.com/gke-nodepool",
    "kubernetes.azure.com/agentpool",
];

/// A node.
#[derive(Debug)]
pub struct Node {
    /// Whether it is ready; `None` where its kubelet is not heard.
    pub ready: Option<bool>,
    /// Whether it takes no new pods.
    pub cordoned: bool,
    /// `MemoryPressure`, `DiskPressure`, `PIDPressure` where they hold.
    pub pressure: Vec<String>,
    /// Its zone.
    pub zone: Option<String>,
    /// Its node group or pool.
    pub group: Option<String>,
    /// What it gives to pods.
    pub allocatable: Option<Room>,
}

impl Watched for Node {
    type Object = objects::Node;
    const PATH: &'static str = "/api/v1/nodes";
    const NOUN: &'static str = "Nodes";

    fn meta(object: &Self::Object) -> &Meta {
        &object.metadata
    }

    fn keep(mut object: Self::Object) -> Option<Self> {
        let conditions = &object.status.conditions;
        let ready = conditions
            .iter()
            .find(|condition| condition.name == "Ready");
        let pressure = conditions
            .iter()
            .filter(|condition| condition.name.ends_with("Pressure") && condition.status == "True");
        Some(Self {
            ready: ready.and_then(|condition| match condition.status.as_str() {
                "True" => Some(true),
                "False" => Some(false),
                _ => None,
            }),
            cordoned: object.spec.unschedulable,
            allocatable: object.status.allocatable.as_ref().map(Quantities::room),
            pressure: pressure.map(|condition| condition.name.clone()).collect(),
            group: GROUPS
                .iter()
                .find_map(|label| object.metadata.labels.remove(*label)),
            zone: object.metadata.labels.remove("topology.kubernetes.io/zone"),
        })
    }
}

/// A warning about something that belongs to a deployment.
#[derive(Debug)]
pub struct Warning {
    /// Kind of the object that it is about.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// One word.
    pub reason: String,
    /// A sentence.
    pub message: String,
    /// How often.
    pub count: u32,
    /// When last.
    pub at: Option<Timestamp>,
}

impl Watched for Warning {
    type Object = objects::Event;
    const PATH: &'static str = "/api/v1/events";
    const NOUN: &'static str = "Events";
    // Everything else is the noise of a cluster that works.
    const FIELDS: Option<&'static str> = Some("type=Warning");

    fn meta(object: &Self::Object) -> &Meta {
        &object.metadata
    }

    fn keep(object: Self::Object) -> Option<Self> {
        let about = object.involved_object;
        let kinds = ["Pod", "ReplicaSet", "Deployment", "HorizontalPodAutoscaler"];
        if !kinds.contains(&about.kind.as_str()) {
            return None;
        }
        let series = object.series.unwrap_or_default();
        let at = series.last_observed_time.or(object.last_timestamp);
        Some(Self {
            kind: about.kind,
            name: about.name,
            reason: object.reason,
            message: shorten(&object.message),
            count: object.count.max(series.count).max(1),
            at: at
                .or(object.event_time)
                .or(object.metadata.creation_timestamp),
        })
    }
}

fn owner(meta: &Meta, kind: &str) -> Option<objects::OwnerReference> {
    let mut owners = meta.owner_references.iter();
    owners.find(|owner| owner.kind == kind).cloned()
}

fn shorten(text: &str) -> String {
    text.chars().take(SAID).collect()
}
