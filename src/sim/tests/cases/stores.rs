//! The changes of databases and caches.

use super::*;

fn database<T>(fleet: &Fleet, region: &str, of: impl Fn(&Database) -> Option<T>) -> T {
    let slice = fleet.databases.slice(Source::Rds, &place(region)).unwrap();
    slice.rows.iter().find_map(of).unwrap()
}

fn global(fleet: &Fleet) -> databases::GlobalCluster {
    database(fleet, "eu-west-1", |row| match row {
        Database::Cluster(cluster) => cluster.global.clone(),
        _ => None,
    })
}

fn cluster_arn(fleet: &Fleet, region: &str) -> String {
    database(fleet, region, |row| match row {
        Database::Cluster(cluster) => cluster.arn.clone(),
        _ => None,
    })
}

pub fn switch_over(fleet: &Fleet) -> Change {
    Change::Databases(databases::Change::SwitchOver {
        global_cluster: global(fleet).id,
        from_region: label("us-east-1"),
        from: cluster_arn(fleet, "us-east-1"),
        to_region: label("eu-west-1"),
        to: cluster_arn(fleet, "eu-west-1"),
    })
}

pub fn fail_over(fleet: &Fleet) -> Change {
    Change::Databases(databases::Change::FailOver {
        global_cluster: global(fleet).id,
        from: cluster_arn(fleet, "us-east-1"),
        to_region: label("eu-west-1"),
        to: cluster_arn(fleet, "eu-west-1"),
    })
}

pub fn fail_over_cluster(fleet: &Fleet) -> Change {
    let cluster = database(fleet, "us-east-1", |row| match row {
        Database::Cluster(cluster) => Some(cluster.clone()),
        _ => None,
    });
    let id = |writer| {
        let mut instances = cluster.instances.iter();
        let found = instances.find(|instance| instance.writer == writer);
        found.unwrap().id.clone()
    };
    Change::Databases(databases::Change::FailOverCluster {
        region: label("us-east-1"),
        cluster: cluster.id.clone(),
        from: id(true),
        to: id(false),
    })
}

pub fn promote(fleet: &Fleet) -> Change {
    let instance = database(fleet, "eu-west-1", |row| match row {
        Database::Instance(instance) => Some(instance.clone()),
        _ => None,
    });
    Change::Databases(databases::Change::Promote {
        region: label("eu-west-1"),
        instance: instance.id,
        source: instance.source.unwrap(),
        backup_retention_days: 7,
    })
}

fn group(fleet: &Fleet, region: &str) -> caches::ReplicationGroup {
    let slice = fleet
        .caches
        .slice(Source::ElastiCache, &place(region))
        .unwrap();
    let mut groups = slice.rows.iter().filter_map(|row| match row {
        Cache::Group(group) => Some(group.clone()),
        Cache::MemoryDb(_) => None,
    });
    groups.next().unwrap()
}

pub fn fail_over_datastore(fleet: &Fleet) -> Change {
    let group = group(fleet, "eu-west-1");
    let datastore = group.datastore.unwrap();
    let mut members = datastore.members.iter();
    let primary = members.find(|member| member.role == "primary").unwrap();
    Change::Caches(caches::Change::FailOverDatastore {
        from: primary.region.clone(),
        datastore: datastore.id,
        to_region: label("eu-west-1"),
        to: "eu-west-1".to_owned(),
        to_group: group.id,
    })
}

pub fn fail_over_group(fleet: &Fleet) -> Change {
    let group = group(fleet, "ap-southeast-1");
    let shard = &group.shards[1];
    let is_primary = |node: &&caches::Node| node.role.as_deref() == Some("primary");
    Change::Caches(caches::Change::FailOverGroup {
        region: label("ap-southeast-1"),
        group: group.id.clone(),
        shard: shard.id.clone(),
        from: shard.nodes.iter().find(is_primary).unwrap().id.clone(),
    })
}
