//! Alerts that fire in a Prometheus, as alarms. Owns what their severity means; a pending one is no alarm yet.

pub mod live;
pub mod sim;

use super::{Alarm, AlarmType};
use crate::resources::{Judgement, Severity};

/// Labels that say how grave an alert is.
const GRAVITY: [&str; 3] = ["severity", "priority", "level"];

/// How grave an alert is, by what its rule says: nothing said is a warning, for somebody wanted to know.
pub fn severity(alarm: &Alarm) -> Severity {
    let labels = alarm.dimensions.iter();
    let said = labels.filter(|(name, _)| GRAVITY.contains(&name.as_str()));
    let said = said.map(|(_, value)| value.to_lowercase()).next();
    match said.as_deref() {
        Some("critical" | "page" | "emergency" | "fatal" | "disaster" | "high" | "p1" | "1") => {
            Severity::Bad
        }
        // Watchdogs fire for ever, and so do notes.
        Some("none" | "info" | "informational" | "debug") => Severity::Ok,
        Some(_) | None => Severity::Warn,
    }
}

/// What is said of a firing alert.
pub(super) fn judge(alarm: &Alarm) -> Judgement {
    match severity(alarm) {
        Severity::Ok => Judgement::ok(),
        severity => Judgement::new(severity, format!("the alert {} fires", alarm.name)),
    }
}

/// What tells two alerts of one rule apart.
pub(super) fn key(alarm: &Alarm) -> String {
    let labels = alarm.dimensions.iter();
    let labels: Vec<String> = labels
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    format!("alert/{}/{}", alarm.name, labels.join(","))
}

/// An alert that fires.
pub(super) fn is_alert(alarm: &Alarm) -> bool {
    alarm.alarm_type == AlarmType::Alert
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::fixtures;

    #[test]
    fn the_rule_says_how_grave_an_alert_is() {
        let graded = |labels: &[(&str, &str)]| {
            let mut alarm = fixtures::alarm("Slow", "ALARM", "x");
            alarm.alarm_type = AlarmType::Alert;
            let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            alarm.dimensions = labels.iter().map(owned).collect();
            severity(&alarm)
        };
        assert_eq!(graded(&[("severity", "Critical")]), Severity::Bad);
        assert_eq!(graded(&[("severity", "warning")]), Severity::Warn);
        assert_eq!(graded(&[("severity", "none")]), Severity::Ok);
        assert_eq!(graded(&[("team", "shop")]), Severity::Warn);
    }
}
