//! Weighted forward actions of load balancers: the model, their series, what is wrong with one. Owns what target health means for a load balancer.

pub mod live;
pub mod write;

use serde::{Deserialize, Serialize};

use super::{
    arn_tail,
    share::{Remark, Share},
};
use crate::resources::{
    Judgement, Severity,
    estate::Thresholds,
    metrics::{SeriesSpec, Stat},
};

/// Health of the targets of a target group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TargetHealth {
    /// Targets that take traffic.
    pub healthy: u32,
    /// Targets that do not.
    pub unhealthy: u32,
    /// Initial, draining, unused: they take none now.
    pub other: u32,
    /// Those whose state is not told, not checked (`unavailable`), or none that we know: they may take traffic.
    #[serde(default)]
    pub unknown: u32,
}

impl TargetHealth {
    /// Healthy share in percent of the healthy and unhealthy targets; `None` without targets.
    pub fn percent(self) -> Option<f64> {
        let total = self.healthy + self.unhealthy;
        (total > 0).then(|| f64::from(self.healthy) * 100.0 / f64::from(total))
    }

    /// How many targets there are.
    pub fn total(self) -> u32 {
        self.healthy + self.unhealthy + self.other + self.unknown
    }

    /// Whether the group counts as healthy for an alias record: some target is. An empty group does not; one whose targets are all in between is not known.
    pub fn serves(self) -> Option<bool> {
        if self.healthy > 0 {
            Some(true)
        } else {
            let told = self.unknown == 0 && (self.unhealthy > 0 || self.other == 0);
            told.then_some(false)
        }
    }
}

/// A target group that a listener rule forwards to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Forward {
    /// ARN of the load balancer.
    pub load_balancer_arn: String,
    /// Its name.
    pub load_balancer_name: String,
    /// Its DNS name, by which alias records point to it.
    pub load_balancer_dns: Option<String>,
    /// `application`, `network`, `gateway`.
    pub load_balancer_type: Option<String>,
    /// `active`, `active_impaired` …
    pub load_balancer_state: Option<String>,
    /// ARN of the listener.
    pub listener_arn: String,
    /// ARN of the rule; `None` for the listener's default action.
    pub rule_arn: Option<String>,
    /// Priority of the rule, or `default`.
    pub priority: String,
    /// The conditions of the rule, as one text.
    pub conditions: String,
    /// ARN of the target group.
    pub target_group_arn: String,
    /// Its name.
    pub target_group_name: String,
    /// Weight, 0 to 999; a single target group without one has 1.
    pub weight: u32,
    /// Whether users stick to a target group.
    pub stickiness: bool,
    /// Health; `None` when it could not be read.
    pub health: Option<TargetHealth>,
    /// Whether its action forwards to other target groups, too.
    #[serde(default)]
    pub divided: bool,
}

/// Key of a series of a load balancer; `what` is `requests`, `p95`, `p99`, `target-5xx` or `elb-5xx`.
pub fn load_balancer_key(arn: &str, what: &str) -> String {
    format!("load-balancer/{}/{what}", arn_tail(arn, "loadbalancer/"))
}

/// Key of a series of a target group of its own; `what` is `requests`, `p95`, or one of [`GROUP_FAILURES`].
pub fn target_group_key(arn: &str, what: &str) -> String {
    format!("target-group/{}/{what}", arn_tail(arn, "targetgroup/"))
}

/// The counters of the requests of a target group that failed: answered with 5xx, and never answered because no connection was made.
pub const GROUP_FAILURES: [&str; 2] = ["5xx", "no-connection"];

impl Forward {
    /// Whether its requests are counted apart from those of its load balancer: only where several groups share them, for each metric is billed.
    pub fn counted(&self) -> bool {
        self.divided && self.load_balancer_type.as_deref() == Some("application")
    }

    /// What the verdict on a canary needs.
    fn group_series(&self) -> [SeriesSpec; 4] {
        let (balancer, group) = (&self.load_balancer_arn, &self.target_group_arn);
        let dimensions = [
            ("LoadBalancer", arn_tail(balancer, "loadbalancer/")),
            ("TargetGroup", target_group_dimension(group)),
        ];
        let of = |what: &str, name: &str, stat| {
            let key = target_group_key(group, what);
            SeriesSpec::new(key, "AWS/ApplicationELB", name, &dimensions, stat)
        };
        let [failed, unconnected] = GROUP_FAILURES;
        [
            of("requests", "RequestCount", Stat::Sum),
            of("p95", "TargetResponseTime", Stat::P95),
            of(failed, "HTTPCode_Target_5XX_Count", Stat::Sum),
            of(unconnected, "TargetConnectionErrorCount", Stat::Sum),
        ]
    }

    /// What is wrong with it; `share` is what it gets of the traffic.
    pub(super) fn judge(&self, limits: &Thresholds, share: Option<Share>) -> Judgement {
        let group = &self.target_group_name;
        let whole = if share.is_some_and(|share| share.remark == Some(Remark::NoTraffic)) {
            Judgement::new(
                Severity::Warn,
                format!(
                    "all weights of this action of {} are 0",
                    self.load_balancer_name
                ),
            )
        } else {
            Judgement::ok()
        };
        let health = match self.health {
            None => Judgement::new(
                Severity::Unknown,
                format!("target health of {group} could not be read"),
            ),
            Some(health) => self.judge_targets(health, limits),
        };
        health.worse(self.judge_state()).worse(whole)
    }

    fn judge_targets(&self, health: TargetHealth, limits: &Thresholds) -> Judgement {
        let group = &self.target_group_name;
        match health.percent() {
            None if self.weight > 0 && health.unknown > 0 => Judgement::new(
                Severity::Unknown,
                format!("state unknown of {} targets of {group}", health.unknown),
            ),
            None if self.weight > 0 && health.other > 0 => Judgement::new(
                Severity::Warn,
                format!("none of the targets of {group} takes traffic"),
            ),
            None if self.weight > 0 => {
                Judgement::new(Severity::Warn, format!("{group} has no targets"))
            }
            Some(percent) if percent < limits.healthy_warn_percent => {
                // A group that is meant to get nothing hurts nobody yet.
                let severity = if percent < limits.healthy_bad_percent && self.weight > 0 {
                    Severity::Bad
                } else {
                    Severity::Warn
                };
                Judgement::new(severity, format!("{percent:.0} % of {group} healthy"))
            }
            None | Some(_) => Judgement::ok(),
        }
    }

    fn judge_state(&self) -> Judgement {
        let name = &self.load_balancer_name;
        match self.load_balancer_state.as_deref() {
            None | Some("active") => Judgement::ok(),
            Some("failed") => Judgement::new(Severity::Bad, format!("{name} has failed")),
            Some(state) => Judgement::new(Severity::Warn, format!("{name} is {state}")),
        }
    }

    /// Requests, latency and errors of an application load balancer. Target health needs no metric: it is read anyway, and each metric is billed.
    pub(super) fn series(&self) -> Vec<SeriesSpec> {
        if self.load_balancer_type.as_deref() != Some("application") {
            return Vec::new();
        }
        let arn = &self.load_balancer_arn;
        let dimensions = [("LoadBalancer", arn_tail(arn, "loadbalancer/"))];
        let of = |what: &str, name: &str, stat| {
            let key = load_balancer_key(arn, what);
            SeriesSpec::new(key, "AWS/ApplicationELB", name, &dimensions, stat)
        };
        let mut series = vec![
            of("requests", "RequestCount", Stat::Sum),
            of("p95", "TargetResponseTime", Stat::P95),
            of("p99", "TargetResponseTime", Stat::P99),
            of("target-5xx", "HTTPCode_Target_5XX_Count", Stat::Sum),
            of("elb-5xx", "HTTPCode_ELB_5XX_Count", Stat::Sum),
        ];
        if self.counted() {
            series.extend(self.group_series());
        }
        series
    }
}

/// `targetgroup/NAME/ID`: unlike that of a load balancer, this dimension keeps its first word.
fn target_group_dimension(arn: &str) -> &str {
    arn.find("targetgroup/").map_or(arn, |at| &arn[at..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::{fixtures as f, traffic::Mechanism};

    #[test]
    fn an_empty_group_serves_nobody_and_one_in_between_is_not_known() {
        let health = |healthy, unhealthy, other| TargetHealth {
            healthy,
            unhealthy,
            other,
            unknown: 0,
        };
        assert_eq!(health(0, 0, 0).serves(), Some(false));
        assert_eq!(health(0, 2, 1).serves(), Some(false));
        assert_eq!(health(0, 0, 1).serves(), None);
        assert_eq!(health(1, 9, 0).serves(), Some(true));
        let untold = TargetHealth {
            unknown: 1,
            ..health(0, 2, 0)
        };
        assert_eq!(untold.serves(), None, "the one may take traffic");
    }

    #[test]
    fn a_target_group_is_asked_about_by_both_its_dimensions_and_only_where_it_shares() {
        let Mechanism::Forward(mut forward) = f::forward("web", "blue", 1).by else {
            panic!("a forward");
        };
        let keys = |forward: &Forward| forward.series().len();
        assert_eq!(keys(&forward), 5, "alone, it is its load balancer");
        forward.divided = true;
        let all = forward.series();
        let group = &all[5..];
        let told: Vec<(&str, &str)> = group
            .iter()
            .map(|spec| (spec.key.as_str(), spec.name.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                ("target-group/blue/1/requests", "RequestCount"),
                ("target-group/blue/1/p95", "TargetResponseTime"),
                ("target-group/blue/1/5xx", "HTTPCode_Target_5XX_Count"),
                (
                    "target-group/blue/1/no-connection",
                    "TargetConnectionErrorCount"
                ),
            ]
        );
        // CloudWatch drops the first word of a load balancer and keeps that of a target group.
        let dimensions = [
            ("LoadBalancer".to_owned(), "app/web/1".to_owned()),
            ("TargetGroup".to_owned(), "targetgroup/blue/1".to_owned()),
        ];
        assert!(group.iter().all(|spec| spec.dimensions == dimensions));
        forward.load_balancer_type = Some("network".to_owned());
        assert_eq!(keys(&forward), 0);
    }

    #[test]
    fn targets_whose_state_is_not_known_are_not_said_to_take_no_traffic() {
        let judged = |other, unknown| {
            let Mechanism::Forward(mut forward) = f::forward("web", "blue", 1).by else {
                panic!("a forward");
            };
            forward.health = Some(TargetHealth {
                other,
                unknown,
                ..TargetHealth::default()
            });
            let judgement = forward.judge(&Thresholds::default(), None);
            (judgement.severity, judgement.reason)
        };
        let none = "none of the targets of blue takes traffic".to_owned();
        assert_eq!(judged(2, 0), (Severity::Warn, none));
        let unknown = "state unknown of 1 targets of blue".to_owned();
        assert_eq!(judged(1, 1), (Severity::Unknown, unknown));
    }
}
