//! The roll-ups of all regions, kept from change to change: gathered once per change instead of once per frame. Owns when one is gathered anew, and since when a region is drained; never what is in one.

use std::{borrow::Cow, collections::BTreeMap};

use jiff::Timestamp;

use super::Rollup;
use crate::resources::{Fleet, Place, RegionLabel, regions::steering};

/// Since when nothing has been steered to a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drained {
    /// The first observation with a share of 0.
    pub since: Timestamp,
    /// Whether we saw it change; otherwise it was 0 when we came.
    pub witnessed: bool,
}

/// The roll-ups of all regions, as of the last change and within 5 s of the time.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rollups {
    step: Option<i64>,
    cut_off: bool,
    by_region: BTreeMap<RegionLabel, Rollup>,
    /// Of those that were seen to get something there is no time: while gateways follow one after the other it is neither something nor nothing.
    drained: BTreeMap<RegionLabel, Option<Drained>>,
}

/// Ages are shown in steps of 5 s at least, so a roll-up this old shows the same.
const AGE_STEP_SECONDS: i64 = 5;

impl Fleet {
    /// The step of 5 s that the time is in. What follows from ages is computed anew only from one to the next.
    pub fn age_step(&self) -> i64 {
        self.now.as_second().div_euclid(AGE_STEP_SECONDS)
    }

    /// The roll-up of a region now.
    pub fn rollup(&self, label: &RegionLabel) -> Cow<'_, Rollup> {
        let kept = self.rollups.by_region.get(label);
        match kept.filter(|_| self.rollups.step == Some(self.age_step())) {
            Some(rollup) => Cow::Borrowed(rollup),
            None => Cow::Owned(Rollup::of(self, label)),
        }
    }

    /// Since when nothing has been steered to a region; `None` while something is, or when the share is not known.
    pub fn drained(&self, label: &RegionLabel) -> Option<Drained> {
        self.rollups.drained.get(label).copied().flatten()
    }

    /// Lets time pass: what is shown ages, and nothing else changes. Tells whether that can show.
    pub fn advance(&mut self, now: Timestamp) -> bool {
        self.now = now;
        let aged = self.rollups.step != Some(self.age_step());
        if aged {
            // Health comes from metrics, which age while nothing answers: shares follow.
            self.renew_shares(|_, _| false);
            self.roll_up(&[Place::Global], &[]);
            self.release();
        }
        aged
    }

    /// Changes how often everything is asked, and with it what counts as old.
    pub fn set_pace(&mut self, pace: u32) {
        self.pace = pace.max(1);
        self.generation += 1;
        self.renew_shares(|_, _| false);
        self.roll_up(&[Place::Global], &[]);
    }

    /// Gathers anew what answers from the places that `changed` can have changed. Those that were `heard` say what they have said before: that tells only about
    /// a region some of which is silent; what ages is seen with the next step.
    pub(in crate::resources) fn roll_up(&mut self, changed: &[Place], heard: &[Place]) {
        let mut kept = std::mem::take(&mut self.rollups);
        let cut_off = self.cut_off();
        let current = kept.step == Some(self.age_step());
        let observed_at = steering::told_at(self);
        for spec in &self.estate.regions {
            let label = &spec.label;
            let among = |places: &[Place]| {
                let mut places = places.iter();
                places.any(|place| place.region().is_none_or(|region| region == label))
            };
            let old = kept.by_region.get(label);
            let silent = || old.is_none_or(|old| !old.reach.silent.is_empty());
            let touched = among(changed) || (among(heard) && silent());
            let before = old.and_then(|old| old.share.clone());
            let share = steering::region_share(self, label);
            let elsewhere = cut_off != kept.cut_off;
            if touched || !current || elsewhere || before != share {
                kept.by_region
                    .insert(label.clone(), Rollup::of(self, label));
            }
            match share.and_then(|share| share.some).zip(observed_at) {
                Some((true, _)) => {
                    kept.drained.insert(label.clone(), None);
                }
                Some((false, since)) => {
                    let known = kept.drained.get(label).copied();
                    let witnessed = known == Some(None);
                    let first = Drained { since, witnessed };
                    let drained = known.flatten().unwrap_or(first);
                    kept.drained.insert(label.clone(), Some(drained));
                }
                None if self.shares.by_gateways() => {}
                None => (kept.drained).retain(|known, since| known != label || since.is_some()),
            }
        }
        kept.step = Some(self.age_step());
        kept.cut_off = cut_off;
        self.rollups = kept;
    }
}
