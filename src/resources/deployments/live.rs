//! Deployments out of the watched clusters of a region, with the last lines of what crashed. Owns how objects become rows; the watches themselves live in `provider::kubernetes`.

use std::{sync::Arc, time::Duration};

use futures::future::join_all;
use serde::Deserialize;
use tokio::time::timeout;

use super::{Change, Deployment, assembly, write};
use crate::{
    provider::{
        ask::Ask,
        kubernetes::{
            self,
            logs::{MOST, RunOf},
            objects::Meta,
            once::{self, Written},
        },
        write::Write,
    },
    resources::{
        Answer, Api, ProviderError, Query, Rows, Wanted,
        change::{ApplyError, Receipt},
        clusters,
    },
};

/// How long the first answer waits for the first lists.
const FIRST: Duration = Duration::from_secs(12);

/// The read past the watches.
const READ: &str = "kubernetes:GetDeployments";
/// How long an event may be behind a read.
const EVENT: Duration = Duration::from_secs(3);
/// How long an answer waits for the last lines of what crashed; those that come later are in the next one.
const LINES: Duration = Duration::from_secs(2);

/// What is known of the deployments of a region now. Only the last lines of crashed containers are asked for: the watches go on by themselves.
pub async fn observe(ask: Ask<'_>, query: &Query) -> Result<Answer, ProviderError> {
    let watched = clusters::live::watched(&ask, query);
    join_all(watched.iter().map(|cluster| cluster.tried(FIRST))).await;
    let in_sync = in_sync(&watched, query).await?;
    let mut rows: Vec<Vec<Deployment>> = Vec::new();
    let mut silent = Vec::new();
    for cluster in &watched {
        ask.counted(Api::Kubernetes, cluster.access.take_calls());
        match fault(cluster, &cluster.deployments) {
            Some(error) => silent.push(error),
            None => parts(&ask, cluster),
        }
        rows.push(assembly::live::rows(cluster));
    }
    // Where no cluster is heard the read has failed: what was seen before stays, dated.
    if let (true, Some(error)) = (silent.len() == watched.len(), silent.first()) {
        return Err(error.clone());
    }
    for error in silent {
        ask.problem(error);
    }
    let filling = watched.iter().zip(&mut rows);
    join_all(filling.map(|(cluster, rows)| lines(cluster, rows))).await;
    Ok(Answer {
        in_sync,
        ..ask.answer(Rows::Deployments(rows.into_iter().flatten().collect()))
    })
}

/// Sends one change.
pub async fn apply(write: &Write<'_>, change: &Change) -> Result<Receipt, ApplyError> {
    Box::pin(write::live::apply(write, change)).await
}

/// What every object says of itself.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Named {
    metadata: Meta,
}

/// Whether what the watches show is what a read past them shows: a watch alone is no independent witness of what we wrote.
/// The read comes before the rows are made, so that they are at least as new.
async fn in_sync(
    watched: &[Arc<kubernetes::Cluster>],
    query: &Query,
) -> Result<Option<bool>, ProviderError> {
    let Wanted::Reference(reference) = &query.wanted else {
        return Ok(None);
    };
    let Some(written) = Written::parse(reference) else {
        return Ok(None);
    };
    let Some(cluster) = watched
        .iter()
        .find(|cluster| cluster.access.name() == written.cluster)
    else {
        return Ok(None);
    };
    let read = once::get::<Named>(&cluster.access, READ, &written.path).await;
    let Meta {
        namespace,
        name,
        resource_version,
        ..
    } = read.map_err(|fault| fault.error)?.metadata;
    let key = (namespace, name);
    // Status changes all the time while pods start: a moment is given to the event that brings what was read.
    let mut news = cluster.access.news();
    let arriving = async {
        while !has(cluster, &written.path, &key, &resource_version) {
            if news.changed().await.is_err() {
                return;
            }
        }
    };
    Ok(Some(timeout(EVENT, arriving).await.is_ok()))
}

/// Whether a watch has an object in a version, or a later one.
fn has(cluster: &kubernetes::Cluster, path: &str, key: &kubernetes::Key, version: &str) -> bool {
    let seen = if path.contains("/horizontalpodautoscalers/") {
        let scalers = cluster.scalers.seen();
        let scaler = scalers.items.get(key);
        scaler.map(|scaler| scaler.meta.resource_version.clone())
    } else {
        let deployments = cluster.deployments.seen();
        let deployment = deployments.items.get(key);
        deployment.map(|object| object.metadata.resource_version.clone())
    };
    // Versions of one kind can be compared since Kubernetes 1.35, and were numbers before; other text is equal or not.
    seen.is_some_and(|seen| match (seen.parse::<u64>(), version.parse::<u64>()) {
        (Ok(seen), Ok(version)) => seen >= version,
        (Err(_), _) | (_, Err(_)) => seen == version,
    })
}

/// Fills in what crashed containers wrote last, as far as it is known by then.
async fn lines(cluster: &kubernetes::Cluster, rows: &mut [Deployment]) {
    let mut news = cluster.access.news();
    let wanted: Vec<RunOf> = rows
        .iter()
        .flat_map(|row| row.logs.iter().map(|log| run_of(row, log)))
        .collect();
    cluster.logs.want(&cluster.access, &wanted);
    let settling = async { while !cluster.logs.settled() && news.changed().await.is_ok() {} };
    timeout(LINES, settling).await.ok();
    for (index, run) in wanted.into_iter().enumerate() {
        let mut logs = rows.iter_mut().flat_map(|row| &mut row.logs);
        let Some(log) = logs.nth(index) else { return };
        match cluster.logs.tail(&run) {
            Some(tail) => {
                (log.lines, log.cut, log.missing) = (tail.lines, tail.cut, tail.fault);
            }
            None if index >= MOST => {
                log.missing = Some(format!(
                    "more than {MOST} containers of the cluster crashed"
                ));
            }
            None => {}
        }
    }
}

fn run_of(row: &Deployment, log: &super::Log) -> RunOf {
    RunOf {
        namespace: row.namespace.clone(),
        pod: log.pod.clone(),
        container: log.container.clone(),
        previous: log.previous,
        restarts: log.restarts,
    }
}

/// Names what a cluster that is heard does not show.
fn parts(ask: &Ask<'_>, cluster: &kubernetes::Cluster) {
    let faults = [
        fault(cluster, &cluster.replica_sets),
        fault(cluster, &cluster.pods),
        fault(cluster, &cluster.scalers),
        fault(cluster, &cluster.budgets),
        fault(cluster, &cluster.warnings),
    ];
    for error in faults.into_iter().flatten() {
        ask.problem(error);
    }
}

/// Why a kind of a cluster is not heard, with the name of the cluster.
pub(in crate::resources) fn fault<T>(
    cluster: &kubernetes::Cluster,
    shelf: &Arc<kubernetes::Shelf<T>>,
) -> Option<ProviderError> {
    let error = shelf.seen().fault.clone()?;
    Some(ProviderError {
        message: format!("{}: {}", cluster.access.name(), error.message),
        ..error
    })
}
