//! How the objects of the APIs become rows: names of splits and members, weights, what gateways say. Owns their translation; asks nothing.

use jiff::Timestamp;
use serde_json::Value;

use super::super::{
    super::{Mechanism, Split},
    Parent, RouteBackend, RouteKind, RouteRule,
    leads::TOPOLOGY,
    member_names,
    write::Seen,
};
use crate::{
    provider::kubernetes::{
        self,
        custom::{BackendRef, DestinationRule, GatewayRoute, MeshDestination, MeshRoute},
        objects::{Condition, Meta},
    },
    resources::deployments::{self, owner},
};

/// `httproute/shop/checkout`, with the number of the rule where several rules divide.
fn split_name(rule: &RouteRule, alone: bool) -> String {
    let RouteRule {
        kind,
        namespace,
        name,
        index,
        ..
    } = rule;
    let object = format!("{}/{namespace}/{name}", kind.singular());
    if alone {
        object
    } else {
        format!("{object}#{index}")
    }
}

fn rule_of(cluster: &str, kind: RouteKind, version: &str, meta: &Meta, index: usize) -> RouteRule {
    RouteRule {
        cluster: cluster.to_owned(),
        kind,
        version: version.to_owned(),
        namespace: meta.namespace.clone(),
        name: meta.name.clone(),
        index,
    }
}

/// The rows of a route of the Gateway API.
pub fn of_gateway(
    cluster: &str,
    kind: RouteKind,
    version: &str,
    route: &GatewayRoute,
    heard_at: Option<Timestamp>,
) -> Vec<Split> {
    let meta = &route.metadata;
    let parents: Vec<Parent> = route
        .status
        .parents
        .iter()
        .map(|parent| {
            let listener = parent.parent_ref.section_name.as_deref();
            let name = &parent.parent_ref.name;
            let name = listener.map_or(name.clone(), |listener| format!("{name}/{listener}"));
            parent_of(name, &parent.conditions)
        })
        .collect();
    let owner = owner::live::of(meta);
    let dividing = || {
        let rules = route.spec.rules.iter().enumerate();
        rules.filter(|(_, rule)| rule.backend_refs.len() > 1)
    };
    let alone = dividing().count() == 1;
    let row = |(index, rule): (usize, &kubernetes::custom::GatewayRule)| {
        let at = rule_of(cluster, kind, version, meta, index);
        let split = split_name(&at, alone);
        let names = gateway_names(&rule.backend_refs);
        let backends = rule
            .backend_refs
            .iter()
            .zip(names)
            .map(|(backend, member)| {
                let namespace = backend.namespace.as_ref().unwrap_or(&meta.namespace);
                let by = RouteBackend {
                    rule: at.clone(),
                    rule_name: rule.name.clone(),
                    matches: matches(&rule.matches),
                    hosts: route.spec.hostnames.clone(),
                    service: backend.name.clone(),
                    service_namespace: namespace.clone(),
                    subset: None,
                    version: None,
                    topology: None,
                    weight: backend.weight.unwrap_or(kind.unsaid()),
                    generation: meta.generation,
                    parents: parents.clone(),
                    owner: owner.clone(),
                    heard_at,
                };
                Split {
                    split: split.clone(),
                    member,
                    by: Mechanism::Route(by),
                }
            });
        backends.collect::<Vec<_>>()
    };
    dividing().flat_map(row).collect()
}

/// The rows of a VirtualService.
pub fn of_mesh(
    cluster: &str,
    version: &str,
    route: &MeshRoute,
    heard_at: Option<Timestamp>,
) -> Vec<Split> {
    let (meta, kind) = (&route.metadata, RouteKind::VirtualService);
    let owner = owner::live::of(meta);
    let dividing = || {
        let rules = route.spec.http.iter().enumerate();
        rules.filter(|(_, rule)| rule.route.len() > 1)
    };
    let alone = dividing().count() == 1;
    let row = |(index, rule): (usize, &kubernetes::custom::MeshRule)| {
        let at = rule_of(cluster, kind, version, meta, index);
        let split = split_name(&at, alone);
        let names = mesh_names(&rule.route);
        let backends = rule.route.iter().zip(names).map(|(backend, member)| {
            let (service, namespace) = host(&backend.destination.host, &meta.namespace);
            let by = RouteBackend {
                rule: at.clone(),
                rule_name: rule.name.clone(),
                matches: matches(&rule.matches),
                hosts: route.spec.hosts.clone(),
                service: service.to_owned(),
                service_namespace: namespace.to_owned(),
                subset: backend.destination.subset.clone(),
                version: None,
                topology: None,
                weight: backend.weight.unwrap_or(kind.unsaid()),
                generation: meta.generation,
                parents: Vec::new(),
                owner: owner.clone(),
                heard_at,
            };
            Split {
                split: split.clone(),
                member,
                by: Mechanism::Route(by),
            }
        });
        backends.collect::<Vec<_>>()
    };
    dividing().flat_map(row).collect()
}

fn gateway_names(backends: &[BackendRef]) -> Vec<String> {
    let parts = backends
        .iter()
        .map(|backend| (backend.name.clone(), None, backend.port));
    member_names(&parts.collect::<Vec<_>>())
}

fn mesh_names(backends: &[MeshDestination]) -> Vec<String> {
    let parts = backends.iter().map(|backend| {
        let to = &backend.destination;
        let (service, _) = host(&to.host, "");
        (service.to_owned(), to.subset.clone(), to.port.number)
    });
    member_names(&parts.collect::<Vec<_>>())
}

/// Which pods a subset of a service is: service, namespace, subset.
pub type SubsetName = (String, String, String);

/// What the labels of a subset's pods say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SubsetLabels {
    /// Their version.
    pub version: Option<String>,
    /// Where they run.
    pub topology: Option<String>,
}

/// The subsets that a DestinationRule defines.
pub fn of_destination(rule: &DestinationRule) -> Vec<(SubsetName, SubsetLabels)> {
    let (meta, spec) = (&rule.0.metadata, &rule.0.spec);
    let (service, namespace) = host(&spec.host, &meta.namespace);
    let subsets = spec.subsets.iter().map(|subset| {
        let label = |name: &str| subset.labels.get(name).map(String::as_str);
        let name = (
            service.to_owned(),
            namespace.to_owned(),
            subset.name.clone(),
        );
        let labels = SubsetLabels {
            version: deployments::version_of(label).map(ToOwned::to_owned),
            topology: TOPOLOGY
                .iter()
                .find_map(|name| label(name))
                .map(ToOwned::to_owned),
        };
        (name, labels)
    });
    subsets.collect()
}

/// The backends of a rule of a gateway's route as they are now; `None` where the rule is gone.
pub fn gateway_backends(route: &GatewayRoute, rule: usize) -> Option<Vec<Seen>> {
    let backends = &route.spec.rules.get(rule)?.backend_refs;
    let weights = backends.iter().map(|backend| backend.weight);
    Some(seen(gateway_names(backends), weights))
}

/// The same of a VirtualService.
pub fn mesh_backends(route: &MeshRoute, rule: usize) -> Option<Vec<Seen>> {
    let backends = &route.spec.http.get(rule)?.route;
    let weights = backends.iter().map(|backend| backend.weight);
    Some(seen(mesh_names(backends), weights))
}

fn seen(names: Vec<String>, weights: impl Iterator<Item = Option<u32>>) -> Vec<Seen> {
    let both = names.into_iter().zip(weights);
    both.map(|(name, weight)| Seen { name, weight }).collect()
}

/// Service and namespace of a host: `reviews`, `reviews.shop`, `reviews.shop.svc.cluster.local`; any other name is the service as a whole.
fn host<'a>(host: &'a str, namespace: &'a str) -> (&'a str, &'a str) {
    let parts: Vec<&str> = host.split('.').collect();
    match parts.as_slice() {
        [service] => (service, namespace),
        [service, namespace] | [service, namespace, "svc", ..] => (service, namespace),
        _ => (host, namespace),
    }
}

fn parent_of(name: String, conditions: &[Condition]) -> Parent {
    let mut told = Parent {
        name,
        observed_generation: 0,
        accepted: None,
        resolved: None,
        reason: None,
    };
    let about = ["Accepted", "ResolvedRefs"];
    let about = conditions
        .iter()
        .filter(|condition| about.contains(&condition.name.as_str()));
    let oldest = about
        .clone()
        .map(|condition| condition.observed_generation)
        .min();
    told.observed_generation = oldest.unwrap_or(0);
    for condition in about {
        let holds = match condition.status.as_str() {
            "True" => Some(true),
            "False" => Some(false),
            _ => None,
        };
        if holds == Some(false) {
            told.reason = Some(condition.reason.clone()).filter(|reason| !reason.is_empty());
        }
        if condition.name == "Accepted" {
            told.accepted = holds;
        } else {
            told.resolved = holds;
        }
    }
    told
}

/// What a rule matches, in short: paths or methods, and the names of what else is asked.
fn matches(all: &[Value]) -> String {
    let value = |part: &Value| match part {
        Value::String(text) => Some(text.clone()),
        Value::Object(fields) => {
            let mut texts = ["value", "service", "method", "exact", "prefix", "regex"].into_iter();
            texts.find_map(|name| fields.get(name)?.as_str().map(str::to_owned))
        }
        _ => None,
    };
    let one = |asked: &Value| {
        let fields = asked.as_object()?;
        let main = ["path", "uri", "method"]
            .iter()
            .find_map(|name| value(fields.get(*name)?));
        let others = fields
            .keys()
            .filter(|name| !["path", "uri", "method", "name"].contains(&name.as_str()));
        let others: Vec<&str> = others.map(String::as_str).collect();
        let main = main.unwrap_or_else(|| "/".to_owned());
        Some(if others.is_empty() {
            main
        } else {
            format!("{main} with {}", others.join(", "))
        })
    };
    let texts: Vec<String> = all.iter().filter_map(one).collect();
    texts.join(" or ")
}

#[cfg(test)]
mod tests;
