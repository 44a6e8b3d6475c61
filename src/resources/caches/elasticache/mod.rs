//! ElastiCache replication groups. Owns which nodes are measured (each metric is billed) and what a group says of its Global Datastore; no call.

mod datastore;
pub mod live;
pub mod write;

use serde::{Deserialize, Serialize};

pub(super) use self::datastore::GLOBAL_STATUS;
pub use self::datastore::{Datastore, DatastoreMember};
use super::{Node, STATUS, Shard, aggregate, node_series_key};
use crate::resources::{
    Fleet, Judgement, Place, Severity,
    metrics::{Reading, SeriesSpec, Stat},
    rules::judge_lag,
};

/// An ElastiCache replication group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplicationGroup {
    /// Id.
    pub id: String,
    /// ARN.
    pub arn: Option<String>,
    /// `available`, `modifying` …
    pub status: String,
    /// `redis`, `valkey`, with the version where its Global Datastore tells.
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

impl ReplicationGroup {
    /// Its AWS Region. A group id is unique only within its Region; members of one datastore may share it.
    fn region(&self) -> Option<&str> {
        self.arn.as_deref()?.split(':').nth(3)
    }

    fn is_self(&self, member: &DatastoreMember) -> bool {
        member.group == self.id && self.region().is_none_or(|region| member.region == region)
    }

    /// Its own entry among the members of its Global Datastore.
    pub fn membership(&self) -> Option<&DatastoreMember> {
        let members = &self.datastore.as_ref()?.members;
        members.iter().find(|member| self.is_self(member))
    }

    /// `primary` or `secondary` in its Global Datastore, `single` outside one, `unknown` where that could not be read.
    pub fn role(&self) -> &str {
        if self.datastore.is_none() {
            return "single";
        }
        self.membership()
            .map_or("unknown", |member| member.role.as_str())
    }

    /// How bad it is and why.
    pub fn judge(&self, fleet: &Fleet, place: &Place) -> Judgement {
        let shards = self.shards.iter().map(|shard| shard.judge(&self.id));
        shards
            .fold(STATUS.judge(&self.id, &self.status), Judgement::worse)
            .worse(self.judge_datastore())
            .worse(self.judge_lag(fleet, place))
    }

    fn judge_datastore(&self) -> Judgement {
        let Some(datastore) = &self.datastore else {
            return Judgement::ok();
        };
        let own = if self.membership().is_none() {
            Judgement::new(
                Severity::Unknown,
                format!(
                    "{} is not among the members of its datastore {}",
                    self.id, datastore.id
                ),
            )
        } else {
            Judgement::ok()
        };
        // A secondary answers for itself; what is wrong with the others is told by the primary, where it warns.
        let members = datastore
            .members
            .iter()
            .filter(|member| self.is_self(member) || self.role() == "primary")
            .map(|member| {
                let what = format!(
                    "member {}/{} of datastore {}",
                    member.region, member.group, datastore.id
                );
                let judgement = member
                    .status
                    .as_deref()
                    .map_or_else(Judgement::ok, |status| GLOBAL_STATUS.judge(&what, status));
                let severity = if self.is_self(member) {
                    judgement.severity
                } else {
                    judgement.severity.min(Severity::Warn)
                };
                Judgement {
                    severity,
                    ..judgement
                }
            });
        members.fold(datastore.judge().worse(own), Judgement::worse)
    }

    fn judge_lag(&self, fleet: &Fleet, place: &Place) -> Judgement {
        if self.role() != "secondary" {
            return Judgement::ok();
        }
        judge_lag(
            &format!("replication lag of {}", self.id),
            self.worst(fleet, place, "global-lag")
                .map(|seconds| seconds * 1_000.0),
            fleet.estate.thresholds.cache_lag_warn_ms,
            None,
        )
    }

    /// The nodes that are measured: the primary of each shard, and every node of a shard whose roles are not told.
    fn measured_nodes(&self) -> impl Iterator<Item = &Node> {
        self.shards.iter().flat_map(|shard| {
            let told = shard.nodes.iter().any(|node| node.role.is_some());
            shard
                .nodes
                .iter()
                .filter(move |node| !told || node.role.as_deref() == Some("primary"))
        })
    }

    /// The keys of the series of the measured nodes.
    pub fn node_keys(&self, what: &str) -> Vec<String> {
        self.measured_nodes()
            .map(|node| node_series_key(&self.id, what, &node.id))
            .collect()
    }

    /// The greatest value of a series among the measured nodes.
    pub fn worst(&self, fleet: &Fleet, place: &Place, what: &str) -> Reading {
        aggregate(
            self.node_keys(what)
                .iter()
                .map(|key| fleet.reading(place, key)),
            false,
        )
    }

    /// The least value of a series among the measured nodes.
    pub fn least(&self, fleet: &Fleet, place: &Place, what: &str) -> Reading {
        aggregate(
            self.node_keys(what)
                .iter()
                .map(|key| fleet.reading(place, key)),
            true,
        )
    }

    /// The series that its values come from, one each per measured node.
    pub fn series(&self) -> Vec<SeriesSpec> {
        let mut wanted = vec![
            ("memory", "DatabaseMemoryUsagePercentage", Stat::Maximum),
            ("hit-rate", "CacheHitRate", Stat::Average),
        ];
        // Published in the secondary Region only.
        if self.role() == "secondary" {
            wanted.push(("global-lag", "GlobalDatastoreReplicationLag", Stat::Maximum));
        }
        let of = |node: &Node| {
            let (id, node) = (self.id.clone(), node.id.clone());
            wanted.clone().into_iter().map(move |(what, name, stat)| {
                SeriesSpec::new(
                    node_series_key(&id, what, &node),
                    "AWS/ElastiCache",
                    name,
                    &[("CacheClusterId", &node)],
                    stat,
                )
            })
        };
        self.measured_nodes().flat_map(of).collect()
    }
}
