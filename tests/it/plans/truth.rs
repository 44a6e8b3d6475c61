//! What must never be seen (product, section 3), judged by what is true in the world. Changes nothing.

use std::{
    sync::{Arc, atomic::AtomicI64},
    time::Duration,
};

use jiff::Timestamp;
use pilothouse::{
    plan::{
        self,
        entry::{Entry, Outcome, What},
    },
    resources::{
        Change, Fleet, Query, Wanted, age,
        change::{Alter, ApplyError, Fate, Receipt, Standing},
        databases,
    },
    sim::{SimProvider, World, world::Faults},
};

use super::console::Console;
use crate::scenarios::drill::Watch;

/// Until every reader has learned of a change (domain: at most six seconds in the simulator).
const LEARNED: i64 = 15_000;

/// How a change stands in truth: in a copy of the world whose APIs all answer, now and once every reader knows.
pub fn standings(world: &World, now: i64, change: &Change) -> [Standing; 2] {
    let mut copy = world.clone();
    copy.faults = Faults::default();
    let read = |at: i64, world: World| {
        let sim = SimProvider::of(world, Arc::new(Watch(AtomicI64::new(at))));
        let time = Timestamp::from_millisecond(at).unwrap();
        let mut fleet = Fleet::new(Arc::new(sim.estate()), time);
        for (source, place) in change.reads(&fleet.estate) {
            let query = Query {
                source,
                place,
                wanted: Wanted::Nothing,
                read: 1,
            };
            if let Ok(answer) = sim.reply(&query).result {
                fleet.accept(&query, answer, time, Duration::ZERO);
            }
        }
        change.standing(&fleet)
    };
    [read(now, copy.clone()), read(now + LEARNED, copy)]
}

/// Which regions users are sent to: their records have a weight, their control is on, their dial is open.
fn open(world: &World) -> Vec<usize> {
    let routing = &world.routing;
    (0..routing.weights.len())
        .filter(|region| {
            routing.weights[*region] > 0
                && *routing.controls[*region].now()
                && *routing.dials[*region].now() > 0.0
        })
        .collect()
}

fn serves(world: &World, region: usize) -> bool {
    !world.faults.down(region) && !world.faults.dead(region)
}

/// I2, I3 and I5, before a change is handed over.
pub fn about_to_send(console: &mut Console, run: &str, step: usize, change: &Change) {
    let mut broken = Vec::new();
    if console.state.conduct.armed.is_none() {
        broken.push("I2: sent while disarmed".to_owned());
    }
    match console.last_of(run).map(|entry| (entry.step, &entry.what)) {
        Some((at, What::Sending { change: said, .. })) if at == Some(step) && said == change => {}
        other => broken.push(format!(
            "I2: the journal does not say that it is sent: {other:?}"
        )),
    }
    match console.confirmation(run) {
        None => broken.push("I2: sent without a confirmation".to_owned()),
        Some(entry) => {
            if let What::Confirmed { plan, hash, .. } = &entry.what {
                if plan.hash() != *hash {
                    broken.push("I2: the plan is not the one that was confirmed".to_owned());
                }
                if age(plan.made_at, entry.at) > plan::LIFE {
                    broken.push("I2: an expired plan was confirmed".to_owned());
                }
                let planned = |known: &Change| {
                    known == change
                        || known
                            .inverse()
                            .is_ok_and(|inverse| inverse.edits() == change.edits())
                };
                if !plan.changes().any(planned) {
                    broken.push("I2: nobody confirmed this change".to_owned());
                }
            }
        }
    }
    let ours = console.locks.get(run);
    if !ours.is_some_and(|held| held.contains(&change.target())) {
        broken.push(format!("I8: {} is not locked", change.target()));
    }
    broken.extend(console.world.inspect(|world| second_writer(world, change)));
    console.broken.extend(broken);
}

/// I5: whether a change makes a writer while another one still takes writes.
fn second_writer(world: &World, change: &Change) -> Option<String> {
    let Change::Databases(change) = change else {
        return None;
    };
    match change {
        databases::Change::FailOver { .. } => {
            let writer = *world.databases.writer.now();
            (!world.faults.down(writer)
                && world.databases.aurora_writable(&world.context(), writer))
            .then(|| "I5: a failover was sent while the old writer takes writes".to_owned())
        }
        databases::Change::Promote { .. } => {
            let source = world.databases.source;
            (!world.faults.source_lost() && !world.faults.down(source))
                .then(|| "I5: a promotion was sent while the source takes writes".to_owned())
        }
        databases::Change::SwitchOver { .. } | databases::Change::FailOverCluster { .. } => None,
    }
}

/// I1 and I3, after the world has taken a change in.
pub fn sent(
    console: &mut Console,
    before: &World,
    change: &Change,
    result: &Result<Receipt, ApplyError>,
) {
    let now = console.now();
    let somebody_else = now - console.drifted_at.max(0) < LEARNED;
    if result.is_ok() && !somebody_else {
        let stood = standings(before, now, change);
        if !stood.contains(&Standing::Before) {
            let text = format!(
                "I3: taken although it stood {stood:?}: {:?}",
                change.edits()
            );
            console.broken.push(text);
        }
    }
    let after = console.world.inspect(World::clone);
    let some = |world: &World| open(world).into_iter().any(|region| serves(world, region));
    if some(before) && !some(&after) {
        console.broken.push(format!(
            "I1: no serving region is left by {:?}",
            change.edits()
        ));
    }
    let unchanged = |result: &Result<Receipt, ApplyError>| matches!(result, Err(error) if error.fate != Fate::InDoubt);
    if unchanged(result) && before.routing != after.routing {
        console
            .broken
            .push("I4: called refused, and it happened".to_owned());
    }
}

/// I4: what a conclusion says is so.
pub fn written(console: &mut Console, entry: &Entry) {
    let What::Concluded {
        outcome: Outcome::Verified | Outcome::NotTaken,
        ..
    } = &entry.what
    else {
        return;
    };
    let verified = matches!(
        &entry.what,
        What::Concluded {
            outcome: Outcome::Verified,
            ..
        }
    );
    let Some(sent) = console.sent.iter().rev().find(|sent| {
        Some(sent.run.as_str()) == entry.run.as_deref() && Some(sent.step) == entry.step
    }) else {
        // Concluded without having been sent: it was so already.
        return;
    };
    if console.drifted_at >= sent.at {
        return;
    }
    let world = console.world.inspect(World::clone);
    let stands = standings(&world, console.now(), &sent.change);
    if verified && !stands.contains(&Standing::After) {
        let text = format!(
            "I4: VERIFIED, and it stands {stands:?}: {:?}",
            sent.change.edits()
        );
        console.broken.push(text);
    }
}

/// I1, at every moment.
pub fn always(console: &mut Console) {
    let broken = console.world.inspect(|world| {
        let routing = &world.routing;
        let mut broken = Vec::new();
        if routing.weights.iter().all(|weight| *weight == 0) {
            broken.push("I1: every weight is 0".to_owned());
        }
        if routing.controls.iter().all(|control| !control.now()) {
            broken.push("I1: every control is off".to_owned());
        }
        if routing.dials.iter().all(|dial| *dial.now() <= 0.0) {
            broken.push("I1: every dial is 0".to_owned());
        }
        if routing
            .dials
            .iter()
            .any(|dial| !(0.0..=100.0).contains(dial.now()))
        {
            broken.push("I1: a dial is out of range".to_owned());
        }
        for region in 0..world.forwards.len() {
            if !world.split(region).serves {
                broken.push("I1: a load balancer forwards to nobody".to_owned());
            }
        }
        broken
    });
    console.broken.extend(broken);
}
