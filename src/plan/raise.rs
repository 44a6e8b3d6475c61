//! What a change can give more users. Owns the one list of all kinds of changes that says so; whether it does, and whether that is well, is said elsewhere.

use crate::resources::{
    Change, RegionLabel,
    deployments::{self, Container},
    traffic::{
        self, RouteRule,
        rollouts::{Steering, Verb},
        routes::{BackendEdit, leads::between_regions},
    },
};

/// Who can get more users by a change.
#[derive(Debug, Clone, PartialEq)]
pub enum Raised<'a> {
    /// Nobody that is known by it.
    Nobody,
    /// Regions: it moves traffic between them.
    Regions,
    /// A part of what is divided within a region or at the edge, by something that is judged as a whole: target groups, versions of a function, a staging distribution.
    Part,
    /// Backends of a route.
    Backends {
        /// Where.
        region: &'a RegionLabel,
        /// The rule.
        rule: &'a RouteRule,
        /// Those that get more.
        backends: Vec<&'a BackendEdit>,
    },
    /// The version that a rollout sends out.
    Rollout(&'a Steering),
    /// A version of a deployment, which gets all of its users.
    Version(&'a deployments::At, Container),
}

/// What a change can give more users.
pub fn raised(change: &Change) -> Raised<'_> {
    match change {
        Change::Traffic(change) => of_traffic(change),
        Change::Deployments(change) => match change {
            deployments::Change::Image { at, to, .. } => {
                Raised::Version(at, Container::of(to.clone()))
            }
            deployments::Change::Revise { at, to, .. } => {
                Raised::Version(at, Container::of(to.image.clone()))
            }
            deployments::Change::Pause { .. }
            | deployments::Change::Restart { .. }
            | deployments::Change::Scale { .. }
            | deployments::Change::Resize { .. } => Raised::Nobody,
        },
        Change::HealthChecks(_) => Raised::Regions,
        Change::Databases(_)
        | Change::Caches(_)
        | Change::Clusters(_)
        | Change::Nodes(_)
        | Change::Alarms(_)
        | Change::Pipelines(_) => Raised::Nobody,
    }
}

fn of_traffic(change: &traffic::Change) -> Raised<'_> {
    match change {
        traffic::Change::Weights { .. }
        | traffic::Change::Dial { .. }
        | traffic::Change::Controls { .. } => Raised::Regions,
        traffic::Change::Route { backends, .. } if between_regions(backends) => Raised::Regions,
        traffic::Change::Route {
            region,
            rule,
            backends,
        } => Raised::Backends {
            region,
            rule,
            backends: backends.iter().filter(|edit| edit.to > edit.from).collect(),
        },
        traffic::Change::Steer(steering) if steering.verb.raises() => Raised::Rollout(steering),
        traffic::Change::Forward { .. }
        | traffic::Change::Alias { .. }
        | traffic::Change::Staging { .. } => Raised::Part,
        traffic::Change::Steer(_) | traffic::Change::Invalidate { .. } => Raised::Nobody,
    }
}

/// Whether a change only lets go what somebody else's controller drives: how many users it gives to what, and when, is not ours.
pub fn lets_go(change: &Change) -> bool {
    match raised(change) {
        Raised::Rollout(steering) => steering.verb == Verb::Resume,
        Raised::Nobody
        | Raised::Regions
        | Raised::Part
        | Raised::Backends { .. }
        | Raised::Version(..) => false,
    }
}

/// Whether a change can move traffic between regions at all.
pub fn moves_traffic(change: &Change) -> bool {
    raised(change) == Raised::Regions
}
