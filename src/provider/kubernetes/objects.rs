//! The parts of Kubernetes objects that are read. Everything else in an answer is skipped while it is parsed, so that thousands of pods stay cheap.
//!
//! Owns the field names of the API; every field may be missing or `null`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use kube_quantity::ParsedQuantity;
use serde::{Deserialize, Deserializer};

use crate::resources::clusters::node::Room;

/// Anything, or its default where the API says `null`.
pub(super) fn lenient<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// A time, or none where it cannot be read: a strange time is no reason to lose the object.
pub(super) fn time<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Timestamp>, D::Error> {
    let text: Option<String> = Option::deserialize(deserializer)?;
    Ok(text.and_then(|text| text.parse().ok()))
}

/// Structs of which every field may be missing.
macro_rules! objects {
    ($($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $field:ident: $type:ty),* $(,)? })*) => {
        $($(#[$doc])*
        #[derive(Debug, Clone, Default, PartialEq, Deserialize)]
        #[serde(rename_all = "camelCase", default)]
        #[allow(missing_docs)] // the API's own names
        pub struct $name { $($(#[$of])* pub $field: $type,)* })*
    };
}

pub(super) use objects;

/// A page of a list.
#[derive(Debug, Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de>"))]
pub struct List<T> {
    /// Version and continuation.
    #[serde(default, deserialize_with = "lenient")]
    pub metadata: ListMeta,
    /// The objects.
    #[serde(default, deserialize_with = "lenient")]
    pub items: Vec<T>,
}

/// What every object has, and of its own only what is asked for.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(
    default,
    bound(deserialize = "S: Default + Deserialize<'de>, T: Default + Deserialize<'de>")
)]
pub struct Object<S, T> {
    /// Name, labels, owners.
    #[serde(deserialize_with = "lenient")]
    pub metadata: Meta,
    /// What is wanted.
    #[serde(deserialize_with = "lenient")]
    pub spec: S,
    /// What is.
    #[serde(deserialize_with = "lenient")]
    pub status: T,
}

objects! {
    /// An API group, as discovery tells it.
    ApiGroup {
        #[serde(deserialize_with = "lenient")]
        versions: Vec<GroupVersion>,
    }
    /// A version that is served.
    GroupVersion {
        #[serde(deserialize_with = "lenient")]
        group_version: String,
    }
    /// Of a page.
    ListMeta {
        #[serde(deserialize_with = "lenient")]
        resource_version: String,
        #[serde(rename = "continue", deserialize_with = "lenient")]
        continue_token: String,
    }
    /// Of an object.
    Meta {
        name: String,
        #[serde(deserialize_with = "lenient")]
        namespace: String,
        uid: String,
        resource_version: String,
        generation: i64,
        #[serde(deserialize_with = "time")]
        creation_timestamp: Option<Timestamp>,
        #[serde(deserialize_with = "time")]
        deletion_timestamp: Option<Timestamp>,
        #[serde(deserialize_with = "lenient")]
        labels: BTreeMap<String, String>,
        #[serde(deserialize_with = "lenient")]
        annotations: BTreeMap<String, String>,
        #[serde(deserialize_with = "lenient")]
        owner_references: Vec<OwnerReference>,
        #[serde(deserialize_with = "lenient")]
        managed_fields: Vec<ManagedFields>,
    }
    /// Who made it.
    OwnerReference { kind: String, name: String, uid: String }
    /// Who set which fields; which ones is not read.
    ManagedFields {
        #[serde(deserialize_with = "lenient")]
        manager: String,
        #[serde(deserialize_with = "lenient")]
        operation: String,
        #[serde(deserialize_with = "lenient")]
        subresource: String,
    }
    /// What is wanted of a deployment or replica set.
    WorkloadSpec {
        replicas: Option<i32>,
        #[serde(deserialize_with = "lenient")]
        paused: bool,
        #[serde(deserialize_with = "lenient")]
        selector: Selector,
        #[serde(deserialize_with = "lenient")]
        template: Template,
    }
    /// Which pods are meant.
    Selector {
        #[serde(deserialize_with = "lenient")]
        match_labels: BTreeMap<String, String>,
        #[serde(deserialize_with = "lenient")]
        match_expressions: Vec<Expression>,
    }
    /// A further condition on labels.
    Expression {
        key: String,
        operator: String,
        #[serde(deserialize_with = "lenient")]
        values: Vec<String>,
    }
    /// The pods of a workload.
    Template {
        #[serde(deserialize_with = "lenient")]
        metadata: TemplateMeta,
        #[serde(deserialize_with = "lenient")]
        spec: TemplateSpec,
    }
    /// Labels and annotations of these pods.
    TemplateMeta {
        #[serde(deserialize_with = "lenient")]
        annotations: BTreeMap<String, String>,
        #[serde(deserialize_with = "lenient")]
        labels: BTreeMap<String, String>,
    }
    /// Their containers.
    TemplateSpec {
        #[serde(deserialize_with = "lenient")]
        containers: Vec<Container>,
    }
    /// A container and its image.
    Container {
        name: String,
        #[serde(deserialize_with = "lenient")]
        image: String,
    }
    /// What is there of a deployment or replica set.
    WorkloadStatus {
        observed_generation: i64,
        replicas: i32,
        updated_replicas: i32,
        ready_replicas: i32,
        available_replicas: i32,
        #[serde(deserialize_with = "lenient")]
        conditions: Vec<Condition>,
    }
    /// A condition of anything.
    Condition {
        #[serde(rename = "type")]
        name: String,
        status: String,
        #[serde(deserialize_with = "lenient")]
        reason: String,
        #[serde(deserialize_with = "lenient")]
        message: String,
        #[serde(deserialize_with = "time")]
        last_transition_time: Option<Timestamp>,
        #[serde(deserialize_with = "time")]
        last_update_time: Option<Timestamp>,
        #[serde(deserialize_with = "lenient")]
        observed_generation: i64,
    }
    /// What is wanted of a pod.
    PodSpec {
        #[serde(deserialize_with = "lenient")]
        node_name: String,
        #[serde(deserialize_with = "lenient")]
        volumes: Vec<Volume>,
        #[serde(deserialize_with = "lenient")]
        containers: Vec<PodContainer>,
        #[serde(deserialize_with = "lenient")]
        init_containers: Vec<PodContainer>,
        #[serde(deserialize_with = "lenient")]
        resources: Resources,
        #[serde(deserialize_with = "lenient")]
        overhead: Quantities,
    }
    /// What is read of a container of a pod.
    PodContainer {
        #[serde(deserialize_with = "lenient")]
        restart_policy: String,
        #[serde(deserialize_with = "lenient")]
        resources: Resources,
    }
    /// What a container, or a pod as a whole, asks for.
    Resources {
        #[serde(deserialize_with = "lenient")]
        requests: Quantities,
    }
    /// Amounts as the API writes them: `250m`, `1Gi`, `110`. Of any other resource nothing is read.
    Quantities {
        #[serde(deserialize_with = "lenient")]
        cpu: String,
        #[serde(deserialize_with = "lenient")]
        memory: String,
        #[serde(deserialize_with = "lenient")]
        pods: String,
    }
    /// A volume of a pod; of most kinds nothing is read.
    Volume { empty_dir: Option<EmptyDir> }
    /// A folder that is lost with its pod.
    EmptyDir {}
    /// What is there of a pod.
    PodStatus {
        #[serde(deserialize_with = "lenient")]
        phase: String,
        #[serde(deserialize_with = "lenient")]
        reason: String,
        #[serde(deserialize_with = "lenient")]
        message: String,
        #[serde(deserialize_with = "time")]
        start_time: Option<Timestamp>,
        #[serde(deserialize_with = "lenient")]
        conditions: Vec<Condition>,
        #[serde(deserialize_with = "lenient")]
        init_container_statuses: Vec<ContainerStatus>,
        #[serde(deserialize_with = "lenient")]
        container_statuses: Vec<ContainerStatus>,
    }
    /// A container of a pod.
    ContainerStatus {
        name: String,
        ready: bool,
        restart_count: u32,
        #[serde(rename = "imageID", deserialize_with = "lenient")]
        image_id: String,
        #[serde(deserialize_with = "lenient")]
        state: ContainerState,
        #[serde(deserialize_with = "lenient")]
        last_state: ContainerState,
    }
    /// What a container does.
    ContainerState { waiting: Option<Stopped>, terminated: Option<Stopped> }
    /// Why it does not run.
    Stopped {
        #[serde(deserialize_with = "lenient")]
        reason: String,
        #[serde(deserialize_with = "lenient")]
        message: String,
        exit_code: i32,
        #[serde(deserialize_with = "time")]
        finished_at: Option<Timestamp>,
    }
    /// What an autoscaler scales, and how far.
    ScalerSpec {
        #[serde(deserialize_with = "lenient")]
        scale_target_ref: ScaleTarget,
        min_replicas: Option<i32>,
        max_replicas: i32,
    }
    /// The workload that it scales.
    ScaleTarget {
        #[serde(deserialize_with = "lenient")]
        api_version: String,
        kind: String,
        name: String,
    }
    /// What it wants now.
    ScalerStatus {
        #[serde(deserialize_with = "lenient")]
        current_replicas: i32,
        #[serde(deserialize_with = "lenient")]
        desired_replicas: i32,
        #[serde(deserialize_with = "lenient")]
        conditions: Vec<Condition>,
    }
    /// Which pods a budget protects.
    BudgetSpec {
        #[serde(deserialize_with = "lenient")]
        selector: Selector,
    }
    /// What it allows now.
    BudgetStatus { disruptions_allowed: i32, current_healthy: i32, desired_healthy: i32 }
    /// What is wanted of a node.
    NodeSpec {
        #[serde(deserialize_with = "lenient")]
        unschedulable: bool,
    }
    /// What is there of a node.
    NodeStatus {
        #[serde(deserialize_with = "lenient")]
        conditions: Vec<Condition>,
        allocatable: Option<Quantities>,
    }
    /// What an event is about.
    ObjectReference {
        #[serde(deserialize_with = "lenient")]
        kind: String,
        #[serde(deserialize_with = "lenient")]
        namespace: String,
        #[serde(deserialize_with = "lenient")]
        name: String,
    }
    /// An event of the core group, which both event APIs store.
    Event {
        #[serde(deserialize_with = "lenient")]
        metadata: Meta,
        #[serde(deserialize_with = "lenient")]
        involved_object: ObjectReference,
        #[serde(deserialize_with = "lenient")]
        reason: String,
        #[serde(deserialize_with = "lenient")]
        message: String,
        #[serde(deserialize_with = "lenient")]
        count: u32,
        #[serde(deserialize_with = "time")]
        last_timestamp: Option<Timestamp>,
        #[serde(deserialize_with = "time")]
        event_time: Option<Timestamp>,
        series: Option<EventSeries>,
    }
    /// The same event again and again.
    EventSeries {
        #[serde(deserialize_with = "lenient")]
        count: u32,
        #[serde(deserialize_with = "time")]
        last_observed_time: Option<Timestamp>,
    }
}

/// A deployment, or a replica set.
pub type Workload = Object<WorkloadSpec, WorkloadStatus>;
/// A pod.
pub type Pod = Object<PodSpec, PodStatus>;
/// A horizontal pod autoscaler, `autoscaling/v2`.
pub type Scaler = Object<ScalerSpec, ScalerStatus>;
/// A pod disruption budget.
pub type Budget = Object<BudgetSpec, BudgetStatus>;
/// A node.
pub type Node = Object<NodeSpec, NodeStatus>;

impl Quantities {
    /// In numbers; what cannot be read is nothing.
    pub fn room(&self) -> Room {
        let number = |text: &str, unit: f64| {
            let parsed = ParsedQuantity::try_from(text).ok();
            let number = parsed.and_then(|quantity| quantity.to_bytes_f64());
            // Rounded up, as the scheduler does.
            (number.unwrap_or_default() * unit).ceil().max(0.0) as u64
        };
        Room {
            cpu_milli: number(&self.cpu, 1_000.0),
            memory_bytes: number(&self.memory, 1.0),
            pods: number(&self.pods, 1.0),
        }
    }
}

impl Selector {
    /// Whether labels satisfy it. One without conditions selects everything; an operator that is not known selects nothing.
    pub fn selects(&self, labels: &BTreeMap<String, String>) -> bool {
        let equal = |(key, value): (&String, &String)| labels.get(key) == Some(value);
        let holds = |expression: &Expression| {
            let value = labels.get(&expression.key);
            let among = value.is_some_and(|value| expression.values.contains(value));
            match expression.operator.as_str() {
                "In" => among,
                "NotIn" => !among,
                "Exists" => value.is_some(),
                "DoesNotExist" => value.is_none(),
                _ => false,
            }
        };
        self.match_labels.iter().all(equal) && self.match_expressions.iter().all(holds)
    }
}
