//! A region, a part of a region, a version: which region is sick, seen at a glance, and how soon (domain D.1, D.2, D.8).

use pilothouse::resources::{Freshness, Severity, Source, metrics::Reading};

use super::drill::{Drill, REGIONS, place, region};

/// When the fault of the drill begins.
const FAULT: i64 = 25;
/// The slowest answer of a poll that is meant every 30 s: a fifth later, and a deadline of 10 s.
const SLOWEST_POLL: i64 = 36 + 10;

fn requests(drill: &Drill, label: &str) -> Reading {
    let rollup = drill.state.fleet.rollup(&region(label));
    rollup.demand.requests_per_second.unwrap()
}

fn p99(drill: &Drill, label: &str) -> f64 {
    let rollup = drill.state.fleet.rollup(&region(label));
    rollup.demand.p99_ms.and_then(Reading::usable).unwrap()
}

#[test]
fn a_lost_region_is_bad_on_screen_within_thirty_seconds_and_no_other_is() {
    let mut drill = Drill::named("region-down");
    drill.until(FAULT - 1);
    assert!(
        REGIONS
            .iter()
            .all(|region| drill.severity(region) == Severity::Ok)
    );
    let bad = drill.first(FAULT + 30, |drill| {
        drill.region_line("us-east-1").contains("✖ BAD")
    });
    assert!(
        bad.is_some(),
        "detection target of D.8: 30 s\n{}",
        drill.screen(80, 24)
    );
    let reason = drill.reason("us-east-1");
    assert!(
        reason.starts_with("no API of this region has answered for"),
        "{reason}"
    );
    for survivor in ["eu-west-1", "ap-southeast-1"] {
        assert!(
            drill.severity(survivor) < Severity::Bad,
            "{}",
            drill.reason(survivor)
        );
    }
    // Its last values stay, marked as old: not green.
    let line = drill.region_line("us-east-1");
    assert!(line.contains("~27."), "{line}");
    assert!(
        drill.screen(80, 24).contains("no API of this region"),
        "the reason is on screen"
    );
}

#[test]
fn the_levers_tell_which_control_is_left() {
    let mut drill = Drill::named("region-down");
    let dark = drill.first(FAULT + SLOWEST_POLL, |drill| {
        drill.lever("R53") == "R53 FAIL"
    });
    assert!(dark.is_some(), "{}", drill.lever("R53"));
    drill.advance(15);
    assert_eq!(
        drill.lever("CF"),
        "CF FAIL",
        "its control plane is in us-east-1 too"
    );
    assert_eq!(drill.lever("GA"), "GA ok", "it lives in us-west-2");
    assert_eq!(drill.lever("ARC"), "ARC 4/5");
    assert_eq!(drill.lever("RDS"), "RDS 2/3");
    assert_eq!(drill.lever("K8S"), "K8S 2/3");
    let screen = drill.screen(80, 24);
    // On a narrow screen those that work are only named.
    for text in ["ARC 4/5", "R53 FAIL", "●GA"] {
        assert!(screen.contains(text), "{text}\n{screen}");
    }
}

#[test]
fn the_survivors_take_the_load_and_are_never_mistaken_for_the_dead_one() {
    let mut drill = Drill::named("region-down");
    drill.until(FAULT - 1);
    let rps = requests(&drill, "eu-west-1").usable().unwrap();
    let latency = p99(&drill, "eu-west-1");
    drill.watch(400, |drill| {
        // The hanging region delays nobody: every other one is read at its pace.
        for label in ["eu-west-1", "ap-southeast-1"] {
            for &source in Source::ALL {
                if drill.asked(source, &place(label)) > 0 {
                    let freshness = drill.state.fleet.freshness(source, &place(label));
                    assert_eq!(freshness, Freshness::Fresh, "{} at {label}", source.name());
                }
            }
        }
        let bad = REGIONS
            .iter()
            .filter(|label| drill.severity(label) == Severity::Bad);
        if bad.count() > 0 {
            let first = drill.regions_on_screen()[0].clone();
            assert_eq!(first, "us-east-1", "at {} s", drill.second());
        }
    });
    assert!(requests(&drill, "eu-west-1").usable().unwrap() > rps * 1.4);
    assert!(p99(&drill, "eu-west-1") > latency * 2.0);
    assert!(drill.reason("eu-west-1").contains("of capacity used"));
    drill.until(FAULT + 480);
    assert_eq!(
        requests(&drill, "us-east-1").freshness(),
        Freshness::Expired
    );
    let line = drill.region_line("us-east-1");
    assert!(!line.contains("27."), "too old to be shown: {line}");
}

#[test]
fn one_service_of_one_region_fails_and_only_that_is_accused() {
    let mut drill = Drill::named("partial-failure");
    let mut bad = None;
    drill.watch(460, |drill| {
        for label in ["us-east-1", "ap-southeast-1"] {
            assert!(
                drill.second() < 5 || drill.severity(label) == Severity::Ok,
                "{}",
                drill.reason(label)
            );
        }
        if drill.severity("eu-west-1") == Severity::Bad {
            bad.get_or_insert(drill.second());
        }
        if drill.second() == 240 {
            let reason = drill.reason("eu-west-1");
            assert!(reason.starts_with("errors 3."), "{reason}");
            assert!(reason.contains("80 % of shop-stable healthy"), "{reason}");
            let screen = drill.screen(80, 24);
            assert!(screen.contains("!8/10"), "{screen}");
            assert!(
                drill
                    .state
                    .fleet
                    .rollup(&region("eu-west-1"))
                    .health_checks
                    .failing
                    .is_empty()
            );
            for group in ["ARC", "R53", "GA", "CF", "RDS", "ELB"] {
                assert_eq!(drill.lever(group), format!("{group} ok"));
            }
        }
    });
    // Metrics say so: a minute until it ends, two until its point settles, and the poll.
    assert!(bad.is_some_and(|second| second <= FAULT + 180), "{bad:?}");
}

#[test]
fn a_bad_canary_is_seen_in_the_row_of_its_region_alone() {
    let mut drill = Drill::named("bad-canary");
    drill.until(15);
    let before = drill.region_line("ap-southeast-1");
    assert!(!before.contains("25%"), "{before}");
    let seen = drill.first(20 + SLOWEST_POLL, |drill| {
        drill.region_line("ap-southeast-1").contains("25%")
    });
    assert!(seen.is_some(), "{}", drill.region_line("ap-southeast-1"));
    let bad = drill.first(FAULT + 180, |drill| {
        drill.severity("ap-southeast-1") == Severity::Bad
    });
    assert!(bad.is_some() && drill.reason("ap-southeast-1").starts_with("errors "));
    for label in ["us-east-1", "eu-west-1"] {
        assert_eq!(
            drill.severity(label),
            Severity::Ok,
            "{}",
            drill.reason(label)
        );
    }
    drill.press("4 z");
    let pane = drill.screen(120, 50);
    let mut lines = pane.lines();
    let canary = lines.find(|line| line.contains("shop-canary") && line.contains("ap-southeast-1"));
    assert!(canary.is_some_and(|line| line.contains("25%")), "{pane}");
}

#[test]
fn a_console_that_comes_late_says_what_it_does_not_know() {
    let mut drill = Drill::joining("region-down", 120);
    assert!(
        drill
            .first(120 + 15, |drill| drill.severity("us-east-1")
                == Severity::Bad)
            .is_some()
    );
    let reason = drill.reason("us-east-1");
    assert!(
        reason.starts_with("no API of this region has answered yet"),
        "{reason}"
    );
    // The inventory that its metrics wait for was asked, and did not come.
    drill.until(120 + 20);
    assert_eq!(requests(&drill, "us-east-1"), Reading::Failed);
    assert!(requests(&drill, "eu-west-1").usable().is_some());
    assert_eq!(drill.lever("R53"), "R53 FAIL");
    assert_eq!(drill.regions_on_screen()[0], "us-east-1");
}
