//! Databases and caches in trouble: what fails by itself, what only lags, and what is no dead region at all (domain D.3 to D.5).

use pilothouse::resources::{Severity, metrics::Reading};

use super::drill::{Drill, region};

/// When the first fault of each drill begins.
const FAULT: i64 = 25;
/// The slowest answer of a poll that is meant every 30 s and answered at once. The 15 s of D.8 need a probe; polls of tier 2 (domain A.9) see it this late.
const SLOWEST_POLL: i64 = 36 + 2;

#[test]
fn a_crashed_writer_is_seen_by_the_next_poll_and_comes_back_by_itself() {
    let mut drill = Drill::named("database-failure");
    let seen = drill.first(FAULT + SLOWEST_POLL, |drill| {
        drill
            .reason("us-east-1")
            .contains("shop-us-east-1 is failing-over")
    });
    assert!(seen.is_some(), "{}", drill.reason("us-east-1"));
    assert_eq!(
        drill.severity("us-east-1"),
        Severity::Warn,
        "the cluster mends itself: nothing to do"
    );
    let line = drill.region_line("us-east-1");
    assert!(line.contains("!W"), "{line}");
    let back = drill.first(FAULT + 235, |drill| {
        drill.severity("us-east-1") == Severity::Ok
    });
    assert!(back.is_some(), "{}", drill.reason("us-east-1"));
}

#[test]
fn a_lost_source_is_told_from_the_replicas_and_the_errors_that_follow_from_it() {
    const LOST: i64 = 265;
    let mut drill = Drill::named("database-failure");
    drill.until(LOST - 1);
    let bad = drill.first(LOST + 120 + SLOWEST_POLL, |drill| {
        drill
            .reason("us-east-1")
            .contains("orders-us-east-1 is failed")
    });
    assert!(bad.is_some(), "{}", drill.reason("us-east-1"));
    drill.until(LOST + 240);
    // By now users everywhere get errors; the region of the source is the first of them, and its cell says why.
    assert_eq!(drill.regions_on_screen()[0], "us-east-1");
    assert!(drill.region_line("us-east-1").contains("!W"));
    for replica in ["eu-west-1", "ap-southeast-1"] {
        let rollup = drill.state.fleet.rollup(&region(replica));
        assert_eq!(rollup.causes, 0, "{:?}", rollup.reasons);
        assert!(
            drill.region_line(replica).contains("!R"),
            "{}",
            drill.region_line(replica)
        );
        let said = rollup.reasons.iter().any(|reason| {
            reason.severity == Severity::Warn
                && reason.reason.contains("could not connect to the source")
        });
        assert!(said, "{:?}", rollup.reasons);
    }
    let rollup = drill.state.fleet.rollup(&region("eu-west-1"));
    let aurora = rollup
        .reasons
        .iter()
        .any(|reason| reason.reason.contains("shop-"));
    assert!(!aurora, "Aurora is well: {:?}", rollup.reasons);
}

#[test]
fn a_conflict_shows_as_latency_of_the_table_between_the_two_and_nothing_is_bad() {
    let mut drill = Drill::named("replication-conflict");
    drill.until(5);
    let mut seen = None;
    drill.watch(600, |drill| {
        for label in ["us-east-1", "eu-west-1", "ap-southeast-1"] {
            assert!(
                drill.severity(label) < Severity::Bad,
                "{}",
                drill.reason(label)
            );
        }
        assert_eq!(drill.severity("ap-southeast-1"), Severity::Ok);
        if drill.severity("us-east-1") == Severity::Warn {
            seen.get_or_insert(drill.second());
            assert!(
                drill
                    .reason("us-east-1")
                    .contains("latency of carts to eu-west-1")
            );
            assert!(
                drill
                    .reason("eu-west-1")
                    .contains("latency of carts to us-east-1")
            );
        }
    });
    // DynamoDB publishes this every five minutes, and a point counts two periods after its start.
    assert!(
        seen.is_some_and(|second| second <= FAULT + 300 + 300 + 72),
        "{seen:?}"
    );
    assert_eq!(drill.contradictions(), [""; 0], "one table is no partition");
}

#[test]
fn a_partition_is_not_a_dead_region() {
    let mut drill = Drill::named("partition");
    drill.until(5);
    let told = |drill: &Drill| {
        let texts = drill.contradictions();
        texts.iter().any(|text| {
            text.starts_with("eu-west-1: ")
                && text.contains("behind us-east-1, but both regions serve")
        })
    };
    let seen = drill.first(FAULT + 240, told);
    assert!(seen.is_some(), "{:?}", drill.contradictions());
    assert!(
        drill.screen(80, 24).contains("≠ eu-west-1"),
        "{}",
        drill.screen(80, 24)
    );
    drill.watch(300, |drill| {
        assert_eq!(
            drill.severity("ap-southeast-1"),
            Severity::Ok,
            "{}",
            drill.reason("ap-southeast-1")
        );
        assert!(
            drill.severity("us-east-1") < Severity::Bad,
            "{}",
            drill.reason("us-east-1")
        );
        assert!(!drill.reason("eu-west-1").contains("no API"));
        for label in ["us-east-1", "eu-west-1"] {
            let rollup = drill.state.fleet.rollup(&region(label));
            assert!(
                rollup.health_checks.failing.is_empty(),
                "both are reached from outside"
            );
            assert!(
                rollup
                    .demand
                    .requests_per_second
                    .and_then(Reading::usable)
                    .is_some()
            );
        }
        for group in ["R53", "GA", "RDS", "EC"] {
            assert_eq!(drill.lever(group), format!("{group} ok"));
        }
    });
    // The path is back at 625 s; the backlog drains.
    let healed = drill.first(FAULT + 600 + 600, |drill| drill.contradictions().is_empty());
    assert!(
        healed.is_some_and(|second| second > FAULT + 600),
        "{healed:?}"
    );
}
