//! Releases: which version of each service goes through the regions, how far it is, and what holds it. Owns the model of the board; derived from what is watched, it asks nobody.
//!
//! The clusters' own times say since when a region has a version, so that a restart of the console forgets nothing.

mod build;
pub mod carrier;
mod signals;
mod soak;
mod stand;
mod view;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::{
    build::{Service, all, service},
    carrier::Carrier,
    signals::Seen,
    soak::few,
};
use super::{
    Fleet, Freshness, Judgement, Place, RegionLabel, Resource, Severity, deployments::Owner,
};

/// A version of a service on its way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Release {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// The newest version that runs anywhere: its tag, or the beginning of its digest.
    pub version: String,
    /// The version that it replaces, where one is known.
    pub stable: Option<String>,
    /// The regions that have the service, in the order in which they get a release.
    pub stages: Vec<Stage>,
    /// Regions that have the service and are not in the order.
    pub outside: Vec<RegionLabel>,
    /// Minutes that it soaks in each region.
    pub soak_minutes: u32,
}

/// A region on the way of a release.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    /// The region.
    pub region: RegionLabel,
    /// The version that runs there.
    pub runs: String,
    /// How far the release is there.
    pub state: State,
    /// Since when it is complete there, as the cluster says.
    pub since: Option<Timestamp>,
    /// What was measured since.
    pub evidence: Option<Evidence>,
    /// Who applies the service there and would undo an edit.
    pub owner: Option<Owner>,
    /// What sends releases out there, where that is more than a Deployment: `Rollout shop/checkout`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<String>,
    /// Whether it waits there at a step of its own until somebody promotes it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub promotable: bool,
    /// By how much what is known of it can be trusted.
    pub freshness: Freshness,
}

/// How far a release is in a region.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    /// Another version runs there.
    NotYet,
    /// Somebody holds it there.
    Held {
        /// What is held.
        why: String,
    },
    /// Pods are being replaced.
    RollingOut {
        /// How far, in words.
        how_far: String,
    },
    /// It is complete and watched.
    Soaking {
        /// Seconds until it has been watched for long enough.
        left_seconds: u64,
    },
    /// It was watched for long enough, and nothing broke.
    Done,
    /// It is complete, and whether it is well cannot be told. Never fine.
    Unknown {
        /// Why.
        why: String,
    },
    /// A limit was passed, or its pods fail.
    Breached {
        /// What, where and when.
        why: String,
    },
}

/// What was measured in a soak, beside what the stable version did in the same time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Whose numbers these are: `requests of all services of the region`, `requests of v2`.
    pub of: String,
    /// Minutes that were measured.
    pub minutes: u32,
    /// Requests in them.
    pub requests: f64,
    /// Of these failed.
    pub errors: f64,
    /// p95 in milliseconds, of the slowest minute.
    pub p95_ms: Option<f64>,
    /// Error rate in percent and p95 in milliseconds of the stable version.
    pub stable: Option<(f64, Option<f64>)>,
}

impl Evidence {
    /// Failed requests in percent.
    pub fn error_percent(&self) -> f64 {
        if self.requests > 0.0 {
            self.errors / self.requests * 100.0
        } else {
            0.0
        }
    }
}

impl State {
    /// In one word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::NotYet => "not yet",
            Self::Held { .. } => "held",
            Self::RollingOut { .. } => "rolls out",
            Self::Soaking { .. } => "soaks",
            Self::Done => "done",
            Self::Unknown { .. } => "unknown",
            Self::Breached { .. } => "breached",
        }
    }

    /// In a mark that is read without colour and in ASCII.
    pub fn mark(&self) -> &'static str {
        match self {
            Self::NotYet => "-",
            Self::Held { .. } => "=",
            Self::RollingOut { .. } => ">",
            Self::Soaking { .. } => "~",
            Self::Done => "+",
            Self::Unknown { .. } => "?",
            Self::Breached { .. } => "!",
        }
    }

    /// How bad it is.
    pub fn severity(&self) -> Severity {
        match self {
            Self::NotYet | Self::Soaking { .. } | Self::Done => Severity::Ok,
            Self::Held { .. } | Self::RollingOut { .. } => Severity::Warn,
            Self::Unknown { .. } => Severity::Unknown,
            Self::Breached { .. } => Severity::Bad,
        }
    }
}

impl Stage {
    /// Whether the region has the release, complete.
    pub fn complete(&self) -> bool {
        match &self.state {
            State::Soaking { .. } | State::Done => true,
            State::Unknown { .. } | State::Breached { .. } => self.since.is_some(),
            State::NotYet | State::Held { .. } | State::RollingOut { .. } => false,
        }
    }

    /// What keeps the next region from getting the release; `None` where this one has done its part.
    pub fn holds_up(&self) -> Option<String> {
        let region = &self.region;
        Some(match &self.state {
            State::Done => return None,
            State::NotYet => format!("{region} runs {}", self.runs),
            State::Held { why } => format!("{region} is held: {why}"),
            State::RollingOut { how_far } => format!("{region} rolls out: {how_far}"),
            State::Soaking { left_seconds } => {
                format!("{region} soaks, {} left", minutes(*left_seconds))
            }
            State::Unknown { why } | State::Breached { why } => format!("{region}: {why}"),
        })
    }
}

impl Release {
    /// Whether every region of the order has it, and has done its part.
    pub fn finished(&self) -> bool {
        let mut stages = self.stages.iter();
        stages.all(|stage| stage.state == State::Done)
    }

    /// The first region that does not have it yet.
    pub fn next(&self) -> Option<&Stage> {
        let mut stages = self.stages.iter();
        stages.find(|stage| !stage.complete())
    }

    /// The regions before another one in the order; `None` for a region that is not in it.
    pub fn before(&self, region: &RegionLabel) -> Option<&[Stage]> {
        let mut stages = self.stages.iter();
        let at = stages.position(|stage| stage.region == *region)?;
        self.stages.get(..at)
    }

    /// What keeps a region from getting it: what the regions before it have not done.
    pub fn held_up_before(&self, region: &RegionLabel) -> Vec<String> {
        let before = self.before(region).unwrap_or_default();
        before.iter().filter_map(Stage::holds_up).collect()
    }

    /// One region of it.
    pub fn stage(&self, region: &RegionLabel) -> Option<&Stage> {
        let mut stages = self.stages.iter();
        stages.find(|stage| stage.region == *region)
    }

    /// The stage that says most about it now: the worst one that is not merely waiting, else the one furthest on its way.
    fn foremost(&self) -> Option<&Stage> {
        let severe = |stage: &&Stage| stage.state.severity() > Severity::Ok;
        let worst = self.stages.iter().filter(severe);
        let worst = worst.max_by_key(|stage| stage.state.severity());
        let soaks = |stage: &&Stage| matches!(stage.state, State::Soaking { .. });
        worst.or_else(|| self.stages.iter().rev().find(soaks))
    }
}

/// Seconds in whole minutes, the last one begun counted: `12 min`.
pub fn minutes(seconds: u64) -> String {
    format!("{} min", seconds.div_ceil(60))
}

impl Resource for Release {
    fn key(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }

    fn judge(&self, _fleet: &Fleet, _place: &Place) -> Judgement {
        let Some(stage) = self.foremost() else {
            return Judgement::ok();
        };
        let severity = stage.state.severity();
        if severity == Severity::Ok {
            return Judgement::ok();
        }
        Judgement::new(severity, stage.holds_up().unwrap_or_default())
    }
}

#[cfg(test)]
mod carried_tests;
#[cfg(test)]
mod tests;
