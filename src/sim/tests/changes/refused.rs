//! Which changes no API takes, and which levers cannot be pulled where.

use super::*;

#[test]
fn a_lever_whose_home_is_lost_cannot_be_pulled_and_the_others_can() {
    for (build, expected) in [
        // No token is read first: what became of it is not known.
        (weights as fn(&Fleet) -> Change, Some(Fate::InDoubt)),
        (invert, Some(Fate::InDoubt)),
        // The read before it fails: nothing was sent.
        (staging, Some(Fate::NotSent)),
        (switch_over, Some(Fate::NotSent)),
        (fail_over_cluster, Some(Fate::NotSent)),
        (alarm_actions, Some(Fate::NotSent)),
        // Global Accelerator lives in us-west-2, and four of five endpoints are there.
        (dial, None),
        (controls, None),
        (fail_over, None),
        (fail_over_datastore, None),
        (promote, None),
        (scale, None),
    ] {
        let mut watching = Watching::named("region-down");
        watching.poll(10);
        let change = build(&watching.fleet);
        let before = weights(&watching.fleet);
        watching.world.advance_to(time(40));
        let reply = apply::receive(&mut watching.world, &change);
        match (expected, reply.result) {
            (None, result) => assert!(result.is_ok(), "{result:?}"),
            (Some(fate), Err(error)) => {
                let found = (error.fate, error.error.class);
                assert_eq!(found, (fate, ErrorClass::Timeout), "{}", change.operation());
                assert_eq!(reply.latency, Duration::from_secs(10));
            }
            (Some(_), Ok(_)) => panic!("{}", change.operation()),
        }
        // And nothing happened there: the records are as they were when the region is back.
        watching.world.faults.heal(None);
        assert_eq!(watching.standing(41, &before), Standing::Before);
    }
}

#[test]
fn routing_controls_change_at_any_endpoint_that_is_left() {
    let mut watching = Watching::named("calm");
    watching.poll(10);
    let fault = |region: &str| Fault::Api {
        how: scenario::ApiFault::Hang,
        api: Some(Api::RecoveryCluster),
        place: Some(Place::Endpoint(region.to_owned())),
        share: 1.0,
    };
    let change = controls(&watching.fleet);
    for region in &names::RECOVERY_REGIONS[1..] {
        watching.world.begin(&fault(region));
    }
    assert!(watching.apply(20, &change).is_ok(), "one is left");
    let back = change.inverse().unwrap();
    watching.world.begin(&fault(names::RECOVERY_REGIONS[0]));
    let failed = watching.apply(40, &back).unwrap_err();
    let found = (failed.fate, failed.error.class);
    assert_eq!(found, (Fate::NotSent, ErrorClass::Timeout));
}

#[test]
fn the_last_control_that_is_on_stays_on() {
    let mut watching = Watching::named("calm");
    watching.poll(10);
    let all = ["us-east-1", "eu-west-1", "ap-southeast-1"];
    let change = controls_to(&watching.fleet, &all);
    let refused = watching.apply(20, &change).unwrap_err();
    let found = (refused.fate, refused.error.class);
    assert_eq!(found, (Fate::Refused, ErrorClass::Conflict));
    let text = refused.error.message;
    assert!(text.contains("safety rule at-least-one-on"), "{text}");
    assert_eq!(watching.standing(20, &change), Standing::Before);
    let two = controls_to(&watching.fleet, &all[..2]);
    assert!(watching.apply(21, &two).is_ok());
}

#[test]
fn what_no_api_takes_is_refused() {
    let mut watching = Watching::named("calm");
    watching.poll(10);
    let fleet = &watching.fleet;
    let Change::Traffic(traffic::Change::Controls { controls: one }) = controls(fleet) else {
        panic!("controls")
    };
    let many = one.iter().cycle().take(11).cloned().collect();
    let mut share = alias(fleet);
    if let Change::Traffic(traffic::Change::Alias { to, .. }) = &mut share {
        *to = 1.5;
    }
    let mut kept = promote(fleet);
    if let Change::Databases(databases::Change::Promote {
        backup_retention_days,
        ..
    }) = &mut kept
    {
        *backup_retention_days = 36;
    }
    let mut names = alarm_actions(fleet);
    if let Change::Alarms(alarms::Change::Actions { names, .. }) = &mut names {
        *names = names.iter().cycle().take(101).cloned().collect();
    }
    let changes = [
        dial_to(fleet, 100.5),
        staging_to(fleet, 0.16),
        forward_to(fleet, "eu-west-1", [1_000, 0]),
        scale_to(fleet, Bounds { min: 9, max: 8 }),
        Change::Traffic(traffic::Change::Controls { controls: many }),
        share,
        kept,
        names,
    ];
    let before = watching.world.clone();
    for change in &changes {
        let refused = watching.apply(10, change).unwrap_err();
        let found = (refused.fate, refused.error.class);
        assert_eq!(
            found,
            (Fate::Refused, ErrorClass::Terminal),
            "{}: {}",
            change.operation(),
            refused.error.message
        );
    }
    watching.world.sent.count = 0;
    assert_eq!(watching.world, before);
}

#[test]
fn what_is_not_there_is_not_found() {
    let mut watching = Watching::named("calm");
    watching.poll(10);
    let fleet = &watching.fleet;
    let mut changes = vec![
        scale(fleet),
        fail_over_cluster(fleet),
        fail_over_group(fleet),
        invert(fleet),
        alarm_actions(fleet),
        hold_stage(fleet),
    ];
    for change in &mut changes {
        match change {
            Change::Clusters(clusters::Change::Scale { node_group, .. }) => {
                "mars".clone_into(node_group);
            }
            Change::Databases(databases::Change::FailOverCluster { cluster, .. }) => {
                "mars".clone_into(cluster);
            }
            Change::Caches(caches::Change::FailOverGroup { shard, .. }) => {
                "mars".clone_into(shard);
            }
            Change::HealthChecks(health_checks::Change::Invert { id, .. }) => {
                "mars".clone_into(id);
            }
            Change::Alarms(alarms::Change::Actions { names, .. }) => {
                "mars".clone_into(&mut names[0]);
            }
            Change::Pipelines(pipelines::Change::Transition { at, .. }) => {
                "mars".clone_into(&mut at.stage);
            }
            _ => panic!("{change:?}"),
        }
        let missing = watching.apply(20, change).unwrap_err();
        assert_eq!(missing.error.class, ErrorClass::NotFound);
    }
}

#[test]
fn states_that_forbid_a_role_change_are_refused_by_aws() {
    let refused = |text: &str, second: i64, build: fn(&Fleet) -> Change| {
        let mut watching = Watching::new(&format!(
            "name = \"x\"\ntitle = \"t\"\nduration = 900\n{text}"
        ));
        watching.poll(10);
        let change = build(&watching.fleet);
        let error = watching.apply(second, &change).unwrap_err();
        let found = (error.fate, error.error.class);
        assert_eq!(found, (Fate::Refused, ErrorClass::Conflict));
        error.error.message.split(':').next().unwrap().to_owned()
    };
    let down = "[[timeline]]\nat = 20\nfault = \"region-down\"\nregion = \"eu-west-1\"\n";
    let cut =
        "[[timeline]]\nat = 20\nfault = \"partition\"\nbetween = [\"us-east-1\", \"eu-west-1\"]\n";
    let crash = "[[timeline]]\nat = 20\nfault = \"writer-crash\"\n";
    let global = "InvalidGlobalClusterStateFault";
    assert_eq!(refused(down, 30, switch_over), global, "a dead target");
    assert_eq!(refused(cut, 30, switch_over), global);
    let cluster = "InvalidDBClusterStateFault";
    assert_eq!(refused(crash, 25, switch_over), cluster);
    assert_eq!(refused(crash, 25, fail_over_cluster), cluster);
    // A second promotion while the first is under way: the source is still named.
    let promotes = "[[timeline]]\nat = 20\nfault = \"external-change\"\npromote = \"eu-west-1\"\n";
    assert_eq!(
        refused(promotes, 60, promote),
        "InvalidDBInstanceStateFault"
    );
    let moves =
        "[[timeline]]\nat = 20\nfault = \"external-change\"\ncache-primary = \"ap-southeast-1\"\n";
    let datastore = "InvalidGlobalReplicationGroupStateFault";
    assert_eq!(refused(moves, 25, fail_over_datastore), datastore);
}
