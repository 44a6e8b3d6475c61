//! Changes of databases: who is the writer. Owns what is sent and how it is recognised afterwards; never whether it is safe.

mod standing;

use serde::{Deserialize, Serialize};

use self::standing::{cluster_writer, following, not_about, promotion, writer};
use super::{Database, DbCluster, DbInstance, GlobalCluster};
use crate::resources::{
    Api, Estate, Fleet, Place, RegionLabel, Source,
    change::{self, Alter, Class, Edit, Lever, Standing},
    levers::Plane,
};

/// A change of who takes writes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "kebab-case")]
pub enum Change {
    /// Aurora global switchover: planned, without loss. Sent to the region of the current writer.
    SwitchOver {
        /// Identifier of the global cluster.
        global_cluster: String,
        /// Region of the current writer.
        from_region: RegionLabel,
        /// ARN of the current writer.
        from: String,
        /// Region of the new writer.
        to_region: RegionLabel,
        /// ARN of the new writer.
        to: String,
    },
    /// Aurora global failover: writes that were not replicated are lost. Sent to the region of the new writer.
    FailOver {
        /// Identifier of the global cluster.
        global_cluster: String,
        /// ARN of the writer that is given up.
        from: String,
        /// Region of the new writer.
        to_region: RegionLabel,
        /// ARN of the new writer.
        to: String,
    },
    /// Failover within one DB cluster.
    FailOverCluster {
        /// Where.
        region: RegionLabel,
        /// Identifier of the cluster.
        cluster: String,
        /// The instance that is the writer.
        from: String,
        /// The instance that becomes the writer.
        to: String,
    },
    /// Promotion of an RDS read replica: its replication is cut for good.
    Promote {
        /// Where.
        region: RegionLabel,
        /// Identifier of the replica.
        instance: String,
        /// Identifier or ARN of its source.
        source: String,
        /// Days that backups are kept afterwards; what the replica has, if more than 0.
        backup_retention_days: i32,
    },
}

fn find<'a, T>(
    fleet: &'a Fleet,
    region: &RegionLabel,
    of: impl Fn(&'a Database) -> Option<&'a T>,
) -> Option<&'a T> {
    let place = Place::Region(region.clone());
    let slice = fleet.databases.slice(Source::Rds, &place)?;
    slice.rows.iter().find_map(of)
}

fn cluster<'a>(
    fleet: &'a Fleet,
    region: &RegionLabel,
    is: impl Fn(&DbCluster) -> bool,
) -> Option<&'a DbCluster> {
    find(fleet, region, |row| match row {
        Database::Cluster(cluster) if is(cluster) => Some(cluster),
        Database::Cluster(_) | Database::Instance(_) | Database::Table(_) => None,
    })
}

fn instance<'a>(fleet: &'a Fleet, region: &RegionLabel, id: &str) -> Option<&'a DbInstance> {
    find(fleet, region, |row| match row {
        Database::Instance(instance) if instance.id == id => Some(instance),
        Database::Cluster(_) | Database::Instance(_) | Database::Table(_) => None,
    })
}

impl Change {
    /// What a global cluster says about a switchover or failover; `Unknown` for the other changes.
    pub(super) fn of_global(&self, global: &GlobalCluster) -> Standing {
        match self {
            Self::SwitchOver { from, to, .. } => match writer(global, from, to) {
                // Without loss also means that the old writer follows the new one.
                Standing::After => following(global, from),
                standing => standing,
            },
            Self::FailOver { from, to, .. } => writer(global, from, to),
            Self::FailOverCluster { .. } | Self::Promote { .. } => not_about(&global.id),
        }
    }

    /// What a cluster says about a failover within it; `Unknown` for the other changes.
    pub(super) fn of_cluster(&self, cluster: &DbCluster) -> Standing {
        match self {
            Self::FailOverCluster { from, to, .. } => cluster_writer(cluster, from, to),
            Self::SwitchOver { .. } | Self::FailOver { .. } | Self::Promote { .. } => {
                not_about(&cluster.id)
            }
        }
    }

    /// What a replica says about its promotion; `Unknown` for the other changes.
    pub(super) fn of_instance(&self, instance: &DbInstance) -> Standing {
        match self {
            Self::Promote { source, .. } => promotion(instance, source),
            Self::SwitchOver { .. } | Self::FailOver { .. } | Self::FailOverCluster { .. } => {
                not_about(&instance.id)
            }
        }
    }

    /// What the region of the new writer says: its clusters, each with the global cluster as seen from there.
    fn of_region(&self, fleet: &Fleet, region: &RegionLabel, to: &str) -> Standing {
        let Some(target) = cluster(fleet, region, |cluster| cluster.arn.as_deref() == Some(to))
        else {
            return Standing::Unknown(format!("{to} is not listed in {region}"));
        };
        let known = |global: &&GlobalCluster| !global.members.is_empty();
        let Some(global) = target.global.as_ref().filter(known) else {
            return Standing::Unknown(format!("the global cluster of {} is not known", target.id));
        };
        match self.of_global(global) {
            Standing::After if target.status != "available" => {
                Standing::Underway(format!("{} is {}", target.id, target.status))
            }
            standing => standing,
        }
    }
}

impl Alter for Change {
    fn place(&self) -> Place {
        Place::Region(match self {
            Self::SwitchOver { from_region, .. } => from_region.clone(),
            Self::FailOver { to_region, .. } => to_region.clone(),
            Self::FailOverCluster { region, .. } | Self::Promote { region, .. } => region.clone(),
        })
    }

    fn api(&self) -> Api {
        Api::Rds
    }

    fn operation(&self) -> &'static str {
        match self {
            Self::SwitchOver { .. } => "rds:SwitchoverGlobalCluster",
            Self::FailOver { .. } => "rds:FailoverGlobalCluster",
            Self::FailOverCluster { .. } => "rds:FailoverDBCluster",
            Self::Promote { .. } => "rds:PromoteReadReplica",
        }
    }

    fn lever(&self) -> Lever {
        Lever {
            name: "RDS".to_owned(),
            plane: Plane::Control,
            home: self.place().to_string(),
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::SwitchOver { .. } | Self::FailOverCluster { .. } => Class::M,
            Self::FailOver { .. } | Self::Promote { .. } => Class::R,
        }
    }

    fn target(&self) -> String {
        match self {
            Self::SwitchOver { global_cluster, .. } | Self::FailOver { global_cluster, .. } => {
                format!("rds/global/{global_cluster}")
            }
            Self::FailOverCluster {
                region, cluster, ..
            } => format!("rds/{region}/{cluster}"),
            // All replicas of one source: promoting two of them makes two writers.
            Self::Promote { source, .. } => {
                format!("rds/source/{}", source.rsplit(':').next().unwrap_or(source))
            }
        }
    }

    fn reads(&self, _estate: &Estate) -> Vec<(Source, Place)> {
        let region = match self {
            Self::SwitchOver { to_region, .. } | Self::FailOver { to_region, .. } => to_region,
            Self::FailOverCluster { region, .. } | Self::Promote { region, .. } => region,
        };
        vec![(Source::Rds, Place::Region(region.clone()))]
    }

    fn standing(&self, fleet: &Fleet) -> Standing {
        match self {
            Self::SwitchOver { to_region, to, .. } | Self::FailOver { to_region, to, .. } => {
                self.of_region(fleet, to_region, to)
            }
            Self::FailOverCluster {
                region,
                cluster: id,
                ..
            } => cluster(fleet, region, |cluster| cluster.id == *id).map_or_else(
                || Standing::Unknown(format!("{id} is not listed in {region}")),
                |cluster| self.of_cluster(cluster),
            ),
            Self::Promote {
                region,
                instance: id,
                ..
            } => instance(fleet, region, id).map_or_else(
                || Standing::Unknown(format!("{id} is not listed in {region}")),
                |instance| self.of_instance(instance),
            ),
        }
    }

    fn edits(&self) -> Vec<Edit> {
        match self {
            Self::SwitchOver {
                global_cluster,
                from,
                to,
                ..
            }
            | Self::FailOver {
                global_cluster,
                from,
                to,
                ..
            } => {
                vec![Edit::new(format!("writer of {global_cluster}"), from, to)]
            }
            Self::FailOverCluster {
                cluster, from, to, ..
            } => {
                vec![Edit::new(format!("writer of {cluster}"), from, to)]
            }
            Self::Promote {
                instance, source, ..
            } => {
                vec![Edit::new(
                    instance,
                    format!("replica of {source}"),
                    "a writer of its own",
                )]
            }
        }
    }

    fn inverse(&self) -> Result<change::Change, &'static str> {
        match self.clone() {
            Self::SwitchOver {
                global_cluster,
                from_region,
                from,
                to_region,
                to,
            } => Ok(change::Change::Databases(Self::SwitchOver {
                global_cluster,
                from_region: to_region,
                from: to,
                to_region: from_region,
                to: from,
            })),
            Self::FailOverCluster {
                region,
                cluster,
                from,
                to,
            } => Ok(change::Change::Databases(Self::FailOverCluster {
                region,
                cluster,
                from: to,
                to: from,
            })),
            Self::FailOver { .. } => Err(
                "a failover cannot be undone: the old region rejoins as a secondary, then plan a switchover back",
            ),
            Self::Promote { .. } => Err(
                "a promotion cannot be undone: the replication is cut for good, rebuild replicas from the new writer",
            ),
        }
    }

    fn commands(&self) -> Vec<String> {
        use crate::resources::traffic::quoted;
        let place = self.place();
        let verb = match self {
            Self::SwitchOver {
                global_cluster, to, ..
            } => format!(
                "switchover-global-cluster --global-cluster-identifier {} --target-db-cluster-identifier {}",
                quoted(global_cluster),
                quoted(to)
            ),
            Self::FailOver {
                global_cluster, to, ..
            } => format!(
                "failover-global-cluster --global-cluster-identifier {} --target-db-cluster-identifier {} --allow-data-loss",
                quoted(global_cluster),
                quoted(to)
            ),
            Self::FailOverCluster { cluster, to, .. } => format!(
                "failover-db-cluster --db-cluster-identifier {} --target-db-instance-identifier {}",
                quoted(cluster),
                quoted(to)
            ),
            Self::Promote {
                instance,
                backup_retention_days,
                ..
            } => format!(
                "promote-read-replica --db-instance-identifier {} --backup-retention-period {backup_retention_days}",
                quoted(instance)
            ),
        };
        vec![format!("aws rds {verb} --region {place}")]
    }
}

#[cfg(test)]
mod tests;
