//! Who may write, until when. Owns the window of arming and the token without which no provider takes a change; knows no clock and sends nothing.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How long a window is open.
pub const WINDOW: Duration = Duration::from_secs(15 * 60);

/// The window in which plans may be confirmed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Armed {
    since: Timestamp,
    until: Timestamp,
    reason: String,
}

impl Armed {
    /// Opens a window; `None` without a reason, which the journal wants.
    pub fn new(reason: &str, now: Timestamp) -> Option<Self> {
        let reason = reason.trim();
        let until = now + jiff::SignedDuration::try_from(WINDOW).ok()?;
        (!reason.is_empty()).then(|| Self {
            since: now,
            until,
            reason: reason.to_owned(),
        })
    }

    /// The same window open for longer: what was confirmed in it stays confirmed, so arming again does not stop a run.
    pub fn extended(&self, reason: &str, now: Timestamp) -> Option<Self> {
        let since = self.since.min(now);
        Self::new(reason, now).map(|armed| Self { since, ..armed })
    }

    /// Why it was opened.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// When it closes.
    pub fn until(&self) -> Timestamp {
        self.until
    }

    /// The time left; `None` when it has closed. A clock that went back closes it too.
    pub fn left(&self, now: Timestamp) -> Option<Duration> {
        let left = Duration::try_from(self.until.duration_since(now)).ok()?;
        (now >= self.since && !left.is_zero()).then_some(left)
    }
}

/// Proof that a journal line is on disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// Number of the line.
    pub sequence: u64,
    /// Its hash.
    pub hash: String,
}

/// The right to make one change. It exists only for a step whose intention is on disk, in an open window or in a run that was confirmed in one:
/// without it the `apply` of a provider does not compile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArmToken {
    run: String,
    step: usize,
    written: Written,
}

impl ArmToken {
    /// Grants the right to make the change of one step of a run that was confirmed in the window. A run may outlast its window, because stopping half-way
    /// is not safer than going on; closing the window by hand stops it before its next change.
    pub fn grant(
        armed: &Armed,
        confirmed_at: Timestamp,
        run: &str,
        step: usize,
        written: Written,
    ) -> Option<Self> {
        armed.left(confirmed_at)?;
        Some(Self {
            run: run.to_owned(),
            step,
            written,
        })
    }

    /// A token that stays the same when the same step is sent again: for APIs that take one to tell repeats.
    pub fn idempotency(&self) -> String {
        format!("pilothouse-{}-{}", self.run, self.step)
    }

    /// The journal line behind it.
    pub fn written(&self) -> &Written {
        &self.written
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + second).unwrap()
    }

    #[test]
    fn a_window_needs_a_reason_and_closes() {
        assert_eq!(Armed::new("  ", at(0)), None);
        let armed = Armed::new("region down", at(0)).unwrap();
        assert_eq!(armed.left(at(0)), Some(WINDOW));
        assert_eq!(armed.left(at(899)), Some(Duration::from_secs(1)));
        assert_eq!(armed.left(at(900)), None);
        assert_eq!(armed.left(at(-1)), None, "a clock that went back");
    }

    #[test]
    fn arming_again_keeps_the_right_of_what_was_confirmed_before() {
        let written = || Written {
            sequence: 1,
            hash: String::new(),
        };
        let armed = Armed::new("region down", at(0)).unwrap();
        let again = armed.extended("still down", at(800)).unwrap();
        assert_eq!(again.left(at(800)), Some(WINDOW));
        assert!(ArmToken::grant(&again, at(1), "r", 0, written()).is_some());
        let anew = Armed::new("after disarming", at(800)).unwrap();
        assert!(ArmToken::grant(&anew, at(1), "r", 0, written()).is_none());
    }

    #[test]
    fn no_token_for_what_was_not_confirmed_in_the_window() {
        let armed = Armed::new("region down", at(0)).unwrap();
        let written = Written {
            sequence: 1,
            hash: String::new(),
        };
        assert!(ArmToken::grant(&armed, at(1), "r", 0, written.clone()).is_some());
        assert!(ArmToken::grant(&armed, at(901), "r", 0, written).is_none());
    }
}
