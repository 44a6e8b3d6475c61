//! Routes out of the watched clusters of a region. Owns how their objects become rows, and the independent read of a run: past the watches. Judges nothing.

use std::{collections::HashMap, sync::Arc, time::Duration};

use futures::future::join_all;
use jiff::Timestamp;
use serde_json::Value;

use super::{
    super::{Mechanism, Split},
    Parent, RouteBackend, RouteKind, RouteRule, member_names,
    write::Seen,
};
use crate::{
    provider::{
        ask::Ask,
        kubernetes::{
            self, Key, Shelf, Watched,
            custom::{
                BackendRef, GatewayRoute, GrpcRoute, HttpRoute, MeshDestination, MeshRoute,
                VirtualService,
            },
            fresh,
            objects::{Condition, Meta},
            once::{self, Written},
        },
    },
    resources::{
        Api, ErrorClass, ProviderError, Query, Wanted, clusters, deployments, deployments::owner,
    },
};

/// How long the first answer waits for the first lists.
const FIRST: Duration = Duration::from_secs(12);

/// Everything of a cluster that divides traffic.
struct Routes {
    http: Kind<HttpRoute>,
    grpc: Kind<GrpcRoute>,
    mesh: Kind<VirtualService>,
    /// Why some of it is older than it should be.
    faults: Vec<ProviderError>,
}

/// One kind of it, and when its server last said anything about it.
struct Kind<W> {
    items: HashMap<Key, W>,
    heard_at: Option<Timestamp>,
}

impl<W> Kind<W> {
    /// One of them as it was read just now.
    fn put(&mut self, key: Key, item: W) {
        self.items.insert(key, item);
        self.heard_at = Some(Timestamp::now());
    }
}

/// What is known of the routes of a region now. A poll looks at the watches; a read of a run asks the servers.
pub async fn observe(ask: &Ask<'_>, query: &Query) -> Result<Vec<Split>, ProviderError> {
    let watched = clusters::live::watched(ask, query);
    join_all(watched.iter().map(|cluster| cluster.routes_tried(FIRST))).await;
    let written = match &query.wanted {
        Wanted::Reference(reference) => Written::parse(reference),
        Wanted::Nothing | Wanted::Series(_) | Wanted::ApiServers(_) => None,
    };
    let reads = watched
        .iter()
        .map(|cluster| read(ask, cluster, query.read != 0, written.as_ref()));
    let mut rows = Vec::new();
    let mut silent = Vec::new();
    for (cluster, read) in watched.iter().zip(join_all(reads).await) {
        match read {
            Ok(routes) => {
                rows.extend(splits(cluster, &routes, watched.len() > 1));
                silent.extend(routes.faults.first().cloned());
            }
            Err(error) => silent.push(error),
        }
    }
    // Where no cluster is heard the read has failed: what was seen before stays, dated.
    let passing = |error: &&ProviderError| error.class != ErrorClass::Denied;
    if let (true, Some(error)) = (
        silent.iter().filter(passing).count() == watched.len(),
        silent.iter().find(passing),
    ) {
        return Err(error.clone());
    }
    for error in silent {
        ask.problem(error);
    }
    rows.sort_by(|a: &Split, b| (&a.split, rule_index(a)).cmp(&(&b.split, rule_index(b))));
    Ok(rows)
}

fn rule_index(split: &Split) -> usize {
    match &split.by {
        Mechanism::Route(backend) => backend.rule.index,
        Mechanism::Record(_)
        | Mechanism::Dial(_)
        | Mechanism::Forward(_)
        | Mechanism::Alias(_)
        | Mechanism::Distribution(_)
        | Mechanism::Control(_) => 0,
    }
}

async fn read(
    ask: &Ask<'_>,
    cluster: &kubernetes::Cluster,
    of_a_run: bool,
    written: Option<&Written>,
) -> Result<Routes, ProviderError> {
    if of_a_run && written.is_none() {
        let routes = afresh(cluster).await;
        ask.counted(Api::Kubernetes, cluster.access.take_calls());
        return routes;
    }
    let mut routes = known(cluster);
    if let Some(written) = written.filter(|written| written.cluster == cluster.access.name()) {
        ask.count(Api::Kubernetes);
        replace(&mut routes, cluster, &written.path).await?;
    }
    Ok(routes)
}

/// What the watches have. A failure takes nothing away: it is named, and what was seen keeps its age.
fn known(cluster: &kubernetes::Cluster) -> Routes {
    let faults = [
        deployments::live::fault(cluster, &cluster.http_routes),
        deployments::live::fault(cluster, &cluster.grpc_routes),
        deployments::live::fault(cluster, &cluster.virtual_services),
    ];
    Routes {
        http: held(&cluster.http_routes),
        grpc: held(&cluster.grpc_routes),
        mesh: held(&cluster.virtual_services),
        faults: faults.into_iter().flatten().collect(),
    }
}

fn held<W: Watched + Clone>(shelf: &Arc<Shelf<W>>) -> Kind<W> {
    let seen = shelf.seen();
    Kind {
        items: seen.items.clone(),
        heard_at: seen.heard_at,
    }
}

/// All of them from the server itself. What may not be listed is not there for us.
async fn afresh(cluster: &kubernetes::Cluster) -> Result<Routes, ProviderError> {
    let access = &cluster.access;
    let (http, grpc, mesh) = futures::join!(
        fresh(access, &cluster.http_routes),
        fresh(access, &cluster.grpc_routes),
        fresh(access, &cluster.virtual_services),
    );
    let named = |fault: kubernetes::Fault| ProviderError {
        message: format!("{}: {}", access.name(), fault.error.message),
        ..fault.error
    };
    Ok(Routes {
        http: unless_denied(http).map_err(named)?,
        grpc: unless_denied(grpc).map_err(named)?,
        mesh: unless_denied(mesh).map_err(named)?,
        faults: Vec::new(),
    })
}

fn unless_denied<W>(
    read: Result<HashMap<Key, W>, kubernetes::Fault>,
) -> Result<Kind<W>, kubernetes::Fault> {
    let items = match read {
        Err(fault) if fault.error.class == ErrorClass::Denied => HashMap::new(),
        other => other?,
    };
    Ok(Kind {
        items,
        heard_at: Some(Timestamp::now()),
    })
}

/// One object as the server has it now, in place of what the watch has.
async fn replace(
    routes: &mut Routes,
    cluster: &kubernetes::Cluster,
    path: &str,
) -> Result<(), ProviderError> {
    let access = &cluster.access;
    let kind = [
        RouteKind::HttpRoute,
        RouteKind::GrpcRoute,
        RouteKind::VirtualService,
    ]
    .into_iter()
    .find(|kind| path.contains(&format!("/{}/", kind.plural())));
    let read = match kind {
        Some(RouteKind::HttpRoute) => {
            once::get::<GatewayRoute>(access, "kubernetes:GetHTTPRoutes", path)
                .await
                .map(|object| {
                    let key = key(&object.metadata);
                    routes.http.put(key, HttpRoute(object));
                })
        }
        Some(RouteKind::GrpcRoute) => {
            once::get::<GatewayRoute>(access, "kubernetes:GetGRPCRoutes", path)
                .await
                .map(|object| {
                    let key = key(&object.metadata);
                    routes.grpc.put(key, GrpcRoute(object));
                })
        }
        Some(RouteKind::VirtualService) => {
            once::get::<MeshRoute>(access, "kubernetes:GetVirtualServices", path)
                .await
                .map(|object| {
                    let key = key(&object.metadata);
                    routes.mesh.put(key, VirtualService(object));
                })
        }
        None => Ok(()),
    };
    read.map_err(|fault| fault.error)
}

fn key(meta: &Meta) -> Key {
    (meta.namespace.clone(), meta.name.clone())
}

/// The rows of a cluster; its name is part of theirs where the region has several.
fn splits(cluster: &kubernetes::Cluster, routes: &Routes, several: bool) -> Vec<Split> {
    let name = cluster.access.name();
    let version = |path: Option<&str>| {
        path.and_then(|path| path.split('/').nth(3))
            .unwrap_or("v1")
            .to_owned()
    };
    let mut rows = Vec::new();
    for route in routes.http.items.values() {
        let kind = RouteKind::HttpRoute;
        let version = version(cluster.http_routes.path());
        rows.extend(of_gateway(
            name,
            kind,
            &version,
            &route.0,
            routes.http.heard_at,
        ));
    }
    for route in routes.grpc.items.values() {
        let kind = RouteKind::GrpcRoute;
        let version = version(cluster.grpc_routes.path());
        rows.extend(of_gateway(
            name,
            kind,
            &version,
            &route.0,
            routes.grpc.heard_at,
        ));
    }
    for route in routes.mesh.items.values() {
        let version = version(cluster.virtual_services.path());
        rows.extend(of_mesh(name, &version, &route.0, routes.mesh.heard_at));
    }
    if several {
        for row in &mut rows {
            row.split = format!("{name}:{}", row.split);
        }
    }
    rows
}

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

fn of_gateway(
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

fn of_mesh(
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

/// The backends of a rule of a gateway's route as they are now; `None` where the rule is gone.
pub(super) fn gateway_backends(route: &GatewayRoute, rule: usize) -> Option<Vec<Seen>> {
    let backends = &route.spec.rules.get(rule)?.backend_refs;
    let weights = backends.iter().map(|backend| backend.weight);
    Some(seen(gateway_names(backends), weights))
}

/// The same of a VirtualService.
pub(super) fn mesh_backends(route: &MeshRoute, rule: usize) -> Option<Vec<Seen>> {
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
