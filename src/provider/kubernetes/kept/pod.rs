//! What is kept of a pod: which revision it is of, whether it is ready, and what is wrong with it. Owns how the states of containers become one trouble.

use jiff::Timestamp;

use super::{hash, owner, shorten};
use crate::{
    provider::kubernetes::{
        objects::{self, Condition, ContainerStatus, Meta},
        watch::Watched,
    },
    resources::clusters::node::Room,
};

/// A pod. Those of replica sets make deployments; the others are known for the nodes that they are on.
#[derive(Debug)]
pub struct Pod {
    /// Which pod of its name.
    pub uid: Box<str>,
    /// Kind and name of what would make another one; empty where nothing would.
    pub controller: Box<str>,
    /// Whether it is of the node itself.
    pub mirror: bool,
    /// Whether it has a folder that is lost with it.
    pub scratch: bool,
    /// Name of its replica set; empty where it is of none.
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
    /// What it asks of a node.
    pub requests: Room,
}

impl Pod {
    /// Whether it has ended, well or not.
    pub fn over(&self) -> bool {
        ["Succeeded", "Failed"].contains(&&*self.phase)
    }
}

/// What a kubelet notes on the copy of a pod that it runs by itself.
const MIRROR: &str = "kubernetes.io/config.mirror";

/// What is wrong with a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// `CrashLoopBackOff` …
    pub reason: String,
    /// The container that it is about.
    pub container: Option<String>,
    /// A sentence.
    pub message: String,
    /// The run of the container that ended badly, where one did: it has left lines behind.
    pub crash: Option<Crash>,
}

/// A run of a container that ended badly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crash {
    /// Whether it was the run before the present one.
    pub previous: bool,
    /// What it ended with.
    pub exit_code: i32,
    /// How often the container was started again.
    pub restarts: u32,
}

impl Watched for Pod {
    type Object = objects::Pod;
    const PATH: &'static str = "/api/v1/pods";
    const NOUN: &'static str = "Pods";

    fn meta(object: &Self::Object) -> &Meta {
        &object.metadata
    }

    fn keep(mut object: Self::Object) -> Option<Self> {
        let set = owner(&object.metadata, "ReplicaSet");
        let controller = object.metadata.owner_references.first();
        let controller = controller.map(|owner| format!("{} {}", owner.kind, owner.name));
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
            hash: hash(&mut object.metadata).into(),
            replica_set: set.map(|set| set.name).unwrap_or_default().into(),
            controller: controller.unwrap_or_default().into(),
            mirror: object.metadata.annotations.contains_key(MIRROR),
            scratch: object
                .spec
                .volumes
                .iter()
                .any(|volume| volume.empty_dir.is_some()),
            uid: object.metadata.uid.as_str().into(),
            ready: holds("Ready"),
            leaving: object.metadata.deletion_timestamp.is_some(),
            restarts: all.map(|container| container.restart_count).sum(),
            started_at: status.start_time.or(object.metadata.creation_timestamp),
            trouble: trouble(status).map(Box::new),
            digests: containers.iter().filter_map(digest).collect(),
            requests: requests(&object.spec),
            node: object.spec.node_name.into(),
            phase: object.status.phase.into(),
        })
    }
}

/// What a pod asks of a node, as the scheduler counts it: its containers and those that run beside them from the start (restartable init containers) together,
/// or one of the init containers before them where that is more, and what the pod itself costs. What is asked for the pod as a whole takes the place of the sum.
fn requests(spec: &objects::PodSpec) -> Room {
    let of = |container: &objects::PodContainer| container.resources.requests.room();
    let mut running: Room = spec.containers.iter().map(of).sum();
    let (mut beside, mut starting) = (Room::default(), Room::default());
    for container in &spec.init_containers {
        if container.restart_policy == "Always" {
            beside += of(container);
        } else {
            starting = starting.max(beside + of(container));
        }
    }
    running += beside;
    let mut all = running.max(starting);
    let whole = &spec.resources.requests;
    if !whole.cpu.is_empty() {
        all.cpu_milli = whole.room().cpu_milli;
    }
    if !whole.memory.is_empty() {
        all.memory_bytes = whole.room().memory_bytes;
    }
    all += spec.overhead.room();
    Room { pods: 1, ..all }
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
                crash: crash(container),
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
            crash: None,
        });
    }
    // `Evicted`, `NodeLost`: said of the pod as a whole.
    (!status.reason.is_empty()).then(|| Trouble {
        reason: status.reason.clone(),
        container: None,
        message: shorten(&status.message),
        crash: None,
    })
}

/// The run that ended badly. In a back-off it is the one before: the present one has not begun. A container that was never started has written nothing.
fn crash(container: &ContainerStatus) -> Option<Crash> {
    let now = container.state.terminated.as_ref();
    let before = container.last_state.terminated.as_ref();
    let waiting = container.state.waiting.as_ref();
    let backs_off = waiting.map(|waiting| waiting.reason == "CrashLoopBackOff");
    let ended = now.or(before).filter(|_| backs_off != Some(false))?;
    // One that ends well and is started again for ever is a crash too.
    if ended.exit_code == 0 && backs_off.is_none() {
        return None;
    }
    Some(Crash {
        previous: now.is_none(),
        exit_code: ended.exit_code,
        restarts: container.restart_count,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(spec: &serde_json::Value) -> Room {
        requests(&serde_json::from_value(spec.clone()).unwrap())
    }

    #[test]
    fn a_pod_asks_for_what_the_scheduler_counts() {
        let container = |cpu: &str, memory: &str| serde_json::json!({"resources": {"requests": {"cpu": cpu, "memory": memory}}});
        let mut spec = serde_json::json!({"containers": [container("250m", "1Gi"), container("1", "500M"), {}]});
        let gib = 1 << 30;
        let room = |cpu_milli, memory_bytes| Room {
            cpu_milli,
            memory_bytes,
            pods: 1,
        };
        assert_eq!(asked(&spec), room(1_250, gib + 500_000_000));
        // One that prepares the others counts alone, with what runs beside it from the start.
        let mut sidecar = container("0.1", "0");
        sidecar["restartPolicy"] = "Always".into();
        spec["initContainers"] = serde_json::json!([sidecar, container("2", "1Mi")]);
        assert_eq!(asked(&spec), room(2_100, gib + 500_000_000));
        spec["overhead"] = serde_json::json!({"cpu": "50m", "memory": null});
        assert_eq!(asked(&spec), room(2_150, gib + 500_000_000));
        spec["resources"] = serde_json::json!({"requests": {"memory": "4Gi"}});
        assert_eq!(asked(&spec), room(2_150, 4 * gib));
        let strange = serde_json::json!({"containers": [container("much", "-1Gi"), {"resources": {"requests": null}}]});
        assert_eq!(asked(&strange), room(0, 0));
        assert_eq!(asked(&serde_json::json!({})), room(0, 0));
    }
}
