//! Caches: ElastiCache replication groups with Global Datastores, MemoryDB clusters with multi-Region clusters. Owns the model and its judgement; no call.

pub mod live;
pub mod sim;
mod view;

use serde::{Deserialize, Serialize};

use super::{
    Fleet, Judgement, Place, Resource, Severity,
    metrics::{Reading, SeriesSpec, Stat},
};

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
    /// `available`, `modifying`, `primary-only` …
    pub status: Option<String>,
    /// Members.
    pub members: Vec<DatastoreMember>,
}

/// An ElastiCache replication group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplicationGroup {
    /// Id.
    pub id: String,
    /// ARN.
    pub arn: Option<String>,
    /// `available`, `modifying` …
    pub status: String,
    /// `redis`, `valkey`.
    pub engine: Option<String>,
    /// Shards (node groups).
    pub shards: Vec<Shard>,
    /// `enabled`, `disabled` …
    pub multi_az: Option<String>,
    /// `enabled`, `disabled` …
    pub automatic_failover: Option<String>,
    /// The Global Datastore that it is a member of.
    pub datastore: Option<Datastore>,
}

/// A member of a multi-Region cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegionalCluster {
    /// Name.
    pub name: String,
    /// AWS Region.
    pub region: Option<String>,
    /// Status.
    pub status: Option<String>,
}

/// A MemoryDB multi-Region cluster: active in every Region, so there is nothing to promote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MultiRegionCluster {
    /// Name.
    pub name: String,
    /// `available` …
    pub status: Option<String>,
    /// Members.
    pub members: Vec<RegionalCluster>,
}

/// A MemoryDB cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryDbCluster {
    /// Name.
    pub name: String,
    /// ARN.
    pub arn: Option<String>,
    /// `available` …
    pub status: String,
    /// `redis`, `valkey`, with version.
    pub engine: Option<String>,
    /// Shards.
    pub shards: Vec<Shard>,
    /// `singleaz`, `multiaz`.
    pub availability_mode: Option<String>,
    /// The multi-Region cluster that it is a member of.
    pub multi_region: Option<MultiRegionCluster>,
}

/// Key of a series of a cache; `what` is `global-lag`, `memory`, `hit-rate` or `engine-cpu`.
pub fn series_key(id: &str, what: &str) -> String {
    format!("cache/{id}/{what}")
}

impl ReplicationGroup {
    /// Its own entry among the members of its Global Datastore.
    pub fn membership(&self) -> Option<&DatastoreMember> {
        // A group id is unique only within its Region; members of one datastore may share it.
        let region = self.arn.as_deref().and_then(|arn| arn.split(':').nth(3));
        let members = &self.datastore.as_ref()?.members;
        members.iter().find(|member| {
            member.group == self.id && region.is_none_or(|region| member.region == region)
        })
    }
}

impl Cache {
    /// Its identifier.
    pub fn id(&self) -> &str {
        match self {
            Self::Group(group) => &group.id,
            Self::MemoryDb(cluster) => &cluster.name,
        }
    }

    /// `primary` or `secondary` in its Global Datastore, `active` in a multi-Region cluster, `single` outside both.
    pub fn role(&self) -> &str {
        match self {
            Self::Group(group) if group.datastore.is_none() => "single",
            Self::Group(group) => group
                .membership()
                .map_or("unknown", |member| member.role.as_str()),
            Self::MemoryDb(cluster) if cluster.multi_region.is_some() => "active",
            Self::MemoryDb(_) => "single",
        }
    }

    /// Replication lag into it in milliseconds.
    pub fn lag_ms(&self, fleet: &Fleet, place: &Place) -> Reading {
        let reading = fleet.reading(place, &series_key(self.id(), "global-lag"));
        match self {
            Self::Group(_) => reading.map(|seconds| seconds * 1_000.0),
            Self::MemoryDb(_) => reading,
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

    fn judge(&self, _fleet: &Fleet, _place: &Place) -> Judgement {
        let status = match self {
            Self::Group(group) => &group.status,
            Self::MemoryDb(cluster) => &cluster.status,
        };
        if status == "available" {
            Judgement::ok()
        } else {
            Judgement::new(Severity::Warn, format!("{} is {status}", self.id()))
        }
    }

    fn series(&self, _place: &Place) -> Vec<SeriesSpec> {
        match self {
            Self::Group(group) => {
                let of = |what: &str, name: &str, stat| {
                    SeriesSpec::new(
                        series_key(&group.id, what),
                        "AWS/ElastiCache",
                        name,
                        &[("ReplicationGroupId", &group.id)],
                        stat,
                    )
                };
                let mut series = vec![
                    of("memory", "DatabaseMemoryUsagePercentage", Stat::Maximum),
                    of("hit-rate", "CacheHitRate", Stat::Average),
                ];
                if self.role() == "secondary" {
                    series.push(of(
                        "global-lag",
                        "GlobalDatastoreReplicationLag",
                        Stat::Maximum,
                    ));
                }
                series
            }
            Self::MemoryDb(cluster) => {
                let of = |what: &str, name: &str, stat| {
                    SeriesSpec::new(
                        series_key(&cluster.name, what),
                        "AWS/MemoryDB",
                        name,
                        &[("ClusterName", &cluster.name)],
                        stat,
                    )
                };
                let mut series = vec![of("memory", "DatabaseMemoryUsagePercentage", Stat::Maximum)];
                if cluster.multi_region.is_some() {
                    series.push(of(
                        "global-lag",
                        "MultiRegionClusterReplicationLag",
                        Stat::Maximum,
                    ));
                }
                series
            }
        }
    }
}
