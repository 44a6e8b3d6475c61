//! DynamoDB global tables. Owns which replica states are broken; every replica takes writes, so there is nothing to promote, and conflicts are invisible to AWS (domain 0.3); no call.

pub mod live;

use serde::{Deserialize, Serialize};

use super::series_key;
use crate::resources::{
    Fleet, Judgement, Place,
    metrics::{Reading, SeriesSpec, Stat},
    rules::{UNKNOWN, Words, judge_lag},
};

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
    /// Replicas, as `DescribeTable` lists them; some implementations list the Region that was asked among them.
    pub replicas: Vec<TableReplica>,
}

/// Status words of tables and of their replicas.
const STATUS: Words = Words {
    fine: &["ACTIVE"],
    passing: &["CREATING", "UPDATING", "DELETING", "ARCHIVING"],
    broken: &[
        "ARCHIVED",
        "CREATION_FAILED",
        "INACCESSIBLE_ENCRYPTION_CREDENTIALS",
        "REGION_DISABLED",
        "REPLICATION_NOT_AUTHORIZED",
    ],
};

impl TableReplica {
    fn judge(&self, table: &str) -> Judgement {
        let status = self.status.as_deref().unwrap_or(UNKNOWN);
        let mut judgement = STATUS.judge(&format!("replica {} of {table}", self.region), status);
        if let Some(since) = self.inaccessible_since
            && !judgement.reason.is_empty()
        {
            judgement.reason = format!(
                "{} since {since}; DynamoDB removes it after 20 h",
                judgement.reason
            );
        }
        judgement
    }
}

impl Table {
    /// The AWS Region that listed it.
    fn region(&self) -> Option<&str> {
        self.arn.as_deref()?.split(':').nth(3)
    }

    /// The replicas in other Regions.
    pub fn remote_replicas(&self) -> impl Iterator<Item = &TableReplica> {
        self.replicas
            .iter()
            .filter(|replica| Some(replica.region.as_str()) != self.region())
    }

    fn latency_key(&self, replica: &TableReplica) -> String {
        series_key(
            &self.name,
            &format!("replication-latency/{}", replica.region),
        )
    }

    /// Replication latency to the worst of its replicas whose latency is known, in milliseconds.
    pub fn lag_ms(&self, fleet: &Fleet, place: &Place) -> Reading {
        self.remote_replicas()
            .map(|replica| fleet.reading(place, &self.latency_key(replica)))
            .reduce(|a, b| if a.usable() >= b.usable() { a } else { b })
            .unwrap_or(Reading::NoData)
    }

    /// How bad it is and why.
    pub fn judge(&self, fleet: &Fleet, place: &Place) -> Judgement {
        let replicas = self
            .replicas
            .iter()
            .map(|replica| replica.judge(&self.name));
        let warn = fleet.estate.thresholds.table_lag_warn_ms;
        let latencies = self.remote_replicas().map(|replica| {
            let what = format!("replication latency of {} to {}", self.name, replica.region);
            judge_lag(
                &what,
                fleet.reading(place, &self.latency_key(replica)),
                warn,
                None,
            )
        });
        replicas
            .chain(latencies)
            .fold(STATUS.judge(&self.name, &self.status), Judgement::worse)
    }

    /// The series that its values come from: published in the source Region, once per receiving Region, every five minutes.
    pub fn series(&self) -> Vec<SeriesSpec> {
        self.remote_replicas()
            .map(|replica| SeriesSpec {
                period: 300,
                ..SeriesSpec::new(
                    self.latency_key(replica),
                    "AWS/DynamoDB",
                    "ReplicationLatency",
                    &[
                        ("TableName", &self.name),
                        ("ReceivingRegion", &replica.region),
                    ],
                    Stat::Maximum,
                )
            })
            .collect()
    }
}

#[cfg(test)]
mod tests;
