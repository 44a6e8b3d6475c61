//! The ElastiCache calls and their translation: two lists, read at once and joined. Without the Global Datastores the groups stand; each then knows only its own role.

use aws_sdk_elasticache::{Client, types};

use super::{Datastore, DatastoreMember, ReplicationGroup};
use crate::{
    provider::{
        ask::Ask,
        paging::{all_pages, part},
    },
    resources::{
        Answer, Api, ProviderError, Rows,
        caches::{Cache, Node, Shard},
        rules::UNKNOWN,
    },
};

pub(super) const GROUPS: &str = "elasticache:DescribeReplicationGroups";
pub(super) const DATASTORES: &str = "elasticache:DescribeGlobalReplicationGroups";

/// Reads the replication groups of a region.
pub async fn observe(ask: Ask<'_>) -> Result<Answer, ProviderError> {
    let client = Client::new(&ask.config);
    let (groups, datastores) = tokio::join!(
        replication_groups(&ask, &client),
        part(DATASTORES, global_datastores(&ask, &client)),
    );
    let groups = groups?;
    let datastores = datastores.unwrap_or_else(|error| {
        // Nobody misses the datastores where no group is a member of one.
        if groups.iter().any(|group| datastore_id(group).is_some()) {
            ask.problem(error);
        }
        Vec::new()
    });
    let region = ask.region();
    let rows = groups
        .into_iter()
        .map(|group| Cache::Group(replication_group(group, &datastores, &region)))
        .collect();
    Ok(ask.answer(Rows::Caches(rows)))
}

async fn replication_groups(
    ask: &Ask<'_>,
    client: &Client,
) -> Result<Vec<types::ReplicationGroup>, ProviderError> {
    all_pages(GROUPS, |marker| async move {
        let call = client.describe_replication_groups().set_marker(marker);
        let page = ask.call(Api::ElastiCache, GROUPS, call.send()).await?;
        Ok((page.replication_groups.unwrap_or_default(), page.marker))
    })
    .await
}

async fn global_datastores(
    ask: &Ask<'_>,
    client: &Client,
) -> Result<Vec<types::GlobalReplicationGroup>, ProviderError> {
    all_pages(DATASTORES, |marker| async move {
        let call = client
            .describe_global_replication_groups()
            .show_member_info(true)
            .set_marker(marker);
        let page = ask.call(Api::ElastiCache, DATASTORES, call.send()).await?;
        Ok((
            page.global_replication_groups.unwrap_or_default(),
            page.marker,
        ))
    })
    .await
}

fn datastore_id(group: &types::ReplicationGroup) -> Option<&str> {
    group
        .global_replication_group_info()?
        .global_replication_group_id()
}

pub(super) fn replication_group(
    group: types::ReplicationGroup,
    datastores: &[types::GlobalReplicationGroup],
    region: &str,
) -> ReplicationGroup {
    let found = find_datastore(&group, datastores, region);
    let version = found.and_then(|datastore| datastore.engine_version());
    let engine = match (group.engine.clone(), version) {
        (Some(engine), Some(version)) => Some(format!("{engine} {version}")),
        (engine, _) => engine,
    };
    let datastore = found.map(datastore).or_else(|| own_entry(&group, region));
    ReplicationGroup {
        engine,
        datastore,
        id: group.replication_group_id.unwrap_or_default(),
        arn: group.arn,
        status: group.status.unwrap_or_else(|| UNKNOWN.to_owned()),
        shards: group
            .node_groups
            .unwrap_or_default()
            .into_iter()
            .map(shard)
            .collect(),
        multi_az: group.multi_az.map(|state| state.as_str().to_owned()),
        automatic_failover: group
            .automatic_failover
            .map(|state| state.as_str().to_owned()),
    }
}

/// The datastore that a group names, or that names the group.
fn find_datastore<'a>(
    group: &types::ReplicationGroup,
    datastores: &'a [types::GlobalReplicationGroup],
    region: &str,
) -> Option<&'a types::GlobalReplicationGroup> {
    let named = datastore_id(group);
    datastores.iter().find(|datastore| match named {
        Some(id) => datastore.global_replication_group_id.as_deref() == Some(id),
        None => datastore.members().iter().any(|member| {
            member.replication_group_id == group.replication_group_id
                && member.replication_group_region.as_deref() == Some(region)
        }),
    })
}

pub(super) fn datastore(datastore: &types::GlobalReplicationGroup) -> Datastore {
    let member = |member: &types::GlobalReplicationGroupMember| DatastoreMember {
        group: member.replication_group_id.clone().unwrap_or_default(),
        region: member.replication_group_region.clone().unwrap_or_default(),
        role: role(member.role.as_deref()),
        status: member.status.clone(),
    };
    Datastore {
        id: datastore
            .global_replication_group_id
            .clone()
            .unwrap_or_default(),
        status: Some(
            datastore
                .status
                .clone()
                .unwrap_or_else(|| UNKNOWN.to_owned()),
        ),
        members: datastore.members().iter().map(member).collect(),
    }
}

/// What a group says of its datastore itself, when the datastore could not be read.
fn own_entry(group: &types::ReplicationGroup, region: &str) -> Option<Datastore> {
    let info = group.global_replication_group_info()?;
    Some(Datastore {
        id: info.global_replication_group_id()?.to_owned(),
        status: None,
        members: vec![DatastoreMember {
            group: group.replication_group_id.clone().unwrap_or_default(),
            region: region.to_owned(),
            role: role(info.global_replication_group_member_role()),
            status: None,
        }],
    })
}

/// The service writes roles in capitals in one place and in lower case in another.
fn role(role: Option<&str>) -> String {
    role.map_or_else(|| UNKNOWN.to_owned(), str::to_lowercase)
}

fn shard(shard: types::NodeGroup) -> Shard {
    let node = |node: types::NodeGroupMember| Node {
        id: node.cache_cluster_id.unwrap_or_default(),
        role: node.current_role.map(|role| role.to_lowercase()),
        status: None, // only DescribeCacheClusters tells it; the status of the shard counts
        zone: node.preferred_availability_zone,
    };
    Shard {
        id: shard.node_group_id.unwrap_or_default(),
        status: shard.status,
        nodes: shard
            .node_group_members
            .unwrap_or_default()
            .into_iter()
            .map(node)
            .collect(),
    }
}
