//! Rules about DB clusters and global clusters, with the traps 15 and 17 of the domain.

use super::{super::global::FailoverState, *};
use crate::resources::databases::fixtures::{fleet, measure, measure_aged, place};

const US: &str = "arn:aws:rds:us-east-1:1:cluster:shop";
const EU: &str = "arn:aws:rds:eu-west-1:1:cluster:shop";

fn member(arn: &str, writer: bool) -> GlobalMember {
    GlobalMember {
        arn: arn.to_owned(),
        writer,
        synchronization: Some("connected".to_owned()),
    }
}

fn global(members: Vec<GlobalMember>) -> GlobalCluster {
    GlobalCluster {
        id: "shop".to_owned(),
        status: Some("available".to_owned()),
        engine_version: None,
        endpoint: None,
        members,
        failover: None,
    }
}

fn instance(id: &str, writer: bool, status: &str) -> ClusterInstance {
    ClusterInstance {
        id: id.to_owned(),
        writer,
        promotion_tier: Some(1),
        status: Some(status.to_owned()),
        class: None,
        zone: None,
    }
}

fn cluster(arn: &str, global: Option<GlobalCluster>) -> DbCluster {
    DbCluster {
        id: "shop".to_owned(),
        arn: Some(arn.to_owned()),
        status: "available".to_owned(),
        engine: "aurora-postgresql".to_owned(),
        engine_version: None,
        multi_az: None,
        instances: vec![
            instance("a", true, "available"),
            instance("b", false, "available"),
        ],
        global,
        source: None,
    }
}

/// The writer in us-east-1 of a healthy global cluster.
fn writer() -> DbCluster {
    cluster(US, Some(global(vec![member(US, true), member(EU, false)])))
}

/// Its secondary in eu-west-1.
fn secondary() -> DbCluster {
    DbCluster {
        arn: Some(EU.to_owned()),
        ..writer()
    }
}

fn judge(cluster: &DbCluster) -> Judgement {
    cluster.judge(&fleet(), &place("us-east-1"))
}

#[test]
fn a_healthy_writer_and_a_plain_cluster_are_fine() {
    assert_eq!(judge(&writer()), Judgement::ok());
    assert_eq!(judge(&cluster(US, None)), Judgement::ok());
    assert_eq!(
        (writer().writer(), secondary().writer()),
        (Some(true), Some(false))
    );
}

#[test]
fn a_status_that_needs_somebody_is_bad_and_one_that_is_new_is_unknown() {
    let severity = |status: &str| {
        judge(&DbCluster {
            status: status.to_owned(),
            ..writer()
        })
        .severity
    };
    assert_eq!(severity("backing-up"), Severity::Ok);
    assert_eq!(severity("upgrading"), Severity::Warn);
    assert_eq!(
        severity("inaccessible-encryption-credentials"),
        Severity::Bad
    );
    assert_eq!(severity("hyper-scaling"), Severity::Unknown);
}

#[test]
fn a_global_cluster_has_exactly_one_writer() {
    let none = cluster(US, Some(global(vec![member(US, false), member(EU, false)])));
    let judgement = global(none.global.clone().unwrap().members).judge();
    assert_eq!(judgement.severity, Severity::Bad);
    assert!(
        judgement.reason.contains("no writer"),
        "{}",
        judgement.reason
    );

    let two = judge(&cluster(
        US,
        Some(global(vec![member(US, true), member(EU, true)])),
    ));
    assert_eq!(two.severity, Severity::Bad);
    assert!(
        two.reason.contains("split brain")
            && two.reason.contains("us-east-1/shop")
            && two.reason.contains("eu-west-1/shop"),
        "{}",
        two.reason
    );
}

#[test]
fn without_its_members_a_global_cluster_leaves_the_writer_unknown() {
    let blind = cluster(US, Some(global(Vec::new())));
    assert_eq!(
        blind.writer(),
        None,
        "never true for a member whose role was not read"
    );
    assert_eq!(judge(&blind).severity, Severity::Unknown);

    let stranger = cluster(
        "arn:aws:rds:us-east-1:1:cluster:other",
        Some(global(vec![member(US, true)])),
    );
    assert_eq!(
        (stranger.writer(), judge(&stranger).severity),
        (None, Severity::Unknown)
    );
}

#[test]
fn a_failover_under_way_warns_with_both_ends_whatever_its_word() {
    let mut moving = writer();
    let state = FailoverState {
        status: "quantum-leaping".to_owned(),
        from: Some(US.to_owned()),
        to: Some(EU.to_owned()),
        data_loss_allowed: Some(true),
    };
    moving.global.as_mut().unwrap().failover = Some(state);
    let judgement = judge(&moving);
    assert_eq!(judgement.severity, Severity::Warn);
    assert_eq!(
        judgement.reason,
        "quantum-leaping: us-east-1/shop → eu-west-1/shop, loss of data accepted"
    );

    for member in &mut moving.global.as_mut().unwrap().members {
        member.writer = false;
    }
    assert_eq!(
        moving.global.unwrap().judge().severity,
        Severity::Warn,
        "no writer is expected while it moves"
    );
}

#[test]
fn a_secondary_that_is_rebuilt_is_bad_there_and_warns_at_the_writer() {
    let rebuilt = |mut cluster: DbCluster| {
        cluster.global.as_mut().unwrap().members[1].synchronization =
            Some("pending-resync".to_owned());
        cluster
    };
    let mut fleet = fleet();
    measure(
        &mut fleet,
        "eu-west-1",
        &[("database/shop/replication-lag", 50.0)],
    );
    assert_eq!(
        rebuilt(secondary())
            .judge(&fleet, &place("eu-west-1"))
            .severity,
        Severity::Bad
    );
    let at_writer = judge(&rebuilt(writer()));
    assert_eq!(at_writer.severity, Severity::Warn);
    assert!(
        at_writer.reason.contains("eu-west-1/shop"),
        "{}",
        at_writer.reason
    );
}

#[test]
fn the_lag_of_a_secondary_is_judged_by_the_estates_limits_and_by_its_age() {
    let at = |lag: f64, age: i64| {
        let mut fleet = fleet();
        measure_aged(
            &mut fleet,
            "eu-west-1",
            &[("database/shop/replication-lag", lag)],
            age,
        );
        secondary().judge(&fleet, &place("eu-west-1")).severity
    };
    assert_eq!(at(80.0, 120), Severity::Ok);
    assert_eq!(at(1_500.0, 120), Severity::Warn);
    assert_eq!(at(31_000.0, 120), Severity::Bad);
    assert_eq!(at(80.0, 600), Severity::Unknown, "an old lag is no lag");
    assert_eq!(
        secondary().judge(&fleet(), &place("eu-west-1")).severity,
        Severity::Unknown
    );
}

#[test]
fn lag_series_are_asked_for_where_the_secondary_is_and_nowhere_else() {
    let names = |cluster: &DbCluster| {
        cluster
            .series()
            .into_iter()
            .map(|spec| spec.name)
            .collect::<Vec<_>>()
    };
    let lag = "AuroraGlobalDBReplicationLag".to_owned();
    assert!(
        names(&secondary()).contains(&lag)
            && names(&secondary()).contains(&"AuroraGlobalDBRPOLag".to_owned())
    );
    assert!(!names(&writer()).contains(&lag));
    let neptune = DbCluster {
        engine: "neptune".to_owned(),
        ..cluster(US, None)
    };
    assert!(
        neptune
            .series()
            .iter()
            .all(|spec| spec.namespace == "AWS/Neptune")
    );
}

#[test]
fn the_loss_of_a_failover_is_the_rpo_lag_and_the_replication_lag_where_that_is_missing() {
    let mut fleet = fleet();
    let place = place("eu-west-1");
    measure(
        &mut fleet,
        "eu-west-1",
        &[
            ("database/shop/replication-lag", 90.0),
            ("database/shop/rpo-lag", 4_200.0),
        ],
    );
    assert_eq!(secondary().loss_ms(&fleet, &place).usable(), Some(4_200.0));
    measure(
        &mut fleet,
        "eu-west-1",
        &[("database/shop/replication-lag", 90.0)],
    );
    assert_eq!(secondary().loss_ms(&fleet, &place).usable(), Some(90.0));
}

#[test]
fn the_writing_instance_decides_and_a_reader_only_warns() {
    let with = |instances| {
        judge(&DbCluster {
            instances,
            ..cluster(US, None)
        })
    };
    assert_eq!(
        with(vec![instance("a", true, "storage-full")]).severity,
        Severity::Bad
    );
    assert_eq!(
        with(vec![
            instance("a", true, "available"),
            instance("b", false, "failed")
        ])
        .severity,
        Severity::Warn
    );
    assert_eq!(
        with(vec![instance("a", false, "available")]).severity,
        Severity::Bad,
        "no instance takes writes"
    );
    assert_eq!(
        with(vec![
            instance("a", true, "available"),
            instance("b", true, "available")
        ])
        .severity,
        Severity::Bad
    );
    assert_eq!(with(Vec::new()).severity, Severity::Warn);
    let unlisted = ClusterInstance {
        status: None,
        ..instance("a", true, "")
    };
    assert_eq!(with(vec![unlisted]).severity, Severity::Unknown);
}

#[test]
fn a_secondary_needs_no_writing_instance() {
    let mut fleet = fleet();
    measure(
        &mut fleet,
        "eu-west-1",
        &[("database/shop/replication-lag", 50.0)],
    );
    let readers = DbCluster {
        instances: vec![instance("a", false, "available")],
        ..secondary()
    };
    assert_eq!(readers.judge(&fleet, &place("eu-west-1")), Judgement::ok());
}

#[test]
fn a_cluster_that_replicates_another_takes_no_writes() {
    let replica = DbCluster {
        source: Some(US.to_owned()),
        ..cluster(EU, None)
    };
    assert_eq!(replica.writer(), Some(false));
}
