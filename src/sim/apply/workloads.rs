//! What a change of a deployment needs to be accepted. Owns the comparison that we make before it is sent, and the one of the API server.

use super::{Call, drifted, missing, refused};
use crate::{
    resources::{
        Place,
        change::{ApplyError, Standing},
        clusters::{self, Cluster, node},
        deployments::{self, Change},
    },
    sim::world::{Transition, World, workloads::Edit},
};

/// An edit of a deployment, compared with what its watch shows: the world has one of them.
pub fn deployments(world: &World, change: &Change) -> Result<Call, ApplyError> {
    let at = change.at();
    let place = Place::Region(at.region.clone());
    let rows = deployments::sim::observe(world, &place);
    let row = rows.iter().find(|row| {
        (&row.cluster, &row.namespace, &row.name) == (&at.cluster, &at.namespace, &at.name)
    });
    let (Some(row), Some(region)) = (row, world.region(&place)) else {
        let text = format!("NotFound: deployments.apps \"{}\" not found", at.name);
        return Err(missing(change, text));
    };
    match change.of_row(row) {
        Standing::Before => {}
        Standing::After => return Err(drifted(change, "it is so already")),
        Standing::Underway(text) | Standing::Other(text) | Standing::Unknown(text) => {
            return Err(drifted(change, text));
        }
    }
    let edit = match change {
        Change::Pause { to, .. } => Edit::Pause(*to),
        Change::Restart { to, .. } => Edit::Restart(to.clone()),
        Change::Revise { to, .. } => Edit::Revise(to.replica_set.clone()),
        Change::Image { to, .. } => Edit::Image(to.clone()),
        Change::Scale { to, .. } => Edit::Scale(to.min, to.max),
        Change::Resize { to, .. } => Edit::Resize(*to),
    };
    Ok(Call::of(Transition::Deployment {
        region,
        service: at.name.clone(),
        edit,
    }))
}

/// A node cordoned or not, and a pod evicted as its disruption budget allows.
pub fn nodes(world: &World, change: &node::Change) -> Result<Call, ApplyError> {
    let at = change.at();
    let place = Place::Region(at.region.clone());
    let clusters = clusters::sim::nodes(world, &place);
    let node = clusters.iter().find_map(|row| match row {
        Cluster::Nodes(nodes) if nodes.cluster == at.cluster => {
            nodes.nodes.iter().find(|node| node.name == at.node)
        }
        Cluster::Nodes(_) | Cluster::Eks(_) | Cluster::NodeGroup(_) | Cluster::ApiServer(_) => None,
    });
    let (Some(node), Some(region)) = (node, world.region(&place)) else {
        let text = format!("NotFound: nodes \"{}\" not found", at.node);
        return Err(missing(change, text));
    };
    match change.of_node(node) {
        Standing::Before => {}
        Standing::After => return Err(drifted(change, "it is so already")),
        Standing::Underway(text) | Standing::Other(text) | Standing::Unknown(text) => {
            return Err(drifted(change, text));
        }
    }
    let pod = match change {
        node::Change::Cordon { to, .. } => {
            return Ok(Call::of(Transition::Cordon {
                region,
                node: at.node.clone(),
                cordoned: *to,
            }));
        }
        node::Change::Evict { pod, .. } => pod,
    };
    for row in deployments::sim::observe(world, &place) {
        let Some(index) = row.pods.iter().position(|known| known.name == *pod) else {
            continue;
        };
        if row
            .budget
            .as_ref()
            .is_some_and(|budget| budget.allowed <= 0)
        {
            let text = "TooManyRequests: Cannot evict pod as it would violate the pod's disruption budget.";
            return Err(refused(change, text));
        }
        return Ok(Call::of(Transition::Evict {
            region,
            service: row.name,
            index: i32::try_from(index).unwrap_or_default(),
        }));
    }
    Err(missing(
        change,
        format!("NotFound: pods \"{pod}\" not found"),
    ))
}
