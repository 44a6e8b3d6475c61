//! CloudWatch alarms of the world: one-minute periods, two of three. Owns the rules and their states; a minute that was not published is missing, not zero.

use super::{World, history::RegionMinute};

/// What an alarm watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Error rate above 1 %.
    Errors,
    /// p95 above 500 ms.
    Latency,
    /// Unhealthy targets above 1.
    Targets,
    /// Aurora replication lag above a second.
    Lag,
    /// No connection to the writer.
    Writer,
    /// Any of `Errors`, `Latency` and `Targets`: the composite alarm.
    Degraded,
}

impl Rule {
    /// Every rule; the composite one comes last because it reads the others.
    pub const ALL: [Self; 6] = [
        Self::Errors,
        Self::Latency,
        Self::Targets,
        Self::Lag,
        Self::Writer,
        Self::Degraded,
    ];

    /// The alarm's name in a region.
    pub fn name(self, region: &str) -> String {
        let what = match self {
            Self::Errors => "error-rate",
            Self::Latency => "p95-latency",
            Self::Targets => "unhealthy-targets",
            Self::Lag => "aurora-replication-lag",
            Self::Writer => "aurora-connections",
            Self::Degraded => "degraded",
        };
        format!("{region}-{what}")
    }

    /// The value of a minute, as a multiple of the threshold; `None` where it is missing.
    fn breach(self, minute: &RegionMinute) -> Option<f64> {
        if !minute.published {
            return None;
        }
        match self {
            Self::Errors => {
                let all = minute.requests + minute.refused;
                let failed = minute.target_errors + minute.refused;
                (all > 0.0).then(|| failed / all / 0.01)
            }
            Self::Latency => (minute.requests > 0.0).then_some(minute.p95_ms / 500.0),
            Self::Targets => Some(f64::from(minute.unhealthy)),
            Self::Lag => minute.aurora_lag_ms.map(|(lag, _)| lag / 1_000.0),
            Self::Writer => Some(if minute.connections < 1.0 { 2.0 } else { 0.0 }),
            Self::Degraded => None,
        }
    }

    /// Whether missing data is a reason for concern, or only means that the signal lives in another region now.
    fn missing_is_fine(self) -> bool {
        match self {
            Self::Lag => true,
            Self::Errors | Self::Latency | Self::Targets | Self::Writer | Self::Degraded => false,
        }
    }
}

/// The states of the alarms of a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// `OK`.
    Ok,
    /// `ALARM`.
    Alarm,
    /// `INSUFFICIENT_DATA`.
    InsufficientData,
}

impl State {
    /// As CloudWatch spells it.
    pub fn text(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Alarm => "ALARM",
            Self::InsufficientData => "INSUFFICIENT_DATA",
        }
    }
}

/// An alarm.
#[derive(Debug, Clone, PartialEq)]
pub struct AlarmState {
    /// What it watches.
    pub rule: Rule,
    /// Its state.
    pub state: State,
    /// The second of its last change of state.
    pub since: i64,
    /// Why.
    pub reason: String,
}

/// Alarms at rest.
pub fn at_rest() -> Vec<AlarmState> {
    let rest = |rule| AlarmState {
        rule,
        state: State::Ok,
        since: -3_600,
        reason: "Threshold Crossed: no datapoints were greater than the threshold".to_owned(),
    };
    Rule::ALL.map(rest).to_vec()
}

/// Evaluates the alarms of a region on its three newest minutes, newest first.
pub fn evaluate(alarms: &mut [AlarmState], region: &str, minutes: &[&RegionMinute], t: i64) {
    let mut degraded = Vec::new();
    for alarm in alarms {
        let (state, reason) = if alarm.rule == Rule::Degraded {
            composite(region, &degraded)
        } else {
            let values: Vec<f64> = minutes
                .iter()
                .filter_map(|m| alarm.rule.breach(m))
                .collect();
            let breaching = values.iter().filter(|value| **value > 1.0).count();
            if breaching >= 2 {
                let text = format!(
                    "Threshold Crossed: {breaching} out of the last 3 datapoints were greater than the threshold"
                );
                (State::Alarm, text)
            } else if values.is_empty() && !alarm.rule.missing_is_fine() {
                (
                    State::InsufficientData,
                    "Insufficient Data: 3 datapoints were unknown".to_owned(),
                )
            } else {
                (State::Ok, "Threshold Crossed: fewer than 2 of the last 3 datapoints were greater than the threshold".to_owned())
            }
        };
        if matches!(alarm.rule, Rule::Errors | Rule::Latency | Rule::Targets) {
            degraded.push((alarm.rule, state));
        }
        if state != alarm.state {
            alarm.state = state;
            alarm.since = t;
            alarm.reason = reason;
        }
    }
}

fn composite(region: &str, children: &[(Rule, State)]) -> (State, String) {
    let worst = children.iter().find(|(_, state)| *state == State::Alarm);
    match worst {
        Some((rule, _)) => (
            State::Alarm,
            format!("{} transitioned to ALARM", rule.name(region)),
        ),
        None => (State::Ok, "no child alarm is in ALARM".to_owned()),
    }
}

impl World {
    /// Lets the actions of alarms run, or not.
    pub(super) fn alarm_actions(&mut self, region: usize, names: &[String], run: bool) {
        let muted = &mut self.muted[region];
        if run {
            muted.retain(|name| !names.contains(name));
        } else {
            muted.extend(names.iter().cloned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minute(error_percent: f64) -> RegionMinute {
        RegionMinute {
            published: true,
            requests: 1_000.0,
            target_errors: 10.0 * error_percent,
            connections: 100.0,
            p95_ms: 100.0,
            ..RegionMinute::default()
        }
    }

    fn states(minutes: [&RegionMinute; 3]) -> Vec<&'static str> {
        let mut alarms = at_rest();
        evaluate(&mut alarms, "eu-west-1", &minutes, 100);
        alarms.iter().map(|alarm| alarm.state.text()).collect()
    }

    #[test]
    fn two_of_three_minutes_make_an_alarm() {
        let (good, bad) = (minute(0.05), minute(3.0));
        assert_eq!(states([&good, &good, &good]), ["OK"; 6]);
        assert_eq!(states([&bad, &good, &good])[0], "OK");
        let two = states([&bad, &bad, &good]);
        assert_eq!((two[0], two[5]), ("ALARM", "ALARM"));
        let mut alarms = at_rest();
        evaluate(&mut alarms, "eu-west-1", &[&bad, &bad, &good], 100);
        assert_eq!(
            alarms[5].reason,
            "eu-west-1-error-rate transitioned to ALARM"
        );
    }

    #[test]
    fn missing_minutes_are_not_fine_and_not_zero() {
        let none = RegionMinute::default();
        let dark = states([&none, &none, &none]);
        assert_eq!(dark[0], "INSUFFICIENT_DATA");
        assert_eq!(dark[4], "INSUFFICIENT_DATA");
        assert_eq!(dark[3], "OK", "the lag series lives in another region");
        let bad = minute(3.0);
        assert_eq!(states([&none, &bad, &bad])[0], "ALARM");
    }
}
