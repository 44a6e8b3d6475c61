//! Takes a node out of service and back: cordon, drain, uncordon. Owns which pods are moved and in which order; one eviction after the other, each as its disruption budget allows.

#[cfg(test)]
mod tests;

use super::{
    Action, Refusal,
    kit::{
        guards::guards,
        pace,
        stores::{self, ACCEPT_LOSS, Draft},
    },
};
use crate::{
    plan::{Blast, GuardId, Intent, Mark, Plan, Step, Wait, ledger::Ledger},
    resources::{
        Change, Fleet, Freshness,
        clusters::{
            Cluster, NodeCount,
            node::{self, At, Node, Occupant},
        },
    },
};

/// Takes no new pods any more.
pub struct CordonNode;
/// Takes new pods again.
pub struct UncordonNode;
/// Moves the pods off a cordoned node.
pub struct DrainNode;

/// Seconds of an eviction, and how long a disruption budget may say no (domain B.6).
const EVICTION: (u64, u64) = (5, 600);
/// Seconds until the pods have ended: thirty for most, ten minutes for those that take leave of their connections.
const EMPTY: (u64, u64) = (60, 900);
/// What is judged before each eviction: beside the usual, whether the other nodes have room.
const EVICTED: &[GuardId] = guards!(pace::PLAIN, &[GuardId::Capacity]);
/// Minutes after which a node that is out of service should be looked after.
const UNTIL_MINUTES: u64 = 240;

/// A node with the cluster that it is in.
#[derive(Debug, Clone)]
struct Found<'a> {
    at: At,
    node: &'a Node,
    cluster: &'a NodeCount,
}

fn all(fleet: &Fleet) -> Vec<Found<'_>> {
    let rows = fleet.clusters.rows();
    let clusters = rows.filter_map(|(_, place, row)| match row {
        Cluster::Nodes(nodes) => Some((place.region()?, nodes)),
        Cluster::Eks(_) | Cluster::NodeGroup(_) | Cluster::ApiServer(_) => None,
    });
    let of = |(region, cluster): (_, &'_ NodeCount)| -> Vec<(At, usize)> {
        let at = |node: &Node| At {
            region: Clone::clone(region),
            cluster: cluster.cluster.clone(),
            node: node.name.clone(),
        };
        cluster.nodes.iter().map(at).zip(0..).collect()
    };
    clusters
        .flat_map(|(region, cluster)| {
            let nodes = of((region, cluster)).into_iter();
            nodes.map(move |(at, index)| Found {
                at,
                node: &cluster.nodes[index],
                cluster,
            })
        })
        .collect()
}

/// What a node may be called: `ip-10-0-1-5`, and where that means several `shop-eu/ip-10-0-1-5`.
fn names(at: &At) -> [String; 3] {
    let At {
        region,
        cluster,
        node,
    } = at;
    [
        node.clone(),
        format!("{cluster}/{node}"),
        format!("{region}/{cluster}/{node}"),
    ]
}

fn targets(fleet: &Fleet, wanted: impl Fn(&Node) -> bool) -> Vec<String> {
    let all = all(fleet);
    let mut seen = std::collections::BTreeMap::<&str, usize>::new();
    for found in &all {
        *seen.entry(&found.at.node).or_default() += 1;
    }
    let name = |found: &Found<'_>| {
        let [short, _, full] = names(&found.at);
        let several = seen
            .get(found.at.node.as_str())
            .is_some_and(|count| *count > 1);
        if several { full } else { short }
    };
    all.iter()
        .filter(|found| wanted(found.node))
        .map(name)
        .collect()
}

fn find<'a>(fleet: &'a Fleet, target: &str) -> Result<Found<'a>, Refusal> {
    let target = target.trim();
    let mut found: Vec<Found<'a>> = all(fleet)
        .into_iter()
        .filter(|found| names(&found.at).iter().any(|name| name == target))
        .collect();
    match (found.pop(), found.is_empty()) {
        (Some(only), true) if only.cluster.heard(fleet) < Freshness::Expired => Ok(only),
        (Some(only), true) => Err(Refusal::new(
            format!(
                "{} is not heard: how its nodes are is not known",
                only.at.cluster
            ),
            "wait until its API server answers",
        )),
        (Some(last), false) => {
            let full: Vec<String> = found
                .iter()
                .chain([&last])
                .map(|found| names(&found.at)[2].clone())
                .collect();
            Err(Refusal::new(
                format!("`{target}` means {} nodes", full.len()),
                format!("say which: {}", stores::some(&full)),
            ))
        }
        (None, _) => {
            let known = targets(fleet, |_| true);
            Err(Refusal::new(
                format!("`{target}` is no node that we know of"),
                stores::guess(target, &known, &known),
            ))
        }
    }
}

/// Why a node cannot be taken out of service now: the last one of its zone, or a second one of its group.
fn needed(found: &Found<'_>) -> Option<String> {
    let node = found.node;
    let others = || {
        let all = found.cluster.nodes.iter();
        all.filter(|other| other.name != node.name)
    };
    let zone = node.zone.as_deref().unwrap_or("its cluster");
    if !others().any(|other| other.serves() && other.zone == node.zone) {
        return Some(format!(
            "{} is the last node of {zone} that takes pods",
            node.name
        ));
    }
    let beside = others().find(|other| other.cordoned && other.group == node.group)?;
    let group = node.group.as_deref().unwrap_or("its cluster");
    Some(format!(
        "{} of {group} is out of service already: one node at a time",
        beside.name
    ))
}

impl Action for CordonNode {
    fn name(&self) -> &'static str {
        "cordon-node"
    }

    fn doc(&self) -> &'static str {
        "Let a node take no new pods"
    }

    fn target(&self) -> &'static str {
        "<node>"
    }

    fn options(&self) -> &'static [&'static str] {
        &["minutes"]
    }

    fn targets(&self, fleet: &Fleet, _ledger: &Ledger) -> Vec<String> {
        targets(fleet, |node| !node.cordoned)
    }

    fn plan(&self, fleet: &Fleet, _ledger: &Ledger, intent: &Intent) -> Result<Plan, Refusal> {
        let found = find(fleet, &intent.target)?;
        if found.node.cordoned {
            return Err(Refusal::new(
                format!("{} is cordoned already", found.at.words()),
                "drain-node moves its pods, uncordon-node lets it take new ones",
            ));
        }
        if let Some(why) = needed(&found) {
            return Err(Refusal::new(why, "uncordon another node first, or add one"));
        }
        let mut plan = switch(fleet, intent, &found, true);
        plan.remarks
            .push("its pods stay: drain-node moves them".to_owned());
        plan.marks = vec![Mark::Orphan {
            what: format!("cordoned node {}", found.at.words()),
        }];
        let minutes = intent.options.minutes.unwrap_or(UNTIL_MINUTES);
        let seconds = std::time::Duration::from_secs(minutes.saturating_mul(60));
        plan.until = fleet.now.checked_add(seconds).ok();
        Ok(plan)
    }
}

impl Action for UncordonNode {
    fn name(&self) -> &'static str {
        "uncordon-node"
    }

    fn doc(&self) -> &'static str {
        "Let a cordoned node take new pods again"
    }

    fn target(&self) -> &'static str {
        "<node>"
    }

    fn options(&self) -> &'static [&'static str] {
        &[]
    }

    fn targets(&self, fleet: &Fleet, _ledger: &Ledger) -> Vec<String> {
        targets(fleet, |node| node.cordoned)
    }

    fn plan(&self, fleet: &Fleet, _ledger: &Ledger, intent: &Intent) -> Result<Plan, Refusal> {
        let found = find(fleet, &intent.target)?;
        if !found.node.cordoned {
            return Err(Refusal::new(
                format!("{} is not cordoned", found.at.words()),
                "there is nothing to do",
            ));
        }
        let mut plan = switch(fleet, intent, &found, false);
        plan.remarks
            .push("pods that were moved do not move back".to_owned());
        Ok(plan)
    }
}

fn switch(fleet: &Fleet, intent: &Intent, found: &Found<'_>, to: bool) -> Plan {
    let verb = if to { "Cordon" } else { "Uncordon" };
    let title = format!("{verb} {}", found.at.words());
    let change = node::Change::Cordon {
        at: found.at.clone(),
        from: !to,
        to,
    };
    let step = pace::change(title.clone(), Change::Nodes(change), pace::PLAIN);
    let mut draft = Draft::new(title, "", vec![step]);
    draft.blast = Blast::L1;
    draft.freeze(fleet, intent)
}

impl Action for DrainNode {
    fn name(&self) -> &'static str {
        "drain-node"
    }

    fn doc(&self) -> &'static str {
        "Move the pods off a cordoned node, as their disruption budgets allow"
    }

    fn target(&self) -> &'static str {
        "<cordoned node>"
    }

    fn options(&self) -> &'static [&'static str] {
        &[]
    }

    fn targets(&self, fleet: &Fleet, _ledger: &Ledger) -> Vec<String> {
        targets(fleet, |node| node.cordoned)
    }

    fn plan(&self, fleet: &Fleet, _ledger: &Ledger, intent: &Intent) -> Result<Plan, Refusal> {
        let found = find(fleet, &intent.target)?;
        let words = found.at.words();
        if !found.node.cordoned {
            return Err(Refusal::new(
                format!("{words} is not cordoned: it would get as many pods as it loses"),
                format!(
                    "cordon-node {} first; its pods are listed then",
                    found.at.node
                ),
            ));
        }
        if let Some(why) = needed(&found) {
            return Err(Refusal::new(why, "uncordon another node first, or add one"));
        }
        let pods = found.node.movable().ok_or_else(|| {
            Refusal::new(
                format!("the pods of {words} are not listed"),
                "the console needs `list` and `watch` on `pods`",
            )
        })?;
        if pods.is_empty() {
            return Err(Refusal::new(
                format!("{words} has no pod that can be moved"),
                "it is drained",
            ));
        }
        Ok(drain(fleet, intent, &found, &pods))
    }
}

fn drain(fleet: &Fleet, intent: &Intent, found: &Found<'_>, pods: &[&Occupant]) -> Plan {
    let leaving = |pod: &&&Occupant| !pod.leaving;
    let mut steps: Vec<Step> = pods
        .iter()
        .filter(leaving)
        .map(|pod| evict(&found.at, pod))
        .collect();
    steps.push(stores::wait(
        format!("Wait until {} is empty", found.at.words()),
        Wait::Emptied {
            node: found.at.clone(),
        },
        EMPTY,
    ));
    let title = format!("Drain {}", found.at.words());
    let mut draft = Draft::new(title, found.at.node.clone(), steps);
    let losses: Vec<String> = pods.iter().filter_map(|pod| pod.loss()).collect();
    if !losses.is_empty() {
        ACCEPT_LOSS.clone_into(&mut draft.loss_phrase);
    }
    let all = found.node.pods.as_ref().map_or(0, Vec::len);
    draft.remarks = vec![
        format!(
            "{} of its {all} pods are moved; those of DaemonSets and of the node itself stay",
            pods.len()
        ),
        "a disruption budget that says no is asked again for ten minutes, and then somebody is asked"
            .to_owned(),
    ];
    draft.remarks.extend(losses);
    draft.freeze(fleet, intent)
}

fn evict(at: &At, pod: &Occupant) -> Step {
    let change = node::Change::Evict {
        at: at.clone(),
        namespace: pod.namespace.clone(),
        pod: pod.name.clone(),
        uid: pod.uid.clone(),
    };
    let title = format!("Evict {}/{} from {}", pod.namespace, pod.name, at.node);
    stores::change(title, Change::Nodes(change), EVICTION, EVICTED)
}
