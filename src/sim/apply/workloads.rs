//! What a change of a deployment needs to be accepted. Owns the comparison that we make before it is sent, and the one of the API server.

use super::{Call, drifted, missing};
use crate::{
    resources::{
        Place,
        change::{ApplyError, Standing},
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
        Change::Scale { to, .. } => Edit::Scale(to.min, to.max),
        Change::Resize { to, .. } => Edit::Resize(*to),
    };
    Ok(Call::of(Transition::Deployment {
        region,
        service: at.name.clone(),
        edit,
    }))
}
