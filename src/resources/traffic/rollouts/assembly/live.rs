//! Rows of Argo Rollouts and Flagger Canaries out of their objects. Owns what each field of a controller means; an Argo Rollout's versions are its replica sets.

use std::cmp::Reverse;

use jiff::Timestamp;
use serde_json::Value;

use super::super::{Rollout, RolloutName, Tool, Workload};
use crate::{
    provider::kubernetes::{
        self,
        custom::{AnalysisStatus, ArgoRollout, FlaggerCanary},
        kept::SIDECARS,
        objects::{Condition, Meta, Template},
    },
    resources::deployments::{
        Container, Replicas,
        assembly::live::{by, revision_of, troubles},
        owner,
    },
};

/// Versions of a row: a screen has no more.
const SHOWN: usize = 10;

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

/// Argo Rollouts with their versions, which are their replica sets, and what pods of the present one tell: the digests that they have pulled, and what keeps them from running.
pub fn with_versions<'a>(
    cluster: &kubernetes::Cluster,
    objects: impl Iterator<Item = &'a ArgoRollout>,
    heard_at: Option<Timestamp>,
) -> Vec<Rollout> {
    let mut objects = objects.peekable();
    if objects.peek().is_none() {
        return Vec::new();
    }
    let sets = cluster.replica_sets.seen();
    let owned = by(&sets, |_, set| set.owner.as_str());
    let pods = cluster.pods.seen();
    let pods = by(&pods, |key, pod| (key.0.as_str(), &*pod.replica_set));
    let versions = |object: &ArgoRollout| {
        let mut rollout = of_argo(cluster.access.name(), object, heard_at);
        let mut sets = owned
            .get(object.metadata.uid.as_str())
            .cloned()
            .unwrap_or_default();
        sets.sort_by_key(|(key, set)| (Reverse(set.revision), Reverse(set.created_at), &key.1));
        let current = sets.iter().find(|(_, set)| set.hash == rollout.current);
        let of_set = current.and_then(|(key, _)| pods.get(&(key.0.as_str(), key.1.as_str())));
        if let Some(of_set) = of_set {
            rollout.troubles = troubles(of_set, None);
        }
        if let Some(image) = &mut rollout.image {
            let mut of_set = of_set.into_iter().flatten();
            image.digest = of_set.find_map(|(_, pod)| {
                let mut digests = pod.digests.iter();
                let (_, digest) = digests.find(|(name, _)| **name == *image.name)?;
                Some(digest.to_string())
            });
        }
        let sets = sets.iter().take(SHOWN);
        rollout.revisions = sets.map(|(key, set)| revision_of(key, set)).collect();
        rollout
    };
    objects.map(versions).collect()
}

/// The main container of a template: the first one that no mesh adds.
fn main(template: &Template) -> Option<Container> {
    let containers = &template.spec.containers;
    let own = containers
        .iter()
        .find(|container| !SIDECARS.contains(&container.name.as_str()));
    let main = own.or(containers.first())?;
    Some(Container {
        name: main.name.clone(),
        image: main.image.clone(),
        digest: None,
    })
}

/// Since when nothing is on its way: the transition, for the condition is written anew without one.
fn completed(conditions: &[Condition]) -> Option<Timestamp> {
    let since = |name: &str| {
        let mut conditions = conditions.iter();
        let found = conditions.find(|condition| condition.name == name)?;
        let holds = found.status == "True";
        found.last_transition_time.filter(|_| holds)
    };
    // Controllers before 1.3 write only the second one.
    since("Completed").or_else(|| since("Healthy"))
}

/// Seconds of a pause: a number, or a duration such as `1h30m`.
fn seconds(duration: &Value) -> Option<u64> {
    let text = match duration {
        Value::Number(number) => return number.as_u64(),
        Value::String(text) => text,
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    if let Ok(seconds) = text.parse() {
        return Some(seconds);
    }
    let mut sum = 0;
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, unit) = rest.split_at(digits);
        let end = unit.find(|c: char| c.is_ascii_digit());
        let (unit, after) = unit.split_at(end.unwrap_or(unit.len()));
        let number: u64 = number.parse().ok()?;
        sum += match unit {
            "h" => number.checked_mul(3_600)?,
            "m" => number.checked_mul(60)?,
            "s" => number,
            _ => return None,
        };
        rest = after;
    }
    Some(sum)
}

/// An Argo Rollout.
pub fn of_argo(cluster: &str, object: &ArgoRollout, heard_at: Option<Timestamp>) -> Rollout {
    let (meta, spec, status) = (&object.metadata, &object.spec, &object.status);
    let canary = spec.strategy.canary.as_ref();
    let steps: &[Value] = canary.map_or(&[], |canary| &canary.steps);
    let count = u32::try_from(steps.len()).unwrap_or(u32::MAX);
    let index = status.current_step_index.filter(|_| canary.is_some());
    let index = index.and_then(|index| u32::try_from(index).ok());
    let done = status.stable_rs == status.current_pod_hash;
    let step = index.and_then(|index| steps.get(index as usize));
    let pause = status.pause_conditions.first();
    // A template that the controller filled in from its workload is the workload's.
    let reference = spec.workload_ref.as_ref();
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
        step_words: step.map(words),
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
        waits_since: pause.and_then(|pause| pause.start_time),
        wait_seconds: pause
            .and(step)
            .and_then(|step| seconds(step.pointer("/pause/duration")?)),
        image: main(&spec.template).filter(|_| reference.is_none()),
        workload: reference
            .filter(|reference| reference.kind == "Deployment")
            .map(|reference| Workload {
                name: reference.name.clone(),
                seen: generation(&status.workload_observed_generation),
            }),
        revisions: Vec::new(),
        replicas: Replicas {
            desired: spec.replicas.unwrap_or(1),
            total: status.replicas,
            updated: status.updated_replicas,
            ready: status.ready_replicas,
            available: status.available_replicas,
        },
        troubles: Vec::new(),
        completed_at: completed(&status.conditions).filter(|_| done),
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

/// The controller writes the generation that it has seen as a string.
fn generation(seen: &Value) -> Option<i64> {
    match seen {
        Value::String(text) => text.parse::<i64>().ok(),
        Value::Number(number) => number.as_i64(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// One that it does not write at all is not known to be old.
fn observed(seen: &Value, newest: i64) -> bool {
    generation(seen).is_none_or(|seen| seen >= newest)
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
pub fn of_flagger(cluster: &str, object: &FlaggerCanary, heard_at: Option<Timestamp>) -> Rollout {
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
        // In its phase since then, which is what it waits in.
        waits_since: status.last_transition_time,
        wait_seconds: None,
        image: None,
        workload: (spec.target_ref.kind == "Deployment").then(|| Workload {
            name: spec.target_ref.name.clone(),
            seen: None,
        }),
        revisions: Vec::new(),
        replicas: Replicas::default(),
        troubles: Vec::new(),
        completed_at: status
            .last_transition_time
            .filter(|_| ["Succeeded", "Initialized"].contains(&status.phase.as_str())),
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
