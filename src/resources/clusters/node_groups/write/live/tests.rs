//! What EKS is sent, and that it is sent nothing when what the change expects is gone.

use serde_json::{Value, json};

use super::*;
use crate::{
    provider::{armed, canned},
    resources::{ErrorClass, RegionLabel, change::Fate},
};

fn change(to: Bounds) -> Change {
    Change::Scale {
        region: RegionLabel::new("eu-west-1").unwrap(),
        cluster: "prod".to_owned(),
        node_group: "blue".to_owned(),
        from: Bounds { min: 2, max: 6 },
        to,
    }
}

async fn sent(
    change: Change,
    status: &'static str,
    (min, desired): (i32, i32),
) -> (Result<Receipt, ApplyError>, Vec<String>) {
    let answer = move |call: &str| {
        if call.starts_with("/clusters/prod/node-groups/blue/update-config ") {
            return canned::json(
                200,
                &json!({"update": {"id": "u-1", "status": "InProgress"}}),
            );
        }
        let scaling = json!({"minSize": min, "maxSize": 6, "desiredSize": desired});
        canned::json(
            200,
            &json!({"nodegroup": {"status": status, "scalingConfig": scaling}}),
        )
    };
    armed::send(answer, async |write: &Write<'_>| {
        apply(write, &change).await
    })
    .await
}

#[tokio::test]
async fn only_the_bounds_are_sent_with_a_token_and_the_update_is_the_reference() {
    let to = Bounds { min: 3, max: 8 };
    let (result, calls) = sent(change(to), "ACTIVE", (2, 3)).await;
    let reference = result.map(|receipt| receipt.reference);
    assert_eq!(reference, Ok(Some("prod/blue/u-1".to_owned())));
    assert_eq!(calls.len(), 2);
    let (_, body) = calls[1].split_once(' ').unwrap();
    let body: Value = serde_json::from_str(body).unwrap();
    let expected = json!({"clientRequestToken": "pilothouse-run-0", "scalingConfig": {"minSize": 3, "maxSize": 8}});
    assert_eq!(body, expected);
}

#[tokio::test]
async fn a_minimum_above_the_wanted_size_takes_it_along() {
    let to = Bounds { min: 5, max: 8 };
    let (result, calls) = sent(change(to), "ACTIVE", (2, 3)).await;
    assert!(result.is_ok(), "{result:?}");
    let (_, body) = calls[1].split_once(' ').unwrap();
    let body: Value = serde_json::from_str(body).unwrap();
    let expected = json!({"minSize": 5, "maxSize": 8, "desiredSize": 5});
    assert_eq!(body["scalingConfig"], expected);
}

#[tokio::test]
async fn a_maximum_below_the_wanted_size_takes_it_along() {
    let to = Bounds { min: 1, max: 2 };
    let (result, calls) = sent(change(to), "ACTIVE", (2, 3)).await;
    assert!(result.is_ok(), "{result:?}");
    let (_, body) = calls[1].split_once(' ').unwrap();
    let body: Value = serde_json::from_str(body).unwrap();
    let expected = json!({"minSize": 1, "maxSize": 2, "desiredSize": 2});
    assert_eq!(body["scalingConfig"], expected);
}

#[tokio::test]
async fn a_group_that_somebody_touched_or_touches_is_not_changed() {
    let to = Bounds { min: 4, max: 6 };
    for (status, min, why) in [
        ("ACTIVE", 1, "blue is 1 to 6 nodes, not 2 to 6 nodes"),
        ("ACTIVE", 4, "it is so already"),
        ("UPDATING", 2, "blue is UPDATING"),
    ] {
        let (result, calls) = sent(change(to), status, (min, 5)).await;
        let expected = ApplyError::drifted("eks:UpdateNodegroupConfig", why);
        assert_eq!(result, Err(expected));
        assert_eq!(calls.len(), 1);
    }
}

#[tokio::test]
async fn a_group_that_cannot_be_read_is_not_changed() {
    let to = Bounds { min: 4, max: 6 };
    let denied = |_: &str| canned::json(403, &json!({"__type": "AccessDeniedException"}));
    let (result, calls) = armed::send(denied, async |write: &Write<'_>| {
        apply(write, &change(to)).await
    })
    .await;
    let error = result.unwrap_err();
    let said = (error.fate, error.error.class, calls.len());
    assert_eq!(said, (Fate::NotSent, ErrorClass::Denied, 1));
}

#[tokio::test]
async fn an_acceptance_that_cannot_be_read_leaves_the_change_in_doubt() {
    let answer = |call: &str| {
        if call.starts_with("/clusters/prod/node-groups/blue/update-config ") {
            return (200, r#"{"update": {"id": "u-"#.to_owned());
        }
        let scaling = json!({"minSize": 2, "maxSize": 6, "desiredSize": 5});
        canned::json(
            200,
            &json!({"nodegroup": {"status": "ACTIVE", "scalingConfig": scaling}}),
        )
    };
    let to = Bounds { min: 4, max: 6 };
    let (result, calls) = armed::send(answer, async |write: &Write<'_>| {
        apply(write, &change(to)).await
    })
    .await;
    let error = result.unwrap_err();
    let said = (error.fate, error.error.class, calls.len());
    assert_eq!(said, (Fate::InDoubt, ErrorClass::Transient, 2));
}
