//! Everything that splits traffic. One row is one member of a split: a record set, an endpoint group, a target group of a rule, a version of an alias. Owns what the mechanisms have in common; each has a folder of its own.

pub mod change;
pub mod cloudfront;
pub mod elastic_load_balancing;
mod fields;
pub mod find;
pub mod global_accelerator;
pub mod lambda;
pub mod live;
mod paste;
pub mod recovery_cluster;
pub mod rollouts;
pub mod route53;
pub mod routes;
pub mod share;
pub mod sim;
mod view;

use serde::{Deserialize, Serialize};

use self::share::Remark;
pub use self::{
    change::Change,
    cloudfront::{ContinuousDeployment, Distribution, Origin, distribution_key},
    elastic_load_balancing::{Forward, TargetHealth, load_balancer_key},
    global_accelerator::{Endpoint, EndpointGroup, new_flows_key},
    lambda::{AliasVersion, alias_key},
    paste::quoted,
    recovery_cluster::RoutingControl,
    rollouts::{Rollout, RolloutVersion},
    route53::{AliasTarget, Policy, Record, plain_name},
    routes::{RouteBackend, RouteKind, RouteRule},
};
use super::{Estate, Fleet, Judgement, Place, RegionLabel, Resource, Source, metrics::SeriesSpec};

/// One member of a split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Split {
    /// What is split, unique within the source: `api.example.com. A`, a listener or rule ARN, `function:alias`, a control panel.
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
    /// A backend of a route in a cluster.
    Route(RouteBackend),
    /// A version of an object that sends releases out by itself.
    Rollout(Box<RolloutVersion>),
}

impl Mechanism {
    /// The source that lists splits of this mechanism.
    pub fn source(&self) -> Source {
        match self {
            Self::Record(_) => Source::Records,
            Self::Dial(_) => Source::Accelerators,
            Self::Forward(_) => Source::LoadBalancers,
            Self::Alias(_) => Source::Aliases,
            Self::Distribution(_) => Source::Distributions,
            Self::Control(_) => Source::RoutingControls,
            Self::Route(_) => Source::Routes,
            Self::Rollout(_) => Source::Rollouts,
        }
    }

    /// As a target group of a rule.
    pub fn forward(&self) -> Option<&Forward> {
        let Self::Forward(forward) = self else {
            return None;
        };
        Some(forward)
    }

    /// As a backend of a route.
    pub fn route(&self) -> Option<&RouteBackend> {
        let Self::Route(backend) = self else {
            return None;
        };
        Some(backend)
    }

    /// As a distribution.
    pub fn distribution(&self) -> Option<&Distribution> {
        let Self::Distribution(distribution) = self else {
            return None;
        };
        Some(distribution)
    }
}

/// The last part of an ARN after `prefix`, as CloudWatch wants load balancers, target groups and accelerators named.
pub fn arn_tail<'a>(arn: &'a str, prefix: &str) -> &'a str {
    arn.split_once(prefix).map_or(arn, |(_, tail)| tail)
}

/// The region of the estate whose label or AWS Region stands in a name as a word of its own: `cell-eu-west-1-a`. The longest wins.
pub fn region_within<'a>(estate: &'a Estate, name: &str) -> Option<&'a RegionLabel> {
    let stands_in = |word: &str| {
        let free = |neighbour: Option<char>| neighbour.is_none_or(|c| !c.is_alphanumeric());
        name.match_indices(word).any(|(at, _)| {
            free(name[..at].chars().next_back()) && free(name[at + word.len()..].chars().next())
        })
    };
    let words = estate.regions.iter().flat_map(|region| {
        let names = [Some(region.label.as_str()), region.aws_region.as_deref()];
        names
            .into_iter()
            .flatten()
            .map(move |word| (word, &region.label))
    });
    words
        .filter(|(word, _)| !word.is_empty() && stands_in(word))
        // Of two equals the first in the estate.
        .reduce(|best, next| {
            if next.0.len() > best.0.len() {
                next
            } else {
                best
            }
        })
        .map(|(_, label)| label)
}

impl Split {
    /// The region of the estate that this member sends traffic to; `None` when it cannot be told.
    pub fn region<'a>(&'a self, fleet: &'a Fleet, place: &'a Place) -> Option<&'a RegionLabel> {
        let estate = &fleet.estate;
        match &self.by {
            Mechanism::Record(record) => record.region(estate),
            Mechanism::Dial(group) => estate.region_named(&group.region),
            Mechanism::Control(control) => region_within(estate, &control.name),
            Mechanism::Route(backend) => place.region().map(|own| backend.leads_to(estate, own)),
            Mechanism::Forward(_) | Mechanism::Alias(_) | Mechanism::Rollout(_) => place.region(),
            Mechanism::Distribution(_) => None,
        }
    }
}

impl Resource for Split {
    fn key(&self) -> String {
        format!("{}/{}", self.split, self.member)
    }

    fn judge(&self, fleet: &Fleet, place: &Place) -> Judgement {
        let share = || fleet.shares.get(self.by.source(), place, &self.key());
        match &self.by {
            Mechanism::Record(record) => record.judge(fleet, &self.member, share()),
            Mechanism::Dial(group) => group.judge(share()),
            Mechanism::Forward(forward) => forward.judge(&fleet.estate.thresholds, share()),
            Mechanism::Alias(_) => Judgement::ok(),
            Mechanism::Distribution(distribution) => distribution.judge(),
            Mechanism::Control(control) => control.judge(fleet.shares.control(&control.arn)),
            Mechanism::Rollout(version) => version.rollout.judge(fleet),
            Mechanism::Route(backend) => {
                let nothing = share().is_some_and(|share| share.remark == Some(Remark::NoTraffic));
                backend.judge(fleet, nothing)
            }
        }
    }

    fn series(&self, _place: &Place) -> Vec<SeriesSpec> {
        match &self.by {
            Mechanism::Dial(group) => group.series(),
            Mechanism::Forward(forward) => forward.series(),
            Mechanism::Alias(version) => version.series(),
            Mechanism::Distribution(distribution) => distribution.series(),
            // Their requests show where they arrive; DNS queries per zone tell nothing about a record.
            Mechanism::Record(_)
            | Mechanism::Control(_)
            | Mechanism::Route(_)
            | Mechanism::Rollout(_) => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::estate::RegionSpec;

    fn spec(label: &str, aws_region: Option<&str>) -> RegionSpec {
        RegionSpec {
            label: RegionLabel::new(label).unwrap(),
            aws_region: aws_region.map(ToOwned::to_owned),
            role: Default::default(),
            access: Default::default(),
            kube_contexts: Vec::new(),
            capacity_rps: None,
            load_balancers: Vec::new(),
            backends: Vec::new(),
            capacity_nodes: None,
            residency: Vec::new(),
        }
    }

    #[test]
    fn a_region_is_found_in_a_name_as_a_word_of_its_own() {
        let estate = Estate {
            regions: vec![
                spec("Dublin", Some("eu-west-1")),
                spec("Virginia", Some("us-east-1")),
            ],
            ..Estate::default()
        };
        let within = |name| region_within(&estate, name).map(RegionLabel::as_str);
        assert_eq!(within("cell-us-east-1-a"), Some("Virginia"));
        assert_eq!(within("eu-west-1"), Some("Dublin"));
        assert_eq!(within("eu-west-10"), None);
        assert_eq!(within("Dublins"), None);
        assert_eq!(within("ßDublin"), None);
    }
}
