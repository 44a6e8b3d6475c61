//! Nodes out of the watched clusters of a region. Owns how they are counted.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use futures::future::join_all;

use super::{
    super::{
        Cluster,
        api_servers::live::watched,
        node::{Node, Occupant, Room},
    },
    NodeCount, Zone,
};
use crate::{
    provider::{
        ask::Ask,
        kubernetes::{self, kept},
    },
    resources::{Answer, ProviderError, Query, Rows, deployments},
};

/// How long the first answer waits for the first lists.
const FIRST: Duration = Duration::from_secs(12);
/// Names of a row.
const NAMED: usize = 8;

/// What is known of the nodes of a region now. Nothing is sent: the watches go on by themselves, and their calls are counted with the deployments.
pub async fn observe(ask: Ask<'_>, query: &Query) -> Result<Answer, ProviderError> {
    let watched = watched(&ask, query);
    join_all(watched.iter().map(|cluster| cluster.tried(FIRST))).await;
    let mut silent = Vec::new();
    let mut rows = Vec::new();
    for cluster in &watched {
        silent.extend(deployments::live::fault(cluster, &cluster.nodes));
        rows.extend(nodes(cluster).map(Cluster::Nodes));
    }
    if let (true, Some(error)) = (silent.len() == watched.len(), silent.first()) {
        return Err(error.clone());
    }
    for error in silent {
        ask.problem(error);
    }
    Ok(ask.answer(Rows::Clusters(rows)))
}

/// The nodes of a cluster; `None` before they were listed.
fn nodes(cluster: &kubernetes::Cluster) -> Option<NodeCount> {
    let seen = cluster.nodes.seen();
    if !seen.complete {
        return None;
    }
    let mut zones: BTreeMap<&str, (u32, u32)> = BTreeMap::new();
    let (mut not_ready, mut pressure, mut cordoned) = (Vec::new(), Vec::new(), 0);
    for ((_, name), node) in &seen.items {
        let (ready, total) = zones
            .entry(node.zone.as_deref().unwrap_or_default())
            .or_default();
        *total += 1;
        match node.ready {
            Some(true) => *ready += 1,
            Some(false) | None => not_ready.push(name.clone()),
        }
        cordoned += u32::from(node.ready == Some(true) && node.cordoned);
        pressure.extend(node.pressure.iter().map(|what| format!("{name} {what}")));
    }
    for names in [&mut not_ready, &mut pressure] {
        names.sort();
        names.truncate(NAMED);
    }
    let zone = |(name, (ready, total)): (&str, (u32, u32))| Zone {
        name: name.to_owned(),
        ready,
        total,
    };
    Some(NodeCount {
        cluster: cluster.access.name().to_owned(),
        heard_at: seen.heard_at,
        zones: zones.into_iter().map(zone).collect(),
        cordoned,
        not_ready,
        pressure,
        nodes: each(cluster, &seen.items),
    })
}

/// Each node by name, and the pods of those that are cordoned: what a drain has to move.
fn each(cluster: &kubernetes::Cluster, items: &HashMap<kubernetes::Key, kept::Node>) -> Vec<Node> {
    let cordoned = items.values().any(|node| node.cordoned);
    let mut on: BTreeMap<&str, (Vec<Occupant>, Room)> = BTreeMap::new();
    let pods = cluster.pods.seen();
    if cordoned {
        for (key, pod) in &pods.items {
            let (pods, requested) = on.entry(&pod.node).or_default();
            pods.push(occupant(key, pod));
            // One that has ended takes no room any more.
            if !pod.over() {
                *requested += pod.requests;
            }
        }
    }
    let mut nodes: Vec<Node> = items
        .iter()
        .map(|((_, name), node)| {
            let listed = cordoned && pods.complete;
            let (pods, requested) = on.remove(name.as_str()).unwrap_or_default();
            Node {
                name: name.clone(),
                zone: node.zone.clone(),
                group: node.group.clone(),
                ready: node.ready,
                cordoned: node.cordoned,
                allocatable: node.allocatable,
                requested: listed.then_some(requested),
                pods: (listed && node.cordoned).then_some(pods),
            }
        })
        .collect();
    for pods in nodes.iter_mut().filter_map(|node| node.pods.as_mut()) {
        pods.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
    }
    nodes.sort_by(|a, b| a.name.cmp(&b.name));
    nodes
}

fn occupant(key: &kubernetes::Key, pod: &kept::Pod) -> Occupant {
    Occupant {
        namespace: key.0.clone(),
        name: key.1.clone(),
        uid: pod.uid.to_string(),
        stays: pod.mirror || pod.over() || pod.controller.starts_with("DaemonSet "),
        controller: (!pod.controller.is_empty()).then(|| pod.controller.to_string()),
        leaving: pod.leaving,
        scratch: pod.scratch,
        requests: pod.requests,
    }
}
