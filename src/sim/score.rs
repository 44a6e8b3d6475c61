//! What a drill was worth (domain D.8): how long everything took, what was lost, how safely it was done. Owns targets and weights; the truth comes from the world, the deeds from the journal.

use jiff::Timestamp;

use super::course::Course;
use crate::{
    plan::{
        entry::{Entry, What},
        ledger::Ledger,
    },
    resources::age,
};

/// Seconds from the fault until users are well, at most.
const RTO: f64 = 300.0;
/// Seconds of commits that may be lost.
const RPO: f64 = 60.0;
/// Seconds from the alert to an approved plan.
const DECISION: f64 = 60.0;
/// Seconds from the trigger of a way back until users are well.
const ROLLBACK: f64 = 120.0;
/// For how long after an override nothing may get worse.
const PROVED: usize = 300;
/// What counts as worse: this much of all requests.
const WORSE: f64 = 0.005;

/// How a drill went, as numbers. Times are seconds; `None` did not happen.
#[derive(Debug, Clone, PartialEq)]
pub struct Kpis {
    /// From the fault to the first alert of the console; and the most that is fine.
    pub detection: Option<(Option<f64>, f64)>,
    /// From the alert to the first plan that was confirmed.
    pub decision: Option<f64>,
    /// From the fault until users were well again, to stay. `None` inside: they are not.
    pub rto: Option<Option<f64>>,
    /// The newest commit that was lost was this old.
    pub rpo: f64,
    /// From a way back until users were well.
    pub rollback: Option<f64>,
    /// Bad requests as a share of what a month may have.
    pub error_budget: f64,
    /// The worst second: share of requests that were answered well.
    pub worst: f64,
    /// Guards that were overridden.
    pub overrides: usize,
    /// Those after which users were worse off.
    pub wrong_overrides: usize,
    /// Plans that a guard or something else stopped.
    pub blocked: usize,
    /// Failovers and promotions without need.
    pub needless: usize,
    /// What was left behind.
    pub orphans: usize,
    /// Changes that reached an API.
    pub changes: usize,
    /// Those of them that the journal does not know.
    pub unaudited: usize,
}

/// What a drill is judged by.
pub struct Deeds<'a> {
    /// What users went through.
    pub course: &'a Course,
    /// The journal of the drill.
    pub entries: &'a [Entry],
    /// When the console began to say that something is not fine.
    pub alerts: &'a [Timestamp],
    /// Changes that reached an API.
    pub changes: usize,
}

impl Kpis {
    /// The numbers.
    pub fn of(deeds: &Deeds<'_>) -> Self {
        let Deeds {
            course,
            entries,
            alerts,
            changes,
        } = deeds;
        let fault = course.fault();
        let seconds = |from: Timestamp, to: Timestamp| age(from, to).as_secs_f64();
        let alert = fault.and_then(|(at, _)| alerts.iter().copied().find(|alert| *alert >= at));
        let detection = fault.map(|(at, within)| (alert.map(|alert| seconds(at, alert)), within));
        let confirmed = |entry: &&Entry| matches!(entry.what, What::Confirmed { .. });
        let decided = alert.and_then(|alert| {
            let mut after = entries.iter().filter(confirmed);
            after
                .find(|entry| entry.at >= alert)
                .map(|entry| seconds(alert, entry.at))
        });
        let well = course.well_again();
        let (overrides, wrong_overrides) = overrides(course, entries);
        let sending = |entry: &&Entry| matches!(entry.what, What::Sending { .. });
        let refused = |entry: &&Entry| matches!(entry.what, What::Refused { .. });
        let irreversible = course.irreversible();
        Self {
            detection,
            decision: decided,
            rto: fault.map(|(at, _)| well.map(|well| seconds(at, well))),
            rpo: irreversible
                .iter()
                .map(|deed| deed.lost)
                .fold(0.0, f64::max),
            rollback: rollback(entries, well),
            error_budget: course.error_budget(),
            worst: course.worst(),
            overrides,
            wrong_overrides,
            blocked: entries.iter().filter(refused).count(),
            needless: irreversible.iter().filter(|deed| deed.needless).count(),
            orphans: Ledger::of(entries.to_vec()).leftovers().len(),
            changes: *changes,
            unaudited: changes.saturating_sub(entries.iter().filter(sending).count()),
        }
    }

    /// The parts of the score, each from 0 to 1: detection, RTO, RPO, safety, hygiene.
    pub fn parts(&self) -> [f64; 5] {
        let detection = match self.detection {
            None => 1.0,
            Some((None, _)) => 0.0,
            Some((Some(took), within)) => term(took, within),
        };
        let rto = match self.rto {
            None => 1.0,
            Some(None) => 0.0,
            Some(Some(took)) => term(took, RTO),
        };
        let safety = 1.0 - 0.5 * self.needless as f64 - 0.1 * self.wrong_overrides as f64;
        let missing = if self.changes == 0 {
            0.0
        } else {
            self.unaudited as f64 / self.changes as f64
        };
        let hygiene = 1.0 - 0.25 * self.orphans as f64 - missing;
        [
            detection,
            rto,
            term(self.rpo, RPO),
            safety.max(0.0),
            hygiene.max(0.0),
        ]
    }

    /// From 0 to 100.
    pub fn score(&self) -> f64 {
        let weights = [0.2, 0.3, 0.2, 0.2, 0.1];
        let parts = self.parts().into_iter().zip(weights);
        100.0 * parts.map(|(part, weight)| part * weight).sum::<f64>()
    }

    /// As lines: what, how much, and what would be fine.
    pub fn lines(&self) -> Vec<String> {
        let line = |what: &str, value: String, fine: String| format!("{what:<14}{value:<26}{fine}");
        let after = |seconds: Option<f64>, never: &str| {
            seconds.map_or(never.to_owned(), |seconds| format!("{seconds:.0} s"))
        };
        let at_most = |seconds: f64| format!("at most {seconds:.0} s");
        let none = || "-".to_owned();
        let (detection, within) = match self.detection {
            None => (none(), String::new()),
            Some((took, within)) => (after(took, "never"), at_most(within)),
        };
        let rto = self
            .rto
            .map_or_else(none, |took| after(took, "users are not well yet"));
        let [_, _, _, safety, hygiene] = self.parts();
        vec![
            line("detection", detection, within),
            line("decision", after(self.decision, "-"), at_most(DECISION)),
            line("RTO", rto, at_most(RTO)),
            line("RPO", format!("{:.1} s", self.rpo), at_most(RPO)),
            line("rollback", after(self.rollback, "-"), at_most(ROLLBACK)),
            line(
                "error budget",
                format!("{:.1} % of a month", self.error_budget * 100.0),
                "at most 100 %".to_owned(),
            ),
            line(
                "safety",
                format!("{safety:.2}"),
                format!(
                    "{} needless irreversible, {} of {} overrides wrong, {} plans stopped",
                    self.needless, self.wrong_overrides, self.overrides, self.blocked
                ),
            ),
            line(
                "hygiene",
                format!("{hygiene:.2}"),
                format!(
                    "{} left behind, {} of {} changes not in the journal",
                    self.orphans, self.unaudited, self.changes
                ),
            ),
            line(
                "score",
                format!("{:.0} of 100", self.score()),
                String::new(),
            ),
        ]
    }
}

/// 1 up to the target, and down to 0 at three times of it.
fn term(value: f64, target: f64) -> f64 {
    ((3.0 * target - value) / (2.0 * target)).clamp(0.0, 1.0)
}

/// Overrides, and those after which users were worse off than before.
fn overrides(course: &Course, entries: &[Entry]) -> (usize, usize) {
    let (mut all, mut wrong) = (0, 0);
    for entry in entries {
        let count = if let What::Confirmed { overrides, .. } = &entry.what {
            overrides.len()
        } else {
            usize::from(matches!(entry.what, What::Overridden { .. }))
        };
        all += count;
        let worse = course
            .around(entry.at, PROVED)
            .is_some_and(|(before, least)| least < before - WORSE);
        wrong += if worse { count } else { 0 };
    }
    (all, wrong)
}

/// From the last way back before users were well until they were: an undo, a shift, a step back.
fn rollback(entries: &[Entry], well: Option<Timestamp>) -> Option<f64> {
    let well = well?;
    let back = |entry: &&Entry| match &entry.what {
        What::GoingBack { .. } => true,
        What::Confirmed { plan, .. } => {
            ["undo", "shift-weights"].contains(&plan.intent.action.as_str())
        }
        What::Armed { .. }
        | What::Disarmed
        | What::Refused { .. }
        | What::Sending { .. }
        | What::Accepted { .. }
        | What::Rejected { .. }
        | What::Concluded { .. }
        | What::Waited { .. }
        | What::Held { .. }
        | What::Overridden { .. }
        | What::Resumed
        | What::Ended { .. }
        | What::Settled { .. } => false,
    };
    let trigger = entries
        .iter()
        .filter(back)
        .rfind(|entry| entry.at <= well)?;
    Some(age(trigger.at, well).as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kpis() -> Kpis {
        Kpis {
            detection: Some((Some(20.0), 30.0)),
            decision: Some(40.0),
            rto: Some(Some(250.0)),
            rpo: 0.03,
            rollback: None,
            error_budget: 0.1,
            worst: 0.5,
            overrides: 2,
            wrong_overrides: 0,
            blocked: 1,
            needless: 0,
            orphans: 0,
            changes: 5,
            unaudited: 0,
        }
    }

    #[test]
    fn everything_within_its_target_is_a_hundred_and_nothing_is_below_zero() {
        assert!((kpis().score() - 100.0).abs() < 1e-9);
        let worst = Kpis {
            detection: Some((None, 30.0)),
            rto: Some(None),
            rpo: 500.0,
            wrong_overrides: 3,
            needless: 2,
            orphans: 4,
            unaudited: 5,
            ..kpis()
        };
        assert_eq!((worst.score(), worst.parts()), (0.0, [0.0; 5]));
        // Nobody was hurt and nothing was to be found.
        let calm = Kpis {
            detection: None,
            rto: None,
            ..kpis()
        };
        assert!((calm.score() - 100.0).abs() < 1e-9);
    }

    #[test]
    fn each_term_falls_to_nothing_at_three_times_its_target_and_weighs_what_it_should() {
        let score = |change: fn(&mut Kpis)| {
            let mut kpis = kpis();
            change(&mut kpis);
            (kpis.score() * 100.0).round() / 100.0
        };
        assert_eq!(
            score(|kpis| kpis.detection = Some((Some(60.0), 30.0))),
            90.0
        );
        assert_eq!(
            score(|kpis| kpis.detection = Some((Some(90.0), 30.0))),
            80.0
        );
        assert_eq!(score(|kpis| kpis.rto = Some(Some(600.0))), 85.0);
        assert_eq!(score(|kpis| kpis.rto = Some(Some(900.0))), 70.0);
        assert_eq!(score(|kpis| kpis.rpo = 120.0), 90.0);
        assert_eq!(score(|kpis| kpis.needless = 1), 90.0);
        assert_eq!(score(|kpis| kpis.wrong_overrides = 1), 98.0);
        assert_eq!(score(|kpis| kpis.orphans = 1), 97.5);
        assert_eq!(score(|kpis| kpis.unaudited = 1), 98.0);
    }
}
