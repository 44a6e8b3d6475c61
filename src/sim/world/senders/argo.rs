//! An Argo Rollout: a release that goes out step by step, and waits at its pauses. Owns what its controller makes of each way of steering it.

use super::{super::releases::DEADLINE, Build, ROLLED, renewed, shares};
use crate::resources::traffic::rollouts::Verb;

/// Seconds that a step takes which is no pause.
const STEP: i64 = 15;
/// Since when the release that the world begins with waits at its first pause.
const WAITING: i64 = -900;

/// The Rollout of one cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct Argo {
    /// The step that it is at.
    pub step: u32,
    /// Whether somebody paused it.
    pub paused: bool,
    /// Whether it was aborted.
    pub aborted: bool,
    /// Whether it goes to the end at once.
    pub full: bool,
    /// The version that was there before.
    pub stable: Build,
    /// The version that goes out.
    pub current: Build,
    /// Every version that it had, the newest last; going back to one takes it to the end.
    pub past: Vec<Build>,
    /// Since when it is at its step.
    pub since: i64,
    /// Since when nothing is on its way.
    pub completed_at: i64,
    /// How many edits its specification had.
    pub generation: i64,
}

impl Argo {
    /// `Some` sets that share in percent, `None` waits for somebody.
    pub const STEPS: [Option<u32>; 4] = [Some(20), None, Some(50), None];

    pub(super) fn at_rest(sends: bool) -> Self {
        let stable = Build::first(ROLLED, "v3.1.4");
        let next = Build {
            at: WAITING - STEP,
            ..Build::first(ROLLED, "v3.2.0")
        };
        let current = if sends { next } else { stable.clone() };
        let mut past = vec![stable.clone()];
        if sends {
            past.push(current.clone());
        }
        Self {
            step: if sends { 1 } else { Self::end() },
            paused: false,
            aborted: false,
            full: false,
            completed_at: stable.at,
            stable,
            current,
            past,
            since: WAITING,
            generation: 7,
        }
    }

    fn end() -> u32 {
        u32::try_from(Self::STEPS.len()).unwrap_or(u32::MAX)
    }

    /// Every version that it had.
    pub fn builds(&self) -> impl Iterator<Item = &Build> {
        self.past.iter()
    }

    /// Whether two versions are there.
    pub fn under_way(&self) -> bool {
        self.stable.hash() != self.current.hash()
    }

    fn goes_on(&self) -> bool {
        self.under_way() && !self.aborted
    }

    /// Whether it waits for somebody.
    pub fn waits(&self) -> bool {
        let step = Self::STEPS.get(self.step as usize);
        self.goes_on() && !self.full && step == Some(&None)
    }

    /// Whether it has made no progress within its deadline.
    pub fn timed_out(&self, t: i64) -> bool {
        self.goes_on() && !self.current.starts() && t >= self.since + DEADLINE
    }

    /// Share of the new version in percent.
    pub fn weight(&self) -> f64 {
        if !self.goes_on() || !self.current.starts() {
            return 0.0;
        }
        let reached = Self::STEPS.iter().take(self.step as usize + 1).rev();
        reached
            .flatten()
            .next()
            .map_or(0.0, |weight| f64::from(*weight))
    }

    /// The versions that get requests, each with its share.
    pub fn shares(&self) -> Vec<(Build, f64)> {
        shares(&self.stable, &self.current, self.weight() / 100.0)
    }

    /// With another version in its template.
    #[must_use]
    pub fn given(&self, build: Build, t: i64) -> Self {
        let (build, past) = renewed(&self.past, build);
        let back = build.hash() == self.stable.hash();
        Self {
            // Back at the stable version, its steps are skipped.
            step: if back { Self::end() } else { 0 },
            aborted: false,
            full: false,
            completed_at: if back { t } else { self.completed_at },
            current: build,
            past,
            since: t,
            generation: self.generation + 1,
            ..self.clone()
        }
    }

    pub(super) fn steered(&self, verb: &Verb, target: &str, build: Option<Build>, t: i64) -> Self {
        let since = t;
        let edited = self.generation + 1;
        let now = self.clone();
        match verb {
            Verb::Promote => Self {
                step: self.step + 1,
                since,
                ..now
            },
            Verb::PromoteFull => Self {
                full: true,
                since,
                ..now
            },
            Verb::Pause => Self {
                paused: true,
                generation: edited,
                ..now
            },
            Verb::Resume => Self {
                paused: false,
                since,
                generation: edited,
                ..now
            },
            Verb::Abort => Self {
                aborted: true,
                step: 0,
                ..now
            },
            Verb::Retry => Self {
                aborted: false,
                step: 0,
                since,
                ..now
            },
            Verb::Undo => {
                let mut past = self.past.iter();
                let found = past.find(|known| known.hash() == target).cloned();
                found.map_or(now, |found| self.given(found, t))
            }
            Verb::Image(_) => build.map_or(now, |build| self.given(build, t)),
        }
    }

    /// As its controller makes it in this second, where that is another state.
    pub(super) fn after(&self, t: i64) -> Option<Self> {
        let due = t - self.since >= STEP && self.goes_on() && !self.paused && !self.waits();
        if !due || !self.current.starts() {
            return None;
        }
        let last = self.step as usize + 1 >= Self::STEPS.len();
        Some(if self.full || last {
            Self {
                stable: self.current.clone(),
                step: Self::end(),
                full: false,
                completed_at: t,
                ..self.clone()
            }
        } else {
            Self {
                step: self.step + 1,
                since: t,
                ..self.clone()
            }
        })
    }
}
