//! CloudWatch over the wire: alarms and metrics.

use std::sync::Arc;

use pilothouse::{
    provider::ask::Ask,
    resources::{
        Answer, Api, ErrorClass, ProviderError, Query, Rows, Source, Wanted,
        alarms::{self, Alarm},
        metrics::{self, Quality, Series, SeriesSpec, Stat},
    },
};

use super::second_page_fails;
use crate::wire::{Fault, Wire, query};

const REGION: &str = "eu-west-1";
const ALARMS: &str = "monitoring:DescribeAlarms";
const DATA: &str = "monitoring:GetMetricData";

async fn alarms(wire: &Wire) -> Result<Answer, ProviderError> {
    wire.observe(Source::Alarms, REGION, alarms::live::observe)
        .await
}

fn rows(answer: &Answer) -> &[Alarm] {
    match &answer.rows {
        Rows::Alarms(rows) => rows,
        other => panic!("rows of alarms, not {:?}", other.kind()),
    }
}

/// A metric alarm on the first page, a composite one on the second.
fn two_pages(wire: &Wire) {
    let metric = "<member><AlarmName>errors</AlarmName><StateValue>SNOOZED</StateValue><ActionsEnabled>true</ActionsEnabled>\
        <Namespace>AWS/ApplicationELB</Namespace><MetricName>HTTPCode_Target_5XX_Count</MetricName></member>";
    let composite = "<member><AlarmName>region</AlarmName><StateValue>ALARM</StateValue><AlarmRule>ALARM(errors)</AlarmRule></member>";
    wire.answer(
        REGION,
        ALARMS,
        [
            query(
                "DescribeAlarms",
                &format!("<MetricAlarms>{metric}</MetricAlarms><NextToken>2</NextToken>"),
            ),
            query(
                "DescribeAlarms",
                &format!("<CompositeAlarms>{composite}</CompositeAlarms>"),
            ),
        ],
    );
}

#[tokio::test]
async fn alarms_of_both_types_come_from_every_page_and_an_unknown_state_stays_text() {
    let wire = Wire::start();
    two_pages(&wire);
    let answer = alarms(&wire).await.unwrap();
    let states: Vec<_> = rows(&answer)
        .iter()
        .map(|alarm| {
            (
                alarm.name.as_str(),
                alarm.state.as_str(),
                alarm.rule.as_deref(),
            )
        })
        .collect();
    let expected = [
        ("errors", "SNOOZED", None),
        ("region", "ALARM", Some("ALARM(errors)")),
    ];
    assert_eq!(states, expected);
    assert_eq!(wire.calls().len(), 2);
}

#[tokio::test]
async fn alarms_without_their_second_page_are_an_error() {
    second_page_fails(two_pages, (ALARMS, "cloudwatch:DescribeAlarms"), alarms).await;
}

fn specs(count: usize) -> Vec<SeriesSpec> {
    let spec = |index| {
        let key = format!("series/{index:03}");
        SeriesSpec::new(
            key,
            "AWS/ApplicationELB",
            "RequestCount",
            &[("LoadBalancer", "app/web/1")],
            Stat::Sum,
        )
    };
    (0..count).map(spec).collect()
}

async fn metrics(wire: &Wire, count: usize) -> Result<Answer, ProviderError> {
    let (estate, place) = (Wire::estate(&[REGION]), Wire::place(REGION));
    let query = Query {
        source: Source::Metrics,
        place: place.clone(),
        wanted: Wanted::Series(specs(count)),
        read: 0,
    };
    let ask = Ask::new(&estate, &place, wire.config(REGION).await).remembering(Arc::default());
    metrics::live::observe(ask, &query).await
}

fn series(answer: &Answer) -> &[Series] {
    match &answer.rows {
        Rows::Metrics(rows) => rows,
        other => panic!("series, not {:?}", other.kind()),
    }
}

/// A result with these values, one per minute from the newest.
fn result(id: &str, status: &str, minutes: &[(u32, f64)], rest: &str) -> String {
    let list = |text: &dyn Fn(&(u32, f64)) -> String| -> String {
        let member = |point| format!("<member>{}</member>", text(point));
        minutes.iter().map(member).collect()
    };
    let times = list(&|(minute, _)| format!("2026-01-01T00:{minute:02}:00Z"));
    let values = list(&|(_, value)| value.to_string());
    format!(
        "<member><Id>{id}</Id><StatusCode>{status}</StatusCode><Timestamps>{times}</Timestamps><Values>{values}</Values>{rest}</member>"
    )
}

fn data(results: &str, rest: &str) -> String {
    let results = format!("<MetricDataResults>{results}</MetricDataResults>{rest}");
    query("GetMetricData", &results)
}

#[tokio::test]
async fn five_hundred_and_one_series_take_two_calls_and_each_keeps_its_own_quality() {
    let wire = Wire::start();
    let said =
        "<Messages><member><Code>Forbidden</Code><Value>not yours</Value></member></Messages>";
    let results = [
        result("m0", "Complete", &[(1, 2.5)], ""),
        result("m1", "Forbidden", &[], said),
        result("m2", "PartialData", &[(1, 1.0)], ""),
    ];
    wire.answer(REGION, DATA, [data(&results.concat(), "")]);
    let answer = metrics(&wire, 501).await.unwrap();
    let quality = |index: usize| series(&answer)[index].quality;
    assert_eq!(
        [0, 1, 2, 3, 500].map(quality),
        [
            Quality::Complete,
            Quality::Forbidden,
            Quality::Partial,
            Quality::Failed,
            Quality::Complete
        ]
    );
    assert_eq!(answer.metrics_requested, 501);
    assert_eq!(wire.calls().len(), 2);
    let problems: Vec<_> = answer
        .problems
        .iter()
        .map(|error| (error.class, error.message.as_str()))
        .collect();
    assert_eq!(problems, [(ErrorClass::Denied, "Forbidden: not yours")]);
}

#[tokio::test]
async fn a_series_on_two_pages_is_one_and_half_of_it_is_none() {
    let pages = |wire: &Wire| {
        let first = result("m0", "PartialData", &[(2, 2.0)], "");
        let second = result("m0", "Complete", &[(1, 1.0)], "");
        let token = "<NextToken>2</NextToken>";
        wire.answer(REGION, DATA, [data(&first, token), data(&second, "")]);
    };
    let wire = Wire::start();
    pages(&wire);
    let answer = metrics(&wire, 1).await.unwrap();
    let values: Vec<f64> = series(&answer)[0]
        .points
        .iter()
        .map(|point| point.value)
        .collect();
    assert_eq!(
        (values, series(&answer)[0].quality),
        (vec![2.0, 1.0], Quality::Complete)
    );
    assert_eq!(wire.calls().len(), 2);
    let poll = async |wire: &Wire| metrics(wire, 1).await;
    second_page_fails(pages, (DATA, "cloudwatch:GetMetricData"), poll).await;
}

#[tokio::test]
async fn an_empty_series_is_looked_up_once_and_is_empty_not_zero() {
    let wire = Wire::start();
    wire.answer(REGION, DATA, [data(&result("m0", "Complete", &[], ""), "")]);
    wire.answer(
        REGION,
        "monitoring:ListMetrics",
        [query("ListMetrics", "<Metrics/>")],
    );
    let answer = metrics(&wire, 1).await.unwrap();
    assert_eq!(
        (series(&answer)[0].points.len(), series(&answer)[0].quality),
        (0, Quality::Complete)
    );
    assert_eq!(answer.calls.get(&Api::CloudWatch), Some(&2));

    wire.fault(REGION, "monitoring:ListMetrics", Fault::Denied);
    let answer = metrics(&wire, 1).await.unwrap();
    assert_eq!(answer.problems[0].operation, "cloudwatch:ListMetrics");
    assert_eq!(answer.problems[0].class, ErrorClass::Denied);
}
