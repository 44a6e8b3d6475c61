//! How the world lives through each drill, against the tables of domain D.

use super::{alarms::Rule, *};

const US: usize = 0;
const EU: usize = 1;
const AP: usize = 2;

/// A start on a full minute, so that seconds of the world are seconds of the scenario.
fn start() -> Timestamp {
    Timestamp::from_second(1_780_000_020).unwrap()
}

fn world(name: &str) -> World {
    let scenario = Scenario::named(name).unwrap().unwrap();
    World::new(&scenario, scenario.seed, start())
}

fn at(world: &mut World, second: i64) {
    world.advance_to(start() + SignedDuration::from_secs(second));
}

/// Errors of all users as a share of their requests: those of a lost region all fail.
fn user_errors(world: &World) -> f64 {
    let failed = world.loads.iter().enumerate().map(|(region, load)| {
        let share = if world.faults.down(region) {
            1.0
        } else {
            load.refused + (1.0 - load.refused) * load.target_errors
        };
        share * load.offered_rps
    });
    failed.sum::<f64>() / world.demand()
}

fn alarm(world: &World, region: usize, rule: Rule) -> &'static str {
    let alarms = &world.alarms[region];
    let alarm = alarms.iter().find(|alarm| alarm.rule == rule).unwrap();
    alarm.state.text()
}

fn assert_between(value: f64, low: f64, high: f64) {
    assert!(
        (low..=high).contains(&value),
        "{value} is not between {low} and {high}"
    );
}

#[test]
fn the_start_lies_on_a_full_minute() {
    assert_eq!(start().as_second() % 60, 0);
    let world = world("calm");
    assert_eq!((world.now(), world.started_at()), (0, start()));
}

#[test]
fn the_baseline_is_that_of_the_domain() {
    let mut world = world("calm");
    at(&mut world, 600);
    for (region, rps, p95) in [
        (US, 27_600.0, 90.0),
        (EU, 18_600.0, 120.0),
        (AP, 13_800.0, 160.0),
    ] {
        let load = &world.loads[region];
        assert_between(load.offered_rps / rps, 0.97, 1.03);
        assert_between(load.utilisation, 0.63, 0.67);
        assert_between(load.p95_ms / p95, 0.92, 1.08);
        assert_between(load.target_errors, 0.0002, 0.0008);
        assert_eq!(load.refused, 0.0);
        for alarm in &world.alarms[region] {
            assert_eq!(alarm.state.text(), "OK", "{:?}", alarm.rule);
        }
    }
    let minutes: Vec<i64> = world.history.of(EU).map(|(minute, _)| minute).collect();
    assert!(minutes.len() >= 60 && minutes.windows(2).all(|pair| pair[0] == pair[1] + 1));
    let requests = |(_, minute): (i64, &RegionMinute)| minute.requests / 60.0;
    for rps in world.history.of(EU).map(requests) {
        assert_between(rps, 18_000.0, 19_200.0);
    }
    let (_, minute) = world.history.of(EU).next().unwrap();
    assert_between(minute.aurora_lag_ms.unwrap().0, 30.0, 41.0);
    assert_between(minute.replica_lag_s.unwrap(), 0.05, 0.2);
    assert!(minute.datastore_lag_s.unwrap() < 1.0);
    assert_between(minute.table_lag_ms[0].1, 510.0, 690.0);
    let (_, writer) = world.history.of(US).next().unwrap();
    assert_eq!((writer.aurora_lag_ms, writer.replica_lag_s), (None, None));
}

#[test]
fn a_lost_region_is_left_by_its_users_and_overloads_the_others() {
    let mut world = world("region-down");
    at(&mut world, 24);
    assert_between(user_errors(&world), 0.0, 0.001);
    at(&mut world, 40);
    assert_between(user_errors(&world), 0.45, 0.52);
    assert!(world.routing.checks[US].healthy, "30 to 40 s for Route 53");
    at(&mut world, 25 + 30);
    assert!(
        !world.routing.endpoints[US].healthy,
        "15 to 30 s for Global Accelerator"
    );
    at(&mut world, 25 + 40);
    assert!(!world.routing.checks[US].healthy);
    // 60 to 180 s after the fault: 33 to 40 k and 20 to 27 k rps, 94 to 140 %, p95 400 to 1500 ms.
    at(&mut world, 25 + 180);
    assert_between(world.loads[EU].offered_rps, 31_000.0, 40_000.0);
    assert_between(world.loads[AP].offered_rps, 20_000.0, 27_000.0);
    for region in [EU, AP] {
        let load = &world.loads[region];
        assert_between(load.utilisation, 0.94, 1.4);
        assert_between(load.p95_ms, 400.0, 1_600.0);
        assert_between(load.refused + load.target_errors, 0.07, 0.2);
        assert_eq!(alarm(&world, region, Rule::Degraded), "ALARM");
    }
    let total: f64 = world.loads.iter().map(|load| load.offered_rps).sum();
    assert_between(total, 58_500.0, 61_500.0);
    at(&mut world, 25 + 400);
    assert_between(world.loads[US].offered_rps, 0.0, 50.0);
}

#[test]
fn only_a_failover_gives_the_writer_back() {
    let mut world = world("region-down");
    at(&mut world, 100);
    assert!(!world.databases.aurora_writable(&world.context(), EU));
    let refused = world.change(&Transition::SwitchOver { to: EU });
    assert!(refused.is_err(), "a switchover needs the old primary");
    world.change(&Transition::FailOver { to: EU }).unwrap();
    assert!(
        world.change(&Transition::FailOver { to: AP }).is_err(),
        "one at a time"
    );
    at(&mut world, 100 + 119);
    assert_eq!(*world.databases.writer.now(), US);
    at(&mut world, 100 + 150);
    assert_eq!(*world.databases.writer.now(), EU);
    assert!(world.databases.aurora_writable(&world.context(), AP));
    assert!(world.databases.member(AP).unwrap().rebuilding(world.now()));
    world.faults.heal(None);
    at(&mut world, 400);
    assert!(
        world.databases.member(US).unwrap().rebuilding(world.now()),
        "it rejoins and is rebuilt"
    );
    at(&mut world, 1_200);
    assert!(!world.databases.member(US).unwrap().rebuilding(world.now()));
    let (_, minute) = world.history.of(US).next().unwrap();
    assert!(
        minute.aurora_lag_ms.is_some(),
        "the lag series moved with the role"
    );
    let (_, minute) = world.history.of(EU).next().unwrap();
    assert_eq!(minute.aurora_lag_ms, None);
}

#[test]
fn a_failing_part_stays_below_the_health_checks() {
    let mut world = world("partial-failure");
    at(&mut world, 25 + 30);
    assert_between(world.loads[EU].target_errors, 0.029, 0.032);
    assert_eq!(load::unhealthy_targets(&world.context(), EU), 0);
    at(&mut world, 25 + 180);
    assert_eq!(load::unhealthy_targets(&world.context(), EU), 2);
    assert_eq!(alarm(&world, EU, Rule::Errors), "ALARM");
    assert_eq!(alarm(&world, US, Rule::Errors), "OK");
    assert!(world.healthy(EU) && world.routing.endpoints[EU].healthy);
    at(&mut world, 470);
    assert_between(world.loads[EU].target_errors, 0.0, 0.001);
    at(&mut world, 480 + 60);
    assert_eq!(load::unhealthy_targets(&world.context(), EU), 3);
    assert_between(world.loads[EU].p95_ms / 120.0, 1.35, 1.8);
    assert!(world.healthy(EU));
}

#[test]
fn a_crashed_writer_comes_back_by_itself_and_a_lost_source_does_not() {
    let mut world = world("database-failure");
    at(&mut world, 25 + 4);
    assert!(!world.databases.aurora_writable(&world.context(), EU));
    assert_between(world.loads[EU].target_errors, 0.05, 0.052);
    at(&mut world, 25 + 36);
    assert!(world.databases.aurora_writable(&world.context(), EU));
    assert_eq!(*world.databases.writer.now(), US, "no global failover");
    assert_eq!(world.databases.member(US).unwrap().writer_instance, 1);
    assert_eq!(
        world.databases.member(US).unwrap().crashed_instance(61),
        Some(0)
    );
    at(&mut world, 264);
    assert_eq!(
        world.databases.member(US).unwrap().crashed_instance(264),
        None
    );
    assert!(world.databases.replica(EU).unwrap().lag_s >= 0.0);
    at(&mut world, 270);
    assert_eq!(world.databases.replica(EU).unwrap().lag_s, -1.0);
    assert!(!world.databases.postgres_writable(&world.context(), US));
    world.change(&Transition::Promote { region: EU }).unwrap();
    at(&mut world, 270 + 299);
    assert!(!world.databases.postgres_writable(&world.context(), US));
    at(&mut world, 270 + 600);
    assert!(world.databases.postgres_writable(&world.context(), US));
    assert_eq!(
        world.databases.replica(AP).unwrap().lag_s,
        -1.0,
        "its sibling is orphaned"
    );
}

#[test]
fn a_conflict_shows_only_as_latency() {
    let mut world = world("replication-conflict");
    at(&mut world, 25 + 90);
    let lag = &world.databases.table_lag_ms;
    assert_between(lag[0][1], 7_900.0, 8_100.0);
    assert_between(lag[1][0], 7_900.0, 8_100.0);
    assert_between(lag[0][2], 500.0, 700.0);
    assert_between(user_errors(&world), 0.0, 0.001);
    at(&mut world, 25 + 600 + 120);
    assert_between(world.databases.table_lag_ms[0][1], 500.0, 700.0);
}

#[test]
fn a_partition_makes_lags_climb_while_everything_is_healthy() {
    let mut world = world("partition");
    at(&mut world, 25 + 60);
    let member = world.databases.member(EU).unwrap();
    assert_between(member.lag_ms, 60_000.0, 62_000.0);
    assert_between(world.databases.member(AP).unwrap().lag_ms, 90.0, 130.0);
    assert_between(world.databases.replica(EU).unwrap().lag_s, 60.0, 62.0);
    assert_between(world.caches.lag_into(EU).unwrap(), 60.0, 63.0);
    assert!((0..3).all(|region| world.healthy(region)));
    assert!(
        !world.databases.aurora_writable(&world.context(), EU),
        "writes time out"
    );
    assert!(world.databases.aurora_writable(&world.context(), US));
    at(&mut world, 25 + 600 + 180);
    let member = world.databases.member(EU).unwrap();
    assert_between(member.lag_ms, 29.0, 41.0);
}

#[test]
fn a_bad_canary_costs_its_share() {
    let mut world = world("bad-canary");
    at(&mut world, 30);
    assert_between(world.loads[AP].target_errors, 0.0825, 0.0835);
    world
        .change(&Transition::Canary {
            region: AP,
            percent: 0.0,
        })
        .unwrap();
    at(&mut world, 31);
    assert_between(world.loads[AP].target_errors, 0.0, 0.001);
}

#[test]
fn weights_dials_and_controls_move_traffic_at_their_own_pace() {
    let mut world = world("calm");
    at(&mut world, 60);
    world
        .change(&Transition::Dial {
            region: AP,
            percent: 0.0,
        })
        .unwrap();
    world.change(&Transition::Weights(vec![(AP, 0)])).unwrap();
    let t = 61;
    at(&mut world, t);
    let before = world.loads[AP].offered_rps;
    at(&mut world, t + 60);
    // 63 % of the 70 % that come by DNS, 95 % of the 30 % that come by Global Accelerator.
    assert_between(world.loads[AP].offered_rps / before, 0.25, 0.29);
    at(&mut world, t + 600);
    assert_between(world.loads[AP].offered_rps / before, 0.012, 0.016);
    assert_between(world.loads[EU].utilisation, 0.82, 0.86);

    world.change(&Transition::Weights(vec![(AP, 46)])).unwrap();
    world
        .change(&Transition::Control {
            region: AP,
            on: false,
        })
        .unwrap();
    at(&mut world, t + 1_200);
    assert!(!world.healthy(AP), "the control holds it out");
}

#[test]
fn a_stale_region_publishes_nothing_and_serves_on() {
    let mut world = world("stale-telemetry");
    at(&mut world, 20 + 260);
    assert_eq!(alarm(&world, EU, Rule::Errors), "INSUFFICIENT_DATA");
    assert_eq!(alarm(&world, US, Rule::Errors), "OK");
    assert!(
        world
            .history
            .of(EU)
            .take(4)
            .all(|(_, minute)| !minute.published)
    );
    assert_between(world.loads[EU].utilisation, 0.6, 0.7);
}

#[test]
fn the_same_seed_lives_the_same_life_whatever_the_steps() {
    let (mut a, mut b) = (world("region-down"), world("region-down"));
    at(&mut a, 300);
    (0..=300).for_each(|second| at(&mut b, second));
    assert_eq!(a, b);
    let scenario = Scenario::named("region-down").unwrap().unwrap();
    let mut c = World::new(&scenario, scenario.seed + 1, start());
    at(&mut c, 300);
    assert_ne!(a.loads, c.loads);
}

#[test]
fn time_never_goes_back() {
    let mut world = world("region-down");
    at(&mut world, 100);
    let before = world.clone();
    at(&mut world, 50);
    assert_eq!(before, world);
}
