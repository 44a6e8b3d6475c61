//! Do objects of both tools become what their controllers mean, also where fields are missing?

use serde_json::json;

use super::{super::assembly::live::of_argo, *};

fn argo(object: Value) -> Rollout {
    of_argo("eu", &serde_json::from_value(object).unwrap(), None)
}

#[test]
fn the_share_is_what_the_router_was_told_or_else_what_the_steps_say() {
    let steps = json!([{"setWeight": 10}, {"pause": {"duration": "5m"}}, {"setWeight": 40}]);
    let of = |status: Value| {
        argo(
            json!({"metadata": {"name": "api", "namespace": "shop"}, "spec": {"strategy": {"canary": {"steps": steps}}}, "status": status}),
        )
    };
    let versions =
        |index: i64| json!({"currentPodHash": "new", "stableRS": "old", "currentStepIndex": index});
    let at = |index| of(versions(index));
    assert_eq!(
        (at(0).weight, at(1).weight, at(2).weight, at(3).weight),
        (10.0, 10.0, 40.0, 100.0)
    );
    assert_eq!(at(1).step_words.as_deref(), Some("pause 5m"));
    let mut told = versions(2);
    told["canary"] = json!({"weights": {"canary": {"weight": 25}, "stable": {"weight": 75}}});
    assert_eq!(of(told).weight, 25.0);
    let mut aborted = versions(0);
    aborted["abort"] = json!(true);
    assert_eq!(of(aborted).weight, 0.0);
    assert_eq!(
        of(json!({"currentPodHash": "x", "stableRS": "x", "currentStepIndex": 3})).weight,
        0.0
    );
}

#[test]
fn a_rollout_without_anything_is_not_known_rather_than_fine() {
    let seen = argo(json!({"metadata": {"name": "api", "namespace": "shop"}, "status": null}));
    assert_eq!(
        (seen.phase.as_str(), seen.step, seen.steps),
        ("Unknown", None, 0)
    );
    assert!(!seen.under_way() && seen.observed);
}

#[test]
fn a_canary_of_flagger_tells_its_checks() {
    let object = json!({
        "metadata": {"name": "api", "namespace": "shop"},
        "spec": {"suspend": true, "targetRef": {"kind": "Deployment", "name": "api"}},
        "status": {"phase": "Progressing", "canaryWeight": 15, "failedChecks": 2, "iterations": 0, "lastAppliedSpec": "b", "lastPromotedSpec": "a",
            "conditions": [{"type": "Promoted", "status": "Unknown", "reason": "Progressing", "message": "New revision detected"}]},
    });
    let seen = of_flagger("eu", &serde_json::from_value(object).unwrap(), None);
    assert_eq!(
        (seen.weight, seen.failed_checks, seen.suspended),
        (15.0, 2, true)
    );
    assert_eq!(seen.words(), "Progressing, suspended");
    assert!(seen.under_way());
}

#[test]
fn the_routes_that_a_rollout_moves_are_known_by_istio_and_by_the_plugin() {
    let routing = json!({
        "istio": {"virtualService": {"name": "a", "routes": ["primary"]}, "virtualServices": [{"name": "b"}]},
        "plugins": {"argoproj-labs/gatewayAPI": {"httpRoute": "c", "httpRoutes": [{"name": "d"}], "grpcRoutes": [{"name": "e"}], "namespace": "edge"}},
    });
    let edge = || Some("edge".to_owned());
    let found = routes(&routing);
    let expected = [
        ("virtualservices", None, "a"),
        ("virtualservices", None, "b"),
        ("httproutes", edge(), "c"),
        ("httproutes", edge(), "d"),
        ("grpcroutes", edge(), "e"),
    ];
    assert_eq!(
        found,
        expected.map(|(plural, namespace, name)| (plural, namespace, name.to_owned()))
    );
    assert!(routes(&Value::Null).is_empty());
}
