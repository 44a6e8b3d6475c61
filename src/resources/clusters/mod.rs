//! Kubernetes clusters: what EKS says about them, and whether their API server answers. Owns the model; no call.

mod api_servers;
pub mod live;
pub mod sim;
mod view;

use std::time::Duration;

use serde::{Deserialize, Serialize};

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
    /// What the API server itself says.
    ApiServer(ApiServerState),
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
            Self::ApiServer(state) => format!("api-server/{}", state.name),
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
