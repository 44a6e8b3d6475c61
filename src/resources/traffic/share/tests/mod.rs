//! The rules of domain C and the traps of domain G, on whole fleets: what goes in are rows, what comes out are shares. This file builds the fleets.

mod records;
mod splits;

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;

use super::*;
use crate::resources::{
    Answer, Estate, Query, Resource, Rows, Severity, Wanted,
    estate::{ManagedName, RegionSpec},
    health_checks::{HealthCheck, status_key},
    metrics::{Point, Quality, Series},
    traffic::*,
};

const NAME: &str = "api.example.com";

fn label(text: &str) -> RegionLabel {
    RegionLabel::new(text).unwrap()
}

fn estate() -> Arc<Estate> {
    let region = |name: &str| RegionSpec {
        label: label(name),
        aws_region: Some(name.to_owned()),
        role: Default::default(),
        access: Default::default(),
        kube_contexts: Vec::new(),
        capacity_rps: None,
        load_balancers: Vec::new(),
        backends: Vec::new(),
        capacity_nodes: None,
        residency: Vec::new(),
    };
    let name = ManagedName {
        name: NAME.to_owned(),
        zone_id: None,
        regions: Default::default(),
        residency: None,
    };
    Arc::new(Estate {
        regions: vec![region("us-east-1"), region("eu-west-1")],
        names: vec![name],
        ..Estate::default()
    })
}

/// A fleet that has seen these answers.
fn fleet(answers: Vec<(Source, Place, Rows)>) -> Fleet {
    let now = Timestamp::from_second(1_000_000).unwrap();
    let mut fleet = Fleet::new(estate(), now);
    for (source, place, rows) in answers {
        let query = Query {
            source,
            place,
            wanted: Wanted::Nothing,
            read: 0,
        };
        fleet.accept(&query, Answer::of(rows), now, Duration::ZERO);
    }
    fleet
}

fn record(member: &str, policy: Policy, check: Option<&str>) -> Split {
    Split {
        split: format!("{NAME}. A"),
        member: member.to_owned(),
        by: Mechanism::Record(Record {
            zone_id: "Z1".to_owned(),
            name: format!("{NAME}."),
            record_type: "A".to_owned(),
            set_identifier: Some(member.to_owned()),
            policy,
            ttl: Some(60),
            values: vec!["192.0.2.1".to_owned()],
            alias: None,
            health_check_id: check.map(ToOwned::to_owned),
            traffic_policy_instance_id: None,
        }),
    }
}

fn weighted(member: &str, weight: u8, check: Option<&str>) -> Split {
    record(member, Policy::Weighted { weight }, check)
}

fn records(rows: Vec<Split>) -> (Source, Place, Rows) {
    (Source::Records, Place::Global, Rows::Traffic(rows))
}

/// The same record with an alias that evaluates the health of its target.
fn alias_to(dns_name: &str, mut row: Split) -> Split {
    if let Mechanism::Record(record) = &mut row.by {
        record.values.clear();
        record.alias = Some(AliasTarget {
            dns_name: dns_name.to_owned(),
            zone_id: "Z2".to_owned(),
            evaluate_target_health: true,
        });
    }
    row
}

fn check(id: &str, change: impl FnOnce(&mut HealthCheck)) -> HealthCheck {
    let mut check = HealthCheck {
        id: id.to_owned(),
        check_type: "HTTPS".to_owned(),
        target: format!("https://{id}.example.com"),
        interval_seconds: Some(30),
        failure_threshold: Some(3),
        inverted: false,
        disabled: false,
        children: Vec::new(),
        routing_control_arn: None,
        version: None,
    };
    change(&mut check);
    check
}

/// What CloudWatch says about checks, by id.
fn states(states: &[(&str, f64)]) -> (Source, Place, Rows) {
    let series = |(id, value): &(&str, f64)| {
        let mut specs = check(id, |_| {}).series(&Place::Global);
        specs.retain(|spec| spec.key == status_key(id));
        let at = Timestamp::from_second(1_000_000 - 130).unwrap();
        Series {
            spec: specs.remove(0),
            points: vec![Point { at, value: *value }],
            quality: Quality::Complete,
        }
    };
    let mut rows: Vec<Series> = states.iter().map(series).collect();
    rows.sort_by(|a, b| a.spec.key.cmp(&b.spec.key));
    (Source::Metrics, Place::Global, Rows::Metrics(rows))
}

fn forward(dns: &str, group: &str, weight: u32, health: Option<(u32, u32)>) -> Split {
    Split {
        split: "listener".to_owned(),
        member: group.to_owned(),
        by: Mechanism::Forward(Forward {
            load_balancer_arn: "arn:aws:elasticloadbalancing:x:1:loadbalancer/app/web/1".to_owned(),
            load_balancer_name: "web".to_owned(),
            load_balancer_dns: Some(dns.to_owned()),
            load_balancer_type: Some("application".to_owned()),
            load_balancer_state: Some("active".to_owned()),
            listener_arn: "listener".to_owned(),
            rule_arn: None,
            priority: "default".to_owned(),
            conditions: String::new(),
            target_group_arn: format!("arn:aws:elasticloadbalancing:x:1:targetgroup/{group}/1"),
            target_group_name: group.to_owned(),
            weight,
            stickiness: false,
            health: health.map(|(healthy, unhealthy)| TargetHealth {
                healthy,
                unhealthy,
                other: 0,
                unknown: 0,
            }),
            divided: true,
        }),
    }
}

fn balancers(region: &str, rows: Vec<Split>) -> (Source, Place, Rows) {
    (
        Source::LoadBalancers,
        Place::Region(label(region)),
        Rows::Traffic(rows),
    )
}

fn dial(region: &str, dial: f64, health: &str) -> Split {
    let endpoint = Endpoint {
        id: "e".to_owned(),
        weight: Some(128),
        health: Some(health.to_owned()),
    };
    Split {
        split: "listener".to_owned(),
        member: region.to_owned(),
        by: Mechanism::Dial(EndpointGroup {
            accelerator_arn: "arn:aws:globalaccelerator::1:accelerator/u".to_owned(),
            accelerator_name: "edge".to_owned(),
            accelerator_status: None,
            accelerator_enabled: true,
            listener_arn: "listener".to_owned(),
            group_arn: region.to_owned(),
            region: region.to_owned(),
            dial,
            endpoints: vec![endpoint],
        }),
    }
}

fn dials(rows: Vec<Split>) -> (Source, Place, Rows) {
    (Source::Accelerators, Place::Global, Rows::Traffic(rows))
}

fn share(fleet: &Fleet, member: &str) -> Share {
    let (source, place, row) = fleet
        .traffic
        .rows()
        .find(|(_, _, row)| row.member == member)
        .unwrap();
    fleet.shares.get(source, place, &row.key()).unwrap()
}

fn texts(fleet: &Fleet) -> Vec<String> {
    fleet
        .traffic
        .rows()
        .map(|(_, _, row)| share(fleet, &row.member).text())
        .collect()
}

fn judgement(fleet: &Fleet, member: &str) -> (Severity, String) {
    let (_, place, row) = fleet
        .traffic
        .rows()
        .find(|(_, _, row)| row.member == member)
        .unwrap();
    let judgement = row.judge(fleet, place);
    (judgement.severity, judgement.reason)
}
