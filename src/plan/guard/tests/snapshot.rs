//! G-STALE, G-CRED, G-CLOCK.

use std::time::Duration;

use super::*;

#[test]
fn what_it_builds_on_was_seen_a_moment_ago() {
    let mut fleet = world();
    let plan = drain(&fleet);
    let after = |fleet: &mut Fleet, seconds| {
        fleet.now = now() + Duration::from_secs(seconds);
        judged(fleet, &plan, GuardId::Stale)
    };
    says(&after(&mut fleet, 0), Verdict::Pass, "the oldest is");
    says(
        &after(&mut fleet, 40),
        Verdict::Warn,
        "records global 45 s > 40 s",
    );
    says(
        &after(&mut fleet, 86),
        Verdict::Fail,
        "records global 91 s > 90 s",
    );
    let unread = Fleet::new(Arc::new(estate(&REGIONS)), now());
    says(
        &judged(&unread, &plan, GuardId::Stale),
        Verdict::Unknown,
        "never read",
    );
}

#[test]
fn metrics_of_the_receivers_age_too() {
    let mut fleet = world();
    let plan = drain(&fleet);
    let old = balancer_series(EU, &[("requests", &[(365, 1.0)])]);
    metrics(&mut fleet, &place(EU), 1, old);
    says(
        &judged(&fleet, &plan, GuardId::Stale),
        Verdict::Fail,
        "metrics eu-west-1 305 s > 300 s",
    );
    metrics(&mut fleet, &place(EU), 0, Vec::new());
    says(
        &judged(&fleet, &plan, GuardId::Stale),
        Verdict::Unknown,
        "metrics eu-west-1 were not read",
    );
}

#[test]
fn credentials_outlast_the_plan() {
    let mut fleet = world();
    let plan = plan(&fleet, vec![switchover(EU)], &[]);
    says(
        &judged(&fleet, &plan, GuardId::Credentials),
        Verdict::Pass,
        "do not expire",
    );
    // One step of 60 s needs 90 s and 5 minutes.
    identified(&mut fleet, US, Some(0), Some(391));
    says(
        &judged(&fleet, &plan, GuardId::Credentials),
        Verdict::Pass,
        "6 min left ≥ 6 min",
    );
    identified(&mut fleet, US, Some(0), Some(389));
    says(
        &judged(&fleet, &plan, GuardId::Credentials),
        Verdict::Fail,
        "left <",
    );
    let unread = Fleet::new(Arc::new(estate(&REGIONS)), now());
    says(
        &judged(&unread, &plan, GuardId::Credentials),
        Verdict::Unknown,
        "not known",
    );
}

#[test]
fn the_clock_is_right() {
    let mut fleet = world();
    let plan = drain(&fleet);
    says(
        &judged(&fleet, &plan, GuardId::Clock),
        Verdict::Pass,
        "off by 0 s",
    );
    identified(&mut fleet, EU, Some(-6), None);
    says(
        &judged(&fleet, &plan, GuardId::Clock),
        Verdict::Warn,
        "-6 s > 5 s",
    );
    identified(&mut fleet, EU, Some(61), None);
    says(
        &judged(&fleet, &plan, GuardId::Clock),
        Verdict::Fail,
        "61 s > 60 s",
    );
    let unread = Fleet::new(Arc::new(estate(&REGIONS)), now());
    says(
        &judged(&unread, &plan, GuardId::Clock),
        Verdict::Warn,
        "not known",
    );
}
