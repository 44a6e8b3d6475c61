//! Everything that splits traffic. One row is one member of a split: a record set, an endpoint group, a target group of a rule, a version of an alias. Owns the model; no call.

mod fields;
pub mod live;
pub mod share;
pub mod sim;
mod view;

use serde::{Deserialize, Serialize};

use super::{
    Fleet, Judgement, Place, RegionLabel, Resource, Severity,
    metrics::{SeriesSpec, Stat},
};

/// One member of a split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Split {
    /// What is split, unique within the source: `api.example.com. A`, a listener ARN, `function:alias`, a control panel.
    pub split: String,
    /// This member of it: set identifier, endpoint group region, target group name, version, control name.
    pub member: String,
    /// How it is split, with the fields of that mechanism.
    pub by: Mechanism,
}

/// The mechanisms that split traffic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "mechanism", rename_all = "snake_case")]
pub enum Mechanism {
    /// A Route 53 record set of a managed name.
    Record(Record),
    /// A Global Accelerator endpoint group.
    Dial(EndpointGroup),
    /// A target group of a weighted forward action.
    Forward(Forward),
    /// A version behind a Lambda alias.
    Alias(AliasVersion),
    /// A CloudFront distribution, with its continuous-deployment policy.
    Distribution(Distribution),
    /// A routing control of the recovery cluster.
    Control(RoutingControl),
}

/// How Route 53 picks among record sets of one name and type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "policy", rename_all = "snake_case")]
pub enum Policy {
    /// The only record set.
    Simple,
    /// By weight, 0 to 255.
    Weighted {
        /// The weight.
        weight: u8,
    },
    /// By latency to an AWS Region.
    Latency {
        /// That Region.
        region: String,
    },
    /// By location of the user.
    Geolocation {
        /// Continent code.
        continent: Option<String>,
        /// Country code; `*` is the default.
        country: Option<String>,
        /// Subdivision code.
        subdivision: Option<String>,
    },
    /// By distance with a bias.
    Geoproximity {
        /// AWS Region, where given.
        region: Option<String>,
        /// -99 to 99.
        bias: i32,
    },
    /// Primary or secondary.
    Failover {
        /// Whether it is the primary.
        primary: bool,
    },
    /// Several answers at once.
    MultiValue,
    /// By CIDR block.
    Cidr {
        /// Collection and location.
        location: String,
    },
}

/// The alias target of a record set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AliasTarget {
    /// DNS name, as Route 53 gives it.
    pub dns_name: String,
    /// Hosted zone id of the target.
    pub zone_id: String,
    /// Whether the target's health counts.
    pub evaluate_target_health: bool,
}

/// A Route 53 record set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Hosted zone id without `/hostedzone/`.
    pub zone_id: String,
    /// Name with trailing dot, as Route 53 writes it.
    pub name: String,
    /// `A`, `AAAA`, `CNAME` …
    pub record_type: String,
    /// Set identifier; `None` for a simple record.
    pub set_identifier: Option<String>,
    /// How it is picked.
    pub policy: Policy,
    /// Seconds; `None` for alias targets (60 s in practice).
    pub ttl: Option<u32>,
    /// Values; empty for an alias.
    pub values: Vec<String>,
    /// Alias target.
    pub alias: Option<AliasTarget>,
    /// Health check id.
    pub health_check_id: Option<String>,
    /// The traffic policy instance that owns it; such a record must not be edited.
    pub traffic_policy_instance_id: Option<String>,
}

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

/// Health of the targets of a target group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TargetHealth {
    /// Targets that take traffic.
    pub healthy: u32,
    /// Targets that do not.
    pub unhealthy: u32,
    /// Initial, draining, unused, unavailable.
    pub other: u32,
}

impl TargetHealth {
    /// Healthy share in percent of the healthy and unhealthy targets; `None` without targets.
    pub fn percent(self) -> Option<f64> {
        let total = self.healthy + self.unhealthy;
        (total > 0).then(|| f64::from(self.healthy) * 100.0 / f64::from(total))
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
}

/// A version behind a Lambda alias.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AliasVersion {
    /// Function name.
    pub function: String,
    /// Alias name.
    pub alias: String,
    /// ARN of the alias.
    pub alias_arn: Option<String>,
    /// Version that gets the share.
    pub version: String,
    /// 0.0 to 1.0.
    pub weight: f64,
    /// The compare-and-set token.
    pub revision_id: Option<String>,
}

/// An origin of a distribution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Id.
    pub id: String,
    /// Domain name.
    pub domain: String,
}

/// A CloudFront distribution.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Distribution {
    /// Id.
    pub id: String,
    /// ARN.
    pub arn: String,
    /// Domain name.
    pub domain: String,
    /// Alternate domain names.
    pub aliases: Vec<String>,
    /// `Deployed` or `InProgress`.
    pub status: String,
    /// Whether it takes traffic.
    pub enabled: bool,
    /// Whether it is the staging half of a continuous deployment.
    pub staging: bool,
    /// Origins.
    pub origins: Vec<Origin>,
    /// Primary and secondary origin ids of each origin group.
    pub origin_groups: Vec<Vec<String>>,
    /// `http2`, `http3` …: continuous deployment does not work with HTTP/3.
    pub http_version: Option<String>,
    /// The continuous-deployment policy.
    pub policy: Option<ContinuousDeployment>,
}

/// A continuous-deployment policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ContinuousDeployment {
    /// Id.
    pub id: String,
    /// Whether it takes effect.
    pub enabled: bool,
    /// Share of the staging distribution, 0.0 to 0.15; `None` for a header policy.
    pub weight: Option<f64>,
    /// Header name, for a header policy.
    pub header: Option<String>,
    /// Domain names of the staging distribution.
    pub staging_domains: Vec<String>,
}

/// A routing control.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoutingControl {
    /// ARN.
    pub arn: String,
    /// Name.
    pub name: String,
    /// ARN of its panel.
    pub panel_arn: Option<String>,
    /// Name of its panel.
    pub panel_name: Option<String>,
    /// Whether it is `On`; `None` for a value not known yet.
    pub on: Option<bool>,
}

/// The last part of an ARN after `prefix`, as CloudWatch wants load balancers and target groups named.
pub fn arn_tail<'a>(arn: &'a str, prefix: &str) -> &'a str {
    arn.split_once(prefix).map_or(arn, |(_, tail)| tail)
}

/// Key of a series of a load balancer; `what` is `requests`, `p95`, `p99`, `target-5xx` or `elb-5xx`.
pub fn load_balancer_key(arn: &str, what: &str) -> String {
    format!("load-balancer/{}/{what}", arn_tail(arn, "loadbalancer/"))
}

impl Split {
    /// The region of the estate that this member sends traffic to; `None` when it cannot be told.
    pub fn region<'a>(&'a self, fleet: &'a Fleet, place: &'a Place) -> Option<&'a RegionLabel> {
        let estate = &fleet.estate;
        match &self.by {
            Mechanism::Record(record) => {
                let bare = record.name.trim_end_matches('.');
                let configured = estate
                    .names
                    .iter()
                    .find(|name| name.name.eq_ignore_ascii_case(bare));
                let by_identifier = record.set_identifier.as_deref().and_then(|id| {
                    configured
                        .and_then(|name| name.regions.get(id))
                        .or_else(|| estate.region_named(id))
                });
                let by_policy = || match &record.policy {
                    Policy::Latency { region }
                    | Policy::Geoproximity {
                        region: Some(region),
                        ..
                    } => estate.region_named(region),
                    Policy::Simple
                    | Policy::Weighted { .. }
                    | Policy::Geolocation { .. }
                    | Policy::Geoproximity { .. }
                    | Policy::Failover { .. }
                    | Policy::MultiValue
                    | Policy::Cidr { .. } => None,
                };
                let targets = || {
                    record
                        .alias
                        .iter()
                        .map(|alias| alias.dns_name.as_str())
                        .chain(record.values.iter().map(String::as_str))
                };
                let by_target = || {
                    targets().find_map(|target| {
                        target.split('.').find_map(|part| estate.region_named(part))
                    })
                };
                by_identifier.or_else(by_policy).or_else(by_target)
            }
            Mechanism::Dial(group) => estate.region_named(&group.region),
            Mechanism::Control(control) => estate
                .regions
                .iter()
                .map(|region| &region.label)
                .find(|label| control.name.contains(label.as_str())),
            Mechanism::Forward(_) | Mechanism::Alias(_) => place.region(),
            Mechanism::Distribution(_) => None,
        }
    }
}

impl Resource for Split {
    fn key(&self) -> String {
        format!("{}/{}", self.split, self.member)
    }

    fn judge(&self, fleet: &Fleet, _place: &Place) -> Judgement {
        let limits = &fleet.estate.thresholds;
        match &self.by {
            Mechanism::Record(record) => match record
                .health_check_id
                .as_deref()
                .map(|id| super::health_checks::healthy(fleet, id))
            {
                Some(Some(false)) => Judgement::new(
                    Severity::Bad,
                    format!("health check of {} fails", self.member),
                ),
                Some(None) => Judgement::new(
                    Severity::Unknown,
                    format!("health of {} is not known", self.member),
                ),
                Some(Some(true)) | None => Judgement::ok(),
            },
            Mechanism::Dial(group) if !group.accelerator_enabled => Judgement::new(
                Severity::Warn,
                format!("{} is disabled", group.accelerator_name),
            ),
            Mechanism::Dial(group) => {
                let unhealthy = group
                    .endpoints
                    .iter()
                    .filter(|endpoint| endpoint.health.as_deref() == Some("UNHEALTHY"))
                    .count();
                if unhealthy == 0 {
                    Judgement::ok()
                } else if unhealthy == group.endpoints.len() {
                    Judgement::new(
                        Severity::Bad,
                        format!("all endpoints of {} are unhealthy", group.region),
                    )
                } else {
                    Judgement::new(
                        Severity::Warn,
                        format!("{unhealthy} endpoints of {} are unhealthy", group.region),
                    )
                }
            }
            Mechanism::Forward(forward) => match forward.health {
                None => Judgement::new(
                    Severity::Unknown,
                    format!(
                        "target health of {} could not be read",
                        forward.target_group_name
                    ),
                ),
                Some(health) => match health.percent() {
                    None if forward.weight > 0 => Judgement::new(
                        Severity::Warn,
                        format!("{} has no targets", forward.target_group_name),
                    ),
                    None => Judgement::ok(),
                    Some(percent) if percent < limits.healthy_bad_percent => Judgement::new(
                        Severity::Bad,
                        format!("{percent:.0} % of {} healthy", forward.target_group_name),
                    ),
                    Some(percent) if percent < limits.healthy_warn_percent => Judgement::new(
                        Severity::Warn,
                        format!("{percent:.0} % of {} healthy", forward.target_group_name),
                    ),
                    Some(_) => Judgement::ok(),
                },
            },
            Mechanism::Control(control) if control.on.is_none() => Judgement::new(
                Severity::Unknown,
                format!("state of {} is not known", control.name),
            ),
            Mechanism::Distribution(distribution) if !distribution.enabled => {
                Judgement::new(Severity::Warn, format!("{} is disabled", distribution.id))
            }
            Mechanism::Alias(_) | Mechanism::Distribution(_) | Mechanism::Control(_) => {
                Judgement::ok()
            }
        }
    }

    fn series(&self, _place: &Place) -> Vec<SeriesSpec> {
        match &self.by {
            Mechanism::Forward(forward)
                if forward.load_balancer_type.as_deref() == Some("application") =>
            {
                let arn = &forward.load_balancer_arn;
                let dimension = arn_tail(arn, "loadbalancer/");
                let of = |what: &str, name: &str, stat| {
                    SeriesSpec::new(
                        load_balancer_key(arn, what),
                        "AWS/ApplicationELB",
                        name,
                        &[("LoadBalancer", dimension)],
                        stat,
                    )
                };
                vec![
                    of("requests", "RequestCount", Stat::Sum),
                    of("p95", "TargetResponseTime", Stat::P95),
                    of("p99", "TargetResponseTime", Stat::P99),
                    of("target-5xx", "HTTPCode_Target_5XX_Count", Stat::Sum),
                    of("elb-5xx", "HTTPCode_ELB_5XX_Count", Stat::Sum),
                ]
            }
            Mechanism::Record(_)
            | Mechanism::Dial(_)
            | Mechanism::Forward(_)
            | Mechanism::Alias(_)
            | Mechanism::Distribution(_)
            | Mechanism::Control(_) => Vec::new(),
        }
    }
}
