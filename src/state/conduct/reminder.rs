//! What must not be forgotten, and what is in hand, in a line each: for the home screen and the page of runs. Owns the words.

use jiff::Timestamp;

use super::Conduct;
use crate::{
    glyph::Mark,
    plan::run::Run,
    resources::{
        Severity, age,
        cell::{ago, coarse_age},
    },
};

/// Something that must not be forgotten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reminder {
    /// In one line.
    pub text: String,
    /// Whether it should have ended.
    pub overdue: bool,
}

impl Reminder {
    /// What has been so since then, and how it stands with its end.
    pub fn new(what: &str, since: Timestamp, until: Option<Timestamp>, now: Timestamp) -> Self {
        let for_so_long = match coarse_age(age(since, now)).as_str() {
            "now" => "a moment".to_owned(),
            age => age.to_owned(),
        };
        let overdue = until.is_some_and(|until| until < now);
        let end = match until {
            None => "no end is set".to_owned(),
            Some(until) if overdue => format!("OVERDUE by {}", coarse_age(age(until, now))),
            Some(until) => format!("until {}", until.strftime("%H:%MZ")),
        };
        Self {
            text: format!("{what} for {for_so_long}, {end}"),
            overdue,
        }
    }
}

impl Conduct {
    /// The runs in hand in a line each, the worst first.
    pub fn in_short(&self, now: Timestamp) -> Vec<(Mark, String)> {
        let mut active: Vec<&Run> = self.active().collect();
        active.sort_by_key(|run| std::cmp::Reverse(run.severity())); // stable
        let line = |run: &Run| {
            let at = (run.at + 1).min(run.steps.len());
            let left = match run.severity() {
                Severity::Ok => match run.left(now).as_secs() {
                    0 => "longer than usual".to_owned(),
                    left @ 1..60 => format!("about {left} s more"),
                    left => format!("about {} m more", left.div_ceil(60)),
                },
                Severity::Unknown | Severity::Warn | Severity::Bad => "needs you (P)".to_owned(),
            };
            // How it stands comes first: a title may be long.
            let text = format!(
                "{} {at}/{} · {left} · {}",
                run.word(),
                run.steps.len(),
                run.plan.title
            );
            (Mark::of_roll_up(run.severity(), true), text)
        };
        active.into_iter().map(line).collect()
    }

    /// What must not be forgotten, the overdue first.
    pub fn reminders(&self, now: Timestamp) -> Vec<Reminder> {
        let drains = self.ledger.drained().into_iter().map(|drain| {
            let what = format!("{} is drained", drain.region);
            Reminder::new(&what, drain.since, drain.until, now)
        });
        let leftovers = self
            .ledger
            .leftovers()
            .into_iter()
            .map(|left| Reminder::new(&left.what, left.since, left.until, now));
        let mut reminders: Vec<Reminder> = drains.chain(leftovers).collect();
        for run in self.interrupted() {
            // Interrupted, or in the hands of another console: the journal does not tell.
            let heard = ago(age(run.last_at, now));
            let title = &run.plan.title;
            let text = format!(
                "run {} has not ended, heard of {heard}: {title} (:runs)",
                run.id
            );
            reminders.push(Reminder {
                text,
                overdue: true,
            });
        }
        reminders.sort_by_key(|reminder| !reminder.overdue); // stable
        reminders
    }
}
