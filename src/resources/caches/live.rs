//! Which service's API answers a query about caches. Translates nothing itself.

use super::{elasticache, memorydb};
use crate::{
    provider::{ask::Ask, write::Write},
    resources::{
        Answer, ErrorClass, ProviderError, Query, Source,
        change::{Alter, ApplyError, Receipt},
    },
};

/// Reads the caches of one source at one place.
pub async fn observe(ask: Ask<'_>, query: &Query) -> Result<Answer, ProviderError> {
    if query.source == Source::ElastiCache {
        Box::pin(elasticache::live::observe(ask)).await
    } else if query.source == Source::MemoryDb {
        Box::pin(memorydb::live::observe(ask)).await
    } else {
        let message = "this source lists no caches";
        Err(ProviderError::new(
            ErrorClass::Terminal,
            query.source.name(),
            message,
        ))
    }
}

/// Sends one change.
pub async fn apply(_write: &Write<'_>, change: &super::Change) -> Result<Receipt, ApplyError> {
    Err(Write::unsent(ProviderError::new(
        ErrorClass::Terminal,
        change.operation(),
        "cannot be sent by this version",
    )))
}
