//! Which store's API answers a query about databases. Translates nothing itself.

use super::{dynamodb, rds};
use crate::{
    provider::ask::Ask,
    resources::{Answer, ErrorClass, ProviderError, Query, Source},
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
