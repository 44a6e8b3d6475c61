//! Failover of a shard over the MemoryDB API, for drills. MemoryDB does not tell which node is the primary: the read before the write shows that nothing is going on, and by the events that nobody was faster.

use aws_sdk_memorydb::{Client, types};

use super::super::live::{CLUSTERS, cluster, events};
use crate::{
    provider::write::Write,
    resources::{
        Api, ErrorClass, ProviderError,
        caches::{Change, MemoryDbCluster},
        change::{Alter, ApplyError, Receipt},
    },
};

/// Reads once more and sends one change.
pub async fn apply(write: &Write<'_>, change: &Change) -> Result<Receipt, ApplyError> {
    let operation = change.operation();
    let (name, shard) = match change {
        Change::FailOverShard { cluster, shard, .. } => (cluster, shard),
        Change::FailOverDatastore { .. } | Change::FailOverGroup { .. } => {
            let text = "MemoryDB has no replication groups";
            let error = ProviderError::new(ErrorClass::Terminal, operation, text);
            return Err(Write::unsent(error));
        }
    };
    let seen = read(write, name).await.map_err(Write::unsent)?;
    change.of_memorydb(&seen).before_or_drifted(operation)?;
    let call = Client::new(&write.config())
        .failover_shard()
        .cluster_name(name)
        .shard_name(shard);
    let sent = write.send(Api::MemoryDb, operation, call.send(), |_| None);
    sent.await
}

async fn read(write: &Write<'_>, name: &str) -> Result<MemoryDbCluster, ProviderError> {
    let client = Client::new(&write.ask.config);
    let call = client
        .describe_clusters()
        .cluster_name(name)
        .show_shard_details(true);
    let answer = write.ask.call(Api::MemoryDb, CLUSTERS, call.send());
    let events = events(&write.ask, &client, Some(name));
    let (listed, events) = tokio::try_join!(answer, events)?;
    let listed = listed.clusters.unwrap_or_default();
    let named = |one: &types::Cluster| one.name() == Some(name);
    let found = listed.into_iter().find(named).ok_or_else(|| {
        let text = format!("{name} is not listed");
        ProviderError::new(ErrorClass::NotFound, CLUSTERS, text)
    })?;
    Ok(cluster(found, &[], Some(&events)))
}

#[cfg(test)]
mod tests;
