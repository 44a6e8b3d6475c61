//! Rollouts and Canaries out of the watched clusters of a region. Owns how their objects become rows, and the independent read of a run. Judges nothing.

use std::{collections::HashMap, time::Duration};

use futures::future::join_all;
use jiff::Timestamp;
use serde_json::Value;

use super::{super::Split, Rollout, RolloutName, Tool, versions};
use crate::{
    provider::{
        ask::Ask,
        kubernetes::{
            self, Key, Shelf, Watched,
            custom::{AnalysisStatus, ArgoRollout, FlaggerCanary},
            fresh,
            objects::Meta,
        },
    },
    resources::{Api, ErrorClass, ProviderError, Query, clusters, deployments, deployments::owner},
};

/// How long the first answer waits for the first lists.
const FIRST: Duration = Duration::from_secs(12);

/// What is known of the rollouts of a region now. A poll looks at the watches; a read of a run asks the servers.
pub async fn observe(ask: &Ask<'_>, query: &Query) -> Result<Vec<Split>, ProviderError> {
    let watched = clusters::live::watched(ask, query);
    join_all(watched.iter().map(|cluster| cluster.rollouts_tried(FIRST))).await;
    let reads = watched
        .iter()
        .map(|cluster| read(ask, cluster, query.read != 0));
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
        let argo = argo.values().map(|object| of_argo(name, object, now));
        let flagger = flagger.values().map(|object| of_flagger(name, object, now));
        return Ok((argo.chain(flagger).collect(), None));
    }
    let fault = deployments::live::fault(cluster, &cluster.rollouts)
        .or_else(|| deployments::live::fault(cluster, &cluster.canaries));
    let mut found = held(&cluster.rollouts, |object, heard| {
        of_argo(name, object, heard)
    });
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

fn named(cluster: &str, tool: Tool, meta: &Meta) -> RolloutName {
    RolloutName {
        cluster: cluster.to_owned(),
        tool,
        namespace: meta.namespace.clone(),
        name: meta.name.clone(),
    }
}

fn said(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// An Argo Rollout.
pub(super) fn of_argo(cluster: &str, object: &ArgoRollout, heard_at: Option<Timestamp>) -> Rollout {
    let (meta, spec, status) = (&object.metadata, &object.spec, &object.status);
    let canary = spec.strategy.canary.as_ref();
    let steps: &[Value] = canary.map_or(&[], |canary| &canary.steps);
    let count = u32::try_from(steps.len()).unwrap_or(u32::MAX);
    let index = status.current_step_index.filter(|_| canary.is_some());
    let index = index.and_then(|index| u32::try_from(index).ok());
    let done = status.stable_rs == status.current_pod_hash;
    let analyses = [
        &status.canary.current_step_analysis_run_status,
        &status.canary.current_background_analysis_run_status,
    ];
    Rollout {
        name: named(cluster, Tool::ArgoRollouts, meta),
        phase: said(&status.phase).unwrap_or_else(|| "Unknown".to_owned()),
        message: said(&status.message),
        observed: observed(&status.observed_generation, meta.generation),
        step: index,
        steps: count,
        step_words: index.and_then(|index| steps.get(index as usize)).map(words),
        weight: if done || status.abort {
            told_weight(&status.canary.weights)
                .filter(|_| !done)
                .unwrap_or(0.0)
        } else {
            told_weight(&status.canary.weights).unwrap_or_else(|| set_weight(steps, index))
        },
        waits: status
            .pause_conditions
            .iter()
            .map(|pause| pause.reason.clone())
            .collect(),
        controller_pause: status.controller_pause,
        suspended: spec.paused,
        aborted: status.abort,
        full: status.promote_full,
        stable: status.stable_rs.clone(),
        current: status.current_pod_hash.clone(),
        blue_green: spec.strategy.blue_green.is_some(),
        failed_checks: 0,
        iterations: 0,
        analyses: analyses.into_iter().flatten().map(analysis).collect(),
        owner: owner::live::of(meta),
        heard_at,
    }
}

fn analysis(run: &AnalysisStatus) -> String {
    let text = format!("{} {}", run.name, run.status);
    if run.message.is_empty() {
        text
    } else {
        format!("{text}: {}", run.message)
    }
}

/// The controller writes the generation that it has seen as a string. One that it does not write at all is not known to be old.
fn observed(seen: &Value, generation: i64) -> bool {
    let seen = match seen {
        Value::String(text) => text.parse::<i64>().ok(),
        Value::Number(number) => number.as_i64(),
        _ => None,
    };
    seen.is_none_or(|seen| seen >= generation)
}

/// The share that the traffic router was told.
fn told_weight(weights: &Value) -> Option<f64> {
    weights.pointer("/canary/weight")?.as_f64()
}

/// The share by the steps that are done: that of the last `setWeight`. Without any step left everything goes to it.
fn set_weight(steps: &[Value], index: Option<u32>) -> f64 {
    let Some(index) = index.map(|index| index as usize) else {
        return 0.0;
    };
    if index >= steps.len() {
        return 100.0;
    }
    // The step that it is at has been set too, if it is one of these.
    let reached = steps.iter().take(index + 1).rev();
    let mut weights = reached.filter_map(|step| step.get("setWeight")?.as_f64());
    weights.next().unwrap_or(0.0)
}

/// A step in words: `setWeight 20`, `pause`, `pause 10m`, `analysis`.
fn words(step: &Value) -> String {
    let Some((name, value)) = step.as_object().and_then(|fields| fields.iter().next()) else {
        return "?".to_owned();
    };
    let detail = match value {
        Value::Object(fields) => fields.get("duration").cloned().unwrap_or(Value::Null),
        other => other.clone(),
    };
    match detail {
        Value::String(text) => format!("{name} {text}"),
        Value::Number(number) => format!("{name} {number}"),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => name.clone(),
    }
}

/// A Flagger Canary.
pub(super) fn of_flagger(
    cluster: &str,
    object: &FlaggerCanary,
    heard_at: Option<Timestamp>,
) -> Rollout {
    let (meta, spec, status) = (&object.metadata, &object.spec, &object.status);
    let promoted = status
        .conditions
        .iter()
        .find(|condition| condition.name == "Promoted");
    Rollout {
        name: named(cluster, Tool::Flagger, meta),
        phase: said(&status.phase).unwrap_or_else(|| "Unknown".to_owned()),
        message: promoted.and_then(|condition| said(&condition.message)),
        observed: true,
        step: None,
        steps: 0,
        step_words: None,
        weight: status.canary_weight.map_or(0.0, |weight| weight as f64),
        waits: Vec::new(),
        controller_pause: false,
        suspended: spec.suspend,
        aborted: false,
        full: false,
        stable: status.last_promoted_spec.clone(),
        current: status.last_applied_spec.clone(),
        blue_green: false,
        failed_checks: u32::try_from(status.failed_checks).unwrap_or(0),
        iterations: u32::try_from(status.iterations).unwrap_or(0),
        analyses: Vec::new(),
        owner: owner::live::of(meta),
        heard_at,
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
