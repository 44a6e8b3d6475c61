//! Switchover, failover and promotion over the RDS API. RDS has no compare-and-set, so each is preceded by a read in the region that the write is sent to,
//! judged as the verification will judge it; must never send on anything but what the change expects.
//!
//! A global failover is for the day when the region of the writer is gone, so it reads in the region of the new writer only. Where even that read fails nothing is sent:
//! the same control plane would have to take the write, and a failover that loses data is not sent on a guess.

use std::collections::BTreeMap;

use aws_sdk_rds::{
    Client,
    types::{DbCluster, DbInstance, GlobalCluster},
};

use super::super::live::{
    CLUSTERS, GLOBAL_CLUSTERS, INSTANCES, db_cluster, db_instance, global_cluster,
};
use crate::{
    provider::write::Write,
    resources::{
        Api, ErrorClass, ProviderError,
        change::{Alter, ApplyError, Receipt, Standing},
        databases::Change,
    },
};

/// Reads once more and sends one change.
pub async fn apply(write: &Write<'_>, change: &Change) -> Result<Receipt, ApplyError> {
    let reads = Client::new(&write.ask.config);
    let standing = match change {
        Change::SwitchOver { global_cluster, .. } | Change::FailOver { global_cluster, .. } => {
            of_global(write, &reads, change, global_cluster).await
        }
        Change::FailOverCluster { cluster, .. } => of_cluster(write, &reads, change, cluster).await,
        Change::Promote { instance, .. } => of_instance(write, &reads, change, instance).await,
    };
    standing
        .map_err(Write::unsent)?
        .before_or_drifted(change.operation())?;
    send(write, change).await
}

async fn send(write: &Write<'_>, change: &Change) -> Result<Receipt, ApplyError> {
    let client = Client::new(&write.config());
    let operation = change.operation();
    match change {
        Change::SwitchOver {
            global_cluster, to, ..
        } => {
            let call = client
                .switchover_global_cluster()
                .global_cluster_identifier(global_cluster)
                .target_db_cluster_identifier(to);
            write.send(Api::Rds, operation, call.send(), |_| None).await
        }
        Change::FailOver {
            global_cluster, to, ..
        } => {
            let call = client
                .failover_global_cluster()
                .global_cluster_identifier(global_cluster)
                .target_db_cluster_identifier(to)
                // Without it the call is a switchover, which waits for a writer that is gone (domain B.4). It excludes `Switchover`.
                .allow_data_loss(true);
            write.send(Api::Rds, operation, call.send(), |_| None).await
        }
        Change::FailOverCluster { cluster, to, .. } => {
            let call = client
                .failover_db_cluster()
                .db_cluster_identifier(cluster)
                .target_db_instance_identifier(to);
            write.send(Api::Rds, operation, call.send(), |_| None).await
        }
        Change::Promote {
            instance,
            backup_retention_days,
            ..
        } => {
            let call = client
                .promote_read_replica()
                .db_instance_identifier(instance)
                .backup_retention_period(*backup_retention_days);
            write.send(Api::Rds, operation, call.send(), |_| None).await
        }
    }
}

async fn of_global(
    write: &Write<'_>,
    client: &Client,
    change: &Change,
    id: &str,
) -> Result<Standing, ProviderError> {
    let call = client
        .describe_global_clusters()
        .global_cluster_identifier(id);
    let answer = write.ask.call(Api::Rds, GLOBAL_CLUSTERS, call.send());
    let listed = answer.await?.global_clusters.unwrap_or_default();
    let named = |global: &GlobalCluster| is(global.global_cluster_identifier(), id);
    let found = listed.into_iter().find(named);
    let found = found.ok_or_else(|| not_listed(GLOBAL_CLUSTERS, id))?;
    Ok(change.of_global(&global_cluster(found)))
}

async fn of_cluster(
    write: &Write<'_>,
    client: &Client,
    change: &Change,
    id: &str,
) -> Result<Standing, ProviderError> {
    let call = client.describe_db_clusters().db_cluster_identifier(id);
    let answer = write.ask.call(Api::Rds, CLUSTERS, call.send());
    let listed = answer.await?.db_clusters.unwrap_or_default();
    let named = |cluster: &DbCluster| is(cluster.db_cluster_identifier(), id);
    let found = listed.into_iter().find(named);
    let found = found.ok_or_else(|| not_listed(CLUSTERS, id))?;
    Ok(change.of_cluster(&db_cluster(found, &[], &BTreeMap::new())))
}

async fn of_instance(
    write: &Write<'_>,
    client: &Client,
    change: &Change,
    id: &str,
) -> Result<Standing, ProviderError> {
    let call = client.describe_db_instances().db_instance_identifier(id);
    let answer = write.ask.call(Api::Rds, INSTANCES, call.send());
    let listed = answer.await?.db_instances.unwrap_or_default();
    let named = |instance: &DbInstance| is(instance.db_instance_identifier(), id);
    let found = listed.into_iter().find(named);
    let found = found.ok_or_else(|| not_listed(INSTANCES, id))?;
    Ok(change.of_instance(&db_instance(found)))
}

/// Whether an answer is about the thing that was asked for; RDS does not tell case apart.
fn is(listed: Option<&str>, id: &str) -> bool {
    listed.is_some_and(|listed| listed.eq_ignore_ascii_case(id))
}

fn not_listed(operation: &str, id: &str) -> ProviderError {
    let text = format!("{id} is not listed");
    ProviderError::new(ErrorClass::NotFound, operation, text)
}

#[cfg(test)]
mod tests;
