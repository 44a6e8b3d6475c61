//! What one part of a discovery saw, and the bounds that every part keeps. Owns deadlines; translates errors as every poll does.

use std::{error::Error, time::Duration};

use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use tokio::time::timeout;

use crate::{
    config::findings::{Fact, Failure, LoadBalancer, Part, RecordFact},
    provider::ask::translate,
    resources::{ErrorClass, ProviderError},
};

/// One call, the SDK's own retries included.
const CALL: Duration = Duration::from_secs(10);
/// Things of one sort in one place; more make no better file.
pub(super) const MOST: usize = 1_000;

/// What was seen. Kept when the part fails half-way.
#[derive(Debug, Default)]
pub(super) struct Notes {
    pub account: Option<String>,
    pub identity: Option<String>,
    pub facts: Vec<(String, Fact)>,
    pub candidates: Vec<String>,
    pub load_balancers: Vec<LoadBalancer>,
    pub records: Vec<RecordFact>,
    pub failures: Vec<Failure>,
}

impl Notes {
    /// Runs one part. Its failure is noted with the place, what it saw before stands.
    pub async fn of(
        place: &str,
        part: impl AsyncFnOnce(&mut Notes) -> Result<(), ProviderError>,
    ) -> Notes {
        let mut notes = Notes::default();
        if let Err(error) = part(&mut notes).await {
            notes.fail(place, error);
        }
        notes
    }

    /// Notes what something does in a region.
    pub fn fact(&mut self, region: &str, part: Part, what: impl Into<String>) {
        let fact = Fact {
            part,
            what: what.into(),
        };
        self.facts.push((region.to_owned(), fact));
    }

    /// Notes what could not be read.
    pub fn fail(&mut self, place: &str, error: ProviderError) {
        let failure = Failure {
            place: place.to_owned(),
            error,
        };
        self.failures.push(failure);
    }

    /// Both together.
    pub fn and(mut self, other: Notes) -> Notes {
        self.account = self.account.or(other.account);
        self.identity = self.identity.or(other.identity);
        self.facts.extend(other.facts);
        self.candidates.extend(other.candidates);
        self.load_balancers.extend(other.load_balancers);
        self.records.extend(other.records);
        self.failures.extend(other.failures);
        self
    }
}

/// One call within its deadline, its error in our terms.
pub(super) async fn call<T, E>(
    operation: &str,
    call: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
) -> Result<T, ProviderError>
where
    E: ProvideErrorMetadata + Error + 'static,
{
    match timeout(CALL, call).await {
        Ok(answer) => answer.map_err(|error| translate(operation, &error)),
        Err(_) => Err(ProviderError::new(
            ErrorClass::Timeout,
            operation,
            format!("no answer within {} seconds", CALL.as_secs()),
        )),
    }
}

/// The region, kind of thing and name in an ARN; `None` for what is none.
pub(super) fn region_of_arn(arn: &str) -> Option<&str> {
    let mut parts = arn.split(':');
    let is_arn = parts.next() == Some("arn");
    parts.nth(2).filter(|region| is_arn && !region.is_empty())
}

/// The name at the end of an ARN: after the last `:` or `/`.
pub(super) fn name_of_arn(arn: &str) -> &str {
    arn.rsplit([':', '/']).next().unwrap_or(arn)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_tells_its_region() {
        let arn = "arn:aws:rds:eu-west-1:123456789012:cluster:orders";
        assert_eq!(region_of_arn(arn), Some("eu-west-1"));
        assert_eq!(name_of_arn(arn), "orders");
        assert_eq!(
            region_of_arn("arn:aws:rds::123456789012:global-cluster:orders"),
            None
        );
        assert_eq!(region_of_arn("orders"), None);
    }
}
