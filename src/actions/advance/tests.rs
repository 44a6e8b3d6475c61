//! Which region, which image, and that no other way forward goes past the soak.

use super::super::kit::{carried::image, tests::*};
use crate::plan::{
    GuardId, Options, Verdict,
    guard::{Subject, judge},
    ledger::Ledger,
};

#[test]
fn each_region_pulls_from_its_own_registry() {
    let there = "1.dkr.ecr.ap-southeast-1.amazonaws.com/shop/checkout:v2.15.0";
    let here = "1.dkr.ecr.us-east-1.amazonaws.com/shop/checkout:v2.14.3";
    assert_eq!(
        image(here, there),
        "1.dkr.ecr.us-east-1.amazonaws.com/shop/checkout:v2.15.0"
    );
    let pinned = "ghcr.io/shop/checkout@sha256:abc";
    assert_eq!(
        image("registry.local:5000/shop/checkout:v1", pinned),
        "registry.local:5000/shop/checkout@sha256:abc"
    );
    // Another repository is another thing: it is taken as it is.
    assert_eq!(image("ghcr.io/shop/cart:v1", pinned), pinned);
    // Without a registry there is none to keep.
    assert_eq!(
        image("shop/checkout:v1", "shop/checkout:v2"),
        "shop/checkout:v2"
    );
}

fn cue(at: u32, region: &str, version: &str) -> String {
    format!(
        "[[timeline]]\nat = {at}\nfault = \"release\"\nservice = \"payments\"\nregion = \"{region}\"\nversion = \"{version}\"\n"
    )
}

/// What G-SOAK says of going to a version with `roll-back`.
fn soak(to: Option<&str>) -> (Verdict, String) {
    // eu-west-1 had the release and was taken back; ap-southeast-1 soaks.
    let cues = [
        cue(1, "ap-southeast-1", "v1.10.0"),
        cue(2, "eu-west-1", "v1.10.0"),
        cue(60, "eu-west-1", "v1.9.8"),
    ];
    let fleet = after(&cues.concat(), 200);
    let options = Options {
        to: to.map(str::to_owned),
        ..Options::default()
    };
    let region = if to.is_some() { EU } else { CANARY };
    let target = format!("payments@{region}");
    let plan = plan(&fleet, &Ledger::default(), "roll-back", &target, options);
    let subject = Subject {
        fleet: &fleet,
        plan: &plan,
        ahead: &plan.steps,
        ledger: &Ledger::default(),
        beside: &[],
    };
    let guard = judge(subject, &[GuardId::Soak]).remove(0);
    (guard.verdict, guard.evidence)
}

const EU: &str = "eu-west-1";
const CANARY: &str = "ap-southeast-1";

#[test]
fn a_roll_back_that_goes_forward_needs_the_soak_and_one_that_goes_back_does_not() {
    let (verdict, evidence) = soak(Some("v1.10.0"));
    assert_eq!(verdict, Verdict::Fail, "{evidence}");
    assert!(evidence.contains("ap-southeast-1 soaks"), "{evidence}");
    let (verdict, evidence) = soak(None);
    assert_eq!(verdict, Verdict::Pass, "{evidence}");
    assert!(evidence.contains("goes back to v1.9.8"), "{evidence}");
}
