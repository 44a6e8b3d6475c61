//! Changes of traffic splits. Owns what is written, for each mechanism, and where it is read again; never whether it is safe.

mod edits;
mod standing;

use serde::{Deserialize, Serialize};

use super::{
    Policy, Record, RouteRule,
    rollouts::{Steering, Verb},
};
use crate::resources::{
    Api, Estate, Fleet, Place, RegionLabel, Source,
    change::{self, Alter, Class, Edit, Lever, Standing},
    levers::Plane,
};

/// A record set that gets another weight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordEdit {
    /// The record set exactly as it is expected: Route 53 refuses the batch if any field differs.
    pub from: Record,
    /// The new weight, 0 to 255.
    pub to: u8,
}

impl RecordEdit {
    /// The record set as it becomes.
    pub fn after(&self) -> Record {
        Record {
            policy: Policy::Weighted { weight: self.to },
            ..self.from.clone()
        }
    }

    /// The weight that is expected; `None` where it is no weighted record.
    pub fn from_weight(&self) -> Option<u8> {
        self.from.weight()
    }

    fn name(&self) -> &str {
        self.from.set_identifier.as_deref().unwrap_or("")
    }
}

/// A routing control that gets another state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlEdit {
    /// ARN.
    pub arn: String,
    /// Name.
    pub name: String,
    /// Whether it is expected to be `On`.
    pub from: bool,
    /// Whether it becomes `On`.
    pub to: bool,
}

/// A target group of a forward action that gets another weight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForwardEdit {
    /// ARN of the target group.
    pub target_group_arn: String,
    /// Its name.
    pub target_group_name: String,
    /// The weight that is expected, 0 to 999.
    pub from: u32,
    /// The new weight, 0 to 999.
    pub to: u32,
}

pub use super::routes::BackendEdit;

/// A change of a traffic split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "kebab-case")]
pub enum Change {
    /// Weights of the record sets of one name and type: one batch of DELETE and CREATE, which fails if anybody changed a field.
    Weights {
        /// Every record set whose weight changes; all of one hosted zone, name and type.
        records: Vec<RecordEdit>,
    },
    /// The traffic dial of an endpoint group.
    Dial {
        /// ARN of the accelerator.
        accelerator_arn: String,
        /// ARN of the group.
        group_arn: String,
        /// AWS Region of the group.
        region: String,
        /// Percent that is expected.
        from: f64,
        /// New percent, 0 to 100.
        to: f64,
    },
    /// States of routing controls: all in one call, at any of the five data-plane endpoints. At most 10.
    Controls {
        /// The controls.
        controls: Vec<ControlEdit>,
    },
    /// Weights of a forward action of a load balancer.
    Forward {
        /// Where the load balancer is.
        region: RegionLabel,
        /// Its name.
        load_balancer_name: String,
        /// ARN of the listener.
        listener_arn: String,
        /// ARN of the rule; `None` for the default action of the listener.
        rule_arn: Option<String>,
        /// The target groups.
        groups: Vec<ForwardEdit>,
    },
    /// Weights of the backends of a rule of a route in a cluster: one JSON Patch, which fails if anybody changed the object.
    Route {
        /// Where the cluster is.
        region: RegionLabel,
        /// Which rule of which object.
        rule: RouteRule,
        /// Every backend of the rule.
        backends: Vec<BackendEdit>,
    },
    /// A way to steer an object that sends releases out by itself.
    Steer(Steering),
    /// The share of the second version behind a Lambda alias.
    Alias {
        /// Where the function is.
        region: RegionLabel,
        /// Function name.
        function: String,
        /// Alias name.
        alias: String,
        /// The version that the alias itself names.
        stable: String,
        /// The second version.
        canary: String,
        /// The share of the second version that is expected, 0.0 to 1.0.
        from: f64,
        /// Its new share, 0.0 to 1.0; 0.0 takes it away.
        to: f64,
        /// The compare-and-set token.
        revision_id: Option<String>,
    },
    /// The share of the staging distribution of a continuous-deployment policy.
    Staging {
        /// Id of the distribution.
        distribution_id: String,
        /// Id of the policy.
        policy_id: String,
        /// Share that is expected, 0.0 to 0.15.
        from: f64,
        /// New share, 0.0 to 0.15.
        to: f64,
    },
    /// An invalidation of paths of a distribution. Nothing takes it back: the caches fill again by themselves.
    Invalidate {
        /// Id of the distribution.
        distribution_id: String,
        /// The paths, each beginning with `/`; a `*` only at the end.
        paths: Vec<String>,
        /// By what CloudFront knows it again: the same reference and paths are never done twice.
        reference: String,
    },
}

/// Shares closer than this are equal: they come as decimals through JSON and XML.
const CLOSE: f64 = 1e-6;

pub(super) fn close(a: f64, b: f64) -> bool {
    (a - b).abs() < CLOSE
}

/// A share as a percentage with as many digits as it needs.
pub(super) fn percent(share: f64) -> String {
    let rounded = (share * 1_000_000.0).round() / 10_000.0;
    format!("{rounded} %")
}

impl Alter for Change {
    fn place(&self) -> Place {
        match self {
            Self::Weights { .. }
            | Self::Dial { .. }
            | Self::Staging { .. }
            | Self::Invalidate { .. }
            | Self::Controls { .. } => Place::Global,
            Self::Forward { region, .. }
            | Self::Alias { region, .. }
            | Self::Route { region, .. }
            | Self::Steer(Steering { region, .. }) => Place::Region(region.clone()),
        }
    }

    fn api(&self) -> Api {
        match self {
            Self::Weights { .. } => Api::Route53,
            Self::Dial { .. } => Api::GlobalAccelerator,
            Self::Controls { .. } => Api::RecoveryCluster,
            Self::Forward { .. } => Api::ElasticLoadBalancing,
            Self::Route { .. } | Self::Steer(_) => Api::Kubernetes,
            Self::Alias { .. } => Api::Lambda,
            Self::Staging { .. } | Self::Invalidate { .. } => Api::CloudFront,
        }
    }

    fn operation(&self) -> &'static str {
        match self {
            Self::Weights { .. } => "route53:ChangeResourceRecordSets",
            Self::Dial { .. } => "globalaccelerator:UpdateEndpointGroup",
            Self::Controls { .. } => "route53-recovery-cluster:UpdateRoutingControlStates",
            Self::Forward {
                rule_arn: Some(_), ..
            } => "elasticloadbalancing:ModifyRule",
            Self::Forward { rule_arn: None, .. } => "elasticloadbalancing:ModifyListener",
            Self::Route { rule, .. } => rule.kind.patch(),
            Self::Steer(steering) => steering.verb.operation(steering.rollout.tool),
            Self::Alias { .. } => "lambda:UpdateAlias",
            Self::Staging { .. } => "cloudfront:UpdateContinuousDeploymentPolicy",
            Self::Invalidate { .. } => "cloudfront:CreateInvalidation",
        }
    }

    fn lever(&self) -> Lever {
        let (name, plane, home) = match self {
            Self::Weights { .. } => ("Route 53", Plane::Control, "us-east-1"),
            Self::Dial { .. } => ("Global Accelerator", Plane::Control, "us-west-2"),
            Self::Controls { .. } => ("recovery cluster", Plane::Data, "5 endpoints"),
            Self::Forward { region, .. } => {
                ("Elastic Load Balancing", Plane::Control, region.as_str())
            }
            Self::Steer(steering) => return Lever::kubernetes(&steering.rollout.cluster),
            Self::Route { rule, .. } => return Lever::kubernetes(&rule.cluster),
            Self::Alias { region, .. } => ("Lambda", Plane::Control, region.as_str()),
            Self::Staging { .. } | Self::Invalidate { .. } => {
                ("CloudFront", Plane::Control, "us-east-1")
            }
        };
        Lever {
            name: name.to_owned(),
            plane,
            home: home.to_owned(),
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::Weights { .. }
            | Self::Dial { .. }
            | Self::Controls { .. }
            | Self::Forward { .. }
            | Self::Route { .. }
            | Self::Alias { .. }
            | Self::Staging { .. } => Class::M,
            Self::Invalidate { .. } => Class::R,
            Self::Steer(steering) => match &steering.verb {
                Verb::PromoteFull => Class::R,
                Verb::Promote
                | Verb::Pause
                | Verb::Resume
                | Verb::Abort
                | Verb::Retry
                | Verb::Undo
                | Verb::Image(_) => Class::M,
            },
        }
    }

    fn target(&self) -> String {
        match self {
            Self::Weights { records } => records.first().map_or_else(String::new, |edit| {
                let Record {
                    zone_id,
                    name,
                    record_type,
                    ..
                } = &edit.from;
                format!(
                    "route53/{zone_id}/{}/{record_type}",
                    super::plain_name(name)
                )
            }),
            // One accelerator, one panel: two plans on different groups of one would still fight over the same traffic.
            Self::Dial {
                accelerator_arn, ..
            } => accelerator_arn.clone(),
            Self::Controls { controls } => {
                let arns: Vec<&str> = controls
                    .iter()
                    .map(|control| control.arn.as_str())
                    .collect();
                arns.first().map_or_else(String::new, |arn| {
                    arn.split_once("/routingcontrol/")
                        .map_or(*arn, |(panel, _)| panel)
                        .to_owned()
                })
            }
            Self::Forward {
                listener_arn,
                rule_arn,
                ..
            } => rule_arn.clone().unwrap_or_else(|| listener_arn.clone()),
            Self::Steer(Steering {
                region, rollout, ..
            }) => {
                format!("{region}/{}/{}", rollout.cluster, rollout.split())
            }
            Self::Route { region, rule, .. } => {
                let RouteRule {
                    cluster,
                    kind,
                    namespace,
                    name,
                    ..
                } = rule;
                format!("{region}/{cluster}/{}/{namespace}/{name}", kind.plural())
            }
            Self::Alias {
                region,
                function,
                alias,
                ..
            } => format!("lambda/{region}/{function}:{alias}"),
            Self::Staging { policy_id, .. } => format!("cloudfront/{policy_id}"),
            Self::Invalidate {
                distribution_id, ..
            } => format!("cloudfront/{distribution_id}/invalidation"),
        }
    }

    fn reads(&self, estate: &Estate) -> Vec<(Source, Place)> {
        match self {
            Self::Weights { .. } => vec![(Source::Records, Place::Global)],
            Self::Dial { .. } => vec![(Source::Accelerators, Place::Global)],
            Self::Controls { .. } => estate
                .places(Source::RoutingControls)
                .into_iter()
                .map(|place| (Source::RoutingControls, place))
                .collect(),
            Self::Forward { region, .. } => {
                vec![(Source::LoadBalancers, Place::Region(region.clone()))]
            }
            Self::Steer(steering) => {
                vec![(Source::Rollouts, Place::Region(steering.region.clone()))]
            }
            Self::Route { region, .. } => vec![(Source::Routes, Place::Region(region.clone()))],
            Self::Alias { region, .. } => vec![(Source::Aliases, Place::Region(region.clone()))],
            Self::Staging { .. } | Self::Invalidate { .. } => {
                vec![(Source::Distributions, Place::Global)]
            }
        }
    }

    fn standing(&self, fleet: &Fleet) -> Standing {
        standing::standing(self, fleet)
    }

    fn edits(&self) -> Vec<Edit> {
        edits::edits(self)
    }

    fn inverse(&self) -> Result<change::Change, &'static str> {
        edits::inverse(self).map(change::Change::Traffic)
    }

    fn commands(&self) -> Vec<String> {
        super::paste::commands(self)
    }
}
