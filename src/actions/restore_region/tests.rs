//! Restores after drains of simulated fleets.

use super::super::kit::tests::*;
use crate::{
    plan::{Blast, Mark, OnBreach, Options, Plan, ledger::Ledger},
    resources::Fleet,
};

/// A fleet that was drained, and the journal that tells so.
fn drained(fleet: &Fleet, region: &str) -> (Fleet, Ledger, Plan) {
    let options = Options {
        now: true,
        ..Options::default()
    };
    let drain = plan(fleet, &Ledger::default(), "drain-region", region, options);
    let mut journal = Ledger::default();
    done(&mut journal, "r1", &drain);
    (walk(fleet, &drain), journal, drain)
}

#[test]
fn behind_a_control_weights_are_held_and_rise_level_by_level() {
    let fleet = calm();
    let (after, journal, _) = drained(&fleet, "eu-west-1");
    let plan = plan(
        &after,
        &journal,
        "restore-region",
        "eu-west-1",
        Options::default(),
    );
    let lines = lines(&plan);
    assert_eq!(
        lines[..3],
        [
            "weight eu-west-1 62 -> 0",
            "control cell-eu-west-1 Off -> On",
            "bake eu-west-1 us-east-1 ap-southeast-1 420 s",
        ]
    );
    let dials: Vec<&String> = lines
        .iter()
        .filter(|line| line.starts_with("dial"))
        .collect();
    assert_eq!(
        dials,
        [
            "dial eu-west-1 0 % -> 1 %",
            "dial eu-west-1 1 % -> 5 %",
            "dial eu-west-1 5 % -> 10 %",
            "dial eu-west-1 10 % -> 25 %",
            "dial eu-west-1 25 % -> 50 %",
            "dial eu-west-1 50 % -> 100 %"
        ]
    );
    assert_eq!(
        lines.iter().filter(|line| line.starts_with("bake")).count(),
        7
    );
    assert_eq!(
        (plan.blast, plan.phrase.as_str(), plan.on_breach),
        (Blast::L2, "eu-west-1", OnBreach::StepBack)
    );
    assert_eq!(
        plan.marks,
        [Mark::Restored {
            region: label("eu-west-1")
        }]
    );
    assert_eq!(levers(&walk(&after, &plan)), levers(&fleet));
}

#[test]
fn weights_and_checks_return_in_their_turn_without_controls() {
    let mut fleet = calm();
    without_controls(&mut fleet);
    let (after, journal, _) = drained(&fleet, "eu-west-1");
    let plan = plan(
        &after,
        &journal,
        "restore-region",
        "eu-west-1",
        Options::default(),
    );
    let lines = lines(&plan);
    let back = lines
        .iter()
        .position(|line| line.contains("inverted -> as measured"))
        .unwrap();
    let rise = lines
        .iter()
        .position(|line| line.starts_with("weight eu-west-1 0 ->"))
        .unwrap();
    assert!(
        back < rise,
        "a record behind an inverted check gets nothing, whatever its weight: {lines:?}"
    );
    assert_eq!(
        lines
            .iter()
            .rev()
            .find(|line| line.starts_with("weight us-east-1"))
            .map(|line| line.ends_with("-> 92")),
        Some(true)
    );
    assert_eq!(levers(&walk(&after, &plan)), levers(&fleet));
}

#[test]
fn it_stops_where_it_is_told_and_is_not_called_restored() {
    let (after, mut journal, _) = drained(&calm(), "eu-west-1");
    let options = Options {
        percent: Some(10.0),
        ..Options::default()
    };
    let plan = plan(&after, &journal, "restore-region", "eu-west-1", options);
    assert!(plan.marks.is_empty());
    assert!(lines(&plan).iter().any(|line| line.ends_with("-> 10 %")));
    assert!(!lines(&plan).iter().any(|line| line.ends_with("-> 25 %")));
    // A control drained it, so the run that began to bring it back is what knows the weights.
    let part = walk(&after, &plan);
    done(&mut journal, "r2", &plan);
    let rest = super::super::kit::tests::plan(
        &part,
        &journal,
        "restore-region",
        "eu-west-1",
        Options::default(),
    );
    assert_eq!(levers(&walk(&part, &rest)), levers(&calm()));
}

#[test]
fn without_a_journal_the_normal_weights_are_asked_for() {
    let mut fleet = calm();
    without_controls(&mut fleet);
    let (after, _, _) = drained(&fleet, "eu-west-1");
    let none = Ledger::default();
    let refused = refusal(
        &after,
        &none,
        "restore-region",
        "eu-west-1",
        Options::default(),
    );
    assert!(
        refused.contains("the normal weight of eu-west-1 in api.shop.example is not known"),
        "{refused}"
    );
    assert!(refused.contains("weights eu-west-1=N"));
    let weights = [("eu-west-1".to_owned(), 62)].into_iter().collect();
    let options = Options {
        weights,
        ..Options::default()
    };
    let plan = plan(&after, &none, "restore-region", "eu-west-1", options);
    assert_eq!(levers(&walk(&after, &plan)), levers(&fleet));
}

#[test]
fn a_region_that_does_not_answer_or_has_its_share_is_not_restored() {
    let fleet = calm();
    let refused = refusal(
        &fleet,
        &Ledger::default(),
        "restore-region",
        "eu-west-1",
        Options::default(),
    );
    assert!(
        refused.contains("has its normal share already"),
        "{refused}"
    );
    let (_, journal, _) = drained(&fleet, "us-east-1");
    let lost = watched("region-down", &[20, 85, 145, 205]);
    let refused = refusal(
        &lost,
        &journal,
        "restore-region",
        "us-east-1",
        Options::default(),
    );
    assert!(refused.contains("us-east-1 does not answer"), "{refused}");
}

#[test]
fn now_skips_the_watching_but_not_the_levels_and_names_the_share() {
    let (after, journal, _) = drained(&calm(), "eu-west-1");
    let options = Options {
        now: true,
        ..Options::default()
    };
    let plan = plan(&after, &journal, "restore-region", "eu-west-1", options);
    assert_eq!(plan.blast, Blast::L3);
    assert!(plan.phrase.starts_with("eu-west-1 "), "{}", plan.phrase);
    assert!(lines(&plan).contains(&"bake eu-west-1 us-east-1 ap-southeast-1 120 s".to_owned()));
}
