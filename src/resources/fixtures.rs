//! Small fleets made by hand for tests. Owns shapes of rows as their JSON, so that a field added to a model breaks no test that does not mean it.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{
    Answer, ErrorClass, Estate, Fleet, Place, ProviderError, Query, RegionLabel, Rows, Source,
    Wanted,
    estate::{Access, ManagedName, RegionRole, RegionSpec},
    metrics::{Origin, Point, Quality, Series, SeriesSpec, Stat, users::UserSignal},
    traffic::{Split, load_balancer_key},
};

/// The time of every fleet here.
pub fn now() -> Timestamp {
    Timestamp::from_second(1_700_000_040).unwrap()
}

/// A time before it.
pub fn ago(seconds: u64) -> Timestamp {
    now() - Duration::from_secs(seconds)
}

pub fn label(text: &str) -> RegionLabel {
    RegionLabel::new(text).unwrap()
}

pub fn place(text: &str) -> Place {
    Place::Region(label(text))
}

/// An estate of AWS Regions that are their own labels, with `api.example.com` as managed name.
pub fn estate(regions: &[&str]) -> Estate {
    let region = |name: &&str| RegionSpec {
        label: label(name),
        aws_region: Some((*name).to_owned()),
        role: RegionRole::Active,
        access: Access::default(),
        kube_contexts: Vec::new(),
        capacity_rps: Some(1_000.0),
        load_balancers: Vec::new(),
        backends: Vec::new(),
        capacity_nodes: None,
        residency: Vec::new(),
    };
    Estate {
        environment: "test".to_owned(),
        regions: regions.iter().map(region).collect(),
        names: vec![ManagedName {
            name: "api.example.com".to_owned(),
            zone_id: None,
            regions: BTreeMap::new(),
            residency: None,
        }],
        ..Estate::default()
    }
}

pub fn fleet(regions: &[&str]) -> Fleet {
    Fleet::new(Arc::new(estate(regions)), now())
}

fn query(source: Source, place: &Place) -> Query {
    Query {
        source,
        place: place.clone(),
        wanted: Wanted::Nothing,
        read: 0,
    }
}

/// An answer that arrived some seconds ago.
pub fn answer(fleet: &mut Fleet, source: Source, place: &Place, seconds: u64, rows: Rows) {
    let took = Duration::from_millis(120);
    let answer = Answer::of(rows);
    fleet.accept(&query(source, place), answer, ago(seconds), took);
}

/// A read that failed.
pub fn failure(fleet: &mut Fleet, source: Source, place: &Place, class: ErrorClass) {
    let error = ProviderError::new(class, "x:Describe", "it failed");
    fleet.reject(&query(source, place), error);
}

/// A Prometheus that a mesh reports to.
pub fn prometheus() -> super::metrics::dialect::Prometheus {
    use super::metrics::dialect::{Auth, Dialect, Prometheus};
    Prometheus {
        url: "https://p.example".to_owned(),
        auth: Auth::None,
        ca_file: None,
        selector: String::new(),
        window: 60,
        tenant: None,
        queries: vec![Dialect::Istio.queries()],
        users: vec![Dialect::Istio.users()],
    }
}

/// A series of the users of a region whose points start at these ages in seconds.
pub fn users(signal: UserSignal, points: &[(u64, f64)]) -> Series {
    let mut series = series(signal.key(), points);
    series.spec.origin = Origin::Prometheus;
    series.spec.dimensions = vec![("dialect".to_owned(), "istio".to_owned())];
    series
}

/// What the Prometheus of a place answered some seconds ago.
pub fn measured(fleet: &mut Fleet, place: &Place, seconds: u64, mut series: Vec<Series>) {
    series.sort_by(|a, b| a.spec.key.cmp(&b.spec.key));
    let rows = Rows::Metrics(series);
    answer(fleet, Source::Prometheus, place, seconds, rows);
}

/// An empty answer from every source of a place that has not been asked.
pub fn answer_rest(fleet: &mut Fleet, place: &Place, seconds: u64) {
    for &source in Source::ALL {
        let status = fleet.status(source, place);
        let asked = status.observed_at.is_some() || status.error.is_some();
        if asked || !fleet.estate.places(source).contains(place) {
            continue;
        }
        let rows = match source.kind() {
            super::Kind::Regions => Rows::Regions(
                fleet
                    .regions
                    .slice(source, place)
                    .map(|s| s.rows.clone())
                    .unwrap(),
            ),
            super::Kind::Databases => Rows::Databases(Vec::new()),
            super::Kind::Caches => Rows::Caches(Vec::new()),
            super::Kind::Traffic => Rows::Traffic(Vec::new()),
            super::Kind::Alarms => Rows::Alarms(Vec::new()),
            super::Kind::Deployments => Rows::Deployments(Vec::new()),
            super::Kind::Releases => Rows::Releases(Vec::new()),
            super::Kind::Pipelines => Rows::Pipelines(Vec::new()),
            super::Kind::Clusters => Rows::Clusters(Vec::new()),
            super::Kind::HealthChecks => Rows::HealthChecks(Vec::new()),
            super::Kind::Metrics => Rows::Metrics(Vec::new()),
        };
        answer(fleet, source, place, seconds, rows);
    }
}

/// A row from its JSON.
pub fn row<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

/// A deployment of six pods that is complete, with some of its fields otherwise.
pub fn deployment(change: &Value) -> super::deployments::Deployment {
    let mut base = json!({
        "name": "checkout", "namespace": "shop", "cluster": "prod", "heard_at": null,
        "generation": 4, "observed_generation": 4, "paused": false, "revision": "4",
        "containers": [{"name": "app", "image": "registry/shop/checkout:v2", "digest": null}],
        "replicas": {"desired": 6, "total": 6, "updated": 6, "ready": 6, "available": 6},
        "conditions": [], "revisions": [], "pods": [], "restarts": 0, "troubles": [], "autoscaler": null,
        "budget": null, "owner": null, "warnings": [], "unknown": [],
    });
    for (key, value) in change.as_object().unwrap() {
        base[key] = value.clone();
    }
    row(base)
}

/// An Argo Rollout that waits at its second step, 20 % to the new version, with some of its fields otherwise.
pub fn rollout(change: &Value) -> super::traffic::Rollout {
    let image = |version: &str| format!("registry/shop/checkout:{version}");
    let mut base = json!({
        "name": {"cluster": "prod", "tool": "argo_rollouts", "namespace": "shop", "name": "checkout"},
        "phase": "Paused", "message": null, "observed": true, "step": 1, "steps": 4, "step_words": "pause",
        "weight": 20.0, "waits": ["CanaryPauseStep"], "waits_since": ago(600), "controller_pause": true,
        "suspended": false, "aborted": false, "full": false, "stable": "aaa", "current": "bbb",
        "image": {"name": "app", "image": image("v2"), "digest": null}, "blue_green": false,
        "revisions": [
            {"number": 2, "replica_set": "checkout-bbb", "image": image("v2"), "desired": 2, "ready": 2, "created_at": ago(700)},
            {"number": 1, "replica_set": "checkout-aaa", "image": image("v1"), "desired": 6, "ready": 6, "created_at": ago(900_000)},
        ],
        "failed_checks": 0, "iterations": 0, "analyses": [], "owner": null, "heard_at": ago(5),
    });
    for (key, value) in change.as_object().unwrap() {
        base[key] = value.clone();
    }
    row(base)
}

/// What the watches of a place have of some rollouts.
pub fn rollouts(fleet: &mut Fleet, place: &Place, rollouts: &[super::traffic::Rollout]) {
    let rows = rollouts.iter();
    let rows = rows.flat_map(|rollout| super::traffic::rollouts::versions(rollout, false));
    let rows = Rows::Traffic(rows.collect());
    answer(fleet, Source::Rollouts, place, 5, rows);
}

/// ARN of a load balancer.
pub fn balancer(name: &str) -> String {
    format!("arn:aws:elasticloadbalancing:eu:1:loadbalancer/app/{name}/1")
}

/// A target group behind the default rule of an application load balancer.
pub fn forward(name: &str, group: &str, weight: u32) -> Split {
    row(json!({
        "split": format!("{name}/default"), "member": group,
        "by": {"mechanism": "forward", "load_balancer_arn": balancer(name), "load_balancer_name": name,
            "load_balancer_type": "application", "listener_arn": format!("{name}/listener"), "priority": "default", "conditions": "",
            "target_group_arn": format!("arn:aws:elasticloadbalancing:eu:1:targetgroup/{group}/1"), "target_group_name": group,
            "weight": weight, "stickiness": false, "health": {"healthy": 4, "unhealthy": 0, "other": 0}},
    }))
}

/// A weighted record of `api.example.com` with a health check.
pub fn record(region: &str, weight: u8, check: Option<&str>) -> Split {
    row(json!({
        "split": "api.example.com. A", "member": region,
        "by": {"mechanism": "record", "zone_id": "Z1", "name": "api.example.com.", "record_type": "A", "set_identifier": region,
            "policy": {"policy": "weighted", "weight": weight}, "ttl": 60, "values": ["192.0.2.1"], "health_check_id": check},
    }))
}

/// A health check of a plain kind.
pub fn check(id: &str) -> super::health_checks::HealthCheck {
    row(
        json!({"id": id, "check_type": "HTTPS", "target": format!("https://{id}/health"), "interval_seconds": 30, "failure_threshold": 3,
        "inverted": false, "disabled": false, "children": []}),
    )
}

/// A member of the global cluster `g`, as its region sees it; `writers` lists the regions that are said to take writes.
pub fn aurora(region: &str, writers: &[&str], members: &[&str]) -> super::databases::Database {
    let arn = |region: &str| format!("arn:aws:rds:{region}:1:cluster:db");
    let member = |region: &&str| json!({"arn": arn(region), "writer": writers.contains(region)});
    row(json!({
        "store": "cluster", "id": "db", "arn": arn(region), "status": "available", "engine": "aurora-postgresql", "instances": [],
        "global": {"id": "g", "status": "available", "members": members.iter().map(member).collect::<Vec<_>>()},
    }))
}

/// A member of the Global Datastore `d`, as its region sees it.
pub fn redis(region: &str, primary: &str, members: &[&str]) -> super::caches::Cache {
    let member = |name: &&str| {
        let role = if *name == primary {
            "primary"
        } else {
            "secondary"
        };
        json!({"group": "sessions", "region": name, "role": role})
    };
    row(json!({
        "store": "group", "id": "sessions", "arn": format!("arn:aws:elasticache:{region}:1:replicationgroup:sessions"), "status": "available",
        // ElastiCache measures by node.
        "shards": [{"id": "0001", "status": "available", "nodes": [{"id": "sessions-001", "role": "primary", "status": "available"}]}],
        "datastore": {"id": "d", "status": "available", "members": members.iter().map(member).collect::<Vec<_>>()},
    }))
}

/// An alarm on a metric with one dimension.
pub fn alarm(name: &str, state: &str, dimension: &str) -> super::alarms::Alarm {
    row(
        json!({"name": name, "alarm_type": "metric", "state": state, "actions_enabled": true, "dimensions": [["Name", dimension]]}),
    )
}

/// A series whose points start at these ages in seconds.
pub fn series(key: &str, points: &[(u64, f64)]) -> Series {
    Series {
        spec: SeriesSpec::new(key.to_owned(), "N", "M", &[], Stat::Sum),
        points: points
            .iter()
            .map(|(age, value)| Point {
                at: ago(*age),
                value: *value,
            })
            .collect(),
        quality: Quality::Complete,
    }
}

/// The five series of a load balancer; what is not given has no point.
pub fn balancer_series(name: &str, given: &[(&str, &[(u64, f64)])]) -> Vec<Series> {
    let what = ["requests", "target-5xx", "elb-5xx", "p95", "p99"];
    let points = |what: &str| given.iter().find(|(name, _)| *name == what);
    what.iter()
        .map(|what| {
            let key = load_balancer_key(&balancer(name), what);
            series(&key, points(what).map_or(&[], |(_, points)| points))
        })
        .collect()
}

/// Metrics of a place, in the order in which a provider gives them.
pub fn metrics(fleet: &mut Fleet, place: &Place, seconds: u64, mut series: Vec<Series>) {
    series.sort_by(|a, b| a.spec.key.cmp(&b.spec.key));
    answer(
        fleet,
        Source::Metrics,
        place,
        seconds,
        Rows::Metrics(series),
    );
}
