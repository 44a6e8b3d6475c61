//! Are backends told apart, and is a route said to be in force only where its gateways say so?

use super::*;

fn backend(generation: i64, parents: Vec<Parent>) -> RouteBackend {
    RouteBackend {
        rule: RouteRule {
            cluster: "eu".to_owned(),
            kind: RouteKind::HttpRoute,
            version: "v1".to_owned(),
            namespace: "shop".to_owned(),
            name: "checkout".to_owned(),
            index: 0,
        },
        rule_name: None,
        matches: String::new(),
        hosts: Vec::new(),
        service: "checkout".to_owned(),
        service_namespace: "shop".to_owned(),
        subset: None,
        version: None,
        topology: None,
        weight: 1,
        generation,
        parents,
        owner: None,
        heard_at: None,
    }
}

fn parent(observed_generation: i64, accepted: Option<bool>, resolved: Option<bool>) -> Parent {
    Parent {
        name: "public".to_owned(),
        observed_generation,
        accepted,
        resolved,
        reason: Some("BackendNotFound".to_owned()),
    }
}

#[test]
fn a_route_is_in_force_when_every_gateway_took_its_generation() {
    let fine = || parent(3, Some(true), Some(true));
    assert_eq!(backend(3, vec![fine(), fine()]).in_force(), InForce::Yes);
    // A gateway that says nothing about backends has not refused one.
    let silent = parent(3, Some(true), None);
    assert_eq!(backend(3, vec![silent]).in_force(), InForce::Yes);
    for parents in [Vec::new(), vec![fine(), parent(2, Some(true), Some(true))]] {
        assert!(matches!(backend(3, parents).in_force(), InForce::NotYet(_)));
    }
    for refusing in [
        parent(3, Some(false), None),
        parent(3, Some(true), Some(false)),
    ] {
        let said = backend(3, vec![fine(), refusing]).in_force();
        assert!(matches!(said, InForce::No(text) if text.contains("BackendNotFound")));
    }
}

#[test]
fn a_virtual_service_has_no_gateway_that_says_anything() {
    let mut backend = backend(3, Vec::new());
    backend.rule.kind = RouteKind::VirtualService;
    assert_eq!(backend.in_force(), InForce::Yes);
}

#[test]
fn backends_are_told_apart_by_subset_port_and_place() {
    let of = |service: &str, subset: Option<&str>, port| {
        (service.to_owned(), subset.map(str::to_owned), port)
    };
    let names = member_names(&[
        of("reviews", Some("v1"), Some(80)),
        of("reviews", Some("v2"), Some(80)),
        of("cart", None, Some(80)),
        of("cart", None, Some(81)),
        of("cart", None, Some(81)),
    ]);
    let expected = [
        "reviews:v1",
        "reviews:v2",
        "cart:80",
        "cart:81",
        "cart:81[4]",
    ];
    assert_eq!(names, expected);
}
