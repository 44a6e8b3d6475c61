//! Deployments out of the watched clusters of a region, with the last lines of what crashed. Owns how objects become rows; the watches themselves live in `provider::kubernetes`.

use std::{sync::Arc, time::Duration};

use futures::future::join_all;
use tokio::time::timeout;

use super::{Deployment, assembly};
use crate::{
    provider::{
        ask::Ask,
        kubernetes::{
            self,
            logs::{MOST, RunOf},
        },
    },
    resources::{Answer, Api, ProviderError, Query, Rows, clusters},
};

/// How long the first answer waits for the first lists.
const FIRST: Duration = Duration::from_secs(12);

/// How long an answer waits for the last lines of what crashed; those that come later are in the next one.
const LINES: Duration = Duration::from_secs(2);

/// What is known of the deployments of a region now. Only the last lines of crashed containers are asked for: the watches go on by themselves.
pub async fn observe(ask: Ask<'_>, query: &Query) -> Result<Answer, ProviderError> {
    let watched = clusters::live::watched(&ask, query);
    join_all(watched.iter().map(|cluster| cluster.tried(FIRST))).await;
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
    let mut read = watched.iter().zip(&mut rows);
    join_all(read.by_ref().map(|(cluster, rows)| lines(cluster, rows))).await;
    Ok(ask.answer(Rows::Deployments(rows.into_iter().flatten().collect())))
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
