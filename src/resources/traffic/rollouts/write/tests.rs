//! Is each way of steering the patch that its controller understands (domain B.3)?

use serde_json::json;

use super::*;
use crate::resources::{
    RegionLabel,
    traffic::rollouts::{RolloutName, assembly::live::of_argo},
};

/// A rollout whose status is this one.
fn rollout(spec: Value, status: Value) -> Rollout {
    let mut object = json!({
        "metadata": {"name": "api", "namespace": "shop", "generation": 5},
        "spec": {"strategy": {"canary": {"steps": [{"setWeight": 20}, {"pause": {}}, {"setWeight": 50}, {"pause": {"duration": "10m"}}]}}},
        "status": {"observedGeneration": "5", "currentPodHash": "new", "stableRS": "old", "currentStepIndex": 1},
    });
    for (part, fields) in [("spec", spec), ("status", status)] {
        for (name, value) in fields.as_object().unwrap() {
            object[part][name] = value.clone();
        }
    }
    of_argo("eu", &serde_json::from_value(object).unwrap(), None)
}

fn steering(tool: Tool, verb: Verb) -> Steering {
    Steering {
        region: RegionLabel::new("eu-west-1").unwrap(),
        rollout: RolloutName {
            cluster: "eu".to_owned(),
            tool,
            namespace: "shop".to_owned(),
            name: "api".to_owned(),
        },
        verb,
        step: Some(1),
        steps: 4,
        current: "new".to_owned(),
        stable: "old".to_owned(),
    }
}

fn sent(verb: Verb, seen: &Rollout) -> Result<(bool, Value), String> {
    let patches = patch(&steering(Tool::ArgoRollouts, verb), seen)?;
    Ok((patches.status, patches.body))
}

#[test]
fn a_promotion_clears_the_pause_or_counts_the_step_up_and_both_only_when_inconclusive() {
    let paused = |reason: &str, controller: bool| json!({"pauseConditions": [{"reason": reason, "startTime": "2026-01-01T00:00:00Z"}], "controllerPause": controller});
    let clear = json!({"status": {"pauseConditions": null}});
    let seen = rollout(json!({}), paused("CanaryPauseStep", true));
    assert_eq!(sent(Verb::Promote, &seen), Ok((true, clear)));
    let seen = rollout(json!({}), json!({}));
    let next = json!({"status": {"pauseConditions": null, "currentStepIndex": 2}});
    assert_eq!(sent(Verb::Promote, &seen), Ok((true, next)));
    let seen = rollout(json!({}), paused("InconclusiveAnalysisRun", true));
    let both = json!({"status": {"pauseConditions": null, "controllerPause": false, "currentStepIndex": 2}});
    assert_eq!(sent(Verb::Promote, &seen), Ok((true, both)));
    let held = rollout(json!({"paused": true}), json!({}));
    assert!(sent(Verb::Promote, &held).is_err());
}

#[test]
fn the_other_ways_are_one_field_each() {
    let seen = rollout(json!({}), json!({}));
    for (verb, status, body) in [
        (
            Verb::PromoteFull,
            true,
            json!({"status": {"promoteFull": true}}),
        ),
        (Verb::Abort, true, json!({"status": {"abort": true}})),
        (Verb::Pause, false, json!({"spec": {"paused": true}})),
    ] {
        assert_eq!(sent(verb.clone(), &seen), Ok((status, body)), "{verb:?}");
    }
    let aborted = rollout(json!({"paused": true}), json!({"abort": true}));
    let retry = json!({"status": {"abort": false}});
    assert_eq!(sent(Verb::Retry, &aborted), Ok((true, retry)));
    let resume = json!({"spec": {"paused": false}});
    assert_eq!(sent(Verb::Resume, &aborted), Ok((false, resume)));
    let suspend = patch(&steering(Tool::Flagger, Verb::Pause), &seen).unwrap();
    assert_eq!(suspend.body, json!({"spec": {"suspend": true}}));
    assert!(patch(&steering(Tool::Flagger, Verb::Abort), &seen).is_err());
}

#[test]
fn a_rollout_that_went_on_or_that_its_controller_has_not_seen_is_not_steered() {
    let further = rollout(json!({}), json!({"currentStepIndex": 2}));
    assert!(sent(Verb::Promote, &further).is_err());
    let newer = rollout(json!({}), json!({"currentPodHash": "newer"}));
    assert!(sent(Verb::Abort, &newer).is_err());
    let unseen = rollout(json!({}), json!({"observedGeneration": "4"}));
    assert!(sent(Verb::Abort, &unseen).is_err());
}

#[test]
fn an_undo_takes_the_label_of_the_controller_out_of_the_template() {
    let template = json!({"metadata": {"labels": {"app": "api", "rollouts-pod-template-hash": "old"}}, "spec": {"containers": []}});
    let sent = undo("107", template);
    assert_eq!(sent[0]["value"], "107");
    assert_eq!(
        sent[1]["value"]["metadata"]["labels"],
        json!({"app": "api"})
    );
}
