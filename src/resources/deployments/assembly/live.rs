//! What belongs to a deployment: its replica sets, pods, autoscaler, budget and warnings, found among all of a cluster. Owns these relations; judges nothing.

use std::{cmp::Reverse, collections::HashMap};

use super::super::{
    Autoscaler, Budget, Condition, Container, Deployment, Log, Part, Pod, Replicas, Revision,
    Trouble, Warning, owner, signals,
};
use crate::provider::kubernetes::{
    Cluster, Key, Seen,
    kept::{self, RESTARTED_AT, REVISION, SIDECARS},
    objects,
};

/// Pods of a row: those in trouble are first, and a screen has no more.
const PODS: usize = 12;
/// Revisions and warnings of a row.
const SHOWN: usize = 10;
/// Crashed containers whose last lines are read: one tells what the others would.
const CRASHED: usize = 2;

/// The deployments of a cluster as they are known now.
pub fn rows(cluster: &Cluster) -> Vec<Deployment> {
    let deployments = cluster.deployments.seen();
    let replica_sets = cluster.replica_sets.seen();
    let pods = cluster.pods.seen();
    let scalers = cluster.scalers.seen();
    let budgets = cluster.budgets.seen();
    let warnings = cluster.warnings.seen();
    let unknown = [
        (Part::ReplicaSets, replica_sets.complete),
        (Part::Pods, pods.complete),
        (Part::Autoscalers, scalers.complete),
        (Part::Budgets, budgets.complete),
        (Part::Events, warnings.complete),
    ];
    let unknown = unknown.into_iter().filter(|(_, complete)| !complete);
    let around = Around {
        cluster: cluster.access.name(),
        replica_sets: by(&replica_sets, |_, set| set.owner.as_str()),
        pods: by(&pods, |key, pod| (key.0.as_str(), &*pod.replica_set)),
        scalers: by(&scalers, |key, scaler| {
            (key.0.as_str(), scaler.target.name.as_str())
        }),
        budgets: by(&budgets, |key, _| key.0.as_str()),
        warnings: by(&warnings, |key, warning| {
            (key.0.as_str(), warning.kind.as_str(), warning.name.as_str())
        }),
        unknown: unknown.map(|(part, _)| part).collect(),
    };
    let mut rows: Vec<Deployment> = deployments
        .items
        .values()
        .map(|object| Deployment {
            heard_at: deployments.heard_at,
            ..around.row(object)
        })
        .collect();
    rows.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
    rows
}

/// Items by what they belong to.
pub type By<'a, G, T> = HashMap<G, Vec<(&'a Key, &'a T)>>;

/// Puts them together.
pub fn by<'a, G: std::hash::Hash + Eq, T>(
    seen: &'a Seen<T>,
    group: impl Fn(&'a Key, &'a T) -> G,
) -> By<'a, G, T> {
    let mut groups: By<'a, G, T> = HashMap::new();
    for (key, item) in &seen.items {
        groups
            .entry(group(key, item))
            .or_default()
            .push((key, item));
    }
    groups
}

/// Everything around the deployments of a cluster.
struct Around<'a> {
    cluster: &'a str,
    replica_sets: By<'a, &'a str, kept::ReplicaSet>,
    pods: By<'a, (&'a str, &'a str), kept::Pod>,
    scalers: By<'a, (&'a str, &'a str), kept::Scaler>,
    budgets: By<'a, &'a str, kept::Budget>,
    warnings: By<'a, (&'a str, &'a str, &'a str), kept::Warning>,
    unknown: Vec<Part>,
}

/// The pods of one deployment.
pub type Pods<'a> = Vec<(&'a Key, &'a kept::Pod)>;

impl<'a> Around<'a> {
    fn row(&self, object: &'a objects::Workload) -> Deployment {
        let meta = &object.metadata;
        let mut sets = self
            .replica_sets
            .get(meta.uid.as_str())
            .cloned()
            .unwrap_or_default();
        sets.sort_by_key(|(key, set)| (Reverse(set.revision), Reverse(set.created_at), &key.1));
        let revision = meta.annotations.get(REVISION).cloned();
        let number = revision
            .as_deref()
            .and_then(|text| text.parse::<u64>().ok());
        let current = sets
            .iter()
            .find(|(_, set)| set.revision == number && number.is_some());
        let hash = current.map(|(_, set)| set.hash.as_str());
        let pods = self.pods(&meta.namespace, &sets);
        let wanted = &object.spec.template;
        let status = &object.status;
        Deployment {
            name: meta.name.clone(),
            namespace: meta.namespace.clone(),
            cluster: self.cluster.to_owned(),
            heard_at: None,
            generation: meta.generation,
            observed_generation: status.observed_generation,
            paused: object.spec.paused,
            labels: signals::naming(|name| {
                let labels = &wanted.metadata.labels;
                labels.get(name).map(String::as_str)
            }),
            containers: containers(&wanted.spec.containers, &pods, hash),
            replicas: Replicas {
                desired: object.spec.replicas.unwrap_or(1),
                total: status.replicas,
                updated: status.updated_replicas,
                ready: status.ready_replicas,
                available: status.available_replicas,
            },
            conditions: status.conditions.iter().map(condition).collect(),
            revisions: sets
                .iter()
                .take(SHOWN)
                .map(|(key, set)| revision_of(key, set))
                .collect(),
            restarts: (!self.unknown.contains(&Part::Pods))
                .then(|| pods.iter().map(|(_, pod)| pod.restarts).sum()),
            troubles: troubles(&pods, hash),
            warnings: self.warnings(meta, &sets, &pods),
            logs: crashed(&pods, hash),
            pods: worst(pods, hash),
            autoscaler: self.autoscaler(meta),
            budget: self.budget(&meta.namespace, wanted),
            owner: owner::live::of(meta),
            restarted_at: wanted.metadata.annotations.get(RESTARTED_AT).cloned(),
            revision,
            unknown: self.unknown.clone(),
        }
    }

    fn pods(&self, namespace: &'a str, sets: &[(&'a Key, &'a kept::ReplicaSet)]) -> Pods<'a> {
        let of = |&(key, _): &(&'a Key, &'a kept::ReplicaSet)| {
            self.pods.get(&(namespace, key.1.as_str()))
        };
        sets.iter().filter_map(of).flatten().copied().collect()
    }

    fn autoscaler(&self, meta: &'a objects::Meta) -> Option<Autoscaler> {
        let found = self
            .scalers
            .get(&(meta.namespace.as_str(), meta.name.as_str()))?;
        let (key, scaler) = found
            .iter()
            .find(|(_, scaler)| scaler.target.kind == "Deployment")?;
        let reason = |name: &str, status: &str| {
            let mut conditions = scaler.status.conditions.iter();
            let found = conditions.find(|c| c.name == name && c.status == status)?;
            Some(found.reason.clone())
        };
        Some(Autoscaler {
            name: key.1.clone(),
            min: scaler.min,
            max: scaler.max,
            current: scaler.status.current_replicas,
            desired: scaler.status.desired_replicas,
            limited: reason("ScalingLimited", "True"),
            // Switched off by a scale of 0: nothing is wrong.
            inactive: reason("ScalingActive", "False").filter(|reason| reason != "ScalingDisabled"),
            owner: owner::live::of(&scaler.meta),
        })
    }

    fn budget(&self, namespace: &'a str, template: &objects::Template) -> Option<Budget> {
        let budgets = self.budgets.get(namespace)?;
        let protects = |(_, budget): &&(&Key, &kept::Budget)| {
            budget.selector.selects(&template.metadata.labels)
        };
        // Several budgets for one pod make every eviction fail; the tightest one is shown.
        let (key, budget) = budgets
            .iter()
            .filter(protects)
            .min_by_key(|(key, budget)| (budget.status.disruptions_allowed, &key.1))?;
        Some(Budget {
            name: key.1.clone(),
            allowed: budget.status.disruptions_allowed,
            healthy: budget.status.current_healthy,
            required: budget.status.desired_healthy,
        })
    }

    fn warnings(
        &self,
        meta: &'a objects::Meta,
        sets: &[(&'a Key, &'a kept::ReplicaSet)],
        pods: &Pods<'a>,
    ) -> Vec<Warning> {
        let namespace = meta.namespace.as_str();
        let own = ["Deployment", "HorizontalPodAutoscaler"].map(|kind| (kind, meta.name.as_str()));
        let sets = sets.iter().map(|(key, _)| ("ReplicaSet", key.1.as_str()));
        let pods = pods.iter().map(|(key, _)| ("Pod", key.1.as_str()));
        let about = own.into_iter().chain(sets).chain(pods);
        let of = |(kind, name)| self.warnings.get(&(namespace, kind, name));
        let mut found: Vec<&kept::Warning> = about
            .filter_map(of)
            .flatten()
            .map(|(_, warning)| *warning)
            .collect();
        found.sort_by_key(|warning| (Reverse(warning.at), warning.name.clone()));
        let shown = |warning: &kept::Warning| Warning {
            reason: warning.reason.clone(),
            object: format!("{} {}", warning.kind.to_lowercase(), warning.name),
            message: warning.message.clone(),
            count: warning.count,
            at: warning.at,
        };
        found.into_iter().take(SHOWN).map(shown).collect()
    }
}

fn condition(condition: &objects::Condition) -> Condition {
    let said = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Condition {
        name: condition.name.clone(),
        status: condition.status.clone(),
        reason: said(&condition.reason),
        message: said(&condition.message),
        // A condition that stays true keeps its transition; only the update tells when its reason changed: when a roll-out was complete.
        since: condition
            .last_update_time
            .or(condition.last_transition_time),
    }
}

/// A replica set as a revision.
pub fn revision_of(key: &Key, set: &kept::ReplicaSet) -> Revision {
    Revision {
        number: set.revision,
        replica_set: key.1.clone(),
        image: set.image.clone(),
        desired: set.desired,
        ready: set.ready,
        created_at: set.created_at,
    }
}

/// The containers of the template, sidecars last, with the digests that pods of the current revision have pulled.
fn containers(
    wanted: &[objects::Container],
    pods: &Pods<'_>,
    hash: Option<&str>,
) -> Vec<Container> {
    let digest = |name: &str| {
        let current = pods.iter().filter(|(_, pod)| hash == Some(&*pod.hash));
        let mut digests = current.flat_map(|(_, pod)| &pod.digests);
        digests
            .find(|(container, _)| **container == *name)
            .map(|(_, digest)| digest.to_string())
    };
    let mut containers: Vec<Container> = wanted
        .iter()
        .map(|container| Container {
            name: container.name.clone(),
            image: container.image.clone(),
            digest: digest(&container.name),
        })
        .collect();
    containers.sort_by_key(|container| SIDECARS.contains(&container.name.as_str()));
    containers
}

/// What keeps pods from running, by reason; without the hash of the current revision all of them are of it. Pods that are being deleted do not count.
pub fn troubles(pods: &Pods<'_>, hash: Option<&str>) -> Vec<Trouble> {
    let mut found: Vec<Trouble> = Vec::new();
    let mut pods: Vec<_> = pods.iter().filter(|(_, pod)| !pod.leaving).collect();
    pods.sort_by_key(|(key, _)| &key.1);
    for (_, pod) in pods {
        let Some(trouble) = &pod.trouble else {
            continue;
        };
        let current = hash.is_none_or(|hash| hash == &*pod.hash);
        let said = Some(&trouble.message).filter(|message| !message.is_empty());
        match found
            .iter_mut()
            .find(|known| known.reason == trouble.reason)
        {
            Some(known) => {
                known.pods += 1;
                known.current |= current;
                known.message = known.message.take().or_else(|| said.cloned());
            }
            None => found.push(Trouble {
                reason: trouble.reason.clone(),
                pods: 1,
                current,
                message: said.cloned(),
            }),
        }
    }
    found.sort_by_key(|trouble| Reverse(trouble.pods));
    found
}

/// The crashed containers that matter most, without their lines yet: of the current revision, and each name once.
fn crashed(pods: &Pods<'_>, hash: Option<&str>) -> Vec<Log> {
    let crash = |(key, pod): &(&Key, &kept::Pod)| {
        let trouble = pod.trouble.as_ref()?;
        let crash = trouble.crash.filter(|_| !pod.leaving)?;
        let current = hash.is_none_or(|hash| hash == &*pod.hash);
        let log = Log {
            pod: key.1.clone(),
            container: trouble.container.clone()?,
            previous: crash.previous,
            restarts: crash.restarts,
            exit_code: crash.exit_code,
            lines: Vec::new(),
            cut: false,
            missing: Some("not read yet".to_owned()),
        };
        Some((!current, log))
    };
    let mut found: Vec<(bool, Log)> = pods.iter().filter_map(crash).collect();
    // The oldest name stays the first one, so that a crash of another pod moves nothing on the screen.
    found.sort_by(|a, b| (a.0, &a.1.container, &a.1.pod).cmp(&(b.0, &b.1.container, &b.1.pod)));
    found.dedup_by(|a, b| a.1.container == b.1.container);
    found
        .into_iter()
        .take(CRASHED)
        .map(|(_, log)| log)
        .collect()
}

/// The pods that matter most: in trouble, not ready, often restarted.
fn worst(mut pods: Pods<'_>, hash: Option<&str>) -> Vec<Pod> {
    pods.sort_by_key(|(key, pod)| {
        (
            pod.trouble.is_none(),
            pod.ready,
            Reverse(pod.restarts),
            &key.1,
        )
    });
    let shown = |(key, pod): &(&Key, &kept::Pod)| {
        let reason = pod.trouble.as_ref().map(|trouble| trouble.reason.clone());
        let leaving = pod.leaving.then(|| "Terminating".to_owned());
        Pod {
            name: key.1.clone(),
            current: hash.is_none_or(|hash| hash == &*pod.hash),
            phase: pod.phase.to_string(),
            ready: pod.ready,
            restarts: pod.restarts,
            reason: leaving.or(reason),
            container: pod
                .trouble
                .as_ref()
                .and_then(|trouble| trouble.container.clone()),
            node: (!pod.node.is_empty()).then(|| pod.node.to_string()),
            started_at: pod.started_at,
        }
    };
    pods.iter().take(PODS).map(shown).collect()
}
