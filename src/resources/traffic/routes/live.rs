//! Routes out of the watched clusters of a region. Owns how their objects become rows, and the independent read of a run: past the watches. Judges nothing.

use std::{collections::HashMap, sync::Arc, time::Duration};

use super::{
    super::{Mechanism, Split, rollouts},
    RouteKind, RouteRule,
    assembly::live::{SubsetLabels, SubsetName, of_destination, of_gateway, of_mesh},
};
use crate::{
    provider::{
        ask::Ask,
        kubernetes::{
            self, Key, Shelf, Watched,
            custom::{
                DestinationRule, GatewayRoute, GrpcRoute, HttpRoute, MeshRoute, VirtualService,
            },
            fresh,
            objects::Meta,
            once::{self, Written},
        },
    },
    resources::{Api, ErrorClass, ProviderError, Query, clusters, deployments},
};
use futures::future::join_all;
use jiff::Timestamp;

/// How long the first answer waits for the first lists.
const FIRST: Duration = Duration::from_secs(12);

/// Everything of a cluster that divides traffic.
struct Routes {
    http: Kind<HttpRoute>,
    grpc: Kind<GrpcRoute>,
    mesh: Kind<VirtualService>,
    /// Of what is measured, not of what is changed: that of the watch is good enough for a run, too.
    subsets: HashMap<SubsetName, SubsetLabels>,
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
    let written = query.wanted.reference().and_then(Written::parse);
    let reads = watched
        .iter()
        .map(|cluster| read(ask, cluster, query.of_a_run(), written.as_ref()));
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
        | Mechanism::Control(_)
        | Mechanism::Rollout(_) => 0,
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
        deployments::live::fault(cluster, &cluster.destination_rules),
    ];
    Routes {
        http: held(&cluster.http_routes),
        grpc: held(&cluster.grpc_routes),
        mesh: held(&cluster.virtual_services),
        subsets: subsets(&cluster.destination_rules),
        faults: faults.into_iter().flatten().collect(),
    }
}

fn subsets(rules: &Shelf<DestinationRule>) -> HashMap<SubsetName, SubsetLabels> {
    let seen = rules.seen();
    seen.items.values().flat_map(of_destination).collect()
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
        subsets: subsets(&cluster.destination_rules),
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
    let managed = rollouts::live::managed(cluster);
    for row in &mut rows {
        let Mechanism::Route(backend) = &mut row.by else {
            continue;
        };
        if let Some(subset) = backend.subset.clone() {
            let (service, namespace) = (&backend.service, &backend.service_namespace);
            let name = (service.clone(), namespace.clone(), subset);
            if let Some(labels) = routes.subsets.get(&name) {
                backend.version.clone_from(&labels.version);
                backend.topology.clone_from(&labels.topology);
            }
        }
        if let Some(rollout) = managed.get(&managed_key(&backend.rule)) {
            backend.owner = Some(deployments::Owner {
                by: "Argo Rollouts".to_owned(),
                name: Some(rollout.clone()),
                reverts: true,
            });
        }
    }
    if several {
        for row in &mut rows {
            row.split = format!("{name}:{}", row.split);
        }
    }
    rows
}

fn managed_key(rule: &RouteRule) -> (&'static str, String, String) {
    (
        rule.kind.plural(),
        rule.namespace.clone(),
        rule.name.clone(),
    )
}
