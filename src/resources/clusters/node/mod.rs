//! One node of a cluster, and while it is cordoned the pods on it. Owns the model and which pods a drain has to move; no call.

pub mod change;
pub mod room;
pub mod write;

use serde::{Deserialize, Serialize};

pub use self::{
    change::{At, Change},
    room::Room,
};

/// A node as its API server tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Name.
    pub name: String,
    /// Its zone; `None` where no label tells.
    pub zone: Option<String>,
    /// Its node group or pool; `None` where no label tells.
    pub group: Option<String>,
    /// Whether it is ready; `None` where its kubelet is not heard.
    pub ready: Option<bool>,
    /// Whether it takes no new pods.
    pub cordoned: bool,
    /// What it gives to pods; `None` where it does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allocatable: Option<Room>,
    /// What its pods ask for, only while a node of its cluster is cordoned; `None` before they were listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested: Option<Room>,
    /// The pods on it, only while it is cordoned; `None` before they were listed.
    pub pods: Option<Vec<Occupant>>,
}

/// A pod on a cordoned node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Occupant {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Which pod of that name.
    pub uid: String,
    /// Kind and name of what would make another one: `ReplicaSet api-5d4`; `None` where nothing would.
    pub controller: Option<String>,
    /// Whether it stays: of a DaemonSet, of the node itself (a mirror pod), or completed.
    pub stays: bool,
    /// Whether it is being deleted.
    pub leaving: bool,
    /// Whether it has an `emptyDir`, which is lost with it.
    pub scratch: bool,
    /// What it asks of a node.
    #[serde(default)]
    pub requests: Room,
}

impl Node {
    /// Whether pods can be put on it.
    pub fn serves(&self) -> bool {
        self.ready == Some(true) && !self.cordoned
    }

    /// The pods that a drain has to move; `None` where they are not listed.
    pub fn movable(&self) -> Option<Vec<&Occupant>> {
        let pods = self.pods.as_ref()?;
        Some(pods.iter().filter(|pod| !pod.stays).collect())
    }
}

impl Occupant {
    /// What is lost with it, in words; `None` where nothing is.
    pub fn loss(&self) -> Option<String> {
        let full = format!("{}/{}", self.namespace, self.name);
        match (&self.controller, self.scratch) {
            (None, _) => Some(format!(
                "{full} has no controller: nothing makes another one"
            )),
            (Some(_), true) => Some(format!("{full} has an emptyDir: what is in it is lost")),
            (Some(_), false) => None,
        }
    }
}
