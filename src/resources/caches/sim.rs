//! How this kind behaves in the simulated world: what ElastiCache and MemoryDB say in each region. Owns no state; `sim::world::caches` lives it.

use super::{
    super::Place, Cache, Datastore, DatastoreMember, Failover, MemoryDbCluster, MultiRegionCluster,
    Node, RegionalCluster, ReplicationGroup, Shard,
};
use crate::sim::{World, fill, names, world::caches::ShardId};

/// The answers of `DescribeReplicationGroups` and `DescribeGlobalReplicationGroups`.
pub fn groups(world: &World, place: &Place) -> Vec<Cache> {
    let Some(region) = world.region(place) else {
        return Vec::new();
    };
    let aws = world.aws_region(region);
    let known = world.caches.members.contains(&region).then(|| {
        let mut group = group(world, region, names::group(aws), 2);
        if world.caches.motion.is_some() {
            "modifying".clone_into(&mut group.status);
        }
        group.datastore = Some(datastore(world, aws));
        group
    });
    let further =
        (0..fill::count(world)).map(|index| group(world, region, fill::name("cache", index), 1));
    known.into_iter().chain(further).map(Cache::Group).collect()
}

/// The answers of `DescribeClusters` and `DescribeMultiRegionClusters`.
pub fn memorydb(world: &World, place: &Place) -> Vec<Cache> {
    let active = &world.caches.active;
    let Some(region) = world.region(place).filter(|region| active.contains(region)) else {
        return Vec::new();
    };
    let aws = world.aws_region(region);
    let name = names::memorydb(aws);
    let members = active.iter().map(|&member| RegionalCluster {
        name: names::memorydb(world.aws_region(member)),
        region: Some(world.aws_region(member).to_owned()),
        status: Some("available".to_owned()),
    });
    let node = |shard: usize, index: usize| Node {
        id: format!("{name}-{shard:04}-{index:03}"),
        // MemoryDB does not say which node is the primary.
        role: None,
        status: Some("available".to_owned()),
        zone: Some(zone(aws, index)),
    };
    let known = [1, 2].map(|number| {
        let id = ShardId {
            region,
            owner: name.clone(),
            shard: format!("{number:04}"),
            counted: false,
        };
        (number, id)
    });
    let shard = |(number, known): &(usize, ShardId)| Shard {
        status: Some(availability(world, known).to_owned()),
        nodes: vec![node(*number, 1), node(*number, 2)],
        id: known.shard.clone(),
    };
    let failover = |(_, known): &(usize, ShardId)| {
        let at = world.timestamp(world.caches.failed_over_at(known)?);
        let shard = known.shard.clone();
        Some(Failover { shard, at })
    };
    vec![Cache::MemoryDb(MemoryDbCluster {
        arn: Some(names::arn("memorydb", aws, &format!("cluster/{name}"))),
        status: "available".to_owned(),
        engine: Some("valkey 7.3".to_owned()),
        shards: known.iter().map(shard).collect(),
        failovers: Some(known.iter().filter_map(failover).collect()),
        availability_mode: Some("multiaz".to_owned()),
        multi_region: Some(MultiRegionCluster {
            name: names::MULTI_REGION_CLUSTER.to_owned(),
            status: Some("available".to_owned()),
            members: members.collect(),
        }),
        name,
    })]
}

/// The Global Datastore as one region sees it: each learns of a new primary a little later.
fn datastore(world: &World, reader: &str) -> Datastore {
    let caches = &world.caches;
    let primary = *caches.primary.seen(world.noise, reader, world.now());
    let members = caches.members.iter().map(|&member| DatastoreMember {
        group: names::group(world.aws_region(member)),
        region: world.aws_region(member).to_owned(),
        role: if member == primary {
            "primary"
        } else {
            "secondary"
        }
        .to_owned(),
        status: Some("associated".to_owned()),
    });
    Datastore {
        id: names::DATASTORE.to_owned(),
        status: Some(
            if caches.motion.is_some() {
                "modifying"
            } else {
                "available"
            }
            .to_owned(),
        ),
        members: members.collect(),
    }
}

fn group(world: &World, region: usize, id: String, shards: usize) -> ReplicationGroup {
    let aws = world.aws_region(region);
    let shards: Vec<Shard> = (1..=shards)
        .map(|number| {
            let known = ShardId {
                region,
                owner: id.clone(),
                shard: format!("{number:04}"),
                counted: true,
            };
            let leader = if world.caches.second_leads(&known) {
                2
            } else {
                1
            };
            let node = |index: usize| Node {
                id: format!("{id}-{number:04}-{index:03}"),
                role: Some(
                    if index == leader {
                        "primary"
                    } else {
                        "replica"
                    }
                    .to_owned(),
                ),
                status: Some("available".to_owned()),
                zone: Some(zone(aws, index)),
            };
            Shard {
                status: Some(availability(world, &known).to_owned()),
                nodes: vec![node(1), node(2)],
                id: known.shard,
            }
        })
        .collect();
    let moving = shards
        .iter()
        .find_map(|shard| shard.status.clone().filter(|status| status != "available"));
    ReplicationGroup {
        arn: Some(names::arn(
            "elasticache",
            aws,
            &format!("replicationgroup:{id}"),
        )),
        status: moving.unwrap_or_else(|| "available".to_owned()),
        engine: Some("valkey".to_owned()),
        shards,
        multi_az: Some("enabled".to_owned()),
        automatic_failover: Some("enabled".to_owned()),
        datastore: None,
        id,
    }
}

fn availability(world: &World, shard: &ShardId) -> &'static str {
    if world.caches.failing_over(shard) {
        "modifying"
    } else {
        "available"
    }
}

fn zone(aws: &str, index: usize) -> String {
    format!("{aws}{}", if index == 1 { "a" } else { "b" })
}
