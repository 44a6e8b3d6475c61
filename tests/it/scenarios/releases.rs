//! A bad release taken back, and a node taken out of service, played through the keyboard.

use pilothouse::resources::deployments::Rollout;

use super::{
    acts::insist,
    drill::{Drill, REGIONS},
    place,
};

/// Tag and roll-out of payments in a region, as the console knows them.
fn payments(drill: &Drill, region: &str) -> (String, Rollout) {
    let slice = drill
        .state
        .fleet
        .deployments
        .slice(pilothouse::resources::Source::Deployments, &place(region));
    let rows = slice.map_or(&[][..], |slice| &slice.rows);
    let row = rows.iter().find(|row| row.name == "payments").unwrap();
    let tag = row.main().and_then(|main| main.tag()).unwrap_or_default();
    (tag.to_owned(), row.rollout())
}

#[test]
fn a_bad_release_is_taken_back_in_both_regions_by_one_plan_within_two_minutes() {
    let mut drill = Drill::acting("bad-release", 120);
    assert_eq!(payments(&drill, "eu-west-1").0, "v1.10.0");
    drill.command("arm payments crashes");
    let began = drill.second();
    insist(&mut drill, "roll-back payments", &[]);
    let (phase, took) = drill.run_out(300);
    assert!(phase.starts_with("done"), "{phase} after {took} s");
    assert!(drill.second() - began < 120, "{took} s");
    for region in REGIONS {
        let (tag, rollout) = payments(&drill, region);
        assert_eq!(
            (tag.as_str(), rollout),
            ("v1.9.8", Rollout::Complete),
            "{region}"
        );
    }
    // us-east-1 never had it, and nothing was sent there.
    assert_eq!(drill.sent.len(), 2, "{:?}", drill.sent);
}

/// Plans, confirms, and lets it go on to its end.
fn carry_out(drill: &mut Drill, typed: &str) {
    drill.plan(typed);
    assert_eq!(drill.obstacles(), [""; 0], "{typed}");
    drill.confirm();
    drill.advance(1);
    // A cordon is over within the second.
    if drill.state.conduct.active().next().is_some() {
        let (phase, took) = drill.run_out(600);
        assert!(phase.starts_with("done"), "{typed}: {phase} after {took} s");
    }
    drill.advance(15);
}

#[test]
fn a_node_is_emptied_as_budgets_allow_and_takes_pods_again() {
    let mut drill = Drill::acting("calm", 60);
    drill.command("arm a node is replaced");
    let node = "eu-west-1/shop-eu-west-1/ip-10-0-0-10";
    carry_out(&mut drill, &format!("cordon-node {node}"));
    assert_eq!(drill.truth(|world| world.hands.cordoned.len()), 1);
    carry_out(&mut drill, &format!("drain-node {node}"));
    let moved = drill.truth(|world| world.hands.moved.len());
    assert_eq!(moved, 6, "one pod of each service");
    carry_out(&mut drill, &format!("uncordon-node {node}"));
    assert_eq!(drill.truth(|world| world.hands.cordoned.len()), 0);
}
