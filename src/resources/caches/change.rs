//! Changes of caches: who is the primary. Owns what is sent and how it is recognised afterwards; never whether it is safe.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Cache, Datastore, DatastoreMember, Failover, MemoryDbCluster, Node, ReplicationGroup,
    elasticache::GLOBAL_STATUS,
};
use crate::resources::{
    Api, Estate, Fleet, Place, RegionLabel, Source,
    change::{self, Alter, Class, Edit, Lever, Standing},
    levers::Plane,
    traffic::quoted,
};

/// A change of who is the primary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "kebab-case")]
pub enum Change {
    /// Failover of a Global Datastore: what was not replicated is lost. Sent to the region of the new primary.
    FailOverDatastore {
        /// Global replication group id.
        datastore: String,
        /// AWS Region of the primary.
        from: String,
        /// Region of the new primary.
        to_region: RegionLabel,
        /// AWS Region of the new primary.
        to: String,
        /// Replication group of the new primary.
        to_group: String,
    },
    /// Failover of one shard of an ElastiCache replication group to a replica of it: for drills.
    FailOverGroup {
        /// Where.
        region: RegionLabel,
        /// Replication group.
        group: String,
        /// Node group.
        shard: String,
        /// The node that is the primary.
        from: String,
    },
    /// Failover of one shard of a MemoryDB cluster: for drills.
    FailOverShard {
        /// Where.
        region: RegionLabel,
        /// Cluster.
        cluster: String,
        /// Shard.
        shard: String,
        /// A failover of it that ended later than this is the one that was asked for.
        since: Timestamp,
    },
}

fn rows<'a>(fleet: &'a Fleet, source: Source, region: &RegionLabel) -> &'a [Cache] {
    let place = Place::Region(region.clone());
    fleet
        .caches
        .slice(source, &place)
        .map_or(&[], |slice| &slice.rows)
}

impl Change {
    /// What a Global Datastore says about its failover; `Unknown` for the other changes.
    pub(super) fn of_datastore(&self, datastore: &Datastore) -> Standing {
        match self {
            Self::FailOverDatastore {
                from, to, to_group, ..
            } => primary_region(datastore, from, to, to_group),
            Self::FailOverGroup { .. } | Self::FailOverShard { .. } => not_about(&datastore.id),
        }
    }

    /// What a replication group says about a failover of one of its shards; `Unknown` for the other changes.
    pub(super) fn of_group(&self, group: &ReplicationGroup) -> Standing {
        match self {
            Self::FailOverGroup { shard, from, .. } => primary_node(group, shard, from),
            Self::FailOverDatastore { .. } | Self::FailOverShard { .. } => not_about(&group.id),
        }
    }

    /// What a MemoryDB cluster says about a failover of one of its shards. It does not tell which node is the primary; its events tell of failovers that ended.
    pub(super) fn of_memorydb(&self, cluster: &MemoryDbCluster) -> Standing {
        match self {
            Self::FailOverShard { shard, since, .. } => {
                restless(cluster, shard).unwrap_or_else(|| told(cluster, shard, *since))
            }
            Self::FailOverDatastore { .. } | Self::FailOverGroup { .. } => not_about(&cluster.name),
        }
    }
}

fn not_about(id: &str) -> Standing {
    Standing::Unknown(format!("the change is not about {id}"))
}

/// Whether the events of a cluster tell of a failover of a shard after a time.
fn told(cluster: &MemoryDbCluster, shard: &str, since: Timestamp) -> Standing {
    let Some(failovers) = &cluster.failovers else {
        return Standing::Unknown(format!(
            "the events of {} could not be read, and nothing else tells of a failover",
            cluster.name
        ));
    };
    let later = |failover: &Failover| failover.shard == shard && failover.at > since;
    if failovers.iter().any(later) {
        Standing::After
    } else {
        Standing::Before
    }
}

/// Whether nothing is going on in a group, cluster or shard of this status.
fn at_rest(status: &str) -> bool {
    matches!(status, "available" | "snapshotting")
}

/// Where the primary of a Global Datastore is.
fn primary_region(datastore: &Datastore, from: &str, to: &str, to_group: &str) -> Standing {
    let id = &datastore.id;
    let Some(status) = datastore.status.as_deref() else {
        return Standing::Unknown(format!("the members of datastore {id} are not known"));
    };
    // `primary-only` has nothing to fail over to, but it is no passing state: a primary that was left alone is one.
    if !matches!(status, "available" | "primary-only") {
        return if GLOBAL_STATUS.is_passing(status) {
            Standing::Underway(format!("datastore {id} is {status}"))
        } else {
            Standing::Unknown(format!("datastore {id} is {status}"))
        };
    }
    let is_target = |member: &DatastoreMember| member.region == to && member.group == to_group;
    if !datastore.members.iter().any(is_target) {
        return Standing::Other(format!("{to}/{to_group} is no member of datastore {id}"));
    }
    let primary = |member: &&DatastoreMember| member.role == "primary";
    let mut primaries = datastore.members.iter().filter(primary);
    match (primaries.next(), primaries.next()) {
        (None, _) => Standing::Underway(format!("datastore {id} has no primary")),
        (Some(_), Some(_)) => Standing::Other(format!("datastore {id} has two primaries")),
        (Some(primary), None) if is_target(primary) => Standing::After,
        (Some(primary), None) if primary.region == from => Standing::Before,
        (Some(primary), None) => Standing::Other(format!("the primary is in {}", primary.region)),
    }
}

/// Which node is the primary of a shard. With cluster mode on ElastiCache does not tell.
fn primary_node(group: &ReplicationGroup, id: &str, from: &str) -> Standing {
    let owner = &group.id;
    let Some(shard) = group.shards.iter().find(|shard| shard.id == id) else {
        return Standing::Unknown(format!("shard {id} of {owner} is not listed"));
    };
    let Some(status) = shard.status.as_deref() else {
        return Standing::Unknown(format!("the status of shard {id} of {owner} is not known"));
    };
    if !at_rest(status) {
        return Standing::Underway(format!("shard {id} of {owner} is {status}"));
    }
    // The roles change before the old primary has come back as a replica.
    if !at_rest(&group.status) {
        return Standing::Underway(format!("{owner} is {}", group.status));
    }
    if shard.nodes.iter().all(|node| node.role.is_none()) {
        return Standing::Unknown(format!(
            "ElastiCache does not tell the primary of shard {id} of {owner}"
        ));
    }
    let primary = |node: &&Node| node.role.as_deref() == Some("primary");
    let mut primaries = shard.nodes.iter().filter(primary);
    match (primaries.next(), primaries.next()) {
        (None, _) => Standing::Underway(format!("shard {id} of {owner} has no primary")),
        (Some(_), Some(_)) => Standing::Other(format!("shard {id} of {owner} has two primaries")),
        (Some(node), None) if node.id == from => Standing::Before,
        (Some(_), None) if shard.nodes.iter().any(|node| node.id == from) => Standing::After,
        (Some(node), None) => {
            Standing::Other(format!("{from} is gone, the primary is {}", node.id))
        }
    }
}

/// What keeps a shard of a MemoryDB cluster from being failed over, as far as MemoryDB tells.
pub(super) fn restless(cluster: &MemoryDbCluster, id: &str) -> Option<Standing> {
    let name = &cluster.name;
    let Some(shard) = cluster.shards.iter().find(|shard| shard.id == id) else {
        return Some(Standing::Unknown(format!(
            "shard {id} of {name} is not listed"
        )));
    };
    if !at_rest(&cluster.status) {
        return Some(Standing::Underway(format!("{name} is {}", cluster.status)));
    }
    let status = shard.status.as_deref().filter(|status| !at_rest(status))?;
    Some(Standing::Underway(format!(
        "shard {id} of {name} is {status}"
    )))
}

impl Alter for Change {
    fn place(&self) -> Place {
        Place::Region(match self {
            Self::FailOverDatastore { to_region, .. } => to_region.clone(),
            Self::FailOverGroup { region, .. } | Self::FailOverShard { region, .. } => {
                region.clone()
            }
        })
    }

    fn api(&self) -> Api {
        match self {
            Self::FailOverDatastore { .. } | Self::FailOverGroup { .. } => Api::ElastiCache,
            Self::FailOverShard { .. } => Api::MemoryDb,
        }
    }

    fn operation(&self) -> &'static str {
        match self {
            Self::FailOverDatastore { .. } => "elasticache:FailoverGlobalReplicationGroup",
            Self::FailOverGroup { .. } => "elasticache:TestFailover",
            Self::FailOverShard { .. } => "memorydb:FailoverShard",
        }
    }

    fn lever(&self) -> Lever {
        let name = match self {
            Self::FailOverDatastore { .. } | Self::FailOverGroup { .. } => "ElastiCache",
            Self::FailOverShard { .. } => "MemoryDB",
        };
        Lever {
            name: name.to_owned(),
            plane: Plane::Control,
            home: self.place().to_string(),
        }
    }

    fn class(&self) -> Class {
        Class::M
    }

    fn target(&self) -> String {
        match self {
            Self::FailOverDatastore { datastore, .. } => format!("elasticache/global/{datastore}"),
            Self::FailOverGroup { region, group, .. } => format!("elasticache/{region}/{group}"),
            Self::FailOverShard {
                region, cluster, ..
            } => format!("memorydb/{region}/{cluster}"),
        }
    }

    fn reads(&self, _estate: &Estate) -> Vec<(Source, Place)> {
        let source = match self {
            Self::FailOverDatastore { .. } | Self::FailOverGroup { .. } => Source::ElastiCache,
            Self::FailOverShard { .. } => Source::MemoryDb,
        };
        vec![(source, self.place())]
    }

    fn standing(&self, fleet: &Fleet) -> Standing {
        let (source, region, id) = match self {
            Self::FailOverDatastore {
                datastore,
                to_region,
                ..
            } => (Source::ElastiCache, to_region, datastore),
            Self::FailOverGroup { region, group, .. } => (Source::ElastiCache, region, group),
            Self::FailOverShard {
                region, cluster, ..
            } => (Source::MemoryDb, region, cluster),
        };
        let seen = |row: &Cache| match (self, row) {
            (Self::FailOverDatastore { datastore: id, .. }, Cache::Group(group)) => {
                let datastore = group.datastore.as_ref();
                let named = datastore.filter(|datastore| datastore.id == *id)?;
                Some(self.of_datastore(named))
            }
            (Self::FailOverGroup { group: id, .. }, Cache::Group(group)) if group.id == *id => {
                Some(self.of_group(group))
            }
            (Self::FailOverShard { cluster: id, .. }, Cache::MemoryDb(cluster))
                if cluster.name == *id =>
            {
                Some(self.of_memorydb(cluster))
            }
            (
                Self::FailOverDatastore { .. }
                | Self::FailOverGroup { .. }
                | Self::FailOverShard { .. },
                Cache::Group(_) | Cache::MemoryDb(_),
            ) => None,
        };
        rows(fleet, source, region)
            .iter()
            .find_map(seen)
            .unwrap_or_else(|| Standing::Unknown(format!("{id} is not listed in {region}")))
    }

    fn edits(&self) -> Vec<Edit> {
        match self {
            Self::FailOverDatastore {
                datastore,
                from,
                to,
                ..
            } => {
                vec![Edit::new(format!("primary of {datastore}"), from, to)]
            }
            Self::FailOverGroup {
                group, shard, from, ..
            } => {
                vec![Edit::new(
                    format!("primary of {group} shard {shard}"),
                    from,
                    "one of its replicas",
                )]
            }
            Self::FailOverShard { cluster, shard, .. } => {
                vec![Edit::new(
                    format!("primary of {cluster} shard {shard}"),
                    "as it is",
                    "one of its replicas",
                )]
            }
        }
    }

    fn inverse(&self) -> Result<change::Change, &'static str> {
        match self {
            Self::FailOverDatastore { .. } => Err(
                "plan a failover back when the old primary has caught up: what it holds alone is lost by then",
            ),
            Self::FailOverGroup { .. } | Self::FailOverShard { .. } => {
                Err("nothing to undo: any node may be the primary")
            }
        }
    }

    fn commands(&self) -> Vec<String> {
        let place = self.place();
        let verb = match self {
            Self::FailOverDatastore {
                datastore,
                to,
                to_group,
                ..
            } => format!(
                "elasticache failover-global-replication-group --global-replication-group-id {} --primary-region {} --primary-replication-group-id {}",
                quoted(datastore),
                quoted(to),
                quoted(to_group)
            ),
            Self::FailOverGroup { group, shard, .. } => format!(
                "elasticache test-failover --replication-group-id {} --node-group-id {}",
                quoted(group),
                quoted(shard)
            ),
            Self::FailOverShard { cluster, shard, .. } => format!(
                "memorydb failover-shard --cluster-name {} --shard-name {}",
                quoted(cluster),
                quoted(shard)
            ),
        };
        vec![format!("aws {verb} --region {place}")]
    }
}

#[cfg(test)]
mod tests;
