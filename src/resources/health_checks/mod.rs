//! Route 53 health checks. Owns what "healthy" means (inverted, disabled, fail-open) as pure functions.

pub mod live;
pub mod sim;
mod view;

use serde::{Deserialize, Serialize};

use super::{
    Fleet, Judgement, Place, Resource, Severity, Source,
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
        self.interval_seconds?.checked_mul(self.failure_threshold?)
    }
}

/// A check by its id. Answers are kept sorted by id, so that many can be looked up; a list in another order is searched through.
pub(super) fn check<'a>(fleet: &'a Fleet, id: &str) -> Option<&'a HealthCheck> {
    let rows = &fleet
        .health_checks
        .slice(Source::HealthChecks, &Place::Global)?
        .rows;
    rows.binary_search_by(|check| check.id.as_str().cmp(id))
        .ok()
        .or_else(|| rows.iter().position(|check| check.id == id))
        .map(|index| &rows[index])
}

/// Whether a check is known to be disabled.
pub fn disabled(fleet: &Fleet, id: &str) -> bool {
    check(fleet, id).is_some_and(|check| check.disabled)
}

/// Whether Route 53 takes the target of a check for healthy. `None` means that we do not know.
pub fn healthy(fleet: &Fleet, id: &str) -> Option<bool> {
    let check = check(fleet, id);
    // The data plane knows a routing control at once and without us-east-1; the metric follows a minute later.
    let by_control = check.filter(|check| !check.disabled).and_then(|check| {
        let on = fleet
            .shares
            .control(check.routing_control_arn.as_deref()?)?;
        Some(on != check.inverted)
    });
    by_control.or_else(|| state(fleet, check, id))
}

/// The same by configuration and metric alone.
pub fn state(fleet: &Fleet, check: Option<&HealthCheck>, id: &str) -> Option<bool> {
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

    /// Each metric is billed: the share of checkers exists only for checks that checkers make.
    fn series(&self, _place: &Place) -> Vec<SeriesSpec> {
        let dimensions = [("HealthCheckId", self.id.as_str())];
        let of = |key: String, name: &str, stat| {
            SeriesSpec::new(key, "AWS/Route53", name, &dimensions, stat)
        };
        let status = of(status_key(&self.id), "HealthCheckStatus", Stat::Minimum);
        let derived = ["CALCULATED", "CLOUDWATCH_METRIC", "RECOVERY_CONTROL"];
        if self.disabled {
            Vec::new()
        } else if derived.contains(&self.check_type.as_str()) {
            vec![status]
        } else {
            let percentage = of(
                percentage_key(&self.id),
                "HealthCheckPercentageHealthy",
                Stat::Average,
            );
            vec![status, percentage]
        }
    }
}
