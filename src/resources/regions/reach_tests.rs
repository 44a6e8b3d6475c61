//! When a region is lost, what that does to its row, and which of several bad regions comes first.

use super::*;
use crate::resources::{
    Kind, Rows, Severity,
    fixtures::{self as f, answer, label, place},
    metrics::Reading,
    regions::rollup::Rollup,
    shown,
};

fn of(fleet: &Fleet) -> Rollup {
    Rollup::of(fleet, &label("eu"))
}

fn value(reading: Option<Reading>) -> Option<f64> {
    reading.and_then(Reading::usable)
}

/// A region whose sources answered a minute ago, of which these have failed `since` seconds ago.
fn silent(sources: &[Source], since: u64) -> Fleet {
    let given = f::balancer_series("web", &[("requests", &[(120, 6_000.0)])]);
    let mut fleet = f::fleet(&["eu"]);
    let rows = Rows::Traffic(vec![f::forward("web", "blue", 1)]);
    answer(&mut fleet, Source::LoadBalancers, &place("eu"), 60, rows);
    f::metrics(&mut fleet, &place("eu"), 60, given);
    f::answer_rest(&mut fleet, &place("eu"), 60);
    fleet.now = f::ago(since);
    for &source in sources {
        f::failure(&mut fleet, source, &place("eu"), ErrorClass::Timeout);
    }
    fleet.now = f::now();
    fleet
}

#[test]
fn two_silent_sources_that_none_contradicts_are_a_lost_region() {
    let two = [Source::Alarms, Source::Rds];
    assert!(of(&silent(&two, 5)).reach.lost(f::now()));
    assert!(
        !of(&silent(&two, 1)).reach.lost(f::now()),
        "the others have not had the time to answer"
    );
    assert!(
        !of(&silent(&two[..1], 5)).reach.lost(f::now()),
        "one is a source, not a region"
    );
    let mut fleet = silent(&two, 5);
    answer(
        &mut fleet,
        Source::Clusters,
        &place("eu"),
        3,
        Rows::Clusters(Vec::new()),
    );
    assert!(
        !of(&fleet).reach.lost(f::now()),
        "another has answered since"
    );
}

#[test]
fn nothing_of_a_lost_region_looks_as_if_it_were_seen_now() {
    let lost = of(&silent(&[Source::Alarms, Source::Rds], 5));
    let alive = of(&silent(&[Source::Alarms], 5));
    let requests = |rollup: &Rollup| rollup.demand.requests_per_second.map(Reading::freshness);
    assert_eq!(requests(&alive), Some(Freshness::Fresh));
    assert_eq!(requests(&lost), Some(Freshness::Stale));
    assert_eq!(
        value(lost.demand.requests_per_second),
        Some(100.0),
        "the last value stays"
    );
    assert_eq!(lost.databases.freshness, Freshness::Stale);
}

#[test]
fn an_api_server_that_does_not_answer_is_no_answer_of_its_region() {
    let mut fleet = silent(&[Source::Alarms, Source::Rds], 5);
    let server = |answered: bool| {
        let state = serde_json::json!({"api_server": {"name": "main", "error": "refused", "answered_before": answered}});
        Rows::Clusters(vec![f::row(state)])
    };
    answer(
        &mut fleet,
        Source::ApiServers,
        &place("eu"),
        3,
        server(true),
    );
    let known = of(&fleet).reach;
    assert!(known.lost(f::now()));
    let mut fleet = silent(&[Source::Alarms], 5);
    answer(
        &mut fleet,
        Source::ApiServers,
        &place("eu"),
        3,
        server(false),
    );
    let private = of(&fleet).reach;
    assert!(!private.lost(f::now()));
    assert_eq!(private.asked + 1, known.asked, "a private one says nothing");
}

#[test]
fn a_writer_that_is_down_marks_its_cell_and_comes_before_those_that_suffer_from_it() {
    let mut fleet = f::fleet(&["eu", "us"]);
    for region in ["eu", "us"] {
        let rows = Rows::Traffic(vec![f::forward("web", "blue", 1)]);
        answer(&mut fleet, Source::LoadBalancers, &place(region), 5, rows);
        let errors: &[(&str, &[(u64, f64)])] = &[
            ("requests", &[(120, 6_000.0)]),
            ("target-5xx", &[(120, 120.0)]),
        ];
        f::metrics(
            &mut fleet,
            &place(region),
            5,
            f::balancer_series("web", errors),
        );
        let mut database = serde_json::to_value(f::aurora(region, &["us"], &["eu", "us"])).unwrap();
        if region == "us" {
            database["status"] = "inaccessible-encryption-credentials".into();
        }
        let rows = Rows::Databases(vec![f::row(database)]);
        answer(&mut fleet, Source::Rds, &place(region), 5, rows);
    }
    let (eu, us) = (of(&fleet), Rollup::of(&fleet, &label("us")));
    assert_eq!((eu.severity, us.severity), (Severity::Bad, Severity::Bad));
    assert_eq!((eu.causes, us.causes), (0, 1), "{:?}", us.reasons);
    assert!(us.databases.severity > eu.databases.severity);
    let order = shown::order(&fleet, Kind::Regions, None, "");
    assert_eq!(order[0].place, place("us"), "eu is the first of the estate");
}

#[test]
fn the_slow_sources_do_not_keep_a_lost_region_alive() {
    let mut fleet = f::fleet(&["eu"]);
    f::answer_rest(&mut fleet, &place("eu"), 100);
    f::failure(&mut fleet, Source::Rds, &place("eu"), ErrorClass::Timeout);
    assert!(
        !of(&fleet)
            .reach
            .lost(f::now() - std::time::Duration::from_secs(60)),
        "others answered a moment ago"
    );
    assert!(
        !of(&fleet).reach.lost(f::now()),
        "one source is not a region"
    );
    f::failure(
        &mut fleet,
        Source::Alarms,
        &place("eu"),
        ErrorClass::Timeout,
    );
    assert!(of(&fleet).reach.lost(f::now()));
}

#[test]
fn a_denied_source_is_unknown_and_no_dead_region() {
    let mut fleet = f::fleet(&["eu"]);
    f::failure(
        &mut fleet,
        Source::MemoryDb,
        &place("eu"),
        ErrorClass::Denied,
    );
    f::answer_rest(&mut fleet, &place("eu"), 5);
    let rollup = of(&fleet);
    assert_eq!(rollup.severity, Severity::Unknown);
    assert_eq!(
        rollup.reasons[0].reason,
        "no fresh answer from memorydb (denied)"
    );
    assert_eq!(rollup.freshness, Freshness::Fresh);
}

/// Two regions that answered a minute ago and of which all sources have failed for 30 s, as the global APIs have.
fn dark(class: ErrorClass) -> Fleet {
    let mut fleet = f::fleet(&["eu", "us"]);
    let places = [place("eu"), place("us"), Place::Global];
    for place in &places {
        f::answer_rest(&mut fleet, place, 60);
    }
    fleet.now = f::ago(30);
    for place in &places {
        fail(&mut fleet, place, class);
    }
    fleet.now = f::now();
    fleet
}

fn fail(fleet: &mut Fleet, place: &Place, class: ErrorClass) {
    for &source in Source::ALL {
        if fleet.estate.places(source).contains(place) {
            f::failure(fleet, source, place, class);
        }
    }
}

#[test]
fn when_nothing_answers_anywhere_it_is_our_own_network() {
    for class in [ErrorClass::Timeout, ErrorClass::Unreachable] {
        let fleet = dark(class);
        let rollup = of(&fleet);
        assert_eq!(rollup.severity, Severity::Unknown, "{:?}", rollup.reasons);
        assert!(
            rollup.reasons[0]
                .reason
                .ends_with("nor does any other: probably our own network"),
            "{:?}",
            rollup.reasons
        );
        assert_eq!(rollup, *fleet.rollup(&label("eu")), "kept is gathered");
    }
}

#[test]
fn who_answers_elsewhere_testifies_against_the_silent_regions() {
    let mut fleet = dark(ErrorClass::Timeout);
    let rows = Rows::Traffic(Vec::new());
    answer(&mut fleet, Source::Records, &Place::Global, 10, rows);
    assert_eq!(of(&fleet).severity, Severity::Bad, "a global API answers");
    assert_eq!(fleet.rollup(&label("us")).severity, Severity::Bad);
    let mut fleet = dark(ErrorClass::Timeout);
    f::answer_rest(&mut fleet, &place("us"), 10);
    let rows = Rows::Alarms(Vec::new());
    answer(&mut fleet, Source::Alarms, &place("us"), 10, rows);
    assert_eq!(of(&fleet).severity, Severity::Bad, "another region answers");
    assert_eq!(
        fleet.rollup(&label("eu")).severity,
        Severity::Bad,
        "and the roll-up that is kept follows at once"
    );
}

#[test]
fn an_answer_from_before_the_silence_is_no_witness() {
    // All global answers of the fleet are a minute old, the silence half a minute: nobody was asked since.
    let mut fleet = f::fleet(&["eu", "us"]);
    for place in [place("eu"), place("us"), Place::Global] {
        f::answer_rest(&mut fleet, &place, 60);
    }
    fleet.now = f::ago(30);
    for place in [place("eu"), place("us")] {
        fail(&mut fleet, &place, ErrorClass::Timeout);
    }
    fleet.now = f::now();
    assert!(fleet.cut_off());
}

#[test]
fn errors_that_come_from_the_other_end_are_no_network() {
    assert!(!dark(ErrorClass::Transient).cut_off());
}

#[test]
fn a_single_region_without_a_witness_may_be_dead() {
    let mut fleet = f::fleet(&["eu"]);
    f::answer_rest(&mut fleet, &place("eu"), 60);
    fail(&mut fleet, &place("eu"), ErrorClass::Timeout);
    fleet.now = f::now() + Duration::from_secs(30);
    assert_eq!(of(&fleet).severity, Severity::Bad);
}

#[test]
fn refused_everywhere_is_unknown_and_not_waiting() {
    let mut fleet = f::fleet(&["eu"]);
    fail(&mut fleet, &place("eu"), ErrorClass::Identity);
    let rows = shown::all(&fleet, Kind::Regions);
    let row = shown::show(&fleet, Kind::Regions, &rows[0]).unwrap();
    assert!(row.asked, "only what was not asked waits");
    assert_eq!(
        row.judgement.reason,
        "no API of this region has answered yet (credentials)"
    );
    assert_eq!(
        crate::facts::Facts::of(&fleet).worst(),
        crate::glyph::Mark::Unknown
    );
}

#[test]
fn a_dead_prometheus_is_no_dead_region() {
    let mut fleet = f::fleet(&["eu"]);
    for source in [Source::Prometheus, Source::FiringAlerts] {
        f::failure(&mut fleet, source, &place("eu"), ErrorClass::Unreachable);
    }
    let reach = &of(&fleet).reach;
    assert!(!reach.lost(fleet.now) && reach.silent.is_empty());
    assert_eq!(reach.partial, [Source::Prometheus, Source::FiringAlerts]);
}
