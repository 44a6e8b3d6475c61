//! Rules by which several kinds are judged: a status word against the vendor's list, a lag against its thresholds. Owns no list and no threshold; must never call a missing value fine.

use super::{Judgement, Severity, cell::milliseconds, metrics::Reading};

/// What stands in for a status that an answer left out.
pub const UNKNOWN: &str = "unknown";

/// The status words of an API, by what they mean for the person on call. A word in none of the lists is not known.
#[derive(Debug, Clone, Copy)]
pub struct Words {
    /// It works.
    pub fine: &'static [&'static str],
    /// It works or will work again by itself; do not build on it meanwhile.
    pub passing: &'static [&'static str],
    /// It does not work and will not without somebody.
    pub broken: &'static [&'static str],
}

impl Words {
    /// Whether a status says that it will be over by itself.
    pub fn is_passing(&self, status: &str) -> bool {
        among(self.passing, status)
    }

    /// Judges a status; `what` names its bearer in the reason. Case does not count: the services do not agree on one.
    pub fn judge(&self, what: &str, status: &str) -> Judgement {
        if among(self.fine, status) {
            Judgement::ok()
        } else if among(self.passing, status) {
            Judgement::new(Severity::Warn, format!("{what} is {status}"))
        } else if among(self.broken, status) {
            Judgement::new(Severity::Bad, format!("{what} is {status}"))
        } else if status == UNKNOWN {
            Judgement::new(
                Severity::Unknown,
                format!("the status of {what} is not known"),
            )
        } else {
            Judgement::new(
                Severity::Unknown,
                format!("{what} has the status `{status}`, which is not known here"),
            )
        }
    }
}

fn among(words: &[&str], status: &str) -> bool {
    words.iter().any(|word| word.eq_ignore_ascii_case(status))
}

/// Judges a lag in milliseconds; `bad` is missing where the estate knows no such limit. An unknown lag is unknown, with the reason.
pub fn judge_lag(what: &str, lag: Reading, warn: f64, bad: Option<f64>) -> Judgement {
    let Some(value) = lag.usable() else {
        let why = match lag {
            Reading::NeverRead => "its metric has not been read",
            Reading::Failed => "its metric could not be read in full",
            Reading::NoData => "its metric has no data",
            Reading::Forbidden => "its metric may not be read: cloudwatch:GetMetricData",
            Reading::Value { .. } => "its newest value is too old",
        };
        return Judgement::new(Severity::Unknown, format!("{what} is not known: {why}"));
    };
    let over = |severity, limit: f64| {
        Judgement::new(
            severity,
            format!(
                "{what} is {}, limit {}",
                milliseconds(value),
                milliseconds(limit)
            ),
        )
    };
    match bad {
        Some(bad) if value > bad => over(Severity::Bad, bad),
        Some(_) | None if value > warn => over(Severity::Warn, warn),
        Some(_) | None => Judgement::ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::Freshness;

    const WORDS: Words = Words {
        fine: &["available"],
        passing: &["modifying"],
        broken: &["failed"],
    };

    fn value(value: f64, freshness: Freshness) -> Reading {
        Reading::Value {
            value,
            at: jiff::Timestamp::UNIX_EPOCH,
            freshness,
        }
    }

    #[test]
    fn a_word_that_is_not_known_is_unknown_and_never_fine() {
        let severity = |status| WORDS.judge("x", status).severity;
        assert_eq!(severity("Available"), Severity::Ok);
        assert_eq!(severity("modifying"), Severity::Warn);
        assert_eq!(severity("failed"), Severity::Bad);
        assert_eq!(severity("hyper-scaling"), Severity::Unknown);
        assert_eq!(severity(UNKNOWN), Severity::Unknown);
        assert!(
            WORDS
                .judge("x", "hyper-scaling")
                .reason
                .contains("hyper-scaling")
        );
    }

    #[test]
    fn a_lag_is_judged_by_its_thresholds_and_an_unknown_one_is_unknown() {
        let severity = |lag| judge_lag("lag", lag, 1_000.0, Some(30_000.0)).severity;
        assert_eq!(severity(value(1_000.0, Freshness::Fresh)), Severity::Ok);
        assert_eq!(severity(value(1_001.0, Freshness::Stale)), Severity::Warn);
        assert_eq!(severity(value(30_001.0, Freshness::Fresh)), Severity::Bad);
        assert_eq!(severity(value(1.0, Freshness::Expired)), Severity::Unknown);
        assert_eq!(severity(Reading::NoData), Severity::Unknown);
        assert_eq!(severity(Reading::NeverRead), Severity::Unknown);
        assert_eq!(severity(Reading::Forbidden), Severity::Unknown);
    }
}
