//! Caches: ElastiCache replication groups with Global Datastores, MemoryDB clusters with multi-Region clusters. Owns the row that unites them; each service owns its model and judgement; no call.

pub mod change;
mod elasticache;
pub mod live;
mod memorydb;
pub mod sim;
mod view;

use serde::{Deserialize, Serialize};

use super::{
    Fleet, Judgement, Place, Resource, Severity,
    metrics::{Reading, SeriesSpec},
    rules::Words,
};

pub use change::Change;
pub use elasticache::{Datastore, DatastoreMember, ReplicationGroup};
pub use memorydb::{Failover, MemoryDbCluster, MultiRegionCluster, RegionalCluster};

/// A cache of either service, as seen from one region.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "store", rename_all = "snake_case")]
pub enum Cache {
    /// An ElastiCache replication group.
    Group(ReplicationGroup),
    /// A MemoryDB cluster.
    MemoryDb(MemoryDbCluster),
}

/// A node of a shard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Cache cluster id, or node name.
    pub id: String,
    /// `primary` or `replica`, in lower case; `None` where the service does not say.
    pub role: Option<String>,
    /// `available` …
    pub status: Option<String>,
    /// Availability Zone.
    pub zone: Option<String>,
}

/// A shard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// Id or name.
    pub id: String,
    /// `available` …
    pub status: Option<String>,
    /// Its nodes.
    pub nodes: Vec<Node>,
}

/// Status words of groups, clusters, shards and nodes of both services.
const STATUS: Words = Words {
    fine: &["available", "snapshotting"],
    passing: &[
        "creating",
        "deleting",
        "modifying",
        "rebooting",
        "rebooting cluster nodes",
        "updating",
    ],
    broken: &[
        "create-failed",
        "deleted",
        "incompatible-network",
        "restore-failed",
    ],
};

/// Key of a series of a cache; `what` is `global-lag`, `memory`, `hit-rate` or `engine-cpu`, for ElastiCache followed by `/NODE` (see `node_series_key`).
pub fn series_key(id: &str, what: &str) -> String {
    format!("cache/{id}/{what}")
}

/// Key of a series of one node: ElastiCache publishes by node, never by group.
pub fn node_series_key(id: &str, what: &str, node: &str) -> String {
    format!("cache/{id}/{what}/{node}")
}

impl Shard {
    /// Judges its status, its nodes and, where the service tells roles, that exactly one of them is the primary.
    fn judge(&self, owner: &str) -> Judgement {
        let what = format!("shard {} of {owner}", self.id);
        let word = |what: &str, status: &Option<String>| {
            status
                .as_deref()
                .map_or_else(Judgement::ok, |status| STATUS.judge(what, status))
        };
        // With cluster mode on, ElastiCache tells no roles; MemoryDB never does.
        let roles: Vec<&str> = self
            .nodes
            .iter()
            .filter_map(|node| node.role.as_deref())
            .collect();
        let primaries = roles.iter().filter(|role| **role == "primary").count();
        let primary = match (roles.len(), primaries) {
            (0, _) | (_, 1) => Judgement::ok(),
            (_, 0) => Judgement::new(Severity::Bad, format!("{what} has no primary")),
            (_, many) => Judgement::new(Severity::Bad, format!("{what} has {many} primaries")),
        };
        let nodes = self.nodes.iter().map(|node| {
            let judgement = word(&format!("node {} of {owner}", node.id), &node.status);
            Judgement {
                severity: judgement.severity.min(Severity::Warn),
                ..judgement
            }
        });
        nodes.fold(primary.worse(word(&what, &self.status)), Judgement::worse)
    }
}

/// The most pressing of several readings of one value: the greatest by default, the least where little is bad; the known ones count.
fn aggregate(readings: impl Iterator<Item = Reading>, least: bool) -> Reading {
    readings
        .reduce(|a, b| match (a.usable(), b.usable()) {
            (Some(x), Some(y)) if (y > x) != least => b,
            (None, Some(_)) => b,
            // Any answer tells more than none.
            (None, None) if matches!(a, Reading::NeverRead) => b,
            (Some(_) | None, Some(_) | None) => a,
        })
        .unwrap_or(Reading::NeverRead)
}

impl Cache {
    /// Its identifier.
    pub fn id(&self) -> &str {
        match self {
            Self::Group(group) => &group.id,
            Self::MemoryDb(cluster) => &cluster.name,
        }
    }

    /// `primary` or `secondary` in its Global Datastore, `active` in a multi-Region cluster, `single` outside both, `unknown` where that could not be read.
    pub fn role(&self) -> &str {
        match self {
            Self::Group(group) => group.role(),
            Self::MemoryDb(cluster) if cluster.multi_region.is_some() => "active",
            Self::MemoryDb(_) => "single",
        }
    }

    /// Its shards.
    pub fn shards(&self) -> &[Shard] {
        match self {
            Self::Group(group) => &group.shards,
            Self::MemoryDb(cluster) => &cluster.shards,
        }
    }

    /// Replication lag into it in milliseconds, the worst of its shards.
    pub fn lag_ms(&self, fleet: &Fleet, place: &Place) -> Reading {
        match self {
            // ElastiCache measures it in seconds, MemoryDB in milliseconds.
            Self::Group(group) => group
                .worst(fleet, place, "global-lag")
                .map(|seconds| seconds * 1_000.0),
            Self::MemoryDb(cluster) => {
                fleet.reading(place, &series_key(&cluster.name, "global-lag"))
            }
        }
    }

    /// Memory in use in percent, of the fullest node that is measured.
    pub fn memory_percent(&self, fleet: &Fleet, place: &Place) -> Reading {
        match self {
            Self::Group(group) => group.worst(fleet, place, "memory"),
            Self::MemoryDb(cluster) => fleet.reading(place, &series_key(&cluster.name, "memory")),
        }
    }

    /// Hit rate in percent, of the worst node that is measured; MemoryDB has none, it is the database itself.
    pub fn hit_rate_percent(&self, fleet: &Fleet, place: &Place) -> Reading {
        match self {
            Self::Group(group) => group.least(fleet, place, "hit-rate"),
            Self::MemoryDb(_) => Reading::NoData,
        }
    }

    /// The keys of the series behind a value (`global-lag`, `memory`, `hit-rate`), for its history; for ElastiCache one per measured node.
    pub fn series_keys(&self, what: &str) -> Vec<String> {
        match self {
            Self::Group(group) => group.node_keys(what),
            Self::MemoryDb(cluster) => vec![series_key(&cluster.name, what)],
        }
    }
}

impl Resource for Cache {
    fn key(&self) -> String {
        match self {
            Self::Group(group) => format!("group/{}", group.id),
            Self::MemoryDb(cluster) => format!("memorydb/{}", cluster.name),
        }
    }

    fn judge(&self, fleet: &Fleet, place: &Place) -> Judgement {
        match self {
            Self::Group(group) => group.judge(fleet, place),
            Self::MemoryDb(cluster) => cluster.judge(fleet, place),
        }
    }

    fn series(&self, _place: &Place) -> Vec<SeriesSpec> {
        match self {
            Self::Group(group) => group.series(),
            Self::MemoryDb(cluster) => cluster.series(),
        }
    }
}

#[cfg(test)]
mod tests;
