//! How each change of a cache is recognised, in every standing.

use serde_json::{Value, json};

use super::*;
use crate::resources::{
    Rows,
    fixtures::{self, label, now, row},
};

const HERE: &str = "eu-west-1";

/// How `change` stands in a fleet of one row, given as JSON.
fn standing(change: &Change, row_of: Value) -> Standing {
    let mut fleet = fixtures::fleet(&[HERE]);
    let rows = Rows::Caches(vec![row(row_of)]);
    let (source, place) = change.reads(&fleet.estate).remove(0);
    fixtures::answer(&mut fleet, source, &place, 5, rows);
    change.standing(&fleet)
}

/// The word of a standing, for tables.
fn word(standing: &Standing) -> &'static str {
    match standing {
        Standing::Before => "before",
        Standing::Underway(_) => "underway",
        Standing::After => "after",
        Standing::Other(_) => "other",
        Standing::Unknown(_) => "unknown",
    }
}

fn check(change: &Change, cases: Vec<(&str, Value)>) {
    for (expected, row) in cases {
        let standing = standing(change, row.clone());
        assert_eq!(word(&standing), expected, "{standing:?} of {row}");
    }
    let nothing_read = change.standing(&fixtures::fleet(&[HERE]));
    assert_eq!(word(&nothing_read), "unknown");
}

#[test]
fn a_failover_of_a_datastore_is_recognised_in_every_phase() {
    let change = Change::FailOverDatastore {
        datastore: "d".to_owned(),
        from: "us-east-1".to_owned(),
        to_region: label(HERE),
        to: HERE.to_owned(),
        to_group: "sessions".to_owned(),
    };
    let datastore = |status: Option<&str>, members: &[(&str, &str)]| {
        let member = |(region, role): &(&str, &str)| json!({"group": "sessions", "region": region, "role": role});
        json!({"store": "group", "id": "sessions", "status": "available", "shards": [],
            "datastore": {"id": "d", "status": status, "members": members.iter().map(member).collect::<Vec<_>>()}})
    };
    let old = [("us-east-1", "primary"), (HERE, "secondary")];
    let new = [("us-east-1", "secondary"), (HERE, "primary")];
    let available = Some("available");
    check(
        &change,
        vec![
            ("before", datastore(available, &old)),
            ("underway", datastore(Some("modifying"), &old)),
            ("underway", datastore(Some("modifying"), &new)),
            (
                "underway",
                datastore(
                    available,
                    &[("us-east-1", "secondary"), (HERE, "secondary")],
                ),
            ),
            ("after", datastore(available, &new)),
            // The old primary was removed meanwhile.
            (
                "after",
                datastore(Some("primary-only"), &[(HERE, "primary")]),
            ),
            (
                "other",
                datastore(available, &[("us-east-1", "primary"), (HERE, "primary")]),
            ),
            (
                "other",
                datastore(
                    available,
                    &[(HERE, "secondary"), ("ap-southeast-1", "primary")],
                ),
            ),
            (
                "other",
                datastore(Some("primary-only"), &[("us-east-1", "primary")]),
            ),
            ("unknown", datastore(Some("melting"), &old)),
            // Only the group's own entry could be read.
            ("unknown", datastore(None, &[(HERE, "primary")])),
        ],
    );
}

#[test]
fn a_failover_of_a_shard_is_recognised_in_every_phase() {
    let change = Change::FailOverGroup {
        region: label(HERE),
        group: "sessions".to_owned(),
        shard: "0001".to_owned(),
        from: "n1".to_owned(),
    };
    let group = |group: &str, shard: Option<&str>, nodes: &[(&str, Option<&str>)]| {
        let node = |(id, role): &(&str, Option<&str>)| json!({"id": id, "role": role});
        json!({"store": "group", "id": "sessions", "status": group,
            "shards": [{"id": "0001", "status": shard, "nodes": nodes.iter().map(node).collect::<Vec<_>>()}]})
    };
    let (primary, replica) = (Some("primary"), Some("replica"));
    let old = [("n1", primary), ("n2", replica)];
    let new = [("n1", replica), ("n2", primary)];
    let available = Some("available");
    check(
        &change,
        vec![
            ("before", group("available", available, &old)),
            ("underway", group("available", Some("modifying"), &old)),
            ("underway", group("modifying", available, &new)),
            (
                "underway",
                group("available", available, &[("n1", replica), ("n2", replica)]),
            ),
            ("after", group("available", available, &new)),
            ("after", group("snapshotting", Some("snapshotting"), &new)),
            (
                "other",
                group("available", available, &[("n1", primary), ("n2", primary)]),
            ),
            ("other", group("available", available, &[("n2", primary)])),
            // With cluster mode on no role is told: an available shard is not one that fails over.
            (
                "unknown",
                group("available", available, &[("n1", None), ("n2", None)]),
            ),
            ("unknown", group("available", None, &old)),
        ],
    );
}

#[test]
fn memorydb_tells_of_a_failover_by_its_events() {
    let change = Change::FailOverShard {
        region: label(HERE),
        cluster: "cart".to_owned(),
        shard: "0001".to_owned(),
        since: now(),
    };
    let told = |status: &str, shard: &str, failovers: serde_json::Value| json!({"store": "memory_db", "name": "cart", "status": status, "shards": [{"id": "0001", "status": shard, "nodes": []}], "failovers": failovers});
    let failover = |shard: &str, seconds: i64| {
        let at = now() + jiff::SignedDuration::from_secs(seconds);
        json!([{"shard": shard, "at": at}])
    };
    let cluster = |status: &str, shard: &str| told(status, shard, failover("0001", 5));
    check(
        &change,
        vec![
            ("underway", cluster("updating", "available")),
            ("underway", cluster("available", "modifying")),
            ("after", cluster("available", "available")),
            ("unknown", told("available", "available", json!(null))),
            ("before", told("available", "available", json!([]))),
            (
                "before",
                told("available", "available", failover("0002", 5)),
            ),
            (
                "before",
                told("available", "available", failover("0001", 0)),
            ),
        ],
    );
}
