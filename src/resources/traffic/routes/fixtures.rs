//! Backends of routes for tests.

use super::{RouteBackend, RouteKind, RouteRule};
use crate::resources::{
    fixtures as f,
    traffic::{Mechanism, Split},
};

/// A backend of the first rule of a VirtualService of `shop`.
pub fn backend(cluster: &str, route: &str, service: &str, weight: u32) -> RouteBackend {
    RouteBackend {
        rule: RouteRule {
            cluster: cluster.to_owned(),
            kind: RouteKind::VirtualService,
            version: "v1".to_owned(),
            namespace: "shop".to_owned(),
            name: route.to_owned(),
            index: 0,
        },
        rule_name: None,
        matches: String::new(),
        hosts: vec![format!("{route}.example.com")],
        service: service.to_owned(),
        service_namespace: "shop".to_owned(),
        subset: None,
        version: None,
        topology: None,
        weight,
        generation: 1,
        parents: Vec::new(),
        owner: None,
        heard_at: Some(f::now()),
    }
}

/// The rows of a rule of a VirtualService, by service and weight.
pub fn rule(cluster: &str, route: &str, backends: &[(&str, u32)]) -> Vec<Split> {
    let row = |(service, weight): &(&str, u32)| Split {
        split: format!("virtualservice/shop/{route}"),
        member: (*service).to_owned(),
        by: Mechanism::Route(backend(cluster, route, service, *weight)),
    };
    backends.iter().map(row).collect()
}
