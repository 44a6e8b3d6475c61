//! When it is the console that cannot see: values age and are marked, nothing is accused, nothing stays green (domain D.7 X1, X4).

use pilothouse::resources::{ErrorClass, Freshness, Place, Severity, Source, metrics::Reading};

use super::drill::{Drill, REGIONS, region};

fn requests(drill: &Drill) -> Freshness {
    let rollup = drill.state.fleet.rollup(&region("eu-west-1"));
    rollup.demand.requests_per_second.unwrap().freshness()
}

#[test]
fn old_telemetry_turns_grey_and_then_unknown_and_never_bad() {
    const FAULT: i64 = 20;
    let mut drill = Drill::named("stale-telemetry");
    drill.until(5);
    let mut seen = vec![requests(&drill)];
    drill.watch(590, |drill| {
        for label in REGIONS {
            assert!(
                drill.severity(label) < Severity::Warn,
                "{}",
                drill.reason(label)
            );
        }
        for label in ["us-east-1", "ap-southeast-1"] {
            assert_eq!(
                drill.severity(label),
                Severity::Ok,
                "{}",
                drill.reason(label)
            );
        }
        let now = requests(drill);
        if seen.last() != Some(&now) {
            seen.push(now);
        }
        let line = drill.region_line("eu-west-1");
        match now {
            Freshness::Fresh => {}
            Freshness::Stale => assert!(line.contains("~18."), "{line}"),
            Freshness::Expired | Freshness::Never => {
                assert!(!line.contains("18.") && !line.contains("OK"), "{line}");
            }
        }
    });
    assert_eq!(
        seen,
        [Freshness::Fresh, Freshness::Stale, Freshness::Expired]
    );
    assert_eq!(drill.severity("eu-west-1"), Severity::Unknown);
    assert!(
        drill
            .reason("eu-west-1")
            .contains("request metrics are too old")
    );
    for group in ["ARC", "R53", "GA", "RDS"] {
        assert_eq!(
            drill.lever(group),
            format!("{group} ok"),
            "the region itself answers"
        );
    }
    let back = drill.first(FAULT + 600 + 300, |drill| {
        drill.severity("eu-west-1") == Severity::Ok
    });
    assert!(back.is_some_and(|second| second > FAULT + 600), "{back:?}");
}

#[test]
fn a_throttled_route_53_is_asked_less_and_nothing_else_suffers() {
    const FAULT: i64 = 20;
    let mut drill = Drill::named("throttled-route53");
    drill.until(FAULT);
    let before = drill.asked(Source::Records, &Place::Global);
    let dark = drill.first(FAULT + 120, |drill| drill.lever("R53") == "R53 FAIL");
    assert!(dark.is_some(), "{}", drill.lever("R53"));
    drill.watch(FAULT + 600 - drill.second(), |drill| {
        for label in REGIONS {
            assert_eq!(
                drill.severity(label),
                Severity::Ok,
                "{}",
                drill.reason(label)
            );
        }
        for group in ["ARC", "GA", "CF", "STS", "K8S", "RDS", "EC", "ELB"] {
            assert_eq!(drill.lever(group), format!("{group} ok"));
        }
    });
    let asked = drill.asked(Source::Records, &Place::Global) - before;
    assert!(
        asked <= 14,
        "20 polls at the usual pace of 30 s, {asked} while throttled"
    );
    let classes = drill.failures();
    let all = classes.iter().all(|(source, class)| {
        [Source::Records, Source::HealthChecks].contains(source) && *class == ErrorClass::Throttled
    });
    assert!(!classes.is_empty() && all, "{classes:?}");
    let back = drill.first(FAULT + 600 + 150, |drill| drill.lever("R53") == "R53 ok");
    assert!(back.is_some(), "{}", drill.lever("R53"));
    let share = drill.state.fleet.rollup(&region("us-east-1")).share.clone();
    assert!(share.is_some_and(|share| share.fraction.is_some()));
    let rollup = drill.state.fleet.rollup(&region("us-east-1"));
    assert!(
        rollup
            .demand
            .error_percent
            .and_then(Reading::usable)
            .is_some()
    );
}
