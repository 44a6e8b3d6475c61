//! The RDS calls and their translation: three lists, read at once and joined. The RDS API also lists the clusters of DocumentDB and Neptune; they are rows like the others, with their engine.
//!
//! What a failed list means: without permission for clusters or instances the other one stands, with a problem; any other failure of them fails the poll, so that
//! rows seen before stay on screen instead of vanishing. Without the global clusters the clusters stand, but a member of one has no known writer.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_rds::{
    Client,
    types::{self, DbClusterMember},
};

use super::{
    cluster::{ClusterInstance, DbCluster},
    global::{FailoverState, GlobalCluster, GlobalMember},
    instance::{DbInstance, ReplicaStatus},
};
use crate::{
    provider::{
        ask::Ask,
        paging::{all_pages, part},
    },
    resources::{
        Answer, Api, ErrorClass, ProviderError, Rows, databases::Database, rules::UNKNOWN,
    },
};

pub(super) const GLOBAL_CLUSTERS: &str = "rds:DescribeGlobalClusters";
pub(super) const CLUSTERS: &str = "rds:DescribeDBClusters";
pub(super) const INSTANCES: &str = "rds:DescribeDBInstances";

/// Reads the clusters and instances of a region.
pub async fn observe(ask: Ask<'_>) -> Result<Answer, ProviderError> {
    let client = Client::new(&ask.config);
    let (global, clusters, instances) = tokio::join!(
        part(GLOBAL_CLUSTERS, global_clusters(&ask, &client)),
        db_clusters(&ask, &client),
        db_instances(&ask, &client),
    );
    let (clusters, instances) = match (clusters, instances) {
        (Err(error), Err(_)) => return Err(error),
        (Err(error), Ok(instances)) => (Vec::new(), without(&ask, error, instances)?),
        (Ok(clusters), Err(error)) => (without(&ask, error, clusters)?, Vec::new()),
        (Ok(clusters), Ok(instances)) => (clusters, instances),
    };
    let mut clusters = clusters;
    let global = global.unwrap_or_else(|error| {
        // Nobody misses the global clusters where nothing can be a member of one. Where something can, it may be:
        // a cluster must not pass for a writer of its own because a list is missing.
        if clusters.iter().any(can_be_global) {
            ask.problem(error);
        }
        for cluster in clusters.iter_mut().filter(|cluster| can_be_global(cluster)) {
            cluster
                .global_cluster_identifier
                .get_or_insert_with(|| UNKNOWN.to_owned());
        }
        Vec::new()
    });
    Ok(ask.answer(Rows::Databases(rows(&global, clusters, instances))))
}

/// What is left when the other list was denied; any other failure is the poll's.
fn without<T>(ask: &Ask<'_>, error: ProviderError, rest: T) -> Result<T, ProviderError> {
    if error.class == ErrorClass::Denied {
        ask.problem(error);
        Ok(rest)
    } else {
        Err(error)
    }
}

fn can_be_global(cluster: &types::DbCluster) -> bool {
    cluster.global_cluster_identifier.is_some()
        || cluster
            .engine
            .as_deref()
            .is_none_or(|engine| engine.starts_with("aurora"))
}

async fn global_clusters(
    ask: &Ask<'_>,
    client: &Client,
) -> Result<Vec<GlobalCluster>, ProviderError> {
    let listed = all_pages(GLOBAL_CLUSTERS, |marker| async move {
        let call = client.describe_global_clusters().set_marker(marker);
        let page = ask.call(Api::Rds, GLOBAL_CLUSTERS, call.send()).await?;
        Ok((page.global_clusters.unwrap_or_default(), page.marker))
    })
    .await?;
    Ok(listed.into_iter().map(global_cluster).collect())
}

async fn db_clusters(
    ask: &Ask<'_>,
    client: &Client,
) -> Result<Vec<types::DbCluster>, ProviderError> {
    all_pages(CLUSTERS, |marker| async move {
        let call = client.describe_db_clusters().set_marker(marker);
        let page = ask.call(Api::Rds, CLUSTERS, call.send()).await?;
        Ok((page.db_clusters.unwrap_or_default(), page.marker))
    })
    .await
}

async fn db_instances(
    ask: &Ask<'_>,
    client: &Client,
) -> Result<Vec<types::DbInstance>, ProviderError> {
    all_pages(INSTANCES, |marker| async move {
        let call = client.describe_db_instances().set_marker(marker);
        let page = ask.call(Api::Rds, INSTANCES, call.send()).await?;
        Ok((page.db_instances.unwrap_or_default(), page.marker))
    })
    .await
}

/// Joins the three lists. An instance of a cluster is not a row of its own, not even when its cluster could not be read.
fn rows(
    global: &[GlobalCluster],
    clusters: Vec<types::DbCluster>,
    instances: Vec<types::DbInstance>,
) -> Vec<Database> {
    let in_clusters: BTreeSet<String> = clusters
        .iter()
        .flat_map(types::DbCluster::db_cluster_members)
        .filter_map(|member| member.db_instance_identifier.clone())
        .collect();
    let (of_clusters, alone): (Vec<_>, Vec<_>) = instances.into_iter().partition(|instance| {
        let id = instance
            .db_instance_identifier
            .as_deref()
            .unwrap_or_default();
        instance.db_cluster_identifier.is_some() || in_clusters.contains(id)
    });
    let by_id: BTreeMap<&str, &types::DbInstance> = of_clusters
        .iter()
        .filter_map(|instance| Some((instance.db_instance_identifier.as_deref()?, instance)))
        .collect();
    let clusters = clusters
        .into_iter()
        .map(|cluster| Database::Cluster(db_cluster(cluster, global, &by_id)));
    let alone = alone
        .into_iter()
        .map(|instance| Database::Instance(db_instance(instance)));
    clusters.chain(alone).collect()
}

pub(super) fn global_cluster(global: types::GlobalCluster) -> GlobalCluster {
    let member = |member: types::GlobalClusterMember| GlobalMember {
        arn: member.db_cluster_arn.unwrap_or_default(),
        writer: member.is_writer.unwrap_or_default(),
        synchronization: member
            .synchronization_status
            .map(|status| status.as_str().to_owned()),
    };
    GlobalCluster {
        id: global.global_cluster_identifier.unwrap_or_default(),
        status: global.status,
        engine_version: global.engine_version,
        endpoint: global.endpoint,
        members: global
            .global_cluster_members
            .unwrap_or_default()
            .into_iter()
            .map(member)
            .collect(),
        // The API documents it as empty, not as missing, when nothing is going on.
        failover: global
            .failover_state
            .filter(goes_on)
            .map(|state| FailoverState {
                status: state
                    .status
                    .map_or_else(|| UNKNOWN.to_owned(), |status| status.as_str().to_owned()),
                from: state.from_db_cluster_arn,
                to: state.to_db_cluster_arn,
                data_loss_allowed: state.is_data_loss_allowed,
            }),
    }
}

fn goes_on(state: &types::FailoverState) -> bool {
    state.status.is_some()
        || state.from_db_cluster_arn.is_some()
        || state.to_db_cluster_arn.is_some()
}

pub(super) fn db_cluster(
    cluster: types::DbCluster,
    global: &[GlobalCluster],
    instances: &BTreeMap<&str, &types::DbInstance>,
) -> DbCluster {
    let arn = cluster.db_cluster_arn;
    let id = cluster.global_cluster_identifier;
    let of_member = global.iter().find(|global| {
        global
            .members
            .iter()
            .any(|member| Some(&member.arn) == arn.as_ref())
    });
    let of_id = || global.iter().find(|global| Some(&global.id) == id.as_ref());
    let global = of_member.or_else(of_id).cloned().or_else(|| {
        // It says that it is a member, but the global cluster is not known: then neither is the writer. Only a secondary tells about write forwarding.
        let secondary = cluster.global_write_forwarding_status.is_some();
        (id.is_some() || secondary).then(|| GlobalCluster {
            id: id.clone().unwrap_or_else(|| UNKNOWN.to_owned()),
            status: None,
            engine_version: None,
            endpoint: None,
            members: Vec::new(),
            failover: None,
        })
    });
    let members = cluster.db_cluster_members.unwrap_or_default();
    DbCluster {
        id: cluster.db_cluster_identifier.unwrap_or_default(),
        arn,
        status: cluster.status.unwrap_or_else(|| UNKNOWN.to_owned()),
        engine: cluster.engine.unwrap_or_else(|| UNKNOWN.to_owned()),
        engine_version: cluster.engine_version,
        multi_az: cluster.multi_az,
        instances: members
            .into_iter()
            .map(|member| cluster_instance(member, instances))
            .collect(),
        global,
        source: cluster
            .replication_source_identifier
            .filter(|source| !source.is_empty()),
    }
}

fn cluster_instance(
    member: DbClusterMember,
    instances: &BTreeMap<&str, &types::DbInstance>,
) -> ClusterInstance {
    let id = member.db_instance_identifier.unwrap_or_default();
    let instance = instances.get(id.as_str());
    ClusterInstance {
        writer: member.is_cluster_writer.unwrap_or_default(),
        promotion_tier: member.promotion_tier,
        status: instance.and_then(|instance| instance.db_instance_status.clone()),
        class: instance.and_then(|instance| instance.db_instance_class.clone()),
        zone: instance.and_then(|instance| instance.availability_zone.clone()),
        id,
    }
}

pub(super) fn db_instance(instance: types::DbInstance) -> DbInstance {
    let replication = |info: &&types::DbInstanceStatusInfo| {
        info.status_type.as_deref() == Some("read replication")
    };
    let replica_status = instance
        .status_infos()
        .iter()
        .find(replication)
        .map(|info| ReplicaStatus {
            status: info.status.clone(),
            // What the answer leaves out is told by the word.
            normal: info
                .normal
                .unwrap_or(info.status.as_deref() == Some("replicating")),
            message: info.message.clone(),
        });
    let mut replicas = instance
        .read_replica_db_instance_identifiers
        .unwrap_or_default();
    replicas.extend(
        instance
            .read_replica_db_cluster_identifiers
            .unwrap_or_default(),
    );
    let latest = instance.latest_restorable_time;
    DbInstance {
        id: instance.db_instance_identifier.unwrap_or_default(),
        arn: instance.db_instance_arn,
        status: instance
            .db_instance_status
            .unwrap_or_else(|| UNKNOWN.to_owned()),
        engine: instance.engine.unwrap_or_else(|| UNKNOWN.to_owned()),
        engine_version: instance.engine_version,
        class: instance.db_instance_class,
        multi_az: instance.multi_az.unwrap_or_default(),
        source: instance
            .read_replica_source_db_instance_identifier
            .or(instance.read_replica_source_db_cluster_identifier)
            .filter(|source| !source.is_empty()),
        replicas,
        replica_status,
        backup_retention_days: instance.backup_retention_period,
        latest_restorable: latest.and_then(|time| jiff::Timestamp::new(time.secs(), 0).ok()),
    }
}
