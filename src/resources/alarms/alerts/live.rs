//! The firing alerts of a Prometheus by its own series about them, which a central one and a managed one have too. Owns the translation.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::super::{Alarm, AlarmType};
use crate::{
    provider::{
        ask::Ask,
        prometheus::{Server, answer::Labelled},
    },
    resources::{Answer, ErrorClass, ProviderError, Rows},
};

const OPERATION: &str = "prometheus:Query";
/// Labels that every alert has, or that are about the series and not about what is wrong.
const OWN: [&str; 3] = ["__name__", "alertname", "alertstate"];
/// A value before this is no time: it is the 1 of an alert whose begin the server does not keep.
const EARLIEST: f64 = 1e8;

/// Reads the alerts that fire in the region.
pub async fn observe(ask: Ask<'_>) -> Result<Answer, ProviderError> {
    let unknown = || {
        let text = format!("no Prometheus is configured for {}", ask.place);
        ProviderError::new(ErrorClass::NotFound, OPERATION, text)
    };
    let label = ask.place.region().ok_or_else(unknown)?;
    let settings = ask.estate.prometheus.get(label).ok_or_else(unknown)?;
    let server = Server::open(&ask, settings, OPERATION).await?;
    let told = server.query(OPERATION, &settings.firing()).await?;
    for warning in &told.warnings {
        ask.problem(ProviderError::new(
            ErrorClass::Transient,
            OPERATION,
            warning,
        ));
    }
    let mut alerts: Vec<Alarm> = told.series.into_iter().map(alert).collect();
    alerts.sort_by(|a, b| (&a.name, &a.dimensions).cmp(&(&b.name, &b.dimensions)));
    Ok(ask.answer(Rows::Alarms(alerts)))
}

fn alert(series: Labelled) -> Alarm {
    let Labelled { mut labels, values } = series;
    let name = labels.remove("alertname").unwrap_or_default();
    labels.retain(|label, _| !OWN.contains(&label.as_str()));
    let since = values.last().map(|(_, value)| *value);
    let since = since.filter(|value| *value > EARLIEST);
    Alarm {
        name,
        arn: None,
        alarm_type: AlarmType::Alert,
        state: "ALARM".to_owned(),
        reason: words(&labels),
        since: since.and_then(|seconds| Timestamp::from_second(seconds as i64).ok()),
        // Its notifications are the business of an Alertmanager, which nobody asks here.
        actions_enabled: true,
        evaluation: None,
        metric: None,
        rule: None,
        dimensions: labels.into_iter().collect(),
        actions: Vec::new(),
    }
}

/// What it is about, by its labels.
fn words(labels: &BTreeMap<String, String>) -> Option<String> {
    let words: Vec<String> = labels
        .iter()
        .map(|(name, value)| format!("{name} {value}"))
        .collect();
    (!words.is_empty()).then(|| words.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_is_an_alarm_with_its_labels_and_its_begin_where_it_is_kept() {
        let now = Timestamp::from_second(1_700_000_000).unwrap();
        let labels = [
            ("alertname", "HighErrorRate"),
            ("alertstate", "firing"),
            ("severity", "critical"),
        ];
        let labels: BTreeMap<String, String> = labels
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let with = |value| {
            alert(Labelled {
                labels: labels.clone(),
                values: vec![(now, value)],
            })
        };
        let known = with(1_699_999_000.0);
        assert_eq!(
            (known.name.as_str(), known.state.as_str()),
            ("HighErrorRate", "ALARM")
        );
        assert_eq!(known.since, Timestamp::from_second(1_699_999_000).ok());
        assert_eq!(
            known.dimensions,
            [("severity".to_owned(), "critical".to_owned())]
        );
        assert_eq!(known.reason.as_deref(), Some("severity critical"));
        assert_eq!(with(1.0).since, None);
    }
}
