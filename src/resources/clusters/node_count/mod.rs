//! The nodes of a cluster as its API server tells them, counted. Owns the model and its judgement; no call.

pub mod live;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::node::Node;
use crate::resources::{Fleet, Freshness, Judgement, Limits, Severity, Source};

/// The nodes of one cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeCount {
    /// Name of the cluster, or of its kubeconfig context.
    pub cluster: String,
    /// When its API server last said anything about nodes.
    pub heard_at: Option<Timestamp>,
    /// Each zone, by name; nodes without a zone are in one without a name.
    pub zones: Vec<Zone>,
    /// Ready nodes that take no new pods.
    pub cordoned: u32,
    /// Nodes that are not ready, by name; not all of many.
    pub not_ready: Vec<String>,
    /// Nodes under pressure, each with its name: `ip-10-0-1-5 MemoryPressure`; not all of many.
    pub pressure: Vec<String>,
    /// Each node, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<Node>,
}

/// The nodes of a zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Zone {
    /// Its name.
    pub name: String,
    /// Nodes that are ready.
    pub ready: u32,
    /// Nodes.
    pub total: u32,
}

impl NodeCount {
    /// Nodes that are ready.
    pub fn ready(&self) -> u32 {
        self.zones.iter().map(|zone| zone.ready).sum()
    }

    /// All nodes.
    pub fn total(&self) -> u32 {
        self.zones.iter().map(|zone| zone.total).sum()
    }

    /// How much it can be trusted, by when its API server was last heard.
    pub fn heard(&self, fleet: &Fleet) -> Freshness {
        Limits::for_watch(fleet.interval(Source::Nodes)).judge(self.heard_at, fleet.now)
    }

    /// How bad it is and why.
    pub fn judge(&self) -> Judgement {
        let (ready, total, cluster) = (self.ready(), self.total(), &self.cluster);
        let dark = |zone: &&Zone| zone.ready == 0 && self.zones.len() > 1;
        if let Some(zone) = self.zones.iter().find(dark) {
            let text = format!("no node of {cluster} is ready in {}", zone.name);
            return Judgement::new(Severity::Bad, text);
        }
        if ready < total {
            let names = self.not_ready.join(", ");
            let text = format!("{ready} of {total} nodes of {cluster} are ready, not {names}");
            let severity = if ready * 2 < total {
                Severity::Bad
            } else {
                Severity::Warn
            };
            return Judgement::new(severity, text);
        }
        match self.pressure.first() {
            Some(first) => Judgement::new(Severity::Warn, format!("{cluster}: {first}")),
            None => Judgement::ok(),
        }
    }
}
