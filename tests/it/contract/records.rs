//! Route 53 over the wire: record sets of managed names, the choice of zones, health checks.

use std::sync::Arc;

use pilothouse::{
    provider::{ask::Ask, memory::Memory},
    resources::{
        Answer, ErrorClass, Estate, Place, ProviderError, Query, Rows, Source, Wanted,
        estate::ManagedName,
        health_checks,
        traffic::{self, Mechanism, route53::Policy},
    },
};

use super::second_page_fails;
use crate::wire::{Fault, Wire};

const HOME: &str = "us-east-1";
const ZONES: &str = "route53:GET /2013-04-01/hostedzone";
const RECORDS: &str = "route53:GET /2013-04-01/hostedzone/ZSHOP/rrset";
const CHECKS: &str = "route53:GET /2013-04-01/healthcheck";

fn estate() -> Estate {
    let mut estate = Wire::estate(&[HOME]);
    estate.names.push(ManagedName {
        name: "api.shop.example".to_owned(),
        zone_id: None,
        regions: std::collections::BTreeMap::default(),
        residency: None,
    });
    estate
}

async fn poll(wire: &Wire, memory: &Arc<Memory>) -> Result<Answer, ProviderError> {
    let (estate, place) = (estate(), Place::Global);
    let query = Query {
        source: Source::Records,
        place: place.clone(),
        wanted: Wanted::Nothing,
        read: 0,
    };
    let ask = Ask::new(&estate, &place, wire.config(HOME).await).remembering(Arc::clone(memory));
    traffic::live::observe(ask, &query).await
}

async fn records(wire: &Wire) -> Result<Answer, ProviderError> {
    poll(wire, &Arc::default()).await
}

fn zone(id: &str, name: &str) -> String {
    format!(
        "<HostedZone><Id>/hostedzone/{id}</Id><Name>{name}.</Name><CallerReference>r</CallerReference>\
         <Config><PrivateZone>false</PrivateZone></Config></HostedZone>"
    )
}

fn zones(wire: &Wire) {
    let page = |zones: &str, rest: &str| {
        format!(
            "<ListHostedZonesResponse><HostedZones>{zones}</HostedZones>{rest}<MaxItems>100</MaxItems></ListHostedZonesResponse>"
        )
    };
    let pages = [
        page(
            &zone("ZTOP", "example"),
            "<IsTruncated>true</IsTruncated><NextMarker>2</NextMarker>",
        ),
        page(
            &zone("ZSHOP", "shop.example"),
            "<IsTruncated>false</IsTruncated>",
        ),
    ];
    wire.answer(HOME, ZONES, pages);
}

fn record(kind: &str, id: &str, policy: &str) -> String {
    format!(
        "<ResourceRecordSet><Name>api.shop.example.</Name><Type>{kind}</Type><SetIdentifier>{id}</SetIdentifier>{policy}<TTL>60</TTL>\
         <ResourceRecords><ResourceRecord><Value>192.0.2.1</Value></ResourceRecord></ResourceRecords></ResourceRecordSet>"
    )
}

/// Three hundred weighted records fill the first page; the second has one more, two by latency, and the begin of the next name.
fn two_pages(wire: &Wire) {
    zones(wire);
    let page = |records: &str, rest: &str| {
        format!(
            "<ListResourceRecordSetsResponse><ResourceRecordSets>{records}</ResourceRecordSets>{rest}<MaxItems>300</MaxItems></ListResourceRecordSetsResponse>"
        )
    };
    let weighted = |index| record("A", &format!("w{index:03}"), "<Weight>7</Weight>");
    let first: String = (0..300).map(weighted).collect();
    let latency = |region: &str| record("AAAA", region, &format!("<Region>{region}</Region>"));
    let other = weighted(0).replace("api.", "www.");
    let second = [
        weighted(300),
        latency("eu-west-1"),
        latency("us-east-1"),
        other,
    ]
    .concat();
    let more = "<IsTruncated>true</IsTruncated><NextRecordName>api.shop.example.</NextRecordName>\
        <NextRecordType>A</NextRecordType><NextRecordIdentifier>w300</NextRecordIdentifier>";
    let pages = [
        page(&first, more),
        page(&second, "<IsTruncated>false</IsTruncated>"),
    ];
    wire.answer(HOME, RECORDS, pages);
}

#[tokio::test]
async fn a_name_is_read_in_its_own_zone_over_every_page_and_zones_are_listed_once() {
    let wire = Wire::start();
    two_pages(&wire);
    let memory = Arc::default();
    let answer = poll(&wire, &memory).await.unwrap();
    let Rows::Traffic(rows) = &answer.rows else {
        panic!("splits: {answer:?}");
    };
    let by = |wanted: fn(&Policy) -> bool| {
        let records = rows.iter().filter(|row| match &row.by {
            Mechanism::Record(record) => wanted(&record.policy),
            other => panic!("a record, not {other:?}"),
        });
        records.count()
    };
    assert_eq!(by(|policy| *policy == Policy::Weighted { weight: 7 }), 301);
    assert_eq!(by(|policy| matches!(policy, Policy::Latency { .. })), 2);
    assert_eq!((rows.len(), answer.problems.len()), (303, 0));
    assert_eq!(wire.calls().len(), 2 + 2, "{:?}", wire.calls());
    wire.forget();
    poll(&wire, &memory).await.unwrap();
    assert_eq!(
        wire.calls().len(),
        2,
        "no zones are listed again: {:?}",
        wire.calls()
    );
}

#[tokio::test]
async fn records_or_zones_without_their_second_page_are_an_error() {
    for (operation, action) in [
        (ZONES, "route53:ListHostedZones"),
        (RECORDS, "route53:ListResourceRecordSets"),
    ] {
        for (fault, class) in [
            (Fault::ServerError, ErrorClass::Transient),
            (Fault::Truncated, ErrorClass::Transient),
            (Fault::Throttle, ErrorClass::Throttled),
        ] {
            let wire = Wire::start();
            two_pages(&wire);
            wire.fault_from(HOME, operation, 2, fault);
            let error = records(&wire).await.unwrap_err();
            assert_eq!((error.class, error.operation.as_str()), (class, action));
        }
    }
}

#[tokio::test]
async fn records_that_are_denied_are_a_problem_with_the_action() {
    let wire = Wire::start();
    two_pages(&wire);
    wire.fault(HOME, RECORDS, Fault::Denied);
    let answer = records(&wire).await.unwrap();
    let [problem] = answer.problems.as_slice() else {
        panic!("one problem: {:?}", answer.problems);
    };
    assert_eq!(
        (problem.class, problem.operation.as_str()),
        (ErrorClass::Denied, "route53:ListResourceRecordSets")
    );
}

async fn checks(wire: &Wire) -> Result<Answer, ProviderError> {
    let query = Query {
        source: Source::HealthChecks,
        place: Place::Global,
        wanted: Wanted::Nothing,
        read: 0,
    };
    let estate = estate();
    wire.observe_in(&estate, HOME, &query, health_checks::live::observe)
        .await
}

fn two_checks(wire: &Wire) {
    let check = |id: &str, config: &str| {
        format!(
            "<HealthCheck><Id>{id}</Id><CallerReference>r</CallerReference><HealthCheckConfig>{config}</HealthCheckConfig>\
             <HealthCheckVersion>3</HealthCheckVersion></HealthCheck>"
        )
    };
    let page = |checks: &str, rest: &str| {
        format!(
            "<ListHealthChecksResponse><HealthChecks>{checks}</HealthChecks><Marker/>{rest}<MaxItems>1000</MaxItems></ListHealthChecksResponse>"
        )
    };
    let https = "<Type>HTTPS</Type><FullyQualifiedDomainName>web.example</FullyQualifiedDomainName><Port>8443</Port><ResourcePath>/health</ResourcePath>";
    let pages = [
        page(
            &check("b", https),
            "<IsTruncated>true</IsTruncated><NextMarker>2</NextMarker>",
        ),
        page(
            &check("a", "<Type>QUIC</Type>"),
            "<IsTruncated>false</IsTruncated>",
        ),
    ];
    wire.answer(HOME, CHECKS, pages);
}

#[tokio::test]
async fn health_checks_come_from_every_page_and_an_unknown_type_stays_text() {
    let wire = Wire::start();
    two_checks(&wire);
    let answer = checks(&wire).await.unwrap();
    let Rows::HealthChecks(rows) = &answer.rows else {
        panic!("health checks: {answer:?}");
    };
    let seen: Vec<_> = rows
        .iter()
        .map(|check| {
            (
                check.id.as_str(),
                check.check_type.as_str(),
                check.target.as_str(),
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("a", "QUIC", "QUIC a"),
            ("b", "HTTPS", "https://web.example:8443/health")
        ]
    );
    assert_eq!(wire.calls().len(), 2);
    second_page_fails(two_checks, (CHECKS, "route53:ListHealthChecks"), checks).await;
}
