//! G-SPLIT, G-QUORUM, G-LAG, G-WRITER, G-VERSION, G-WORK.

use super::*;
use crate::resources::{caches, databases::DbCluster};

fn one(fleet: &Fleet, change: Change) -> Plan {
    plan(fleet, vec![change], &[])
}

#[test]
fn a_writer_that_takes_writes_is_never_left_by_a_failover() {
    let mut fleet = world();
    let forced = one(&fleet, failover(EU));
    says(
        &judged(&fleet, &forced, GuardId::Split),
        Verdict::Fail,
        "still takes writes",
    );
    let planned = one(&fleet, switchover(EU));
    says(
        &judged(&fleet, &planned, GuardId::Split),
        Verdict::Pass,
        "stops the old writer",
    );
    crate::resources::fixtures::failure(
        &mut fleet,
        Source::Rds,
        &place(US),
        crate::resources::ErrorClass::Timeout,
    );
    says(
        &judged(&fleet, &forced, GuardId::Split),
        Verdict::Unknown,
        "not read lately",
    );
    lose(&mut fleet, US);
    says(
        &judged(&fleet, &forced, GuardId::Split),
        Verdict::Pass,
        "us-east-1 does not answer",
    );
}

#[test]
fn a_writer_that_is_down_by_its_own_word_may_be_given_up() {
    let mut fleet = world();
    let forced = one(&fleet, failover(EU));
    database(&mut fleet, US, |cluster| cluster.status = "failed".into());
    says(
        &judged(&fleet, &forced, GuardId::Split),
        Verdict::Pass,
        "is failed",
    );
    database(&mut fleet, US, |cluster| cluster.instances.clear());
    says(
        &judged(&fleet, &forced, GuardId::Split),
        Verdict::Pass,
        "no instance",
    );
    database(&mut fleet, US, |cluster| {
        cluster.instances[0].status = Some("rebooting".into());
    });
    says(
        &judged(&fleet, &forced, GuardId::Split),
        Verdict::Unknown,
        "not known",
    );
}

#[test]
fn two_writers_today_stop_even_a_switchover() {
    let mut fleet = world();
    let planned = one(&fleet, switchover(AP));
    database(&mut fleet, EU, |cluster| {
        for member in &mut cluster.global.as_mut().unwrap().members {
            member.writer = member.arn == arn(EU);
        }
    });
    says(
        &judged(&fleet, &planned, GuardId::Split),
        Verdict::Fail,
        "split brain",
    );
}

fn instance(region: &str, source: Option<&str>, status: &str) -> Database {
    row(json!({
        "store": "instance", "id": "pg", "arn": format!("arn:aws:rds:{region}:1:db:pg"), "status": status, "engine": "postgres", "engine_version": "16.4",
        "class": "db.r7g.large", "multi_az": source.is_none(), "source": source,
        "replicas": if source.is_none() { vec!["arn:aws:rds:eu-west-1:1:db:pg"] } else { Vec::new() },
        "replica_status": source.map(|_| json!({"status": "replicating", "normal": true})),
    }))
}

#[test]
fn a_replica_is_promoted_only_when_its_source_is_down() {
    let mut fleet = world();
    let source = "arn:aws:rds:us-east-1:1:db:pg";
    let put = |fleet: &mut Fleet, region: &str, row| {
        answer(
            fleet,
            Source::Rds,
            &place(region),
            1,
            Rows::Databases(vec![row]),
        );
    };
    put(&mut fleet, US, instance(US, None, "available"));
    put(&mut fleet, EU, instance(EU, Some(source), "available"));
    let promote = Change::Databases(databases::Change::Promote {
        region: label(EU),
        instance: "pg".into(),
        source: source.into(),
        backup_retention_days: 7,
    });
    let promoted = one(&fleet, promote.clone());
    says(
        &judged(&fleet, &promoted, GuardId::Split),
        Verdict::Fail,
        "still takes writes",
    );
    says(
        &judged(&fleet, &promoted, GuardId::Version),
        Verdict::Warn,
        "no standby",
    );
    put(&mut fleet, US, instance(US, None, "stopped"));
    says(
        &judged(&fleet, &promoted, GuardId::Split),
        Verdict::Pass,
        "stopped",
    );
    let twice = plan(&fleet, vec![promote.clone(), promote], &[]);
    says(
        &judged(&fleet, &twice, GuardId::Split),
        Verdict::Fail,
        "two replicas",
    );
}

#[test]
fn a_dead_region_needs_two_signals() {
    let mut fleet = world();
    let forced = one(&fleet, failover(EU));
    says(
        &judged(&fleet, &forced, GuardId::Quorum),
        Verdict::Fail,
        "no signal",
    );
    lose(&mut fleet, US);
    says(
        &judged(&fleet, &forced, GuardId::Quorum),
        Verdict::Fail,
        "1 of 2 signals",
    );
    healths(&mut fleet, &[Some(false), Some(true), Some(true)]);
    fleet.now = now() + std::time::Duration::from_secs(6);
    says(
        &judged(&fleet, &forced, GuardId::Quorum),
        Verdict::Pass,
        "its health checks fail",
    );
    let planned = one(&fleet, switchover(EU));
    says(
        &judged(&fleet, &planned, GuardId::Quorum),
        Verdict::Pass,
        "no region is given up",
    );
}

#[test]
fn lag_is_weighed_by_what_is_done() {
    let mut fleet = world();
    let (planned, forced) = (one(&fleet, switchover(EU)), one(&fleet, failover(EU)));
    let lag = |fleet: &mut Fleet, ms: f64| {
        for region in [EU, AP] {
            measured(fleet, region, &[("database/db/replication-lag", ms)]);
        }
    };
    says(
        &judged(&fleet, &planned, GuardId::Lag),
        Verdict::Pass,
        "≤ 5",
    );
    says(
        &judged(&fleet, &forced, GuardId::Lag),
        Verdict::Warn,
        "35ms of writes lost",
    );
    lag(&mut fleet, 5_001.0);
    says(
        &judged(&fleet, &planned, GuardId::Lag),
        Verdict::Fail,
        "> 5",
    );
    assert_eq!(judged(&fleet, &forced, GuardId::Lag).verdict, Verdict::Warn);
    says(
        &judged(&fleet, &drain(&fleet), GuardId::Lag),
        Verdict::Warn,
        "eu-west-1 reads",
    );
    lag(&mut fleet, 61_000.0);
    says(
        &judged(&fleet, &forced, GuardId::Lag),
        Verdict::Fail,
        "> RPO",
    );
    metrics(&mut fleet, &place(EU), 1, Vec::new());
    says(
        &judged(&fleet, &planned, GuardId::Lag),
        Verdict::Unknown,
        "not known",
    );
    // A member whose lag is known is the better one.
    says(
        &judged(&fleet, &forced, GuardId::Lag),
        Verdict::Fail,
        "behind, the lag of eu-west-1 is not known",
    );
}

#[test]
fn a_planned_drain_does_not_leave_the_writer_behind() {
    let fleet = world();
    let away = weights(&fleet, &[(US, 0)]);
    let mut left = plan(&fleet, vec![away.clone()], &[US]);
    says(
        &judged(&fleet, &left, GuardId::Writer),
        Verdict::Fail,
        "database writer stays in us-east-1",
    );
    left.intent.options.now = true;
    says(
        &judged(&fleet, &left, GuardId::Writer),
        Verdict::Warn,
        "database writer stays",
    );
    let cache = Change::Caches(caches::Change::FailOverDatastore {
        datastore: "d".into(),
        from: US.into(),
        to_region: label(EU),
        to: EU.into(),
        to_group: "sessions".into(),
    });
    let moved = plan(&fleet, vec![switchover(EU), cache, away], &[US]);
    says(
        &judged(&fleet, &moved, GuardId::Writer),
        Verdict::Pass,
        "moved by the plan",
    );
    says(
        &judged(&fleet, &drain(&fleet), GuardId::Writer),
        Verdict::Pass,
        "no database writer",
    );
}

#[test]
fn engines_match() {
    let mut fleet = world();
    let planned = one(&fleet, switchover(EU));
    says(
        &judged(&fleet, &planned, GuardId::Version),
        Verdict::Pass,
        "16.4",
    );
    let set = |version: Option<&str>| {
        let version = version.map(str::to_owned);
        move |cluster: &mut DbCluster| cluster.engine_version.clone_from(&version)
    };
    database(&mut fleet, EU, set(Some("16.4.1")));
    says(
        &judged(&fleet, &planned, GuardId::Version),
        Verdict::Warn,
        "16.4.1",
    );
    database(&mut fleet, EU, set(Some("16.6")));
    says(
        &judged(&fleet, &planned, GuardId::Version),
        Verdict::Fail,
        "16.4 ≠ 16.6",
    );
    database(&mut fleet, EU, set(None));
    says(
        &judged(&fleet, &planned, GuardId::Version),
        Verdict::Unknown,
        "not known",
    );
}

#[test]
fn connections_that_are_cut_are_told() {
    let mut fleet = world();
    let planned = one(&fleet, switchover(EU));
    says(
        &judged(&fleet, &planned, GuardId::Work),
        Verdict::Unknown,
        "not known",
    );
    let connections = |values: &[(u64, f64)]| vec![series("database/db/connections", values)];
    metrics(
        &mut fleet,
        &place(US),
        4,
        connections(&[(180, 100.0), (240, 100.0)]),
    );
    says(
        &judged(&fleet, &planned, GuardId::Work),
        Verdict::Pass,
        "100 connections",
    );
    metrics(
        &mut fleet,
        &place(US),
        3,
        connections(&[(180, 900.0), (240, 100.0), (300, 100.0)]),
    );
    says(
        &judged(&fleet, &planned, GuardId::Work),
        Verdict::Warn,
        "900 connections",
    );
}
