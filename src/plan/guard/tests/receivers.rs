//! G-CAP, G-HEALTH, G-ALARM, G-ABORT.

use super::*;

fn forecast(plan: &mut Plan, region: &str, after: f64, worst: f64) {
    for forecast in &mut plan.forecast {
        if forecast.region == label(region) {
            (forecast.rps_after, forecast.rps_worst) = (Some(after), Some(worst));
        }
    }
}

#[test]
fn the_receivers_have_room() {
    let fleet = world();
    let mut plan = drain(&fleet);
    forecast(&mut plan, US, 500.0, 600.0);
    forecast(&mut plan, EU, 600.0, 800.0);
    says(
        &judged(&fleet, &plan, GuardId::Capacity),
        Verdict::Pass,
        "eu-west-1 60 % (600 of 1000 rps: as configured",
    );
    forecast(&mut plan, EU, 720.0, 800.0);
    says(
        &judged(&fleet, &plan, GuardId::Capacity),
        Verdict::Warn,
        "eu-west-1 72 % > 70 %",
    );
    forecast(&mut plan, EU, 600.0, 1_130.0);
    says(
        &judged(&fleet, &plan, GuardId::Capacity),
        Verdict::Warn,
        "113 % > 85 % if it gets everything",
    );
    forecast(&mut plan, EU, 860.0, 1_130.0);
    says(
        &judged(&fleet, &plan, GuardId::Capacity),
        Verdict::Fail,
        "eu-west-1 86 % > 85 %",
    );
    // Who gets nothing is no receiver.
    forecast(&mut plan, EU, 600.0, 600.0);
    forecast(&mut plan, AP, 9_000.0, 9_000.0);
    assert_eq!(
        judged(&fleet, &plan, GuardId::Capacity).verdict,
        Verdict::Pass
    );
    let mut unconfigured = estate(&REGIONS);
    unconfigured.regions[1].capacity_rps = None;
    says(
        &judged(&world_of(unconfigured), &plan, GuardId::Capacity),
        Verdict::Unknown,
        "capacity is not known",
    );
    plan.forecast.clear();
    says(
        &judged(&fleet, &plan, GuardId::Capacity),
        Verdict::Unknown,
        "nothing is forecast",
    );
}

#[test]
fn room_is_what_the_nodes_that_are_there_can_serve() {
    let mut estate = estate(&REGIONS);
    for region in &mut estate.regions {
        region.capacity_nodes = Some(10.0);
    }
    let mut fleet = world_of(estate);
    let plan = {
        let mut plan = drain(&fleet);
        forecast(&mut plan, US, 500.0, 600.0);
        forecast(&mut plan, EU, 1_200.0, 1_300.0);
        plan
    };
    says(
        &judged(&fleet, &plan, GuardId::Capacity),
        Verdict::Unknown,
        "the nodes of eu-west-1 are not known",
    );
    let nodes = |fleet: &mut Fleet, region: &str, desired: i32, ready: Option<i32>| {
        let group = json!({"node_group": {"name": "web", "cluster": "shop", "status": "ACTIVE", "bounds": {"min": 1, "max": 30}, "desired": desired, "health_issues": []}});
        answer(
            fleet,
            Source::Clusters,
            &place(region),
            5,
            Rows::Clusters(vec![row(group)]),
        );
        let ready = ready.map(|ready| json!({"web": ready}));
        let server = json!({"api_server": {"name": "shop", "ready_nodes": ready}});
        answer(
            fleet,
            Source::ApiServers,
            &place(region),
            5,
            Rows::Clusters(vec![row(server)]),
        );
    };
    nodes(&mut fleet, US, 10, Some(10));
    nodes(&mut fleet, EU, 18, Some(10));
    says(
        &judged(&fleet, &plan, GuardId::Capacity),
        Verdict::Fail,
        "eu-west-1 120 % > 85 % (1200 of 1000 rps: 10 Ready nodes, 1000 rps at 10)",
    );
    nodes(&mut fleet, EU, 18, Some(18));
    says(
        &judged(&fleet, &plan, GuardId::Capacity),
        Verdict::Pass,
        "eu-west-1 67 % (1200 of 1800 rps: 18 Ready nodes",
    );
    nodes(&mut fleet, EU, 18, None);
    says(
        &judged(&fleet, &plan, GuardId::Capacity),
        Verdict::Warn,
        "18 nodes wanted, Ready not known",
    );
}

fn targets(fleet: &mut Fleet, region: &str, health: Option<(u32, u32)>) {
    let mut split = forward(region, "web", 1);
    if let Mechanism::Forward(forward) = &mut split.by {
        forward.health = health.map(|(healthy, unhealthy)| traffic::TargetHealth {
            healthy,
            unhealthy,
            other: 0,
            unknown: 0,
        });
    }
    answer(
        fleet,
        Source::LoadBalancers,
        &place(region),
        1,
        Rows::Traffic(vec![split]),
    );
}

#[test]
fn the_receivers_are_healthy() {
    let mut fleet = world();
    let plan = drain(&fleet);
    says(
        &judged(&fleet, &plan, GuardId::Health),
        Verdict::Pass,
        "eu-west-1 targets 4/4, 100 % healthy",
    );
    targets(&mut fleet, EU, Some((8, 2)));
    says(
        &judged(&fleet, &plan, GuardId::Health),
        Verdict::Warn,
        "80 % healthy < 90 %",
    );
    targets(&mut fleet, EU, None);
    says(
        &judged(&fleet, &plan, GuardId::Health),
        Verdict::Unknown,
        "not known",
    );
    targets(&mut fleet, EU, Some((4, 6)));
    says(
        &judged(&fleet, &plan, GuardId::Health),
        Verdict::Fail,
        "40 % healthy < 50 %",
    );
    targets(&mut fleet, EU, Some((4, 0)));
    lose(&mut fleet, US);
    says(
        &judged(&fleet, &plan, GuardId::Health),
        Verdict::Fail,
        "us-east-1 does not answer",
    );
}

#[test]
fn a_target_of_a_switchover_is_available_and_connected() {
    let mut fleet = world();
    let plan = plan(&fleet, vec![switchover(EU)], &[]);
    says(
        &judged(&fleet, &plan, GuardId::Health),
        Verdict::Pass,
        "available",
    );
    database(&mut fleet, EU, |cluster| cluster.instances.clear());
    says(
        &judged(&fleet, &plan, GuardId::Health),
        Verdict::Fail,
        "headless",
    );
    database(&mut fleet, EU, |cluster| {
        for member in &mut cluster.global.as_mut().unwrap().members {
            member.synchronization = Some("pending-resync".into());
        }
    });
    says(
        &judged(&fleet, &plan, GuardId::Health),
        Verdict::Fail,
        "pending-resync",
    );
}

fn alarms(fleet: &mut Fleet, region: &str, kind: &str, state: &str) {
    let mut one = alarm("slo", state, region);
    if kind == "composite" {
        one.alarm_type = crate::resources::alarms::AlarmType::Composite;
    }
    answer(
        fleet,
        Source::Alarms,
        &place(region),
        1,
        Rows::Alarms(vec![one]),
    );
}

#[test]
fn alarms_of_the_receivers_count() {
    let mut fleet = world();
    let plan = drain(&fleet);
    says(
        &judged(&fleet, &plan, GuardId::Alarm),
        Verdict::Pass,
        "eu-west-1 0 of 1 in ALARM",
    );
    alarms(&mut fleet, AP, "composite", "ALARM");
    assert_eq!(
        judged(&fleet, &plan, GuardId::Alarm).verdict,
        Verdict::Pass,
        "not of the drained one"
    );
    alarms(&mut fleet, EU, "metric", "ALARM");
    says(
        &judged(&fleet, &plan, GuardId::Alarm),
        Verdict::Warn,
        "1 of 1 in ALARM, slo",
    );
    alarms(&mut fleet, EU, "metric", "INSUFFICIENT_DATA");
    says(
        &judged(&fleet, &plan, GuardId::Alarm),
        Verdict::Warn,
        "without enough data",
    );
    alarms(&mut fleet, EU, "composite", "ALARM");
    says(
        &judged(&fleet, &plan, GuardId::Alarm),
        Verdict::Fail,
        "composite",
    );
    fleet.now += std::time::Duration::from_secs(120);
    says(
        &judged(&fleet, &plan, GuardId::Alarm),
        Verdict::Unknown,
        "not read lately",
    );
}

#[test]
fn what_would_stop_the_plan_is_seen() {
    let mut fleet = world();
    let plan = drain(&fleet);
    says(
        &judged(&fleet, &plan, GuardId::Abort),
        Verdict::Pass,
        "eu-west-1 errors",
    );
    let silent = balancer_series(EU, &[("requests", &[(180, 30_000.0)])]);
    metrics(&mut fleet, &place(EU), 1, silent);
    says(
        &judged(&fleet, &plan, GuardId::Abort),
        Verdict::Unknown,
        "eu-west-1: p95 not known",
    );
}
