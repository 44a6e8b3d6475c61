//! Which nodes may be taken out of service, and which pods are moved.

use super::super::kit::tests::*;
use crate::{
    plan::{
        Blast, GuardId, Options, Plan, Wait, Work,
        guard::{Guard, Subject, Verdict, judge},
        ledger::Ledger,
    },
    resources::{
        Fleet, Place, Rows, Source,
        clusters::{
            Cluster, NodeCount,
            node::{Node, Occupant, Room},
        },
    },
};

fn node(name: &str, zone: &str, cordoned: bool) -> Node {
    Node {
        name: name.to_owned(),
        zone: Some(zone.to_owned()),
        group: Some("web".to_owned()),
        ready: Some(true),
        cordoned,
        allocatable: Some(Room {
            cpu_milli: 2_000,
            memory_bytes: 8 << 30,
            pods: 20,
        }),
        requested: Some(Room::default()),
        pods: cordoned.then(Vec::new),
    }
}

fn pod(name: &str, controller: Option<&str>) -> Occupant {
    Occupant {
        namespace: "shop".to_owned(),
        name: name.to_owned(),
        uid: format!("uid-{name}"),
        controller: controller.map(str::to_owned),
        stays: controller.is_some_and(|controller| controller.starts_with("DaemonSet")),
        leaving: false,
        scratch: false,
        requests: Room {
            cpu_milli: 500,
            memory_bytes: 1 << 30,
            pods: 1,
        },
    }
}

fn fleet(nodes: Vec<Node>) -> Fleet {
    let mut fleet = calm();
    let count = NodeCount {
        cluster: "shop-eu".to_owned(),
        heard_at: Some(fleet.now),
        zones: Vec::new(),
        cordoned: 0,
        not_ready: Vec::new(),
        pressure: Vec::new(),
        nodes,
    };
    let place = Place::Region(label("eu-west-1"));
    replace(
        &mut fleet,
        Source::Nodes,
        &place,
        Rows::Clusters(vec![Cluster::Nodes(count)]),
    );
    fleet
}

fn plan_of(fleet: &Fleet, action: &str, target: &str) -> Plan {
    plan(
        fleet,
        &Ledger::default(),
        action,
        target,
        Options::default(),
    )
}

fn refused(fleet: &Fleet, action: &str, target: &str) -> String {
    refusal(
        fleet,
        &Ledger::default(),
        action,
        target,
        Options::default(),
    )
}

#[test]
fn the_last_node_of_a_zone_and_a_second_one_of_a_group_stay_in_service() {
    let calm = fleet(vec![
        node("a-1", "a", false),
        node("a-2", "a", false),
        node("b-1", "b", false),
    ]);
    let plan = plan_of(&calm, "cordon-node", "a-1");
    assert_eq!((plan.blast, plan.steps.len()), (Blast::L1, 1));
    assert!(plan.until.is_some() && plan.marks.len() == 1);
    assert!(refused(&calm, "cordon-node", "b-1").contains("the last node of b"));
    assert!(refused(&calm, "uncordon-node", "a-1").contains("is not cordoned"));
    assert!(refused(&calm, "cordon-node", "a-9").contains("no node that we know of"));
    let busy = fleet(vec![
        node("a-1", "a", true),
        node("a-2", "a", false),
        node("a-3", "a", false),
    ]);
    assert!(refused(&busy, "cordon-node", "a-2").contains("a-1 of web is out of service already"));
    assert!(refused(&busy, "drain-node", "a-2").contains("cordon-node a-2 first"));
    assert!(refused(&busy, "drain-node", "a-1").contains("no pod that can be moved"));
    assert_eq!(plan_of(&busy, "uncordon-node", "a-1").steps.len(), 1);
}

#[test]
fn a_drain_moves_what_can_be_moved_and_asks_before_something_is_lost() {
    let mut out = node("a-1", "a", true);
    out.pods = Some(vec![
        pod("api-1", Some("ReplicaSet api")),
        pod("proxy-1", Some("DaemonSet proxy")),
    ]);
    let others = || vec![node("a-2", "a", false)];
    let plan = plan_of(
        &fleet([vec![out.clone()], others()].concat()),
        "drain-node",
        "a-1",
    );
    assert_eq!(
        lines(&plan),
        ["shop/api-1 a-1 -> another node", "emptied a-1 in eu-west-1"]
    );
    assert_eq!(
        (plan.blast, plan.phrase.as_str(), plan.loss_phrase.as_str()),
        (Blast::L2, "a-1", "")
    );
    assert!(matches!(
        plan.steps[1].work,
        Work::Wait(Wait::Emptied { .. })
    ));
    let mut scratch = pod("cache-1", Some("StatefulSet cache"));
    scratch.scratch = true;
    out.pods = Some(vec![scratch, pod("bare", None)]);
    let plan = plan_of(&fleet([vec![out], others()].concat()), "drain-node", "a-1");
    assert_eq!(plan.loss_phrase, "accept data loss");
    let remarks = plan.remarks.join("; ");
    assert!(
        remarks.contains("bare has no controller") && remarks.contains("cache-1 has an emptyDir"),
        "{remarks}"
    );
}

/// What G-CAP says of a drain of `a-1`.
fn capacity(fleet: &Fleet) -> Guard {
    let (plan, ledger) = (plan_of(fleet, "drain-node", "a-1"), Ledger::default());
    let subject = Subject {
        fleet,
        plan: &plan,
        ahead: &plan.steps,
        ledger: &ledger,
        beside: &[],
    };
    let [guard] = &judge(subject, &[GuardId::Capacity])[..] else {
        panic!("one guard");
    };
    guard.clone()
}

#[test]
fn a_drain_asks_whether_the_other_nodes_have_room() {
    let mut out = node("a-1", "a", true);
    let pods: Vec<Occupant> = (1..=5)
        .map(|index| pod(&format!("api-{index}"), Some("ReplicaSet api")))
        .collect();
    out.pods = Some(pods);
    let mut others = vec![node("a-2", "a", false), node("a-3", "a", false)];
    // Five pods of half a core: four fit on one node, and one on another.
    let guard = capacity(&fleet([vec![out.clone()], others.clone()].concat()));
    assert_eq!(guard.verdict, Verdict::Pass, "{}", guard.evidence);
    assert!(guard.evidence.contains("5 pods of a-1 ask for 2.5 cores"));
    // A node that is not ready is none, and one that is cordoned neither.
    others[1].ready = None;
    let guard = capacity(&fleet([vec![out.clone()], others.clone()].concat()));
    assert_eq!(guard.verdict, Verdict::Fail);
    assert!(
        guard.evidence.contains("1 of 5 pods of a-1 find no node"),
        "{}",
        guard.evidence
    );
    others[0].requested = None;
    let guard = capacity(&fleet([vec![out], others].concat()));
    assert_eq!(guard.verdict, Verdict::Unknown);
}
