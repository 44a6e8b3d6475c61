//! CloudFront `ListInvalidations` and `GetInvalidation`. Owns what is read of each: the newest few, and what those under way are about.
//!
//! Cost: per poll one list per distribution, and one description per invalidation under way and for the newest one; none is billed. A distribution for which there
//! is no time has no list at all, so that nothing is concluded from it.

use aws_sdk_cloudfront::{Client, types::InvalidationSummary};
use tokio::time::Instant;

use super::super::{Distribution, Invalidation};
use crate::{
    provider::{ask::Ask, memory::READING},
    resources::{Api, ErrorClass, ProviderError, traffic::live::part},
};

const LIST: &str = "cloudfront:ListInvalidations";
const GET: &str = "cloudfront:GetInvalidation";
/// How many of a distribution are listed; CloudFront gives the newest first.
const NEWEST: i32 = 20;

/// Reads the invalidations of the distributions that serve users, that of the wanted one first. Tells whether the wanted one has ended.
pub async fn read(
    ask: &Ask<'_>,
    client: &Client,
    distributions: &mut [Distribution],
    wanted: Option<(&str, &str)>,
    started: Instant,
) -> Result<Option<bool>, ProviderError> {
    let serve = |distribution: &&mut Distribution| distribution.enabled && !distribution.staging;
    let mut serving: Vec<&mut Distribution> = distributions.iter_mut().filter(serve).collect();
    serving.sort_by_key(|distribution| wanted.is_none_or(|(id, _)| id != distribution.id));
    let mut ended = None;
    for distribution in serving {
        if started.elapsed() > READING {
            let text = "no time for the invalidations of every distribution";
            ask.problem(ProviderError::new(ErrorClass::Timeout, LIST, text));
            break;
        }
        let id = wanted
            .filter(|(known, _)| *known == distribution.id)
            .map(|(_, id)| id);
        distribution.invalidations = of(ask, client, &distribution.id, id).await?;
        let own = distribution.invalidations.iter().flatten();
        ended = ended.or(id.and_then(|id| {
            let mut own = own.filter(|known| known.id == id);
            own.next().map(|known| !known.in_progress())
        }));
        if distribution.invalidations.is_none() {
            break; // what is denied once is denied for all
        }
    }
    Ok(ended)
}

async fn of(
    ask: &Ask<'_>,
    client: &Client,
    distribution: &str,
    wanted: Option<&str>,
) -> Result<Option<Vec<Invalidation>>, ProviderError> {
    let call = client
        .list_invalidations()
        .distribution_id(distribution)
        .max_items(NEWEST);
    let listed = part(ask, ask.call(Api::CloudFront, LIST, call.send()).await)?;
    let Some(listed) = listed else {
        return Ok(None);
    };
    let items = listed.invalidation_list.and_then(|list| list.items);
    let mut read = Vec::new();
    for (index, summary) in items.unwrap_or_default().into_iter().enumerate() {
        let told = index == 0 || summary.status != "Completed" || wanted == Some(&*summary.id);
        read.push(if told {
            described(ask, client, distribution, summary).await?
        } else {
            bare(summary)
        });
    }
    // One that is asked for and is not among the newest.
    if let Some(id) = wanted.filter(|id| read.iter().all(|known| known.id != *id)) {
        let summary = InvalidationSummary::builder()
            .id(id)
            .status("")
            .create_time(aws_sdk_cloudfront::primitives::DateTime::from_secs(0));
        if let Ok(summary) = summary.build() {
            read.push(described(ask, client, distribution, summary).await?);
        }
    }
    Ok(Some(read))
}

fn bare(summary: InvalidationSummary) -> Invalidation {
    Invalidation {
        id: summary.id,
        status: summary.status,
        reference: None,
        paths: Vec::new(),
    }
}

/// An invalidation with its reference and paths; what cannot be read of it stays as its summary has it.
async fn described(
    ask: &Ask<'_>,
    client: &Client,
    distribution: &str,
    summary: InvalidationSummary,
) -> Result<Invalidation, ProviderError> {
    let call = client
        .get_invalidation()
        .distribution_id(distribution)
        .id(&summary.id);
    let answer = part(ask, ask.call(Api::CloudFront, GET, call.send()).await)?;
    let Some(found) = answer.and_then(|answer| answer.invalidation) else {
        return Ok(bare(summary));
    };
    let batch = found.invalidation_batch;
    Ok(Invalidation {
        id: found.id,
        status: found.status,
        reference: batch.as_ref().map(|batch| batch.caller_reference.clone()),
        paths: batch
            .and_then(|batch| batch.paths?.items)
            .unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests;
