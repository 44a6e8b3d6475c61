//! What follows from the rows, computed once for all answers that came together: effective shares, versions, roll-ups, releases. Owns what is to be computed anew; never keeps a row.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    Answer, Fleet, Kind, Place, ProviderError, Query, Source, deployments, releases,
    traffic::share::Touched,
};

/// What was taken in since everything that follows was last computed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Behind {
    /// Whether an effective share may be another.
    shares: bool,
    /// Whose splits are others.
    splits: Vec<(Source, Place)>,
    /// Whether a service may run another version somewhere.
    versions: bool,
    /// Whether a deployment, or a roll-out that carries one, was read.
    releases: bool,
    /// Where something else was read than before, or could not be read.
    places: Vec<Place>,
    /// Where the same was read again.
    heard: Vec<Place>,
}

/// What an answer says, beside the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum News {
    /// Something else, or what it says was of no use any more.
    Changed,
    /// The same rows, but the answer before had become old or was not whole, or this one is not.
    Rows,
    /// The same.
    None,
}

impl Behind {
    /// Takes note of an answer or a failure.
    pub(super) fn note(&mut self, query: &Query, news: News) {
        let same = news != News::Changed;
        let deployments = query.source.kind() == Kind::Deployments;
        self.shares |= !same && bears_on_shares(query);
        if !same && query.source.kind() == Kind::Traffic {
            self.splits.push((query.source, query.place.clone()));
        }
        self.versions |= !same && deployments;
        self.releases |= deployments || query.source == Source::Rollouts;
        let places = match news {
            News::Changed | News::Rows => &mut self.places,
            News::None => &mut self.heard,
        };
        if !places.contains(&query.place) {
            places.push(query.place.clone());
        }
    }
}

/// Whether an answer can change an effective share: it lists what splits traffic, or tells its health, which Route 53 publishes globally.
fn bears_on_shares(query: &Query) -> bool {
    match query.source.kind() {
        Kind::Traffic | Kind::HealthChecks => true,
        Kind::Metrics => query.place == Place::Global,
        Kind::Regions
        | Kind::Databases
        | Kind::Caches
        | Kind::Alarms
        | Kind::Deployments
        | Kind::Releases
        | Kind::Pipelines
        | Kind::Clusters => false,
    }
}

impl Fleet {
    /// Takes an answer in, and computes what follows.
    pub fn accept(&mut self, query: &Query, answer: Answer, at: Timestamp, took: Duration) {
        self.take_in(query, Ok(answer), at, took);
        self.catch_up();
    }

    /// Takes a failed read in, and computes what follows.
    pub fn reject(&mut self, query: &Query, error: ProviderError) {
        self.take_in(query, Err(error), self.now, Duration::ZERO);
        self.catch_up();
    }

    /// Computes what follows from everything that was taken in.
    pub fn catch_up(&mut self) {
        let behind = std::mem::take(&mut self.behind);
        if behind.shares {
            self.renew_shares(|source, place| {
                let mut splits = behind.splits.iter();
                splits.any(|(known, at)| (*known, at) == (source, place))
            });
        }
        if behind.versions {
            self.versions = deployments::versions::Versions::of(self);
        }
        if !(behind.places.is_empty() && behind.heard.is_empty()) {
            self.roll_up(&behind.places, &behind.heard);
        }
        if behind.releases {
            self.release();
        }
    }

    /// Computes the effective shares anew, so that no frame does: what follows from health, and the splits of the slices that have changed.
    pub(super) fn renew_shares(&mut self, changed: impl Fn(Source, &Place) -> bool) {
        let mut shares = std::mem::take(&mut self.shares);
        shares.renew(self, changed);
        self.shares = shares;
    }

    /// The same after changes that are imagined: time stands still, and only what they touch is another.
    pub(super) fn renew_shares_now(&mut self, touched: &Touched) {
        let mut shares = std::mem::take(&mut self.shares);
        shares.renew_now(self, touched);
        self.shares = shares;
    }

    /// Sees how far each release is. Not told by any source: it follows from the deployments and from the minutes of their regions.
    pub(super) fn release(&mut self) {
        let rows = releases::all(self);
        let told = self.deployments.slices();
        let told = told.filter_map(|(_, _, slice)| slice.observed_at).min();
        let slice = self.releases.expect(Source::Deployments, Place::Global);
        slice.rows = rows;
        slice.observed_at = told;
    }
}
