//! How bad something is, in one ordered word. Owns the order used by every roll-up; must never know about colours or glyphs.

use serde::{Deserialize, Serialize};

/// The state of a thing, ordered from best to worst so that `max` is the roll-up.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Known to be fine.
    #[default]
    Ok,
    /// Not known: never observed, no telemetry, or a value that we cannot judge.
    Unknown,
    /// Degraded, or close to a limit.
    Warn,
    /// Broken, or past a limit.
    Bad,
}

impl Severity {
    /// The word shown beside the glyph, at most four characters.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Unknown => "UNK",
            Self::Warn => "WARN",
            Self::Bad => "BAD",
        }
    }

    /// How bad a value is that should not rise above a pair of limits.
    pub fn above(value: f64, warn: f64, bad: f64) -> Self {
        if value > bad {
            Self::Bad
        } else if value > warn {
            Self::Warn
        } else {
            Self::Ok
        }
    }

    /// How bad a value is that should not fall below a pair of limits.
    pub fn below(value: f64, warn: f64, bad: f64) -> Self {
        if value < bad {
            Self::Bad
        } else if value < warn {
            Self::Warn
        } else {
            Self::Ok
        }
    }
}

/// A severity and the reason for it, in words that an operator can act on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Judgement {
    /// How bad.
    pub severity: Severity,
    /// Why; empty when there is nothing to say.
    pub reason: String,
}

impl Judgement {
    /// Fine, with nothing to say.
    pub fn ok() -> Self {
        Self::default()
    }

    /// A severity with its reason.
    pub fn new(severity: Severity, reason: impl Into<String>) -> Self {
        Self {
            severity,
            reason: reason.into(),
        }
    }

    /// The worse of two judgements; the first wins a tie, so that the earliest reason stays on screen.
    #[must_use]
    pub fn worse(self, other: Self) -> Self {
        if other.severity > self.severity {
            other
        } else {
            self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_is_worse_than_ok_and_better_than_warn() {
        assert!(
            Severity::Ok < Severity::Unknown
                && Severity::Unknown < Severity::Warn
                && Severity::Warn < Severity::Bad
        );
    }

    #[test]
    fn the_first_reason_wins_a_tie() {
        let first = Judgement::new(Severity::Warn, "lag");
        assert_eq!(
            first
                .clone()
                .worse(Judgement::new(Severity::Warn, "alarms")),
            first
        );
    }
}
