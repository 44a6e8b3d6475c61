//! The global services in front of the regions, over the wire: Global Accelerator, CloudFront, routing controls.

use pilothouse::resources::{
    Answer, ErrorClass, Place, ProviderError, Query, Rows, Source, Wanted,
    estate::RecoveryEndpoint,
    traffic::{self, Mechanism, Split},
};

use super::second_page_fails;
use crate::wire::{Fault, Wire};

const HOME: &str = "us-east-1";
const ACCELERATORS: &str = "globalaccelerator:ListAccelerators";
const DISTRIBUTIONS: &str = "cloudfront:GET /2020-05-31/distribution";
const CONTROLS: &str = "route53-recovery-cluster:ListRoutingControls";

async fn global(wire: &Wire, source: Source) -> Result<Answer, ProviderError> {
    let query = Query {
        source,
        place: Place::Global,
        wanted: Wanted::Nothing,
        read: 0,
    };
    wire.observe_in(&Wire::estate(&[HOME]), HOME, &query, traffic::live::observe)
        .await
}

async fn accelerators(wire: &Wire) -> Result<Answer, ProviderError> {
    global(wire, Source::Accelerators).await
}

async fn distributions(wire: &Wire) -> Result<Answer, ProviderError> {
    global(wire, Source::Distributions).await
}

fn splits(answer: &Answer) -> &[Split] {
    match &answer.rows {
        Rows::Traffic(rows) => rows,
        other => panic!("splits, not {:?}", other.kind()),
    }
}

fn two_accelerators(wire: &Wire) {
    let pages = [
        r#"{"Accelerators":[{"AcceleratorArn":"arn:a","Name":"edge","Status":"DEPLOYED","Enabled":true}],"NextToken":"2"}"#,
        r#"{"Accelerators":[{"AcceleratorArn":"arn:b","Name":"late","Status":"THAWING","Enabled":false}]}"#,
    ];
    wire.answer("us-west-2", ACCELERATORS, pages);
    wire.answer(
        "us-west-2",
        "globalaccelerator:ListListeners",
        [r#"{"Listeners":[{"ListenerArn":"arn:l"}]}"#],
    );
    let groups = r#"{"EndpointGroups":[{"EndpointGroupArn":"arn:g","EndpointGroupRegion":"eu-west-1","TrafficDialPercentage":12.5,
        "EndpointDescriptions":[{"EndpointId":"arn:lb","Weight":128,"HealthState":"HEALTHY"}]}]}"#;
    wire.answer(
        "us-west-2",
        "globalaccelerator:ListEndpointGroups",
        [groups],
    );
}

#[tokio::test]
async fn accelerators_are_read_in_their_own_region_over_every_page() {
    let wire = Wire::start();
    two_accelerators(&wire);
    let answer = accelerators(&wire).await.unwrap();
    let dials: Vec<_> = splits(&answer)
        .iter()
        .map(|row| match &row.by {
            Mechanism::Dial(group) => (
                group.accelerator_name.as_str(),
                group.accelerator_status.as_deref(),
                group.dial,
            ),
            other => panic!("a dial, not {other:?}"),
        })
        .collect();
    assert_eq!(
        dials,
        [
            ("edge", Some("DEPLOYED"), 12.5),
            ("late", Some("THAWING"), 12.5)
        ]
    );
    assert_eq!(wire.calls().len(), 2 + 2 + 2);
    assert!(
        wire.calls()
            .iter()
            .all(|call| call.starts_with("us-west-2 "))
    );
    second_page_fails(two_accelerators, (ACCELERATORS, ACCELERATORS), accelerators).await;
}

#[tokio::test]
async fn endpoint_groups_that_are_denied_are_a_problem_with_the_action() {
    let wire = Wire::start();
    two_accelerators(&wire);
    wire.fault("*", "globalaccelerator:ListEndpointGroups", Fault::Denied);
    let answer = accelerators(&wire).await.unwrap();
    let problem = &answer.problems[0];
    assert_eq!(
        (problem.class, problem.operation.as_str()),
        (ErrorClass::Denied, "globalaccelerator:ListEndpointGroups")
    );
}

fn distribution(id: &str) -> String {
    format!(
        "<DistributionSummary><Id>{id}</Id><ARN>arn:{id}</ARN><Status>Deployed</Status><LastModifiedTime>2026-01-01T00:00:00Z</LastModifiedTime>\
         <DomainName>{id}.cloudfront.net</DomainName><Aliases><Quantity>1</Quantity><Items><CNAME>www.shop.example</CNAME></Items></Aliases>\
         <Origins><Quantity>1</Quantity><Items><Origin><Id>web</Id><DomainName>web.example</DomainName></Origin></Items></Origins>\
         <Comment/><PriceClass>PriceClass_All</PriceClass><Enabled>true</Enabled><WebACLId/><HttpVersion>http4</HttpVersion>\
         <IsIPV6Enabled>true</IsIPV6Enabled><Staging>false</Staging></DistributionSummary>"
    )
}

fn two_distributions(wire: &Wire) {
    let page = |id: &str, rest: &str| {
        format!(
            "<DistributionList><Marker/>{rest}<MaxItems>100</MaxItems><Quantity>1</Quantity><Items>{}</Items></DistributionList>",
            distribution(id)
        )
    };
    let pages = [
        page(
            "E1",
            "<IsTruncated>true</IsTruncated><NextMarker>2</NextMarker>",
        ),
        page("E2", "<IsTruncated>false</IsTruncated>"),
    ];
    wire.answer(HOME, DISTRIBUTIONS, pages);
    let none = "<InvalidationList><Marker/><MaxItems>20</MaxItems><IsTruncated>false</IsTruncated><Quantity>0</Quantity></InvalidationList>";
    for id in ["E1", "E2"] {
        let operation = format!("{DISTRIBUTIONS}/{id}/invalidation");
        wire.answer(HOME, &operation, [none]);
    }
}

#[tokio::test]
async fn distributions_of_every_page_take_one_call_a_page() {
    let wire = Wire::start();
    two_distributions(&wire);
    let answer = distributions(&wire).await.unwrap();
    let seen: Vec<_> = splits(&answer)
        .iter()
        .map(|row| match &row.by {
            Mechanism::Distribution(found) => (
                found.id.as_str(),
                found.origins[0].domain.as_str(),
                found.enabled,
            ),
            other => panic!("a distribution, not {other:?}"),
        })
        .collect();
    assert_eq!(
        seen,
        [("E1", "web.example", true), ("E2", "web.example", true)]
    );
    let unread = |row: &&Split| matches!(&row.by, Mechanism::Distribution(found) if found.invalidations.is_none());
    assert_eq!(splits(&answer).iter().find(unread), None);
    assert_eq!(wire.calls().len(), 2 + 2, "a page each, and a list each");
    let names = (DISTRIBUTIONS, "cloudfront:ListDistributions");
    second_page_fails(two_distributions, names, distributions).await;
}

/// What one endpoint says; `elsewhere` is the endpoint of everything else.
async fn controls(elsewhere: &Wire, wires: &[Wire], index: usize) -> Result<Answer, ProviderError> {
    let mut estate = Wire::estate(&[HOME]);
    let endpoint = |(index, wire): (usize, &Wire)| RecoveryEndpoint {
        region: REGIONS[index].to_owned(),
        url: wire.url(),
    };
    estate.recovery_endpoints = wires.iter().enumerate().map(endpoint).collect();
    let query = Query {
        source: Source::RoutingControls,
        place: Place::Endpoint(REGIONS[index].to_owned()),
        wanted: Wanted::Nothing,
        read: 0,
    };
    elsewhere
        .observe_in(&estate, HOME, &query, traffic::live::observe)
        .await
}

const REGIONS: [&str; 5] = [
    "us-east-1",
    "us-west-2",
    "eu-west-1",
    "ap-northeast-1",
    "ap-southeast-2",
];

#[tokio::test]
async fn each_recovery_endpoint_is_asked_at_its_own_address_and_fails_alone() {
    let elsewhere = Wire::start();
    let wires = REGIONS.map(|_| Wire::start());
    let pages = [
        r#"{"RoutingControls":[{"RoutingControlArn":"arn:1","RoutingControlName":"us","ControlPanelArn":"arn:p","RoutingControlState":"On"}],"NextToken":"2"}"#,
        r#"{"RoutingControls":[{"RoutingControlArn":"arn:2","RoutingControlName":"eu","ControlPanelArn":"arn:p","RoutingControlState":"Maybe"}]}"#,
    ];
    for wire in &wires {
        wire.answer("*", CONTROLS, pages);
    }
    wires[1].fault("*", CONTROLS, Fault::Denied);
    wires[3].fault_from("*", CONTROLS, 2, Fault::Truncated);
    let mut said = Vec::new();
    for index in 0..wires.len() {
        let answer = controls(&elsewhere, &wires, index).await;
        let states = answer.map(|answer| {
            let on = |row: &Split| match &row.by {
                Mechanism::Control(control) => control.on,
                other => panic!("a routing control, not {other:?}"),
            };
            splits(&answer).iter().map(on).collect::<Vec<_>>()
        });
        said.push(states.map_err(|error| (error.class, error.operation)));
    }
    // Sorted by name: `eu`, whose state is a word of tomorrow, before `us`.
    let good = || Ok(vec![None, Some(true)]);
    let bad = |class| Err((class, CONTROLS.to_owned()));
    let expected = [
        good(),
        bad(ErrorClass::Denied),
        good(),
        bad(ErrorClass::Transient),
        good(),
    ];
    assert_eq!(said, expected);
    assert_eq!(elsewhere.calls(), [] as [String; 0]);
    for (index, wire) in wires.iter().enumerate() {
        let signed = format!("{} {CONTROLS}", REGIONS[index]);
        let count = if index == 1 { 1 } else { 2 };
        assert_eq!(wire.calls(), vec![signed; count]);
    }
}
