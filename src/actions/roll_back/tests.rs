//! Which regions go back, to what, and what is said about the others.

use super::super::kit::tests::*;
use crate::{
    plan::{Blast, Options, Wait, Work, ledger::Ledger},
    resources::Change,
};

const RELEASE: &str =
    "[[timeline]]\nat = 1\nfault = \"release\"\nservice = \"checkout\"\nversion = \"v2.15.0\"\n";

/// A release that crashes, out in some regions.
fn released(regions: &[&str]) -> crate::resources::Fleet {
    let cue = |region: &&str| format!("{RELEASE}region = \"{region}\"\noutcome = \"crashes\"\n");
    let cues: Vec<String> = regions.iter().map(cue).collect();
    after(&cues.concat(), 60)
}

fn to(wanted: &str) -> Options {
    Options {
        to: Some(wanted.to_owned()),
        ..Options::default()
    }
}

#[test]
fn a_service_goes_back_in_every_region_that_runs_the_release_and_in_no_other() {
    let fleet = released(&["eu-west-1", "us-east-1"]);
    let plan = plan(
        &fleet,
        &Ledger::default(),
        "roll-back",
        "checkout",
        Options::default(),
    );
    assert_eq!((plan.blast, plan.phrase.as_str()), (Blast::L2, "checkout"));
    let places: Vec<String> = plan
        .changes()
        .map(|change| match change {
            Change::Deployments(change) => change.at().words(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        places,
        ["shop/checkout in us-east-1", "shop/checkout in eu-west-1"]
    );
    let lines = lines(&plan);
    assert!(
        lines[0].contains("v2.15.0 (revision 42)") && lines[0].contains("v2.14.3 (revision 41)"),
        "{lines:?}"
    );
    // Everything is sent before anything is waited for, and it is to be over in two minutes.
    let waits = |step: &crate::plan::Step| matches!(step.work, Work::Wait(Wait::Rollout { .. }));
    let order: Vec<bool> = plan.steps.iter().map(waits).collect();
    assert_eq!(order, [false, false, true, true]);
    assert!(plan.expected().as_secs() < 120, "{:?}", plan.expected());
    let remarks = plan.remarks.join("; ");
    assert!(
        remarks.contains("migrations") && remarks.contains("ConfigMaps"),
        "{remarks}"
    );
    assert!(remarks.contains("ap-southeast-1 runs v2.14.3"), "{remarks}");
}

#[test]
fn a_revision_is_named_by_its_version_or_in_one_region_by_its_number() {
    let fleet = released(&["eu-west-1"]);
    let refused = |target: &str, wanted: &str| {
        refusal(&fleet, &Ledger::default(), "roll-back", target, to(wanted))
    };
    assert!(refused("checkout", "41").contains("another one in each region"));
    assert!(refused("checkout@eu-west-1", "7").contains("keeps no revision 7"));
    assert!(refused("checkout@eu-west-1", "42").contains("already"));
    assert!(refused("chekcout", "41").contains("did you mean `checkout`"));
    let by_number = plan(
        &fleet,
        &Ledger::default(),
        "roll-back",
        "checkout@eu-west-1",
        to("41"),
    );
    let by_version = plan(
        &fleet,
        &Ledger::default(),
        "roll-back",
        "checkout",
        to("v2.14.3"),
    );
    assert_eq!(lines(&by_number), lines(&by_version));
    assert_eq!(by_number.phrase, "checkout@eu-west-1");
    let alone = refusal(
        &calm(),
        &Ledger::default(),
        "roll-back",
        "checkout",
        Options::default(),
    );
    assert!(alone.contains("keeps no earlier revision"), "{alone}");
}
