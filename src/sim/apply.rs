//! How the APIs of the simulated world take changes: late, refused, or without an answer. Owns what a change does to the world; the world owns how long it takes.
//!
//! A change goes the way of a live one: the API must be reached, what we read again must be as expected, then the write is sent,
//! and the API itself compares what it can. Each part says what a failure there means for the change.

mod edge;
mod entry;
mod inside;
mod mesh;
mod pipelines;
mod stores;
mod workloads;

use std::{collections::BTreeMap, time::Duration};

use self::entry::Entry;
use super::{
    names,
    scenario::WriteFault,
    world::{Refused, Transition, World},
};
use crate::resources::{
    Change, ErrorClass, ProviderError,
    change::{Alter, ApplyError, Fate, Receipt},
    rehearsal::Rehearsal,
};

/// An answer with the virtual time that it takes to arrive.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// What arrives.
    pub result: Result<Receipt, ApplyError>,
    /// After how long.
    pub latency: Duration,
}

/// What a change is for the world, once everything is as it expects.
struct Call {
    /// What is changed, in order.
    transitions: Vec<Transition>,
    /// By what its spreading can be asked.
    tracked: Tracked,
}

/// By what the spreading of a change can be asked.
enum Tracked {
    /// Nothing.
    No,
    /// The id of a Route 53 change.
    Records,
    /// The id of an EKS update.
    Update,
    /// The id of the CloudFront policy.
    Policy,
    /// The distribution and the id of the newest invalidation.
    Invalidation,
}

impl Call {
    /// A call whose spreading nobody can ask.
    fn of(transition: Transition) -> Self {
        Self {
            transitions: vec![transition],
            tracked: Tracked::No,
        }
    }
}

/// Takes a change in.
pub fn receive(world: &mut World, change: &Change) -> Reply {
    world.sent.count += 1;
    let entry = Entry::of(world, change);
    let mut latency = entry.latency;
    let mut result = attempt(world, change, &entry);
    if let Err(failed) = &mut result {
        if failed.error.class == ErrorClass::Timeout {
            latency = entry::DEADLINE;
        } else if failed.fate == Fate::Refused {
            failed.error.request_id = Some(request_id(world));
        }
    }
    Reply { result, latency }
}

/// What its API says to a change that it must not keep.
pub fn rehearse(world: &World, change: &Change) -> Rehearsal {
    if !Rehearsal::possible(change) {
        return Rehearsal::impossible(change);
    }
    Rehearsal::of(receive(&mut world.clone(), change).result)
}

fn attempt(world: &mut World, change: &Change, entry: &Entry) -> Result<Receipt, ApplyError> {
    entry.open(change)?;
    let call = match change {
        Change::Traffic(change) => edge::prepare(world, change, entry),
        Change::Databases(change) => stores::databases(world, change),
        Change::Caches(change) => stores::caches(world, change),
        Change::Clusters(change) => inside::clusters(world, change),
        Change::Deployments(change) => workloads::deployments(world, change),
        Change::Nodes(change) => workloads::nodes(world, change),
        Change::HealthChecks(change) => inside::health_checks(world, change),
        Change::Alarms(change) => inside::alarms(world, change),
        Change::Pipelines(change) => pipelines::pipelines(world, change),
    };
    if let Err(unsent) = &call
        && unsent.fate == Fate::NotSent
    {
        return Err(unsent.clone());
    }
    let fault = entry.befalls(world, change);
    let refuse = |class, text: &str| Err(failure(change, Fate::Refused, class, text));
    match fault {
        Some(WriteFault::Throttle) => refuse(ErrorClass::Throttled, "Throttling: Rate exceeded"),
        Some(WriteFault::Deny) => refuse(
            ErrorClass::Denied,
            &format!(
                "AccessDenied: not authorized to perform: {}",
                change.operation()
            ),
        ),
        Some(WriteFault::Unanswered) => Err(lost(change)),
        Some(WriteFault::AnswerLost) => {
            // Whether it was done or refused: nobody hears of it.
            let _ = call.and_then(|call| accept(world, change, &call, fault));
            Err(lost(change))
        }
        Some(WriteFault::Lie | WriteFault::Hang | WriteFault::Late(_)) | None => {
            accept(world, change, &call?, fault)
        }
    }
}

/// Lets the API do it, as far as it tells the truth.
fn accept(
    world: &mut World,
    change: &Change,
    call: &Call,
    fault: Option<WriteFault>,
) -> Result<Receipt, ApplyError> {
    let refused = |Refused(text)| failure(change, Fate::Refused, class_of(text), text);
    let now = world.now();
    let mut effective = now;
    match fault {
        Some(WriteFault::Lie) => make(&mut world.clone(), call).map_err(refused)?,
        Some(WriteFault::Late(seconds)) => {
            // It is checked when it is accepted; what is possible later shows later.
            make(&mut world.clone(), call).map_err(refused)?;
            effective = now + i64::from(seconds);
            world.later(effective, call.transitions.clone());
        }
        Some(
            WriteFault::Throttle
            | WriteFault::Deny
            | WriteFault::Unanswered
            | WriteFault::AnswerLost
            | WriteFault::Hang,
        )
        | None => make(world, call).map_err(refused)?,
    }
    if fault == Some(WriteFault::Hang) {
        for transition in &call.transitions {
            world.hang(transition);
        }
    }
    let reference = reference(world, &call.tracked);
    if let Some(reference) = &reference {
        let at = match call.tracked {
            _ if fault == Some(WriteFault::Hang) => i64::MAX,
            Tracked::Policy => effective + 180,
            Tracked::Invalidation => world
                .invalidations
                .last()
                .map_or(effective, |known| known.completed_at),
            Tracked::Records | Tracked::Update | Tracked::No => world.spread_by(effective),
        };
        world.spreads(change.api(), reference, at);
    }
    Ok(Receipt {
        request_id: Some(request_id(world)),
        reference,
        calls: BTreeMap::from([(change.api(), 1 + u32::from(entry::reads_first(change)))]),
    })
}

/// Makes all of a call; each API takes all of it or nothing, so what can be refused comes alone.
fn make(world: &mut World, call: &Call) -> Result<(), Refused> {
    call.transitions
        .iter()
        .try_for_each(|transition| world.change(transition))
}

fn reference(world: &World, tracked: &Tracked) -> Option<String> {
    let count = world.sent.count.cast_signed();
    match tracked {
        Tracked::No => None,
        Tracked::Records => {
            let bits = world.noise.bits("change id", count);
            Some(format!("/change/C{bits:016X}"))
        }
        Tracked::Update => {
            let bits = world.noise.bits("update id", count);
            Some(names::uuid(&format!("update/{bits}")))
        }
        Tracked::Policy => Some(names::policy()),
        Tracked::Invalidation => {
            let last = world.invalidations.last()?;
            Some(format!("{}/{}", names::DISTRIBUTION, last.id))
        }
    }
}

fn request_id(world: &World) -> String {
    let bits = world
        .noise
        .bits("request id", world.sent.count.cast_signed());
    names::uuid(&format!("request/{bits}"))
}

/// The class of a refusal, by its code (domain B.0).
fn class_of(text: &str) -> ErrorClass {
    let code = text.split(':').next().unwrap_or(text);
    if code.contains("NotFound") || code.starts_with("NoSuch") {
        ErrorClass::NotFound
    } else if code.starts_with("APICallRate")
        || code.starts_with("Throttl")
        || code == "TooManyRequests"
    {
        ErrorClass::Throttled
    } else if [
        "InvalidParameter",
        "InvalidArgument",
        "Validation",
        "ServiceLimit",
        "TooManyInvalidations",
    ]
    .iter()
    .any(|known| code.starts_with(known))
    {
        ErrorClass::Terminal
    } else {
        ErrorClass::Conflict
    }
}

fn failure(
    change: &impl Alter,
    fate: Fate,
    class: ErrorClass,
    text: impl Into<String>,
) -> ApplyError {
    ApplyError {
        fate,
        error: ProviderError::new(class, change.operation(), text),
    }
}

/// The API answered and refused it: the class follows from the code that the text begins with.
fn refused(change: &impl Alter, text: impl Into<String>) -> ApplyError {
    let text = text.into();
    failure(change, Fate::Refused, class_of(&text), text)
}

/// What our own read before the write does not list.
fn missing(change: &impl Alter, text: impl Into<String>) -> ApplyError {
    failure(change, Fate::NotSent, ErrorClass::NotFound, text)
}

/// What our own read before the write shows is not what is expected.
fn drifted(change: &impl Alter, text: impl Into<String>) -> ApplyError {
    ApplyError::drifted(change.operation(), text)
}

/// It was sent and no answer came.
fn lost(change: &impl Alter) -> ApplyError {
    failure(
        change,
        Fate::InDoubt,
        ErrorClass::Timeout,
        "sent, and no answer in 10 s",
    )
}
