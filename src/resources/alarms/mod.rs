//! CloudWatch alarms, and the alerts that fire in a Prometheus. Owns the model; INSUFFICIENT_DATA is never shown as fine.

pub mod alerts;
pub mod change;
pub mod live;
pub mod related;
pub mod sim;
mod view;
pub mod write;

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
    /// An alert of a Prometheus, which is there only while it fires.
    Alert,
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
    /// ARNs of what it starts in any state, each once; muting it stops them all.
    #[serde(default)]
    pub actions: Vec<String>,
}

impl Alarm {
    /// The actions that do more than notify: Auto Scaling, Lambda, EC2, Systems Manager and whatever else is no SNS topic. Muting would stop them too (domain B.8).
    pub fn working_actions(&self) -> impl Iterator<Item = &str> {
        let notifies = |arn: &&str| arn.split(':').nth(2) == Some("sns");
        let arns = self.actions.iter().map(String::as_str);
        arns.filter(move |arn| !notifies(arn))
    }
}

impl Resource for Alarm {
    fn key(&self) -> String {
        if alerts::is_alert(self) {
            return alerts::key(self);
        }
        self.name.clone()
    }

    fn judge(&self, _fleet: &Fleet, _place: &Place) -> Judgement {
        if alerts::is_alert(self) {
            return alerts::judge(self);
        }
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
