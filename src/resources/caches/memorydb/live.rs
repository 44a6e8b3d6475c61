//! The MemoryDB calls and their translation: two lists, read at once and joined. Without the multi-Region clusters the clusters stand.

use aws_sdk_memorydb::{Client, types};

use super::{MemoryDbCluster, MultiRegionCluster, RegionalCluster};
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

pub(super) const CLUSTERS: &str = "memorydb:DescribeClusters";
const MULTI_REGION: &str = "memorydb:DescribeMultiRegionClusters";

/// Reads the clusters of a region.
pub async fn observe(ask: Ask<'_>) -> Result<Answer, ProviderError> {
    let client = Client::new(&ask.config);
    let (clusters, multi_region) = tokio::join!(
        clusters(&ask, &client),
        part(MULTI_REGION, multi_region_clusters(&ask, &client)),
    );
    let clusters = clusters?;
    let multi_region = multi_region.unwrap_or_else(|error| {
        // Nobody misses them where no cluster is a member of one.
        if clusters
            .iter()
            .any(|cluster| cluster.multi_region_cluster_name.is_some())
        {
            ask.problem(error);
        }
        Vec::new()
    });
    let rows = clusters
        .into_iter()
        .map(|one| Cache::MemoryDb(cluster(one, &multi_region)))
        .collect();
    Ok(ask.answer(Rows::Caches(rows)))
}

async fn clusters(ask: &Ask<'_>, client: &Client) -> Result<Vec<types::Cluster>, ProviderError> {
    all_pages(CLUSTERS, |token| async move {
        let call = client
            .describe_clusters()
            .show_shard_details(true)
            .set_next_token(token);
        let page = ask.call(Api::MemoryDb, CLUSTERS, call.send()).await?;
        Ok((page.clusters.unwrap_or_default(), page.next_token))
    })
    .await
}

async fn multi_region_clusters(
    ask: &Ask<'_>,
    client: &Client,
) -> Result<Vec<MultiRegionCluster>, ProviderError> {
    let listed = all_pages(MULTI_REGION, |token| async move {
        let call = client
            .describe_multi_region_clusters()
            .show_cluster_details(true)
            .set_next_token(token);
        let page = ask.call(Api::MemoryDb, MULTI_REGION, call.send()).await?;
        Ok((
            page.multi_region_clusters.unwrap_or_default(),
            page.next_token,
        ))
    })
    .await?;
    Ok(listed.into_iter().map(multi_region_cluster).collect())
}

fn multi_region_cluster(cluster: types::MultiRegionCluster) -> MultiRegionCluster {
    let member = |member: types::RegionalCluster| RegionalCluster {
        name: member.cluster_name.unwrap_or_default(),
        region: member.region,
        status: member.status,
    };
    MultiRegionCluster {
        name: cluster.multi_region_cluster_name.unwrap_or_default(),
        status: Some(cluster.status.unwrap_or_else(|| UNKNOWN.to_owned())),
        members: cluster
            .clusters
            .unwrap_or_default()
            .into_iter()
            .map(member)
            .collect(),
    }
}

pub(super) fn cluster(
    cluster: types::Cluster,
    multi_region: &[MultiRegionCluster],
) -> MemoryDbCluster {
    let engine = match (cluster.engine, cluster.engine_version) {
        (Some(engine), Some(version)) => Some(format!("{engine} {version}")),
        (engine, version) => engine.or(version),
    };
    let multi_region = cluster.multi_region_cluster_name.map(|name| {
        let known = multi_region
            .iter()
            .find(|known| known.name == name)
            .cloned();
        known.unwrap_or(MultiRegionCluster {
            name,
            status: None,
            members: Vec::new(),
        })
    });
    MemoryDbCluster {
        name: cluster.name.unwrap_or_default(),
        arn: cluster.arn,
        status: cluster.status.unwrap_or_else(|| UNKNOWN.to_owned()),
        engine,
        shards: cluster
            .shards
            .unwrap_or_default()
            .into_iter()
            .map(shard)
            .collect(),
        availability_mode: cluster
            .availability_mode
            .map(|mode| mode.as_str().to_owned()),
        multi_region,
    }
}

fn shard(shard: types::Shard) -> Shard {
    let node = |node: types::Node| Node {
        id: node.name.unwrap_or_default(),
        role: None, // the service does not tell
        status: node.status,
        zone: node.availability_zone,
    };
    Shard {
        id: shard.name.unwrap_or_default(),
        status: shard.status,
        nodes: shard
            .nodes
            .unwrap_or_default()
            .into_iter()
            .map(node)
            .collect(),
    }
}
