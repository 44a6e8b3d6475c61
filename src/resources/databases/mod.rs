//! Databases: Aurora global clusters and clusters, RDS instances with cross-region replicas, DynamoDB global tables. Owns the row that unites them; each store owns its model and judgement; no call.

pub mod change;
mod dynamodb;
#[cfg(test)]
pub(crate) mod fixtures;
pub mod live;
mod rds;
pub mod sim;
mod view;

use serde::{Deserialize, Serialize};

use super::{
    Fleet, Judgement, Place, Resource,
    metrics::{Reading, SeriesSpec},
};

pub use change::Change;
pub use dynamodb::{Table, TableReplica};
pub use rds::{
    cluster::{ClusterInstance, DbCluster},
    global::{FailoverState, GlobalCluster, GlobalMember},
    instance::{DbInstance, ReplicaStatus},
};

/// A database of any store, as seen from one region.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "store", rename_all = "snake_case")]
pub enum Database {
    /// An Aurora, Multi-AZ, DocumentDB or Neptune DB cluster: the RDS API lists them all.
    Cluster(DbCluster),
    /// A DB instance outside any cluster.
    Instance(DbInstance),
    /// A DynamoDB global table.
    Table(Table),
}

/// Key of a series of a database; `what` is `replication-lag`, `rpo-lag`, `replica-lag`, `cpu`, `connections`, `write-iops` or `replication-latency/REGION`.
pub fn series_key(id: &str, what: &str) -> String {
    format!("database/{id}/{what}")
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

    /// Its ARN.
    pub fn arn(&self) -> Option<&str> {
        match self {
            Self::Cluster(cluster) => cluster.arn.as_deref(),
            Self::Instance(instance) => instance.arn.as_deref(),
            Self::Table(table) => table.arn.as_deref(),
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

    /// Replication lag into it (out of it, for a table: the worst of its replicas) in milliseconds. Negative means that replication is broken.
    pub fn lag_ms(&self, fleet: &Fleet, place: &Place) -> Reading {
        match self {
            Self::Cluster(cluster) => cluster.lag_ms(fleet, place),
            Self::Instance(instance) => instance.lag_ms(fleet, place),
            Self::Table(table) => table.lag_ms(fleet, place),
        }
    }

    /// How much would be lost by a failover into it now, in milliseconds of writes: the RPO lag of a global cluster's secondary, else the replication lag.
    pub fn loss_ms(&self, fleet: &Fleet, place: &Place) -> Reading {
        match self {
            Self::Cluster(cluster) => cluster.loss_ms(fleet, place),
            Self::Instance(_) | Self::Table(_) => self.lag_ms(fleet, place),
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

    fn judge(&self, fleet: &Fleet, place: &Place) -> Judgement {
        match self {
            Self::Cluster(cluster) => cluster.judge(fleet, place),
            Self::Instance(instance) => instance.judge(fleet, place),
            Self::Table(table) => table.judge(fleet, place),
        }
    }

    fn series(&self, _place: &Place) -> Vec<SeriesSpec> {
        match self {
            Self::Cluster(cluster) => cluster.series(),
            Self::Instance(instance) => instance.series(),
            Self::Table(table) => table.series(),
        }
    }
}
