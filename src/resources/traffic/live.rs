//! Which API answers which source of this kind, and what all of them share: reading a list to its end, and which errors end a poll.

use crate::{
    provider::ask::Ask,
    resources::{Answer, ErrorClass, ProviderError, Query, Rows, Source},
};

use super::{
    cloudfront, elastic_load_balancing, global_accelerator, lambda, recovery_cluster, route53,
};

/// Answers a query of this kind.
pub async fn observe(ask: Ask<'_>, query: &Query) -> Result<Answer, ProviderError> {
    let rows = match query.source {
        Source::Records => {
            // Good for one poll; a cache that the provider keeps saves the list of zones in the others.
            route53::live::observe(&ask, &route53::zone::live::ZoneCache::default()).await?
        }
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

/// Reads a list to its end. `read` takes the token of a page and gives its items and the token of the next one.
/// All pages or an error: half a list would look like deleted rows.
pub(in crate::resources) async fn all_pages<T, Page>(
    operation: &str,
    mut read: impl FnMut(Option<String>) -> Page,
) -> Result<Vec<T>, ProviderError>
where
    Page: Future<Output = Result<(Vec<T>, Option<String>), ProviderError>>,
{
    let mut items = Vec::new();
    let mut token: Option<String> = None;
    loop {
        let (page, next) = read(token.clone()).await?;
        items.extend(page);
        let next = next.filter(|next| !next.is_empty());
        match next {
            None => return Ok(items),
            // Without this an API that repeats itself would be read for ever.
            Some(_) if next == token => {
                return Err(ProviderError::new(
                    ErrorClass::Terminal,
                    operation,
                    "the list names the same next page twice",
                ));
            }
            Some(_) => token = next,
        }
    }
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
            ErrorClass::Denied | ErrorClass::NotFound | ErrorClass::Terminal => {
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

#[cfg(test)]
mod tests {
    use super::*;

    async fn pages(pages: &[(&[i32], Option<&str>)]) -> Result<Vec<i32>, ProviderError> {
        let mut left = pages.iter();
        all_pages("x:List", |_| {
            let (items, next) = left.next().copied().unwrap_or((&[], None));
            std::future::ready(Ok((items.to_vec(), next.map(ToOwned::to_owned))))
        })
        .await
    }

    #[tokio::test]
    async fn a_list_is_read_to_its_end_and_an_empty_token_ends_it() {
        let list = pages(&[(&[1, 2], Some("a")), (&[], Some("b")), (&[3], Some(""))]).await;
        assert_eq!(list.unwrap(), [1, 2, 3]);
    }

    #[tokio::test]
    async fn a_list_that_repeats_itself_is_an_error() {
        let list = pages(&[(&[1], Some("a")), (&[1], Some("a"))]).await;
        assert_eq!(list.unwrap_err().class, ErrorClass::Terminal);
    }
}
