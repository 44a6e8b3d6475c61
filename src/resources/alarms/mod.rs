//! CloudWatch alarms. Owns the model; INSUFFICIENT_DATA is never shown as fine.

pub mod change;
pub mod live;
pub mod related;
pub mod sim;
mod view;

pub use self::change::Change;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Fleet, Judgement, Place, Resource, Severity};

/// Which of the alarm types it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlarmType {
    /// On a metric or an expression.
    Metric,
    /// On other alarms.
    Composite,
}

/// An alarm as `DescribeAlarms` gives it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alarm {
    /// Name.
    pub name: String,
    /// ARN.
    pub arn: Option<String>,
    /// Metric or composite.
    pub alarm_type: AlarmType,
    /// `OK`, `ALARM`, `INSUFFICIENT_DATA`, or a value not known yet.
    pub state: String,
    /// Why it is in that state.
    pub reason: Option<String>,
    /// When the state changed.
    pub since: Option<Timestamp>,
    /// Whether its actions run.
    pub actions_enabled: bool,
    /// `PARTIAL_DATA`, `EVALUATION_ERROR` … where it is evaluated badly.
    pub evaluation: Option<String>,
    /// Namespace and name of the metric.
    pub metric: Option<String>,
    /// The rule of a composite alarm.
    pub rule: Option<String>,
    /// Dimensions of the metric, by which alarms are found for a row.
    pub dimensions: Vec<(String, String)>,
    /// ARNs of what it does when its state changes, whichever the state: topics, scaling policies, functions.
    #[serde(default)]
    pub actions: Vec<String>,
}

impl Resource for Alarm {
    fn key(&self) -> String {
        self.name.clone()
    }

    fn judge(&self, _fleet: &Fleet, _place: &Place) -> Judgement {
        let evaluation = self
            .evaluation
            .as_deref()
            .map(|text| format!("{} is evaluated with {text}", self.name));
        match (self.state.as_str(), evaluation) {
            ("ALARM", _) => Judgement::new(Severity::Bad, format!("{} is in ALARM", self.name)),
            ("OK", None) => Judgement::ok(),
            ("OK", Some(reason)) => Judgement::new(Severity::Warn, reason),
            (state, _) => Judgement::new(Severity::Unknown, format!("{} is in {state}", self.name)),
        }
    }
}
