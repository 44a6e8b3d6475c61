//! Route 53 health checks. Owns what "healthy" means (inverted, disabled, fail-open) as pure functions.

pub mod live;
pub mod sim;
mod view;

use serde::{Deserialize, Serialize};

use super::{
    Fleet, Judgement, Place, Resource, Severity,
    metrics::{SeriesSpec, Stat},
};

/// A health check as `ListHealthChecks` gives it. Its state comes from the metric `HealthCheckStatus`, because `GetHealthCheckStatus` is not meant for polling.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthCheck {
    /// Id.
    pub id: String,
    /// `HTTP`, `CALCULATED`, `RECOVERY_CONTROL` …
    pub check_type: String,
    /// What is checked, as one text: `https://host:port/path`, an alarm, a control.
    pub target: String,
    /// Seconds between checks: 10 or 30; `None` for types without.
    pub interval_seconds: Option<u32>,
    /// Failures in a row that flip it.
    pub failure_threshold: Option<u32>,
    /// Whether the result is turned round.
    pub inverted: bool,
    /// A disabled check counts as healthy.
    pub disabled: bool,
    /// Ids of the children of a calculated check.
    pub children: Vec<String>,
    /// The routing control that decides it, for `RECOVERY_CONTROL`.
    pub routing_control_arn: Option<String>,
    /// Version, the compare-and-set token of updates.
    pub version: Option<i64>,
}

/// Key of the series with 1 for healthy and 0 for not.
pub fn status_key(id: &str) -> String {
    format!("health-check/{id}/status")
}

/// Key of the series with the share of checkers, in percent, that say healthy.
pub fn percentage_key(id: &str) -> String {
    format!("health-check/{id}/percentage")
}

impl HealthCheck {
    /// Seconds until a failure flips the check: interval × threshold.
    pub fn detection_seconds(&self) -> Option<u32> {
        Some(self.interval_seconds? * self.failure_threshold?)
    }
}

/// Whether Route 53 takes the target of a check for healthy. `None` means that we do not know.
pub fn healthy(fleet: &Fleet, id: &str) -> Option<bool> {
    let check = fleet
        .health_checks
        .rows()
        .map(|(_, _, check)| check)
        .find(|check| check.id == id);
    if check.is_some_and(|check| check.disabled) {
        return Some(true);
    }
    // `HealthCheckStatus` already has the inversion applied.
    fleet
        .reading(&Place::Global, &status_key(id))
        .usable()
        .map(|value| value >= 0.5)
}

impl Resource for HealthCheck {
    fn key(&self) -> String {
        self.id.clone()
    }

    fn judge(&self, fleet: &Fleet, _place: &Place) -> Judgement {
        if self.disabled {
            return Judgement::new(
                Severity::Warn,
                format!("{} is disabled, so it counts as healthy", self.id),
            );
        }
        match healthy(fleet, &self.id) {
            Some(true) if self.inverted => {
                Judgement::new(Severity::Warn, format!("{} is inverted", self.id))
            }
            Some(true) => Judgement::ok(),
            Some(false) => Judgement::new(Severity::Bad, format!("{} fails", self.target)),
            None => Judgement::new(Severity::Unknown, format!("no state for {}", self.target)),
        }
    }

    fn series(&self, _place: &Place) -> Vec<SeriesSpec> {
        let dimensions = [("HealthCheckId", self.id.as_str())];
        vec![
            SeriesSpec::new(
                status_key(&self.id),
                "AWS/Route53",
                "HealthCheckStatus",
                &dimensions,
                Stat::Minimum,
            ),
            SeriesSpec::new(
                percentage_key(&self.id),
                "AWS/Route53",
                "HealthCheckPercentageHealthy",
                &dimensions,
                Stat::Average,
            ),
        ]
    }
}
