//! Live AWS and Kubernetes behind the `Provider` trait. Owns the deadline of a poll and what it cost; knows no API.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::future::BoxFuture;
use tokio::time::timeout;

use super::{
    Provider,
    ask::{Ask, Tally},
    budget::{Budget, Budgets},
    clients::{Clients, Signing},
    memory::Memory,
    write::{self, Write},
};
use crate::{
    arm::ArmToken,
    resources::{
        Answer, Api, Change, ErrorClass, Estate, Kind, Place, ProviderError, Query, alarms, caches,
        change::{Alter, ApplyError, Receipt},
        clusters, databases, deployments, health_checks, metrics, pipelines, regions,
        rehearsal::Rehearsal,
        traffic,
    },
};

/// The deadline of a poll: long enough to page through a big account at the pace of the budget. Each call in it has its own, shorter one.
pub const POLL_DEADLINE: Duration = Duration::from_secs(30);

/// The real world.
#[derive(Debug)]
pub struct LiveProvider {
    estate: Arc<Estate>,
    clients: Clients,
    budgets: Arc<Budgets>,
    /// What is there differs from region to region, so each place has its own.
    memories: Mutex<BTreeMap<Place, Arc<Memory>>>,
    /// Calls and metrics of polls that failed; the next answer carries them.
    unreported: Mutex<(BTreeMap<Api, u32>, u64)>,
}

impl LiveProvider {
    /// A provider for an estate. Reads and asks nothing: the first screen is drawn before any network.
    pub fn new(estate: Arc<Estate>) -> Self {
        Self {
            clients: Clients::new(Arc::clone(&estate)),
            estate,
            budgets: Arc::default(),
            memories: Mutex::default(),
            unreported: Mutex::default(),
        }
    }

    /// What is asked at a place: with its credentials, within its budget.
    async fn asking<'a>(
        &'a self,
        place: &'a Place,
        tally: &Arc<Tally>,
    ) -> Result<Ask<'a>, ProviderError> {
        let signing = Signing::of(&self.estate, place)?;
        let config = self.clients.config(place).await?;
        let region = signing.region.unwrap_or_default();
        let budget = Budget::new(Arc::clone(&self.budgets), signing.access, region);
        Ok(Ask::new(&self.estate, place, config)
            .within(budget, Arc::clone(tally))
            .remembering(self.memory(place)))
    }

    async fn read(&self, query: &Query, tally: &Arc<Tally>) -> Result<Answer, ProviderError> {
        observe(self.asking(&query.place, tally).await?, query).await
    }

    fn memory(&self, place: &Place) -> Arc<Memory> {
        self.memories
            .lock()
            .map(|mut memories| Arc::clone(memories.entry(place.clone()).or_default()))
            .unwrap_or_default()
    }

    /// Adds what failed polls have cost to an answer.
    fn report(&self, mut answer: Answer) -> Answer {
        if let Ok(mut unreported) = self.unreported.lock() {
            let (calls, metrics) = std::mem::take(&mut *unreported);
            for (api, count) in calls {
                *answer.calls.entry(api).or_default() += count;
            }
            answer.metrics_requested += metrics;
        }
        answer
    }

    fn remember(&self, tally: &Tally) {
        if let Ok(mut unreported) = self.unreported.lock() {
            for (api, count) in tally.take() {
                *unreported.0.entry(api).or_default() += count;
            }
            unreported.1 += tally.take_metrics();
        }
    }

    async fn poll(&self, query: Query) -> Result<Answer, ProviderError> {
        let tally = Arc::new(Tally::default());
        let result = match timeout(POLL_DEADLINE, self.read(&query, &tally)).await {
            Ok(result) => result,
            Err(_) => Err(given_up(&query, &tally)),
        };
        let problems = match &result {
            Ok(answer) => answer.problems.as_slice(),
            Err(error) => std::slice::from_ref(error),
        };
        self.heed(&query.place, problems);
        match result {
            Ok(answer) => Ok(self.report(answer)),
            Err(error) => {
                self.remember(&tally);
                Err(error)
            }
        }
    }

    /// Credentials that were refused may have been renewed by somebody.
    fn heed(&self, place: &Place, problems: &[ProviderError]) {
        let refused = |problem: &ProviderError| problem.class == ErrorClass::Identity;
        if problems.iter().any(refused) {
            self.clients.refused(place);
        }
    }
}

impl LiveProvider {
    async fn send(&self, token: ArmToken, change: Change) -> Result<Receipt, ApplyError> {
        let place = change.place();
        let tally = Arc::new(Tally::default());
        let ask = self.asking(&place, &tally).await.map_err(Write::unsent)?;
        let write = Write::new(ask, &token);
        let sent = timeout(write::DEADLINE, send(&write, &change)).await;
        let result = sent.unwrap_or_else(|_| Err(write.given_up(change.operation())));
        if let Err(error) = &result {
            self.heed(&place, std::slice::from_ref(&error.error));
            self.remember(&tally);
        }
        result.map(|receipt| Receipt {
            calls: tally.take(),
            ..receipt
        })
    }
}

impl LiveProvider {
    /// Asks an API what it says to a change that it must not keep.
    async fn rehearse(&self, change: &Change) -> Rehearsal {
        if !Rehearsal::possible(change) {
            return Rehearsal::impossible(change);
        }
        let place = change.place();
        let tally = Arc::new(Tally::default());
        let rehearsed = async {
            let ask = self.asking(&place, &tally).await.map_err(Write::unsent)?;
            send(&Write::rehearsal(ask), change).await
        };
        let result = timeout(write::REHEARSAL, rehearsed).await;
        self.remember(&tally);
        Rehearsal::of(result.unwrap_or_else(|_| {
            let text = format!("not answered within {} s", write::REHEARSAL.as_secs());
            let error = ProviderError::new(ErrorClass::Timeout, change.operation(), text);
            Err(Write::unsent(error))
        }))
    }
}

impl Provider for LiveProvider {
    fn observe(&self, query: Query) -> BoxFuture<'_, Result<Answer, ProviderError>> {
        Box::pin(async move {
            let rehearsed = query.wanted.rehearsal().cloned();
            let mut answer = self.poll(query).await?;
            if let Some(change) = rehearsed {
                answer.rehearsal = Some(self.rehearse(&change).await);
            }
            Ok(answer)
        })
    }

    fn apply(&self, token: ArmToken, change: Change) -> BoxFuture<'_, Result<Receipt, ApplyError>> {
        Box::pin(self.send(token, change))
    }
}

/// Who sends a change of a kind.
pub async fn send(write: &Write<'_>, change: &Change) -> Result<Receipt, ApplyError> {
    match change {
        Change::Traffic(change) => traffic::live::apply(write, change).await,
        Change::Databases(change) => databases::live::apply(write, change).await,
        Change::Caches(change) => caches::live::apply(write, change).await,
        Change::Clusters(change) => clusters::live::apply(write, change).await,
        Change::Deployments(change) => deployments::live::apply(write, change).await,
        Change::Nodes(change) => clusters::live::apply_to_node(write, change).await,
        Change::HealthChecks(change) => health_checks::live::apply(write, change).await,
        Change::Alarms(change) => alarms::live::apply(write, change).await,
        Change::Pipelines(change) => pipelines::live::apply(write, change).await,
    }
}

/// Names what was going on when the deadline passed.
fn given_up(query: &Query, tally: &Tally) -> ProviderError {
    let operation = tally.open().unwrap_or(query.source.name());
    let text = format!("not finished within {} s", POLL_DEADLINE.as_secs());
    ProviderError::new(ErrorClass::Timeout, operation, text)
}

/// Who answers for a kind.
async fn observe(ask: Ask<'_>, query: &Query) -> Result<Answer, ProviderError> {
    match query.source.kind() {
        Kind::Regions => regions::live::observe(ask, query).await,
        Kind::Alarms => alarms::live::observe(ask, query).await,
        // No source tells releases: they follow from deployments.
        Kind::Deployments | Kind::Releases => deployments::live::observe(ask, query).await,
        Kind::Clusters => clusters::live::observe(ask, query).await,
        Kind::Metrics => metrics::live::observe(ask, query).await,
        Kind::Databases => databases::live::observe(ask, query).await,
        Kind::Caches => caches::live::observe(ask, query).await,
        Kind::Traffic => traffic::live::observe(ask, query).await,
        Kind::HealthChecks => health_checks::live::observe(ask, query).await,
        Kind::Pipelines => pipelines::live::observe(ask, query).await,
    }
}

#[cfg(test)]
mod tests {
    use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
    use aws_smithy_types::error::ErrorMetadata as ApiError;

    use super::*;
    use crate::resources::{Rows, Source, Wanted, estate::Access};

    fn query() -> Query {
        Query {
            source: Source::Alarms,
            place: Place::Global,
            wanted: Wanted::Nothing,
            read: 0,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_failed_poll_cost_is_on_the_next_answer() {
        let provider = LiveProvider::new(Arc::default());
        let tally = Arc::new(Tally::default());
        let estate = Estate::default();
        let config = aws_config::SdkConfig::builder().build();
        let budget = Budget::new(Arc::default(), Access::default(), String::new());
        let ask = Ask::new(&estate, &Place::Global, config).within(budget, Arc::clone(&tally));
        let hung = std::future::pending::<Result<(), SdkError<ApiError, HttpResponse>>>();
        let call = ask.call(Api::CloudWatch, "cloudwatch:DescribeAlarms", hung);
        assert!(timeout(POLL_DEADLINE, call).await.is_err());
        let error = given_up(&query(), &tally);
        assert_eq!(
            (error.class, error.operation.as_str()),
            (ErrorClass::Timeout, "cloudwatch:DescribeAlarms")
        );
        provider.remember(&tally);
        let answer = || Answer::of(Rows::Alarms(Vec::new()));
        let cost = provider.report(answer()).calls;
        assert_eq!(cost.get(&Api::CloudWatch), Some(&1));
        assert!(provider.report(answer()).calls.is_empty());
    }
}
