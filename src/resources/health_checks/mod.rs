//! Route 53 health checks. Owns what "healthy" means (inverted, disabled, fail-open) as pure functions.

pub mod change;
pub mod live;
pub mod sim;
mod view;
pub mod write;

use serde::{Deserialize, Serialize};

pub use self::change::Change;

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
    judged(fleet, id, |arn| fleet.shares.control(arn))
}

/// The same, where `control` tells the states of routing controls.
pub fn judged(fleet: &Fleet, id: &str, control: impl Fn(&str) -> Option<bool>) -> Option<bool> {
    let own = check(fleet, id);
    let enabled = own.filter(|check| !check.disabled);
    // The data plane knows a routing control at once and without us-east-1; the metric follows a minute later.
    let by_control = |check: &HealthCheck| {
        let on = control(check.routing_control_arn.as_deref()?)?;
        Some(on != check.inverted)
    };
    // So does what is calculated from one: with all its children healthy it is healthy, whatever its late metric says.
    let by_children = |parent: &HealthCheck| {
        let child = |id: &String| {
            let own = check(fleet, id);
            let by_control = own.filter(|check| !check.disabled).and_then(by_control);
            (
                by_control.is_some(),
                by_control.or_else(|| state(fleet, own, id)),
            )
        };
        let children: Vec<(bool, Option<bool>)> = parent.children.iter().map(child).collect();
        let gated = children.iter().any(|(gated, _)| *gated);
        let all = children.iter().all(|(_, healthy)| *healthy == Some(true));
        (gated && all).then_some(!parent.inverted)
    };
    enabled
        .and_then(|check| by_control(check).or_else(|| by_children(check)))
        .or_else(|| state(fleet, own, id))
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

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use jiff::Timestamp;

    use super::*;
    use crate::resources::{
        Answer, Estate, Query, Rows, Wanted,
        metrics::{Point, Quality, Series},
    };

    fn check(id: &str, check_type: &str) -> HealthCheck {
        HealthCheck {
            id: id.to_owned(),
            check_type: check_type.to_owned(),
            target: format!("https://{id}"),
            interval_seconds: Some(10),
            failure_threshold: Some(3),
            inverted: false,
            disabled: false,
            children: Vec::new(),
            routing_control_arn: None,
            version: None,
        }
    }

    fn fleet(checks: Vec<HealthCheck>, status: &[(&str, f64)]) -> Fleet {
        let now = Timestamp::from_second(1_000_000).unwrap();
        let mut fleet = Fleet::new(Arc::new(Estate::default()), now);
        let series = |(id, value): &(&str, f64)| Series {
            spec: check(id, "HTTPS").series(&Place::Global).remove(0),
            points: vec![Point {
                at: now - Duration::from_secs(130),
                value: *value,
            }],
            quality: Quality::Complete,
        };
        let mut metrics: Vec<Series> = status.iter().map(series).collect();
        metrics.sort_by(|a, b| a.spec.key.cmp(&b.spec.key));
        for (source, rows) in [
            (Source::HealthChecks, Rows::HealthChecks(checks)),
            (Source::Metrics, Rows::Metrics(metrics)),
        ] {
            let query = Query {
                source,
                place: Place::Global,
                wanted: Wanted::Nothing,
                read: 0,
            };
            fleet.accept(&query, Answer::of(rows), now, Duration::ZERO);
        }
        fleet
    }

    #[test]
    fn health_is_what_the_metric_says_and_unknown_without_it() {
        let checks = ["a", "b", "c"].map(|id| check(id, "HTTPS"));
        let fleet = fleet(checks.into(), &[("a", 1.0), ("b", 0.0)]);
        let healthy = ["a", "b", "c"].map(|id| healthy(&fleet, id));
        assert_eq!(healthy, [Some(true), Some(false), None]);
        let judged = |id| check(id, "HTTPS").judge(&fleet, &Place::Global).severity;
        assert_eq!(judged("a"), Severity::Ok);
        assert_eq!(judged("b"), Severity::Bad);
        assert_eq!(judged("c"), Severity::Unknown);
    }

    #[test]
    fn a_disabled_check_is_healthy_whatever_order_the_list_has() {
        let mut off = check("a", "HTTPS");
        off.disabled = true;
        let fleet = fleet(
            vec![check("z", "TCP"), check("m", "TCP"), off],
            &[("a", 0.0)],
        );
        assert_eq!(healthy(&fleet, "a"), Some(true));
        assert!(disabled(&fleet, "a") && !disabled(&fleet, "z"));
    }

    #[test]
    fn only_metrics_that_exist_are_asked_for() {
        let count = |check: &HealthCheck| check.series(&Place::Global).len();
        assert_eq!(count(&check("a", "HTTPS")), 2);
        assert_eq!(count(&check("a", "CALCULATED")), 1);
        let mut off = check("a", "HTTPS");
        off.disabled = true;
        assert_eq!(count(&off), 0);
    }

    #[test]
    fn detection_takes_interval_times_threshold() {
        assert_eq!(check("a", "HTTPS").detection_seconds(), Some(30));
        let mut huge = check("a", "HTTPS");
        huge.interval_seconds = Some(u32::MAX);
        assert_eq!(huge.detection_seconds(), None);
    }
}
