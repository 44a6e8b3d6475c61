//! The way to the API of a change: whether anybody answers there, how fast, and what befalls the change on its way. Owns no effect.

use std::time::Duration;

use super::{failure, lost};
use crate::{
    resources::{
        Change, ErrorClass, Place,
        change::{Alter, ApplyError, Fate},
        health_checks, traffic,
    },
    sim::{
        names,
        scenario::{ApiFault, WriteFault},
        world::World,
    },
};

/// How long a read or a write waits for its answer, as for live AWS.
pub const DEADLINE: Duration = Duration::from_secs(10);
/// Milliseconds that half of the calls take at most, without the way.
const MEDIAN_MS: f64 = 120.0;

/// The way to the API of a change.
pub struct Entry {
    /// How long an answer takes.
    pub latency: Duration,
    /// The endpoint that is asked, where there are several; another is taken where one does not answer.
    pub endpoint: Option<Place>,
    reachable: bool,
    misbehaviour: Option<ApiFault>,
    dice: f64,
}

/// Whether the change is compared with a read of ours before it is sent: where the API has no token of its own, or the change does not carry it.
pub fn reads_first(change: &Change) -> bool {
    match change {
        Change::Traffic(
            traffic::Change::Weights { .. }
            | traffic::Change::Invalidate { .. }
            | traffic::Change::Alias {
                revision_id: Some(_),
                ..
            },
        )
        | Change::HealthChecks(health_checks::Change::Invert {
            version: Some(_), ..
        }) => false,
        Change::Traffic(_)
        | Change::HealthChecks(_)
        | Change::Databases(_)
        | Change::Caches(_)
        | Change::Clusters(_)
        | Change::Deployments(_)
        | Change::Nodes(_)
        | Change::Alarms(_)
        | Change::Pipelines(_) => true,
    }
}

impl Entry {
    /// The way of a change now.
    pub fn of(world: &World, change: &Change) -> Self {
        let key = format!("write/{}@{}", change.api().name(), change.place());
        let count = world.sent.count.cast_signed();
        let dice = world.noise.unit(&key, count);
        let far = match &change.place() {
            Place::Region(label) => world
                .index(label)
                .map_or(0.0, |region| world.shape.regions[region].p95_ms),
            Place::Global | Place::Endpoint(_) => 60.0,
        };
        let milliseconds = (MEDIAN_MS + far) * world.noise.long_tail(&key, count, 0.4);
        let several = matches!(change, Change::Traffic(traffic::Change::Controls { .. }));
        let endpoint = several.then(|| endpoint(world, change)).flatten();
        let reachable = if several {
            endpoint.is_some()
        } else {
            home_answers(world, change)
        };
        let misbehaviour = if several {
            None
        } else {
            world.faults.api(change.api(), &change.place(), dice)
        };
        let slow = if misbehaviour == Some(ApiFault::Slow) {
            20.0
        } else {
            1.0
        };
        let latency = Duration::from_secs_f64(milliseconds * slow / 1_000.0);
        Self {
            latency: latency.min(DEADLINE.mul_f64(0.9)),
            endpoint,
            reachable,
            misbehaviour,
            dice,
        }
    }

    /// Whether the change gets as far as the API. A read before it fails without harm; the write itself, unanswered, leaves a doubt.
    pub fn open(&self, change: &Change) -> Result<(), ApplyError> {
        let first = reads_first(change);
        let silent = || {
            if first {
                let text = "no answer in 10 s to the read before the change";
                failure(change, Fate::NotSent, ErrorClass::Timeout, text)
            } else {
                lost(change)
            }
        };
        let told = |class, text: &str, fate| {
            let fate = if first { Fate::NotSent } else { fate };
            Err(failure(change, fate, class, text))
        };
        if !self.reachable {
            return Err(silent());
        }
        match self.misbehaviour {
            Some(ApiFault::Hang) => Err(silent()),
            Some(ApiFault::Throttle) => told(
                ErrorClass::Throttled,
                "Throttling: Rate exceeded",
                Fate::Refused,
            ),
            Some(ApiFault::Deny) => told(
                ErrorClass::Denied,
                "AccessDenied: not authorized",
                Fate::Refused,
            ),
            Some(ApiFault::Expire) => told(
                ErrorClass::Identity,
                "ExpiredToken: The security token included in the request is expired",
                Fate::Refused,
            ),
            // A server error may come from a proxy in front of a service that did it.
            Some(ApiFault::Fail) => told(
                ErrorClass::Transient,
                "InternalFailure: HTTP 500",
                Fate::InDoubt,
            ),
            Some(ApiFault::Slow | ApiFault::Partial) | None => Ok(()),
        }
    }

    /// What befalls the change when it is sent.
    pub fn befalls(&self, world: &mut World, change: &Change) -> Option<WriteFault> {
        let mut places = vec![change.place()];
        places.extend(self.endpoint.clone());
        world.faults.write(change.api(), &places, self.dice)
    }
}

/// The first endpoint of the recovery cluster that answers; the order is another one for every change.
fn endpoint(world: &World, change: &Change) -> Option<Place> {
    let count = world.sent.count.cast_signed();
    let mut endpoints = names::RECOVERY_REGIONS;
    endpoints.sort_by_key(|region| world.noise.bits(&format!("endpoint/{region}"), count));
    endpoints
        .into_iter()
        .filter(|region| !world.aws_region_down(region))
        .map(|region| Place::Endpoint(region.to_owned()))
        .find(|place| {
            let dice = world.noise.unit(&format!("write/{place}"), count);
            let fault = world.faults.api(change.api(), place, dice);
            matches!(fault, None | Some(ApiFault::Slow | ApiFault::Partial))
        })
}

/// Whether the Region that the lever needs is there (domain 0.4).
fn home_answers(world: &World, change: &Change) -> bool {
    match change.place() {
        place @ Place::Region(_) => world
            .region(&place)
            .is_some_and(|region| !world.faults.down(region)),
        Place::Global | Place::Endpoint(_) => !world.aws_region_down(&change.lever().home),
    }
}
