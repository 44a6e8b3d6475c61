//! Canaries that only their own requests show, played through the keyboard.

use pilothouse::resources::{Severity, Source, metrics::signals::VersionSignals};

use super::{acts::insist, drill::Drill, place};

#[test]
fn a_canary_that_its_region_hides_is_caught_by_its_own_requests_and_taken_back() {
    let mut drill = Drill::acting("quiet-canary", 120);
    drill.command("arm a canary goes out");
    insist(
        &mut drill,
        "shift-weights httproute/shop/catalog/catalog-canary@eu-west-1 percent=10 bake=300",
        &[],
    );
    drill.first(150, |drill| {
        drill.truth(|world| world.route_canary(1)) > 0.035
    });
    assert!(
        drill.truth(|world| world.route_canary(1)) > 0.035,
        "{}",
        drill.phase()
    );
    // It goes bad at 200.
    let back = |drill: &Drill| drill.truth(|world| world.route_canary(1)) < 0.03;
    let back = drill.first(320, back).expect("taken back");
    println!("taken back {} s after it went bad", back - 200);
    assert!(back > 200 && back - 200 <= 75, "{} s", back - 200);
    let region = drill.severity("eu-west-1");
    assert!(
        region < Severity::Bad,
        "the region hides it: {}",
        drill.reason("eu-west-1")
    );
    let (phase, _) = drill.run_out(600);
    assert!(
        phase.contains("stepped back") || phase.contains("catalog-canary"),
        "{phase}"
    );
}

#[test]
fn what_nobody_measures_any_more_is_not_raised() {
    let mut drill = Drill::acting("quiet-canary", 150);
    let place = place("ap-southeast-1");
    let status = drill.state.fleet.status(Source::Prometheus, &place);
    assert!(status.error.is_none(), "its Prometheus answers");
    let signals = drill
        .state
        .fleet
        .service_signals(&place, "shop", "catalog-canary");
    assert!(signals.iter().all(VersionSignals::silent), "{signals:?}");
    drill.command("arm a canary goes out");
    drill.plan(
        "shift-weights httproute/shop/catalog/catalog-canary@ap-southeast-1 percent=10 bake=300",
    );
    drill.confirm();
    let (phase, took) = drill.run_out(900);
    let given = drill.truth(|world| world.route_canary(2));
    assert!(given < 0.03, "{phase} after {took} s, {given}");
    assert!(!phase.starts_with("done"), "{phase}");
}
