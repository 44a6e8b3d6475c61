//! Rules about caches of both services, with trap 19 of the domain.

use super::*;
use crate::resources::databases::fixtures::{fleet, measure, place};

fn node(id: &str, role: Option<&str>) -> Node {
    Node {
        id: id.to_owned(),
        role: role.map(ToOwned::to_owned),
        status: None,
        zone: None,
    }
}

fn shard(nodes: Vec<Node>) -> Shard {
    Shard {
        id: "0001".to_owned(),
        status: Some("available".to_owned()),
        nodes,
    }
}

fn member(region: &str, role: &str, status: &str) -> DatastoreMember {
    DatastoreMember {
        group: "sessions".to_owned(),
        region: region.to_owned(),
        role: role.to_owned(),
        status: Some(status.to_owned()),
    }
}

fn datastore(members: Vec<DatastoreMember>) -> Datastore {
    Datastore {
        id: "ldgnf-shop".to_owned(),
        status: Some("available".to_owned()),
        members,
    }
}

fn pair() -> Datastore {
    datastore(vec![
        member("us-east-1", "primary", "associated"),
        member("eu-west-1", "secondary", "associated"),
    ])
}

fn group(region: &str, datastore: Option<Datastore>) -> ReplicationGroup {
    ReplicationGroup {
        id: "sessions".to_owned(),
        arn: Some(format!(
            "arn:aws:elasticache:{region}:1:replicationgroup:sessions"
        )),
        status: "available".to_owned(),
        engine: Some("valkey".to_owned()),
        shards: vec![shard(vec![
            node("s-1", Some("primary")),
            node("s-2", Some("replica")),
        ])],
        multi_az: Some("enabled".to_owned()),
        automatic_failover: Some("disabled".to_owned()),
        datastore,
    }
}

fn judge(group: ReplicationGroup) -> Judgement {
    Cache::Group(group).judge(&fleet(), &place("us-east-1"))
}

#[test]
fn a_group_without_automatic_failover_is_fine_and_one_without_a_primary_is_bad() {
    assert_eq!(judge(group("us-east-1", None)), Judgement::ok());
    let with = |nodes| {
        judge(ReplicationGroup {
            shards: vec![shard(nodes)],
            ..group("us-east-1", None)
        })
        .severity
    };
    assert_eq!(
        with(vec![
            node("s-1", Some("replica")),
            node("s-2", Some("replica"))
        ]),
        Severity::Bad
    );
    assert_eq!(
        with(vec![
            node("s-1", Some("primary")),
            node("s-2", Some("primary"))
        ]),
        Severity::Bad
    );
    assert_eq!(
        with(vec![node("s-1", None), node("s-2", None)]),
        Severity::Ok,
        "with cluster mode on, no roles are told"
    );
}

#[test]
fn statuses_are_judged_and_new_ones_are_unknown() {
    let severity = |status: &str| {
        judge(ReplicationGroup {
            status: status.to_owned(),
            ..group("us-east-1", None)
        })
        .severity
    };
    assert_eq!(severity("snapshotting"), Severity::Ok);
    assert_eq!(severity("modifying"), Severity::Warn);
    assert_eq!(severity("create-failed"), Severity::Bad);
    assert_eq!(severity("levitating"), Severity::Unknown);
}

#[test]
fn a_datastore_has_one_primary_and_somewhere_to_fail_over_to() {
    assert_eq!(judge(group("us-east-1", Some(pair()))), Judgement::ok());
    let two = datastore(vec![
        member("us-east-1", "primary", "associated"),
        member("eu-west-1", "primary", "associated"),
    ]);
    let judgement = judge(group("us-east-1", Some(two)));
    assert_eq!(judgement.severity, Severity::Bad);
    assert!(
        judgement.reason.contains("us-east-1, eu-west-1"),
        "{}",
        judgement.reason
    );
    let none = datastore(vec![member("us-east-1", "secondary", "associated")]).clone();
    assert_eq!(
        judge(group("us-east-1", Some(none))).severity,
        Severity::Bad
    );
    let alone = Datastore {
        status: Some("primary-only".to_owned()),
        ..datastore(vec![member("us-east-1", "primary", "associated")])
    };
    assert_eq!(
        judge(group("us-east-1", Some(alone))).severity,
        Severity::Warn
    );
    let blind = Datastore {
        status: None,
        ..pair()
    };
    assert_eq!(
        judge(group("us-east-1", Some(blind))).severity,
        Severity::Unknown
    );
}

#[test]
fn a_member_that_left_is_bad_for_itself_and_warns_at_the_primary() {
    let left = || {
        datastore(vec![
            member("us-east-1", "primary", "associated"),
            member("eu-west-1", "secondary", "disassociated"),
        ])
    };
    assert_eq!(
        judge(group("us-east-1", Some(left()))).severity,
        Severity::Warn
    );
    assert_eq!(
        judge(group("eu-west-1", Some(left()))).severity,
        Severity::Bad
    );
    let stranger = group("ap-southeast-1", Some(pair()));
    assert_eq!(stranger.role(), "unknown");
    assert_eq!(judge(stranger).severity, Severity::Unknown);
}

#[test]
fn a_secondarys_lag_is_the_worst_of_its_primaries_in_milliseconds() {
    let shards = vec![
        shard(vec![
            node("s-1", Some("primary")),
            node("s-2", Some("replica")),
        ]),
        shard(vec![node("s-3", Some("primary"))]),
    ];
    let secondary = Cache::Group(ReplicationGroup {
        shards,
        ..group("eu-west-1", Some(pair()))
    });
    let place = place("eu-west-1");
    let mut fleet = fleet();
    assert_eq!(
        secondary.judge(&fleet, &place).severity,
        Severity::Unknown,
        "a lag that is not known is not fine"
    );
    measure(
        &mut fleet,
        "eu-west-1",
        &[
            ("cache/sessions/global-lag/s-1", 0.4),
            ("cache/sessions/global-lag/s-3", 1.2),
        ],
    );
    assert_eq!(secondary.lag_ms(&fleet, &place).usable(), Some(1_200.0));
    assert_eq!(secondary.judge(&fleet, &place), Judgement::ok());
    measure(
        &mut fleet,
        "eu-west-1",
        &[
            ("cache/sessions/global-lag/s-1", 0.4),
            ("cache/sessions/global-lag/s-3", 5.1),
        ],
    );
    assert_eq!(secondary.judge(&fleet, &place).severity, Severity::Warn);
}

#[test]
fn only_primaries_are_measured_because_each_metric_is_billed() {
    let nodes = |cache: &Cache| {
        cache
            .series(&place("us-east-1"))
            .into_iter()
            .flat_map(|spec| spec.dimensions)
            .collect::<Vec<_>>()
    };
    let primary = Cache::Group(group("us-east-1", Some(pair())));
    let of = |node: &str| ("CacheClusterId".to_owned(), node.to_owned());
    assert_eq!(nodes(&primary), [of("s-1"), of("s-1")]);
    let untold = ReplicationGroup {
        shards: vec![shard(vec![node("s-1", None), node("s-2", None)])],
        ..group("us-east-1", None)
    };
    assert_eq!(nodes(&Cache::Group(untold)).len(), 4);
}

#[test]
fn the_fullest_node_and_the_lowest_hit_rate_stand_for_the_group() {
    let untold = Cache::Group(ReplicationGroup {
        shards: vec![shard(vec![node("s-1", None), node("s-2", None)])],
        ..group("us-east-1", None)
    });
    let place = place("us-east-1");
    let mut fleet = fleet();
    assert_eq!(untold.memory_percent(&fleet, &place), Reading::NeverRead);
    measure(
        &mut fleet,
        "us-east-1",
        &[
            ("cache/sessions/memory/s-1", 40.0),
            ("cache/sessions/memory/s-2", 71.0),
            ("cache/sessions/hit-rate/s-1", 97.0),
            ("cache/sessions/hit-rate/s-2", 88.0),
        ],
    );
    assert_eq!(untold.memory_percent(&fleet, &place).usable(), Some(71.0));
    assert_eq!(untold.hit_rate_percent(&fleet, &place).usable(), Some(88.0));
}

fn memory_db(multi_region: Option<MultiRegionCluster>) -> MemoryDbCluster {
    MemoryDbCluster {
        name: "cart".to_owned(),
        arn: Some("arn:aws:memorydb:us-east-1:1:cluster/cart".to_owned()),
        status: "available".to_owned(),
        engine: None,
        shards: vec![shard(vec![node("cart-1", None)])],
        availability_mode: None,
        multi_region,
        failovers: None,
    }
}

fn regional(region: &str, status: &str) -> RegionalCluster {
    RegionalCluster {
        name: "cart".to_owned(),
        region: Some(region.to_owned()),
        status: Some(status.to_owned()),
    }
}

#[test]
fn memorydb_is_active_everywhere_and_its_lag_is_in_milliseconds_already() {
    let place = place("us-east-1");
    let mut fleet = fleet();
    let cart = |members| {
        let multi_region = MultiRegionCluster {
            name: "vi-cart".to_owned(),
            status: Some("available".to_owned()),
            members,
        };
        Cache::MemoryDb(memory_db(Some(multi_region)))
    };
    let healthy = cart(vec![
        regional("us-east-1", "available"),
        regional("eu-west-1", "available"),
    ]);
    assert_eq!(healthy.role(), "active");
    assert_eq!(
        healthy.judge(&fleet, &place).severity,
        Severity::Unknown,
        "its lag is not known"
    );
    measure(&mut fleet, "us-east-1", &[("cache/cart/global-lag", 300.0)]);
    assert_eq!(healthy.lag_ms(&fleet, &place).usable(), Some(300.0));
    assert_eq!(healthy.judge(&fleet, &place), Judgement::ok());
    let broken = cart(vec![
        regional("us-east-1", "available"),
        regional("eu-west-1", "create-failed"),
    ]);
    assert_eq!(
        broken.judge(&fleet, &place).severity,
        Severity::Warn,
        "the other member answers for itself"
    );
    let blind = MultiRegionCluster {
        name: "vi-cart".to_owned(),
        status: None,
        members: Vec::new(),
    };
    assert_eq!(
        Cache::MemoryDb(memory_db(Some(blind)))
            .judge(&fleet, &place)
            .severity,
        Severity::Unknown
    );
    assert_eq!(Cache::MemoryDb(memory_db(None)).role(), "single");
}
