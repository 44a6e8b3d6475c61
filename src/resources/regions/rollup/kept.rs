//! The roll-ups of all regions, kept from change to change: gathered once per change instead of once per frame. Owns when one is gathered anew, and since when a region is drained; never what is in one.

use std::{borrow::Cow, collections::BTreeMap};

use jiff::Timestamp;

use super::Rollup;
use crate::resources::{Fleet, Freshness, Place, RegionLabel, regions::steering};

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
    /// The steps that all groups were in, together: another when any of them has aged.
    ages: Option<i64>,
    /// The step that the first group was in, and with it what follows from all of them.
    step: Option<i64>,
    cut_off: bool,
    by_region: BTreeMap<RegionLabel, Kept>,
    /// Of those that were seen to get something there is no time: while gateways follow one after the other it is neither something nor nothing.
    drained: BTreeMap<RegionLabel, Option<Drained>>,
}

#[derive(Debug, Clone, PartialEq)]
struct Kept {
    /// Which group of regions it ages with.
    group: i64,
    /// The step of that group in which it was gathered.
    step: i64,
    as_of: AsOf,
    rollup: Rollup,
}

/// Of which state of a fleet something is: what follows from it is another only with the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AsOf {
    generation: u64,
    ages: i64,
}

/// Ages are shown in steps of 5 s at least, so a roll-up this old shows the same.
const AGE_STEP_SECONDS: i64 = 5;

/// So many regions age in the same second. A screen of a handful is silent in between; more than that are a group for each second of a step, so that no key
/// ever waits for all of them.
const AGE_TOGETHER: usize = 8;

impl Fleet {
    /// The step of 5 s that the time is in for a group of regions. What follows from ages is computed anew only from one to the next.
    fn age_step(&self, group: i64) -> i64 {
        (self.now.as_second() + group).div_euclid(AGE_STEP_SECONDS)
    }

    /// Which regions age together: as many groups as are needed, one for each second of a step at most.
    fn age_group(&self, rank: usize) -> i64 {
        let seconds = usize::try_from(AGE_STEP_SECONDS).unwrap_or(1);
        let together = self.estate.regions.len().div_ceil(seconds);
        i64::try_from(rank / together.max(AGE_TOGETHER)).unwrap_or_default()
    }

    /// What is known now, and how old it may look.
    pub fn as_of(&self) -> AsOf {
        AsOf {
            generation: self.generation,
            ages: self.ages(),
        }
    }

    fn ages(&self) -> i64 {
        let last = self.estate.regions.len().saturating_sub(1);
        let groups = 0..=self.age_group(last);
        groups.map(|group| self.age_step(group)).sum()
    }

    /// As of when the roll-up of a region was gathered last, and with it whatever follows from its slices; `None` when that is too long ago.
    pub fn gathered(&self, label: &RegionLabel) -> Option<AsOf> {
        self.kept(label).map(|kept| kept.as_of)
    }

    fn kept(&self, label: &RegionLabel) -> Option<&Kept> {
        let kept = self.rollups.by_region.get(label);
        kept.filter(|kept| kept.step == self.age_step(kept.group))
    }

    /// The roll-up of a region now.
    pub fn rollup(&self, label: &RegionLabel) -> Cow<'_, Rollup> {
        match self.kept(label) {
            Some(kept) => Cow::Borrowed(&kept.rollup),
            None => Cow::Owned(Rollup::of(self, label)),
        }
    }

    /// The best freshness that anything of a place can have: nothing of a region that does not answer is shown as if it were seen now (domain A.9 rule 5),
    /// however seldom it is asked.
    pub fn at_best(&self, place: &Place) -> Freshness {
        let lost = |label: &RegionLabel| self.rollup(label).reach.lost(self.now);
        match place.region() {
            Some(label) if lost(label) => Freshness::Stale,
            Some(_) | None => Freshness::Fresh,
        }
    }

    /// Since when nothing has been steered to a region; `None` while something is, or when the share is not known.
    pub fn drained(&self, label: &RegionLabel) -> Option<Drained> {
        self.rollups.drained.get(label).copied().flatten()
    }

    /// Lets time pass: what is shown ages, and nothing else changes. Tells whether that can show.
    pub fn advance(&mut self, now: Timestamp) -> bool {
        self.now = now;
        if self.rollups.ages == Some(self.ages()) {
            return false;
        }
        let all = self.rollups.step != Some(self.age_step(0));
        if all {
            // Health comes from metrics, which age while nothing answers: shares follow.
            self.renew_shares(|_, _| false);
        }
        self.roll_up(&[], &[]);
        if all {
            self.release();
        }
        true
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
        let as_of = self.as_of();
        let observed_at = steering::told_at(self);
        for (rank, spec) in self.estate.regions.iter().enumerate() {
            let label = &spec.label;
            let group = self.age_group(rank);
            let step = self.age_step(group);
            let among = |places: &[Place]| {
                let mut places = places.iter();
                places.any(|place| place.region().is_none_or(|region| region == label))
            };
            let old = kept.by_region.get(label);
            let silent = || old.is_none_or(|old| !old.rollup.reach.silent.is_empty());
            let touched = among(changed) || (among(heard) && silent());
            let current = old.is_some_and(|old| old.step == step);
            let before = old.and_then(|old| old.rollup.share.clone());
            let share = steering::region_share(self, label);
            let elsewhere = cut_off != kept.cut_off;
            if touched || !current || elsewhere || before != share {
                let anew = Kept {
                    group,
                    step,
                    as_of,
                    rollup: Rollup::of(self, label),
                };
                kept.by_region.insert(label.clone(), anew);
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
        (kept.ages, kept.step) = (Some(self.ages()), Some(self.age_step(0)));
        kept.cut_off = cut_off;
        self.rollups = kept;
    }
}
