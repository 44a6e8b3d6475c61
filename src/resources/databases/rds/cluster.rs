//! DB clusters. Owns who the writer is and what of a cluster is wrong; no call.

use serde::{Deserialize, Serialize};

use super::{
    STATUS,
    global::{GlobalCluster, GlobalMember, short},
};
use crate::resources::{
    Fleet, Judgement, Place, Severity,
    databases::series_key,
    metrics::{Reading, SeriesSpec, Stat},
    rules::judge_lag,
};

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
    /// `aurora-postgresql` …; `docdb` and `neptune` come through the same API.
    pub engine: String,
    /// Version.
    pub engine_version: Option<String>,
    /// Whether several Availability Zones hold it.
    pub multi_az: Option<bool>,
    /// Instances.
    pub instances: Vec<ClusterInstance>,
    /// The global cluster that it is a member of.
    pub global: Option<GlobalCluster>,
    /// ARN of what it replicates outside a global cluster (Aurora MySQL across Regions, a migration from RDS); `None` for a writer.
    #[serde(default)]
    pub source: Option<String>,
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

    /// Whether it takes writes: the writer of its global cluster, or any cluster outside one that replicates nothing.
    pub fn writer(&self) -> Option<bool> {
        match &self.global {
            None => Some(self.source.is_none()),
            Some(_) => self.membership().map(|member| member.writer),
        }
    }

    /// Replication lag into a secondary in milliseconds.
    pub fn lag_ms(&self, fleet: &Fleet, place: &Place) -> Reading {
        fleet.reading(place, &series_key(&self.id, "replication-lag"))
    }

    /// The writes that a failover into this secondary would lose, in milliseconds.
    pub fn loss_ms(&self, fleet: &Fleet, place: &Place) -> Reading {
        let rpo = fleet.reading(place, &series_key(&self.id, "rpo-lag"));
        if rpo.usable().is_some() {
            rpo
        } else {
            self.lag_ms(fleet, place)
        }
    }

    /// How bad it is and why.
    pub fn judge(&self, fleet: &Fleet, place: &Place) -> Judgement {
        STATUS
            .judge(&self.id, &self.status)
            .worse(self.judge_membership())
            .worse(self.judge_instances())
            .worse(self.judge_lag(fleet, place))
    }

    fn judge_membership(&self) -> Judgement {
        let Some(global) = &self.global else {
            return Judgement::ok();
        };
        let own = match (self.membership(), global.members.is_empty()) {
            (Some(member), _) => member.judge(&self.id),
            (None, true) => Judgement::ok(), // said of the global cluster as a whole
            (None, false) => Judgement::new(
                Severity::Unknown,
                format!(
                    "{} is not among the members of its global cluster {}",
                    self.id, global.id
                ),
            ),
        };
        // A member whose own Region is not watched, or is gone, is seen from the writer only; there it warns.
        let others = global
            .members
            .iter()
            .filter(|member| {
                self.writer() == Some(true) && Some(member.arn.as_str()) != self.arn.as_deref()
            })
            .map(|member| member.judge(&short(&member.arn)))
            .map(|judgement| Judgement {
                severity: judgement.severity.min(Severity::Warn),
                ..judgement
            });
        others.fold(global.judge().worse(own), Judgement::worse)
    }

    fn judge_instances(&self) -> Judgement {
        if self.instances.is_empty() {
            return Judgement::new(
                Severity::Warn,
                format!(
                    "{} has no instance: it serves nothing until one is added",
                    self.id
                ),
            );
        }
        let writers = self
            .instances
            .iter()
            .filter(|instance| instance.writer)
            .count();
        let writer = match (self.writer(), writers) {
            // What a secondary calls its writer takes no writes, so its absence means nothing.
            (_, 1) | (Some(false) | None, 0) => Judgement::ok(),
            (Some(true), 0) => Judgement::new(
                Severity::Bad,
                format!("no instance of {} takes writes", self.id),
            ),
            (Some(_) | None, _) => Judgement::new(
                Severity::Bad,
                format!("{writers} instances of {} claim the writer", self.id),
            ),
        };
        self.instances
            .iter()
            .map(ClusterInstance::judge)
            .fold(writer, Judgement::worse)
    }

    fn judge_lag(&self, fleet: &Fleet, place: &Place) -> Judgement {
        // Outside a global cluster there is no lag series of the cluster.
        if self.global.is_none() || self.writer() != Some(false) {
            return Judgement::ok();
        }
        let limits = &fleet.estate.thresholds;
        judge_lag(
            &format!("replication lag of {}", self.id),
            self.lag_ms(fleet, place),
            limits.database_lag_warn_ms,
            Some(limits.database_lag_bad_ms),
        )
    }

    /// The series that its values come from. The lag series exist only in secondary Regions and change place with the role (domain 0.4).
    pub fn series(&self) -> Vec<SeriesSpec> {
        let namespace = match self.engine.as_str() {
            "docdb" => "AWS/DocDB",
            "neptune" => "AWS/Neptune",
            _ => "AWS/RDS",
        };
        let of = |what: &str, name: &str, stat| {
            let dimensions = [("DBClusterIdentifier", self.id.as_str())];
            SeriesSpec::new(
                series_key(&self.id, what),
                namespace,
                name,
                &dimensions,
                stat,
            )
        };
        let mut series = vec![of("cpu", "CPUUtilization", Stat::Maximum)];
        if namespace != "AWS/Neptune" {
            series.push(of("connections", "DatabaseConnections", Stat::Sum));
        }
        if self.global.is_some() && self.writer() != Some(true) && namespace == "AWS/RDS" {
            series.push(of(
                "replication-lag",
                "AuroraGlobalDBReplicationLag",
                Stat::Maximum,
            ));
            series.push(of("rpo-lag", "AuroraGlobalDBRPOLag", Stat::Maximum));
        }
        series
    }
}

impl ClusterInstance {
    fn judge(&self) -> Judgement {
        let Some(status) = &self.status else {
            return Judgement::new(
                Severity::Unknown,
                format!("the status of instance {} is not known", self.id),
            );
        };
        let judgement = STATUS.judge(&format!("instance {}", self.id), status);
        if self.writer {
            judgement
        } else {
            // A reader that is down costs reads and a place to fail over to, not the database.
            Judgement {
                severity: judgement.severity.min(Severity::Warn),
                ..judgement
            }
        }
    }
}

#[cfg(test)]
mod tests;
