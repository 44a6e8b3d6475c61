//! What a change of a route in a cluster needs to be accepted. Owns the comparison that the API server makes: one patch, all of it or nothing.

use super::{Call, drifted, missing, refused};
use crate::{
    resources::{
        Place, RegionLabel,
        change::{Alter, ApplyError},
        traffic::{
            RouteRule,
            change::{BackendEdit, Change},
            find,
            rollouts::{self, Steering, Verb},
            routes,
        },
    },
    sim::world::{Transition, World},
};

/// What the change is for the world.
pub fn prepare(
    world: &World,
    change: &Change,
    label: &RegionLabel,
    rule: &RouteRule,
    edits: &[BackendEdit],
) -> Result<Call, ApplyError> {
    let rows = routes::sim::observe(world, &Place::Region(label.clone()));
    let backends = find::backends(&rows, rule);
    let seen: Vec<routes::write::Seen> = backends
        .map(|(name, backend)| routes::write::Seen {
            name: name.to_owned(),
            weight: Some(backend.weight),
        })
        .collect();
    let (Some(region), false) = (world.index(label), seen.is_empty()) else {
        let text = format!("NotFound: {} not found", rule.object());
        return Err(missing(change, text));
    };
    if let Some(found) = routes::write::drift(rule.kind, edits, &seen) {
        return Err(drifted(change, found));
    }
    if let Some(why) = routes::write::unsendable(rule.kind, edits) {
        return Err(refused(change, format!("Invalid: {why}")));
    }
    Ok(Call::of(Transition::Route {
        region,
        name: rule.name.clone(),
        weights: in_order(&seen, edits),
    }))
}

/// What a way of steering is for the world.
pub fn steer(world: &World, change: &Change, steering: &Steering) -> Result<Call, ApplyError> {
    let place = Place::Region(steering.region.clone());
    let rows = rollouts::sim::observe(world, &place);
    let seen = find::rollout(&rows, &steering.rollout);
    let (Some(region), Some(seen)) = (world.index(&steering.region), seen) else {
        let text = format!("NotFound: {} not found", steering.rollout.object());
        return Err(missing(change, text));
    };
    if matches!(steering.verb, Verb::Undo | Verb::Image(_)) {
        rollouts::standing(steering, seen).before_or_drifted(change.operation())?;
    } else {
        rollouts::write::patch(steering, seen).map_err(|why| drifted(change, why))?;
    }
    Ok(Call::of(Transition::Steer {
        region,
        steering: Box::new(steering.clone()),
    }))
}

/// The new weights in the order of the object.
fn in_order(seen: &[routes::write::Seen], edits: &[BackendEdit]) -> Vec<u32> {
    let weight = |backend: &routes::write::Seen| {
        let edit = edits.iter().find(|edit| edit.backend == backend.name);
        edit.map_or(0, |edit| edit.to)
    };
    seen.iter().map(weight).collect()
}
