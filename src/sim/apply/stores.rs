//! What a change of databases and caches needs to be accepted. Owns the comparisons that we make for APIs without a token; states are the world's to refuse.

use super::{Call, drifted, missing, refused};
use crate::{
    resources::{
        Place, RegionLabel,
        caches::{self, Cache},
        change::ApplyError,
        databases::{self, ClusterInstance, Database, DbCluster},
    },
    sim::{
        names,
        world::{Transition, World, caches::ShardId},
    },
};

/// Who takes writes.
pub fn databases(world: &World, change: &databases::Change) -> Result<Call, ApplyError> {
    use databases::Change;
    match change {
        Change::SwitchOver {
            global_cluster,
            from_region,
            from,
            to,
            ..
        } => {
            let to = global(world, change, (global_cluster, from_region), from, to)?;
            Ok(Call::of(Transition::SwitchOver { to }))
        }
        Change::FailOver {
            global_cluster,
            from,
            to_region,
            to,
        } => {
            let to = global(world, change, (global_cluster, to_region), from, to)?;
            Ok(Call::of(Transition::FailOver { to }))
        }
        Change::FailOverCluster {
            region,
            cluster,
            from,
            to,
        } => in_cluster(world, change, (region, cluster), from, to),
        Change::Promote {
            region,
            instance,
            source,
            backup_retention_days,
        } => promotion(
            world,
            change,
            (region, instance),
            source,
            *backup_retention_days,
        ),
    }
}

fn rows(world: &World, label: &RegionLabel) -> Vec<Database> {
    databases::sim::observe(world, &Place::Region(label.clone()))
}

fn cluster(rows: Vec<Database>, is: impl Fn(&DbCluster) -> bool) -> Option<DbCluster> {
    rows.into_iter().find_map(|row| match row {
        Database::Cluster(cluster) if is(&cluster) => Some(cluster),
        Database::Cluster(_) | Database::Instance(_) | Database::Table(_) => None,
    })
}

/// The region of the new writer, if the one region that is asked still calls the old one the writer.
fn global(
    world: &World,
    change: &databases::Change,
    (id, asked): (&str, &RegionLabel),
    from: &str,
    to: &str,
) -> Result<usize, ApplyError> {
    let member = cluster(rows(world, asked), |cluster| cluster.global.is_some());
    let global = member
        .and_then(|member| member.global)
        .filter(|global| global.id == id);
    let Some(global) = global else {
        let text = format!("GlobalClusterNotFoundFault: {id}");
        return Err(missing(change, text));
    };
    let writer = global.members.iter().find(|member| member.writer);
    match writer {
        Some(writer) if writer.arn == from => {}
        Some(writer) => {
            return Err(drifted(
                change,
                format!("the writer is {}, not {from}", writer.arn),
            ));
        }
        None => return Err(drifted(change, format!("{id} has no writer"))),
    }
    let region = (0..world.shape.regions.len())
        .find(|region| names::cluster_arn(world.aws_region(*region)) == to);
    region
        .filter(|_| global.members.iter().any(|member| member.arn == to))
        .ok_or_else(|| refused(change, format!("DBClusterNotFoundFault: {to}")))
}

fn in_cluster(
    world: &World,
    change: &databases::Change,
    (label, id): (&RegionLabel, &str),
    from: &str,
    to: &str,
) -> Result<Call, ApplyError> {
    let found = cluster(rows(world, label), |cluster| cluster.id == id).zip(world.index(label));
    let Some((cluster, region)) = found else {
        let text = format!("DBClusterNotFoundFault: {id}");
        return Err(missing(change, text));
    };
    let writer = cluster.instances.iter().find(|instance| instance.writer);
    if let Some(writer) = writer.filter(|writer| writer.id != from) {
        let text = format!("the writer of {id} is {}, not {from}", writer.id);
        return Err(drifted(change, text));
    }
    let is = |instance: &ClusterInstance| instance.id == to;
    let Some(to) = cluster.instances.iter().position(is) else {
        let text = format!("DBInstanceNotFound: {to}");
        return Err(refused(change, text));
    };
    Ok(Call::of(Transition::FailOverCluster { region, to }))
}

fn promotion(
    world: &World,
    change: &databases::Change,
    (label, id): (&RegionLabel, &str),
    source: &str,
    retention: i32,
) -> Result<Call, ApplyError> {
    let found = rows(world, label).into_iter().find_map(|row| match row {
        Database::Instance(instance) if instance.id == id => Some(instance),
        Database::Instance(_) | Database::Cluster(_) | Database::Table(_) => None,
    });
    let Some((instance, region)) = found.zip(world.index(label)) else {
        let text = format!("DBInstanceNotFound: {id}");
        return Err(missing(change, text));
    };
    match instance.source.as_deref() {
        Some(seen) if seen == source => {}
        Some(seen) => {
            return Err(drifted(
                change,
                format!("{id} replicates {seen}, not {source}"),
            ));
        }
        None => return Err(drifted(change, format!("{id} replicates nothing"))),
    }
    if !(0..=35).contains(&retention) {
        let text = format!(
            "InvalidParameterValue: Invalid backup retention period: {retention}. Retention period must be between 0 and 35."
        );
        return Err(refused(change, text));
    }
    Ok(Call::of(Transition::Promote { region }))
}

/// Who is the primary.
pub fn caches(world: &World, change: &caches::Change) -> Result<Call, ApplyError> {
    use caches::Change;
    match change {
        Change::FailOverDatastore {
            datastore,
            from,
            to_region,
            to,
            to_group,
        } => self::datastore(world, change, (datastore, to_region), from, (to, to_group)),
        Change::FailOverGroup {
            region,
            group,
            shard,
            from,
        } => self::shard(world, change, (region, group, shard), Some(from)),
        Change::FailOverShard {
            region,
            cluster,
            shard,
            since: _,
        } => self::shard(world, change, (region, cluster, shard), None),
    }
}

fn datastore(
    world: &World,
    change: &caches::Change,
    (id, asked): (&str, &RegionLabel),
    from: &str,
    (to, to_group): (&str, &str),
) -> Result<Call, ApplyError> {
    let rows = caches::sim::groups(world, &Place::Region(asked.clone()));
    let seen = rows.into_iter().find_map(|row| match row {
        Cache::Group(group) => group.datastore.filter(|datastore| datastore.id == id),
        Cache::MemoryDb(_) => None,
    });
    let Some(seen) = seen else {
        let text = format!("GlobalReplicationGroupNotFoundFault: {id}");
        return Err(missing(change, text));
    };
    let primary = seen.members.iter().find(|member| member.role == "primary");
    if let Some(primary) = primary.filter(|primary| primary.region != from) {
        let text = format!("the primary is in {}, not {from}", primary.region);
        return Err(drifted(change, text));
    }
    let is_member = seen
        .members
        .iter()
        .any(|member| member.region == to && member.group == to_group);
    match world.aws_index(to).filter(|_| is_member) {
        Some(to) => Ok(Call::of(Transition::CachePrimary { to })),
        None => Err(refused(
            change,
            format!("ReplicationGroupNotFoundFault: {to_group} in {to}"),
        )),
    }
}

fn shard(
    world: &World,
    change: &caches::Change,
    (label, owner, id): (&RegionLabel, &str, &str),
    from: Option<&String>,
) -> Result<Call, ApplyError> {
    let place = Place::Region(label.clone());
    let mut rows = caches::sim::groups(world, &place);
    rows.extend(caches::sim::memorydb(world, &place));
    let shards = rows.into_iter().find_map(|row| match row {
        Cache::Group(group) if group.id == owner && from.is_some() => Some(group.shards),
        Cache::MemoryDb(cluster) if cluster.name == owner && from.is_none() => Some(cluster.shards),
        Cache::Group(_) | Cache::MemoryDb(_) => None,
    });
    let seen = shards
        .into_iter()
        .flatten()
        .find(|shard| shard.id == id)
        .zip(world.index(label));
    let Some((seen, region)) = seen else {
        let text = format!("NodeGroupNotFoundFault: {id} of {owner}");
        return Err(missing(change, text));
    };
    let primary = seen
        .nodes
        .iter()
        .find(|node| node.role.as_deref() == Some("primary"));
    if let (Some(from), Some(primary)) = (from, primary)
        && primary.id != *from
    {
        let text = format!("the primary of shard {id} is {}, not {from}", primary.id);
        return Err(drifted(change, text));
    }
    Ok(Call::of(Transition::Shard(ShardId {
        region,
        owner: owner.to_owned(),
        shard: id.to_owned(),
        counted: from.is_some(),
    })))
}
