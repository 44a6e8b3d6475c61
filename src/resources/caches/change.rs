//! Changes of caches: who is the primary. Owns what is sent and how it is recognised afterwards; never whether it is safe.

use serde::{Deserialize, Serialize};

use super::{Cache, Datastore, Shard};
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
    },
}

fn rows<'a>(fleet: &'a Fleet, source: Source, region: &RegionLabel) -> &'a [Cache] {
    let place = Place::Region(region.clone());
    fleet
        .caches
        .slice(source, &place)
        .map_or(&[], |slice| &slice.rows)
}

fn datastore<'a>(fleet: &'a Fleet, region: &RegionLabel, id: &str) -> Option<&'a Datastore> {
    rows(fleet, Source::ElastiCache, region)
        .iter()
        .find_map(|row| match row {
            Cache::Group(group) => group
                .datastore
                .as_ref()
                .filter(|datastore| datastore.id == id),
            Cache::MemoryDb(_) => None,
        })
}

fn datastore_standing(
    fleet: &Fleet,
    region: &RegionLabel,
    id: &str,
    from: &str,
    to: &str,
) -> Standing {
    let Some(datastore) = datastore(fleet, region, id) else {
        return Standing::Unknown(format!("datastore {id} is not listed in {region}"));
    };
    let status = datastore.status.as_deref().unwrap_or("?");
    let mut primaries = datastore
        .members
        .iter()
        .filter(|member| member.role == "primary");
    match (primaries.next(), primaries.next()) {
        (None, _) if datastore.status.is_none() => {
            Standing::Unknown(format!("the members of datastore {id} are not known"))
        }
        (None, _) => Standing::Underway(format!("datastore {id} has no primary")),
        (Some(_), Some(_)) => Standing::Other(format!("datastore {id} has two primaries")),
        (Some(primary), None) if primary.region == to && status == "available" => Standing::After,
        (Some(_), None) if status == "modifying" => {
            Standing::Underway(format!("datastore {id} is modifying"))
        }
        (Some(primary), None) if primary.region == to => {
            Standing::Underway(format!("datastore {id} is {status}"))
        }
        (Some(primary), None) if primary.region == from => Standing::Before,
        (Some(primary), None) => Standing::Other(format!("the primary is in {}", primary.region)),
    }
}

fn shard<'a>(
    fleet: &'a Fleet,
    region: &RegionLabel,
    owner: &str,
    shard: &str,
) -> Option<&'a Shard> {
    rows(fleet, Source::ElastiCache, region)
        .iter()
        .find_map(|row| match row {
            Cache::Group(group) if group.id == owner => {
                group.shards.iter().find(|own| own.id == shard)
            }
            Cache::Group(_) | Cache::MemoryDb(_) => None,
        })
}

fn shard_standing(
    fleet: &Fleet,
    region: &RegionLabel,
    owner: &str,
    id: &str,
    from: &str,
) -> Standing {
    let Some(shard) = shard(fleet, region, owner, id) else {
        return Standing::Unknown(format!("shard {id} of {owner} is not listed in {region}"));
    };
    let primary = shard
        .nodes
        .iter()
        .find(|node| node.role.as_deref() == Some("primary"));
    match (primary, shard.status.as_deref()) {
        (Some(node), Some("available")) if node.id != from => Standing::After,
        (Some(node), Some("available")) if node.id == from => Standing::Before,
        (Some(_) | None, Some(status)) => Standing::Underway(format!("shard {id} is {status}")),
        (Some(_) | None, None) => {
            Standing::Unknown(format!("the status of shard {id} is not known"))
        }
    }
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
        match self {
            Self::FailOverDatastore {
                datastore,
                from,
                to_region,
                to,
                ..
            } => datastore_standing(fleet, to_region, datastore, from, to),
            Self::FailOverGroup {
                region,
                group,
                shard,
                from,
            } => shard_standing(fleet, region, group, shard, from),
            // MemoryDB does not tell which node is the primary.
            Self::FailOverShard { cluster, .. } => {
                Standing::Unknown(format!("MemoryDB does not tell the primary of {cluster}"))
            }
        }
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
