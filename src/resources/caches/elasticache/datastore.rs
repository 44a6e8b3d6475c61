//! Global Datastores as one region sees them. Owns that there is exactly one primary; no call.

use serde::{Deserialize, Serialize};

use crate::resources::{Judgement, Severity, rules::Words};

/// A member of a Global Datastore.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatastoreMember {
    /// Replication group id.
    pub group: String,
    /// AWS Region.
    pub region: String,
    /// `primary` or `secondary`, in lower case.
    pub role: String,
    /// `associated`, `available` …
    pub status: Option<String>,
}

/// A Global Datastore, as seen from the region that was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Datastore {
    /// Global replication group id.
    pub id: String,
    /// `available`, `modifying`, `primary-only` …; `None` when only the group's own entry could be read.
    pub status: Option<String>,
    /// Members.
    pub members: Vec<DatastoreMember>,
}

/// Status words of Global Datastores and of their members.
pub const GLOBAL_STATUS: Words = Words {
    fine: &["associated", "available"],
    passing: &[
        "associating",
        "creating",
        "deleting",
        "disassociating",
        "modifying",
    ],
    broken: &["create-failed", "deleted", "disassociated", "failed"],
};

impl Datastore {
    /// Judges what concerns all its members: one primary, and somewhere to fail over to.
    pub fn judge(&self) -> Judgement {
        let id = &self.id;
        let status = match self.status.as_deref() {
            None => {
                return Judgement::new(
                    Severity::Unknown,
                    format!("the other members of datastore {id} are not known"),
                );
            }
            Some("primary-only") => Judgement::new(
                Severity::Warn,
                format!("datastore {id} is primary-only: there is nothing to fail over to"),
            ),
            Some(status) => GLOBAL_STATUS.judge(&format!("datastore {id}"), status),
        };
        let primaries: Vec<&str> = self
            .members
            .iter()
            .filter(|member| member.role == "primary")
            .map(|member| member.region.as_str())
            .collect();
        let primary = match primaries.as_slice() {
            [_] => Judgement::ok(),
            [] => Judgement::new(Severity::Bad, format!("datastore {id} has no primary")),
            many => Judgement::new(
                Severity::Bad,
                format!(
                    "datastore {id} has {} primaries: {}",
                    many.len(),
                    many.join(", ")
                ),
            ),
        };
        primary.worse(status)
    }
}
