//! Drains of simulated and hand-made fleets.

mod mesh;
mod outside;

use super::super::kit::tests::*;
use crate::{
    plan::{Blast, Mark, Options, ledger::Ledger},
    resources::{Place, Rows, Source, traffic::Mechanism},
};

fn now() -> Options {
    Options {
        now: true,
        ..Options::default()
    }
}

#[test]
fn a_planned_drain_halves_the_dial_watches_and_then_turns_the_control_off() {
    let fleet = calm();
    let plan = plan(
        &fleet,
        &Ledger::default(),
        "drain-region",
        "eu-west-1",
        Options::default(),
    );
    assert_eq!(
        lines(&plan),
        [
            "dial eu-west-1 100 % -> 50 %",
            "tail eu-west-1 120 s below 100 %",
            "bake us-east-1 ap-southeast-1 120 s",
            "control cell-eu-west-1 On -> Off",
            "dial eu-west-1 50 % -> 0 %",
            "tail eu-west-1 120 s below 1 %",
            "bake us-east-1 ap-southeast-1 120 s",
        ]
    );
    assert_eq!(
        (plan.blast, plan.phrase.as_str()),
        (Blast::L3, "eu-west-1 31%")
    );
    assert_eq!(
        plan.marks,
        [Mark::Drained {
            region: label("eu-west-1")
        }]
    );
    let minutes = plan.until.unwrap().duration_since(plan.made_at).as_mins();
    assert_eq!(minutes, 120);
    let us = &plan.forecast[0];
    assert!(
        (us.share_after.unwrap() - 46.0 / 69.0).abs() < 1e-6,
        "{us:?}"
    );
    assert!(us.utilisation_worst().unwrap() > 100.0, "{us:?}");
    assert!(
        plan.remarks
            .iter()
            .any(|text| text.contains("scale-receivers")),
        "{:?}",
        plan.remarks
    );
    assert!(
        plan.remarks
            .iter()
            .any(|text| text.contains("api.shop.example: routing control cell-eu-west-1"))
    );
    walk(&fleet, &plan);
}

#[test]
fn the_writer_leaves_first_and_the_cache_primary_last_when_it_is_planned() {
    let fleet = calm();
    let planned = plan(
        &fleet,
        &Ledger::default(),
        "drain-region",
        "us-east-1",
        Options::default(),
    );
    let titles: Vec<&str> = planned
        .steps
        .iter()
        .map(|step| step.title.as_str())
        .collect();
    assert!(
        titles[0].contains("Switch the writer of shop-global over to eu-west-1"),
        "{titles:?}"
    );
    assert!(
        titles
            .last()
            .unwrap()
            .contains("writes that were not replicated are lost"),
        "{titles:?}"
    );
    let at_once = plan(
        &fleet,
        &Ledger::default(),
        "drain-region",
        "us-east-1",
        now(),
    );
    assert_eq!(
        lines(&at_once),
        [
            "control cell-us-east-1 On -> Off",
            "dial us-east-1 100 % -> 0 %",
            "tail us-east-1 120 s below 1 %"
        ]
    );
    assert!(
        at_once
            .remarks
            .iter()
            .any(|text| text.contains("switchover shop-global")),
        "{:?}",
        at_once.remarks
    );
}

#[test]
fn weights_are_the_fallback_where_no_control_governs() {
    let mut fleet = calm();
    without_controls(&mut fleet);
    let plan = plan(
        &fleet,
        &Ledger::default(),
        "drain-region",
        "eu-west-1",
        Options::default(),
    );
    let lines = lines(&plan);
    // Half of 31 % is 15.5 %, on a basis on which that can be written; the others keep their ratio and end as they began.
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("weight eu-west-1 62 -> ")),
        "{lines:?}"
    );
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("weight eu-west-1") && line.ends_with("-> 0"))
    );
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("weight us-east-1") && line.ends_with("-> 92"))
    );
    let invert = lines
        .iter()
        .position(|line| line.contains("as measured -> inverted"))
        .unwrap();
    let half = lines
        .iter()
        .position(|line| line.starts_with("weight eu-west-1 62"))
        .unwrap();
    assert!(half < invert, "what has percentages comes first");
    assert!(
        plan.marks
            .iter()
            .any(|mark| matches!(mark, Mark::Orphan { .. }))
    );
    assert!(
        plan.remarks
            .iter()
            .any(|text| text.contains("is used by") && text.contains("api.shop.example")),
        "{:?}",
        plan.remarks
    );
    walk(&fleet, &plan);
}

#[test]
fn a_lost_us_east_1_is_drained_by_its_control_and_dial_although_route_53_does_not_answer() {
    let fleet = watched("region-down", &[20, 85, 145, 205]);
    let plan = plan(
        &fleet,
        &Ledger::default(),
        "drain-region",
        "us-east-1",
        now(),
    );
    let lines = lines(&plan);
    assert_eq!(
        lines[..2],
        [
            "control cell-us-east-1 On -> Off",
            "dial us-east-1 100 % -> 0 %"
        ]
    );
    assert!(
        plan.remarks
            .iter()
            .any(|text| text.contains("failover shop-global")),
        "{:?}",
        plan.remarks
    );
}

#[test]
fn a_shared_check_is_not_inverted() {
    let mut fleet = calm();
    without_controls(&mut fleet);
    let shared = crate::sim::names::region_check("us-east-1");
    edit(&mut fleet, Source::Records, &Place::Global, |row| {
        if let Mechanism::Record(record) = &mut row.by {
            record.health_check_id = Some(shared.clone());
        }
    });
    let plan = plan(
        &fleet,
        &Ledger::default(),
        "drain-region",
        "eu-west-1",
        now(),
    );
    assert!(!lines(&plan).iter().any(|line| line.contains("inverted")));
    assert!(
        plan.remarks
            .iter()
            .any(|text| text.contains("www.shop.example stays") && text.contains("is shared with")),
        "{:?}",
        plan.remarks
    );
}

#[test]
fn a_check_that_fails_is_not_inverted_because_that_would_bring_the_region_back() {
    let mut fleet = calm();
    without_controls(&mut fleet);
    let key =
        crate::resources::health_checks::status_key(&crate::sim::names::region_check("us-east-1"));
    let slice = fleet
        .metrics
        .slice(Source::Metrics, &Place::Global)
        .unwrap();
    let mut rows = slice.rows.clone();
    for series in rows.iter_mut().filter(|series| series.spec.key == key) {
        for point in &mut series.points {
            point.value = 0.0;
        }
    }
    replace(
        &mut fleet,
        Source::Metrics,
        &Place::Global,
        Rows::Metrics(rows),
    );
    let plan = plan(
        &fleet,
        &Ledger::default(),
        "drain-region",
        "us-east-1",
        now(),
    );
    assert!(!lines(&plan).iter().any(|line| line.contains("inverted")));
    assert!(
        plan.remarks
            .iter()
            .any(|text| text.contains("would bring the region back")),
        "{:?}",
        plan.remarks
    );
}

#[test]
fn the_same_fleet_gives_the_same_hash_at_another_time() {
    let mut fleet = calm();
    let first = plan(
        &fleet,
        &Ledger::default(),
        "drain-region",
        "eu-west-1",
        Options::default(),
    );
    fleet.advance(fleet.now + std::time::Duration::from_secs(61));
    let second = plan(
        &fleet,
        &Ledger::default(),
        "drain-region",
        "eu-west-1",
        Options::default(),
    );
    assert_ne!(first.made_at, second.made_at);
    assert_eq!(first.hash(), second.hash());
    assert_ne!(
        first.hash(),
        plan(
            &fleet,
            &Ledger::default(),
            "drain-region",
            "eu-west-1",
            now()
        )
        .hash()
    );
}

#[test]
fn what_cannot_be_drained_is_refused_with_a_way_out() {
    let fleet = calm();
    let none = Ledger::default();
    let refused =
        |fleet, ledger, target| refusal(fleet, ledger, "drain-region", target, Options::default());
    assert!(refused(&fleet, &none, "eu-west-2").contains("did you mean `eu-west-1`?"));
    let drain = plan(
        &fleet,
        &none,
        "drain-region",
        "eu-west-1",
        Options::default(),
    );
    let mut journal = Ledger::default();
    done(&mut journal, "r1", &drain);
    let after = walk(&fleet, &drain);
    assert!(refused(&after, &journal, "eu-west-1").contains("drained already, by run r1"));
    assert!(refused(&after, &none, "eu-west-1").contains("drained already"));
    let mut bare = fleet.clone();
    replace(
        &mut bare,
        Source::Records,
        &Place::Global,
        Rows::Traffic(Vec::new()),
    );
    replace(
        &mut bare,
        Source::Accelerators,
        &Place::Global,
        Rows::Traffic(Vec::new()),
    );
    assert!(refused(&bare, &none, "eu-west-1").contains("nothing that we know steers traffic"));
    let options = Options {
        percent: Some(5.0),
        ..Options::default()
    };
    assert!(
        refusal(&fleet, &none, "drain-region", "eu-west-1", options)
            .contains("takes no option `percent`")
    );
}

#[test]
fn half_way_no_more_may_remain_than_its_share_says() {
    let mut fleet = calm();
    without_controls(&mut fleet);
    let plan = plan(
        &fleet,
        &Ledger::default(),
        "drain-region",
        "eu-west-1",
        Options::default(),
    );
    let lines = lines(&plan);
    let tails: Vec<&String> = lines
        .iter()
        .filter(|line| line.starts_with("tail"))
        .collect();
    // Half of its dial is half of what it has, and ten more for what is measured.
    assert_eq!(
        tails,
        [
            "tail eu-west-1 120 s below 60 %",
            "tail eu-west-1 120 s below 1 %"
        ]
    );
}
