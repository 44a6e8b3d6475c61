//! Routes of a Kubernetes API over HTTP: read through the watches, changed by one patch that compares, and read again past the watches.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use aws_config::{Region, SdkConfig};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use pilothouse::{
    provider::{ask::Ask, memory::Memory, write::Write},
    resources::{
        Answer, ErrorClass, ProviderError, Query, Rows, Source, Wanted,
        change::{ApplyError, Fate, Receipt},
        traffic::{
            self, Change, Mechanism, RouteBackend, RouteKind, RouteRule, change::BackendEdit,
        },
    },
};
use serde_json::{Value, json};

use crate::wire::{Wire, kubernetes::KubernetesApi, token};

const REGION: &str = "eu-west-1";
const GATEWAY: &str = "gateway.networking.k8s.io";
const ISTIO: &str = "networking.istio.io";
const HTTP: &str = "/apis/gateway.networking.k8s.io/v1/httproutes";
const OBJECT: &str = "/apis/gateway.networking.k8s.io/v1/namespaces/shop/httproutes/catalog";
const MESH: &str = "/apis/networking.istio.io/v1beta1/virtualservices";

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
            source: Source::Routes,
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

fn backends(answer: &Answer) -> BTreeMap<String, RouteBackend> {
    let Rows::Traffic(rows) = &answer.rows else {
        panic!("traffic: {answer:?}");
    };
    let one = |row: &traffic::Split| match &row.by {
        Mechanism::Route(backend) => (format!("{}/{}", row.split, row.member), backend.clone()),
        other => panic!("a route: {other:?}"),
    };
    rows.iter().map(one).collect()
}

fn weights(answer: &Answer) -> Vec<u32> {
    let backends = backends(answer);
    backends.values().map(|backend| backend.weight).collect()
}

fn http_route(weights: [Option<u32>; 2]) -> Value {
    let backend = |name: &str, weight: Option<u32>| match weight {
        Some(weight) => json!({"name": name, "port": 80, "weight": weight}),
        None => json!({"name": name, "port": 80}),
    };
    let accepted = |name: &str| json!({"type": name, "status": "True", "observedGeneration": 1, "reason": name});
    json!({"metadata": {"name": "catalog", "namespace": "shop", "generation": 1},
        "spec": {"rules": [{"backendRefs": [backend("catalog", weights[0]), backend("canary", weights[1])]}]},
        "status": {"parents": [{"parentRef": {"name": "public"}, "conditions": [accepted("Accepted"), accepted("ResolvedRefs")]}]}})
}

fn rule(kind: RouteKind, version: &str, name: &str) -> RouteRule {
    RouteRule {
        cluster: "prod".to_owned(),
        kind,
        version: version.to_owned(),
        namespace: "shop".to_owned(),
        name: name.to_owned(),
        index: 0,
    }
}

/// A change of the two backends of `catalog`.
fn change(from: [u32; 2], to: [u32; 2]) -> Change {
    let edit = |(index, name): (usize, &str)| BackendEdit {
        backend: name.to_owned(),
        region: None,
        from: from[index],
        to: to[index],
    };
    Change::Route {
        region: Wire::place(REGION).region().unwrap().clone(),
        rule: rule(RouteKind::HttpRoute, "v1", "catalog"),
        backends: ["catalog", "canary"]
            .into_iter()
            .enumerate()
            .map(edit)
            .collect(),
    }
}

/// A cluster with one HTTPRoute, and a console that has seen it.
async fn shop(weights: [Option<u32>; 2]) -> (KubernetesApi, Console) {
    let api = KubernetesApi::start().await;
    api.install(GATEWAY, &["v1", "v1beta1"]);
    api.put(HTTP, http_route(weights));
    let console = Console::of(&api);
    console.poll().await.unwrap();
    (api, console)
}

#[tokio::test]
async fn the_newest_version_that_is_served_is_read_and_what_is_not_there_is_no_problem() {
    let api = KubernetesApi::start().await;
    api.install(GATEWAY, &["v1"]);
    api.install(ISTIO, &["v1alpha3", "v1beta1"]);
    api.put(HTTP, http_route([None, Some(5)]));
    let destination = |subset: &str, weight: u32| json!({"destination": {"host": "reviews", "subset": subset}, "weight": weight});
    api.put(
        MESH,
        json!({"metadata": {"name": "reviews", "namespace": "shop"},
        "spec": {"http": [{"route": [destination("v1", 90), destination("v2", 10)]}]}}),
    );
    let subset = |name: &str, version: &str| json!({"name": name, "labels": {"version": version}});
    api.put(
        "/apis/networking.istio.io/v1beta1/destinationrules",
        json!({"metadata": {"name": "reviews", "namespace": "shop"},
        "spec": {"host": "reviews.shop.svc.cluster.local", "subsets": [subset("v2", "2.0.1"), subset("v3", "3")]}}),
    );
    let answer = Console::of(&api).poll().await.unwrap();
    assert_eq!(answer.problems, []);
    let found = backends(&answer);
    let told: Vec<_> = found
        .iter()
        .map(|(name, backend)| (name.as_str(), backend.weight, backend.rule.version.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            ("httproute/shop/catalog/canary", 5, "v1"),
            ("httproute/shop/catalog/catalog", 1, "v1"),
            ("virtualservice/shop/reviews/reviews:v1", 90, "v1beta1"),
            ("virtualservice/shop/reviews/reviews:v2", 10, "v1beta1"),
        ]
    );
    let version = |name: &str| {
        found[&format!("virtualservice/shop/reviews/reviews:{name}")]
            .version
            .as_deref()
    };
    assert_eq!((version("v1"), version("v2")), (None, Some("2.0.1")));
}

#[tokio::test]
async fn a_cluster_without_these_kinds_has_none_and_says_nothing() {
    let api = KubernetesApi::start().await;
    let answer = Console::of(&api).poll().await.unwrap();
    assert_eq!(
        (weights(&answer), answer.problems),
        (Vec::new(), Vec::new())
    );
    assert!(
        api.asked(HTTP).is_empty(),
        "what is not served is not listed"
    );
}

#[tokio::test]
async fn a_kind_that_may_not_be_read_is_named_and_the_others_stay() {
    let api = KubernetesApi::start().await;
    api.install(GATEWAY, &["v1"]);
    api.install(ISTIO, &["v1"]);
    api.put(HTTP, http_route([Some(95), Some(5)]));
    api.refuse("/apis/networking.istio.io/v1/", 403, u32::MAX);
    let answer = Console::of(&api).poll().await.unwrap();
    assert_eq!(weights(&answer), [5, 95]);
    let problem = &answer.problems[0];
    assert_eq!(
        (problem.class, problem.operation.as_str()),
        (ErrorClass::Denied, "kubernetes:ListVirtualServices")
    );
}

#[tokio::test]
async fn a_shift_is_one_patch_that_tests_the_version_and_a_get_shows_it() {
    let (api, console) = shop([None, Some(0)]).await;
    let receipt = console.apply(&change([1, 0], [75, 25])).await.unwrap();
    let version = api.object(HTTP, "catalog")["metadata"]["resourceVersion"].clone();
    let patches = api.patches();
    let (target, content_type, body) = &patches[0];
    assert_eq!(patches.len(), 1);
    assert_eq!(target, &format!("{OBJECT}?fieldManager=pilothouse"));
    assert_eq!(content_type, "application/json-patch+json");
    assert_eq!(body[0]["path"], "/metadata/resourceVersion");
    assert_eq!(
        body.as_array().unwrap()[1..],
        [
            json!({"op": "add", "path": "/spec/rules/0/backendRefs/0/weight", "value": 75}),
            json!({"op": "replace", "path": "/spec/rules/0/backendRefs/1/weight", "value": 25}),
        ]
    );
    let reference = receipt.reference.unwrap();
    assert!(
        reference.starts_with(version.as_str().unwrap()),
        "{reference}"
    );
    let before = api.asked(OBJECT).len();
    let answer = console
        .observe(Wanted::Reference(reference), 7)
        .await
        .unwrap();
    assert_eq!(weights(&answer), [25, 75]);
    assert_eq!(
        api.asked(OBJECT).len(),
        before + 1,
        "one GET of the object itself"
    );
    // The gateway has not seen the new generation: what is written is not in force yet.
    let row = backends(&answer).into_values().next().unwrap();
    assert!(matches!(
        row.in_force(),
        traffic::routes::InForce::NotYet(_)
    ));
}

#[tokio::test]
async fn what_is_not_as_expected_is_never_sent() {
    let (api, console) = shop([Some(90), Some(10)]).await;
    for (change, class) in [
        (change([95, 5], [50, 50]), ErrorClass::Conflict),
        (change([90, 10], [0, 0]), ErrorClass::Terminal),
    ] {
        let error = console.apply(&change).await.unwrap_err();
        assert_eq!(
            (error.fate, error.error.class),
            (Fate::NotSent, class),
            "{error}"
        );
    }
    api.delete(HTTP, "catalog");
    let error = console
        .apply(&change([90, 10], [50, 50]))
        .await
        .unwrap_err();
    assert_eq!(
        (error.fate, error.error.class),
        (Fate::NotSent, ErrorClass::NotFound)
    );
    assert!(api.patches().is_empty());
}

#[tokio::test]
async fn somebody_who_is_faster_makes_it_a_conflict_that_is_not_repeated() {
    let (api, console) = shop([Some(90), Some(10)]).await;
    api.race(OBJECT);
    let error = console
        .apply(&change([90, 10], [50, 50]))
        .await
        .unwrap_err();
    assert_eq!(
        (error.fate, error.error.class),
        (Fate::Refused, ErrorClass::Conflict)
    );
    assert!(error.to_string().contains("not as it was read"), "{error}");
    assert_eq!(api.patches().len(), 1);
}

#[tokio::test]
async fn a_refused_patch_is_refused_and_a_lost_answer_is_in_doubt_until_a_list_shows_it() {
    for (status, fate, class) in [
        (403, Fate::Refused, ErrorClass::Denied),
        (429, Fate::Refused, ErrorClass::Throttled),
        (500, Fate::InDoubt, ErrorClass::Transient),
    ] {
        let (api, console) = shop([Some(90), Some(10)]).await;
        api.refuse_patches(OBJECT, status);
        let error = console
            .apply(&change([90, 10], [50, 50]))
            .await
            .unwrap_err();
        assert_eq!(
            (error.fate, error.error.class),
            (fate, class),
            "{status}: {error}"
        );
    }
    let (api, console) = shop([Some(90), Some(10)]).await;
    api.swallow(OBJECT);
    let error = console
        .apply(&change([90, 10], [50, 50]))
        .await
        .unwrap_err();
    assert_eq!(error.fate, Fate::InDoubt, "{error}");
    // Without a receipt the run reads everything, and not from the watch.
    let lists = api
        .asked(HTTP)
        .iter()
        .filter(|call| *call == "list")
        .count();
    let answer = console.observe(Wanted::Nothing, 7).await.unwrap();
    assert_eq!(weights(&answer), [50, 50]);
    let after = api
        .asked(HTTP)
        .iter()
        .filter(|call| *call == "list")
        .count();
    assert_eq!(after, lists + 1);
}

#[tokio::test]
async fn a_server_that_hangs_ends_a_change_in_doubt() {
    let (api, console) = shop([Some(90), Some(10)]).await;
    api.hang_patches(OBJECT);
    let applying = tokio::spawn(async move { console.apply(&change([90, 10], [50, 50])).await });
    while api.patches().is_empty() {
        tokio::task::yield_now().await;
    }
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(10)).await;
    let error = applying.await.unwrap().unwrap_err();
    assert_eq!(
        (error.fate, error.error.class),
        (Fate::InDoubt, ErrorClass::Timeout)
    );
}

#[tokio::test]
async fn a_token_that_has_ended_is_made_anew_for_the_change() {
    let (api, console) = shop([Some(90), Some(10)]).await;
    api.refuse(OBJECT, 401, 1);
    console.apply(&change([90, 10], [50, 50])).await.unwrap();
    assert_eq!(api.patches().len(), 1);
}
