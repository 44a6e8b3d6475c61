//! Watches of a Kubernetes API over HTTP: what they gather, how they break, and how they go on. The provider's own loop and client, against a server that misbehaves.

use std::{sync::Arc, time::Duration};

use aws_config::{Region, SdkConfig};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use pilothouse::{
    provider::{ask::Ask, memory::Memory},
    resources::{
        Answer, Api, ErrorClass, ProviderError, Query, Rows, Source, Wanted,
        deployments::{self, Deployment, Part, Rollout},
    },
};
use serde_json::{Value, json};

use crate::wire::{Wire, kubernetes::KubernetesApi};

/// Longer than the busiest machine needs.
const DEADLINE: Duration = Duration::from_secs(300);
const REGION: &str = "eu-west-1";
const DEPLOYMENTS: &str = "/apis/apps/v1/deployments";
const REPLICA_SETS: &str = "/apis/apps/v1/replicasets";
const PODS: &str = "/api/v1/pods";
const SCALERS: &str = "/apis/autoscaling/v2/horizontalpodautoscalers";
const BUDGETS: &str = "/apis/policy/v1/poddisruptionbudgets";
const EVENTS: &str = "/api/v1/events";

/// A console that watches some clusters.
pub struct Console {
    pub config: SdkConfig,
    pub memory: Arc<Memory>,
    pub query: Query,
}

impl Console {
    pub fn of(apis: &[(&str, &KubernetesApi)]) -> Self {
        let credentials = Credentials::new("AKIDWIRE", "secret", None, None, "wire");
        Self {
            config: SdkConfig::builder()
                .region(Region::from_static(REGION))
                .credentials_provider(SharedCredentialsProvider::new(credentials))
                .build(),
            memory: Arc::default(),
            query: Query {
                source: Source::Deployments,
                place: Wire::place(REGION),
                wanted: Wanted::ApiServers(
                    apis.iter().map(|(name, api)| api.server(name)).collect(),
                ),
                read: 0,
            },
        }
    }

    pub async fn read(&self) -> Result<Answer, ProviderError> {
        let (estate, place) = (Wire::estate(&[REGION]), Wire::place(REGION));
        let ask = Ask::new(&estate, &place, self.config.clone());
        let ask = ask.remembering(Arc::clone(&self.memory));
        deployments::live::observe(ask, &self.query).await
    }

    /// Reads whenever there is news until what is read is as it should be. A test in which it never is fails by the deadline.
    pub async fn until<T>(&self, what: impl Fn(&Result<Answer, ProviderError>) -> Option<T>) -> T {
        let Wanted::ApiServers(servers) = &self.query.wanted else {
            panic!("no servers");
        };
        let clusters = self.memory.watches.of(servers, &self.config);
        let mut news: Vec<_> = clusters
            .iter()
            .map(|cluster| cluster.access.news())
            .collect();
        let reading = async {
            loop {
                if let Some(found) = what(&self.read().await) {
                    return found;
                }
                let changed = news.iter_mut().map(|news| Box::pin(news.changed()));
                futures::future::select_all(changed).await.0.unwrap();
            }
        };
        let found = tokio::time::timeout(DEADLINE, reading).await;
        found.expect("the console never shows it")
    }

    /// The first whole answer.
    pub async fn first(&self) -> Answer {
        let whole = |read: &Result<Answer, ProviderError>| {
            let answer = read.as_ref().ok()?;
            let known = rows(answer).iter().all(|row| row.unknown.is_empty());
            (known && !rows(answer).is_empty()).then(|| answer.clone())
        };
        self.until(whole).await
    }

    async fn image_of(&self, name: &str, tag: &str) {
        let is_it = |row: &&Deployment| row.name == name && row.main().unwrap().tag() == Some(tag);
        self.until(|read| rows(read.as_ref().ok()?).iter().find(is_it).map(|_| ()))
            .await;
    }
}

pub fn rows(answer: &Answer) -> &[Deployment] {
    match &answer.rows {
        Rows::Deployments(rows) => rows,
        other => panic!("deployments: {other:?}"),
    }
}

fn names(answer: &Answer) -> Vec<&str> {
    rows(answer).iter().map(|row| row.name.as_str()).collect()
}

fn classes(answer: &Answer) -> Vec<(ErrorClass, &str)> {
    let problems = answer.problems.iter();
    problems
        .map(|problem| (problem.class, problem.operation.as_str()))
        .collect()
}

fn deployment(name: &str, tag: &str) -> Value {
    json!({
        "metadata": {"name": name, "namespace": "shop", "uid": format!("uid-{name}"), "generation": 3,
            "annotations": {"deployment.kubernetes.io/revision": "2", "meta.helm.sh/release-name": "shop"}},
        "spec": {"replicas": 2, "selector": {"matchLabels": {"app": name}}, "template": {
            "metadata": {"labels": {"app": name}},
            "spec": {"containers": [{"name": "istio-proxy", "image": "proxy:1"}, {"name": "app", "image": format!("shop/{name}:{tag}")}]}}},
        "status": {"observedGeneration": 3, "replicas": 3, "updatedReplicas": 1, "readyReplicas": 2, "availableReplicas": 2,
            "conditions": [{"type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated", "message": null}]},
    })
}

fn replica_set(name: &str, hash: &str, revision: &str) -> Value {
    json!({"metadata": {"name": format!("{name}-{hash}"), "namespace": "shop", "uid": "x", "labels": {"pod-template-hash": hash},
            "annotations": {"deployment.kubernetes.io/revision": revision},
            "ownerReferences": [{"kind": "Deployment", "name": name, "uid": format!("uid-{name}")}]},
        "spec": {"replicas": 1, "template": {"spec": {"containers": [{"name": "app", "image": "shop/api:v1"}]}}}, "status": {"replicas": 1}})
}

fn pod(set: &str, id: &str, status: &Value) -> Value {
    let hash = set.rsplit('-').next().unwrap();
    json!({"metadata": {"name": format!("{set}-{id}"), "namespace": "shop", "uid": id, "labels": {"pod-template-hash": hash},
            "ownerReferences": [{"kind": "ReplicaSet", "name": set, "uid": "x"}]},
        "spec": {"nodeName": "node-1", "containers": []}, "status": status})
}

/// One roll-out that is stuck, with everything around it.
pub fn stuck(api: &KubernetesApi) {
    api.put(DEPLOYMENTS, deployment("api", "v2"));
    api.put(REPLICA_SETS, replica_set("api", "aaa", "1"));
    api.put(REPLICA_SETS, replica_set("api", "bbb", "2"));
    let ready = json!([{"type": "Ready", "status": "True"}]);
    let running = json!([{"name": "app", "ready": true, "restartCount": 1, "imageID": "eu/shop/api@sha256:old", "state": {"running": {}}}]);
    api.put(
        PODS,
        pod(
            "api-aaa",
            "1",
            &json!({"phase": "Running", "conditions": ready, "containerStatuses": running}),
        ),
    );
    let crashing = json!([{"name": "app", "ready": false, "restartCount": 7, "imageID": "eu/shop/api@sha256:new",
        "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s"}},
        "lastState": {"terminated": {"reason": "OOMKilled", "exitCode": 137}}}]);
    api.put(
        PODS,
        pod(
            "api-bbb",
            "2",
            &json!({"phase": "Running", "containerStatuses": crashing}),
        ),
    );
    api.put(SCALERS, json!({"metadata": {"name": "api-scaler", "namespace": "shop"},
        "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "api"}, "maxReplicas": 2},
        "status": {"currentReplicas": 2, "desiredReplicas": 2, "conditions": [{"type": "ScalingLimited", "status": "True", "reason": "TooManyReplicas"}]}}));
    api.put(BUDGETS, json!({"metadata": {"name": "api-budget", "namespace": "shop"},
        "spec": {"selector": {"matchExpressions": [{"key": "app", "operator": "In", "values": ["api"]}]}},
        "status": {"disruptionsAllowed": 0, "currentHealthy": 2, "desiredHealthy": 2}}));
    api.put(EVENTS, json!({"metadata": {"name": "api.1", "namespace": "shop"}, "type": "Warning", "reason": "BackOff",
        "involvedObject": {"kind": "Pod", "name": "api-bbb-2"}, "message": "Back-off restarting", "series": {"count": 9}}));
}

#[tokio::test]
async fn a_row_gathers_everything_that_belongs_to_a_deployment() {
    let api = KubernetesApi::start().await;
    stuck(&api);
    let console = Console::of(&[("prod", &api)]);
    let answer = console.first().await;
    assert_eq!(answer.problems, []);
    let row = &rows(&answer)[0];
    assert_eq!(
        (row.rollout(), row.restarts),
        (Rollout::Moving { done: 0, of: 2 }, Some(8))
    );
    let main = row.main().unwrap();
    assert_eq!(
        (main.name.as_str(), main.digest.as_deref()),
        ("app", Some("sha256:new"))
    );
    let revisions: Vec<_> = row
        .revisions
        .iter()
        .map(|revision| revision.number)
        .collect();
    assert_eq!(revisions, [Some(2), Some(1)]);
    assert_eq!(
        (row.troubles[0].reason.as_str(), row.troubles[0].current),
        ("OOMKilled", true)
    );
    let pods: Vec<_> = row
        .pods
        .iter()
        .map(|pod| (pod.name.as_str(), pod.ready, pod.current))
        .collect();
    assert_eq!(
        pods,
        [("api-bbb-2", false, true), ("api-aaa-1", true, false)]
    );
    assert!(row.autoscaler.as_ref().unwrap().exhausted());
    assert_eq!(row.budget.as_ref().unwrap().allowed, 0);
    assert_eq!(
        (row.warnings[0].object.as_str(), row.warnings[0].count),
        ("pod api-bbb-2", 9)
    );
    assert_eq!(row.owner.as_ref().unwrap().by, "Helm");
    assert!(row.heard_at.is_some() && row.unknown.is_empty());
    assert!(
        answer.calls[&Api::Kubernetes] >= 7,
        "one list of each kind: {:?}",
        answer.calls
    );
}

#[tokio::test]
async fn changes_arrive_by_themselves_and_a_watch_that_breaks_goes_on_where_it_was() {
    let api = KubernetesApi::start().await;
    for name in ["a", "b"] {
        api.put(DEPLOYMENTS, deployment(name, "v1"));
    }
    let console = Console::of(&[("prod", &api)]);
    assert_eq!(names(&console.first().await), ["a", "b"]);
    api.put(DEPLOYMENTS, deployment("a", "v2"));
    console.image_of("a", "v2").await;
    api.cut();
    api.put(DEPLOYMENTS, deployment("b", "v2"));
    console.image_of("b", "v2").await;
    api.delete(DEPLOYMENTS, "a");
    console
        .until(|read| (names(read.as_ref().ok()?) == ["b"]).then_some(()))
        .await;
    let asked = api.asked(DEPLOYMENTS);
    assert_eq!(asked[0], "list");
    assert!(
        asked[1..].iter().all(|call| call.starts_with("watch ")),
        "the list was read once: {asked:?}"
    );
    assert!(
        asked.len() >= 3,
        "the broken watch was begun again: {asked:?}"
    );
}

#[tokio::test]
async fn a_version_that_was_forgotten_is_answered_with_a_new_list() {
    let api = KubernetesApi::start().await;
    api.put(DEPLOYMENTS, deployment("gone-meanwhile", "v1"));
    let console = Console::of(&[("prod", &api)]);
    assert_eq!(names(&console.first().await), ["gone-meanwhile"]);
    // While the watch is down its object goes, another comes, and the log of it is lost.
    api.refuse(DEPLOYMENTS, 503, 1);
    api.cut();
    console.until(|read| read.as_ref().err().map(|_| ())).await;
    api.delete(DEPLOYMENTS, "gone-meanwhile");
    api.put(DEPLOYMENTS, deployment("new", "v1"));
    api.compact();
    let found = console
        .until(|read| read.as_ref().ok().map(|answer| names(answer).join(" ")))
        .await;
    assert_eq!(found, "new");
    let asked = api.asked(DEPLOYMENTS);
    let lists = asked.iter().filter(|call| *call == "list");
    assert_eq!(lists.count(), 2, "{asked:?}");
}

#[tokio::test]
async fn a_bookmark_moves_the_version_and_tells_that_the_server_is_there() {
    let api = KubernetesApi::start().await;
    api.put(DEPLOYMENTS, deployment("a", "v1"));
    let console = Console::of(&[("prod", &api)]);
    let heard = |read: &Result<Answer, ProviderError>| rows(read.as_ref().ok()?)[0].heard_at;
    let before = console.until(heard).await;
    // Elsewhere the counter goes on; here nothing changes.
    api.put(PODS, pod("x-1", "1", &json!({})));
    api.bookmark(DEPLOYMENTS);
    console
        .until(|read| heard(read).filter(|at| *at > before))
        .await;
    api.compact();
    api.cut();
    api.put(DEPLOYMENTS, deployment("a", "v2"));
    console.image_of("a", "v2").await;
    let asked = api.asked(DEPLOYMENTS);
    assert_eq!(
        asked.iter().filter(|call| *call == "list").count(),
        1,
        "the bookmark was newer than what was forgotten: {asked:?}"
    );
}

#[tokio::test]
async fn a_long_list_is_read_in_pages() {
    let api = KubernetesApi::start().await;
    for index in 0..601 {
        api.put(DEPLOYMENTS, deployment(&format!("d{index:03}"), "v1"));
    }
    let console = Console::of(&[("prod", &api)]);
    assert_eq!(rows(&console.first().await).len(), 601);
    assert_eq!(
        api.asked(DEPLOYMENTS)[..3],
        ["list", "list next", "list next"]
    );
}

#[tokio::test]
async fn a_kind_that_is_forbidden_is_missing_and_nothing_else() {
    let api = KubernetesApi::start().await;
    stuck(&api);
    api.refuse(PODS, 403, u32::MAX);
    let console = Console::of(&[("prod", &api)]);
    let denied = |read: &Result<Answer, ProviderError>| {
        let answer = read.as_ref().ok()?;
        let rest = rows(answer).first()?.unknown == [Part::Pods];
        (rest && !answer.problems.is_empty()).then(|| answer.clone())
    };
    let answer = console.until(denied).await;
    assert_eq!(
        classes(&answer),
        [(ErrorClass::Denied, "kubernetes:ListPods")]
    );
    assert!(answer.problems[0].message.starts_with("prod: "));
    let row = &rows(&answer)[0];
    assert_eq!(
        (row.restarts, row.unknown.as_slice()),
        (None, [Part::Pods].as_slice())
    );
    assert_eq!((row.revisions.len(), row.autoscaler.is_some()), (2, true));
}

#[tokio::test]
async fn a_dead_cluster_leaves_the_other_one_of_its_region_alone() {
    let (alive, dead) = (KubernetesApi::start().await, KubernetesApi::start().await);
    alive.put(DEPLOYMENTS, deployment("a", "v1"));
    dead.put(DEPLOYMENTS, deployment("b", "v1"));
    let console = Console::of(&[("alive", &alive), ("dead", &dead)]);
    assert_eq!(names(&console.first().await), ["a", "b"]);
    dead.refuse("/", 500, u32::MAX);
    dead.cut();
    let answer = console
        .until(|read| {
            read.as_ref()
                .ok()
                .filter(|answer| !answer.problems.is_empty())
                .cloned()
        })
        .await;
    assert_eq!(
        names(&answer),
        ["a", "b"],
        "what was seen stays, with its own age"
    );
    assert_eq!(
        classes(&answer),
        [(ErrorClass::Transient, "kubernetes:WatchDeployments")],
        "said once, not once a kind"
    );
    assert!(answer.problems[0].message.starts_with("dead: "));
    alive.put(DEPLOYMENTS, deployment("a", "v2"));
    console.image_of("a", "v2").await;
}

#[tokio::test]
async fn where_no_cluster_is_heard_the_read_fails_with_the_reason() {
    for (status, class) in [
        (401, ErrorClass::Identity),
        (403, ErrorClass::Denied),
        (429, ErrorClass::Throttled),
        (500, ErrorClass::Transient),
    ] {
        let api = KubernetesApi::start().await;
        api.refuse("/", status, u32::MAX);
        let console = Console::of(&[("prod", &api)]);
        let error = console.until(|read| read.as_ref().err().cloned()).await;
        assert_eq!(
            (error.class, error.operation.as_str()),
            (class, "kubernetes:ListDeployments"),
            "{status}"
        );
        assert!(error.message.starts_with("prod: "), "{error}");
    }
}

#[tokio::test]
async fn a_server_that_hangs_holds_a_read_no_longer_than_the_first_wait() {
    let api = KubernetesApi::start().await;
    api.put(DEPLOYMENTS, deployment("a", "v1"));
    api.hang(EVENTS);
    let console = Console::of(&[("prod", &api)]);
    // The other kinds are there; then time is let go.
    let reading = tokio::spawn(async move { console.read().await });
    while api.asked(PODS).len() < 2 || api.asked(DEPLOYMENTS).len() < 2 {
        tokio::task::yield_now().await;
    }
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(12)).await;
    let answer = reading.await.unwrap().unwrap();
    assert_eq!(names(&answer), ["a"]);
    assert_eq!(rows(&answer)[0].unknown, [Part::Events]);
}

#[tokio::test]
async fn a_token_that_is_refused_is_made_anew() {
    let api = KubernetesApi::start().await;
    api.put(DEPLOYMENTS, deployment("a", "v1"));
    api.refuse(DEPLOYMENTS, 401, 1);
    let console = Console::of(&[("prod", &api)]);
    let error = console.until(|read| read.as_ref().err().cloned()).await;
    assert_eq!(error.class, ErrorClass::Identity);
    console.until(|read| read.as_ref().ok().map(|_| ())).await;
    assert!(
        api.tokens()
            .iter()
            .all(|token| token.starts_with("k8s-aws-v1."))
    );
}

#[tokio::test]
async fn a_watch_that_says_nothing_is_opened_again_and_that_is_news_enough() {
    let api = KubernetesApi::start().await;
    api.put(DEPLOYMENTS, deployment("a", "v1"));
    let console = Console::of(&[("prod", &api)]);
    console.first().await;
    // The watch is open when it has told something.
    api.put(DEPLOYMENTS, deployment("a", "v2"));
    console.image_of("a", "v2").await;
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(66)).await;
    tokio::time::resume();
    let again = || api.asked(DEPLOYMENTS).len() > 2;
    let read = console.until(|read| again().then(|| read.clone())).await;
    assert_eq!(read.unwrap().problems, []);
    let asked = api.asked(DEPLOYMENTS);
    assert_eq!(
        asked.iter().filter(|call| *call == "list").count(),
        1,
        "{asked:?}"
    );
}

#[tokio::test]
async fn a_server_that_forgets_at_once_is_not_asked_in_a_circle() {
    let api = KubernetesApi::start().await;
    api.put(DEPLOYMENTS, deployment("a", "v1"));
    api.refuse_watches(DEPLOYMENTS, 410);
    let console = Console::of(&[("prod", &api)]);
    let error = console.until(|read| read.as_ref().err().cloned()).await;
    assert_eq!(
        (error.class, error.operation.as_str()),
        (ErrorClass::Conflict, "kubernetes:WatchDeployments")
    );
    // Once at once, and then after a pause.
    assert_eq!(
        api.asked(DEPLOYMENTS)
            .iter()
            .filter(|call| *call == "list")
            .count(),
        2
    );
}
