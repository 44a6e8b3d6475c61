//! Whether the pods of a node find room on the others: part of G-CAP (domain B.6). Owns which nodes count; the arithmetic is the model's.

use super::{finding::Findings, outlook::Outlook};
use crate::resources::{
    Change, Source,
    change::Alter,
    clusters::node::{self, At, Node, Occupant, room::homeless},
};

/// Names of pods in a sentence.
const NAMED: usize = 3;

/// Judges the evictions that are ahead, node by node.
pub fn room(outlook: &Outlook<'_>, found: &mut Findings) {
    let mut judged: Vec<&At> = Vec::new();
    for change in outlook.changes() {
        let Change::Nodes(change @ node::Change::Evict { at, .. }) = change else {
            continue;
        };
        if judged.contains(&at) || outlook.aged(Source::Nodes, &change.place(), found) {
            continue;
        }
        judged.push(at);
        let cluster = at.cluster(outlook.fleet);
        let pods = at.find(outlook.fleet).and_then(Node::movable);
        let (Some(cluster), Some(pods)) = (cluster, pods) else {
            found.unknown(
                format!("the pods of {} are not listed", at.words()),
                "read it again (:refresh)",
            );
            continue;
        };
        // Those that are on their way have a place already, or are looked for one.
        let pods: Vec<&Occupant> = pods.into_iter().filter(|pod| !pod.leaving).collect();
        let others = cluster.nodes.iter();
        let others: Vec<&Node> = others
            .filter(|other| other.name != at.node && other.serves())
            .collect();
        one(at, &pods, &others, found);
    }
}

fn one(at: &At, pods: &[&Occupant], others: &[&Node], found: &mut Findings) {
    let wanted: node::Room = pods.iter().map(|pod| pod.requests).sum();
    let free: node::Room = others.iter().filter_map(|other| other.free()).sum();
    match homeless(pods, others).as_deref() {
        None => found.unknown(
            format!(
                "how much room the other nodes of {} have is not known",
                at.cluster
            ),
            "the console needs `list` and `watch` on `nodes` and `pods`",
        ),
        Some([]) => found.pass(format!(
            "{} pods of {} ask for {wanted}; {} other nodes have {free} left",
            pods.len(),
            at.node,
            others.len()
        )),
        Some(left) => {
            let names = left.iter().take(NAMED).map(|pod| pod.name.as_str());
            let names: Vec<&str> = names.collect();
            let more = if left.len() > NAMED { " …" } else { "" };
            found.fail(
                format!(
                    "{} of {} pods of {} find no node with room for what they ask: {}{more} ({free} are left on {} nodes, in pieces)",
                    left.len(),
                    pods.len(),
                    at.node,
                    names.join(", "),
                    others.len()
                ),
                "scale-receivers first, or override this where an autoscaler adds nodes",
            );
        }
    }
}
