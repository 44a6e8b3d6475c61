//! Pause, resume and restart: which deployments they make sense for, and what stays.

use super::super::kit::tests::*;
use crate::plan::{Blast, Mark, Options, ledger::Ledger};

const RELEASE: &str = "[[timeline]]\nat = 1\nfault = \"release\"\nregion = \"eu-west-1\"\nservice = \"checkout\"\nversion = \"v2.15.0\"\n";

fn plan_of(fleet: &crate::resources::Fleet, action: &str, target: &str) -> crate::plan::Plan {
    plan(
        fleet,
        &Ledger::default(),
        action,
        target,
        Options::default(),
    )
}

#[test]
fn what_is_paused_stays_until_somebody_ends_it() {
    let fleet = after(RELEASE, 20);
    let plan = plan_of(&fleet, "pause-rollout", "checkout@eu-west-1");
    assert_eq!((plan.blast, plan.phrase.as_str()), (Blast::L1, ""));
    assert!(matches!(plan.marks.as_slice(), [Mark::Orphan { .. }]));
    assert!(plan.until.is_some());
    assert_eq!(plan.steps.len(), 1);
    let resume = refusal(
        &fleet,
        &Ledger::default(),
        "resume-rollout",
        "checkout",
        Options::default(),
    );
    assert!(resume.contains("is not paused"), "{resume}");
}

#[test]
fn a_restart_goes_from_region_to_region_and_waits_in_each() {
    let fleet = calm();
    let plan = plan_of(&fleet, "restart-rollout", "cart");
    assert_eq!((plan.blast, plan.phrase.as_str()), (Blast::L2, "cart"));
    let waits: Vec<bool> = plan
        .steps
        .iter()
        .map(|step| step.change().is_none())
        .collect();
    assert_eq!(waits, [false, true, false, true, false, true]);
    // The time of the plan is no part of what it does.
    let mut later = fleet.clone();
    later.now += std::time::Duration::from_secs(1);
    assert_eq!(
        plan_of(&later, "restart-rollout", "cart").hash(),
        plan.hash()
    );
    let moving = after(RELEASE, 20);
    let left = plan_of(&moving, "restart-rollout", "checkout")
        .remarks
        .join("; ");
    assert!(
        left.contains("left alone: shop/checkout in eu-west-1 is rolling out"),
        "{left}"
    );
}
