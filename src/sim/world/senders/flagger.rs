//! A Flagger Canary: it looks at its target every now and then, takes a new version through its analysis, and makes it the primary or gives it up. Owns these phases.

use super::{Build, FLAGGED, renewed, shares};
use crate::resources::traffic::rollouts::Verb;

/// Seconds between two looks.
const INTERVAL: i64 = 30;
/// Percent that each look adds, and at most.
const STEP: u32 = 10;
const MOST: u32 = 50;
/// Failed checks after which it gives up.
const THRESHOLD: u32 = 3;
/// Share of failed requests that a check lets pass.
const LIMIT: f64 = 0.01;

/// The phases that it goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Its target is the primary.
    Succeeded,
    /// A new version gets more and more.
    Progressing,
    /// The new version becomes the primary.
    Promoting,
    /// The users go to the primary.
    Finalising,
    /// The new version was given up.
    Failed,
}

impl Phase {
    /// As Flagger writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Succeeded => "Succeeded",
            Self::Progressing => "Progressing",
            Self::Promoting => "Promoting",
            Self::Finalising => "Finalising",
            Self::Failed => "Failed",
        }
    }
}

/// The Canary of one cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct Flagger {
    /// Where it is.
    pub phase: Phase,
    /// Since when.
    pub since: i64,
    /// Share of the new version in percent.
    pub weight: u32,
    /// Checks that failed.
    pub failed_checks: u32,
    /// Whether somebody suspended it.
    pub suspended: bool,
    /// What serves.
    pub primary: Build,
    /// What its target has.
    pub target: Build,
    /// What it took on last.
    taken: Build,
    /// Every version that its target had, the newest last.
    pub past: Vec<Build>,
    /// How many edits its target had, and when the last one was.
    pub edits: i64,
    /// See there.
    pub edited_at: Option<i64>,
}

impl Flagger {
    pub(super) fn at_rest() -> Self {
        let first = Build::first(FLAGGED, "v1.4.0");
        Self {
            phase: Phase::Succeeded,
            since: first.at,
            weight: 0,
            failed_checks: 0,
            suspended: false,
            primary: first.clone(),
            target: first.clone(),
            taken: first.clone(),
            past: vec![first],
            edits: 0,
            edited_at: None,
        }
    }

    /// Every version that it had.
    pub fn builds(&self) -> impl Iterator<Item = &Build> {
        self.past.iter()
    }

    /// Whether its target has pods.
    pub fn under_way(&self) -> bool {
        match self.phase {
            Phase::Progressing | Phase::Promoting | Phase::Finalising => true,
            Phase::Succeeded | Phase::Failed => false,
        }
    }

    /// The versions that get requests, each with its share.
    pub fn shares(&self) -> Vec<(Build, f64)> {
        shares(&self.primary, &self.target, f64::from(self.weight) / 100.0)
    }

    /// With another version in its target.
    #[must_use]
    pub fn given(&self, build: Build, t: i64) -> Self {
        let (build, past) = renewed(&self.past, build);
        Self {
            target: build,
            past,
            edits: self.edits + 1,
            edited_at: Some(t),
            ..self.clone()
        }
    }

    pub(super) fn steered(&self, verb: &Verb) -> Self {
        Self {
            suspended: match verb {
                Verb::Pause => true,
                Verb::Resume => false,
                Verb::Promote
                | Verb::PromoteFull
                | Verb::Abort
                | Verb::Retry
                | Verb::Undo
                | Verb::Image(_) => self.suspended,
            },
            ..self.clone()
        }
    }

    /// As Flagger makes it in this second, where that is another state.
    pub(super) fn after(&self, t: i64) -> Option<Self> {
        if self.suspended || t.rem_euclid(INTERVAL) != 0 {
            return None;
        }
        let to = |phase| Self {
            phase,
            since: t,
            ..self.clone()
        };
        // Another version begins anew, wherever it is.
        if self.target.hash() != self.taken.hash() {
            return Some(Self {
                weight: 0,
                failed_checks: 0,
                taken: self.target.clone(),
                ..to(Phase::Progressing)
            });
        }
        match self.phase {
            Phase::Succeeded | Phase::Failed => None,
            Phase::Progressing => Some(self.checked(t)),
            Phase::Promoting => Some(Self {
                primary: self.target.clone(),
                ..to(Phase::Finalising)
            }),
            Phase::Finalising => Some(Self {
                weight: 0,
                ..to(Phase::Succeeded)
            }),
        }
    }

    /// One look at the new version.
    fn checked(&self, t: i64) -> Self {
        let bad = !self.target.starts() || self.target.failing(t) > LIMIT;
        if bad && self.failed_checks + 1 >= THRESHOLD {
            return Self {
                phase: Phase::Failed,
                since: t,
                weight: 0,
                failed_checks: self.failed_checks + 1,
                ..self.clone()
            };
        }
        if bad {
            return Self {
                failed_checks: self.failed_checks + 1,
                ..self.clone()
            };
        }
        if self.weight >= MOST {
            return Self {
                phase: Phase::Promoting,
                since: t,
                ..self.clone()
            };
        }
        Self {
            weight: self.weight + STEP,
            ..self.clone()
        }
    }
}
