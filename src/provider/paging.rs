//! Lists that come in pages, read to the end. Owns the rule that a list is whole or an error; must never hand out a part of one.

use std::time::Duration;

use crate::resources::{ErrorClass, ProviderError};

/// Pages after which a list is taken for endless: 100,000 rows at the usual 100 a page.
const MOST_PAGES: usize = 1_000;

/// Reads a list to its end: all pages or an error, for half a list would look like deleted rows.
/// `read` makes one call with the token of the page, and gives the items of the page and the token of the one after it.
/// An empty token ends the list, as a missing one does; a token that comes twice in a row is an error, for the rest of the list cannot be reached.
pub async fn all_pages<T, Page>(
    operation: &'static str,
    mut read: impl FnMut(Option<String>) -> Page,
) -> Result<Vec<T>, ProviderError>
where
    Page: Future<Output = Result<(Vec<T>, Option<String>), ProviderError>>,
{
    let mut items = Vec::new();
    let mut token: Option<String> = None;
    for _ in 0..MOST_PAGES {
        let (page, next) = read(token.clone()).await?;
        items.extend(page);
        let next = next.filter(|next| !next.is_empty());
        if next.is_none() {
            return Ok(items);
        }
        if next == token {
            let text = "the list does not go on: the same page token came twice";
            return Err(ProviderError::new(ErrorClass::Terminal, operation, text));
        }
        token = next;
    }
    let text = format!("the list does not end: {MOST_PAGES} pages read");
    Err(ProviderError::new(ErrorClass::Terminal, operation, text))
}

/// The time that a part gets without which the answer can stand, so that it hangs alone.
pub const PART_DEADLINE: Duration = Duration::from_secs(8);

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

    async fn read(pages: &[(&[i32], Option<&str>)]) -> Result<Vec<i32>, ErrorClass> {
        let mut left = pages.iter().cycle();
        let list = all_pages("x:List", |_| {
            let (items, next) = left.next().copied().unwrap_or((&[], None));
            std::future::ready(Ok((items.to_vec(), next.map(ToOwned::to_owned))))
        });
        list.await.map_err(|error| error.class)
    }

    #[tokio::test]
    async fn a_list_ends_at_a_missing_or_empty_token_and_nowhere_else() {
        let pages: [(&[i32], _); 3] = [(&[1, 2], Some("a")), (&[], Some("b")), (&[3], None)];
        assert_eq!(read(&pages).await, Ok(vec![1, 2, 3]));
        assert_eq!(
            read(&[(&[1], Some("a")), (&[2], Some(""))]).await,
            Ok(vec![1, 2])
        );
    }

    #[tokio::test]
    async fn a_list_that_cannot_be_read_to_its_end_is_an_error() {
        let stuck = read(&[(&[1], Some("a"))]).await;
        assert_eq!(stuck, Err(ErrorClass::Terminal));
        let endless = read(&[(&[], Some("a")), (&[], Some("b"))]).await;
        assert_eq!(endless, Err(ErrorClass::Terminal));
    }

    #[tokio::test(start_paused = true)]
    async fn a_part_that_hangs_is_a_timeout() {
        let read = part::<()>("x:Get", std::future::pending()).await;
        assert_eq!(read.map_err(|error| error.class), Err(ErrorClass::Timeout));
    }
}
