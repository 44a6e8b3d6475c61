//! Writes to deployments, autoscalers, nodes and pods over HTTP: what is sent, and what a conflict, a refusal or a silence becomes.

use std::sync::Arc;

use pilothouse::{
    provider::{ask::Ask, live::send, write::Write},
    resources::{
        Change, ErrorClass, Source, Wanted,
        change::{Alter, ApplyError, Fate, Receipt},
        clusters::node,
        deployments::{self, At, Floor, Version},
        rehearsal::Rehearsal,
    },
};
use serde_json::{Value, json};

use super::watches::{Console, stuck};
use crate::wire::{Wire, kubernetes::KubernetesApi, token};

const REGION: &str = "eu-west-1";
const API: &str = "/apis/apps/v1/namespaces/shop/deployments/api";
const SCALER: &str = "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers/api-scaler";
const NODE: &str = "/api/v1/nodes/node-1";

fn at() -> At {
    At {
        region: Wire::place(REGION).region().unwrap().clone(),
        cluster: "prod".to_owned(),
        namespace: "shop".to_owned(),
        name: "api".to_owned(),
    }
}

fn version(number: u64, set: &str) -> Version {
    Version {
        number,
        replica_set: set.to_owned(),
        image: "shop/api:v1".to_owned(),
    }
}

/// From the revision that is stuck to the one before it.
fn back() -> Change {
    Change::Deployments(deployments::Change::Revise {
        at: at(),
        from: version(2, "api-bbb"),
        to: version(1, "api-aaa"),
    })
}

fn pause(from: bool, to: bool) -> Change {
    Change::Deployments(deployments::Change::Pause { at: at(), from, to })
}

fn floor(from: Floor, to: Floor) -> Change {
    Change::Deployments(deployments::Change::Scale {
        at: at(),
        autoscaler: "api-scaler".to_owned(),
        from,
        to,
    })
}

fn node_at() -> node::At {
    node::At {
        region: Wire::place(REGION).region().unwrap().clone(),
        cluster: "prod".to_owned(),
        node: "node-1".to_owned(),
    }
}

fn evict() -> Change {
    Change::Nodes(node::Change::Evict {
        at: node_at(),
        namespace: "shop".to_owned(),
        pod: "api-aaa-1".to_owned(),
        uid: "1".to_owned(),
    })
}

/// A console that watches one cluster in which a roll-out is stuck.
async fn watching() -> (KubernetesApi, Console) {
    let api = KubernetesApi::start().await;
    stuck(&api);
    api.put(
        "/api/v1/nodes",
        json!({"metadata": {"name": "node-1"}, "spec": {}, "status": {}}),
    );
    let console = Console::of(&[("prod", &api)]);
    console.first().await;
    (api, console)
}

async fn apply(console: &Console, change: &Change) -> Result<Receipt, ApplyError> {
    let (estate, place, token) = (Wire::estate(&[REGION]), Wire::place(REGION), token());
    let ask = Ask::new(&estate, &place, console.config.clone());
    let ask = ask.remembering(Arc::clone(&console.memory));
    send(&Write::new(ask, &token), change).await
}

async fn rehearse(console: &Console, change: &Change) -> Rehearsal {
    let (estate, place) = (Wire::estate(&[REGION]), Wire::place(REGION));
    let ask = Ask::new(&estate, &place, console.config.clone());
    let ask = ask.remembering(Arc::clone(&console.memory));
    Rehearsal::of(send(&Write::rehearsal(ask), change).await)
}

fn told(result: Result<Receipt, ApplyError>) -> (Fate, ErrorClass) {
    let error = result.unwrap_err();
    (error.fate, error.error.class)
}

fn sent(api: &KubernetesApi) -> Vec<(String, Value)> {
    let patches = api.patches().into_iter();
    patches
        .map(|(path, kind, body)| (format!("{path} {kind}"), body))
        .collect()
}

#[tokio::test]
async fn a_roll_back_replaces_the_template_as_a_whole_and_carries_the_version() {
    let (api, console) = watching().await;
    let receipt = apply(&console, &back()).await.unwrap();
    assert!(receipt.reference.unwrap().ends_with(&format!("{API} prod")));
    let sent = sent(&api);
    assert_eq!(sent.len(), 1, "{sent:?}");
    assert_eq!(
        sent[0].0,
        format!("{API}?fieldManager=pilothouse application/json-patch+json")
    );
    let operations = sent[0].1.as_array().unwrap();
    assert_eq!(operations[0]["path"], "/metadata/resourceVersion");
    assert_eq!(operations[1]["path"], "/spec/template");
    let template = api.object("/apis/apps/v1/deployments", "api")["spec"]["template"].clone();
    assert_eq!(template["spec"]["containers"][0]["image"], "shop/api:v1");
    assert_eq!(template.pointer("/metadata/labels/pod-template-hash"), None);
    // Nothing of the newer template is left: the sidecar was only in that.
    assert_eq!(template["spec"]["containers"].as_array().unwrap().len(), 1);
}

/// The main container gets another image.
fn image(from: &str, to: &str) -> Change {
    Change::Deployments(deployments::Change::Image {
        at: at(),
        container: "app".to_owned(),
        from: from.to_owned(),
        to: to.to_owned(),
    })
}

#[tokio::test]
async fn another_image_changes_nothing_else_and_tests_what_it_replaces() {
    let (api, console) = watching().await;
    let present = api.object("/apis/apps/v1/deployments", "api")["spec"]["template"].clone();
    let containers = present["spec"]["containers"].as_array().unwrap();
    let index = containers.iter().position(|c| c["name"] == "app").unwrap();
    let from = containers[index]["image"].as_str().unwrap();
    // What runs is another image than the plan was made for: nothing is sent.
    assert_eq!(
        told(apply(&console, &image("shop/api:v0", "shop/api:v3")).await),
        (Fate::NotSent, ErrorClass::Conflict)
    );
    assert_eq!(api.patches(), []);
    let change = image(from, "shop/api:v3");
    apply(&console, &change).await.unwrap();
    let sent = sent(&api);
    assert_eq!(sent.len(), 1, "{sent:?}");
    let path = format!("/spec/template/spec/containers/{index}/image");
    assert_eq!(
        sent[0].1[1],
        json!({"op": "test", "path": path, "value": from})
    );
    assert_eq!(sent[0].1[2]["path"], "/metadata/resourceVersion");
    let mut expected = present.clone();
    expected["spec"]["containers"][index]["image"] = json!("shop/api:v3");
    let now = api.object("/apis/apps/v1/deployments", "api")["spec"]["template"].clone();
    assert_eq!(now, expected);
    // Somebody who is faster is a conflict.
    api.race(API);
    let again = apply(&console, &image("shop/api:v3", "shop/api:v4")).await;
    assert!(matches!(told(again).1, ErrorClass::Conflict));
}

#[tokio::test]
async fn somebody_who_was_faster_is_a_conflict_and_a_lost_answer_a_doubt() {
    let (api, console) = watching().await;
    for (change, path) in [
        (back(), API),
        (pause(false, true), API),
        (
            floor(Floor { min: 1, max: 2 }, Floor { min: 4, max: 4 }),
            SCALER,
        ),
    ] {
        api.race(path);
        assert_eq!(
            told(apply(&console, &change).await),
            (Fate::Refused, ErrorClass::Conflict),
            "{}",
            change.operation()
        );
    }
    // The connection ends without an answer.
    api.swallow(API);
    assert_eq!(
        told(apply(&console, &pause(false, true)).await),
        (Fate::InDoubt, ErrorClass::Unreachable)
    );
    // It was done all the same: a read tells.
    assert_eq!(
        api.object("/apis/apps/v1/deployments", "api")["spec"]["paused"],
        true
    );
}

#[tokio::test]
async fn what_is_not_as_expected_is_not_sent_at_all() {
    let (api, console) = watching().await;
    let other = Change::Deployments(deployments::Change::Revise {
        at: at(),
        from: version(1, "api-aaa"),
        to: version(2, "api-bbb"),
    });
    let gone = Change::Deployments(deployments::Change::Revise {
        at: at(),
        from: version(2, "api-bbb"),
        to: version(9, "api-zzz"),
    });
    let uncordon = Change::Nodes(node::Change::Cordon {
        at: node_at(),
        from: true,
        to: false,
    });
    for (change, class) in [
        (pause(true, false), ErrorClass::Conflict),
        (other, ErrorClass::Conflict),
        (gone, ErrorClass::NotFound),
        (
            floor(Floor { min: 2, max: 9 }, Floor { min: 4, max: 9 }),
            ErrorClass::Conflict,
        ),
        (uncordon, ErrorClass::Conflict),
    ] {
        assert_eq!(
            told(apply(&console, &change).await),
            (Fate::NotSent, class),
            "{change:?}"
        );
    }
    assert_eq!(api.patches(), []);
}

#[tokio::test]
async fn refusals_of_a_patch_are_told_as_what_they_are() {
    for (status, expected) in [
        (403, (Fate::Refused, ErrorClass::Denied)),
        (404, (Fate::Refused, ErrorClass::NotFound)),
        (409, (Fate::Refused, ErrorClass::Conflict)),
        (429, (Fate::Refused, ErrorClass::Throttled)),
        (500, (Fate::InDoubt, ErrorClass::Transient)),
    ] {
        let (api, console) = watching().await;
        api.refuse_patches(API, status);
        assert_eq!(told(apply(&console, &back()).await), expected, "{status}");
    }
}

#[tokio::test]
async fn an_eviction_asks_the_budgets_and_names_one_pod() {
    let (api, console) = watching().await;
    let cordon = Change::Nodes(node::Change::Cordon {
        at: node_at(),
        from: false,
        to: true,
    });
    apply(&console, &cordon).await.unwrap();
    assert_eq!(
        api.object("/api/v1/nodes", "node-1")["spec"]["unschedulable"],
        true
    );
    assert!(sent(&api)[0].0.starts_with(NODE));
    api.evictions(&[429, 500, 201, 404]);
    assert_eq!(
        told(apply(&console, &evict()).await),
        (Fate::Refused, ErrorClass::Throttled)
    );
    // Two budgets for one pod: the API cannot tell which counts.
    assert_eq!(
        told(apply(&console, &evict()).await),
        (Fate::Refused, ErrorClass::Terminal)
    );
    apply(&console, &evict()).await.unwrap();
    // It went by itself.
    apply(&console, &evict()).await.unwrap();
    let bodies = api.evicted();
    assert_eq!(bodies.len(), 4);
    assert_eq!(bodies[0]["kind"], "Eviction");
    assert_eq!(bodies[0]["deleteOptions"]["preconditions"]["uid"], "1");
}

#[tokio::test]
async fn a_read_past_the_watch_says_whether_the_watch_has_what_was_written() {
    let (api, mut console) = watching().await;
    let receipt = apply(&console, &pause(false, true)).await.unwrap();
    console.query.wanted = Wanted::Reference(receipt.reference.unwrap());
    assert_eq!(console.query.source, Source::Deployments);
    let answer = console.read().await.unwrap();
    assert_eq!(answer.in_sync, Some(true));
    // A read that is refused is no answer at all.
    api.refuse(API, 500, 1);
    assert!(console.read().await.is_err());
}

#[tokio::test]
async fn a_rehearsal_is_judged_like_the_change_and_kept_nowhere() {
    let (api, console) = watching().await;
    let object = || api.object("/apis/apps/v1/deployments", "api");
    let before = object();
    let change = image("shop/api:v2", "shop/api:v3");
    for change in [&change, &back(), &pause(false, true)] {
        assert_eq!(rehearse(&console, change).await, Rehearsal::Accepted);
    }
    assert_eq!(object(), before);
    let dry = |(call, _): &(String, Value)| call.contains("&dryRun=All ");
    assert!(sent(&api).iter().all(dry), "{:?}", sent(&api));
    // The change itself says nothing of the kind, and is kept.
    apply(&console, &change).await.unwrap();
    assert_eq!(sent(&api).iter().filter(|call| !dry(call)).count(), 1);
    assert_ne!(object(), before);
}

#[tokio::test]
async fn what_would_be_refused_is_known_before_anything_is_changed() {
    let (api, console) = watching().await;
    let change = pause(false, true);
    for (status, refused) in [
        (403, true),
        (422, true),
        (409, true),
        (429, false),
        (500, false),
    ] {
        api.refuse_patches(API, status);
        match rehearse(&console, &change).await {
            Rehearsal::Refused(error) => assert!(refused, "{status}: {error}"),
            Rehearsal::Unheard(error) => assert!(!refused, "{status}: {error}"),
            Rehearsal::Accepted => panic!("{status} is no yes"),
        }
    }
    let drifted = rehearse(&console, &pause(true, false)).await;
    assert!(matches!(drifted, Rehearsal::Refused(_)), "{drifted:?}");
}

#[tokio::test]
async fn an_eviction_is_rehearsed_against_the_budgets_and_nobody_is_evicted() {
    let (api, console) = watching().await;
    assert_eq!(rehearse(&console, &evict()).await, Rehearsal::Accepted);
    assert_eq!(api.evicted(), Vec::<Value>::new());
    api.evictions(&[429]);
    let told = rehearse(&console, &evict()).await;
    assert!(
        matches!(told, Rehearsal::Refused(_) | Rehearsal::Unheard(_)),
        "{told:?}"
    );
}
