//! A service that is counted under several names, one for each of its ports, as one: requests add up, errors are weighted by them, the worst latency counts. Owns that arithmetic; asks nobody.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Point, Quality, Series, signals::Signal};

/// The three series of one name, in the order of [`Signal::ALL`]; `None` where there is none.
pub(super) type Part<'a> = [Option<&'a Series>; 3];

/// The parts as one; `None` where there is nothing to join.
pub(super) fn join(parts: &[Part<'_>]) -> Option<[Series; 3]> {
    let requests = of(parts, Signal::Requests, |values| values.iter().sum())?;
    let errors = errors(parts)?;
    let p95 = of(parts, Signal::P95, |values| {
        values.iter().copied().fold(f64::MIN, f64::max)
    })?;
    Some([requests, errors, p95])
}

/// One signal of all parts, its values of a time combined.
fn of(parts: &[Part<'_>], signal: Signal, combine: impl Fn(&[f64]) -> f64) -> Option<Series> {
    let mut values: BTreeMap<Timestamp, Vec<f64>> = BTreeMap::new();
    for point in points(parts, signal) {
        values.entry(point.at).or_default().push(point.value);
    }
    let values = values.into_iter();
    series(
        parts,
        signal,
        values.map(|(at, values)| (at, combine(&values))),
    )
}

/// Shares of all requests of a time: each part's share counts as much as its requests.
fn errors(parts: &[Part<'_>]) -> Option<Series> {
    let mut values: BTreeMap<Timestamp, (f64, f64)> = BTreeMap::new();
    for part in parts {
        let requests = points(std::slice::from_ref(part), Signal::Requests);
        let requests: BTreeMap<Timestamp, f64> =
            requests.map(|point| (point.at, point.value)).collect();
        for point in points(std::slice::from_ref(part), Signal::Errors) {
            let rate = requests.get(&point.at).copied().unwrap_or_default();
            let (failed, all) = values.entry(point.at).or_default();
            *failed += rate * point.value;
            *all += rate;
        }
    }
    let values = values.into_iter();
    let shares = values.filter(|(_, (_, all))| *all > 0.0);
    series(
        parts,
        Signal::Errors,
        shares.map(|(at, (failed, all))| (at, failed / all)),
    )
}

fn points<'a>(parts: &'a [Part<'a>], signal: Signal) -> impl Iterator<Item = &'a Point> {
    let all = parts.iter().filter_map(move |part| part[signal as usize]);
    all.flat_map(|series| &series.points)
}

/// A series of these values, as complete as the worst of the parts.
fn series(
    parts: &[Part<'_>],
    signal: Signal,
    oldest_first: impl DoubleEndedIterator<Item = (Timestamp, f64)>,
) -> Option<Series> {
    let all = || parts.iter().filter_map(|part| part[signal as usize]);
    let points = oldest_first.rev().map(|(at, value)| Point { at, value });
    Some(Series {
        spec: all().next()?.spec.clone(),
        points: points.collect(),
        quality: all().fold(Quality::Complete, |worst, series| {
            worst.worse(series.quality)
        }),
    })
}

impl Quality {
    /// The worse of two.
    pub(super) fn worse(self, other: Self) -> Self {
        let rank = |quality| match quality {
            Self::Complete => 0,
            Self::Partial => 1,
            Self::Failed => 2,
            Self::Forbidden => 3,
        };
        if rank(other) > rank(self) {
            other
        } else {
            self
        }
    }
}
