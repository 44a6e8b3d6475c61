//! Which sources of a region answer, since when not, and how old the oldest thing is that we know. Owns "is this region reachable for us"; must never take one silent source for a dead region.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::resources::{ErrorClass, Fleet, Freshness, Place, RegionLabel, Source, age};

/// A region whose last good answer is older than this while sources fail is not reachable. Longer than the longest interval of the fast sources plus the time an answer may take.
const SILENCE: Duration = Duration::from_secs(70);

/// A source that gave no answer when it was last asked, or whose last one is too old.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Silent {
    /// The source.
    pub source: Source,
    /// Why, where the last read failed.
    pub class: Option<ErrorClass>,
    /// Age of what we know from it.
    pub freshness: Freshness,
    /// The last good answer.
    pub observed_at: Option<Timestamp>,
}

/// How a region answers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Reach {
    /// Sources asked so far.
    pub asked: usize,
    /// Sources whose last read was good.
    pub answering: usize,
    /// The others, and those whose answer is too old.
    pub silent: Vec<Silent>,
    /// Sources whose last good answer has parts missing.
    pub partial: Vec<Source>,
    /// The newest good answer of any source.
    pub last_answer: Option<Timestamp>,
    /// The oldest good answer among those with the worst freshness.
    pub oldest_answer: Option<Timestamp>,
}

impl Reach {
    /// How a region answers now.
    pub fn of(fleet: &Fleet, label: &RegionLabel) -> Self {
        let place = Place::Region(label.clone());
        let mut reach = Self::default();
        let mut worst: Option<(Freshness, Timestamp)> = None;
        for &source in Source::ALL {
            let status = fleet.status(source, &place);
            if status.observed_at.is_none() && status.error.is_none() {
                continue; // not asked yet, or not asked here at all
            }
            reach.asked += 1;
            let freshness = fleet.freshness(source, &place);
            if status.error.is_none() {
                reach.answering += 1;
            }
            if status.error.is_some() || freshness > Freshness::Fresh {
                reach.silent.push(Silent {
                    source,
                    class: status.error.map(|error| error.class),
                    freshness,
                    observed_at: status.observed_at,
                });
            }
            if !status.problems.is_empty() {
                reach.partial.push(source);
            }
            let Some(at) = status.observed_at else {
                continue;
            };
            reach.last_answer = reach.last_answer.max(Some(at));
            // Slow sources are minutes old by design; among fresh answers only the fast ones say how old the picture is.
            if freshness == Freshness::Fresh
                && fleet.estate.interval(source) > Duration::from_secs(60)
            {
                continue;
            }
            let older = worst
                .is_none_or(|(class, seen)| freshness > class || (freshness == class && at < seen));
            if older {
                worst = Some((freshness, at));
            }
        }
        reach.oldest_answer = worst.map(|(_, at)| at).or(reach.last_answer);
        reach
    }

    /// The worst freshness of everything that ever answered; `Never` when nothing did.
    pub fn freshness(&self) -> Freshness {
        if self.last_answer.is_none() {
            return Freshness::Never;
        }
        self.silent
            .iter()
            .filter(|silent| silent.observed_at.is_some())
            .map(|silent| silent.freshness)
            .max()
            .unwrap_or(Freshness::Fresh)
    }

    /// Whether no API of the region answers: every source asked fails, or several do and the slow ones have merely not been asked since.
    pub fn lost(&self, now: Timestamp) -> bool {
        let failing = |silent: &&Silent| {
            silent
                .class
                .is_some_and(|class| class != ErrorClass::Denied && class != ErrorClass::NotFound)
        };
        let failing = self.silent.iter().filter(failing).count();
        let quiet = self.last_answer.is_none_or(|last| age(last, now) > SILENCE);
        self.asked > 0
            && (failing == self.asked || (failing >= 2 && quiet && self.answering < self.asked))
    }
}
