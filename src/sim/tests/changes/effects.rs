//! What a change does to the world beside what it changes.

use super::*;

#[test]
fn nodes_join_after_minutes_and_then_serve() {
    let mut watching = Watching::named("calm");
    watching.poll(10);
    let eu = watching.world.index(&label("eu-west-1")).unwrap();
    let busy = |watching: &Watching| watching.world.loads[eu].utilisation;
    let before = busy(&watching);
    let change = scale(&watching.fleet);
    watching.apply(20, &change).unwrap();
    watching.world.advance_to(time(20 + 119));
    assert_eq!(watching.world.nodes[eu].ready, 10);
    assert!((busy(&watching) / before - 1.0).abs() < 0.05);
    watching.world.advance_to(time(20 + 241));
    assert_eq!(watching.world.nodes[eu].ready, 16);
    assert!((busy(&watching) / before - 10.0 / 16.0).abs() < 0.04);
    let back = change.inverse().unwrap();
    watching.apply(300, &back).unwrap();
    watching.world.advance_to(time(302));
    assert_eq!(watching.world.nodes[eu].ready, 10);
    // Only one update at a time.
    watching.poll(302);
    let busy = scale(&watching.fleet);
    let refused = watching.apply(302, &busy).unwrap_err();
    assert!(refused.error.message.starts_with("ResourceInUseException"));
}

#[test]
fn an_autoscaler_fills_the_room_that_it_is_given() {
    let mut watching = Watching::named("region-down");
    watching.poll(10);
    let eu = watching.world.index(&label("eu-west-1")).unwrap();
    let change = scale_to(&watching.fleet, Bounds { min: 6, max: 30 });
    watching.apply(20, &change).unwrap();
    watching.world.advance_to(time(25 + 600));
    let nodes = &watching.world.nodes[eu];
    assert!((15..=30).contains(&nodes.ready), "{nodes:?}");
    let load = &watching.world.loads[eu];
    assert!(load.utilisation < 0.85 && load.refused == 0.0, "{load:?}");
    let ap = watching.world.index(&label("ap-southeast-1")).unwrap();
    assert_eq!(watching.world.nodes[ap].ready, 10, "it had no room");
}

#[test]
fn an_inverted_check_drains_its_region() {
    let mut watching = Watching::named("calm");
    watching.poll(10);
    let change = invert(&watching.fleet);
    watching.apply(20, &change).unwrap();
    let ap = watching.world.index(&label("ap-southeast-1")).unwrap();
    watching.poll(320);
    watching.poll(321);
    let check = names::region_check("ap-southeast-1");
    assert_eq!(health_checks::healthy(&watching.fleet, &check), Some(false));
    // What comes through Global Accelerator stays: its checks are its own.
    let share = watching.world.routing.share(ap, watching.world.now());
    assert!(share < 0.3 * 0.24 + 0.7 * 0.24 * 0.05, "{share}");
    let back = change.inverse().unwrap();
    watching.apply(330, &back).unwrap();
    watching.world.advance_to(time(700));
    assert!(watching.world.healthy(ap));
    let share = watching.world.routing.share(ap, watching.world.now());
    assert!(share > 0.21, "{share}");
}

#[test]
fn weights_that_are_all_zero_serve_nobody() {
    let mut watching = Watching::named("calm");
    watching.poll(10);
    let change = forward_to(&watching.fleet, "eu-west-1", [0, 0]);
    watching.apply(20, &change).unwrap();
    watching.world.advance_to(time(22));
    let eu = watching.world.index(&label("eu-west-1")).unwrap();
    assert_eq!(watching.world.loads[eu].refused, 1.0);
}

#[test]
fn every_region_fails_at_once_and_the_edge_fails_open() {
    let mut watching = Watching::named("complete-outage");
    watching.poll(20);
    let before: Vec<f64> = (0..3)
        .map(|r| watching.world.routing.share(r, 20))
        .collect();
    watching.poll(25 + 120);
    watching.poll(25 + 121);
    for (region, before) in before.iter().enumerate() {
        assert!(!watching.world.healthy(region));
        assert_eq!(watching.world.loads[region].target_errors, 1.0);
        let share = watching.world.routing.share(region, watching.world.now());
        assert!((share - before).abs() < 0.1, "{share}");
    }
    // AWS itself answers: every lever can be pulled, and none helps.
    for source in Source::ALL {
        for place in watching.fleet.estate.places(*source) {
            assert_eq!(watching.error(*source, &place), None);
        }
    }
    watching.poll(625 + 300);
    assert!((0..3).all(|region| watching.world.healthy(region)));
    assert!(watching.world.loads[0].target_errors < 0.01);
}
