//! DB instances outside any cluster, and their read replicas. Owns the two traps of `ReplicaLag`: −1 is "broken", and an idle PostgreSQL source makes it climb although nothing is missing; no call.

use serde::{Deserialize, Serialize};

use super::STATUS;
use crate::resources::{
    Fleet, Judgement, Place, Severity,
    cell::milliseconds,
    databases::{Database, series_key},
    metrics::{Reading, SeriesSpec, Stat},
    rules::judge_lag,
};

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

/// Writes per second below which a source counts as idle: what PostgreSQL writes by itself stays under it.
const IDLE_WRITE_IOPS: f64 = 1.0;

/// An idle source writes a heartbeat every five minutes, so that the reported lag climbs to that and falls again.
const IDLE_LAG_MS: f64 = 300_000.0;

impl DbInstance {
    /// Replication lag into it in milliseconds (`ReplicaLag` is in seconds); negative when replication is broken.
    pub fn lag_ms(&self, fleet: &Fleet, place: &Place) -> Reading {
        fleet
            .reading(place, &series_key(&self.id, "replica-lag"))
            .map(|seconds| seconds * 1_000.0)
    }

    /// How bad it is and why.
    pub fn judge(&self, fleet: &Fleet, place: &Place) -> Judgement {
        let replication = self
            .replica_status
            .as_ref()
            .map_or_else(Judgement::ok, |status| status.judge(&self.id));
        let own = STATUS.judge(&self.id, &self.status).worse(replication);
        let lag = self.judge_lag(fleet, place);
        if own.severity == Severity::Ok {
            lag // with its reason, for a lag that is excused
        } else {
            own.worse(lag)
        }
    }

    fn judge_lag(&self, fleet: &Fleet, place: &Place) -> Judgement {
        let Some(source) = &self.source else {
            return Judgement::ok();
        };
        let lag = self.lag_ms(fleet, place);
        if lag.usable().is_some_and(|lag| lag < 0.0) {
            return Judgement::new(
                Severity::Bad,
                format!("replication into {} is broken (ReplicaLag −1)", self.id),
            );
        }
        let limits = &fleet.estate.thresholds;
        let judgement = judge_lag(
            &format!("replication lag of {}", self.id),
            lag,
            limits.database_lag_warn_ms,
            Some(limits.database_lag_bad_ms),
        );
        let may_be_idle =
            self.engine.contains("postgres") && lag.usable().is_some_and(|lag| lag <= IDLE_LAG_MS);
        if judgement.severity < Severity::Warn || !may_be_idle {
            return judgement;
        }
        let writes = source_writes(fleet, place, source);
        match writes.usable() {
            Some(writes) if writes < IDLE_WRITE_IOPS => Judgement::new(
                Severity::Ok,
                format!(
                    "reported lag {}, but the source is idle ({writes:.1} writes/s): nothing is missing",
                    milliseconds(lag.usable().unwrap_or_default())
                ),
            ),
            Some(_) => judgement,
            None => Judgement {
                reason: format!(
                    "{}; whether the source is idle is not known",
                    judgement.reason
                ),
                ..judgement
            },
        }
    }

    /// The series that its values come from; the writes of a source are read for the idle-source rule of its replicas.
    pub fn series(&self) -> Vec<SeriesSpec> {
        let of = |what: &str, name: &str, stat| {
            let dimensions = [("DBInstanceIdentifier", self.id.as_str())];
            SeriesSpec::new(
                series_key(&self.id, what),
                "AWS/RDS",
                name,
                &dimensions,
                stat,
            )
        };
        let mut series = vec![
            of("cpu", "CPUUtilization", Stat::Maximum),
            of("connections", "DatabaseConnections", Stat::Maximum),
        ];
        if self.source.is_some() {
            series.push(of("replica-lag", "ReplicaLag", Stat::Maximum));
        }
        if !self.replicas.is_empty() {
            series.push(of("write-iops", "WriteIOPS", Stat::Average));
        }
        series
    }
}

impl ReplicaStatus {
    fn judge(&self, id: &str) -> Judgement {
        if self.normal {
            return Judgement::ok();
        }
        let status = self.status.as_deref().unwrap_or("not normal");
        let message = self
            .message
            .as_deref()
            .filter(|message| !message.is_empty());
        Judgement::new(
            Severity::Bad,
            match message {
                Some(message) => format!("replication into {id} is {status}: {message}"),
                None => format!("replication into {id} is {status}"),
            },
        )
    }
}

/// The writes per second of a replica's source, wherever in the estate it is.
fn source_writes(fleet: &Fleet, place: &Place, source: &str) -> Reading {
    let found = fleet.databases.rows().find_map(|(_, at, row)| match row {
        Database::Instance(instance) => {
            let same = if source.starts_with("arn:") {
                instance.arn.as_deref() == Some(source)
            } else {
                at == place && instance.id == source
            };
            same.then_some((at, instance))
        }
        Database::Cluster(_) | Database::Table(_) => None,
    });
    found.map_or(Reading::NeverRead, |(at, instance)| {
        fleet.reading(at, &series_key(&instance.id, "write-iops"))
    })
}

#[cfg(test)]
mod tests;
