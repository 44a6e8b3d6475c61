//! Databases: Aurora global clusters and clusters, RDS instances with cross-region replicas, DynamoDB global tables. Owns the model and its judgement; no call.

pub mod live;
pub mod sim;
mod view;

use serde::{Deserialize, Serialize};

use super::{
    Fleet, Judgement, Place, Resource, Severity,
    metrics::{Reading, SeriesSpec, Stat},
};

/// A database of any store, as seen from one region.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "store", rename_all = "snake_case")]
pub enum Database {
    /// An Aurora (or Multi-AZ) DB cluster.
    Cluster(DbCluster),
    /// A DB instance outside any cluster.
    Instance(DbInstance),
    /// A DynamoDB table.
    Table(Table),
}

/// A member of a global cluster, as `DescribeGlobalClusters` gives it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GlobalMember {
    /// ARN of the DB cluster.
    pub arn: String,
    /// Whether it takes writes.
    pub writer: bool,
    /// `connected`, `pending-resync`, where given.
    pub synchronization: Option<String>,
}

/// A global failover or switchover under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailoverState {
    /// `pending`, `failing-over`, `switching-over`, `cancelling`, or a value not known yet.
    pub status: String,
    /// ARN that loses the writer.
    pub from: Option<String>,
    /// ARN that gets it.
    pub to: Option<String>,
    /// Whether loss of data was accepted.
    pub data_loss_allowed: Option<bool>,
}

/// A global cluster, as seen from the region that was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GlobalCluster {
    /// Identifier.
    pub id: String,
    /// `available` …
    pub status: Option<String>,
    /// The global writer endpoint.
    pub endpoint: Option<String>,
    /// Members in all regions.
    pub members: Vec<GlobalMember>,
    /// A failover under way.
    pub failover: Option<FailoverState>,
}

/// An instance of a DB cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterInstance {
    /// Identifier.
    pub id: String,
    /// Whether it is the writer within the cluster.
    pub writer: bool,
    /// 0 to 15; the lowest takes over first.
    pub promotion_tier: Option<i32>,
    /// `available` …; `None` when `DescribeDBInstances` did not list it.
    pub status: Option<String>,
    /// Class, `db.r7g.large`.
    pub class: Option<String>,
    /// Availability Zone.
    pub zone: Option<String>,
}

/// A DB cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DbCluster {
    /// Identifier.
    pub id: String,
    /// ARN.
    pub arn: Option<String>,
    /// `available`, `failing-over` …
    pub status: String,
    /// `aurora-postgresql` …
    pub engine: String,
    /// Version.
    pub engine_version: Option<String>,
    /// Whether several Availability Zones hold it.
    pub multi_az: Option<bool>,
    /// Instances.
    pub instances: Vec<ClusterInstance>,
    /// The global cluster that it is a member of.
    pub global: Option<GlobalCluster>,
}

/// The state of the replication into a read replica.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplicaStatus {
    /// `replicating`, `error`, `stopped`, `terminated` …
    pub status: Option<String>,
    /// Whether RDS calls it normal.
    pub normal: bool,
    /// Its message.
    pub message: Option<String>,
}

/// A DB instance outside any cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DbInstance {
    /// Identifier.
    pub id: String,
    /// ARN.
    pub arn: Option<String>,
    /// `available` …
    pub status: String,
    /// `postgres` …
    pub engine: String,
    /// Version.
    pub engine_version: Option<String>,
    /// Class.
    pub class: Option<String>,
    /// Whether a standby in another zone exists.
    pub multi_az: bool,
    /// Identifier, or ARN when in another region, of the source; `None` for a writer.
    pub source: Option<String>,
    /// Identifiers or ARNs of its replicas.
    pub replicas: Vec<String>,
    /// State of its replication; `None` for a writer.
    pub replica_status: Option<ReplicaStatus>,
    /// Days that backups are kept.
    pub backup_retention_days: Option<i32>,
    /// Latest time to which it can be restored.
    pub latest_restorable: Option<jiff::Timestamp>,
}

/// A replica of a global table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableReplica {
    /// AWS Region.
    pub region: String,
    /// `ACTIVE`, `REGION_DISABLED` …
    pub status: Option<String>,
    /// Since when it cannot be reached.
    pub inaccessible_since: Option<jiff::Timestamp>,
}

/// A DynamoDB table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Name.
    pub name: String,
    /// ARN.
    pub arn: Option<String>,
    /// `ACTIVE` …
    pub status: String,
    /// `2019.11.21` for the current version of global tables.
    pub global_version: Option<String>,
    /// `EVENTUAL` or `STRONG`.
    pub consistency: Option<String>,
    /// Replicas in other regions.
    pub replicas: Vec<TableReplica>,
}

/// Key of a series of a database; `what` is `replication-lag`, `rpo-lag`, `replica-lag`, `cpu`, `connections`, `write-iops` or `replication-latency/REGION`.
pub fn series_key(id: &str, what: &str) -> String {
    format!("database/{id}/{what}")
}

impl DbCluster {
    /// Its own entry among the members of its global cluster.
    pub fn membership(&self) -> Option<&GlobalMember> {
        let arn = self.arn.as_deref()?;
        self.global
            .as_ref()?
            .members
            .iter()
            .find(|member| member.arn == arn)
    }

    /// Whether it takes writes: the writer of its global cluster, or any cluster outside one.
    pub fn writer(&self) -> Option<bool> {
        match &self.global {
            None => Some(true),
            Some(_) => self.membership().map(|member| member.writer),
        }
    }
}

impl Database {
    /// Its identifier.
    pub fn id(&self) -> &str {
        match self {
            Self::Cluster(cluster) => &cluster.id,
            Self::Instance(instance) => &instance.id,
            Self::Table(table) => &table.name,
        }
    }

    /// Whether it takes writes where it was seen; `None` when that is not known.
    pub fn writer(&self) -> Option<bool> {
        match self {
            Self::Cluster(cluster) => cluster.writer(),
            Self::Instance(instance) => Some(instance.source.is_none()),
            Self::Table(_) => Some(true),
        }
    }

    /// Replication lag into it (out of it, for a table) in milliseconds.
    pub fn lag_ms(&self, fleet: &Fleet, place: &Place) -> Reading {
        match self {
            Self::Cluster(cluster) => {
                fleet.reading(place, &series_key(&cluster.id, "replication-lag"))
            }
            Self::Instance(instance) => fleet
                .reading(place, &series_key(&instance.id, "replica-lag"))
                .map(|seconds| seconds * 1_000.0),
            Self::Table(table) => {
                let readings = table.replicas.iter().map(|replica| {
                    fleet.reading(
                        place,
                        &series_key(
                            &table.name,
                            &format!("replication-latency/{}", replica.region),
                        ),
                    )
                });
                readings
                    .reduce(|a, b| if a.usable() >= b.usable() { a } else { b })
                    .unwrap_or(Reading::NoData)
            }
        }
    }
}

impl Resource for Database {
    fn key(&self) -> String {
        match self {
            Self::Cluster(cluster) => format!("cluster/{}", cluster.id),
            Self::Instance(instance) => format!("instance/{}", instance.id),
            Self::Table(table) => format!("table/{}", table.name),
        }
    }

    fn judge(&self, _fleet: &Fleet, _place: &Place) -> Judgement {
        let (status, fine) = match self {
            Self::Cluster(cluster) => (&cluster.status, "available"),
            Self::Instance(instance) => (&instance.status, "available"),
            Self::Table(table) => (&table.status, "ACTIVE"),
        };
        if status == fine {
            Judgement::ok()
        } else {
            Judgement::new(Severity::Warn, format!("{} is {status}", self.id()))
        }
    }

    fn series(&self, _place: &Place) -> Vec<SeriesSpec> {
        let of = |what: &str, name: &str, dimension: &str, stat| {
            SeriesSpec::new(
                series_key(self.id(), what),
                "AWS/RDS",
                name,
                &[(dimension, self.id())],
                stat,
            )
        };
        match self {
            Self::Cluster(cluster) => {
                let mut series = vec![
                    of(
                        "cpu",
                        "CPUUtilization",
                        "DBClusterIdentifier",
                        Stat::Maximum,
                    ),
                    of(
                        "connections",
                        "DatabaseConnections",
                        "DBClusterIdentifier",
                        Stat::Sum,
                    ),
                ];
                // The lag series exist only in secondary Regions and change place with the role (domain 0.4).
                if cluster.global.is_some() && cluster.writer() != Some(true) {
                    series.push(of(
                        "replication-lag",
                        "AuroraGlobalDBReplicationLag",
                        "DBClusterIdentifier",
                        Stat::Maximum,
                    ));
                    series.push(of(
                        "rpo-lag",
                        "AuroraGlobalDBRPOLag",
                        "DBClusterIdentifier",
                        Stat::Maximum,
                    ));
                }
                series
            }
            Self::Instance(instance) => {
                let mut series = vec![
                    of(
                        "cpu",
                        "CPUUtilization",
                        "DBInstanceIdentifier",
                        Stat::Maximum,
                    ),
                    of(
                        "connections",
                        "DatabaseConnections",
                        "DBInstanceIdentifier",
                        Stat::Maximum,
                    ),
                ];
                if instance.source.is_some() {
                    series.push(of(
                        "replica-lag",
                        "ReplicaLag",
                        "DBInstanceIdentifier",
                        Stat::Maximum,
                    ));
                } else if !instance.replicas.is_empty() {
                    series.push(of(
                        "write-iops",
                        "WriteIOPS",
                        "DBInstanceIdentifier",
                        Stat::Average,
                    ));
                }
                series
            }
            Self::Table(table) => {
                let latency = |replica: &TableReplica| SeriesSpec {
                    period: 300,
                    ..SeriesSpec::new(
                        series_key(
                            &table.name,
                            &format!("replication-latency/{}", replica.region),
                        ),
                        "AWS/DynamoDB",
                        "ReplicationLatency",
                        &[
                            ("TableName", &table.name),
                            ("ReceivingRegion", &replica.region),
                        ],
                        Stat::Maximum,
                    )
                };
                table.replicas.iter().map(latency).collect()
            }
        }
    }
}
