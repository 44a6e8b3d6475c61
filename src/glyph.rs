//! Glyphs and words for states, with their ASCII twins, and the legend that explains them. Owns no colour; a state is never told by colour alone.

use crate::resources::{Freshness, Severity};

/// The state of a row as it is shown: how bad it is, and how much that can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mark {
    /// Fine.
    Ok,
    /// Not asked yet, or no answer so far.
    Waiting,
    /// Fine when last seen, but that was long ago.
    Stale,
    /// Not known.
    Unknown,
    /// Degraded; `true` when that was seen long ago.
    Warn(bool),
    /// Broken; `true` when that was seen long ago.
    Bad(bool),
}

impl Mark {
    /// Every mark, from best to worst.
    pub const ALL: &'static [Mark] = &[
        Mark::Ok,
        Mark::Waiting,
        Mark::Stale,
        Mark::Unknown,
        Mark::Warn(false),
        Mark::Warn(true),
        Mark::Bad(false),
        Mark::Bad(true),
    ];

    /// The mark of a row. What was fine and is old is STALE; what was broken and is old stays broken, marked as old;
    /// what is older than its limit is not known.
    pub fn of(severity: Severity, freshness: Freshness) -> Self {
        match (freshness, severity) {
            (Freshness::Never, Severity::Ok | Severity::Unknown) => Self::Waiting,
            (Freshness::Stale, Severity::Ok) => Self::Stale,
            (Freshness::Expired, _) | (_, Severity::Unknown) => Self::Unknown,
            (Freshness::Fresh, Severity::Ok) => Self::Ok,
            (_, Severity::Warn) => Self::Warn(freshness == Freshness::Stale),
            (_, Severity::Bad) => Self::Bad(freshness == Freshness::Stale),
        }
    }

    /// The mark of a roll-up, whose parts have ages of their own: they are in the severity already. It waits only while nothing was asked
    /// or failed: a refusal is an answer.
    pub fn of_roll_up(severity: Severity, asked: bool) -> Self {
        match (severity, asked) {
            (Severity::Unknown, false) => Self::Waiting,
            _ => Self::of(severity, Freshness::Fresh),
        }
    }

    /// Its glyph, one cell wide.
    pub fn glyph(self, ascii: bool) -> &'static str {
        match (self, ascii) {
            (Self::Ok, false) => "●",
            (Self::Ok, true) => "o",
            (Self::Waiting, false) => "…",
            (Self::Waiting, true) => ".",
            (Self::Stale, _) => "~",
            (Self::Unknown, _) => "?",
            (Self::Warn(_), false) => "▲",
            (Self::Warn(_), true) => "+",
            (Self::Bad(_), false) => "✖",
            (Self::Bad(_), true) => "X",
        }
    }

    /// Its word, at most five characters.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Waiting => "WAIT",
            Self::Stale => "STALE",
            Self::Unknown => "UNK",
            Self::Warn(false) => "WARN",
            Self::Warn(true) => "WARN~",
            Self::Bad(false) => "BAD",
            Self::Bad(true) => "BAD~",
        }
    }

    /// What it means, for the legend.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Ok => "seen lately, and within its limits",
            Self::Waiting => "no answer so far",
            Self::Stale => "was fine, but two polls were missed",
            Self::Unknown => "not known: no data, or older than its limit",
            Self::Warn(false) => "degraded, or close to a limit",
            Self::Warn(true) => "was degraded; two polls were missed since",
            Self::Bad(false) => "broken, or past a limit",
            Self::Bad(true) => "was broken; two polls were missed since",
        }
    }
}

/// The lines of the legend.
pub fn legend(ascii: bool) -> Vec<String> {
    let marks = Mark::ALL.iter().map(|mark| {
        format!(
            "{} {:<6} {}",
            mark.glyph(ascii),
            mark.word(),
            mark.meaning()
        )
    });
    let waiting = if ascii { ".." } else { "…" };
    let cells = [
        String::new(),
        "In a cell:".to_owned(),
        "~35ms    old: two polls were missed".to_owned(),
        "!4.2s    beyond its own limit".to_owned(),
        "?        exists, but is not known or too old to be used".to_owned(),
        "-        does not exist here".to_owned(),
        format!("{waiting:<8} not asked yet"),
        String::new(),
        "Rows are sorted worst first unless a column is chosen.".to_owned(),
    ];
    marks.chain(cells).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stale_never_looks_fine_and_never_hides_what_is_broken() {
        assert_eq!(Mark::of(Severity::Ok, Freshness::Stale), Mark::Stale);
        assert_eq!(Mark::of(Severity::Bad, Freshness::Stale), Mark::Bad(true));
        for &severity in &[
            Severity::Ok,
            Severity::Unknown,
            Severity::Warn,
            Severity::Bad,
        ] {
            assert_eq!(Mark::of(severity, Freshness::Expired), Mark::Unknown);
        }
    }

    #[test]
    fn a_broken_row_without_any_answer_is_still_broken() {
        assert_eq!(Mark::of(Severity::Bad, Freshness::Never), Mark::Bad(false));
        assert_eq!(
            Mark::of_roll_up(Severity::Ok, false),
            Mark::Ok,
            "a region is judged by its parts, whether or not STS answered"
        );
    }

    #[test]
    fn ascii_is_ascii_and_every_state_differs_by_more_than_colour() {
        assert!(legend(true).iter().all(|line| line.is_ascii()));
        for ascii in [false, true] {
            let mut seen = std::collections::BTreeSet::new();
            for mark in Mark::ALL {
                assert!(
                    seen.insert((mark.glyph(ascii), mark.word())),
                    "{mark:?} looks like another"
                );
            }
        }
    }
}
