//! Does the harness itself speak each protocol, and fail as it is told to?

use std::net::TcpStream;

use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::{Fault, Wire, query};

const REGION: &str = "eu-west-1";

#[tokio::test]
async fn cloudwatch_answers_in_pages_and_denies_in_xml() {
    let wire = Wire::start();
    let page = |value: f64, token: &str| {
        let points = format!(
            "<Timestamps><member>2023-11-14T22:13:20Z</member></Timestamps><Values><member>{value}</member></Values>"
        );
        query(
            "GetMetricData",
            &format!(
                "<MetricDataResults><member><Id>a</Id><StatusCode>PartialData</StatusCode>{points}</member></MetricDataResults>{token}"
            ),
        )
    };
    let pages = [page(1.5, "<NextToken>t1</NextToken>"), page(-1.0, "")];
    wire.answer(REGION, "monitoring:GetMetricData", pages);
    let client = aws_sdk_cloudwatch::Client::new(&wire.config(REGION).await);
    let time = aws_sdk_cloudwatch::primitives::DateTime::from_secs(1_700_000_000);
    let call = || client.get_metric_data().start_time(time).end_time(time);
    let first = call().send().await.unwrap();
    assert_eq!(first.next_token(), Some("t1"));
    let result = &first.metric_data_results()[0];
    assert_eq!(
        (result.timestamps(), result.values()),
        ([time].as_slice(), [1.5].as_slice())
    );
    let second = call().next_token("t1").send().await.unwrap();
    assert_eq!(second.metric_data_results()[0].values(), [-1.0]);

    wire.fault(REGION, "monitoring:GetMetricData", Fault::Denied);
    let error = call().send().await.unwrap_err();
    assert_eq!(error.code(), Some("AccessDenied"));
    assert_eq!(wire.calls().len(), 3);
}

#[tokio::test]
async fn emulated_alarms_come_back_over_the_wire() {
    let wire = Wire::start();
    let client = aws_sdk_cloudwatch::Client::new(&wire.config(REGION).await);
    let alarm = client
        .put_metric_alarm()
        .alarm_name("p99")
        .namespace("N")
        .metric_name("M")
        .period(60)
        .evaluation_periods(1);
    let operator = aws_sdk_cloudwatch::types::ComparisonOperator::GreaterThanThreshold;
    alarm
        .comparison_operator(operator)
        .threshold(1.0)
        .statistic(aws_sdk_cloudwatch::types::Statistic::Maximum)
        .send()
        .await
        .unwrap();
    let alarms = client.describe_alarms().send().await.unwrap();
    assert_eq!(alarms.metric_alarms()[0].alarm_name(), Some("p99"));
}

#[tokio::test]
async fn rest_protocols_are_named_by_method_and_path() {
    let wire = Wire::start();
    let client = aws_sdk_route53::Client::new(&wire.config("us-east-1").await);
    client
        .create_hosted_zone()
        .name("example.com")
        .caller_reference("r")
        .send()
        .await
        .unwrap();
    wire.forget();
    let zones = client.list_hosted_zones().send().await.unwrap();
    assert_eq!(zones.hosted_zones()[0].name(), "example.com.");
    assert_eq!(
        wire.calls(),
        ["us-east-1 route53:GET /2013-04-01/hostedzone"]
    );

    wire.fault(
        "us-east-1",
        "route53:GET /2013-04-01/hostedzone",
        Fault::Throttle,
    );
    let error = client.list_hosted_zones().send().await.unwrap_err();
    assert_eq!(error.code(), Some("Throttling"));
}

#[tokio::test]
async fn a_service_without_emulator_answers_from_the_script_and_says_so_without_one() {
    let wire = Wire::start();
    let client = aws_sdk_globalaccelerator::Client::new(&wire.config("us-west-2").await);
    let error = client.list_accelerators().send().await.unwrap_err();
    assert_eq!(
        error
            .raw_response()
            .map(|response| response.status().as_u16()),
        Some(501)
    );
    let accelerator =
        r#"{"Accelerators":[{"AcceleratorArn":"arn:a","Name":"edge","Status":"DEPLOYED"}]}"#;
    wire.answer(
        "us-west-2",
        "globalaccelerator:ListAccelerators",
        [accelerator],
    );
    let accelerators = client.list_accelerators().send().await.unwrap();
    assert_eq!(accelerators.accelerators()[0].name(), Some("edge"));
}

#[tokio::test]
async fn eks_is_emulated_and_sts_knows_the_caller() {
    let wire = Wire::start();
    let config = wire.config(REGION).await;
    let clusters = aws_sdk_eks::Client::new(&config)
        .list_clusters()
        .send()
        .await
        .unwrap();
    assert_eq!(clusters.clusters(), [] as [String; 0]);
    let caller = aws_sdk_sts::Client::new(&config)
        .get_caller_identity()
        .send()
        .await
        .unwrap();
    assert_eq!(caller.account(), Some("123456789012"));
    assert_eq!(
        wire.calls(),
        [
            "eu-west-1 eks:GET /clusters",
            "eu-west-1 sts:GetCallerIdentity"
        ]
    );
}

#[tokio::test]
async fn the_port_is_closed_with_the_harness_even_while_a_call_hangs() {
    let wire = Wire::start();
    wire.fault("*", "sts:GetCallerIdentity", Fault::Hang);
    let address = wire.url().trim_start_matches("http://").to_owned();
    let client = aws_sdk_sts::Client::new(&wire.config(REGION).await);
    assert!(client.get_caller_identity().send().await.is_err());
    drop(wire);
    // The listener closes on a thread of its own.
    let closed = || TcpStream::connect(&address).is_err();
    assert!((0..100_000).any(|_| closed()), "{address} still answers");
}
