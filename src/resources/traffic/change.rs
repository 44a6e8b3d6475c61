//! Changes of traffic splits. Owns what is written, for each mechanism, and how it is recognised afterwards; never whether it is safe.

use serde::{Deserialize, Serialize};

use super::{Mechanism, Policy, Record, Split};
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
        weight(&self.from)
    }

    fn name(&self) -> &str {
        self.from.set_identifier.as_deref().unwrap_or("")
    }
}

fn weight(record: &Record) -> Option<u8> {
    match record.policy {
        Policy::Weighted { weight } => Some(weight),
        Policy::Simple
        | Policy::Latency { .. }
        | Policy::Geolocation { .. }
        | Policy::Geoproximity { .. }
        | Policy::Failover { .. }
        | Policy::MultiValue
        | Policy::Cidr { .. }
        | Policy::Other => None,
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
}

/// Shares closer than this are equal: they come as decimals through JSON and XML.
const CLOSE: f64 = 1e-6;

pub(super) fn close(a: f64, b: f64) -> bool {
    (a - b).abs() < CLOSE
}

fn of_share(what: &str, seen: Option<f64>, from: f64, to: f64) -> Standing {
    match seen {
        None => Standing::Unknown(format!("{what} is not listed")),
        Some(seen) if close(seen, to) => Standing::After,
        Some(seen) if close(seen, from) => Standing::Before,
        Some(seen) => Standing::Other(format!("{what} is {seen}, not {from}")),
    }
}

/// A share as a percentage with as many digits as it needs.
pub(super) fn percent(share: f64) -> String {
    let rounded = (share * 1_000_000.0).round() / 10_000.0;
    format!("{rounded} %")
}

fn rows<'a>(fleet: &'a Fleet, source: Source, place: &Place) -> &'a [Split] {
    fleet
        .traffic
        .slice(source, place)
        .map_or(&[], |slice| &slice.rows)
}

/// Whether an answer is complete, so that what it does not list is not there.
fn complete(fleet: &Fleet, source: Source, place: &Place) -> bool {
    let status = fleet.status(source, place);
    status.observed_at.is_some() && status.problems.is_empty()
}

/// Whether two record sets are the same set of the same name.
fn same_set(a: &Record, b: &Record) -> bool {
    (&a.zone_id, &a.record_type, &a.set_identifier)
        == (&b.zone_id, &b.record_type, &b.set_identifier)
        && super::plain_name(&a.name) == super::plain_name(&b.name)
}

fn record_standing(fleet: &Fleet, edit: &RecordEdit) -> Standing {
    let seen = rows(fleet, Source::Records, &Place::Global)
        .iter()
        .find_map(|split| match &split.by {
            Mechanism::Record(record) if same_set(record, &edit.from) => Some(record),
            Mechanism::Record(_)
            | Mechanism::Dial(_)
            | Mechanism::Forward(_)
            | Mechanism::Alias(_)
            | Mechanism::Distribution(_)
            | Mechanism::Control(_) => None,
        });
    let name = edit.name();
    match seen {
        None if complete(fleet, Source::Records, &Place::Global) => {
            Standing::Other(format!("the record set {name} is gone"))
        }
        None => Standing::Unknown(format!("the record set {name} was not read")),
        Some(record) if *record == edit.after() => Standing::After,
        Some(record) if *record == edit.from => Standing::Before,
        Some(record) => match weight(record) {
            Some(seen) if Some(seen) != edit.from_weight() => {
                Standing::Other(format!("the weight of {name} is {seen}"))
            }
            Some(_) | None => {
                Standing::Other(format!("the record set {name} was edited by somebody else"))
            }
        },
    }
}

/// What the endpoints of the recovery cluster say about a control; any of them may be lost.
fn control_standing(fleet: &Fleet, edit: &ControlEdit) -> Standing {
    let mut states = fleet
        .traffic
        .slices()
        .filter(|(source, _, slice)| {
            *source == Source::RoutingControls
                && slice.error.is_none()
                && slice.observed_at.is_some()
        })
        .filter_map(|(_, _, slice)| {
            slice.rows.iter().find_map(|split| match &split.by {
                Mechanism::Control(control) if control.arn == edit.arn => Some(control.on),
                Mechanism::Control(_)
                | Mechanism::Record(_)
                | Mechanism::Dial(_)
                | Mechanism::Forward(_)
                | Mechanism::Alias(_)
                | Mechanism::Distribution(_) => None,
            })
        });
    let name = &edit.name;
    let Some(Some(first)) = states.next() else {
        return Standing::Unknown(format!("no endpoint tells the state of {name}"));
    };
    if states.any(|state| state != Some(first)) {
        return Standing::Underway(format!("the endpoints disagree about {name}"));
    }
    if first == edit.to {
        Standing::After
    } else {
        Standing::Before
    }
}

impl Change {
    fn dial_standing(fleet: &Fleet, group_arn: &str, from: f64, to: f64) -> Standing {
        let seen = rows(fleet, Source::Accelerators, &Place::Global)
            .iter()
            .find_map(|split| match &split.by {
                Mechanism::Dial(group) if group.group_arn == group_arn => Some(group),
                Mechanism::Dial(_)
                | Mechanism::Record(_)
                | Mechanism::Forward(_)
                | Mechanism::Alias(_)
                | Mechanism::Distribution(_)
                | Mechanism::Control(_) => None,
            });
        let value = of_share("the dial", seen.map(|group| group.dial), from, to);
        match (
            value,
            seen.and_then(|group| group.accelerator_status.as_deref()),
        ) {
            (Standing::After, Some("IN_PROGRESS")) => {
                Standing::Underway("the accelerator is IN_PROGRESS".to_owned())
            }
            (value, _) => value,
        }
    }

    fn forward_standing(
        fleet: &Fleet,
        region: &RegionLabel,
        listener: &str,
        rule: Option<&str>,
        groups: &[ForwardEdit],
    ) -> Standing {
        let place = Place::Region(region.clone());
        let seen = |edit: &ForwardEdit| {
            rows(fleet, Source::LoadBalancers, &place)
                .iter()
                .find_map(|split| match &split.by {
                    Mechanism::Forward(forward)
                        if forward.listener_arn == listener
                            && forward.rule_arn.as_deref() == rule
                            && forward.target_group_arn == edit.target_group_arn =>
                    {
                        Some(forward.weight)
                    }
                    Mechanism::Forward(_)
                    | Mechanism::Record(_)
                    | Mechanism::Dial(_)
                    | Mechanism::Alias(_)
                    | Mechanism::Distribution(_)
                    | Mechanism::Control(_) => None,
                })
        };
        Standing::of_parts(
            groups
                .iter()
                .filter(|edit| edit.from != edit.to)
                .map(|edit| {
                    let what = format!("the weight of {}", edit.target_group_name);
                    Standing::of_value(&what, seen(edit).as_ref(), &edit.from, &edit.to)
                }),
        )
    }
}

impl Alter for Change {
    fn place(&self) -> Place {
        match self {
            Self::Weights { .. }
            | Self::Dial { .. }
            | Self::Staging { .. }
            | Self::Controls { .. } => Place::Global,
            Self::Forward { region, .. } | Self::Alias { region, .. } => {
                Place::Region(region.clone())
            }
        }
    }

    fn api(&self) -> Api {
        match self {
            Self::Weights { .. } => Api::Route53,
            Self::Dial { .. } => Api::GlobalAccelerator,
            Self::Controls { .. } => Api::RecoveryCluster,
            Self::Forward { .. } => Api::ElasticLoadBalancing,
            Self::Alias { .. } => Api::Lambda,
            Self::Staging { .. } => Api::CloudFront,
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
            Self::Alias { .. } => "lambda:UpdateAlias",
            Self::Staging { .. } => "cloudfront:UpdateContinuousDeploymentPolicy",
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
            Self::Alias { region, .. } => ("Lambda", Plane::Control, region.as_str()),
            Self::Staging { .. } => ("CloudFront", Plane::Control, "us-east-1"),
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
            | Self::Alias { .. }
            | Self::Staging { .. } => Class::M,
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
            Self::Alias {
                region,
                function,
                alias,
                ..
            } => format!("lambda/{region}/{function}:{alias}"),
            Self::Staging { policy_id, .. } => format!("cloudfront/{policy_id}"),
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
            Self::Alias { region, .. } => vec![(Source::Aliases, Place::Region(region.clone()))],
            Self::Staging { .. } => vec![(Source::Distributions, Place::Global)],
        }
    }

    fn standing(&self, fleet: &Fleet) -> Standing {
        match self {
            Self::Weights { records } => {
                Standing::of_parts(records.iter().map(|edit| record_standing(fleet, edit)))
            }
            Self::Dial {
                group_arn,
                from,
                to,
                ..
            } => Self::dial_standing(fleet, group_arn, *from, *to),
            Self::Controls { controls } => {
                Standing::of_parts(controls.iter().map(|edit| control_standing(fleet, edit)))
            }
            Self::Forward {
                region,
                listener_arn,
                rule_arn,
                groups,
                ..
            } => Self::forward_standing(fleet, region, listener_arn, rule_arn.as_deref(), groups),
            Self::Alias {
                region,
                function,
                alias,
                stable,
                canary,
                from,
                to,
                ..
            } => alias_standing(fleet, region, function, alias, stable, canary, *from, *to),
            Self::Staging {
                policy_id,
                from,
                to,
                ..
            } => staging_standing(fleet, policy_id, *from, *to),
        }
    }

    fn edits(&self) -> Vec<Edit> {
        match self {
            Self::Weights { records } => records
                .iter()
                .map(|edit| {
                    let from = edit
                        .from_weight()
                        .map_or("?".to_owned(), |weight| weight.to_string());
                    Edit::new(format!("weight {}", edit.name()), from, edit.to)
                })
                .collect(),
            Self::Dial {
                region, from, to, ..
            } => {
                vec![Edit::new(
                    format!("dial {region}"),
                    format!("{from} %"),
                    format!("{to} %"),
                )]
            }
            Self::Controls { controls } => controls
                .iter()
                .map(|edit| {
                    let word = |on| if on { "On" } else { "Off" };
                    Edit::new(
                        format!("control {}", edit.name),
                        word(edit.from),
                        word(edit.to),
                    )
                })
                .collect(),
            Self::Forward { groups, .. } => groups
                .iter()
                .map(|edit| {
                    Edit::new(
                        format!("weight {}", edit.target_group_name),
                        edit.from,
                        edit.to,
                    )
                })
                .collect(),
            Self::Alias {
                function,
                alias,
                canary,
                from,
                to,
                ..
            } => vec![Edit::new(
                format!("{function}:{alias} version {canary}"),
                percent(*from),
                percent(*to),
            )],
            Self::Staging {
                distribution_id,
                from,
                to,
                ..
            } => vec![Edit::new(
                format!("staging of {distribution_id}"),
                percent(*from),
                percent(*to),
            )],
        }
    }

    fn inverse(&self) -> Result<change::Change, &'static str> {
        let inverse = match self.clone() {
            Self::Weights { records } => {
                let mut back = Vec::with_capacity(records.len());
                for edit in records {
                    let weight = edit.from_weight().ok_or("a record set has no weight")?;
                    back.push(RecordEdit {
                        from: edit.after(),
                        to: weight,
                    });
                }
                Self::Weights { records: back }
            }
            Self::Dial {
                accelerator_arn,
                group_arn,
                region,
                from,
                to,
            } => Self::Dial {
                accelerator_arn,
                group_arn,
                region,
                from: to,
                to: from,
            },
            Self::Controls { controls } => Self::Controls {
                controls: controls
                    .into_iter()
                    .map(|edit| ControlEdit {
                        from: edit.to,
                        to: edit.from,
                        ..edit
                    })
                    .collect(),
            },
            Self::Forward {
                region,
                load_balancer_name,
                listener_arn,
                rule_arn,
                groups,
            } => Self::Forward {
                region,
                load_balancer_name,
                listener_arn,
                rule_arn,
                groups: groups
                    .into_iter()
                    .map(|edit| ForwardEdit {
                        from: edit.to,
                        to: edit.from,
                        ..edit
                    })
                    .collect(),
            },
            // The token is another one after the write; the value still guards the way back.
            Self::Alias {
                region,
                function,
                alias,
                stable,
                canary,
                from,
                to,
                ..
            } => Self::Alias {
                region,
                function,
                alias,
                stable,
                canary,
                from: to,
                to: from,
                revision_id: None,
            },
            Self::Staging {
                distribution_id,
                policy_id,
                from,
                to,
            } => Self::Staging {
                distribution_id,
                policy_id,
                from: to,
                to: from,
            },
        };
        Ok(change::Change::Traffic(inverse))
    }

    fn commands(&self) -> Vec<String> {
        super::paste::commands(self)
    }
}

#[allow(clippy::too_many_arguments)] // the fields of one variant
fn alias_standing(
    fleet: &Fleet,
    region: &RegionLabel,
    function: &str,
    alias: &str,
    stable: &str,
    canary: &str,
    from: f64,
    to: f64,
) -> Standing {
    let place = Place::Region(region.clone());
    let rows = rows(fleet, Source::Aliases, &place);
    let mut versions = rows.iter().filter_map(|split| match &split.by {
        Mechanism::Alias(version) if version.function == function && version.alias == alias => {
            Some(version)
        }
        Mechanism::Alias(_)
        | Mechanism::Record(_)
        | Mechanism::Dial(_)
        | Mechanism::Forward(_)
        | Mechanism::Distribution(_)
        | Mechanism::Control(_) => None,
    });
    let gone = versions.clone().count() <= 1 && complete(fleet, Source::Aliases, &place);
    let share = versions
        .clone()
        .find(|version| version.version == canary)
        .map(|version| version.weight);
    if let Some(other) =
        versions.find(|version| version.version != canary && version.version != stable)
    {
        return Standing::Other(format!(
            "{function}:{alias} also names version {}",
            other.version
        ));
    }
    // An alias that splits nothing any more is not listed, or only with its one version.
    let share = share.or(gone.then_some(0.0));
    of_share(&format!("the share of version {canary}"), share, from, to)
}

fn staging_standing(fleet: &Fleet, policy_id: &str, from: f64, to: f64) -> Standing {
    let seen = rows(fleet, Source::Distributions, &Place::Global)
        .iter()
        .find_map(|split| match &split.by {
            Mechanism::Distribution(distribution) => distribution
                .policy
                .as_ref()
                .filter(|policy| policy.id == policy_id)
                .map(|policy| (distribution, policy.weight)),
            Mechanism::Record(_)
            | Mechanism::Dial(_)
            | Mechanism::Forward(_)
            | Mechanism::Alias(_)
            | Mechanism::Control(_) => None,
        });
    let value = of_share(
        "the staging share",
        seen.and_then(|(_, weight)| weight),
        from,
        to,
    );
    match (value, seen) {
        (Standing::After, Some((distribution, _))) if distribution.status != "Deployed" => {
            Standing::Underway(format!("{} is {}", distribution.id, distribution.status))
        }
        (value, _) => value,
    }
}
