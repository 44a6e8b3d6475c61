//! Deployments out of the watched clusters of a region. Owns how objects become rows; the watches themselves live in `provider::kubernetes`.

use std::{sync::Arc, time::Duration};

use futures::future::join_all;

use super::{Deployment, assembly};
use crate::{
    provider::{ask::Ask, kubernetes},
    resources::{Answer, Api, ProviderError, Query, Rows, clusters},
};

/// How long the first answer waits for the first lists.
const FIRST: Duration = Duration::from_secs(12);

/// What is known of the deployments of a region now. Nothing is sent: the watches go on by themselves.
pub async fn observe(ask: Ask<'_>, query: &Query) -> Result<Answer, ProviderError> {
    let watched = clusters::live::watched(&ask, query);
    join_all(watched.iter().map(|cluster| cluster.tried(FIRST))).await;
    let mut rows: Vec<Deployment> = Vec::new();
    let mut silent = Vec::new();
    for cluster in &watched {
        ask.counted(Api::Kubernetes, cluster.access.take_calls());
        match fault(cluster, &cluster.deployments) {
            Some(error) => silent.push(error),
            None => parts(&ask, cluster),
        }
        rows.extend(assembly::live::rows(cluster));
    }
    // Where no cluster is heard the read has failed: what was seen before stays, dated.
    if let (true, Some(error)) = (silent.len() == watched.len(), silent.first()) {
        return Err(error.clone());
    }
    for error in silent {
        ask.problem(error);
    }
    Ok(ask.answer(Rows::Deployments(rows)))
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
