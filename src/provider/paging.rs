//! Lists that come in pages, read to the end. Owns the rule that a list is whole or an error; must never hand out a part of one.

use std::time::Duration;

use crate::resources::{ErrorClass, ProviderError};

/// Pages after which a list is taken for endless: 100,000 rows at the usual 100 a page.
const MOST_PAGES: usize = 1_000;

/// Reads every page of a list. `page` makes one call with the token of the page; `next` takes the token of the page after it from the answer.
/// An empty token ends the list, as a missing one does; a token that comes twice in a row is an error, for the rest of the list cannot be reached.
pub async fn every_page<P, F>(
    operation: &'static str,
    mut page: impl FnMut(Option<String>) -> F,
    next: impl Fn(&P) -> Option<&str>,
) -> Result<Vec<P>, ProviderError>
where
    F: Future<Output = Result<P, ProviderError>>,
{
    let mut pages = Vec::new();
    let mut token: Option<String> = None;
    while pages.len() < MOST_PAGES {
        let answer = page(token.clone()).await?;
        let following = next(&answer)
            .filter(|token| !token.is_empty())
            .map(ToOwned::to_owned);
        pages.push(answer);
        if following.is_none() {
            return Ok(pages);
        }
        if following == token {
            let message = "the list does not go on: the same page token came twice";
            return Err(ProviderError::new(ErrorClass::Terminal, operation, message));
        }
        token = following;
    }
    let message = format!("the list does not end: {MOST_PAGES} pages read");
    Err(ProviderError::new(ErrorClass::Terminal, operation, message))
}

/// The time that a part gets without which the answer can stand, so that it hangs alone.
pub const PART_DEADLINE: Duration = Duration::from_secs(5);

/// Reads a part without which the answer can stand, within `PART_DEADLINE`.
pub async fn part<T>(
    operation: &'static str,
    read: impl Future<Output = Result<T, ProviderError>>,
) -> Result<T, ProviderError> {
    tokio::time::timeout(PART_DEADLINE, read)
        .await
        .unwrap_or_else(|_| {
            let message = format!("no answer in {} s", PART_DEADLINE.as_secs());
            Err(ProviderError::new(ErrorClass::Timeout, operation, message))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A page whose next token is there or not.
    struct Page(Option<&'static str>);

    async fn read(list: &[Option<&'static str>]) -> Result<usize, ProviderError> {
        let mut list = list.iter();
        let page = |_| {
            let page = Page(list.next().copied().flatten());
            async move { Ok(page) }
        };
        let pages = every_page("x:List", page, |page: &Page| page.0).await?;
        Ok(pages.len())
    }

    #[tokio::test]
    async fn a_list_ends_at_a_missing_or_empty_token_and_nowhere_else() {
        assert_eq!(read(&[Some("a"), Some("b"), None]).await, Ok(3));
        assert_eq!(read(&[Some("a"), Some("")]).await, Ok(2));
        let stuck = read(&[Some("a"), Some("a"), None]).await;
        assert_eq!(
            stuck.map_err(|error| error.class),
            Err(ErrorClass::Terminal)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_part_that_hangs_is_a_timeout() {
        let read = part::<()>("x:Get", std::future::pending()).await;
        assert_eq!(read.map_err(|error| error.class), Err(ErrorClass::Timeout));
    }
}
