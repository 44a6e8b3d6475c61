//! Which store's API answers a query about databases. Translates nothing itself.

use super::{dynamodb, rds};
use crate::{
    provider::{ask::Ask, write::Write},
    resources::{
        Answer, ErrorClass, ProviderError, Query, Source,
        change::{ApplyError, Receipt},
    },
};

/// Reads the databases of one source at one place.
pub async fn observe(ask: Ask<'_>, query: &Query) -> Result<Answer, ProviderError> {
    if query.source == Source::Rds {
        Box::pin(rds::live::observe(ask)).await
    } else if query.source == Source::Tables {
        Box::pin(dynamodb::live::observe(ask)).await
    } else {
        let message = "this source lists no databases";
        Err(ProviderError::new(
            ErrorClass::Terminal,
            query.source.name(),
            message,
        ))
    }
}

/// Sends one change: all of them are RDS's.
pub async fn apply(write: &Write<'_>, change: &super::Change) -> Result<Receipt, ApplyError> {
    Box::pin(rds::write::live::apply(write, change)).await
}
