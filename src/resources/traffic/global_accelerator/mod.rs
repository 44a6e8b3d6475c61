//! Endpoint groups of Global Accelerator: the model, their series, what is wrong with one. Must never edit an endpoint list.

pub mod live;
pub mod write;

use serde::{Deserialize, Serialize};

use super::share::{Remark, Share};
use crate::resources::{
    Judgement, Severity,
    metrics::{SeriesSpec, Stat},
};

/// An endpoint of an endpoint group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// ARN or id.
    pub id: String,
    /// Weight, 0 to 255.
    pub weight: Option<i32>,
    /// `HEALTHY`, `UNHEALTHY`, `INITIAL`, or a value not known yet.
    pub health: Option<String>,
}

/// A Global Accelerator endpoint group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EndpointGroup {
    /// ARN of the accelerator.
    pub accelerator_arn: String,
    /// Its name.
    pub accelerator_name: String,
    /// `DEPLOYED` or `IN_PROGRESS`.
    pub accelerator_status: Option<String>,
    /// Whether the accelerator takes traffic.
    pub accelerator_enabled: bool,
    /// ARN of the listener.
    pub listener_arn: String,
    /// ARN of the group.
    pub group_arn: String,
    /// AWS Region of the group.
    pub region: String,
    /// Percent, 0 to 100, of the traffic that would reach this group; not a share of the total.
    pub dial: f64,
    /// Its endpoints.
    pub endpoints: Vec<Endpoint>,
}

/// Key of the series with the new flows of an endpoint group.
pub fn new_flows_key(accelerator_arn: &str, region: &str) -> String {
    format!(
        "accelerator/{}/{region}/new-flows",
        super::arn_tail(accelerator_arn, "accelerator/")
    )
}

impl EndpointGroup {
    /// Whether traffic can go to it: some endpoint with a weight above 0 is healthy. `None` while that is not known.
    pub fn healthy(&self) -> Option<bool> {
        let mut endpoints = self
            .endpoints
            .iter()
            .filter(|endpoint| endpoint.weight != Some(0))
            .map(|endpoint| endpoint.health.as_deref());
        let all_bad = endpoints.clone().all(|health| health == Some("UNHEALTHY"));
        if endpoints.any(|health| health == Some("HEALTHY")) {
            Some(true)
        } else {
            all_bad.then_some(false)
        }
    }

    /// What is wrong with it; `share` is what it gets of the traffic.
    pub(super) fn judge(&self, share: Option<Share>) -> Judgement {
        let region = &self.region;
        if !self.accelerator_enabled {
            let reason = format!("{} is disabled", self.accelerator_name);
            return Judgement::new(Severity::Warn, reason);
        }
        if share.is_some_and(|share| share.remark == Some(Remark::FailOpen)) {
            let reason = format!(
                "no endpoint group of {} is healthy, so it sends traffic to all of them (fail-open)",
                self.accelerator_name
            );
            return Judgement::new(Severity::Bad, reason);
        }
        let unhealthy = self
            .endpoints
            .iter()
            .filter(|endpoint| endpoint.health.as_deref() == Some("UNHEALTHY"))
            .count();
        let health = match (self.healthy(), self.endpoints.len()) {
            (Some(false), 0) => {
                Judgement::new(Severity::Warn, format!("{region} has no endpoints"))
            }
            (Some(false), _) => {
                Judgement::new(Severity::Bad, format!("no endpoint of {region} is healthy"))
            }
            (Some(true), _) if unhealthy > 0 => Judgement::new(
                Severity::Warn,
                format!("{unhealthy} endpoints of {region} are unhealthy"),
            ),
            (Some(true), _) => Judgement::ok(),
            (None, _) => Judgement::new(
                Severity::Unknown,
                format!("health of {region} is not known yet"),
            ),
        };
        match share.and_then(|share| share.remark) {
            Some(remark @ (Remark::AllZero | Remark::ZeroWeightAnswers)) => {
                let name = &self.accelerator_name;
                health.worse(Judgement::new(
                    Severity::Warn,
                    format!("{name}: {}", remark.words()),
                ))
            }
            Some(_) | None => health,
        }
    }

    /// Only what is shown: each metric is billed. The dimension `EndpointGroup` is the name of the Region.
    pub(super) fn series(&self) -> Vec<SeriesSpec> {
        let dimensions = [
            (
                "Accelerator",
                super::arn_tail(&self.accelerator_arn, "accelerator/"),
            ),
            ("EndpointGroup", self.region.as_str()),
        ];
        let key = new_flows_key(&self.accelerator_arn, &self.region);
        vec![SeriesSpec::new(
            key,
            "AWS/GlobalAccelerator",
            "NewFlowCount",
            &dimensions,
            Stat::Sum,
        )]
    }
}
