//! The MemoryDB calls and their translation: three lists, joined. The clusters stand without the multi-Region clusters, and without the events that tell of failovers.

use aws_sdk_memorydb::{Client, types};
use jiff::Timestamp;

use super::{Failover, MemoryDbCluster, MultiRegionCluster, RegionalCluster, failed_over};
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
const EVENTS: &str = "memorydb:DescribeEvents";
/// How far back events are read, in minutes: longer than any run waits for its failover.
const WINDOW: i32 = 60;

/// Reads the clusters of a region.
pub async fn observe(ask: Ask<'_>) -> Result<Answer, ProviderError> {
    let client = Client::new(&ask.config);
    let (clusters, multi_region) = tokio::join!(
        clusters(&ask, &client),
        part(MULTI_REGION, multi_region_clusters(&ask, &client)),
    );
    let clusters = clusters?;
    let events = if clusters.is_empty() {
        None
    } else {
        // Only a drill needs them, and its plan says that they are missing.
        part(EVENTS, events(&ask, &client, None)).await.ok()
    };
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
        .map(|one| Cache::MemoryDb(cluster(one, &multi_region, events.as_deref())))
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

/// Events of the last hour, of all clusters or of one.
pub(super) async fn events(
    ask: &Ask<'_>,
    client: &Client,
    cluster: Option<&str>,
) -> Result<Vec<types::Event>, ProviderError> {
    all_pages(EVENTS, |token| async move {
        let call = client
            .describe_events()
            .source_type(types::SourceType::Cluster)
            .set_source_name(cluster.map(ToOwned::to_owned))
            .duration(WINDOW)
            .set_next_token(token);
        let page = ask.call(Api::MemoryDb, EVENTS, call.send()).await?;
        Ok((page.events.unwrap_or_default(), page.next_token))
    })
    .await
}

/// The failovers that the events of a cluster tell, the oldest first.
fn failovers(events: &[types::Event], cluster: &str, shards: &[Shard]) -> Vec<Failover> {
    let own = events
        .iter()
        .filter(|event| event.source_name() == Some(cluster));
    let mut found: Vec<Failover> = own
        .filter_map(|event| {
            let at = Timestamp::from_second(event.date()?.secs()).ok()?;
            let shard = failed_over(event.message()?, shards)?.id.clone();
            Some(Failover { shard, at })
        })
        .collect();
    found.sort_by_key(|failover| failover.at);
    found
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
    events: Option<&[types::Event]>,
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
    let name = cluster.name.unwrap_or_default();
    let shards: Vec<Shard> = cluster
        .shards
        .unwrap_or_default()
        .into_iter()
        .map(shard)
        .collect();
    MemoryDbCluster {
        failovers: events.map(|events| failovers(events, &name, &shards)),
        name,
        arn: cluster.arn,
        status: cluster.status.unwrap_or_else(|| UNKNOWN.to_owned()),
        engine,
        shards,
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
