//! How this kind behaves in the simulated world: what RDS and DynamoDB say in each region. Owns no state; `sim::world::databases` lives it.

use super::{
    super::Place, ClusterInstance, Database, DbCluster, DbInstance, FailoverState, GlobalCluster,
    GlobalMember, ReplicaStatus, Table, TableReplica,
};
use crate::sim::{
    World, fill, names,
    world::databases::{Member, Motion},
};

/// The answers of `DescribeGlobalClusters`, `DescribeDBClusters` and `DescribeDBInstances`.
pub fn observe(world: &World, place: &Place) -> Vec<Database> {
    let Some(region) = world.region(place) else {
        return Vec::new();
    };
    let aws = world.aws_region(region);
    let cluster = world
        .databases
        .member(region)
        .map(|member| cluster(world, member));
    let instance = if region == world.databases.source {
        Some(source(world))
    } else {
        replica(world, region)
    };
    let further = (0..fill::count(world)).map(|index| Database::Instance(further(aws, index)));
    let known = cluster.map(Database::Cluster).into_iter();
    known
        .chain(instance.map(Database::Instance))
        .chain(further)
        .collect()
}

/// The answers of `ListTables` and `DescribeTable`.
pub fn tables(world: &World, place: &Place) -> Vec<Database> {
    let members = &world.databases.table;
    let Some(region) = world
        .region(place)
        .filter(|region| members.contains(region))
    else {
        return Vec::new();
    };
    let others = members.iter().filter(|member| **member != region);
    let replicas = others.map(|&other| TableReplica {
        region: world.aws_region(other).to_owned(),
        status: Some("ACTIVE".to_owned()),
        inaccessible_since: None,
    });
    vec![Database::Table(Table {
        name: names::TABLE.to_owned(),
        arn: Some(names::arn(
            "dynamodb",
            world.aws_region(region),
            &format!("table/{}", names::TABLE),
        )),
        status: "ACTIVE".to_owned(),
        global_version: Some("2019.11.21".to_owned()),
        consistency: Some("EVENTUAL".to_owned()),
        replicas: replicas.collect(),
    })]
}

fn cluster(world: &World, member: &Member) -> DbCluster {
    let (t, aws) = (world.now(), world.aws_region(member.region));
    let moving = world.databases.motion.as_ref();
    let status = if member.failing_over(t)
        || moving.is_some_and(|motion| motion.failover && motion.to == member.region)
    {
        "failing-over"
    } else if moving.is_some() {
        "modifying"
    } else if member.rebuilding(t) {
        "rebuilding"
    } else {
        "available"
    };
    let crashed = member.crashed_instance(t);
    let instance = |index: usize| ClusterInstance {
        id: format!("{}-{}", names::cluster(aws), index + 1),
        writer: index == member.writer_instance,
        promotion_tier: Some(1),
        status: Some(
            if crashed == Some(index) {
                "rebooting"
            } else {
                "available"
            }
            .to_owned(),
        ),
        class: Some("db.r7g.2xlarge".to_owned()),
        zone: Some(format!("{aws}{}", ["a", "b"][index])),
    };
    DbCluster {
        id: names::cluster(aws),
        arn: Some(names::cluster_arn(aws)),
        status: status.to_owned(),
        engine: "aurora-postgresql".to_owned(),
        engine_version: Some("16.8".to_owned()),
        multi_az: Some(true),
        instances: vec![instance(0), instance(1)],
        global: Some(global(world, aws)),
        source: None,
    }
}

/// The global cluster as one region sees it: each learns of a new writer a little later.
fn global(world: &World, reader: &str) -> GlobalCluster {
    let (t, databases) = (world.now(), &world.databases);
    let writer = *databases.writer.seen(world.noise, reader, t);
    let members = databases.members.iter().map(|member| GlobalMember {
        arn: names::cluster_arn(world.aws_region(member.region)),
        writer: member.region == writer,
        synchronization: (member.region != writer).then(|| {
            if member.rebuilding(t) {
                "pending-resync"
            } else {
                "connected"
            }
            .to_owned()
        }),
    });
    GlobalCluster {
        id: names::GLOBAL_CLUSTER.to_owned(),
        status: Some(
            if databases.motion.is_some() {
                "modifying"
            } else {
                "available"
            }
            .to_owned(),
        ),
        engine_version: Some("16.8".to_owned()),
        endpoint: Some(format!(
            "{}.global-{}.global.rds.amazonaws.com",
            names::GLOBAL_CLUSTER,
            &names::hex("endpoint")[..12]
        )),
        members: members.collect(),
        failover: databases
            .motion
            .as_ref()
            .map(|motion| failover(world, motion)),
    }
}

fn failover(world: &World, motion: &Motion) -> FailoverState {
    let status = match (world.now() - motion.began, motion.failover) {
        (..10, _) => "pending",
        (_, true) => "failing-over",
        (_, false) => "switching-over",
    };
    FailoverState {
        status: status.to_owned(),
        from: Some(names::cluster_arn(world.aws_region(motion.from))),
        to: Some(names::cluster_arn(world.aws_region(motion.to))),
        data_loss_allowed: Some(motion.failover),
    }
}

fn instance(aws: &str) -> DbInstance {
    DbInstance {
        id: names::instance(aws),
        arn: Some(names::instance_arn(aws)),
        status: "available".to_owned(),
        engine: "postgres".to_owned(),
        engine_version: Some("17.4".to_owned()),
        class: Some("db.m7g.4xlarge".to_owned()),
        multi_az: false,
        source: None,
        replicas: Vec::new(),
        replica_status: None,
        backup_retention_days: Some(7),
        latest_restorable: None,
    }
}

fn source(world: &World) -> DbInstance {
    let lost = world.faults.source_lost();
    // A promoted replica leaves the list of its source.
    let following = world
        .databases
        .replicas
        .iter()
        .filter(|replica| replica.promoted_at.is_none());
    DbInstance {
        status: if lost { "failed" } else { "available" }.to_owned(),
        multi_az: true,
        replicas: following
            .map(|replica| names::instance_arn(world.aws_region(replica.region)))
            .collect(),
        // Logs are shipped every five minutes.
        latest_restorable: (!lost).then(|| world.timestamp(world.now().div_euclid(300) * 300 - 60)),
        ..instance(world.aws_region(world.databases.source))
    }
}

fn replica(world: &World, region: usize) -> Option<DbInstance> {
    let replica = world.databases.replica(region)?;
    let aws = world.aws_region(region);
    let source = names::instance_arn(world.aws_region(world.databases.source));
    let broken = replica.lag_s < 0.0;
    Some(match replica.promoted_at {
        Some(done) if world.now() >= done => instance(aws),
        Some(_) => DbInstance {
            status: "modifying".to_owned(),
            source: Some(source),
            ..instance(aws)
        },
        None => DbInstance {
            source: Some(source),
            replica_status: Some(ReplicaStatus {
                status: Some(if broken { "error" } else { "replicating" }.to_owned()),
                normal: !broken,
                message: broken.then(|| "could not connect to the source DB instance".to_owned()),
            }),
            ..instance(aws)
        },
    })
}

fn further(aws: &str, index: u32) -> DbInstance {
    let id = fill::name("db", index);
    DbInstance {
        arn: Some(names::arn("rds", aws, &format!("db:{id}"))),
        id,
        multi_az: true,
        class: Some("db.t4g.medium".to_owned()),
        ..instance(aws)
    }
}
