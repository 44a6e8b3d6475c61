//! The one door to the world. Owns the trait; live AWS, the simulator and nothing else stand behind it.

#[cfg(test)]
pub mod armed;
pub mod ask;
pub mod budget;
#[cfg(test)]
pub mod canned;
pub mod clients;
pub mod connector;
pub mod credential_process;
pub mod credentials;
pub mod dimensions;
pub mod discover;
pub mod doctor;
pub mod kubernetes;
pub mod live;
pub mod memory;
pub mod paging;
pub mod prometheus;
pub mod read_only;
pub mod translate;
pub mod whole;
pub mod write;

use futures::future::BoxFuture;

use crate::{
    arm::ArmToken,
    resources::{
        Answer, Change, ProviderError, Query,
        change::{ApplyError, Receipt},
    },
};

/// Something that can be asked about an estate.
pub trait Provider: Send + Sync {
    /// Answers one query, within the provider's own deadline. Never panics, never blocks the thread.
    fn observe(&self, query: Query) -> BoxFuture<'_, Result<Answer, ProviderError>>;

    /// Makes one change, if what it expects still holds; never twice. An accepted change is not a verified one: only a read shows what became of it.
    fn apply(&self, token: ArmToken, change: Change) -> BoxFuture<'_, Result<Receipt, ApplyError>>;
}
