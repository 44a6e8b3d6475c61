//! Does a change of traffic arrive, and does an independent read show it? And one whose world has moved on: is it refused with nothing changed?

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use pilothouse::resources::{
    Answer, Change, ErrorClass, Estate, Fleet, Place, Query, RegionLabel, Source, Wanted,
    change::{Alter, ApplyError, Fate, Standing},
    estate::ManagedName,
    health_checks,
    traffic::{
        self, Mechanism, Split,
        change::{ForwardEdit, RecordEdit},
    },
};

use crate::wire::{Wire, query};

const HOME: &str = "us-east-1";
const REGION: &str = "eu-west-1";

/// Reads a source; `reference` is that of a receipt.
async fn read(
    wire: &Wire,
    estate: &Estate,
    (source, place): (Source, Place),
    reference: Option<String>,
) -> (Query, Answer) {
    let query = Query {
        source,
        wanted: reference.map_or(Wanted::Nothing, Wanted::Reference),
        read: 0,
        place: place.clone(),
    };
    let region = if place == Place::Global { HOME } else { REGION };
    let answer = match source {
        Source::HealthChecks => {
            wire.observe_in(estate, region, &query, health_checks::live::observe)
                .await
        }
        _ => {
            wire.observe_in(estate, region, &query, traffic::live::observe)
                .await
        }
    };
    (query, answer.unwrap())
}

/// What a fleet that has just read everything that the change bears on says about it.
async fn standing(wire: &Wire, estate: &Estate, change: &Change) -> Standing {
    let now = Timestamp::UNIX_EPOCH;
    let mut fleet = Fleet::new(Arc::new(estate.clone()), now);
    for slice in change.reads(estate) {
        let (query, answer) = read(wire, estate, slice, None).await;
        fleet.accept(&query, answer, now, Duration::ZERO);
    }
    change.standing(&fleet)
}

fn conflict(result: Result<pilothouse::resources::change::Receipt, ApplyError>, fate: Fate) {
    let error = result.unwrap_err();
    assert_eq!(
        (error.fate, error.error.class),
        (fate, ErrorClass::Conflict),
        "{error}"
    );
}

const RECORDS: &str = "route53:GET /2013-04-01/hostedzone/ZSHOP/rrset";
const BATCH: &str = "route53:POST /2013-04-01/hostedzone/ZSHOP/rrset";

fn shop() -> Estate {
    let mut estate = Wire::estate(&[HOME]);
    estate.names.push(ManagedName {
        name: "api.shop.example".to_owned(),
        zone_id: Some("ZSHOP".to_owned()),
        regions: std::collections::BTreeMap::default(),
        residency: None,
    });
    estate
}

/// Two weighted record sets, by value and by alias.
fn records(eu: u8, us: u8) -> String {
    let set = |id: &str, weight: u8, rest: &str| {
        format!(
            "<ResourceRecordSet><Name>api.shop.example.</Name><Type>A</Type><SetIdentifier>{id}</SetIdentifier><Weight>{weight}</Weight>{rest}</ResourceRecordSet>"
        )
    };
    let value = "<TTL>60</TTL><ResourceRecords><ResourceRecord><Value>192.0.2.1</Value></ResourceRecord></ResourceRecords><HealthCheckId>hc</HealthCheckId>";
    let alias = "<AliasTarget><HostedZoneId>ZLB</HostedZoneId><DNSName>lb.example.</DNSName><EvaluateTargetHealth>true</EvaluateTargetHealth></AliasTarget>";
    format!(
        "<ListResourceRecordSetsResponse><ResourceRecordSets>{}{}</ResourceRecordSets><IsTruncated>false</IsTruncated><MaxItems>300</MaxItems></ListResourceRecordSetsResponse>",
        set("eu", eu, value),
        set("us", us, alias)
    )
}

/// The change of the weights of both, from what is read.
async fn drain_eu(wire: &Wire) -> Change {
    let slice = (Source::Records, Place::Global);
    let (_, answer) = read(wire, &shop(), slice, None).await;
    let pilothouse::resources::Rows::Traffic(rows) = answer.rows else {
        panic!("splits");
    };
    let edit = |row: Split| {
        let Mechanism::Record(from) = row.by else {
            panic!("a record");
        };
        let to = if row.member == "eu" { 0 } else { 200 };
        RecordEdit { from, to }
    };
    Change::Traffic(traffic::Change::Weights {
        records: rows.into_iter().map(edit).collect(),
    })
}

#[tokio::test]
async fn weights_are_replaced_as_they_were_read_and_a_read_shows_them_and_their_spreading() {
    let wire = Wire::start();
    wire.answer(
        HOME,
        RECORDS,
        [records(100, 100), records(100, 100), records(0, 200)],
    );
    let info = "<ChangeInfo><Id>/change/C7</Id><Status>PENDING</Status><SubmittedAt>2026-01-01T00:00:00Z</SubmittedAt></ChangeInfo>";
    let answer =
        |operation: &str, info: &str| format!("<{operation}Response>{info}</{operation}Response>");
    wire.answer(HOME, BATCH, [answer("ChangeResourceRecordSets", info)]);
    wire.answer(
        HOME,
        "route53:GET /2013-04-01/change/C7",
        [info.to_owned(), info.replace("PENDING", "INSYNC")].map(|info| answer("GetChange", &info)),
    );
    let change = drain_eu(&wire).await;
    assert_eq!(standing(&wire, &shop(), &change).await, Standing::Before);
    let receipt = wire.apply(&shop(), HOME, &change).await.unwrap();
    assert_eq!(receipt.reference.as_deref(), Some("C7"));
    assert_eq!(receipt.request_id.as_deref(), Some("r-1"));
    let body = wire.sent(BATCH).concat();
    let set = |text: String| {
        let sets = text
            .split_once("<ResourceRecordSets>")
            .unwrap()
            .1
            .to_owned();
        sets.split_once("</ResourceRecordSets>")
            .unwrap()
            .0
            .to_owned()
    };
    // Every record set as it was listed, and as it will be listed.
    for text in [set(records(100, 100)), set(records(0, 200))] {
        for set in text.split_inclusive("</ResourceRecordSet>") {
            assert!(body.contains(set), "{set} is not in {body}");
        }
    }
    assert_eq!(standing(&wire, &shop(), &change).await, Standing::After);
    let slice = || (Source::Records, Place::Global);
    for expected in [Some(false), Some(true)] {
        let reference = receipt.reference.clone();
        let (_, answer) = read(&wire, &shop(), slice(), reference).await;
        assert_eq!((answer.in_sync, answer.problems), (expected, Vec::new()));
    }
    assert_eq!(wire.sent(BATCH).len(), 1);
}

#[tokio::test]
async fn weights_that_somebody_else_changed_are_refused_by_route_53() {
    let wire = Wire::start();
    wire.answer(HOME, RECORDS, [records(100, 100), records(50, 100)]);
    let refusal = "<InvalidChangeBatch xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\"><Messages><Message>Tried to delete resource record set \
        [name='api.shop.example.', type='A', set-identifier='eu'] but the values provided do not match the current values</Message></Messages></InvalidChangeBatch>";
    wire.refuse(HOME, BATCH, 400, refusal);
    let change = drain_eu(&wire).await;
    conflict(wire.apply(&shop(), HOME, &change).await, Fate::Refused);
    let Standing::Other(text) = standing(&wire, &shop(), &change).await else {
        panic!("somebody else acted");
    };
    assert_eq!(text, "the weight of eu is 50");
    assert_eq!(wire.sent(BATCH).len(), 1);
}

/// A health check in the emulator.
async fn check(wire: &Wire) -> (aws_sdk_route53::Client, String) {
    use aws_sdk_route53::types::{HealthCheckConfig, HealthCheckType};
    let client = aws_sdk_route53::Client::new(&wire.config(HOME).await);
    let config = HealthCheckConfig::builder()
        .r#type(HealthCheckType::Tcp)
        .ip_address("192.0.2.1")
        .port(443)
        .build()
        .unwrap();
    let check = client
        .create_health_check()
        .caller_reference("r")
        .health_check_config(config)
        .send();
    let id = check.await.unwrap().health_check.unwrap().id;
    (client, id)
}

fn inversion(id: &str) -> Change {
    Change::HealthChecks(health_checks::Change::Invert {
        id: id.to_owned(),
        records: vec!["api.shop.example A eu".to_owned()],
        from: false,
        to: true,
        version: None,
    })
}

#[tokio::test]
async fn an_inverted_check_reads_inverted_and_its_undoing_reads_as_before() {
    let wire = Wire::start();
    let (_, id) = check(&wire).await;
    let (estate, change) = (shop(), inversion(&id));
    assert_eq!(standing(&wire, &estate, &change).await, Standing::Before);
    wire.apply(&estate, HOME, &change).await.unwrap();
    assert_eq!(standing(&wire, &estate, &change).await, Standing::After);
    let undo = change.inverse().unwrap();
    wire.apply(&estate, HOME, &undo).await.unwrap();
    assert_eq!(standing(&wire, &estate, &change).await, Standing::Before);
}

#[tokio::test]
async fn a_check_that_somebody_else_inverted_is_left_alone() {
    let wire = Wire::start();
    let (client, id) = check(&wire).await;
    let other = client
        .update_health_check()
        .health_check_id(&id)
        .inverted(true);
    other.send().await.unwrap();
    wire.forget();
    conflict(
        wire.apply(&shop(), HOME, &inversion(&id)).await,
        Fate::NotSent,
    );
    assert_eq!(
        wire.calls(),
        [format!(
            "us-east-1 route53:GET /2013-04-01/healthcheck/{id}"
        )]
    );
}

const RULES: &str = "elasticloadbalancing:DescribeRules";

fn rules(stable: u32, canary: u32) -> String {
    let group = |name: &str, weight: u32| {
        format!(
            "<member><TargetGroupArn>arn:targetgroup/{name}/1</TargetGroupArn><Weight>{weight}</Weight></member>"
        )
    };
    let forward = format!(
        "<member><Type>forward</Type><Order>1</Order><ForwardConfig><TargetGroups>{}{}</TargetGroups></ForwardConfig></member>",
        group("stable", stable),
        group("canary", canary)
    );
    let rule = format!(
        "<member><RuleArn>arn:r</RuleArn><Priority>1</Priority><IsDefault>false</IsDefault><Actions>{forward}</Actions></member>"
    );
    query("DescribeRules", &format!("<Rules>{rule}</Rules>"))
}

/// A load balancer whose rule reads as these bodies, in turn.
fn balancer(wire: &Wire, bodies: [String; 3]) {
    let of = |operation: &str, result: &str| {
        wire.answer(
            REGION,
            &format!("elasticloadbalancing:{operation}"),
            [query(operation, result)],
        );
    };
    of(
        "DescribeLoadBalancers",
        "<LoadBalancers><member><LoadBalancerArn>arn:b</LoadBalancerArn><LoadBalancerName>web</LoadBalancerName><Type>application</Type></member></LoadBalancers>",
    );
    of(
        "DescribeListeners",
        "<Listeners><member><ListenerArn>arn:l</ListenerArn></member></Listeners>",
    );
    of("DescribeTargetHealth", "<TargetHealthDescriptions/>");
    of("ModifyRule", "<Rules/>");
    wire.answer(REGION, RULES, bodies);
}

fn shift() -> Change {
    let edit = |name: &str, from, to| ForwardEdit {
        target_group_arn: format!("arn:targetgroup/{name}/1"),
        target_group_name: name.to_owned(),
        from,
        to,
    };
    Change::Traffic(traffic::Change::Forward {
        region: RegionLabel::new(REGION).unwrap(),
        load_balancer_name: "web".to_owned(),
        listener_arn: "arn:l".to_owned(),
        rule_arn: Some("arn:r".to_owned()),
        groups: vec![edit("stable", 95, 50), edit("canary", 5, 50)],
    })
}

#[tokio::test]
async fn a_rule_is_read_again_before_it_is_written_and_a_read_shows_its_new_weights() {
    let wire = Wire::start();
    balancer(&wire, [rules(95, 5), rules(95, 5), rules(50, 50)]);
    let (estate, change) = (Wire::estate(&[REGION]), shift());
    assert_eq!(standing(&wire, &estate, &change).await, Standing::Before);
    wire.apply(&estate, REGION, &change).await.unwrap();
    assert_eq!(standing(&wire, &estate, &change).await, Standing::After);
    let sent = wire.sent("elasticloadbalancing:ModifyRule");
    let [body] = sent.as_slice() else {
        panic!("one call: {sent:?}");
    };
    for index in [1, 2] {
        let weight =
            format!("Actions.member.1.ForwardConfig.TargetGroups.member.{index}.Weight=50");
        assert!(body.contains(&weight), "{body}");
    }
}

#[tokio::test]
async fn a_rule_that_somebody_else_changed_is_left_alone() {
    let wire = Wire::start();
    balancer(&wire, [rules(90, 10), rules(90, 10), rules(90, 10)]);
    let estate = Wire::estate(&[REGION]);
    conflict(wire.apply(&estate, REGION, &shift()).await, Fate::NotSent);
    assert_eq!(wire.calls(), [format!("{REGION} {RULES}")]);
}

const ALIAS: &str = "lambda:PUT /2015-03-31/functions/checkout/aliases/live";

/// A function with two versions and an alias that splits 90 to 10, in the emulator.
async fn function(wire: &Wire) -> aws_sdk_lambda::Client {
    use aws_sdk_lambda::{primitives::Blob, types::FunctionCode};
    let client = aws_sdk_lambda::Client::new(&wire.config(REGION).await);
    let code = FunctionCode::builder().zip_file(Blob::new(b"zip")).build();
    let function = client
        .create_function()
        .function_name("checkout")
        .role("arn:aws:iam::123456789012:role/lambda")
        .runtime(aws_sdk_lambda::types::Runtime::Nodejs22x)
        .handler("index.run")
        .code(code);
    function.send().await.unwrap();
    for _ in 0..2 {
        let version = client.publish_version().function_name("checkout");
        version.send().await.unwrap();
    }
    let alias = client
        .create_alias()
        .function_name("checkout")
        .name("live")
        .function_version("1")
        .routing_config(routing(0.1));
    alias.send().await.unwrap();
    client
}

fn routing(share: f64) -> aws_sdk_lambda::types::AliasRoutingConfiguration {
    aws_sdk_lambda::types::AliasRoutingConfiguration::builder()
        .additional_version_weights("2", share)
        .build()
}

fn alias(from: f64, to: f64) -> Change {
    Change::Traffic(traffic::Change::Alias {
        region: RegionLabel::new(REGION).unwrap(),
        function: "checkout".to_owned(),
        alias: "live".to_owned(),
        stable: "1".to_owned(),
        canary: "2".to_owned(),
        from,
        to,
        revision_id: None,
    })
}

#[tokio::test]
async fn the_share_behind_an_alias_moves_and_goes_and_its_version_stays() {
    let wire = Wire::start();
    let client = function(&wire).await;
    let estate = Wire::estate(&[REGION]);
    for (from, to) in [(0.1, 0.5), (0.5, 0.0), (0.0, 0.25)] {
        let change = alias(from, to);
        assert_eq!(standing(&wire, &estate, &change).await, Standing::Before);
        wire.apply(&estate, REGION, &change).await.unwrap();
        assert_eq!(standing(&wire, &estate, &change).await, Standing::After);
    }
    assert_eq!(wire.sent(ALIAS).len(), 3);
    let seen = client.get_alias().function_name("checkout").name("live");
    let seen = seen.send().await.unwrap();
    assert_eq!(seen.function_version(), Some("1"));
}

#[tokio::test]
async fn an_alias_that_somebody_else_changed_is_left_alone() {
    let wire = Wire::start();
    let client = function(&wire).await;
    let other = client.update_alias().function_name("checkout").name("live");
    other.routing_config(routing(0.3)).send().await.unwrap();
    wire.forget();
    let estate = Wire::estate(&[REGION]);
    conflict(
        wire.apply(&estate, REGION, &alias(0.1, 0.5)).await,
        Fate::NotSent,
    );
    assert_eq!(
        wire.calls(),
        [format!("{REGION} {}", ALIAS.replace("PUT", "GET"))]
    );
    let Standing::Other(text) = standing(&wire, &estate, &alias(0.1, 0.5)).await else {
        panic!("somebody else acted");
    };
    assert!(text.contains("0.3"), "{text}");
}
