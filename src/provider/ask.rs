//! One poll of live AWS: the configuration for its place, its turn in the budget and its tally of calls. Knows no kind.

use std::{
    collections::BTreeMap,
    error::Error,
    sync::{Arc, Mutex},
};

use aws_config::SdkConfig;
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

pub use super::translate::translate;
use super::{budget::Budget, connector::counting, memory::Memory};
use crate::resources::{Answer, Api, ErrorClass, Estate, Place, ProviderError, Rows};

/// One poll.
pub struct Ask<'a> {
    /// What is watched.
    pub estate: &'a Estate,
    /// Where this poll asks.
    pub place: &'a Place,
    /// Signed for the place: its region (us-east-1 for global services), profile and role.
    pub config: SdkConfig,
    /// What earlier polls of this place have learned.
    pub memory: Arc<Memory>,
    budget: Option<Budget>,
    tally: Arc<Tally>,
    problems: Mutex<Vec<ProviderError>>,
}

impl<'a> Ask<'a> {
    /// A poll that has not called anything yet, with no budget but its own good sense.
    pub fn new(estate: &'a Estate, place: &'a Place, config: SdkConfig) -> Self {
        Self {
            estate,
            place,
            config,
            memory: Arc::default(),
            budget: None,
            tally: Arc::default(),
            problems: Mutex::default(),
        }
    }

    /// The same poll within a provider: its budget, and a tally that outlives the poll.
    #[must_use]
    pub fn within(self, budget: Budget, tally: Arc<Tally>) -> Self {
        Self {
            budget: Some(budget),
            tally,
            ..self
        }
    }

    /// The same poll with what earlier ones of its place have learned.
    #[must_use]
    pub fn remembering(self, memory: Arc<Memory>) -> Self {
        Self { memory, ..self }
    }

    /// The same credentials in another AWS Region (Global Accelerator and its metrics live in us-west-2).
    pub fn config_in(&self, region: &'static str) -> SdkConfig {
        self.config
            .clone()
            .into_builder()
            .region(aws_config::Region::from_static(region))
            .build()
    }

    /// The AWS Region of this poll.
    pub fn region(&self) -> String {
        self.config
            .region()
            .map(ToString::to_string)
            .unwrap_or_default()
    }

    /// Makes one call: waits for its turn, counts it and translates its error. `operation` is IAM's name, `rds:DescribeDBClusters`.
    pub fn call<T, E>(
        &self,
        api: Api,
        operation: &'static str,
        call: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    ) -> impl Future<Output = Result<T, ProviderError>>
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        // The SDK's futures have 16 kB; on the heap they do not swell every future that awaits one.
        let call = Box::pin(call);
        async move {
            self.tally.opened(operation);
            if let Some(budget) = &self.budget {
                budget.turn(api).await;
            }
            self.tally.started(api);
            let (result, sent) = counting(call).await;
            self.tally.ended(api, operation, sent);
            let result = result.map_err(|error| translate(operation, &error));
            if let Some(budget) = &self.budget {
                let throttled =
                    matches!(&result, Err(error) if error.class == ErrorClass::Throttled);
                budget.settle(api, throttled);
            }
            result
        }
    }

    /// Waits for the turn of a call that the SDK does not make, and counts it.
    pub async fn turn(&self, api: Api) {
        if let Some(budget) = &self.budget {
            budget.turn(api).await;
        }
        self.tally.started(api);
    }

    /// Counts a call that the SDK does not make (Kubernetes). It has no budget: each API server is a throttle of its own.
    pub fn count(&self, api: Api) {
        self.tally.started(api);
    }

    /// Counts calls that the watches have made by themselves since the last poll.
    pub fn counted(&self, api: Api, calls: u32) {
        for _ in 0..calls {
            self.tally.started(api);
        }
    }

    /// Notes a part that could not be read; the rest of the answer stands.
    pub fn problem(&self, error: ProviderError) {
        // What several calls say alike is told once.
        if let Ok(mut problems) = self.problems.lock()
            && !problems.contains(&error)
        {
            problems.push(error);
        }
    }

    /// The answer with what it cost and what is missing.
    pub fn answer(self, rows: Rows) -> Answer {
        Answer {
            rows,
            problems: self.problems.into_inner().unwrap_or_default(),
            calls: self.tally.take(),
            metrics_requested: self.tally.take_metrics(),
            in_sync: None,
            rehearsal: None,
        }
    }

    /// Counts metrics requested: each is billed (domain A.8).
    pub fn requested_metrics(&self, count: usize) {
        self.tally.requested_metrics(count);
    }
}

/// What a poll has called. It outlives the poll, so that calls count even where the poll fails or is given up.
#[derive(Debug, Default)]
pub struct Tally(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    calls: BTreeMap<Api, u32>,
    metrics: u64,
    /// Operations that have not ended, oldest first.
    open: Vec<&'static str>,
}

impl Tally {
    /// The calls so far; from now on they are counted elsewhere.
    pub fn take(&self) -> BTreeMap<Api, u32> {
        self.with(|counts| std::mem::take(&mut counts.calls))
            .unwrap_or_default()
    }

    /// The metrics requested so far; from now on they are counted elsewhere.
    pub fn take_metrics(&self) -> u64 {
        self.with(|counts| std::mem::take(&mut counts.metrics))
            .unwrap_or_default()
    }

    /// The operation that has been going on for the longest, if any.
    pub fn open(&self) -> Option<&'static str> {
        self.with(|counts| counts.open.first().copied()).flatten()
    }

    fn opened(&self, operation: &'static str) {
        self.with(|counts| counts.open.push(operation));
    }

    fn started(&self, api: Api) {
        self.with(|counts| *counts.calls.entry(api).or_default() += 1);
    }

    /// `sent` counts the retries in; the first was counted when it started.
    fn ended(&self, api: Api, operation: &'static str, sent: u32) {
        self.with(|counts| {
            *counts.calls.entry(api).or_default() += sent.saturating_sub(1);
            if let Some(index) = counts.open.iter().position(|open| *open == operation) {
                counts.open.remove(index);
            }
        });
    }

    fn requested_metrics(&self, count: usize) {
        self.with(|counts| counts.metrics += count as u64);
    }

    fn with<T>(&self, act: impl FnOnce(&mut Counts) -> T) -> Option<T> {
        self.0.lock().ok().map(|mut counts| act(&mut counts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tally_counts_retries_and_names_what_is_open() {
        let tally = Tally::default();
        tally.opened("rds:DescribeDBClusters");
        tally.started(Api::Rds);
        tally.opened("rds:DescribeDBInstances");
        tally.ended(Api::Rds, "rds:DescribeDBClusters", 2);
        assert_eq!(tally.open(), Some("rds:DescribeDBInstances"));
        assert_eq!(tally.take().get(&Api::Rds), Some(&2));
        assert!(tally.take().is_empty());
    }
}
