//! What an operator sees in each drill (domain D): keys and virtual time on the simulator, without a terminal.

mod acts;
mod blindness;
mod board;
mod canaries;
mod carried;
pub mod drill;
mod mesh;
mod outages;
mod paths;
mod pipelines;
mod releases;
mod replay;
mod scores;
mod stores;
mod tour;
mod wrongs;

use pilothouse::resources::{Freshness, Severity, Source, estate::Estate};

use self::drill::{Drill, REGIONS, place};

#[test]
fn ten_calm_minutes_show_nothing_but_ok_and_nothing_flickers() {
    let mut drill = Drill::named("calm");
    // Everything has been read by then, the metrics twice.
    drill.until(90);
    let before = drill.rows();
    assert!(before.len() > 150, "{}", before.len());
    drill.watch(600, |drill| {
        let rows = drill.rows();
        for (id, (severity, freshness)) in &rows {
            assert_eq!(*severity, Severity::Ok, "{id:?} at {} s", drill.second());
            assert_eq!(before[id].1, *freshness, "{id:?} at {} s", drill.second());
        }
        assert_eq!(rows.len(), before.len());
        assert_eq!(drill.contradictions(), [""; 0]);
        for group in ["ARC", "R53", "GA", "CF", "STS", "K8S", "RDS", "EC", "ELB"] {
            assert_eq!(drill.lever(group), format!("{group} ok"));
        }
    });
    for region in REGIONS {
        let line = drill.region_line(region);
        assert!(line.contains("● OK"), "{line}");
        assert!(!line.contains(['~', '!', '?']), "{line}");
    }
}

#[test]
fn the_first_screen_is_whole_within_two_seconds() {
    let mut drill = Drill::named("calm");
    let screen = drill.screen(80, 24);
    assert!(
        !screen.contains("● OK"),
        "nothing is fine before it was read\n{screen}"
    );
    let whole = drill.first(5, |drill| {
        REGIONS
            .iter()
            .all(|region| drill.severity(region) == Severity::Ok)
    });
    assert!(whole.is_some_and(|second| second <= 2), "{whole:?}");
}

#[test]
fn the_estate_of_a_drill_is_asked_at_the_pace_of_the_poll_plan() {
    let mut drill = Drill::named("calm");
    drill.until(600);
    let defaults = Estate::default();
    for &source in Source::ALL {
        let interval = defaults.interval(source).as_secs_f64();
        let asked = drill.asked(source, &place("eu-west-1")) as f64;
        if asked > 0.0 {
            let meant = 600.0 / interval;
            assert!(
                asked <= meant / 0.8 + 2.0 && asked + 1.0 >= meant / 1.25,
                "{}: {asked} times, {meant} meant",
                source.name()
            );
        }
    }
    let fresh = |source: &Source| drill.state.fleet.freshness(*source, &place("eu-west-1"));
    assert_eq!(fresh(&Source::Alarms), Freshness::Fresh);
}
