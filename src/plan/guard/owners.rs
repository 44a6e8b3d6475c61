//! Who puts back what is changed in a cluster (G-OWNER). Owns the words for what to do instead; what an owner leaves behind is read elsewhere.

use super::{finding::Findings, workloads};
use crate::resources::{
    Fleet, Place, RegionLabel, Source,
    deployments::Owner,
    releases::carrier,
    traffic::{
        RouteRule, find,
        rollouts::{Steering, Verb},
    },
};

/// What is known of the owner of the object of a route.
pub fn route(fleet: &Fleet, region: &RegionLabel, rule: &RouteRule, found: &mut Findings) {
    let place = Place::Region(region.clone());
    let slice = fleet.traffic.slice(Source::Routes, &place);
    let rows = slice.map_or(&[][..], |slice| &slice.rows);
    let object = rule.object();
    match find::backends(rows, rule).next() {
        None => found.unknown(
            format!("{object} is not listed"),
            "read it again (:refresh)",
        ),
        Some((_, backend)) => of(&object, backend.owner.as_ref(), found),
    }
}

/// What is known of the owner of a rollout. What is said to its controller through the status is put back by nobody.
pub fn rollout(fleet: &Fleet, steering: &Steering, found: &mut Findings) {
    let place = Place::Region(steering.region.clone());
    let slice = fleet.traffic.slice(Source::Rollouts, &place);
    let rows = slice.map_or(&[][..], |slice| &slice.rows);
    let object = steering.rollout.object();
    match find::rollout(rows, &steering.rollout) {
        None => found.unknown(
            format!("{object} is not listed"),
            "read it again (:refresh)",
        ),
        Some(_) if !steering.verb.edits_specification() => {
            found.pass(format!(
                "{object}: its status belongs to its controller alone"
            ));
        }
        Some(rollout) => {
            // A template may be that of a deployment, which has an owner of its own.
            let edited = match &steering.verb {
                Verb::Undo | Verb::Image(_) => {
                    carrier::sent_by(fleet, &steering.region, &steering.rollout)
                }
                Verb::Pause
                | Verb::Resume
                | Verb::Promote
                | Verb::PromoteFull
                | Verb::Abort
                | Verb::Retry => None,
            };
            let owner = edited.map_or(rollout.owner.as_ref(), |by| by.owner());
            let unnamed = edited.is_none();
            match owner {
                Some(owner) => workloads::judge(&object, owner, unnamed, found),
                None => found.pass(format!("nobody but people applies {object}")),
            }
        }
    }
}

/// The same of any object: one that is put back must not be edited, one that is only overwritten some day may.
pub fn of(object: &str, owner: Option<&Owner>, found: &mut Findings) {
    let Some(owner) = owner else {
        found.pass(format!("{object} shows no owner"));
        return;
    };
    let name = owner.name.as_deref().unwrap_or_default();
    let by = format!("{} {name}", owner.by);
    let by = by.trim_end();
    if owner.reverts {
        found.fail(
            format!("{object} belongs to {by}, which puts back what others change"),
            instead(owner),
        );
    } else {
        found.warn(
            format!("{object} was made by {by}: its next run overwrites the edit"),
            "change it there too",
        );
    }
}

/// What to do instead of an edit.
fn instead(owner: &Owner) -> String {
    let name = owner.name.as_deref().unwrap_or("it");
    match owner.by.as_str() {
        "Argo CD" => format!("change it in Git, or switch off auto-sync of {name} first"),
        "Flux" => format!("change it in Git, or suspend {name} first: flux suspend"),
        "Argo Rollouts" | "Rollout" => format!("steer the rollout {name} instead"),
        "Flagger" | "Canary" => format!("suspend the canary {name} first, or let it decide"),
        by => format!("change it in {by}"),
    }
}
