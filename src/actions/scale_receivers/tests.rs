//! How far the receivers are raised.

use crate::{
    actions::kit::stores::tests::{Watched, assert_stable, says},
    plan::{Blast, Mark, Options, Plan, Wait, Work},
    resources::{
        Change, Rows, Source,
        change::Alter,
        clusters::{self, Bounds, Cluster, NodeGroup},
        fixtures,
    },
};
use serde_json::{Value, json};

fn none() -> Options {
    Options::default()
}

fn nodes(nodes: i32) -> Options {
    Options {
        nodes: Some(nodes),
        ..Options::default()
    }
}

fn group(region: &str, bounds: (i32, i32), desired: Option<i32>) -> Cluster {
    Cluster::NodeGroup(NodeGroup {
        name: "web".to_owned(),
        cluster: format!("shop-{region}"),
        status: Some("ACTIVE".to_owned()),
        bounds: Some(Bounds {
            min: bounds.0,
            max: bounds.1,
        }),
        desired,
        health_issues: Vec::new(),
    })
}

/// The baseline, in which every region has one node group of 10 nodes.
fn watched() -> Watched {
    let mut watched = Watched::until("calm", 0);
    for region in ["us-east-1", "eu-west-1", "ap-southeast-1"] {
        let rows = vec![group(region, (6, 15), Some(10))];
        watched.answer(Source::Clusters, region, Rows::Clusters(rows));
    }
    watched
}

fn raised(plan: &Plan) -> Vec<(String, Bounds, Bounds)> {
    let bounds = |change: &Change| match change {
        Change::Clusters(clusters::Change::Scale {
            region, from, to, ..
        }) => (region.to_string(), *from, *to),
        other => panic!("{other:?}"),
    };
    plan.changes().map(bounds).collect()
}

#[test]
fn receivers_grow_until_they_carry_the_load_at_seventy_percent() {
    let watched = watched();
    // Draining the smallest region puts the others at 84 % (domain D.0): 1.2 times their nodes.
    let plan = watched
        .plan("scale-receivers", "ap-southeast-1", none())
        .unwrap();
    let raised = raised(&plan);
    let regions: Vec<&str> = raised.iter().map(|(region, ..)| region.as_str()).collect();
    assert_eq!(regions, ["us-east-1", "eu-west-1"]);
    for (region, from, to) in &raised {
        assert_eq!(*from, Bounds { min: 6, max: 15 });
        assert!((12..=14).contains(&to.min), "{region}: {to}");
        assert_eq!(to.max, 15);
    }
    assert_eq!(plan.steps.len(), 4, "a change and a wait each");
    let Work::Wait(Wait::Nodes { nodes, region, .. }) = &plan.steps[2].work else {
        panic!("{:?}", plan.steps[2]);
    };
    assert_eq!((region.as_str(), *nodes), ("us-east-1", raised[0].2.min));
    assert!(plan.drift(&watched.fleet).is_empty());
    assert_eq!(
        (plan.blast, plan.phrase.as_str()),
        (Blast::L2, "ap-southeast-1")
    );
    let Mark::Orphan { what } = &plan.marks[0] else {
        panic!("{:?}", plan.marks);
    };
    assert!(what.starts_with("raised minimum of us-east-1/shop-us-east-1/web: "));
    assert!(plan.until.is_some());
    assert_eq!(plan.forecast.len(), 2);
    assert_stable(&watched, &plan);
}

#[test]
fn the_biggest_region_raises_the_maximum_too() {
    let plan = watched()
        .plan("scale-receivers", "us-east-1", none())
        .unwrap();
    // 120 % of what they serve: 1.8 times 10 nodes (domain D.0).
    for (region, _, to) in raised(&plan) {
        assert!((17..=20).contains(&to.min), "{region}: {to}");
        assert_eq!(to.max, to.min);
    }
    assert!(says(
        &plan.remarks,
        &["the maximum of eu-west-1/web grows from 15 to"]
    ));
    assert!(says(&plan.remarks, &["desiredSize="]));
}

#[test]
fn a_minimum_that_is_given_needs_no_forecast() {
    let mut watched = Watched::new("calm");
    watched.answer(
        Source::Clusters,
        "eu-west-1",
        Rows::Clusters(vec![group("eu-west-1", (2, 4), None)]),
    );
    let plan = watched
        .plan("scale-receivers", "us-east-1", nodes(5))
        .unwrap();
    let raised = raised(&plan);
    assert_eq!(
        raised,
        [(
            "eu-west-1".to_owned(),
            Bounds { min: 2, max: 4 },
            Bounds { min: 5, max: 5 }
        )]
    );
    assert_eq!((plan.blast, plan.phrase.as_str()), (Blast::L1, ""));
    assert!(says(
        &plan.remarks,
        &["not raised", "ap-southeast-1", "EKS has not been asked yet"]
    ));
    let unmeasured = watched
        .plan("scale-receivers", "us-east-1", none())
        .unwrap_err();
    assert!(
        says(&unmeasured.reasons, &["eu-west-1", "not known"]),
        "{unmeasured:?}"
    );
    assert!(unmeasured.advice.contains("nodes="));
    assert!(
        watched
            .plan("scale-receivers", "us-east-1", nodes(0))
            .is_err()
    );
}

#[test]
fn without_node_groups_it_says_why() {
    let mut watched = watched();
    for region in ["us-east-1", "eu-west-1", "ap-southeast-1"] {
        watched.answer(Source::Clusters, region, Rows::Clusters(Vec::new()));
    }
    let refusal = watched
        .plan("scale-receivers", "us-east-1", none())
        .unwrap_err();
    assert!(says(
        &refusal.reasons,
        &["no node group of eu-west-1", "Fargate"]
    ));
    assert!(says(&refusal.reasons, &["no node group of ap-southeast-1"]));
}

#[test]
fn a_group_in_an_update_or_large_enough_is_left_alone() {
    let mut watched = watched();
    let Cluster::NodeGroup(busy) = group("eu-west-1", (6, 15), Some(10)) else {
        panic!();
    };
    let busy = NodeGroup {
        status: Some("UPDATING".to_owned()),
        ..busy
    };
    watched.answer(
        Source::Clusters,
        "eu-west-1",
        Rows::Clusters(vec![Cluster::NodeGroup(busy)]),
    );
    let rows = vec![group("ap-southeast-1", (30, 40), Some(30))];
    watched.answer(Source::Clusters, "ap-southeast-1", Rows::Clusters(rows));
    let refusal = watched
        .plan("scale-receivers", "us-east-1", nodes(20))
        .unwrap_err();
    assert!(says(&refusal.reasons, &["eu-west-1", "UPDATING"]));
    let rows = vec![group("eu-west-1", (20, 40), Some(20))];
    watched.answer(Source::Clusters, "eu-west-1", Rows::Clusters(rows));
    let refusal = watched
        .plan("scale-receivers", "us-east-1", nodes(20))
        .unwrap_err();
    assert!(
        refusal.to_string().contains("high enough already"),
        "{refusal}"
    );
}

#[test]
fn a_region_that_is_lost_gives_and_does_not_receive() {
    let mut watched = Watched::until("region-down", 90);
    for region in ["eu-west-1", "ap-southeast-1"] {
        let rows = vec![group(region, (6, 15), Some(10))];
        watched.answer(Source::Clusters, region, Rows::Clusters(rows));
    }
    let plan = watched
        .plan("scale-receivers", "us-east-1", nodes(18))
        .unwrap();
    let regions: Vec<String> = raised(&plan)
        .into_iter()
        .map(|(region, ..)| region)
        .collect();
    assert_eq!(regions, ["eu-west-1", "ap-southeast-1"]);
    let other = watched
        .plan("scale-receivers", "eu-west-1", nodes(18))
        .unwrap();
    assert!(
        !raised(&other)
            .iter()
            .any(|(region, ..)| region == "us-east-1")
    );
}

#[test]
fn a_region_that_is_none_is_refused() {
    let refusal = watched()
        .plan("scale-receivers", "eu-wst-1", none())
        .unwrap_err();
    assert_eq!(refusal.advice, "did you mean `eu-west-1`?");
}

/// Name of a deployment, and of its autoscaler the floor, the ceiling, and whether somebody puts them back.
type Scaled = (&'static str, Option<(i32, i32, bool)>);

/// Deployments of eu-west-1, which is 6 pods each, with these autoscalers.
fn deployments(watched: &mut Watched, scalers: &[Scaled]) {
    let heard = watched.fleet.now;
    let row = |(name, scaler): &Scaled| {
        let owner = |reverts: bool| json!({"by": "Argo CD", "name": "shop", "reverts": reverts});
        let scaler = scaler.map(|(min, max, owned)| {
            let owner = if owned { owner(true) } else { Value::Null };
            json!({"name": name, "min": min, "max": max, "current": 6, "desired": 6, "limited": null, "inactive": null, "owner": owner})
        });
        fixtures::deployment(&json!({"name": name, "heard_at": heard, "autoscaler": scaler}))
    };
    let rows = scalers.iter().map(row).collect();
    watched.answer(Source::Deployments, "eu-west-1", Rows::Deployments(rows));
}

/// Floors and numbers of pods that a plan raises.
fn lifted(plan: &Plan) -> Vec<String> {
    let of = |change: &Change| match change {
        Change::Deployments(change) => {
            let edit = change.edits().remove(0);
            Some(format!("{}: {} → {}", edit.what, edit.from, edit.to))
        }
        Change::Clusters(_) => None,
        other => panic!("{other:?}"),
    };
    plan.changes().filter_map(of).collect()
}

#[test]
fn floors_of_autoscalers_grow_with_the_load_and_what_has_none_is_left_alone() {
    let mut watched = watched();
    let scalers = [
        ("cart", Some((3, 9, false))),
        ("small", Some((2, 6, false))),
        ("high", Some((20, 30, false))),
        ("gitops", Some((3, 9, true))),
        ("singleton", None),
    ];
    deployments(&mut watched, &scalers);
    let plan = watched
        .plan("scale-receivers", "ap-southeast-1", none())
        .unwrap();
    assert_eq!(
        lifted(&plan),
        [
            "shop/cart in eu-west-1: 3 to 9 pods → 8 to 9 pods",
            "shop/small in eu-west-1: 2 to 6 pods → 8 to 8 pods"
        ]
    );
    let waits = plan.steps.iter().filter_map(|step| match &step.work {
        Work::Wait(Wait::Rollout { at, pods }) => Some((at.name.as_str(), *pods)),
        Work::Wait(_) | Work::Change(_) => None,
    });
    assert_eq!(
        waits.collect::<Vec<_>>(),
        [("cart", Some(8)), ("small", Some(8))]
    );
    let remarks = plan.remarks.join("; ");
    assert!(
        remarks.contains("shop/gitops in eu-west-1 stays at 3: Argo CD puts it back"),
        "{remarks}"
    );
    assert!(
        remarks.contains("the maximum of shop/small in eu-west-1 grows from 6 to 8"),
        "{remarks}"
    );
    assert!(plan.marks.iter().any(|mark| matches!(mark, Mark::Orphan { what } if what.starts_with("raised floor of shop/cart in eu-west-1: 8 instead of 3"))));
    assert_stable(&watched, &plan);
}

#[test]
fn what_has_no_autoscaler_gets_more_pods_only_when_it_is_named() {
    let mut watched = watched();
    deployments(
        &mut watched,
        &[("singleton", None), ("gitops", Some((3, 9, true)))],
    );
    let options = Options {
        names: vec!["singleton".to_owned(), "shop/gitops".to_owned()],
        ..none()
    };
    let plan = watched
        .plan("scale-receivers", "ap-southeast-1", options)
        .unwrap();
    assert_eq!(
        lifted(&plan),
        [
            "shop/singleton in eu-west-1: 6 pods → 8 pods",
            "shop/gitops in eu-west-1: 3 to 9 pods → 8 to 9 pods"
        ]
    );
}
