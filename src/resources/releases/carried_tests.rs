//! Services that a Rollout or a Canary carries: one service and one stage, whatever stands behind it, and every word of its controller a state of the board.

use serde_json::{Value, json};

use super::*;
use crate::resources::{
    Rows, Source,
    deployments::{At, Deployment},
    fixtures as f,
    traffic::Rollout,
};

const EU: &str = "eu";

/// A region with these rollouts and deployments, and what the board says of it.
fn board(rollouts: &[Rollout], deployments: Vec<Deployment>) -> (Fleet, Vec<Release>) {
    let mut fleet = f::fleet(&[EU]);
    let place = f::place(EU);
    let rows = Rows::Deployments(deployments);
    f::answer(&mut fleet, Source::Deployments, &place, 5, rows);
    f::rollouts(&mut fleet, &place, rollouts);
    let all = all(&fleet);
    (fleet, all)
}

fn stage(rollout: &Value) -> Stage {
    let (_, mut all) = board(&[f::rollout(rollout)], Vec::new());
    assert_eq!(all.len(), 1);
    all.remove(0).stages.remove(0)
}

fn words(stage: &Stage) -> String {
    match &stage.state {
        State::Held { why } | State::Unknown { why } | State::Breached { why } => {
            format!("{}: {why}", stage.state.word())
        }
        State::RollingOut { how_far } => format!("rolls out: {how_far}"),
        State::NotYet | State::Soaking { .. } | State::Done => stage.state.word().to_owned(),
    }
}

#[test]
fn each_word_of_argo_rollouts_is_a_state_of_the_board() {
    let clock = f::ago(600).strftime("%H:%MZ").to_string();
    let cases = [
        (
            json!({}),
            format!("rolls out: 20 %, waits at step 2 of 4 (pause) since {clock}"),
        ),
        (
            json!({"wait_seconds": 900, "step_words": "pause 15m"}),
            format!(
                "rolls out: 20 %, waits at step 2 of 4 (pause 15m) since {clock}, goes on in 5 min"
            ),
        ),
        (
            json!({"suspended": true}),
            "held: paused by somebody at 20 %, step 2 of 4 (pause)".to_owned(),
        ),
        (
            json!({"waits": ["InconclusiveAnalysisRun"], "analyses": ["errors Inconclusive"]}),
            format!(
                "held: its analysis is inconclusive at 20 % since {clock}: errors Inconclusive"
            ),
        ),
        (
            json!({"waits": [], "phase": "Progressing", "step": 2, "step_words": "setWeight 50", "weight": 50.0}),
            "rolls out: 50 %, step 3 of 4 (setWeight 50)".to_owned(),
        ),
        (
            json!({"waits": [], "phase": "Progressing", "step": 1, "weight": 25.0, "troubles": [
                {"reason": "Unschedulable", "pods": 2, "current": true, "message": null},
                {"reason": "CrashLoopBackOff", "pods": 1, "current": true, "message": "back-off 40s"}]}),
            "breached: at 25 %: CrashLoopBackOff in 1 pod: back-off 40s".to_owned(),
        ),
        (
            json!({"stable": "bbb", "waits": [], "phase": "Progressing",
                "troubles": [{"reason": "OOMKilled", "pods": 3, "current": true, "message": null}]}),
            "breached: OOMKilled in 3 pods".to_owned(),
        ),
        (
            json!({"aborted": true, "phase": "Degraded", "message": "RolloutAborted: metric errors"}),
            "breached: Degraded: RolloutAborted: metric errors".to_owned(),
        ),
        (
            json!({"observed": false}),
            "rolls out: its controller has not seen it yet".to_owned(),
        ),
        (
            json!({"heard_at": f::ago(9_000)}),
            "unknown: its cluster is not heard".to_owned(),
        ),
    ];
    for (change, expected) in cases {
        let stage = stage(&change);
        assert_eq!(words(&stage), expected, "{change}");
        assert_eq!(
            (stage.complete(), stage.sender.as_deref()),
            (false, Some("Rollout shop/checkout"))
        );
    }
}

#[test]
fn one_that_is_stable_soaks_since_its_controller_said_so() {
    let done =
        json!({"stable": "bbb", "waits": [], "phase": "Healthy", "completed_at": f::ago(120)});
    let stage = stage(&done);
    assert_eq!(
        (stage.runs.as_str(), stage.since),
        ("v2", Some(f::ago(120)))
    );
    assert!(stage.complete(), "{stage:?}");
}

/// A deployment by its name, image and pods.
fn deployment(name: &str, version: &str, pods: i32, more: &Value) -> Deployment {
    let mut base = json!({
        "name": name, "heard_at": f::ago(5),
        "containers": [{"name": "app", "image": format!("registry/shop/checkout:{version}"), "digest": null}],
        "replicas": {"desired": pods, "total": pods, "updated": pods, "ready": pods, "available": pods},
    });
    for (key, value) in more.as_object().unwrap() {
        base[key] = value.clone();
    }
    f::deployment(&base)
}

#[test]
fn the_deployment_whose_template_a_rollout_takes_is_no_service_of_its_own() {
    let refers = json!({"image": null, "workload": {"name": "api", "seen": 4}});
    let behind = deployment("api", "v2", 0, &json!({}));
    let (fleet, all) = board(&[f::rollout(&refers)], vec![behind]);
    let names: Vec<&str> = all.iter().map(|release| release.name.as_str()).collect();
    assert_eq!(names, ["checkout"]);
    assert_eq!(all[0].version, "v2");
    assert_eq!(all[0].stable.as_deref(), Some("v1"));
    let at = At {
        region: f::label(EU),
        cluster: "prod".to_owned(),
        namespace: "shop".to_owned(),
        name: "api".to_owned(),
    };
    let found = carrier::behind(&fleet, &at).unwrap();
    assert_eq!(
        found.name(),
        "checkout",
        "an edit of it is an edit of the service"
    );
    // Its controller has not looked at the newest template yet.
    let newer = deployment(
        "api",
        "v3",
        0,
        &json!({"generation": 5, "observed_generation": 5}),
    );
    let (_, all) = board(&[f::rollout(&refers)], vec![newer]);
    assert_eq!(
        words(&all[0].stages[0]),
        "rolls out: its controller has not seen it yet"
    );
}

/// A Canary whose target and primary have these versions.
fn flagged(canary: &Value, target: &str, primary: &str) -> Release {
    let mut base = json!({
        "name": {"cluster": "prod", "tool": "flagger", "namespace": "shop", "name": "checkout"},
        "phase": "Succeeded", "step": null, "steps": 0, "step_words": null, "waits": [], "weight": 0.0, "image": null,
        "revisions": [], "workload": {"name": "checkout", "seen": null}, "waits_since": f::ago(120), "completed_at": null,
    });
    for (key, value) in canary.as_object().unwrap() {
        base[key] = value.clone();
    }
    let two = vec![
        deployment("checkout", target, 0, &json!({})),
        deployment(
            "checkout-primary",
            primary,
            6,
            &json!({"owner": {"by": "Canary", "name": "checkout", "reverts": true}}),
        ),
    ];
    let (_, mut all) = board(&[f::rollout(&base)], two);
    assert_eq!(all.len(), 1, "target and primary are one service");
    all.remove(0)
}

#[test]
fn each_phase_of_a_canary_is_a_state_of_one_service() {
    let going = |phase: &str| json!({"phase": phase, "weight": 30.0, "failed_checks": 1});
    let cases = [
        (
            json!({"completed_at": f::ago(120)}),
            "v1",
            "unknown: no load balancer and no Prometheus tells about eu",
        ),
        (json!({}), "v2", "rolls out: Flagger has not seen it yet"),
        (json!({"suspended": true}), "v2", "held: suspended at 0 %"),
        (
            json!({"phase": "Initializing"}),
            "v2",
            "rolls out: Flagger makes its primary",
        ),
        (
            json!({"phase": "Waiting"}),
            "v2",
            "rolls out: waits until its gate lets it begin, for 2 min",
        ),
        (
            going("Progressing"),
            "v2",
            "rolls out: 30 %, 1 check failed",
        ),
        (
            going("WaitingPromotion"),
            "v2",
            "rolls out: waits at 30 %, 1 check failed until its gate promotes it, for 2 min",
        ),
        (going("Promoting"), "v2", "rolls out: is made the primary"),
        (going("Finalising"), "v2", "rolls out: is made the primary"),
        (
            json!({"phase": "Failed", "message": "Canary analysis failed"}),
            "v2",
            "breached: Failed: Canary analysis failed",
        ),
        (
            json!({"phase": "Terminated"}),
            "v2",
            "unknown: its Canary is Terminated",
        ),
        (
            json!({"phase": "Sideways"}),
            "v2",
            "unknown: its Canary is Sideways",
        ),
    ];
    for (canary, target, expected) in cases {
        let release = flagged(&canary, target, "v1");
        assert_eq!(release.version, target);
        let stage = &release.stages[0];
        assert!(
            words(stage) == expected || stage.complete(),
            "{canary}: {}",
            words(stage)
        );
        assert_eq!(stage.sender.as_deref(), Some("Canary shop/checkout"));
    }
}

#[test]
fn what_is_derived_says_from_what_and_where() {
    use crate::resources::cell::Show;
    let (fleet, all) = board(&[f::rollout(&json!({}))], Vec::new());
    let sources: Vec<Source> = all[0]
        .sources(&fleet)
        .into_iter()
        .map(|(source, _)| source)
        .collect();
    assert_eq!(
        sources,
        [Source::Deployments, Source::Rollouts, Source::Metrics]
    );
}
