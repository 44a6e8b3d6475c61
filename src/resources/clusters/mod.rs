//! Kubernetes clusters: what EKS says about them, and whether their API server answers. Owns the model; no call.

mod api_servers;
pub mod change;
pub mod live;
pub mod node;
pub mod node_count;
mod node_groups;
pub mod nodes;
pub mod sim;
pub(in crate::resources) mod view;

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

pub use self::{
    change::{Bounds, Change},
    node_count::NodeCount,
};

use super::{Fleet, Judgement, Place, Resource, Severity};

/// How to reach an API server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiServer {
    /// Name of the cluster, or of the kubeconfig context.
    pub name: String,
    /// URL of the API server; `None` means that the name is a kubeconfig context.
    pub endpoint: Option<String>,
    /// Certificate authority, base64 of PEM, as EKS gives it.
    pub certificate_authority: Option<String>,
}

/// What is known of a cluster, by who said it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cluster {
    /// What EKS says.
    Eks(EksCluster),
    /// A node group, as EKS describes it.
    NodeGroup(NodeGroup),
    /// What the API server itself says.
    ApiServer(ApiServerState),
    /// Its nodes, as the API server tells them.
    Nodes(NodeCount),
}

/// A cluster as EKS describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EksCluster {
    /// Name.
    pub name: String,
    /// ARN.
    pub arn: Option<String>,
    /// `ACTIVE`, `UPDATING` … as EKS writes it.
    pub status: String,
    /// Kubernetes version, `1.33`.
    pub version: Option<String>,
    /// Platform version, `eks.9`.
    pub platform_version: Option<String>,
    /// `STANDARD` or `EXTENDED`.
    pub support: Option<String>,
    /// Codes of the open health issues.
    pub health_issues: Vec<String>,
    /// How to reach it.
    pub api_server: ApiServer,
}

/// An EKS managed node group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeGroup {
    /// Name.
    pub name: String,
    /// Its cluster.
    pub cluster: String,
    /// `ACTIVE`, `UPDATING` …
    pub status: Option<String>,
    /// Bounds of its size; `None` where EKS does not tell.
    pub bounds: Option<Bounds>,
    /// How many nodes it wants now.
    pub desired: Option<i32>,
    /// Codes of the open health issues.
    pub health_issues: Vec<String>,
}

impl NodeGroup {
    /// Its size in words: `3 of 2 to 6 nodes`.
    pub fn size(&self) -> Option<String> {
        let bounds = self.bounds?;
        Some(match self.desired {
            Some(desired) => format!("{desired} of {bounds}"),
            None => bounds.to_string(),
        })
    }

    fn judge(&self) -> Judgement {
        let name = &self.name;
        match self.status.as_deref() {
            Some("ACTIVE") if self.health_issues.is_empty() => Judgement::ok(),
            Some("ACTIVE") => Judgement::new(
                Severity::Warn,
                format!("{name}: {}", self.health_issues.join(", ")),
            ),
            Some(status @ ("UPDATING" | "CREATING" | "DELETING")) => {
                Judgement::new(Severity::Warn, format!("{name} is {status}"))
            }
            Some(status @ ("DEGRADED" | "CREATE_FAILED" | "DELETE_FAILED")) => {
                Judgement::new(Severity::Bad, format!("{name} is {status}"))
            }
            Some(status) => {
                Judgement::new(Severity::Unknown, format!("{name} has status {status}"))
            }
            None => Judgement::new(
                Severity::Unknown,
                format!("the status of {name} is not known"),
            ),
        }
    }
}

/// Whether an API server answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiServerState {
    /// Name of the cluster or context.
    pub name: String,
    /// `v1.33.2` where it answered.
    pub version: Option<String>,
    /// Time to the answer.
    pub latency: Option<Duration>,
    /// Why it did not answer.
    pub error: Option<String>,
    /// Whether it has ever answered this console. One that never has may be private: reachable for its users, not from here.
    #[serde(default)]
    pub answered_before: bool,
    /// Ready nodes by node group (`eks.amazonaws.com/nodegroup`; those of none under an empty name); `None` where nobody counts them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready_nodes: Option<BTreeMap<String, i32>>,
}

impl Resource for Cluster {
    const REMEMBERS: bool = true;

    fn remember(&mut self, before: &Self) {
        if let (Self::ApiServer(state), Self::ApiServer(before)) = (self, before) {
            state.answered_before |= before.answered_before || before.error.is_none();
        }
    }

    fn key(&self) -> String {
        match self {
            Self::Eks(cluster) => format!("eks/{}", cluster.name),
            Self::NodeGroup(group) => format!("node-group/{}/{}", group.cluster, group.name),
            Self::ApiServer(state) => format!("api-server/{}", state.name),
            Self::Nodes(nodes) => format!("nodes/{}", nodes.cluster),
        }
    }

    fn judge(&self, _fleet: &Fleet, _place: &Place) -> Judgement {
        match self {
            Self::Eks(cluster) => match cluster.status.as_str() {
                "ACTIVE" if cluster.health_issues.is_empty() => Judgement::ok(),
                "ACTIVE" => Judgement::new(
                    Severity::Warn,
                    format!("{}: {}", cluster.name, cluster.health_issues.join(", ")),
                ),
                "UPDATING" | "CREATING" | "PENDING" | "DELETING" => Judgement::new(
                    Severity::Warn,
                    format!("{} is {}", cluster.name, cluster.status),
                ),
                "FAILED" => Judgement::new(Severity::Bad, format!("{} is FAILED", cluster.name)),
                other => Judgement::new(
                    Severity::Unknown,
                    format!("{} has status {other}", cluster.name),
                ),
            },
            Self::NodeGroup(group) => group.judge(),
            Self::Nodes(nodes) => nodes.judge(),
            Self::ApiServer(state) => match &state.error {
                None => Judgement::ok(),
                Some(error) if state.answered_before => Judgement::new(
                    Severity::Bad,
                    format!("API server of {}: {error}", state.name),
                ),
                Some(error) => Judgement::new(
                    Severity::Unknown,
                    format!(
                        "API server of {} was never reached from here: {error}",
                        state.name
                    ),
                ),
            },
        }
    }
}
