//! What a target of an action on deployments means: a service in all regions, or in one. Owns these names, and the steps that every such plan has; no procedure.

use std::collections::{BTreeMap, BTreeSet};

use super::{guards::guards, pace, stores::guess};
use crate::{
    actions::Refusal,
    plan::{GuardId, Step, Wait, Work},
    resources::{
        Change, Fleet, Freshness, RegionLabel,
        deployments::{At, Deployment, change},
        traffic::{
            self,
            rollouts::{Steering, Verb},
        },
    },
};

/// Guards of every change of a deployment. A freeze is not among them: it forbids no way back, and no pause.
pub const GUARDS: &[GuardId] = guards!(pace::BACK, &[GuardId::Owner, GuardId::Soak]);

/// The same for what brings something new.
pub const FORWARD: &[GuardId] = guards!(GUARDS, &[GuardId::Freeze]);

/// Seconds until the controller has seen an edit, and after which it is in doubt.
const SEEN: (u64, u64) = (5, 60);
/// Seconds until the pods have followed: those of the first region, and those of the next ones, which roll beside it.
const ROLLED: (u64, u64) = (60, 10);
/// After how long somebody is asked: the deadline of a roll-out, which is ten minutes unless somebody says otherwise.
const DEADLINE: u64 = 630;
/// The same where a controller goes step by step.
pub const STEPS: u64 = 1_800;

/// Something that is called like a deployment, somewhere.
#[derive(Debug, Clone)]
pub struct On<R> {
    /// Where.
    pub at: At,
    /// As it is known.
    pub row: R,
}

/// A deployment somewhere.
pub type Found<'a> = On<&'a Deployment>;

/// Every deployment with its region.
fn all(fleet: &Fleet) -> Vec<Found<'_>> {
    let rows = fleet.deployments.rows();
    let found = rows.filter_map(|(_, place, row)| {
        let at = At::of(place.region()?, row);
        Some(On { at, row })
    });
    found.collect()
}

/// `shop/api` and `shop/api@eu-west-1`, each with what it may be called as well.
fn names(at: &At) -> [[String; 2]; 2] {
    let everywhere = [at.name.clone(), format!("{}/{}", at.namespace, at.name)];
    let here = everywhere
        .clone()
        .map(|name| format!("{name}@{}", at.region));
    [everywhere, here]
}

/// The deployments that a target names, in the order of the regions.
pub fn find<'a>(fleet: &'a Fleet, target: &str) -> Result<Vec<Found<'a>>, Refusal> {
    named(fleet, all(fleet), "deployment", target)
}

/// Those of some things that a target names, in the order of the regions; `what` says what they are.
pub fn named<R>(
    fleet: &Fleet,
    mut found: Vec<On<R>>,
    what: &str,
    target: &str,
) -> Result<Vec<On<R>>, Refusal> {
    let target = target.trim();
    if found.is_empty() {
        return Err(Refusal::new(
            format!("there are no {what}s that we know of"),
            "wait until they have been read, or see whether clusters are configured",
        ));
    }
    let known = forms(&found);
    found.retain(|found| {
        names(&found.at)
            .as_flattened()
            .iter()
            .any(|name| name == target)
    });
    let order = |label: &RegionLabel| {
        let mut regions = fleet.estate.regions.iter();
        regions.position(|spec| spec.label == *label)
    };
    found.sort_by_cached_key(|found| (order(&found.at.region), found.at.clone()));
    let namespaces: BTreeSet<&str> = found
        .iter()
        .map(|found| found.at.namespace.as_str())
        .collect();
    if namespaces.len() > 1 {
        let full: Vec<String> = namespaces
            .iter()
            .map(|namespace| format!("{namespace}/{target}"))
            .collect();
        return Err(Refusal::new(
            format!("`{target}` means {what}s of {} namespaces", full.len()),
            format!("say which: {}", full.join(", ")),
        ));
    }
    if found.is_empty() {
        return Err(Refusal::new(
            format!("`{target}` is no {what} that we know of"),
            guess(target, &known, &known),
        ));
    }
    Ok(found)
}

/// What can be named, in its shortest form: services everywhere first.
pub fn targets(fleet: &Fleet) -> Vec<String> {
    forms(&all(fleet))
}

/// The names of some things, in their shortest form: those that mean them everywhere first.
pub fn forms<R>(found: &[On<R>]) -> Vec<String> {
    let mut namespaces: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for found in found {
        let of_name = namespaces.entry(&found.at.name).or_default();
        of_name.insert(&found.at.namespace);
    }
    let several = |at: &At| {
        namespaces
            .get(at.name.as_str())
            .is_some_and(|all| all.len() > 1)
    };
    let nth = |which: usize| -> BTreeSet<String> {
        let name = |found: &On<R>| {
            let [short, full] = names(&found.at)[which].clone();
            if several(&found.at) { full } else { short }
        };
        found.iter().map(name).collect()
    };
    nth(0).into_iter().chain(nth(1)).collect()
}

/// Whether what is known of a deployment is too old.
pub fn unheard(fleet: &Fleet, found: &Found<'_>) -> Option<String> {
    let old = found.row.heard(fleet) >= Freshness::Expired;
    old.then(|| format!("{}: its cluster is not heard", found.at.words()))
}

/// A change as a step.
pub fn step(title: String, change: change::Change, guards: &[GuardId]) -> Step {
    Step {
        title,
        work: Work::Change(Change::Deployments(change)),
        expected_seconds: SEEN.0,
        deadline_seconds: SEEN.1,
        guards: guards.to_vec(),
    }
}

/// The wait for the pods that follow a change; `None` where none do.
pub fn follows(change: &Change) -> Option<Step> {
    let change = match change {
        Change::Deployments(change) => change,
        Change::Traffic(traffic::Change::Steer(steering)) => return sent_out(steering),
        Change::Traffic(_)
        | Change::Databases(_)
        | Change::Caches(_)
        | Change::Clusters(_)
        | Change::Nodes(_)
        | Change::HealthChecks(_)
        | Change::Alarms(_)
        | Change::Pipelines(_) => return None,
    };
    match change {
        change::Change::Revise { at, .. }
        | change::Change::Image { at, .. }
        | change::Change::Restart { at, .. }
        | change::Change::Pause { at, to: false, .. } => Some(settles(at, None, true)),
        change::Change::Pause { .. }
        | change::Change::Scale { .. }
        | change::Change::Resize { .. } => None,
    }
}

/// The wait for what a Rollout sends out of an image that it was given: by its own steps, or to where it waits for somebody.
fn sent_out(steering: &Steering) -> Option<Step> {
    if !matches!(steering.verb, Verb::Image(_)) {
        return None;
    }
    let name = &steering.rollout;
    let at = At {
        region: steering.region.clone(),
        cluster: name.cluster.clone(),
        namespace: name.namespace.clone(),
        name: name.name.clone(),
    };
    Some(Step {
        deadline_seconds: STEPS,
        ..settles(&at, None, true)
    })
}

/// Waits until the pods have followed; `first` for the first of several that roll side by side.
pub fn settles(at: &At, pods: Option<i32>, first: bool) -> Step {
    Step {
        title: match pods {
            None => format!("Wait for the roll-out of {}", at.words()),
            Some(pods) => format!("Wait for {pods} available pods of {}", at.words()),
        },
        work: Work::Wait(Wait::Rollout {
            at: at.clone(),
            pods,
        }),
        expected_seconds: if first { ROLLED.0 } else { ROLLED.1 },
        deadline_seconds: DEADLINE,
        guards: Vec::new(),
    }
}
