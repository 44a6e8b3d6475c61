//! How this kind behaves in the simulated world: what ElastiCache and MemoryDB say in each region. Owns no state; `sim::world::caches` lives it.

use super::{
    super::Place, Cache, Datastore, DatastoreMember, MemoryDbCluster, MultiRegionCluster, Node,
    RegionalCluster, ReplicationGroup, Shard,
};
use crate::sim::{World, fill, names};

/// The answers of `DescribeReplicationGroups` and `DescribeGlobalReplicationGroups`.
pub fn groups(world: &World, place: &Place) -> Vec<Cache> {
    let Some(region) = world.region(place) else {
        return Vec::new();
    };
    let aws = world.aws_region(region);
    let known = world.caches.members.contains(&region).then(|| {
        let status = if world.caches.motion.is_some() {
            "modifying"
        } else {
            "available"
        };
        ReplicationGroup {
            status: status.to_owned(),
            datastore: Some(datastore(world, aws)),
            ..group(aws, names::group(aws), 2)
        }
    });
    let further = (0..fill::count(world)).map(|index| group(aws, fill::name("cache", index), 1));
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
    let shard = |number: usize| Shard {
        id: format!("{number:04}"),
        status: Some("available".to_owned()),
        nodes: vec![node(number, 1), node(number, 2)],
    };
    vec![Cache::MemoryDb(MemoryDbCluster {
        arn: Some(names::arn("memorydb", aws, &format!("cluster/{name}"))),
        status: "available".to_owned(),
        engine: Some("valkey 7.3".to_owned()),
        shards: vec![shard(1), shard(2)],
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

fn group(aws: &str, id: String, shards: usize) -> ReplicationGroup {
    let node = |shard: usize, index: usize| Node {
        id: format!("{id}-{shard:04}-{index:03}"),
        role: Some(if index == 1 { "primary" } else { "replica" }.to_owned()),
        status: Some("available".to_owned()),
        zone: Some(zone(aws, index)),
    };
    let shard = |number: usize| Shard {
        id: format!("{number:04}"),
        status: Some("available".to_owned()),
        nodes: vec![node(number, 1), node(number, 2)],
    };
    ReplicationGroup {
        arn: Some(names::arn(
            "elasticache",
            aws,
            &format!("replicationgroup:{id}"),
        )),
        status: "available".to_owned(),
        engine: Some("valkey".to_owned()),
        shards: (1..=shards).map(shard).collect(),
        multi_az: Some("enabled".to_owned()),
        automatic_failover: Some("enabled".to_owned()),
        datastore: None,
        id,
    }
}

fn zone(aws: &str, index: usize) -> String {
    format!("{aws}{}", if index == 1 { "a" } else { "b" })
}
