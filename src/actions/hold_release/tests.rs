//! Which regions are held, and what is left alone.

use super::super::kit::tests::*;
use crate::{
    plan::{Blast, GuardId, Mark, Options, Verdict, ledger::Ledger},
    resources::change::Alter,
};

const CUE: &str = "[[timeline]]\nat = 1\nfault = \"release\"\nservice = \"payments\"\nversion = \"v1.10.0\"\nregion = \"ap-southeast-1\"\n";

#[test]
fn the_regions_that_do_not_have_it_are_paused_and_the_others_left() {
    let fleet = after(CUE, 200);
    let ledger = Ledger::default();
    let held = plan(
        &fleet,
        &ledger,
        "hold-release",
        "payments",
        Options::default(),
    );
    assert_eq!((held.blast, held.phrase.as_str()), (Blast::L2, "payments"));
    let places: Vec<String> = held
        .changes()
        .map(|change| change.place().to_string())
        .collect();
    assert_eq!(places, ["us-east-1", "eu-west-1"]);
    assert!(
        held.marks
            .iter()
            .all(|mark| matches!(mark, Mark::Orphan { what } if what.contains("held release")))
    );
    assert!(
        held.remarks
            .iter()
            .any(|remark| remark.contains("ap-southeast-1 has the release, complete"))
    );
    // While it rolls out, that region is held as well.
    let plan = plan(
        &after(CUE, 12),
        &ledger,
        "hold-release",
        "payments",
        Options::default(),
    );
    assert_eq!(plan.changes().count(), 3);
    // Without a release there is nothing to hold.
    let refused = refusal(
        &calm(),
        &ledger,
        "hold-release",
        "payments",
        Options::default(),
    );
    assert!(refused.contains("has the release, complete"), "{refused}");
}

#[test]
fn an_advance_is_one_region_with_its_image_and_goes_nowhere_before_the_soak() {
    let fleet = after(CUE, 200);
    let ledger = Ledger::default();
    let plan = plan(&fleet, &ledger, "advance", "payments", Options::default());
    assert_eq!(plan.phrase, "payments@eu-west-1");
    let lines = lines(&plan);
    assert!(
        lines[0].contains("eu-west-1.amazonaws.com/shop/payments:v1.9.8 -> "),
        "{lines:?}"
    );
    assert!(
        lines[0].ends_with("eu-west-1.amazonaws.com/shop/payments:v1.10.0"),
        "{lines:?}"
    );
    let change = plan.changes().next().unwrap();
    assert_eq!(
        change.inverse().unwrap().inverse().unwrap().edits(),
        change.edits()
    );
    assert!(change.commands()[0].contains("set image deployment/payments app="));
    let subject = crate::plan::guard::Subject {
        fleet: &fleet,
        plan: &plan,
        ahead: &plan.steps,
        ledger: &ledger,
        beside: &[],
    };
    let soak = crate::plan::guard::judge(subject, &[GuardId::Soak]).remove(0);
    assert_eq!(soak.verdict, Verdict::Fail, "{}", soak.evidence);
    assert!(
        soak.evidence.contains("ap-southeast-1 soaks"),
        "{}",
        soak.evidence
    );
    let finished = refusal(&calm(), &ledger, "advance", "payments", Options::default());
    assert!(
        finished.contains("in every region of its order"),
        "{finished}"
    );
}
