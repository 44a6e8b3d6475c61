//! Tests of the guards: each verdict that matters, on a small world of three regions.

mod back;
mod candidates;
mod harm;
mod mesh;
mod planned;
mod price;
mod receivers;
mod session;
mod side;
mod snapshot;
mod splits;
mod stores;
mod users;
mod workloads;

use std::sync::Arc;

use serde_json::json;

use self::planned::*;
use super::{Guard, GuardId, Subject, Verdict};
use crate::{
    plan::{
        Blast, Intent, Mark, OnBreach, Plan, Step, Wait, Work, beside, forecast::Forecast,
        ledger::Ledger,
    },
    resources::{
        Change, Fleet, Place, Rows, Source,
        change::Alter,
        databases::{self, Database},
        estate::Estate,
        fixtures::{
            ago, alarm, answer, answer_rest, balancer_series, check, estate, forward, label,
            metrics, now, place, record, redis, row, series,
        },
        health_checks::status_key,
        imagine::Imagined,
        metrics::Series,
        regions,
        traffic::{self, Mechanism, Split, change::RecordEdit},
    },
};

const US: &str = "us-east-1";
const EU: &str = "eu-west-1";
const AP: &str = "ap-southeast-1";
const REGIONS: [&str; 3] = [US, EU, AP];

/// The three regions with everything healthy and seen 5 s ago: the writer and the cache primary in us-east-1, 46/31/23 % of the traffic.
fn world() -> Fleet {
    world_of(estate(&REGIONS))
}

fn world_of(estate: Estate) -> Fleet {
    let mut fleet = Fleet::new(Arc::new(estate), now());
    records(&mut fleet, &[46, 31, 23]);
    let checks = REGIONS.iter().map(|region| check(region)).collect();
    answer(
        &mut fleet,
        Source::HealthChecks,
        &Place::Global,
        5,
        Rows::HealthChecks(checks),
    );
    healths(&mut fleet, &[Some(true); 3]);
    let groups = REGIONS.iter().map(|region| group(region, 100.0)).collect();
    answer(
        &mut fleet,
        Source::Accelerators,
        &Place::Global,
        5,
        Rows::Traffic(groups),
    );
    for region in REGIONS {
        let at = place(region);
        answer(
            &mut fleet,
            Source::LoadBalancers,
            &at,
            5,
            Rows::Traffic(vec![forward(region, "web", 1)]),
        );
        measured(&mut fleet, region, &[]);
        answer(
            &mut fleet,
            Source::Rds,
            &at,
            5,
            Rows::Databases(vec![aurora(region, US)]),
        );
        answer(
            &mut fleet,
            Source::ElastiCache,
            &at,
            5,
            Rows::Caches(vec![redis(region, US, &REGIONS)]),
        );
        answer(
            &mut fleet,
            Source::Alarms,
            &at,
            5,
            Rows::Alarms(vec![alarm("errors", "OK", region)]),
        );
        identified(&mut fleet, region, Some(0), None);
        answer_rest(&mut fleet, &at, 5);
    }
    answer_rest(&mut fleet, &Place::Global, 5);
    fleet
}

fn records(fleet: &mut Fleet, weights: &[u8]) {
    let rows = REGIONS
        .iter()
        .zip(weights)
        .map(|(region, weight)| record(region, *weight, Some(region)))
        .collect();
    answer(
        fleet,
        Source::Records,
        &Place::Global,
        5,
        Rows::Traffic(rows),
    );
}

/// The state of each region's health check; `None` has no metric.
fn healths(fleet: &mut Fleet, states: &[Option<bool>]) {
    let of = |(region, state): (&&str, &Option<bool>)| {
        let points: &[(u64, f64)] = match state {
            Some(true) => &[(130, 1.0)],
            Some(false) => &[(130, 0.0)],
            None => &[],
        };
        series(&status_key(region), points)
    };
    let rows: Vec<Series> = REGIONS.iter().zip(states).map(of).collect();
    metrics(fleet, &Place::Global, 5, rows);
}

/// An endpoint group of the accelerator `shop`.
fn group(region: &str, dial: f64) -> Split {
    row(json!({
        "split": "arn:listener/1", "member": region,
        "by": {"mechanism": "dial", "accelerator_arn": "arn:accelerator/1", "accelerator_name": "shop", "accelerator_status": "DEPLOYED",
            "accelerator_enabled": true, "listener_arn": "arn:listener/1", "group_arn": format!("arn:group/{region}"), "region": region, "dial": dial,
            "endpoints": [{"id": "alb", "weight": 128, "health": "HEALTHY"}]},
    }))
}

/// Requests, errors and latency of a region, and what else is given.
fn measured(fleet: &mut Fleet, region: &str, more: &[(&str, f64)]) {
    let mut rows = balancer_series(
        region,
        &[
            ("requests", &[(180, 30_000.0)]),
            ("target-5xx", &[(180, 3.0)]),
            ("p95", &[(180, 0.12)]),
        ],
    );
    for (key, value) in more {
        rows.push(series(key, &[(180, *value)]));
    }
    let lag = "database/db/replication-lag";
    if more.iter().all(|(key, _)| *key != lag) && region != US {
        rows.push(series(lag, &[(180, 35.0)]));
    }
    metrics(fleet, &place(region), 5, rows);
}

fn arn(region: &str) -> String {
    format!("arn:aws:rds:{region}:1:cluster:db")
}

/// A member of the global cluster with an instance that is available.
fn aurora(region: &str, writer: &str) -> Database {
    let member = |region: &&str| json!({"arn": arn(region), "writer": *region == writer, "synchronization": "connected"});
    row(json!({
        "store": "cluster", "id": "db", "arn": arn(region), "status": "available", "engine": "aurora-postgresql", "engine_version": "16.4",
        "instances": [{"id": "db-1", "writer": true, "status": "available"}],
        "global": {"id": "g", "status": "available", "members": REGIONS.iter().map(member).collect::<Vec<_>>()},
    }))
}

fn database(fleet: &mut Fleet, region: &str, change: impl Fn(&mut databases::DbCluster)) {
    let mut database = aurora(region, US);
    if let Database::Cluster(cluster) = &mut database {
        change(cluster);
    }
    answer(
        fleet,
        Source::Rds,
        &place(region),
        4,
        Rows::Databases(vec![database]),
    );
}

fn identified(fleet: &mut Fleet, region: &str, skew: Option<i64>, left: Option<i64>) {
    let identity = regions::Identity {
        account: "1".into(),
        arn: "arn:aws:sts::1:assumed-role/ops/me".into(),
        clock_skew_seconds: skew,
        credentials_expire_at: left.map(|left| now() + std::time::Duration::from_secs(left as u64)),
    };
    let rows = vec![regions::Region {
        label: label(region),
        identity: Some(identity),
    }];
    answer(
        fleet,
        Source::Identity,
        &place(region),
        5,
        Rows::Regions(rows),
    );
}

/// Makes a region lost: every source that is asked there times out.
fn lose(fleet: &mut Fleet, region: &str) {
    let at = place(region);
    for &source in Source::ALL {
        if fleet.estate.places(source).contains(&at) {
            crate::resources::fixtures::failure(
                fleet,
                source,
                &at,
                crate::resources::ErrorClass::Timeout,
            );
        }
    }
    fleet.now += std::time::Duration::from_secs(3);
    assert!(fleet.rollup(&label(region)).reach.lost(fleet.now));
}

fn judged(fleet: &Fleet, plan: &Plan, id: GuardId) -> Guard {
    with(fleet, plan, &Ledger::default(), id)
}

fn with(fleet: &Fleet, plan: &Plan, ledger: &Ledger, id: GuardId) -> Guard {
    let beside = beside::others(ledger, [].iter(), &[], fleet.now);
    let subject = Subject {
        fleet,
        plan,
        ahead: &plan.steps,
        ledger,
        beside: &beside,
    };
    super::judge(subject, &[id]).remove(0)
}

/// Asserts a verdict and a part of its evidence.
#[track_caller]
fn says(guard: &Guard, verdict: Verdict, evidence: &str) {
    assert_eq!(guard.verdict, verdict, "{guard:?}");
    assert!(guard.evidence.contains(evidence), "{guard:?}");
    let needs_remedy = matches!(verdict, Verdict::Fail | Verdict::Unknown)
        && guard.id.power() != super::Power::Advisory;
    assert!(!needs_remedy || !guard.remedy.is_empty(), "{guard:?}");
}

#[test]
fn a_drain_of_a_healthy_world_passes_every_guard_or_only_warns() {
    let fleet = world();
    let plan = drain(&fleet);
    let subject = Subject {
        fleet: &fleet,
        plan: &plan,
        ahead: &plan.steps,
        ledger: &Ledger::default(),
        beside: &[],
    };
    let guards = super::judge(subject, GuardId::ALL);
    assert_eq!(guards.len(), GuardId::ALL.len());
    for guard in &guards {
        assert!(guard.verdict <= Verdict::Warn, "{guard:?}");
        assert!(!guard.evidence.is_empty(), "{guard:?}");
    }
    let verdicts: Vec<Verdict> = guards.iter().map(|guard| guard.verdict).collect();
    assert!(verdicts.is_sorted_by(|a, b| a >= b), "the gravest first");
}

#[test]
fn of_an_unread_world_nothing_that_matters_passes() {
    let known = world();
    let plan = drain(&known);
    let unread = Fleet::new(Arc::new(estate(&REGIONS)), now());
    let names = [
        GuardId::Last,
        GuardId::Zero,
        GuardId::Stale,
        GuardId::Credentials,
        GuardId::ControlPlane,
        GuardId::Writer,
        GuardId::Owner,
    ];
    for id in names {
        let guard = judged(&unread, &plan, id);
        assert_eq!(guard.verdict, Verdict::Unknown, "{guard:?}");
    }
    let failing_over = super::super::Plan {
        steps: vec![step(failover(EU))],
        ..plan
    };
    for id in [
        GuardId::Split,
        GuardId::Lag,
        GuardId::Version,
        GuardId::Health,
    ] {
        let guard = judged(&unread, &failing_over, id);
        assert_eq!(guard.verdict, Verdict::Unknown, "{guard:?}");
    }
}
