//! Roll-outs by the rule of domain A.3, severities with their reasons, and skew between regions.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};

use super::*;
use crate::resources::{
    Answer, Estate, Query, RegionLabel, Rows, Severity, Wanted, estate::RegionSpec, fixtures as f,
};

fn replicas(desired: i32, total: i32, updated: i32, available: i32) -> Value {
    json!({"desired": desired, "total": total, "updated": updated, "ready": available, "available": available})
}

fn progressing(status: &str, reason: &str) -> Value {
    json!([{"name": "Progressing", "status": status, "reason": reason, "message": null, "since": null}])
}

#[test]
fn a_roll_out_is_complete_only_when_all_four_hold() {
    let done = progressing("True", "NewReplicaSetAvailable");
    let cases = [
        (json!({"conditions": done}), Rollout::Complete),
        // Right after an edit the condition still speaks of the roll-out before.
        (
            json!({"generation": 5, "conditions": done}),
            Rollout::Unseen,
        ),
        (
            json!({"replicas": replicas(6, 8, 3, 6)}),
            Rollout::Moving { done: 1, of: 6 },
        ),
        // Everything is updated and available, and an old pod is left.
        (
            json!({"replicas": replicas(6, 7, 6, 7)}),
            Rollout::Moving { done: 6, of: 6 },
        ),
        (
            json!({"replicas": replicas(6, 6, 6, 4)}),
            Rollout::Short {
                available: 4,
                of: 6,
            },
        ),
        (
            json!({"replicas": replicas(6, 8, 2, 6), "paused": true}),
            Rollout::Paused,
        ),
        (json!({"paused": true}), Rollout::Complete),
        (
            json!({"replicas": replicas(6, 8, 2, 6), "conditions": progressing("False", "ProgressDeadlineExceeded")}),
            Rollout::Failed,
        ),
        (json!({"replicas": replicas(0, 0, 0, 0)}), Rollout::Asleep),
    ];
    for (change, expected) in cases {
        assert_eq!(f::deployment(&change).rollout(), expected, "{change}");
    }
}

fn judged(change: &Value) -> (Severity, String) {
    let judgement = judge::of(&f::deployment(change));
    (judgement.severity, judgement.reason)
}

#[test]
fn what_time_does_not_mend_is_bad_and_says_why() {
    let trouble = |reason: &str, current: bool, message: &str| json!({"reason": reason, "pods": 2, "current": current, "message": message});
    let moving = replicas(6, 8, 2, 6);
    assert_eq!(
        judged(&json!({"replicas": moving})),
        (Severity::Warn, "checkout rolls out, 0 of 6 done".to_owned())
    );
    let image = trouble("ImagePullBackOff", true, "manifest unknown");
    assert_eq!(
        judged(&json!({"replicas": moving, "troubles": [image]})),
        (
            Severity::Bad,
            "checkout rolls out, 0 of 6 done: ImagePullBackOff in 2 pods: manifest unknown"
                .to_owned()
        )
    );
    // An old pod that crashes is not what holds the new revision up.
    let old = trouble("CrashLoopBackOff", false, "");
    let new = trouble("Unschedulable", true, "0/3 nodes");
    let (severity, reason) = judged(&json!({"replicas": moving, "troubles": [old, new]}));
    assert_eq!(severity, Severity::Warn);
    assert!(
        reason.ends_with("Unschedulable in 2 pods: 0/3 nodes"),
        "{reason}"
    );
    let (severity, _) = judged(&json!({"replicas": replicas(6, 6, 6, 0)}));
    assert_eq!(severity, Severity::Bad, "none serves");
    assert_eq!(judged(&json!({})), (Severity::Ok, String::new()));
}

#[test]
fn the_event_explains_a_stall_that_no_pod_explains() {
    let quota = json!([{"name": "ReplicaFailure", "status": "True", "reason": "FailedCreate",
        "message": "exceeded quota: pods", "since": null}]);
    let (_, reason) = judged(&json!({"replicas": replicas(6, 5, 5, 5), "conditions": quota}));
    assert!(reason.ends_with("exceeded quota: pods"), "{reason}");
    let event = json!([{"reason": "Unhealthy", "object": "pod a", "message": "Readiness probe failed",
        "count": 3, "at": null}]);
    let (_, reason) = judged(&json!({"replicas": replicas(6, 6, 6, 5), "warnings": event}));
    assert_eq!(
        reason,
        "checkout has 5 of 6 pods available: Readiness probe failed"
    );
}

#[test]
fn an_autoscaler_at_its_limit_is_told_and_one_that_is_merely_full_is_not() {
    let scaler = |desired: i32, limited: Option<&str>, inactive: Option<&str>| {
        json!({"autoscaler":
        {"name": "checkout", "min": 2, "max": 9, "current": 6, "desired": desired, "limited": limited, "inactive": inactive}})
    };
    assert_eq!(judged(&scaler(9, None, None)).0, Severity::Ok);
    assert_eq!(
        judged(&scaler(9, Some("TooManyReplicas"), None)),
        (
            Severity::Warn,
            "checkout wants more than its 9 pods".to_owned()
        )
    );
    assert_eq!(
        judged(&scaler(2, Some("TooFewReplicas"), None)).0,
        Severity::Ok
    );
    let (severity, reason) = judged(&scaler(6, None, Some("FailedGetResourceMetric")));
    assert_eq!(severity, Severity::Warn);
    assert!(reason.contains("FailedGetResourceMetric"));
}

/// One deployment in each region, by image and digest.
fn fleet(images: &[(&str, Option<&str>)]) -> Fleet {
    let labels: Vec<RegionLabel> = (0..images.len())
        .map(|index| RegionLabel::new(&format!("r{index}")).unwrap())
        .collect();
    let estate = Estate {
        regions: labels.iter().cloned().map(RegionSpec::aws).collect(),
        ..Estate::default()
    };
    let now = Timestamp::from_second(1_000_000).unwrap();
    let mut fleet = Fleet::new(Arc::new(estate), now);
    for (label, (image, digest)) in labels.into_iter().zip(images) {
        let containers = json!([{"name": "app", "image": image, "digest": digest}]);
        let query = Query {
            source: Source::Deployments,
            place: Place::Region(label),
            wanted: Wanted::Nothing,
            read: 0,
        };
        let rows = Rows::Deployments(vec![f::deployment(&json!({"containers": containers}))]);
        fleet.accept(&query, Answer::of(rows), now, Duration::ZERO);
    }
    fleet
}

fn skews(images: &[(&str, Option<&str>)]) -> Vec<Option<(usize, usize)>> {
    let fleet = fleet(images);
    let rows = fleet.deployments.rows();
    let skews = rows.map(|(_, _, row)| fleet.versions.skew(row));
    skews
        .map(|skew| skew.map(|skew| (skew.same, skew.versions)))
        .collect()
}

#[test]
fn a_version_is_the_same_by_its_digest_and_else_by_its_tag() {
    let (a, b) = (Some("sha256:a"), Some("sha256:b"));
    // Each region has a registry of its own.
    assert_eq!(skews(&[("eu/x:1", a), ("us/x:1", a)]), [Some((2, 1)); 2]);
    // A tag that was moved.
    assert_eq!(skews(&[("x:1", a), ("x:1", b)]), [Some((1, 2)); 2]);
    // Where a digest is not known the tag has to do.
    assert_eq!(skews(&[("x:1", a), ("x:1", None)]), [Some((2, 1)); 2]);
    assert_eq!(skews(&[("x:1", None), ("x:2", None)]), [Some((1, 2)); 2]);
    // A digest in the template needs no pod.
    assert_eq!(
        skews(&[("x@sha256:a", None), ("x:7", a)]),
        [Some((2, 1)); 2]
    );
    assert_eq!(skews(&[("x:1", a)]), [None], "nothing to compare with");
}

#[test]
fn a_port_is_no_tag() {
    let image = |image: &str| Container {
        name: "app".to_owned(),
        image: image.to_owned(),
        digest: None,
    };
    assert_eq!(image("registry:5000/shop/x").tag(), None);
    assert_eq!(image("registry:5000/shop/x:v2@sha256:abc").short(), "v2");
    assert_eq!(image("x@sha256:0123456789abcdef").short(), "0123456789");
}

#[test]
fn a_cluster_that_is_silent_ages_alone() {
    let mut fleet = fleet(&[("x:1", None)]);
    let heard = |seconds: i64| {
        f::deployment(&json!({"heard_at": fleet.now - jiff::SignedDuration::from_secs(seconds)}))
    };
    let (fresh, stale, expired) = (heard(60), heard(100), heard(200));
    let freshness = [&fresh, &stale, &expired].map(|row| row.heard(&fleet));
    assert_eq!(
        freshness,
        [Freshness::Fresh, Freshness::Stale, Freshness::Expired]
    );
    fleet.pace = 4;
    assert_eq!(
        stale.heard(&fleet),
        Freshness::Fresh,
        "it is read more rarely"
    );
}

#[test]
fn the_detail_tells_how_a_container_ended_and_what_it_wrote_last() {
    use crate::resources::cell::Show;
    let log = |missing: Value| {
        json!([{"pod": "checkout-1", "container": "app", "previous": true, "restarts": 3, "exit_code": 137,
            "lines": if missing.is_null() { json!(["first", "out of memory"]) } else { json!([]) },
            "cut": false, "missing": missing}])
    };
    let shown = |logs: Value| -> Vec<String> {
        let row = f::deployment(&json!({"logs": logs}));
        let fields = row.detail(&Fleet::new(Arc::default(), f::now()), &f::place("eu"));
        let texts = fields
            .into_iter()
            .map(|field| format!("{}: {}", field.name, field.cell.text));
        texts
            .skip_while(|text| !text.starts_with("log: "))
            .collect()
    };
    assert_eq!(
        shown(log(Value::Null)),
        [
            "log: checkout-1 app, the run before ended with 137; its last lines:",
            ": first",
            ": out of memory"
        ]
    );
    assert_eq!(
        shown(log(json!("the pod is gone"))),
        ["log: checkout-1 app, the run before ended with 137: the pod is gone"]
    );
    assert!(shown(json!([])).is_empty());
}
