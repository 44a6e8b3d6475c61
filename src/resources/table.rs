//! Rows per source and place, with when they were seen and what went wrong since. Owns freshness; must never forget a row because a read failed.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Place, ProviderError, Source, behind::News};

/// How much a value can be trusted, by its age.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Freshness {
    /// Seen within two polls.
    Fresh,
    /// Two polls missed: shown grey with `~`.
    Stale,
    /// Past its limit: shown as `?`, and every action that depends on it is disabled.
    Expired,
    /// Never seen.
    Never,
}

impl Freshness {
    /// Whether anything may be decided by what is so old.
    pub fn usable(self) -> bool {
        matches!(self, Self::Fresh | Self::Stale)
    }
}

/// The two ages at which a value changes its freshness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Older than this is stale: two polls and the time that an answer may take.
    pub stale: Duration,
    /// Older than this is expired.
    pub expired: Duration,
}

impl Limits {
    /// The time that an answer may take before a poll counts as missed.
    pub const GRACE: Duration = Duration::from_secs(10);

    /// The limits for something that is polled at an interval: stale after two missed polls, expired after six, at least 90 s (G-STALE).
    pub fn for_interval(interval: Duration) -> Self {
        Self {
            stale: interval * 2 + Self::GRACE,
            expired: (interval * 6).max(Duration::from_secs(90)),
        }
    }

    /// The limits for something that is watched: a server that has nothing to tell says so about once a minute, and is read at an interval.
    pub fn for_watch(interval: Duration) -> Self {
        let bookmark = Duration::from_secs(75);
        Self {
            stale: bookmark + interval + Self::GRACE,
            expired: bookmark * 2 + interval + Self::GRACE,
        }
    }

    /// The freshness of something seen at a time.
    pub fn judge(self, seen: Option<Timestamp>, now: Timestamp) -> Freshness {
        let Some(seen) = seen else {
            return Freshness::Never;
        };
        let age = age(seen, now);
        if age > self.expired {
            Freshness::Expired
        } else if age > self.stale {
            Freshness::Stale
        } else {
            Freshness::Fresh
        }
    }
}

/// The time since something was seen; zero when the clock went backwards.
pub fn age(seen: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(seen)).unwrap_or_default()
}

/// What one source said about one place.
#[derive(Debug, Clone, PartialEq)]
pub struct Slice<R> {
    /// The last complete answer; kept, dated, when later reads fail.
    pub rows: Vec<R>,
    /// When the last good answer arrived.
    pub observed_at: Option<Timestamp>,
    /// Reads that failed since then.
    pub missed: u32,
    /// When the first of them failed.
    pub failing_since: Option<Timestamp>,
    /// Why the last read failed; `None` after a good one.
    pub error: Option<ProviderError>,
    /// Parts of the last good answer that could not be read: the rows they would have filled are the older ones.
    pub problems: Vec<ProviderError>,
    /// How long the last answer took.
    pub took: Option<Duration>,
}

impl<R> Default for Slice<R> {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            observed_at: None,
            missed: 0,
            failing_since: None,
            error: None,
            problems: Vec::new(),
            took: None,
        }
    }
}

impl<R: PartialEq> Slice<R> {
    /// What an answer says that was not known, where this is so fresh.
    pub(super) fn news(
        &self,
        freshness: Freshness,
        rows: &[R],
        problems: &[ProviderError],
    ) -> News {
        let whole = self.error.is_none() && self.problems.is_empty() && problems.is_empty();
        if !freshness.usable() || self.rows != rows {
            News::Changed
        } else if freshness == Freshness::Fresh && whole {
            News::None
        } else {
            News::Rows
        }
    }
}

/// All rows of one kind. A copy shares its slices until one of them changes: a plan imagines many fleets, and each differs in a few rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Table<R> {
    slices: BTreeMap<(Source, Place), Arc<Slice<R>>>,
}

impl<R> Default for Table<R> {
    fn default() -> Self {
        Self {
            slices: BTreeMap::new(),
        }
    }
}

impl<R: Clone> Table<R> {
    /// Makes the slice known before its first answer, so that "not yet asked" can be told from "not there".
    pub fn expect(&mut self, source: Source, place: Place) -> &mut Slice<R> {
        Arc::make_mut(self.slices.entry((source, place)).or_default())
    }

    /// One slice.
    pub fn slice(&self, source: Source, place: &Place) -> Option<&Slice<R>> {
        self.slices.get(&(source, place.clone())).map(Arc::as_ref)
    }

    /// The rows of one slice, to imagine them otherwise.
    pub(super) fn rows_mut(&mut self, source: Source, place: &Place) -> &mut [R] {
        self.slices
            .get_mut(&(source, place.clone()))
            .map_or(&mut [], |slice| &mut Arc::make_mut(slice).rows)
    }

    /// The slices that are kept, as they are.
    pub(super) fn only(&self, keep: impl Fn(Source, &Place) -> bool) -> Self {
        let kept = self
            .slices
            .iter()
            .filter(|((source, place), _)| keep(*source, place));
        Self {
            slices: kept
                .map(|(key, slice)| (key.clone(), Arc::clone(slice)))
                .collect(),
        }
    }

    /// Every slice, by source and then place.
    pub fn slices(&self) -> impl Iterator<Item = (Source, &Place, &Slice<R>)> {
        self.slices
            .iter()
            .map(|((source, place), slice)| (*source, place, slice.as_ref()))
    }

    /// Every row with where it came from.
    pub fn rows(&self) -> impl Iterator<Item = (Source, &Place, &R)> {
        self.slices().flat_map(|(source, place, slice)| {
            slice.rows.iter().map(move |row| (source, place, row))
        })
    }

    /// The rows of one place, from every source.
    pub fn at<'a>(&'a self, place: &'a Place) -> impl Iterator<Item = &'a R> {
        self.slices()
            .filter(move |(_, p, _)| *p == place)
            .flat_map(|(_, _, slice)| slice.rows.iter())
    }

    /// Records a good answer.
    pub fn accept(
        &mut self,
        source: Source,
        place: Place,
        rows: Vec<R>,
        problems: Vec<ProviderError>,
        at: Timestamp,
        took: Duration,
    ) {
        let slice = self.slices.entry((source, place)).or_default();
        // What was asked earlier and arrives later is older than what is known: a poll must not undo what a verification has seen.
        let asked = |at: Timestamp, took: Duration| at - took;
        let known = slice.observed_at.zip(slice.took);
        if known.is_some_and(|(at_known, took_known)| asked(at, took) < asked(at_known, took_known))
        {
            return;
        }
        *slice = Arc::new(Slice {
            rows,
            observed_at: Some(at),
            missed: 0,
            failing_since: None,
            error: None,
            problems,
            took: Some(took),
        });
    }

    /// Records a failed read: the rows stay, dated and marked.
    pub fn reject(&mut self, source: Source, place: Place, error: ProviderError, at: Timestamp) {
        let slice = self.expect(source, place);
        slice.failing_since.get_or_insert(at);
        slice.missed = slice.missed.saturating_add(1);
        slice.error = Some(error);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::{ErrorClass, RegionLabel};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + second).unwrap()
    }

    #[test]
    fn a_value_ages_from_fresh_to_stale_to_expired() {
        let limits = Limits::for_interval(Duration::from_secs(30));
        assert_eq!(limits.judge(None, at(0)), Freshness::Never);
        assert_eq!(limits.judge(Some(at(0)), at(70)), Freshness::Fresh);
        assert_eq!(limits.judge(Some(at(0)), at(71)), Freshness::Stale);
        assert_eq!(limits.judge(Some(at(0)), at(181)), Freshness::Expired);
        assert_eq!(
            limits.judge(Some(at(10)), at(0)),
            Freshness::Fresh,
            "a clock that went back makes nothing old"
        );
    }

    #[test]
    fn a_failed_read_keeps_the_rows_and_counts() {
        let mut table = Table::default();
        let place = Place::Region(RegionLabel::new("eu-west-1").unwrap());
        table.accept(
            Source::Rds,
            place.clone(),
            vec![1, 2],
            Vec::new(),
            at(0),
            Duration::ZERO,
        );
        for second in [40, 70] {
            let error = ProviderError::new(
                ErrorClass::Timeout,
                "rds:DescribeDBClusters",
                "no answer in 10 s",
            );
            table.reject(Source::Rds, place.clone(), error, at(second));
        }
        let slice = table.slice(Source::Rds, &place).unwrap();
        assert_eq!(
            (slice.rows.as_slice(), slice.missed, slice.observed_at),
            ([1, 2].as_slice(), 2, Some(at(0)))
        );
        assert_eq!(slice.failing_since, Some(at(40)));
        assert!(slice.error.is_some());
    }

    #[test]
    fn a_copy_that_changes_leaves_the_other_as_it_was() {
        let place = Place::Global;
        let mut table = Table::default();
        let (rows, none) = (vec![1, 2], Vec::new());
        table.accept(
            Source::Records,
            place.clone(),
            rows,
            none,
            at(0),
            Duration::ZERO,
        );
        let before = table.clone();
        let mut imagined = table.only(|_, _| true);
        imagined.rows_mut(Source::Records, &place)[0] = 7;
        table.accept(
            Source::Records,
            place.clone(),
            vec![3],
            Vec::new(),
            at(9),
            Duration::ZERO,
        );
        let rows = |table: &Table<i32>| table.slice(Source::Records, &place).unwrap().rows.clone();
        assert_eq!(rows(&before), [1, 2]);
        assert_eq!(rows(&imagined), [7, 2]);
        assert_eq!(rows(&table), [3]);
    }
}
