//! Which API answers which source of this kind, and what all of them share: which errors end a poll.

use crate::{
    provider::{ask::Ask, write::Write},
    resources::{
        Answer, ErrorClass, ProviderError, Query, Rows, Source,
        change::{Alter, ApplyError, Receipt},
    },
};

use super::{
    cloudfront, elastic_load_balancing, global_accelerator, lambda, recovery_cluster, route53,
};

/// Answers a query of this kind.
pub async fn observe(ask: Ask<'_>, query: &Query) -> Result<Answer, ProviderError> {
    let rows = match query.source {
        Source::Records => route53::live::observe(&ask, &ask.memory.zones).await?,
        Source::RoutingControls => recovery_cluster::live::observe(&ask).await?,
        Source::Accelerators => global_accelerator::live::observe(&ask).await?,
        Source::LoadBalancers => elastic_load_balancing::live::observe(&ask).await?,
        Source::Aliases => lambda::live::observe(&ask).await?,
        Source::Distributions => cloudfront::live::observe(&ask).await?,
        source @ (Source::Identity
        | Source::Alarms
        | Source::Rds
        | Source::Clusters
        | Source::ApiServers
        | Source::ElastiCache
        | Source::MemoryDb
        | Source::Tables
        | Source::HealthChecks
        | Source::Metrics) => {
            return Err(ProviderError::new(
                ErrorClass::Terminal,
                "observe",
                format!("{} is no source of traffic splits", source.name()),
            ));
        }
    };
    Ok(ask.answer(Rows::Traffic(rows)))
}

/// A part of an answer. An error that lasts (no permission, not there) is noted and the rest stands: there were no older rows of that part to lose.
/// One that passes fails the whole poll, so that the rows of the last good one stay, dated.
pub(super) fn part<T>(
    ask: &Ask<'_>,
    result: Result<T, ProviderError>,
) -> Result<Option<T>, ProviderError> {
    match result {
        Ok(part) => Ok(Some(part)),
        Err(error) => match error.class {
            ErrorClass::Denied
            | ErrorClass::NotFound
            | ErrorClass::Conflict
            | ErrorClass::Terminal => {
                ask.problem(error);
                Ok(None)
            }
            ErrorClass::Throttled
            | ErrorClass::Transient
            | ErrorClass::Timeout
            | ErrorClass::Unreachable
            | ErrorClass::Identity
            | ErrorClass::Skipped => Err(error),
        },
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
