//! Rules about global tables.

use super::*;
use crate::resources::{
    Rows, Severity, Source,
    databases::fixtures::{fleet, measure, now, place, put},
    metrics::{Point, Quality, Series},
};

fn replica(region: &str, status: &str) -> TableReplica {
    TableReplica {
        region: region.to_owned(),
        status: Some(status.to_owned()),
        inaccessible_since: None,
    }
}

fn table(replicas: Vec<TableReplica>) -> Table {
    Table {
        name: "carts".to_owned(),
        arn: Some("arn:aws:dynamodb:us-east-1:1:table/carts".to_owned()),
        status: "ACTIVE".to_owned(),
        global_version: Some("2019.11.21".to_owned()),
        consistency: None,
        replicas,
    }
}

fn judge(table: &Table, latencies: &[(&str, f64)]) -> Judgement {
    let mut fleet = fleet();
    measure(&mut fleet, "us-east-1", latencies);
    table.judge(&fleet, &place("us-east-1"))
}

const EU: (&str, f64) = ("database/carts/replication-latency/eu-west-1", 800.0);

#[test]
fn a_replica_that_is_cut_off_is_bad_with_its_deadline() {
    let since = jiff::Timestamp::from_second(1_700_000_000).unwrap();
    let lost = TableReplica {
        inaccessible_since: Some(since),
        ..replica("eu-west-1", "REGION_DISABLED")
    };
    let judgement = judge(&table(vec![lost]), &[EU]);
    assert_eq!(judgement.severity, Severity::Bad);
    assert!(
        judgement.reason.contains("20 h") && judgement.reason.contains("2023-11-14"),
        "{}",
        judgement.reason
    );

    let severity = |status: &str| judge(&table(vec![replica("eu-west-1", status)]), &[EU]).severity;
    assert_eq!(severity("ACTIVE"), Severity::Ok);
    assert_eq!(
        severity("INACCESSIBLE_ENCRYPTION_CREDENTIALS"),
        Severity::Bad
    );
    assert_eq!(severity("REPLICATION_NOT_AUTHORIZED"), Severity::Bad);
    assert_eq!(severity("UPDATING"), Severity::Warn);
    assert_eq!(severity("TELEPORTING"), Severity::Unknown);
    let silent = TableReplica {
        status: None,
        ..replica("eu-west-1", "")
    };
    assert_eq!(
        judge(&table(vec![silent]), &[EU]).severity,
        Severity::Unknown
    );
}

#[test]
fn the_worst_replica_is_the_lag_and_one_without_latency_makes_the_table_unknown() {
    let table = table(vec![
        replica("eu-west-1", "ACTIVE"),
        replica("ap-southeast-1", "ACTIVE"),
    ]);
    let far = "database/carts/replication-latency/ap-southeast-1";
    let mut fleet = fleet();
    measure(&mut fleet, "us-east-1", &[EU, (far, 2_500.0)]);
    assert_eq!(
        table.lag_ms(&fleet, &place("us-east-1")).usable(),
        Some(2_500.0)
    );
    assert_eq!(judge(&table, &[EU, (far, 2_500.0)]), Judgement::ok());
    assert_eq!(
        judge(&table, &[EU, (far, 5_001.0)]).severity,
        Severity::Warn
    );
    assert_eq!(judge(&table, &[EU]).severity, Severity::Unknown);
}

#[test]
fn the_region_that_was_asked_is_no_remote_replica() {
    let table = table(vec![
        replica("us-east-1", "ACTIVE"),
        replica("eu-west-1", "ACTIVE"),
    ]);
    assert_eq!(judge(&table, &[EU]), Judgement::ok());
    let regions: Vec<String> = table
        .series()
        .into_iter()
        .flat_map(|spec| spec.dimensions)
        .map(|(_, value)| value)
        .collect();
    assert_eq!(regions, ["carts", "eu-west-1"]);
}

#[test]
fn a_latency_published_every_five_minutes_is_fresh_when_it_can_first_be_read() {
    let table = table(vec![replica("eu-west-1", "ACTIVE")]);
    let read = |age: i64| {
        let mut fleet = fleet();
        let series = Series {
            spec: table.series().remove(0),
            points: vec![Point {
                at: jiff::Timestamp::from_second(now().as_second() - age).unwrap(),
                value: 800.0,
            }],
            quality: Quality::Complete,
        };
        put(
            &mut fleet,
            Source::Metrics,
            "us-east-1",
            Rows::Metrics(vec![series]),
        );
        table.lag_ms(&fleet, &place("us-east-1")).usable()
    };
    assert_eq!(read(599), None, "not complete yet");
    assert_eq!(read(600), Some(800.0));
    assert_eq!(read(1_500), Some(800.0));
    assert_eq!(read(2_000), None, "too old");
}
