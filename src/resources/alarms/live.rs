//! CloudWatch `DescribeAlarms`, both alarm types, every page. Owns the translation; drops no alarm whatever its state.

use aws_sdk_cloudwatch::{
    Client,
    primitives::DateTime,
    types::{AlarmType as ApiAlarmType, CompositeAlarm, Dimension, MetricAlarm, StateValue},
};
use jiff::Timestamp;

use super::{Alarm, AlarmType, Change, alerts, write};
use crate::{
    provider::{ask::Ask, paging::all_pages, write::Write},
    resources::{
        Answer, Api, ProviderError, Query, Rows, Source,
        change::{ApplyError, Receipt},
    },
};

const OPERATION: &str = "cloudwatch:DescribeAlarms";
/// The most that the API gives on one page.
const PAGE: i32 = 100;

/// Answers a query of this kind: every alarm of the region, or the alerts that fire there.
pub async fn observe(ask: Ask<'_>, query: &Query) -> Result<Answer, ProviderError> {
    if query.source == Source::FiringAlerts {
        return alerts::live::observe(ask).await;
    }
    let client = Client::new(&ask.config);
    let alarms = list(&ask, &client, &[]).await?;
    Ok(ask.answer(Rows::Alarms(alarms)))
}

/// Sends one change.
pub async fn apply(write: &Write<'_>, change: &Change) -> Result<Receipt, ApplyError> {
    Box::pin(write::live::apply(write, change)).await
}

/// Lists the alarms of these names, at most 100; all of them without a name.
pub(super) async fn list(
    ask: &Ask<'_>,
    client: &Client,
    names: &[String],
) -> Result<Vec<Alarm>, ProviderError> {
    all_pages(OPERATION, |token| async move {
        let call = client
            .describe_alarms()
            // Without the types the API gives metric alarms only.
            .alarm_types(ApiAlarmType::MetricAlarm)
            .alarm_types(ApiAlarmType::CompositeAlarm)
            .set_alarm_names((!names.is_empty()).then(|| names.to_vec()))
            .max_records(PAGE)
            .set_next_token(token);
        let page = ask.call(Api::CloudWatch, OPERATION, call.send()).await?;
        let metric = page.metric_alarms.unwrap_or_default().into_iter();
        let composite = page.composite_alarms.unwrap_or_default().into_iter();
        let alarms = metric
            .map(metric_alarm)
            .chain(composite.map(composite_alarm));
        Ok((alarms.collect(), page.next_token))
    })
    .await
}

/// What an alarm starts, whatever the state: each ARN once.
fn actions(lists: [Option<Vec<String>>; 3]) -> Vec<String> {
    let mut arns = Vec::new();
    for arn in lists.into_iter().flatten().flatten() {
        if !arns.contains(&arn) {
            arns.push(arn);
        }
    }
    arns
}

fn metric_alarm(alarm: MetricAlarm) -> Alarm {
    // An alarm on an expression has no metric of its own: the first one of the expression stands for it.
    let queried = || {
        let mut queries = alarm.metrics.iter().flatten();
        queries.find_map(|query| query.metric_stat.as_ref()?.metric.as_ref())
    };
    let (namespace, name, dimensions) = match &alarm.metric_name {
        Some(name) => (
            alarm.namespace.clone(),
            Some(name.clone()),
            alarm.dimensions.as_deref(),
        ),
        None => queried().map_or((None, None, None), |metric| {
            let dimensions = metric.dimensions.as_deref();
            (
                metric.namespace.clone(),
                metric.metric_name.clone(),
                dimensions,
            )
        }),
    };
    let metric = name.map(|name| match namespace {
        Some(namespace) => format!("{namespace} {name}"),
        None => name,
    });
    Alarm {
        name: alarm.alarm_name.unwrap_or_default(),
        arn: alarm.alarm_arn,
        alarm_type: AlarmType::Metric,
        state: text(alarm.state_value.as_ref().map(StateValue::as_str)),
        reason: alarm.state_reason,
        since: since(
            alarm.state_transitioned_timestamp,
            alarm.state_updated_timestamp,
        ),
        actions_enabled: alarm.actions_enabled.unwrap_or_default(),
        actions: actions([
            alarm.alarm_actions,
            alarm.ok_actions,
            alarm.insufficient_data_actions,
        ]),
        evaluation: alarm
            .evaluation_state
            .map(|state| state.as_str().to_owned()),
        metric,
        rule: None,
        dimensions: pairs(dimensions),
    }
}

fn composite_alarm(alarm: CompositeAlarm) -> Alarm {
    Alarm {
        name: alarm.alarm_name.unwrap_or_default(),
        arn: alarm.alarm_arn,
        alarm_type: AlarmType::Composite,
        state: text(alarm.state_value.as_ref().map(StateValue::as_str)),
        reason: alarm.state_reason,
        since: since(
            alarm.state_transitioned_timestamp,
            alarm.state_updated_timestamp,
        ),
        actions_enabled: alarm.actions_enabled.unwrap_or_default(),
        actions: actions([
            alarm.alarm_actions,
            alarm.ok_actions,
            alarm.insufficient_data_actions,
        ]),
        evaluation: None,
        metric: None,
        rule: alarm.alarm_rule,
        dimensions: Vec::new(),
    }
}

/// A state that was not given is not known, and never OK.
fn text(state: Option<&str>) -> String {
    state.unwrap_or("UNKNOWN").to_owned()
}

/// `StateUpdatedTimestamp` also moves when only the reason changes, so the transition counts where it is given.
fn since(transitioned: Option<DateTime>, updated: Option<DateTime>) -> Option<Timestamp> {
    let time = transitioned.or(updated)?;
    Timestamp::from_second(time.secs()).ok()
}

fn pairs(dimensions: Option<&[Dimension]>) -> Vec<(String, String)> {
    dimensions
        .unwrap_or_default()
        .iter()
        .map(|dimension| {
            let text = |part: Option<&str>| part.unwrap_or_default().to_owned();
            (text(dimension.name()), text(dimension.value()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudwatch::types::{EvaluationState, Metric, MetricDataQuery, MetricStat};

    use super::*;
    use crate::{
        provider::canned,
        resources::{Estate, Place, Wanted},
    };

    #[test]
    fn an_unknown_state_stays_text_and_a_missing_one_is_not_ok() {
        let alarm = MetricAlarm::builder().alarm_name("a");
        let unknown = metric_alarm(alarm.clone().state_value("SNOOZED".into()).build());
        assert_eq!(unknown.state, "SNOOZED");
        assert_eq!(metric_alarm(alarm.build()).state, "UNKNOWN");
    }

    #[test]
    fn an_alarm_on_an_expression_shows_its_first_metric() {
        let metric = Metric::builder()
            .namespace("AWS/ApplicationELB")
            .metric_name("RequestCount")
            .dimensions(
                Dimension::builder()
                    .name("LoadBalancer")
                    .value("app/x/1")
                    .build(),
            )
            .build();
        let stat = MetricStat::builder().metric(metric).period(60).stat("Sum");
        let alarm = MetricAlarm::builder()
            .alarm_name("a")
            .evaluation_state(EvaluationState::PartialData)
            .metrics(
                MetricDataQuery::builder()
                    .id("e1")
                    .expression("m1/2")
                    .build(),
            )
            .metrics(
                MetricDataQuery::builder()
                    .id("m1")
                    .metric_stat(stat.build())
                    .build(),
            )
            .build();
        let alarm = metric_alarm(alarm);
        assert_eq!(
            alarm.metric.as_deref(),
            Some("AWS/ApplicationELB RequestCount")
        );
        assert_eq!(
            alarm.dimensions,
            [("LoadBalancer".to_owned(), "app/x/1".to_owned())]
        );
        assert_eq!(alarm.evaluation.as_deref(), Some("PARTIAL_DATA"));
    }

    #[test]
    fn what_an_alarm_starts_in_any_state_is_known_once() {
        let alarm = CompositeAlarm::builder()
            .alarm_actions("arn:aws:sns:eu-west-1:1:on-call")
            .ok_actions("arn:aws:sns:eu-west-1:1:on-call")
            .ok_actions("arn:aws:automate:eu-west-1:ec2:recover")
            .insufficient_data_actions("arn:aws:lambda:eu-west-1:1:function:mend");
        assert_eq!(
            composite_alarm(alarm.build()).actions,
            [
                "arn:aws:sns:eu-west-1:1:on-call",
                "arn:aws:automate:eu-west-1:ec2:recover",
                "arn:aws:lambda:eu-west-1:1:function:mend"
            ]
        );
    }

    #[tokio::test]
    async fn every_page_and_both_types_are_read() {
        let (estate, place) = (Estate::default(), Place::Global);
        let config = canned::config(|asked| {
            let text = String::from_utf8_lossy(&asked.body).into_owned();
            assert!(text.contains("MetricAlarm") && text.contains("CompositeAlarm"));
            if text.contains("NextToken") {
                let rule = "<AlarmRule>ALARM(a)</AlarmRule>";
                canned::query(
                    "DescribeAlarms",
                    &format!(
                        "<CompositeAlarms><member><AlarmName>b</AlarmName><StateValue>ALARM</StateValue>{rule}</member></CompositeAlarms>"
                    ),
                )
            } else {
                canned::query(
                    "DescribeAlarms",
                    "<MetricAlarms><member><AlarmName>a</AlarmName><StateValue>OK</StateValue><ActionsEnabled>true</ActionsEnabled></member></MetricAlarms><NextToken>2</NextToken>",
                )
            }
        });
        let query = Query {
            source: Source::Alarms,
            place: place.clone(),
            wanted: Wanted::Nothing,
            read: 0,
        };
        let answer = observe(Ask::new(&estate, &place, config), &query)
            .await
            .unwrap();
        let alarms = match answer.rows {
            Rows::Alarms(alarms) => alarms,
            _ => Vec::new(),
        };
        let states: Vec<_> = alarms
            .iter()
            .map(|alarm| (alarm.name.as_str(), alarm.state.as_str()))
            .collect();
        assert_eq!(states, [("a", "OK"), ("b", "ALARM")]);
        assert_eq!(alarms[1].rule.as_deref(), Some("ALARM(a)"));
    }
}
