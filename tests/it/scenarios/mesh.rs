//! A region that only a mesh leads to: taken out of the routes of every cluster, and brought back level by level.

use pilothouse::resources::{Change, Severity, traffic};

use super::{acts::insist, drill::Drill};

#[test]
fn a_sick_region_of_a_mesh_is_drained_through_its_routes_and_restored() {
    let mut drill = Drill::acting("mesh-region", 170);
    let sick = drill.success();
    let share = |drill: &Drill| drill.truth(|world| world.share(1, world.now()));
    let before = share(&drill);
    assert!(sick < 0.99 && before > 0.2, "{sick} {before}");
    assert_ne!(drill.severity("eu-west-1"), Severity::Ok);
    drill.command("arm the services of eu-west-1 fail");
    insist(&mut drill, "scale-receivers eu-west-1", &[]);
    let (phase, took) = drill.run_out(900);
    assert!(phase.starts_with("done"), "{phase} after {took} s");
    insist(&mut drill, "drain-region eu-west-1", &[]);
    let (phase, took) = drill.run_out(1_800);
    assert!(phase.starts_with("done"), "{phase} after {took} s");
    assert_eq!(share(&drill), 0.0);
    assert!(drill.success() > 0.999, "{}", drill.success());
    let routes = drill.sent.iter().filter(|sent| {
        let change = &sent.change;
        matches!(change, Change::Traffic(traffic::Change::Route { .. })) && sent.result.is_ok()
    });
    assert_eq!(routes.count(), 6, "two rounds of three clusters");

    // The services are well again ten minutes before anything returns.
    drill.until(1_800);
    drill.command("arm eu-west-1 is well again");
    insist(&mut drill, "restore-region eu-west-1", &[]);
    let (phase, took) = drill.run_out(5_400);
    assert!(phase.starts_with("done"), "{phase} after {took} s");
    assert!((share(&drill) - before).abs() < 0.02, "{}", share(&drill));
    assert!(drill.success() > 0.999, "{}", drill.success());
}
