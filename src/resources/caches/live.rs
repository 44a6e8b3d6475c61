//! Which service's API answers a query about caches. Translates nothing itself.

use super::{Change, elasticache, memorydb};
use crate::{
    provider::{ask::Ask, write::Write},
    resources::{
        Answer, ErrorClass, ProviderError, Query, Source,
        change::{ApplyError, Receipt},
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
pub async fn apply(write: &Write<'_>, change: &Change) -> Result<Receipt, ApplyError> {
    match change {
        Change::FailOverDatastore { .. } | Change::FailOverGroup { .. } => {
            Box::pin(elasticache::write::live::apply(write, change)).await
        }
        Change::FailOverShard { .. } => Box::pin(memorydb::write::live::apply(write, change)).await,
    }
}
