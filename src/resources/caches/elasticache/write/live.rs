//! Failover of Global Datastores and of shards over the ElastiCache API. ElastiCache has no compare-and-set, so each is preceded by a read in the region that the write
//! is sent to, judged as the verification will judge it; must never send on anything but what the change expects.

use aws_sdk_elasticache::{
    Client,
    types::{GlobalReplicationGroup, ReplicationGroup},
};

use super::super::live::{DATASTORES, GROUPS, datastore, replication_group};
use crate::{
    provider::write::Write,
    resources::{
        Api, ErrorClass, ProviderError,
        caches::Change,
        change::{Alter, ApplyError, Receipt, Standing},
    },
};

/// Reads once more and sends one change.
pub async fn apply(write: &Write<'_>, change: &Change) -> Result<Receipt, ApplyError> {
    let operation = change.operation();
    let client = Client::new(&write.config());
    match change {
        Change::FailOverDatastore {
            datastore,
            to,
            to_group,
            ..
        } => {
            let standing = of_datastore(write, change, datastore).await;
            standing
                .map_err(Write::unsent)?
                .before_or_drifted(operation)?;
            let call = client
                .failover_global_replication_group()
                .global_replication_group_id(datastore)
                // The primary-to-be, not the present one.
                .primary_region(to)
                .primary_replication_group_id(to_group);
            let sent = write.send(Api::ElastiCache, operation, call.send(), |_| None);
            sent.await
        }
        Change::FailOverGroup { group, shard, .. } => {
            let standing = of_group(write, change, group).await;
            standing
                .map_err(Write::unsent)?
                .before_or_drifted(operation)?;
            let call = client
                .test_failover()
                .replication_group_id(group)
                .node_group_id(shard);
            let sent = write.send(Api::ElastiCache, operation, call.send(), |_| None);
            sent.await
        }
        Change::FailOverShard { .. } => {
            let text = "ElastiCache has no MemoryDB clusters";
            let error = ProviderError::new(ErrorClass::Terminal, operation, text);
            Err(Write::unsent(error))
        }
    }
}

async fn of_datastore(
    write: &Write<'_>,
    change: &Change,
    id: &str,
) -> Result<Standing, ProviderError> {
    let call = Client::new(&write.ask.config)
        .describe_global_replication_groups()
        .global_replication_group_id(id)
        .show_member_info(true);
    let answer = write.ask.call(Api::ElastiCache, DATASTORES, call.send());
    let listed = answer.await?.global_replication_groups.unwrap_or_default();
    let named = |one: &&GlobalReplicationGroup| one.global_replication_group_id() == Some(id);
    let found = listed.iter().find(named);
    let found = found.ok_or_else(|| not_listed(DATASTORES, id))?;
    Ok(change.of_datastore(&datastore(found)))
}

async fn of_group(write: &Write<'_>, change: &Change, id: &str) -> Result<Standing, ProviderError> {
    let call = Client::new(&write.ask.config)
        .describe_replication_groups()
        .replication_group_id(id);
    let answer = write.ask.call(Api::ElastiCache, GROUPS, call.send());
    let listed = answer.await?.replication_groups.unwrap_or_default();
    let named = |one: &ReplicationGroup| one.replication_group_id() == Some(id);
    let found = listed.into_iter().find(named);
    let found = found.ok_or_else(|| not_listed(GROUPS, id))?;
    // Its Global Datastore does not matter here.
    let group = replication_group(found, &[], &write.ask.region());
    Ok(change.of_group(&group))
}

fn not_listed(operation: &str, id: &str) -> ProviderError {
    let text = format!("{id} is not listed");
    ProviderError::new(ErrorClass::NotFound, operation, text)
}

#[cfg(test)]
mod tests;
