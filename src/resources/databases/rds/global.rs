//! Aurora global clusters as one region sees them. Owns that there is exactly one writer (domain 0.3); no call.

use serde::{Deserialize, Serialize};

use crate::resources::{Judgement, Severity, rules::Words};

/// A member of a global cluster, as `DescribeGlobalClusters` gives it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GlobalMember {
    /// ARN of the DB cluster.
    pub arn: String,
    /// Whether it takes writes.
    pub writer: bool,
    /// `connected`, `pending-resync`, where given.
    pub synchronization: Option<String>,
}

/// A global failover or switchover under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailoverState {
    /// `pending`, `failing-over`, `switching-over`, `cancelling`, or a value not known yet.
    pub status: String,
    /// ARN that loses the writer.
    pub from: Option<String>,
    /// ARN that gets it.
    pub to: Option<String>,
    /// Whether loss of data was accepted.
    pub data_loss_allowed: Option<bool>,
}

/// A global cluster, as seen from the region that was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GlobalCluster {
    /// Identifier.
    pub id: String,
    /// `available` …
    pub status: Option<String>,
    /// Version of the engine of its writer, as the global cluster tells it: also while the region of the writer is silent.
    #[serde(default)]
    pub engine_version: Option<String>,
    /// The global writer endpoint.
    pub endpoint: Option<String>,
    /// Members in all regions; none when the cluster names its global cluster but that could not be read.
    pub members: Vec<GlobalMember>,
    /// A failover under way.
    pub failover: Option<FailoverState>,
}

/// Status words of global clusters.
const GLOBAL_STATUS: Words = Words {
    fine: &["available"],
    passing: &[
        "creating",
        "deleting",
        "failing-over",
        "modifying",
        "promoting",
        "switching-over",
        "upgrading",
    ],
    broken: &["failed"],
};

/// Whether a status of a global cluster says that somebody is at work on it.
pub fn is_passing(status: &str) -> bool {
    GLOBAL_STATUS.is_passing(status)
}

/// The identifier at the end of an ARN, for a reason that fits on a line; with the Region in front, because members often share an identifier.
pub fn short(arn: &str) -> String {
    let mut parts = arn.split(':');
    match (parts.nth(3), parts.next_back()) {
        (Some(region), Some(id)) => format!("{region}/{id}"),
        (Some(_) | None, _) => arn.to_owned(),
    }
}

impl GlobalCluster {
    /// Judges what concerns all its members: one writer, a failover under way, its status.
    pub fn judge(&self) -> Judgement {
        let id = &self.id;
        if self.members.is_empty() {
            return Judgement::new(
                Severity::Unknown,
                format!(
                    "the members of global cluster {id} are not known, so neither is its writer"
                ),
            );
        }
        let writers: Vec<String> = self
            .members
            .iter()
            .filter(|member| member.writer)
            .map(|member| short(&member.arn))
            .collect();
        let status = self.status.as_deref().map_or_else(Judgement::ok, |status| {
            GLOBAL_STATUS.judge(&format!("global cluster {id}"), status)
        });
        let writer = match (writers.len(), &self.failover) {
            (1, _) => Judgement::ok(),
            (0, Some(_)) => Judgement::new(
                Severity::Warn,
                format!("global cluster {id} has no writer while it fails over"),
            ),
            (0, None) => {
                Judgement::new(Severity::Bad, format!("global cluster {id} has no writer"))
            }
            (_, _) => Judgement::new(
                Severity::Bad,
                format!(
                    "split brain: {} members of global cluster {id} claim the writer: {}",
                    writers.len(),
                    writers.join(", ")
                ),
            ),
        };
        let failover = self
            .failover
            .as_ref()
            .map_or_else(Judgement::ok, FailoverState::judge);
        writer.worse(failover).worse(status)
    }
}

impl FailoverState {
    fn judge(&self) -> Judgement {
        let end = |arn: &Option<String>| arn.as_deref().map_or_else(|| "?".to_owned(), short);
        let loss = match self.data_loss_allowed {
            Some(true) => ", loss of data accepted",
            Some(false) | None => "",
        };
        Judgement::new(
            Severity::Warn,
            format!(
                "{}: {} → {}{loss}",
                self.status,
                end(&self.from),
                end(&self.to)
            ),
        )
    }
}

impl GlobalMember {
    /// Judges how it follows its writer; `what` names it.
    pub fn judge(&self, what: &str) -> Judgement {
        match self.synchronization.as_deref() {
            None | Some("connected") => Judgement::ok(),
            Some("pending-resync") => Judgement::new(
                Severity::Bad,
                format!(
                    "{what} is pending-resync: it serves no reads and cannot take over until it is rebuilt"
                ),
            ),
            Some(other) => Judgement::new(
                Severity::Bad,
                format!("{what} is not connected to its writer: `{other}`"),
            ),
        }
    }
}
