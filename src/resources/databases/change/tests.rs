//! How each change of a database is recognised, in every standing.

use serde_json::{Value, json};

use super::*;
use crate::resources::{
    Rows,
    fixtures::{self, label, row},
};

const HERE: &str = "eu-west-1";
const A: &str = "arn:aws:rds:us-east-1:1:cluster:shop";
const B: &str = "arn:aws:rds:eu-west-1:1:cluster:shop";
const C: &str = "arn:aws:rds:ap-southeast-1:1:cluster:shop";
const SOURCE: &str = "arn:aws:rds:us-east-1:1:db:ledger";

/// How `change` stands in a fleet of one row, given as JSON.
fn standing(change: &Change, row_of: Value) -> Standing {
    let mut fleet = fixtures::fleet(&[HERE]);
    let rows = Rows::Databases(vec![row(row_of)]);
    fixtures::answer(&mut fleet, Source::Rds, &fixtures::place(HERE), 5, rows);
    change.standing(&fleet)
}

fn nothing_read(change: &Change) -> Standing {
    change.standing(&fixtures::fleet(&[HERE]))
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

fn switch_over() -> Change {
    Change::SwitchOver {
        global_cluster: "shop".to_owned(),
        from_region: label("us-east-1"),
        from: A.to_owned(),
        to_region: label(HERE),
        to: B.to_owned(),
    }
}

fn fail_over() -> Change {
    Change::FailOver {
        global_cluster: "shop".to_owned(),
        from: A.to_owned(),
        to_region: label(HERE),
        to: B.to_owned(),
    }
}

/// Members by ARN, whether they write, and their synchronization.
type Members<'a> = &'a [(&'a str, bool, Option<&'a str>)];

fn global(status: &str, target: &str, failover: &Value, members: Members<'_>) -> Value {
    let member = |(arn, writer, synchronization): &(&str, bool, Option<&str>)| json!({"arn": arn, "writer": writer, "synchronization": synchronization});
    json!({
        "store": "cluster", "id": "shop", "arn": B, "status": target, "engine": "aurora-postgresql", "instances": [],
        "global": {"id": "shop", "status": status, "failover": failover, "members": members.iter().map(member).collect::<Vec<_>>()},
    })
}

#[test]
fn a_move_of_the_global_writer_is_recognised_in_every_phase() {
    let old: Members<'_> = &[(A, true, None), (B, false, Some("connected"))];
    let new: Members<'_> = &[(A, false, Some("connected")), (B, true, None)];
    let goes_on = json!({"status": "switching-over", "from": A, "to": B});
    for (expected, row) in [
        (
            "before",
            global("available", "available", &Value::Null, old),
        ),
        ("underway", global("available", "available", &goes_on, old)),
        (
            "underway",
            global("switching-over", "available", &Value::Null, old),
        ),
        (
            "underway",
            global(
                "available",
                "available",
                &Value::Null,
                &[(A, false, None), (B, false, None)],
            ),
        ),
        (
            "underway",
            global("available", "promoting", &Value::Null, new),
        ),
        ("after", global("available", "available", &Value::Null, new)),
        (
            "other",
            global(
                "available",
                "available",
                &Value::Null,
                &[(A, true, None), (B, true, None)],
            ),
        ),
        (
            "other",
            global(
                "available",
                "available",
                &Value::Null,
                &[(B, false, None), (C, true, None)],
            ),
        ),
        (
            "other",
            global("available", "available", &Value::Null, &[(A, true, None)]),
        ),
        // The list of global clusters could not be read.
        (
            "unknown",
            global("available", "available", &Value::Null, &[]),
        ),
    ] {
        for change in [switch_over(), fail_over()] {
            let standing = standing(&change, row.clone());
            assert_eq!(word(&standing), expected, "{standing:?} of {row}");
        }
    }
    assert_eq!(word(&nothing_read(&switch_over())), "unknown");
}

#[test]
fn a_switchover_ends_when_the_old_writer_follows_and_a_failover_without_it() {
    let lost = global(
        "available",
        "available",
        &Value::Null,
        &[(A, false, Some("pending-resync")), (B, true, None)],
    );
    assert_eq!(
        standing(&switch_over(), lost.clone()),
        Standing::Underway("us-east-1/shop is pending-resync".to_owned())
    );
    assert_eq!(standing(&fail_over(), lost), Standing::After);
    let gone = global("available", "available", &Value::Null, &[(B, true, None)]);
    assert_eq!(word(&standing(&switch_over(), gone.clone())), "other");
    assert_eq!(standing(&fail_over(), gone), Standing::After);
}

#[test]
fn a_failover_within_a_cluster_is_recognised_in_every_phase() {
    let change = Change::FailOverCluster {
        region: label(HERE),
        cluster: "shop".to_owned(),
        from: "shop-1".to_owned(),
        to: "shop-2".to_owned(),
    };
    let cluster = |status: &str, instances: &[(&str, bool)]| {
        let instance = |(id, writer): &(&str, bool)| json!({"id": id, "writer": writer});
        json!({"store": "cluster", "id": "shop", "arn": B, "status": status, "engine": "aurora-mysql",
            "instances": instances.iter().map(instance).collect::<Vec<_>>()})
    };
    let (old, new) = (
        [("shop-1", true), ("shop-2", false)],
        [("shop-1", false), ("shop-2", true)],
    );
    for (expected, row) in [
        ("before", cluster("available", &old)),
        ("underway", cluster("failing-over", &old)),
        ("underway", cluster("failing-over", &new)),
        (
            "underway",
            cluster("available", &[("shop-1", false), ("shop-2", false)]),
        ),
        ("after", cluster("available", &new)),
        (
            "other",
            cluster("available", &[("shop-1", true), ("shop-2", true)]),
        ),
        (
            "other",
            cluster("available", &[("shop-2", false), ("shop-3", true)]),
        ),
        // There is nothing to fail over to.
        ("other", cluster("available", &[("shop-1", true)])),
    ] {
        let standing = standing(&change, row.clone());
        assert_eq!(word(&standing), expected, "{standing:?} of {row}");
    }
    assert_eq!(word(&nothing_read(&change)), "unknown");
}

#[test]
fn a_promotion_has_ended_when_the_source_is_gone_and_the_instance_available() {
    let change = Change::Promote {
        region: label(HERE),
        instance: "ledger-b".to_owned(),
        source: SOURCE.to_owned(),
        backup_retention_days: 7,
    };
    let instance = |status: &str, source: Option<&str>| {
        json!({"store": "instance", "id": "ledger-b", "status": status, "engine": "postgres", "multi_az": false,
            "source": source, "replicas": []})
    };
    for (expected, row) in [
        ("before", instance("available", Some(SOURCE))),
        ("underway", instance("modifying", Some(SOURCE))),
        ("underway", instance("rebooting", Some(SOURCE))),
        ("underway", instance("rebooting", None)),
        ("underway", instance("backing-up", None)),
        ("after", instance("available", None)),
        ("other", instance("available", Some("another"))),
    ] {
        let standing = standing(&change, row.clone());
        assert_eq!(word(&standing), expected, "{standing:?} of {row}");
    }
    assert_eq!(word(&nothing_read(&change)), "unknown");
}
