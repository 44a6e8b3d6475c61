//! Rollouts of a Kubernetes API over HTTP: what each way of steering sends, and that nothing is sent to another version of the object.

use std::sync::Arc;

use aws_config::{Region, SdkConfig};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use pilothouse::{
    provider::{ask::Ask, memory::Memory, write::Write},
    resources::{
        Answer, ErrorClass, ProviderError, Query, Rows, Source, Wanted,
        change::{ApplyError, Fate, Receipt},
        traffic::{
            self, Change, Mechanism, Rollout,
            rollouts::{Image, RolloutName, Steering, Tool, Verb},
        },
    },
};
use serde_json::json;

use crate::wire::{Wire, kubernetes::KubernetesApi, token};

const REGION: &str = "eu-west-1";
const LIST: &str = "/apis/argoproj.io/v1alpha1/rollouts";
const OBJECT: &str = "/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts/api";
const SETS: &str = "/apis/apps/v1/namespaces/shop/replicasets";

/// A console that watches a cluster called `prod`.
struct Console {
    config: SdkConfig,
    memory: Arc<Memory>,
    servers: Wanted,
}

impl Console {
    fn of(api: &KubernetesApi) -> Self {
        let credentials = Credentials::new("AKIDWIRE", "secret", None, None, "wire");
        Self {
            config: SdkConfig::builder()
                .region(Region::from_static(REGION))
                .credentials_provider(SharedCredentialsProvider::new(credentials))
                .build(),
            memory: Arc::default(),
            servers: Wanted::ApiServers(vec![api.server("prod")]),
        }
    }

    async fn observe(&self, wanted: Wanted, read: u64) -> Result<Answer, ProviderError> {
        let (estate, place) = (Wire::estate(&[REGION]), Wire::place(REGION));
        let query = Query {
            source: Source::Rollouts,
            place: place.clone(),
            wanted,
            read,
        };
        let ask = Ask::new(&estate, &place, self.config.clone());
        let ask = ask.remembering(Arc::clone(&self.memory));
        traffic::live::observe(ask, &query).await
    }

    /// A poll.
    async fn poll(&self) -> Result<Answer, ProviderError> {
        self.observe(self.servers.clone(), 0).await
    }

    async fn apply(&self, change: &Change) -> Result<Receipt, ApplyError> {
        let (estate, place, token) = (Wire::estate(&[REGION]), Wire::place(REGION), token());
        let ask = Ask::new(&estate, &place, self.config.clone());
        let ask = ask.remembering(Arc::clone(&self.memory));
        traffic::live::apply(&Write::new(ask, &token), change).await
    }
}

fn rollout(answer: &Answer) -> Rollout {
    let Rows::Traffic(rows) = &answer.rows else {
        panic!("traffic: {answer:?}");
    };
    match &rows.first().expect("a rollout").by {
        Mechanism::Rollout(version) => version.rollout.clone(),
        other => panic!("a rollout: {other:?}"),
    }
}

fn steer(verb: Verb) -> Change {
    Change::Steer(Steering {
        region: Wire::place(REGION).region().unwrap().clone(),
        rollout: RolloutName {
            cluster: "prod".to_owned(),
            tool: Tool::ArgoRollouts,
            namespace: "shop".to_owned(),
            name: "api".to_owned(),
        },
        verb,
        step: Some(1),
        steps: 3,
        current: "new".to_owned(),
        stable: "old".to_owned(),
    })
}

/// A cluster with one Rollout that waits at its second step, and a console that has seen it.
async fn shop() -> (KubernetesApi, Console) {
    let api = KubernetesApi::start().await;
    api.install("argoproj.io", &["v1alpha1"]);
    api.put(LIST, json!({"metadata": {"name": "api", "namespace": "shop", "generation": 4},
        "spec": {"strategy": {"canary": {"steps": [{"setWeight": 20}, {"pause": {}}, {"setWeight": 60}]}}, "template": {"spec": {"image": "new"}}},
        "status": {"phase": "Paused", "observedGeneration": "4", "currentStepIndex": 1, "currentPodHash": "new", "stableRS": "old",
            "controllerPause": true, "pauseConditions": [{"reason": "CanaryPauseStep"}]}}));
    let console = Console::of(&api);
    let answer = console.poll().await.unwrap();
    let seen = rollout(&answer);
    assert_eq!(
        (seen.weight, seen.words().as_str()),
        (20.0, "Paused at step 2 of 3 (pause)")
    );
    (api, console)
}

#[tokio::test]
async fn what_is_said_to_the_controller_goes_to_the_status_with_the_version_that_was_read() {
    let (api, console) = shop().await;
    let version = api.object(LIST, "api")["metadata"]["resourceVersion"].clone();
    let receipt = console.apply(&steer(Verb::Promote)).await.unwrap();
    let patches = api.patches();
    let (target, content_type, body) = &patches[0];
    assert_eq!(target, &format!("{OBJECT}/status?fieldManager=pilothouse"));
    assert_eq!(content_type, "application/merge-patch+json");
    assert_eq!(
        body,
        &json!({"metadata": {"resourceVersion": version}, "status": {"pauseConditions": null}})
    );
    assert_eq!(
        api.object(LIST, "api")["status"].get("pauseConditions"),
        None
    );
    let answer = console
        .observe(Wanted::Reference(receipt.reference.unwrap()), 9)
        .await
        .unwrap();
    assert!(rollout(&answer).waits.is_empty());
}

#[tokio::test]
async fn a_rollout_that_went_on_is_not_steered_and_one_that_changes_meanwhile_is_a_conflict() {
    let (api, console) = shop().await;
    let mut object = api.object(LIST, "api");
    object["status"]["currentStepIndex"] = json!(2);
    api.put(LIST, object);
    let error = console.apply(&steer(Verb::Promote)).await.unwrap_err();
    assert_eq!(
        (error.fate, error.error.class),
        (Fate::NotSent, ErrorClass::Conflict)
    );
    assert!(api.patches().is_empty());
    let (api, console) = shop().await;
    api.race(&format!("{OBJECT}/status"));
    let error = console.apply(&steer(Verb::Abort)).await.unwrap_err();
    assert_eq!(
        (error.fate, error.error.class),
        (Fate::Refused, ErrorClass::Conflict)
    );
    assert_eq!(api.patches().len(), 1);
}

#[tokio::test]
async fn an_undo_puts_the_template_of_the_stable_replica_set_back() {
    let (api, console) = shop().await;
    let labels = json!({"app": "api", "rollouts-pod-template-hash": "old"});
    api.put(
        SETS,
        json!({"metadata": {"name": "api-old", "namespace": "shop"},
        "spec": {"template": {"metadata": {"labels": labels}, "spec": {"image": "old"}}}}),
    );
    console.apply(&steer(Verb::Undo)).await.unwrap();
    let template = &api.object(LIST, "api")["spec"]["template"];
    assert_eq!(
        template,
        &json!({"metadata": {"labels": {"app": "api"}}, "spec": {"image": "old"}})
    );
    assert_eq!(
        api.patches()[0].0,
        format!("{OBJECT}?fieldManager=pilothouse")
    );
}

/// The main container of the template gets another image.
fn image(from: &str, to: &str) -> Change {
    steer(Verb::Image(Box::new(Image {
        container: "app".to_owned(),
        from: from.to_owned(),
        to: to.to_owned(),
    })))
}

/// The same cluster, whose Rollout has nothing on its way and a sidecar before its own container.
async fn resting() -> (KubernetesApi, Console) {
    let (api, console) = shop().await;
    let mut object = api.object(LIST, "api");
    object["spec"]["template"] = json!({"spec": {"containers": [
        {"name": "istio-proxy", "image": "istio:1"}, {"name": "app", "image": "shop/api:v1", "env": [{"name": "A", "value": "1"}]}]}});
    object["metadata"]["uid"] = json!("u1");
    object["status"] = json!({"phase": "Healthy", "observedGeneration": "4", "currentStepIndex": 3, "currentPodHash": "old", "stableRS": "old",
        "conditions": [{"type": "Completed", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}]});
    api.put(LIST, object);
    (api, console)
}

#[tokio::test]
async fn another_version_is_one_image_in_its_own_template_and_tests_what_it_replaces() {
    let (api, console) = resting().await;
    let version = api.object(LIST, "api")["metadata"]["resourceVersion"].clone();
    console
        .apply(&image("shop/api:v1", "shop/api:v2"))
        .await
        .unwrap();
    let patches = api.patches();
    let (target, content_type, body) = &patches[0];
    assert_eq!(target, &format!("{OBJECT}?fieldManager=pilothouse"));
    assert_eq!(content_type, "application/json-patch+json");
    assert_eq!(
        body[0],
        json!({"op": "replace", "path": "/metadata/resourceVersion", "value": version})
    );
    assert_eq!(
        body[2],
        json!({"op": "test", "path": "/spec/template/spec/containers/1/image", "value": "shop/api:v1"})
    );
    let containers = api.object(LIST, "api")["spec"]["template"]["spec"]["containers"].clone();
    assert_eq!(
        containers[1],
        json!({"name": "app", "image": "shop/api:v2", "env": [{"name": "A", "value": "1"}]})
    );
    assert_eq!(containers[0]["image"], "istio:1");
}

#[tokio::test]
async fn a_version_that_is_not_the_expected_one_is_not_replaced() {
    let (api, console) = resting().await;
    let error = console
        .apply(&image("shop/api:v0", "shop/api:v2"))
        .await
        .unwrap_err();
    assert_eq!(
        (error.fate, error.error.class),
        (Fate::NotSent, ErrorClass::Conflict)
    );
    let mut paused = api.object(LIST, "api");
    paused["spec"]["paused"] = json!(true);
    api.put(LIST, paused);
    let error = console
        .apply(&image("shop/api:v1", "shop/api:v2"))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("resume it first"), "{error}");
    assert!(api.patches().is_empty());
}

#[tokio::test]
async fn a_conflict_a_refusal_and_a_lost_answer_of_a_new_version_are_told_as_what_they_are() {
    let change = image("shop/api:v1", "shop/api:v2");
    let (api, console) = resting().await;
    api.race(OBJECT);
    let error = console.apply(&change).await.unwrap_err();
    assert_eq!(
        (error.fate, error.error.class),
        (Fate::Refused, ErrorClass::Conflict)
    );
    let (api, console) = resting().await;
    api.refuse_patches(OBJECT, 403);
    let error = console.apply(&change).await.unwrap_err();
    assert_eq!(
        (error.fate, error.error.class),
        (Fate::Refused, ErrorClass::Denied)
    );
    let (api, console) = resting().await;
    api.swallow(OBJECT);
    let error = console.apply(&change).await.unwrap_err();
    assert_eq!(
        (error.fate, error.error.class),
        (Fate::InDoubt, ErrorClass::Unreachable)
    );
    // It was done all the same: a read tells.
    let answer = console.observe(Wanted::Nothing, 9).await.unwrap();
    let image = rollout(&answer).image.unwrap();
    assert_eq!(image.image, "shop/api:v2");
}

/// The replica set of what it has.
fn old_set(api: &KubernetesApi) {
    let owner = json!([{"kind": "Rollout", "name": "api", "uid": "u1", "controller": true}]);
    api.put(
        "/apis/apps/v1/replicasets",
        json!({"metadata": {"name": "api-old", "namespace": "shop", "creationTimestamp": "2025-12-01T00:00:00Z", "ownerReferences": owner,
            "labels": {"rollouts-pod-template-hash": "old"}, "annotations": {"rollout.argoproj.io/revision": "7"}},
            "spec": {"replicas": 4, "template": {"spec": {"containers": [{"name": "app", "image": "shop/api:v1"}]}}}, "status": {"readyReplicas": 4}}),
    );
}

#[tokio::test]
async fn pods_of_its_version_that_fail_are_told_before_its_controller_does() {
    let (api, console) = resting().await;
    old_set(&api);
    let owner = json!([{"kind": "ReplicaSet", "name": "api-old", "uid": "u2", "controller": true}]);
    api.put(
        "/api/v1/pods",
        json!({"metadata": {"name": "api-old-1", "namespace": "shop", "ownerReferences": owner, "labels": {"rollouts-pod-template-hash": "old"}},
            "spec": {"containers": [{"name": "app", "image": "shop/api:v1"}]},
            "status": {"phase": "Running", "containerStatuses": [{"name": "app", "ready": false, "restartCount": 3,
                "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 40s"}}}]}}),
    );
    for _ in 0..100 {
        let seen = rollout(&console.poll().await.unwrap());
        if let Some(stuck) = seen.stuck() {
            assert!(stuck.starts_with("CrashLoopBackOff in 1 pod"), "{stuck}");
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("nothing is told about its pods");
}

#[tokio::test]
async fn its_replica_sets_are_its_versions_and_its_conditions_its_times() {
    let (api, console) = resting().await;
    old_set(&api);
    for _ in 0..100 {
        let seen = rollout(&console.poll().await.unwrap());
        if let [only] = seen.revisions.as_slice() {
            assert_eq!(
                (only.number, only.image.as_deref(), only.ready),
                (Some(7), Some("shop/api:v1"), 4)
            );
            assert_eq!(
                seen.completed_at.unwrap().to_string(),
                "2026-01-01T00:00:00Z"
            );
            assert_eq!(seen.image.unwrap().image, "shop/api:v1");
            return;
        }
        tokio::task::yield_now().await;
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("the watch has not told about its replica set");
}

#[tokio::test]
async fn an_undo_of_a_rollout_that_refers_to_a_deployment_goes_there() {
    let (api, console) = shop().await;
    let deployments = "/apis/apps/v1/deployments";
    api.put(deployments, json!({"metadata": {"name": "api", "namespace": "shop"}, "spec": {"template": {"spec": {"image": "new"}}}}));
    let mut object = api.object(LIST, "api");
    object["spec"]["workloadRef"] =
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"});
    api.put(LIST, object);
    api.put(
        SETS,
        json!({"metadata": {"name": "api-old", "namespace": "shop"},
        "spec": {"template": {"metadata": {"labels": {"app": "api", "rollouts-pod-template-hash": "old"}}, "spec": {"image": "old"}}}}),
    );
    console.apply(&steer(Verb::Undo)).await.unwrap();
    assert_eq!(
        api.patches()[0].0,
        "/apis/apps/v1/namespaces/shop/deployments/api?fieldManager=pilothouse"
    );
    let template = &api.object(deployments, "api")["spec"]["template"];
    assert_eq!(
        template,
        &json!({"metadata": {"labels": {"app": "api"}}, "spec": {"image": "old"}})
    );
}
