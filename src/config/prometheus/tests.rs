//! What a region inherits of its Prometheus, and which queries it ends with.

use super::*;
use crate::{
    config::{layers::Flags, library::Library, parse},
    resources::Estate,
};

fn estate(text: &str) -> Estate {
    let config = parse("x", text, &Flags::default(), &Library::default());
    config.unwrap().estate
}

fn server(estate: &Estate, label: &str) -> Prometheus {
    estate.prometheus[&RegionLabel::new(label).unwrap()].clone()
}

#[test]
fn users_are_counted_by_the_dialects_in_their_order_and_own_queries_stand_over_the_first() {
    let estate = estate(
        r#"
[prometheus]
url = "http://p.example.com"
selector = 'region="{region}"'

[[region]]
label = "usual"

[[region]]
label = "gateway"
prometheus = { dialects = ["traefik", "istio"] }

[[region]]
label = "own"
[region.prometheus]
dialects = ["ingress-nginx", "istio"]
users = { p99_ms = "door_p99{{selector}}", error_percent = "door_errors{{selector}}" }
"#,
    );
    let dialects = |label: &str| -> Vec<&str> {
        let users = server(&estate, label).users.into_iter();
        users.map(|set| set.dialect.name()).collect()
    };
    assert_eq!(
        dialects("usual"),
        ["istio", "ingress-nginx", "envoy-gateway", "traefik"]
    );
    assert_eq!(dialects("gateway"), ["traefik", "istio"]);
    let own = server(&estate, "own");
    let usual = Dialect::IngressNginx.users();
    let expected = UserQueries {
        errors: "door_errors{{selector}}".to_owned(),
        errors_in_percent: true,
        p99_ms: "door_p99{{selector}}".to_owned(),
        ..usual
    };
    assert_eq!(own.users, [expected]);
    assert_eq!(own.queries.len(), 2, "services are asked as usual");
    assert_eq!(
        own.fill(&own.users[0].p99_ms),
        "door_p99{region=\"own\"}",
        "the selector stands between its braces"
    );
}

#[test]
fn regions_may_differ_by_their_tenants_alone_and_nobody_else_is_told_one() {
    let estate = estate(
        r#"
[prometheus]
url = "http://mimir.example.com/prometheus"
tenant = "prod-{region}"

[[region]]
label = "eu-west-1"

[[region]]
label = "us-east-1"
prometheus = { tenant = "america" }

[[region]]
label = "oslo"
prometheus = { url = "http://oslo.example.com" }
"#,
    );
    let tenant = |label: &str| server(&estate, label).tenant;
    assert_eq!(tenant("eu-west-1").as_deref(), Some("prod-eu-west-1"));
    assert_eq!(tenant("us-east-1").as_deref(), Some("america"));
    assert_eq!(tenant("oslo"), None);
}
