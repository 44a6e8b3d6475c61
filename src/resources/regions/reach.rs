//! Which sources of a region answer, since when not, and how old the oldest thing is that we know. Owns "is this region reachable for us"; must never take one silent source for a dead region.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::demand::Demand;
use crate::resources::{
    ErrorClass, Fleet, Freshness, Place, ProviderError, RegionLabel, Scope, Source, age,
    clusters::Cluster,
};

/// A region whose last good answer is older than this while sources fail is not reachable. Longer than the longest interval of the fast sources plus the time an answer may take.
const SILENCE: Duration = Duration::from_secs(70);

/// The time in which a living region contradicts a first silence: its other sources are asked at once, and answer.
const CONTRADICTED: Duration = Duration::from_secs(2);

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
    /// When the first read after it failed.
    pub failing_since: Option<Timestamp>,
}

/// How a region answers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Reach {
    /// How many times rarer than usual they are asked.
    #[serde(skip)]
    pub pace: u32,
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

/// Whether a missing part says anything about a region: a kind of objects that we may not see, in a cluster that answers, does not.
fn counts(source: Source, problem: &ProviderError) -> bool {
    let forbidden = matches!(problem.class, ErrorClass::Denied | ErrorClass::NotFound);
    !(source.watched() && forbidden)
}

impl Reach {
    /// How a region answers now.
    pub fn of(fleet: &Fleet, label: &RegionLabel) -> Self {
        let place = Place::Region(label.clone());
        let mut reach = Self {
            pace: fleet.pace,
            ..Self::default()
        };
        let mut worst: Option<(Freshness, Timestamp)> = None;
        for &source in Source::ALL {
            let status = fleet.status(source, &place);
            if status.observed_at.is_none() && status.error.is_none() {
                continue; // not asked yet, or not asked here at all
            }
            if source == Source::ApiServers {
                reach.api_servers(fleet, &place);
                continue;
            }
            // Clusters that we have never been let into say nothing about their region.
            if source.watched() && status.observed_at.is_none() {
                continue;
            }
            // A Prometheus may stand anywhere: that it answers or not says nothing about the region that it tells about.
            if source.scope() == Scope::Measured {
                if status.error.is_some() || !status.problems.is_empty() {
                    reach.partial.push(source);
                }
                continue;
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
                    failing_since: status.failing_since,
                });
            }
            if status
                .problems
                .iter()
                .any(|problem| counts(source, problem))
            {
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

    /// API servers are asked one by one, and the read is good even when none answers. One that never did may be private and says nothing.
    fn api_servers(&mut self, fleet: &Fleet, place: &Place) {
        let status = fleet.status(Source::ApiServers, place);
        let slice = fleet.clusters.slice(Source::ApiServers, place);
        let rows = slice.into_iter().flat_map(|slice| &slice.rows);
        let servers = rows.filter_map(|row| match row {
            Cluster::ApiServer(server) => Some(server),
            Cluster::Eks(_) | Cluster::NodeGroup(_) | Cluster::Nodes(_) => None,
        });
        let (mut answer, mut silent) = (false, false);
        for server in servers {
            answer |= server.error.is_none();
            silent |= server.error.is_some() && server.answered_before;
        }
        if !answer && !silent {
            return;
        }
        self.asked += 1;
        let freshness = fleet.freshness(Source::ApiServers, place);
        if answer && status.error.is_none() {
            self.answering += 1;
            self.last_answer = self.last_answer.max(status.observed_at);
        }
        let class = match status.error {
            Some(error) => Some(error.class),
            None => (!answer).then_some(ErrorClass::Unreachable),
        };
        if class.is_some() || freshness > Freshness::Fresh {
            self.silent.push(Silent {
                source: Source::ApiServers,
                class,
                freshness,
                observed_at: status.observed_at.filter(|_| answer),
                failing_since: status.failing_since.or(status.observed_at),
            });
        }
    }

    /// The freshness of a region: of one of which only a Prometheus tells, that of what it tells.
    pub fn freshness_with(&self, demand: &Demand) -> Freshness {
        match demand.requests_per_second {
            Some(requests) if self.asked == 0 => requests.freshness(),
            Some(_) | None => self.freshness(),
        }
    }

    /// The worst freshness of everything that ever answered; `Never` when nothing did.
    fn freshness(&self) -> Freshness {
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

    /// Whether no API of the region answers: every source asked fails, or several do and none of the others has answered since.
    pub fn lost(&self, now: Timestamp) -> bool {
        let refused = |class| matches!(class, ErrorClass::Denied | ErrorClass::NotFound);
        let classes = || self.silent.iter().filter_map(|silent| silent.class);
        let failing = classes().filter(|class| !refused(*class)).count();
        // What is refused is asked too rarely to tell whether the region still answers.
        let told = self.asked
            - classes()
                .filter(|class| refused(*class))
                .count()
                .min(self.asked);
        let quiet = self
            .last_answer
            .is_none_or(|last| age(last, now) > SILENCE * self.pace.max(1));
        // The console checks the first silence against every other source at once: when a second one is silent too and none has answered since, it is the region.
        let began = |silent: &Silent| {
            let hangs = matches!(
                silent.class,
                Some(ErrorClass::Timeout | ErrorClass::Unreachable)
            );
            let after = |since: &Timestamp| self.last_answer.is_none_or(|last| *since > last);
            silent.failing_since.filter(|_| hangs).filter(after)
        };
        let since: Vec<Timestamp> = self.silent.iter().filter_map(began).collect();
        let first = since.iter().min();
        let together =
            since.len() >= 2 && first.is_some_and(|first| age(*first, now) >= CONTRADICTED);
        let all = failing == told && (failing >= 2 || failing == self.asked);
        self.asked > 0
            && (all || together || (failing >= 2 && quiet && self.answering < self.asked))
    }
}

/// Whether a class speaks of the way to an API and not of the API. Credentials count, because many are fetched over the same network.
fn on_the_way(class: ErrorClass) -> bool {
    matches!(
        class,
        ErrorClass::Timeout | ErrorClass::Unreachable | ErrorClass::Skipped | ErrorClass::Identity
    )
}

impl Reach {
    /// When the network to a region fell silent; `None` unless nothing answers there, and for that reason.
    fn dark_since(&self, now: Timestamp) -> Option<Timestamp> {
        let mut classes = self.silent.iter().filter_map(|silent| silent.class);
        let dark = self.lost(now) && classes.all(on_the_way);
        let hangs = |silent: &&Silent| {
            matches!(
                silent.class,
                Some(ErrorClass::Timeout | ErrorClass::Unreachable)
            )
        };
        let since = self.silent.iter().filter(hangs);
        since
            .filter_map(|silent| silent.failing_since)
            .min()
            .filter(|_| dark)
    }
}

impl Fleet {
    /// Whether nothing at all can be reached from here: every region is silent, and no other place has answered since the last of them fell silent.
    /// One path that fails is no dead region (G-QUORUM); that all die at once is less likely than that our own network does.
    pub fn cut_off(&self) -> bool {
        let mut silent_since: Option<Timestamp> = None;
        for spec in &self.estate.regions {
            match Reach::of(self, &spec.label).dark_since(self.now) {
                Some(since) => silent_since = silent_since.max(Some(since)),
                None => return false,
            }
        }
        let Some(silent_since) = silent_since else {
            return false;
        };
        let elsewhere = || {
            Source::ALL.iter().flat_map(|&source| {
                let places = self.estate.places(source).into_iter();
                let others = places.filter(|place| place.region().is_none());
                others.map(move |place| self.status(source, &place))
            })
        };
        let answered = elsewhere().any(|status| status.observed_at > Some(silent_since));
        let failed = elsewhere().any(|status| status.error.is_some());
        // A single region without any other witness may well be dead.
        !answered && (failed || self.estate.regions.len() > 1)
    }
}

#[cfg(test)]
#[path = "reach_tests.rs"]
mod tests;
