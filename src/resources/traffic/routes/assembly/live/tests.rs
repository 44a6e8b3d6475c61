//! Do objects of the API become the right rows, also where fields are missing?

use serde_json::json;

use super::*;
use crate::provider::kubernetes::objects::Object;

fn http(object: Value) -> Vec<Split> {
    let route: GatewayRoute = serde_json::from_value(object).unwrap();
    of_gateway("eu", RouteKind::HttpRoute, "v1", &route, None)
}

fn mesh(object: Value) -> Vec<Split> {
    let route: MeshRoute = serde_json::from_value(object).unwrap();
    of_mesh("eu", "v1beta1", &route, None)
}

fn told(rows: &[Split]) -> Vec<(String, u32)> {
    let one = |row: &Split| match &row.by {
        Mechanism::Route(backend) => (format!("{}/{}", row.split, row.member), backend.weight),
        other => panic!("a route: {other:?}"),
    };
    rows.iter().map(one).collect()
}

fn backend(row: &Split) -> &RouteBackend {
    match &row.by {
        Mechanism::Route(backend) => backend,
        other => panic!("a route: {other:?}"),
    }
}

#[test]
fn a_rule_with_several_backends_has_a_row_for_each() {
    let rows = http(json!({
        "metadata": {"name": "checkout", "namespace": "shop", "generation": 4, "resourceVersion": "9",
            "labels": {"kustomize.toolkit.fluxcd.io/name": "apps"}},
        "spec": {"hostnames": ["shop.example"], "rules": [
            {"backendRefs": [{"name": "static", "port": 80}]},
            {"matches": [{"path": {"type": "PathPrefix", "value": "/checkout"}, "headers": []}],
             "backendRefs": [{"name": "stable", "port": 80}, {"name": "canary", "namespace": "next", "port": 80, "weight": 0}]},
        ]},
        "status": {"parents": [{"parentRef": {"name": "public", "sectionName": "https"}, "controllerName": "x", "conditions": [
            {"type": "Accepted", "status": "True", "observedGeneration": 4, "reason": "Accepted"},
            {"type": "ResolvedRefs", "status": "False", "observedGeneration": 3, "reason": "BackendNotFound"},
            {"type": "Other", "status": "True", "observedGeneration": 1},
        ]}]},
    }));
    let names = [
        "httproute/shop/checkout/stable",
        "httproute/shop/checkout/canary",
    ];
    let expected = [(names[0].to_owned(), 1), (names[1].to_owned(), 0)];
    assert_eq!(told(&rows), expected);
    let canary = backend(&rows[1]);
    assert_eq!(canary.rule.index, 1);
    assert_eq!(canary.service_namespace, "next");
    assert_eq!(canary.matches, "/checkout with headers");
    assert_eq!(canary.owner.as_ref().unwrap().by, "Flux");
    assert_eq!(
        canary.parents,
        [Parent {
            name: "public/https".to_owned(),
            observed_generation: 3,
            accepted: Some(true),
            resolved: Some(false),
            reason: Some("BackendNotFound".to_owned()),
        }]
    );
}

#[test]
fn a_virtual_service_names_subsets_and_hosts() {
    let rows = mesh(json!({
        "metadata": {"name": "reviews", "namespace": "shop"},
        "spec": {"hosts": ["reviews"], "http": [
            {"match": [{"uri": {"prefix": "/v2"}}], "route": [
                {"destination": {"host": "reviews.shop.svc.cluster.local", "subset": "v1"}, "weight": 90},
                {"destination": {"host": "reviews.shop.svc.cluster.local", "subset": "v2"}, "weight": 10}]},
            {"route": [{"destination": {"host": "reviews"}, "weight": 100}, {"destination": {"host": "other.example.com"}}]},
            {"redirect": {"uri": "/"}},
        ]},
        "status": null,
    }));
    let expected = [
        ("virtualservice/shop/reviews#0/reviews:v1", 90),
        ("virtualservice/shop/reviews#0/reviews:v2", 10),
        ("virtualservice/shop/reviews#1/reviews", 100),
        ("virtualservice/shop/reviews#1/other.example.com", 0),
    ];
    assert_eq!(
        told(&rows),
        expected.map(|(name, weight)| (name.to_owned(), weight))
    );
    assert_eq!(backend(&rows[0]).matches, "/v2");
    assert_eq!(backend(&rows[1]).service, "reviews");
}

#[test]
fn an_object_without_anything_has_no_rows() {
    assert!(http(json!({"metadata": null, "spec": {"rules": null}})).is_empty());
    assert!(http(json!({})).is_empty());
    assert!(mesh(json!({"spec": {"http": [{"route": null}]}})).is_empty());
}

#[test]
fn a_subset_is_the_version_that_its_labels_name() {
    let rule: Object<_, _> = serde_json::from_value(json!({
        "metadata": {"name": "reviews", "namespace": "shop"},
        "spec": {"host": "reviews.shop.svc.cluster.local", "subsets": [
            {"name": "stable", "labels": {"version": "v1"}},
            {"name": "canary", "labels": {"app": "reviews", "app.kubernetes.io/version": "2.0.1"}},
            {"name": "zonal", "labels": {"zone": "a", "topology.istio.io/cluster": "gke-west"}},
            {"name": "any", "labels": null},
        ]},
    }))
    .unwrap();
    let told: Vec<String> = of_destination(&DestinationRule(rule))
        .into_iter()
        .map(|((service, namespace, subset), labels)| {
            let said = |label: Option<String>| label.unwrap_or_else(|| "-".to_owned());
            let (version, topology) = (said(labels.version), said(labels.topology));
            format!("{namespace}/{service}:{subset} {version} {topology}")
        })
        .collect();
    assert_eq!(
        told,
        [
            "shop/reviews:stable v1 -",
            "shop/reviews:canary 2.0.1 -",
            "shop/reviews:zonal - gke-west",
            "shop/reviews:any - -",
        ]
    );
}
