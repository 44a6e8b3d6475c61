//! How the APIs of the simulated world take changes: late, refused, or without an answer. Owns what a change does to the world; the world owns how long it takes.

use std::time::Duration;

use super::world::World;
use crate::resources::{
    Change, ErrorClass, ProviderError,
    change::{Alter, ApplyError, Fate, Receipt},
};

/// An answer with the virtual time that it takes to arrive.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// What arrives.
    pub result: Result<Receipt, ApplyError>,
    /// After how long.
    pub latency: Duration,
}

/// Takes a change in.
pub fn receive(_world: &mut World, change: &Change) -> Reply {
    Reply {
        result: Err(ApplyError {
            fate: Fate::NotSent,
            error: ProviderError::new(
                ErrorClass::Terminal,
                change.operation(),
                "not simulated yet",
            ),
        }),
        latency: Duration::ZERO,
    }
}
