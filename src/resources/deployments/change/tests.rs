//! What a row says about each change, and how each is undone and done by hand.

use serde_json::json;

use super::*;
use crate::resources::fixtures as f;

fn at() -> At {
    At {
        region: f::label("eu-west-1"),
        cluster: "prod".to_owned(),
        namespace: "shop".to_owned(),
        name: "checkout".to_owned(),
    }
}

fn version(number: u64, set: &str, tag: &str) -> Version {
    Version {
        number,
        replica_set: set.to_owned(),
        image: format!("registry:5000/shop/checkout:{tag}"),
    }
}

fn revisions(numbers: [u64; 2]) -> serde_json::Value {
    let one = |number: u64, set: &str| json!({"number": number, "replica_set": set, "image": "x:1", "desired": 6, "ready": 6, "created_at": null});
    json!([
        one(numbers[0], "checkout-bad"),
        one(numbers[1], "checkout-good")
    ])
}

fn back() -> Change {
    Change::Revise {
        at: at(),
        from: version(4, "checkout-bad", "v2"),
        to: version(3, "checkout-good", "v1"),
    }
}

#[test]
fn a_revision_is_known_by_its_replica_set_for_its_number_changes() {
    let seen = |change: serde_json::Value| back().of_row(&f::deployment(&change));
    assert_eq!(
        seen(json!({"revisions": revisions([4, 3])})),
        Standing::Before
    );
    // Going back gives the old replica set a new number.
    let after = json!({"revisions": revisions([4, 5]), "revision": "5"});
    assert_eq!(seen(after.clone()), Standing::After);
    let mut unseen = after;
    unseen["generation"] = json!(9);
    assert!(matches!(seen(unseen), Standing::Underway(_)));
    let paused = json!({"revisions": revisions([4, 3]), "paused": true});
    assert!(matches!(seen(paused), Standing::Other(_)));
    let newer = json!([{"number": 6, "replica_set": "checkout-new", "image": null, "desired": 1, "ready": 0, "created_at": null}]);
    let newer = json!({"revisions": newer, "revision": "6"});
    assert_eq!(
        seen(newer),
        Standing::Other("checkout is at revision 6, not 4".to_owned())
    );
    assert!(matches!(seen(json!({})), Standing::Unknown(_)));
}

#[test]
fn a_way_back_expects_what_was_made() {
    let undone = back().inverse().unwrap();
    let row = f::deployment(&json!({"revisions": revisions([4, 5]), "revision": "5"}));
    let change::Change::Deployments(undone) = undone else {
        panic!("another kind");
    };
    assert_eq!(undone.of_row(&row), Standing::Before);
    let restart = Change::Restart {
        at: at(),
        from: None,
        to: "now".to_owned(),
    };
    assert!(restart.inverse().is_err());
    assert_eq!(restart.of_row(&f::deployment(&json!({}))), Standing::Before);
    let done = f::deployment(&json!({"restarted_at": "now"}));
    assert_eq!(restart.of_row(&done), Standing::After);
    let other = f::deployment(&json!({"restarted_at": "before"}));
    assert!(matches!(restart.of_row(&other), Standing::Other(_)));
}

#[test]
fn every_change_can_be_made_by_hand() {
    assert_eq!(
        back().commands(),
        ["kubectl --context prod -n shop rollout undo deployment/checkout --to-revision=3"]
    );
    let edits = back().edits();
    assert_eq!(
        (edits[0].from.as_str(), edits[0].to.as_str()),
        ("v2 (revision 4)", "v1 (revision 3)")
    );
    let scale = Change::Scale {
        at: at(),
        autoscaler: "checkout".to_owned(),
        from: Floor { min: 2, max: 6 },
        to: Floor { min: 8, max: 8 },
    };
    assert!(scale.commands()[0].ends_with(r#"-p '{"spec":{"minReplicas":8,"maxReplicas":8}}'"#));
    let scaler = json!({"name": "checkout", "min": 2, "max": 6, "current": 2, "desired": 2, "limited": null, "inactive": null});
    let scaled = f::deployment(&json!({"autoscaler": scaler}));
    assert_eq!(scale.of_row(&scaled), Standing::Before);
    let resize = Change::Resize {
        at: at(),
        from: 6,
        to: 9,
    };
    assert!(matches!(resize.of_row(&scaled), Standing::Other(_)));
    assert_eq!(resize.of_row(&f::deployment(&json!({}))), Standing::Before);
}
