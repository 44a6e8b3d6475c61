//! Rules about DB instances and read replicas, with trap 14 of the domain: the idle source and the −1.

use super::*;
use crate::resources::{
    Rows, Source,
    databases::fixtures::{fleet, measure, place, put},
};

const SOURCE: &str = "arn:aws:rds:us-east-1:1:db:ledger";

fn instance(id: &str, region: &str) -> DbInstance {
    DbInstance {
        id: id.to_owned(),
        arn: Some(format!("arn:aws:rds:{region}:1:db:{id}")),
        status: "available".to_owned(),
        engine: "postgres".to_owned(),
        engine_version: None,
        class: None,
        multi_az: true,
        source: None,
        replicas: Vec::new(),
        replica_status: None,
        backup_retention_days: Some(7),
        latest_restorable: None,
    }
}

fn replica() -> DbInstance {
    DbInstance {
        source: Some(SOURCE.to_owned()),
        replica_status: Some(ReplicaStatus {
            status: Some("replicating".to_owned()),
            normal: true,
            message: None,
        }),
        ..instance("ledger-eu", "eu-west-1")
    }
}

/// A fleet with the source in us-east-1 and the replica in eu-west-1, the replica's lag in seconds, and the source's writes where known.
fn observed(lag: f64, writes: Option<f64>) -> Fleet {
    let mut fleet = fleet();
    let source = DbInstance {
        replicas: vec!["arn:aws:rds:eu-west-1:1:db:ledger-eu".to_owned()],
        ..instance("ledger", "us-east-1")
    };
    let rows = |instance| Rows::Databases(vec![Database::Instance(instance)]);
    put(&mut fleet, Source::Rds, "us-east-1", rows(source));
    put(&mut fleet, Source::Rds, "eu-west-1", rows(replica()));
    measure(
        &mut fleet,
        "eu-west-1",
        &[("database/ledger-eu/replica-lag", lag)],
    );
    if let Some(writes) = writes {
        measure(
            &mut fleet,
            "us-east-1",
            &[("database/ledger/write-iops", writes)],
        );
    }
    fleet
}

fn judge(fleet: &Fleet) -> Judgement {
    replica().judge(fleet, &place("eu-west-1"))
}

#[test]
fn seconds_become_milliseconds_and_are_judged() {
    let fleet = observed(2.0, Some(500.0));
    assert_eq!(
        replica().lag_ms(&fleet, &place("eu-west-1")).usable(),
        Some(2_000.0)
    );
    assert_eq!(judge(&fleet).severity, Severity::Warn);
    assert_eq!(judge(&observed(0.1, Some(500.0))), Judgement::ok());
    assert_eq!(judge(&observed(31.0, Some(500.0))).severity, Severity::Bad);
}

#[test]
fn minus_one_is_broken_replication_even_while_the_source_is_idle() {
    let judgement = judge(&observed(-1.0, Some(0.0)));
    assert_eq!(judgement.severity, Severity::Bad);
    assert!(judgement.reason.contains("broken"), "{}", judgement.reason);
}

#[test]
fn an_idle_source_excuses_a_lag_of_up_to_five_minutes_and_no_more() {
    let idle = judge(&observed(290.0, Some(0.2)));
    assert_eq!(idle.severity, Severity::Ok);
    assert!(idle.reason.contains("idle"), "{}", idle.reason);
    assert_eq!(judge(&observed(301.0, Some(0.2))).severity, Severity::Bad);
    assert_eq!(judge(&observed(290.0, Some(40.0))).severity, Severity::Bad);
    let mysql = DbInstance {
        engine: "mysql".to_owned(),
        ..replica()
    };
    assert_eq!(
        mysql
            .judge(&observed(290.0, Some(0.2)), &place("eu-west-1"))
            .severity,
        Severity::Bad
    );
}

#[test]
fn writes_of_the_source_that_are_not_known_excuse_nothing_and_are_said_so() {
    let judgement = judge(&observed(290.0, None));
    assert_eq!(judgement.severity, Severity::Bad);
    assert!(
        judgement
            .reason
            .contains("whether the source is idle is not known"),
        "{}",
        judgement.reason
    );
}

#[test]
fn a_source_in_the_same_region_is_found_by_its_identifier() {
    let mut fleet = fleet();
    let source = instance("ledger", "eu-west-1");
    let near = DbInstance {
        source: Some("ledger".to_owned()),
        ..replica()
    };
    put(
        &mut fleet,
        Source::Rds,
        "eu-west-1",
        Rows::Databases(vec![Database::Instance(source)]),
    );
    measure(
        &mut fleet,
        "eu-west-1",
        &[
            ("database/ledger-eu/replica-lag", 200.0),
            ("database/ledger/write-iops", 0.0),
        ],
    );
    assert_eq!(
        near.judge(&fleet, &place("eu-west-1")).severity,
        Severity::Ok
    );
}

#[test]
fn a_replica_without_a_lag_is_unknown_and_a_writer_needs_none() {
    assert_eq!(judge(&fleet()).severity, Severity::Unknown);
    assert_eq!(
        instance("ledger", "us-east-1").judge(&fleet(), &place("us-east-1")),
        Judgement::ok()
    );
}

#[test]
fn replication_that_rds_does_not_call_normal_is_bad_with_its_message() {
    let stopped = ReplicaStatus {
        status: Some("stopped".to_owned()),
        normal: false,
        message: Some("slot missing".to_owned()),
    };
    let replica = DbInstance {
        replica_status: Some(stopped),
        ..replica()
    };
    let judgement = replica.judge(&observed(0.1, Some(1.0)), &place("eu-west-1"));
    assert_eq!(
        (judgement.severity, judgement.reason.as_str()),
        (
            Severity::Bad,
            "replication into ledger-eu is stopped: slot missing"
        )
    );
}

#[test]
fn a_replica_that_feeds_others_asks_for_its_lag_and_its_writes() {
    let middle = DbInstance {
        replicas: vec!["next".to_owned()],
        ..replica()
    };
    let names: Vec<String> = middle.series().into_iter().map(|spec| spec.name).collect();
    assert!(
        names.contains(&"ReplicaLag".to_owned()) && names.contains(&"WriteIOPS".to_owned()),
        "{names:?}"
    );
}
