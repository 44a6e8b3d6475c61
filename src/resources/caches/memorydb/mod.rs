//! MemoryDB clusters and multi-Region clusters. Owns their judgement. They are active in every Region: nothing is promoted, and an isolated Region keeps taking writes; no call.

pub mod live;
pub mod write;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{STATUS, Shard, series_key};
use crate::resources::{
    Fleet, Judgement, Place, Severity,
    metrics::{SeriesSpec, Stat},
    rules::judge_lag,
};

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
    /// `available` …; `None` when it could not be read.
    pub status: Option<String>,
    /// Members.
    pub members: Vec<RegionalCluster>,
}

/// A failover of a shard that has ended, as the events of its cluster tell it: MemoryDB never says which node is the primary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failover {
    /// Name of the shard.
    pub shard: String,
    /// When it had ended.
    pub at: Timestamp,
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
    /// Failovers of its shards that ended in the last hour, the oldest first; `None` where its events could not be read.
    #[serde(default)]
    pub failovers: Option<Vec<Failover>>,
}

/// The shard whose failover ended, as an event of its cluster says it: `Failover from primary node NODE to replica node NODE completed`.
pub fn failed_over<'a>(message: &str, shards: &'a [Shard]) -> Option<&'a Shard> {
    let said = message.to_ascii_lowercase();
    if !(said.contains("failover") && said.contains("completed")) {
        return None;
    }
    let words = || message.split(|c: char| c.is_whitespace() || matches!(c, ',' | '.' | ':'));
    let named = |shard: &&Shard| {
        let mut nodes = shard.nodes.iter();
        nodes.any(|node| words().any(|word| word == node.id))
    };
    shards.iter().find(named)
}

impl MultiRegionCluster {
    /// Judges it as seen by the member of a name and Region: the states of the others only warn here.
    fn judge(&self, own: &str, region: Option<&str>) -> Judgement {
        let name = &self.name;
        let Some(status) = self.status.as_deref() else {
            return Judgement::new(
                Severity::Unknown,
                format!("the other members of multi-Region cluster {name} are not known"),
            );
        };
        let others = self
            .members
            .iter()
            .filter(|member| member.name != own || member.region.as_deref() != region)
            .filter_map(|member| {
                let region = member.region.as_deref().unwrap_or("?");
                let what = format!("member {region}/{} of {name}", member.name);
                let judgement = STATUS.judge(&what, member.status.as_deref()?);
                Some(Judgement {
                    severity: judgement.severity.min(Severity::Warn),
                    ..judgement
                })
            });
        others.fold(
            STATUS.judge(&format!("multi-Region cluster {name}"), status),
            Judgement::worse,
        )
    }
}

impl MemoryDbCluster {
    /// How bad it is and why.
    pub fn judge(&self, fleet: &Fleet, place: &Place) -> Judgement {
        let shards = self.shards.iter().map(|shard| shard.judge(&self.name));
        let own = shards.fold(STATUS.judge(&self.name, &self.status), Judgement::worse);
        let Some(multi_region) = &self.multi_region else {
            return own;
        };
        let region = self.arn.as_deref().and_then(|arn| arn.split(':').nth(3));
        own.worse(multi_region.judge(&self.name, region))
            .worse(judge_lag(
                &format!("replication lag of {}", self.name),
                fleet.reading(place, &series_key(&self.name, "global-lag")),
                fleet.estate.thresholds.cache_lag_warn_ms,
                None,
            ))
    }

    /// The series that its values come from. Memory is published by cluster and node, the lag by cluster, pair of Regions and shard: the reader takes the worst of the sets that contain the cluster.
    pub fn series(&self) -> Vec<SeriesSpec> {
        let of = |what: &str, name: &str, stat| {
            let dimensions = [("ClusterName", self.name.as_str())];
            SeriesSpec::new(
                series_key(&self.name, what),
                "AWS/MemoryDB",
                name,
                &dimensions,
                stat,
            )
        };
        let mut series = vec![of("memory", "DatabaseMemoryUsagePercentage", Stat::Maximum)];
        if self.multi_region.is_some() {
            series.push(of(
                "global-lag",
                "MultiRegionClusterReplicationLag",
                Stat::Maximum,
            ));
        }
        series
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::caches::Node;

    #[test]
    fn an_event_tells_which_shard_has_failed_over() {
        let shard = |id: &str| Shard {
            id: id.to_owned(),
            status: None,
            nodes: ["001", "002"]
                .map(|node| Node {
                    id: format!("cart-{id}-{node}"),
                    role: None,
                    status: None,
                    zone: None,
                })
                .to_vec(),
        };
        let shards = [shard("0001"), shard("0002")];
        let of = |message: &str| failed_over(message, &shards).map(|shard| shard.id.as_str());
        let done =
            "Failover from primary node cart-0002-001 to replica node cart-0002-002 completed";
        assert_eq!(of(done), Some("0002"));
        // One of the two nodes may have been replaced since.
        assert_eq!(
            of("Failover to replica node cart-0001-002 completed."),
            Some("0001")
        );
        for other in [
            "FailoverShard API called for shard 0002",
            "Recovering nodes cart-0002-001",
            "Finished recovery for nodes cart-0002-001",
            "Failover from primary node cart-0003-001 to replica node cart-0003-002 completed",
            "Failover from primary node cart-0002-0011 to replica node cart-0002-0022 completed",
        ] {
            assert_eq!(of(other), None, "{other}");
        }
    }
}
