//! Rollouts and Canaries out of the watched clusters of a region. Owns how their objects become rows, and the independent read of a run. Judges nothing.

use std::{collections::HashMap, time::Duration};

use futures::future::join_all;
use jiff::Timestamp;
use serde_json::Value;

use super::{
    super::Split,
    Rollout,
    assembly::live::{of_flagger, with_versions},
    versions,
};
use crate::{
    provider::{
        ask::Ask,
        kubernetes::{self, Key, Shelf, Watched, fresh},
    },
    resources::{Api, ErrorClass, ProviderError, Query, clusters, deployments},
};

/// How long the first answer waits for the first lists.
const FIRST: Duration = Duration::from_secs(12);

/// What is known of the rollouts of a region now. A poll looks at the watches; a read of a run asks the servers.
pub async fn observe(ask: &Ask<'_>, query: &Query) -> Result<Vec<Split>, ProviderError> {
    let watched = clusters::live::watched(ask, query);
    join_all(watched.iter().map(|cluster| cluster.rollouts_tried(FIRST))).await;
    let reads = watched
        .iter()
        .map(|cluster| read(ask, cluster, query.of_a_run()));
    let mut rows = Vec::new();
    let mut silent = Vec::new();
    for (cluster, read) in watched.iter().zip(join_all(reads).await) {
        match read {
            Ok((found, fault)) => {
                rows.extend(
                    found
                        .into_iter()
                        .flat_map(|rollout| versions(&rollout, watched.len() > 1)),
                );
                silent.extend(fault);
            }
            Err(error) => silent.push(ProviderError {
                message: format!("{}: {}", cluster.access.name(), error.message),
                ..error
            }),
        }
    }
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
    rows.sort_by(|a: &Split, b| a.split.cmp(&b.split));
    Ok(rows)
}

/// The rollouts of a cluster, and why some are older than they should be.
async fn read(
    ask: &Ask<'_>,
    cluster: &kubernetes::Cluster,
    of_a_run: bool,
) -> Result<(Vec<Rollout>, Option<ProviderError>), ProviderError> {
    let name = cluster.access.name();
    if of_a_run {
        let access = &cluster.access;
        let (argo, flagger) = futures::join!(
            fresh(access, &cluster.rollouts),
            fresh(access, &cluster.canaries),
        );
        ask.counted(Api::Kubernetes, access.take_calls());
        let now = Some(Timestamp::now());
        let argo = unless_denied(argo)?;
        let flagger = unless_denied(flagger)?;
        let argo = with_versions(cluster, argo.values(), now);
        let flagger = flagger.values().map(|object| of_flagger(name, object, now));
        return Ok((argo.into_iter().chain(flagger).collect(), None));
    }
    // What their versions are is told by replica sets.
    let some = !cluster.rollouts.seen().items.is_empty();
    let fault = deployments::live::fault(cluster, &cluster.rollouts)
        .or_else(|| deployments::live::fault(cluster, &cluster.canaries))
        .or_else(|| deployments::live::fault(cluster, &cluster.replica_sets).filter(|_| some));
    let mut found = {
        let seen = cluster.rollouts.seen();
        with_versions(cluster, seen.items.values(), seen.heard_at)
    };
    found.extend(held(&cluster.canaries, |object, heard| {
        of_flagger(name, object, heard)
    }));
    Ok((found, fault))
}

fn held<W: Watched>(
    shelf: &Shelf<W>,
    of: impl Fn(&W, Option<Timestamp>) -> Rollout,
) -> Vec<Rollout> {
    let seen = shelf.seen();
    let all = seen.items.values();
    all.map(|object| of(object, seen.heard_at)).collect()
}

fn unless_denied<W>(
    read: Result<HashMap<Key, W>, kubernetes::Fault>,
) -> Result<HashMap<Key, W>, ProviderError> {
    match read {
        Err(fault) if fault.error.class == ErrorClass::Denied => Ok(HashMap::new()),
        other => other.map_err(|fault| fault.error),
    }
}

/// Which routes are moved by a Rollout of the cluster, by plural, namespace and name; with the name of that Rollout.
pub fn managed(cluster: &kubernetes::Cluster) -> HashMap<(&'static str, String, String), String> {
    let seen = cluster.rollouts.seen();
    let mut managed = HashMap::new();
    for object in seen.items.values() {
        let Some(canary) = &object.spec.strategy.canary else {
            continue;
        };
        for (plural, namespace, route) in routes(&canary.traffic_routing) {
            let namespace = namespace.unwrap_or_else(|| object.metadata.namespace.clone());
            managed.insert((plural, namespace, route), object.metadata.name.clone());
        }
    }
    managed
}

/// The routes that a Rollout names: by Istio, or by the plugin for the Gateway API.
fn routes(routing: &Value) -> Vec<(&'static str, Option<String>, String)> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let mut found = Vec::new();
    let mut note = |plural, namespace: Option<String>, name: Option<&Value>| {
        found.extend(name.and_then(text).map(|name| (plural, namespace, name)));
    };
    let one = routing.pointer("/istio/virtualService");
    let several = routing
        .pointer("/istio/virtualServices")
        .and_then(Value::as_array);
    for service in one.into_iter().chain(several.into_iter().flatten()) {
        note("virtualservices", None, service.get("name"));
    }
    let plugin = routing.pointer("/plugins/argoproj-labs~1gatewayAPI");
    if let Some(plugin) = plugin {
        let namespace = plugin.get("namespace").and_then(text);
        for (plural, single, list) in [
            ("httproutes", "httpRoute", "httpRoutes"),
            ("grpcroutes", "grpcRoute", "grpcRoutes"),
        ] {
            note(plural, namespace.clone(), plugin.get(single));
            let list = plugin.get(list).and_then(Value::as_array);
            for route in list.into_iter().flatten() {
                note(plural, namespace.clone(), route.get("name"));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests;
