//! Which API answers which source of this kind, and what all of them share: which errors end a poll.

use crate::{
    provider::{ask::Ask, write::Write},
    resources::{
        Answer, ErrorClass, ProviderError, Query, Rows, Source,
        change::{ApplyError, Receipt},
    },
};

use super::{
    Change, cloudfront, elastic_load_balancing, global_accelerator, lambda, recovery_cluster,
    rollouts, route53, routes,
};

/// Answers a query of this kind.
pub async fn observe(ask: Ask<'_>, query: &Query) -> Result<Answer, ProviderError> {
    let wanted = query.wanted.reference();
    let mut in_sync = None;
    let rows = match query.source {
        Source::Records => route53::live::observe(&ask, &ask.memory.zones).await?,
        Source::RoutingControls => recovery_cluster::live::observe(&ask).await?,
        Source::Accelerators => global_accelerator::live::observe(&ask).await?,
        Source::LoadBalancers => elastic_load_balancing::live::observe(&ask).await?,
        Source::Aliases => lambda::live::observe(&ask).await?,
        Source::Routes => routes::live::observe(&ask, query).await?,
        Source::Rollouts => rollouts::live::observe(&ask, query).await?,
        Source::Distributions => {
            let (rows, ended) = cloudfront::live::observe(&ask, wanted).await?;
            in_sync = ended;
            rows
        }
        source @ (Source::Identity
        | Source::Alarms
        | Source::Rds
        | Source::Clusters
        | Source::ApiServers
        | Source::Deployments
        | Source::Nodes
        | Source::ElastiCache
        | Source::MemoryDb
        | Source::Tables
        | Source::HealthChecks
        | Source::Metrics
        | Source::Prometheus
        | Source::Pipelines
        | Source::FiringAlerts) => {
            return Err(ProviderError::new(
                ErrorClass::Terminal,
                "observe",
                format!("{} is no source of traffic splits", source.name()),
            ));
        }
    };
    if let (Some(id), Source::Records) = (wanted, query.source) {
        in_sync = route53::write::live::spread(&ask, id).await;
    }
    Ok(Answer {
        in_sync,
        ..ask.answer(Rows::Traffic(rows))
    })
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
pub async fn apply(write: &Write<'_>, change: &Change) -> Result<Receipt, ApplyError> {
    match change {
        Change::Weights { records } => route53::write::live::apply(write, records).await,
        Change::Dial {
            accelerator_arn,
            group_arn,
            from,
            to,
            ..
        } => {
            global_accelerator::write::live::apply(write, accelerator_arn, group_arn, *from, *to)
                .await
        }
        Change::Controls { controls } => {
            recovery_cluster::write::live::apply(write, controls).await
        }
        Change::Forward {
            listener_arn,
            rule_arn,
            groups,
            ..
        } => {
            let rule = rule_arn.as_deref();
            elastic_load_balancing::write::live::apply(write, listener_arn, rule, groups).await
        }
        Change::Alias {
            function,
            alias,
            stable,
            canary,
            from,
            to,
            revision_id,
            ..
        } => {
            let shift = lambda::write::Shift {
                function,
                alias,
                stable,
                canary,
                from: *from,
                to: *to,
                revision_id: revision_id.as_deref(),
            };
            lambda::write::live::apply(write, shift).await
        }
        Change::Steer(steering) => rollouts::write::live::apply(write, steering).await,
        Change::Route { rule, backends, .. } => {
            routes::write::live::apply(write, rule, backends).await
        }
        Change::Staging {
            policy_id,
            from,
            to,
            ..
        } => cloudfront::write::live::apply(write, policy_id, *from, *to).await,
        Change::Invalidate {
            distribution_id,
            paths,
            reference,
        } => cloudfront::write::live::invalidate(write, distribution_id, paths, reference).await,
    }
}
