//! An estate outside AWS, of which only Kubernetes and Prometheus tell: what nobody could answer there blocks no drain.

use std::sync::Arc;

use serde_json::json;

use crate::{
    actions,
    plan::{
        Intent, Options, Plan,
        guard::{Guard, GuardId, Subject, Verdict, judge},
        ledger::Ledger,
    },
    resources::{
        Fleet, Freshness, Rows, Source,
        cell::Show,
        clusters::Cluster,
        deployments::Deployment,
        fixtures::{self as f, answer, place, users},
        metrics::users::UserSignal,
        regions::Region,
        traffic::{Mechanism, routes::fixtures::rule},
    },
};

const LABELS: [&str; 2] = ["west", "east"];

fn cluster(region: &str) -> String {
    format!("{region}-cluster")
}

/// The weights of both clusters for their own region and for the other.
fn divide(fleet: &mut Fleet, to_west: [u32; 2]) {
    for (region, west) in LABELS.into_iter().zip(to_west) {
        let backends = [("web-west", west), ("web-east", 100 - west)];
        let mut rows = rule(&cluster(region), "web", &backends);
        for row in &mut rows {
            if let Mechanism::Route(backend) = &mut row.by {
                backend.heard_at = Some(fleet.now);
            }
        }
        answer(
            fleet,
            Source::Routes,
            &place(region),
            0,
            Rows::Traffic(rows),
        );
    }
}

/// Two clusters, each of which keeps four fifths of its requests.
fn world() -> Fleet {
    world_of(&LABELS)
}

/// The same with more regions, of which nothing was read.
fn world_of(regions: &[&str]) -> Fleet {
    let mut estate = f::estate(regions);
    estate.names.clear();
    for spec in &mut estate.regions {
        spec.aws_region = None;
        spec.kube_contexts = vec![cluster(spec.label.as_str())];
        let label = spec.label.clone();
        estate.prometheus.insert(label, f::prometheus());
    }
    let mut fleet = Fleet::new(Arc::new(estate), f::now());
    divide(&mut fleet, [80, 20]);
    for region in LABELS {
        let at = place(region);
        let told = vec![
            users(UserSignal::Requests, &[(70, 100.0)]),
            users(UserSignal::Errors, &[(70, 0.1)]),
            users(UserSignal::P95, &[(70, 140.0)]),
            users(UserSignal::P99, &[(70, 300.0)]),
        ];
        f::measured(&mut fleet, &at, 5, told);
        let server = Cluster::ApiServer(f::row(json!({
            "name": cluster(region), "version": "v1.34.4", "latency": null, "error": null,
        })));
        answer(
            &mut fleet,
            Source::ApiServers,
            &at,
            5,
            Rows::Clusters(vec![server]),
        );
        f::answer_rest(&mut fleet, &at, 5);
    }
    fleet
}

fn made(fleet: &Fleet, action: &str, options: Options) -> Plan {
    let intent = Intent {
        action: action.to_owned(),
        target: "east".to_owned(),
        options,
    };
    actions::plan(fleet, &Ledger::default(), &intent).unwrap()
}

fn guards(fleet: &Fleet, plan: &Plan) -> Vec<Guard> {
    let subject = Subject {
        fleet,
        plan,
        ahead: &plan.steps,
        ledger: &Ledger::default(),
        beside: &[],
    };
    judge(subject, &plan.guards())
}

#[test]
fn nothing_that_only_aws_could_tell_blocks_a_drain() {
    let fleet = world();
    let plan = made(&fleet, "drain-region", Options::default());
    for guard in guards(&fleet, &plan) {
        let text = format!("{:?}: {}; {}", guard.id, guard.evidence, guard.remedy);
        assert!(guard.verdict <= Verdict::Warn, "{text}");
        match guard.id {
            GuardId::Clock => assert_eq!(guard.verdict, Verdict::Pass, "{text}"),
            GuardId::Health => assert!(text.contains("west answers its users"), "{text}"),
            _ => assert!(!guard.remedy.contains("STS"), "{text}"),
        }
    }
    assert_eq!(plan.account_or("unknown"), None);
}

#[test]
fn what_nobody_asks_about_is_not_waited_for_on_its_row() {
    let fleet = world();
    let region = Region {
        label: f::label("east"),
        identity: None,
    };
    let cells = region.cells(&fleet, &place("east"));
    for (column, cell) in Region::columns().iter().zip(cells) {
        let waits = cell.freshness.is_some_and(|seen| seen > Freshness::Stale);
        assert!(!waits, "{}: {cell:?}", column.title);
    }
}

#[test]
fn the_routes_tell_since_when_a_region_is_drained() {
    let mut fleet = world();
    assert!(fleet.drained(&f::label("east")).is_none());
    divide(&mut fleet, [100, 100]);
    let since = fleet.drained(&f::label("east")).unwrap();
    assert!(since.witnessed && since.since == fleet.now, "{since:?}");
    divide(&mut fleet, [80, 20]);
    assert!(fleet.drained(&f::label("east")).is_none(), "served again");
}

#[test]
fn an_empty_region_is_judged_by_what_runs_there() {
    let web = |available: i32| {
        json!({
            "name": "web-east", "cluster": cluster("east"), "heard_at": f::now(),
            "replicas": {"desired": 3, "total": 3, "updated": 3, "ready": available, "available": available},
        })
    };
    let verdict = |rows: Vec<Deployment>| {
        let mut fleet = world();
        divide(&mut fleet, [100, 100]);
        let none = vec![users(UserSignal::Requests, &[(70, 0.0)])];
        f::measured(&mut fleet, &place("east"), 4, none);
        answer(
            &mut fleet,
            Source::Deployments,
            &place("east"),
            1,
            Rows::Deployments(rows),
        );
        let mut options = Options::default();
        options.weights.insert("east".to_owned(), 20);
        let plan = made(&fleet, "restore-region", options);
        let guards = guards(&fleet, &plan);
        let blocks = |id| guards.iter().find(|guard| guard.id == id).unwrap().clone();
        assert!(
            blocks(GuardId::Abort).verdict <= Verdict::Warn,
            "{guards:?}"
        );
        let health = blocks(GuardId::Health);
        (
            health.verdict,
            format!("{}; {}", health.evidence, health.remedy),
        )
    };
    let (pass, text) = verdict(vec![f::deployment(&web(3))]);
    assert_eq!(pass, Verdict::Pass, "{text}");
    assert!(
        text.contains("east has no users yet, deployments 1/1"),
        "{text}"
    );
    let (fail, text) = verdict(vec![f::deployment(&web(0))]);
    assert_eq!(fail, Verdict::Fail, "{text}");
    assert!(text.contains("routes lead to shop/web-east"), "{text}");
    let (unknown, text) = verdict(Vec::new());
    assert_eq!(unknown, Verdict::Unknown, "{text}");
    assert!(text.contains("clusters about their deployments"), "{text}");
}

#[test]
fn a_cluster_that_never_answered_may_lead_there_too() {
    let mut fleet = world_of(&["west", "east", "north"]);
    let unheard = crate::resources::ErrorClass::Unreachable;
    f::failure(&mut fleet, Source::Routes, &place("north"), unheard);
    let plan = made(&fleet, "drain-region", Options::default());
    let stays = "the routes of north were never read: what its gateways send to east stays";
    assert!(
        plan.remarks.iter().any(|remark| remark == stays),
        "{:?}",
        plan.remarks
    );
    divide(&mut fleet, [100, 100]);
    let east = f::label("east");
    assert!(
        fleet.drained(&east).is_none(),
        "its gateways may send something there"
    );
}
