//! Is the batch exactly the old record sets for the new ones, and is a refused one understood?

use super::*;
use crate::resources::traffic::Policy;
use crate::{
    provider::canned::{self, Asked, Log, Reply},
    resources::{Estate, Place, change::Fate},
};

fn by_value() -> Record {
    Record {
        zone_id: "Z1".into(),
        name: "api.shop.example.".into(),
        record_type: "A".into(),
        set_identifier: Some("eu".into()),
        policy: Policy::Weighted { weight: 100 },
        ttl: Some(60),
        values: vec!["192.0.2.1".into(), "192.0.2.2".into()],
        alias: None,
        health_check_id: Some("hc-1".into()),
        traffic_policy_instance_id: None,
    }
}

fn by_alias() -> Record {
    let target = crate::resources::traffic::AliasTarget {
        dns_name: "dualstack.lb.example.".into(),
        zone_id: "ZLB".into(),
        evaluate_target_health: true,
    };
    Record {
        set_identifier: Some("us".into()),
        policy: Policy::Weighted { weight: 0 },
        ttl: None,
        values: Vec::new(),
        alias: Some(target),
        health_check_id: None,
        ..by_value()
    }
}

fn edits() -> Vec<RecordEdit> {
    vec![
        RecordEdit {
            from: by_value(),
            to: 0,
        },
        RecordEdit {
            from: by_alias(),
            to: 100,
        },
    ]
}

async fn applied(
    edits: &[RecordEdit],
    answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
) -> (Result<Receipt, ApplyError>, Log) {
    let (estate, token) = (Estate::default(), canned::token());
    let (config, log) = canned::logged(answer);
    let write = Write::new(Ask::new(&estate, &Place::Global, config), &token);
    (apply(&write, edits).await, log)
}

fn info(operation: &str, status: &str) -> Reply {
    let info = format!(
        "<ChangeInfo><Id>/change/C2682N5HXP0BZ4</Id><Status>{status}</Status><SubmittedAt>2026-01-01T00:00:00Z</SubmittedAt></ChangeInfo>"
    );
    (
        200,
        format!("<{operation}Response>{info}</{operation}Response>"),
    )
}

/// What one record set is in a batch.
fn written(action: &str, set: &str, weight: u8, rest: &str) -> String {
    format!(
        "<Change><Action>{action}</Action><ResourceRecordSet><Name>api.shop.example.</Name><Type>A</Type><SetIdentifier>{set}</SetIdentifier>\
         <Weight>{weight}</Weight>{rest}</ResourceRecordSet></Change>"
    )
}

#[tokio::test]
async fn every_old_record_set_is_deleted_as_it_was_read_and_created_with_its_new_weight() {
    let (result, log) = applied(&edits(), |_| info("ChangeResourceRecordSets", "PENDING")).await;
    let reference = result.unwrap().reference;
    assert_eq!(reference.as_deref(), Some("C2682N5HXP0BZ4"));
    let log = log.lock().unwrap();
    let [asked] = log.as_slice() else {
        panic!("one call: {log:?}");
    };
    let path = asked.path.split('?').next().unwrap();
    assert_eq!(
        (asked.method.as_str(), path.trim_end_matches('/')),
        ("POST", "/2013-04-01/hostedzone/Z1/rrset")
    );
    let values = "<TTL>60</TTL><ResourceRecords><ResourceRecord><Value>192.0.2.1</Value></ResourceRecord><ResourceRecord><Value>192.0.2.2</Value>\
        </ResourceRecord></ResourceRecords><HealthCheckId>hc-1</HealthCheckId>";
    let alias = "<AliasTarget><HostedZoneId>ZLB</HostedZoneId><DNSName>dualstack.lb.example.</DNSName>\
        <EvaluateTargetHealth>true</EvaluateTargetHealth></AliasTarget>";
    let changes = [
        written("DELETE", "eu", 100, values),
        written("DELETE", "us", 0, alias),
        written("CREATE", "eu", 0, values),
        written("CREATE", "us", 100, alias),
    ];
    let batch = format!(
        "<ChangeBatch><Comment>pilothouse-r-7-2</Comment><Changes>{}</Changes></ChangeBatch>",
        changes.concat()
    );
    let body = asked.text();
    assert!(body.contains(&batch), "{body}\nnot\n{batch}");
}

#[tokio::test]
async fn a_record_set_that_cannot_be_written_exactly_is_not_sent() {
    let mut owned = edits();
    owned[1].from.traffic_policy_instance_id = Some("t".into());
    let (result, log) = applied(&owned, |_| unreachable!("nothing is sent")).await;
    let error = result.unwrap_err();
    assert_eq!(
        (error.fate, error.error.class),
        (Fate::NotSent, ErrorClass::Terminal)
    );
    assert!(error.error.message.contains("traffic policy"), "{error}");
    assert!(log.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_batch_that_came_too_late_is_a_conflict_and_a_protected_record_is_not() {
    let gone = "Tried to delete resource record set [name='api.shop.example.', type='A', set-identifier='eu'] but it was not found";
    let other = "Tried to delete resource record set [name='api.shop.example.', type='A', set-identifier='eu'] but the values provided do not match the current values";
    let kept = "The resource record set is protected by a policy";
    for (text, class) in [
        (gone, ErrorClass::Conflict),
        (other, ErrorClass::Conflict),
        (kept, ErrorClass::Terminal),
    ] {
        let own = format!(
            "<InvalidChangeBatch xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\"><Messages><Message>{text}</Message></Messages><RequestId>r-1</RequestId></InvalidChangeBatch>"
        );
        let general = format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>InvalidChangeBatch</Code><Message>[{text}]</Message></Error><RequestId>r-1</RequestId></ErrorResponse>"
        );
        for body in [own, general] {
            let (result, _) = applied(&edits(), move |_| (400, body.clone())).await;
            let error = result.unwrap_err();
            assert_eq!(
                (error.fate, error.error.class),
                (Fate::Refused, class),
                "{error}"
            );
            let said = &error.error.message;
            assert!(
                said.contains("InvalidChangeBatch") && said.contains(text),
                "{said}"
            );
        }
    }
}

/// Whether a batch has spread, and the problem that was noted.
async fn asked(answer: Reply) -> (Option<bool>, Vec<ProviderError>) {
    let estate = Estate::default();
    let (config, log) = canned::logged(move |_| answer.clone());
    let ask = Ask::new(&estate, &Place::Global, config);
    let spread = spread(&ask, "C1").await;
    let path = log.lock().unwrap()[0].path.clone();
    assert!(path.starts_with("/2013-04-01/change/C1"), "{path}");
    let answer = ask.answer(crate::resources::Rows::Traffic(Vec::new()));
    (spread, answer.problems)
}

#[tokio::test]
async fn a_batch_has_spread_when_route_53_says_so() {
    let (spread, problems) = asked(info("GetChange", "PENDING")).await;
    assert_eq!((spread, problems), (Some(false), Vec::new()));
    let (spread, problems) = asked(info("GetChange", "INSYNC")).await;
    assert_eq!((spread, problems), (Some(true), Vec::new()));
}

#[tokio::test]
async fn a_batch_that_was_lost_or_cannot_be_asked_for_is_a_problem() {
    let (spread, problems) = asked(canned::query_error(404, "NoSuchChange")).await;
    assert_eq!(spread, Some(false));
    assert!(problems[0].message.contains("failover"), "{problems:?}");
    let (spread, problems) = asked(canned::query_error(400, "Throttling")).await;
    assert_eq!((spread, problems.len()), (Some(false), 1));
    let (spread, problems) = asked(canned::query_error(403, "AccessDenied")).await;
    assert_eq!((spread, problems.len()), (None, 1));
}
