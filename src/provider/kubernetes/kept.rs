//! What is kept of each object: the few fields that rows are made of. Owns the paths that are watched; judges nothing.

use jiff::Timestamp;

use super::{
    objects::{self, Condition, ContainerStatus, Meta, Selector},
    watch::Watched,
};

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

    fn keep(object: Self::Object) -> Option<Self> {
        Some(object)
    }
}

/// A replica set of a deployment.
#[derive(Debug)]
pub struct ReplicaSet {
    /// Uid of its deployment.
    pub deployment: String,
    /// The label that its pods carry.
    pub hash: String,
    /// Its revision.
    pub revision: Option<u64>,
    /// Image of the first container.
    pub image: Option<String>,
    /// Pods wanted.
    pub desired: i32,
    /// Pods ready.
    pub ready: i32,
    /// When it was made.
    pub created_at: Option<Timestamp>,
}

/// Where a deployment's controller notes the number of a revision.
pub const REVISION: &str = "deployment.kubernetes.io/revision";
/// The label that tells the pods of one revision from those of another.
pub const HASH: &str = "pod-template-hash";

impl Watched for ReplicaSet {
    type Object = objects::Workload;
    const PATH: &'static str = "/apis/apps/v1/replicasets";
    const NOUN: &'static str = "ReplicaSets";

    fn meta(object: &Self::Object) -> &Meta {
        &object.metadata
    }

    fn keep(mut object: Self::Object) -> Option<Self> {
        let owner = owner(&object.metadata, "Deployment")?;
        let revision = object.metadata.annotations.get(REVISION);
        let mut containers = object.spec.template.spec.containers.drain(..);
        Some(Self {
            revision: revision.and_then(|text| text.parse().ok()),
            hash: object.metadata.labels.remove(HASH).unwrap_or_default(),
            image: containers.next().map(|container| container.image),
            desired: object.spec.replicas.unwrap_or(1),
            ready: object.status.ready_replicas,
            created_at: object.metadata.creation_timestamp,
            deployment: owner.uid,
        })
    }
}

/// A pod of a replica set.
#[derive(Debug)]
pub struct Pod {
    /// Name of its replica set.
    pub replica_set: Box<str>,
    /// The label that tells its revision.
    pub hash: Box<str>,
    /// Its node.
    pub node: Box<str>,
    /// `Running`, `Pending` …
    pub phase: Box<str>,
    /// Whether it is ready.
    pub ready: bool,
    /// Whether it is being deleted.
    pub leaving: bool,
    /// Restarts of all its containers.
    pub restarts: u32,
    /// When it was started.
    pub started_at: Option<Timestamp>,
    /// What is wrong.
    pub trouble: Option<Box<Trouble>>,
    /// Digests by container.
    pub digests: Vec<(Box<str>, Box<str>)>,
}

/// What is wrong with a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// `CrashLoopBackOff` …
    pub reason: String,
    /// The container that it is about.
    pub container: Option<String>,
    /// A sentence.
    pub message: String,
}

impl Watched for Pod {
    type Object = objects::Pod;
    const PATH: &'static str = "/api/v1/pods";
    const NOUN: &'static str = "Pods";

    fn meta(object: &Self::Object) -> &Meta {
        &object.metadata
    }

    fn keep(object: Self::Object) -> Option<Self> {
        let owner = owner(&object.metadata, "ReplicaSet")?;
        let status = &object.status;
        let containers = &status.container_statuses;
        let all = status.init_container_statuses.iter().chain(containers);
        let holds = |name: &str| {
            let mut conditions = status.conditions.iter();
            conditions.any(|condition| condition.name == name && condition.status == "True")
        };
        let digest = |container: &ContainerStatus| {
            let (_, digest) = container.image_id.rsplit_once('@').or_else(|| {
                // Without a repository: the id of an image that was built on the node.
                container
                    .image_id
                    .strip_prefix("sha256:")
                    .map(|_| ("", container.image_id.as_str()))
            })?;
            Some((container.name.as_str().into(), digest.into()))
        };
        Some(Self {
            hash: object
                .metadata
                .labels
                .get(HASH)
                .map(String::as_str)
                .unwrap_or_default()
                .into(),
            replica_set: owner.name.into(),
            ready: holds("Ready"),
            leaving: object.metadata.deletion_timestamp.is_some(),
            restarts: all.map(|container| container.restart_count).sum(),
            started_at: status.start_time.or(object.metadata.creation_timestamp),
            trouble: trouble(status).map(Box::new),
            digests: containers.iter().filter_map(digest).collect(),
            node: object.spec.node_name.into(),
            phase: object.status.phase.into(),
        })
    }
}

/// What keeps a pod from running: a container that waits, one that was killed, or no node.
fn trouble(status: &objects::PodStatus) -> Option<Trouble> {
    let containers = status
        .init_container_statuses
        .iter()
        .chain(&status.container_statuses);
    for container in containers.clone() {
        let last = container.last_state.terminated.as_ref();
        let killed = last.filter(|last| last.reason == "OOMKilled");
        let waiting = container.state.waiting.as_ref();
        // These two are how every pod begins.
        let waiting = waiting.filter(|waiting| {
            !["", "ContainerCreating", "PodInitializing"].contains(&waiting.reason.as_str())
        });
        let ended = container.state.terminated.as_ref();
        let ended = ended.filter(|ended| ended.exit_code != 0 && !container.ready);
        let found = match (waiting, killed, ended) {
            // That it was killed for its memory says more than that it waits to be started again.
            (Some(waiting), Some(killed), _) if waiting.reason == "CrashLoopBackOff" => {
                Some((killed.reason.as_str(), waiting.message.as_str()))
            }
            (Some(waiting), _, _) => Some((waiting.reason.as_str(), waiting.message.as_str())),
            (None, Some(killed), _) if !container.ready => Some((killed.reason.as_str(), "")),
            (None, _, Some(ended)) => Some((ended.reason.as_str(), ended.message.as_str())),
            (None, _, None) => None,
        };
        if let Some((reason, message)) = found {
            return Some(Trouble {
                reason: reason.to_owned(),
                container: Some(container.name.clone()),
                message: shorten(message),
            });
        }
    }
    let unscheduled = |condition: &&Condition| {
        condition.name == "PodScheduled"
            && condition.status == "False"
            && !condition.reason.is_empty()
    };
    if let Some(condition) = status.conditions.iter().find(unscheduled) {
        return Some(Trouble {
            reason: condition.reason.clone(),
            container: None,
            message: shorten(&condition.message),
        });
    }
    // `Evicted`, `NodeLost`: said of the pod as a whole.
    (!status.reason.is_empty()).then(|| Trouble {
        reason: status.reason.clone(),
        container: None,
        message: shorten(&status.message),
    })
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
            pressure: pressure.map(|condition| condition.name.clone()).collect(),
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
