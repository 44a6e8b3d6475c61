//! When each source is asked at each place: one question in flight and one replaceable, jittered, backed off, with a circuit breaker each. Pure; asks nobody itself.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};

use jiff::Timestamp;

use crate::resources::{
    ErrorClass, Fleet, Kind, Place, ProviderError, Query, Source, Wanted, clusters::Cluster,
};

/// Failures in a row after which the circuit breaker opens: from then on the source is only probed.
const BREAKER: u32 = 3;
/// The longest pause between two probes.
const LONGEST: Duration = Duration::from_secs(120);
/// How often something is asked that will not mend by itself (a missing permission).
const HOPELESS: Duration = Duration::from_secs(300);
/// How long the metrics of a place wait for the inventory of that place when it does not come.
const PATIENCE: Duration = Duration::from_secs(12);
/// How long the metrics of two places are asked apart, where all are asked again.
const APART: Duration = Duration::from_millis(100);

/// Sources whose rows name no series, so that the metrics need not wait for them.
const UNMEASURED: &[Source] = &[
    Source::Metrics,
    Source::Prometheus,
    Source::FiringAlerts,
    Source::ApiServers,
    Source::Deployments,
    Source::Nodes,
    Source::Routes,
    Source::Rollouts,
    Source::Identity,
    Source::Alarms,
    Source::Pipelines,
];

#[derive(Debug, Clone, PartialEq, Eq)]
struct Poll {
    due: Timestamp,
    /// By how much it is due later than at the usual pace.
    later: Duration,
    asked: u32,
    in_flight: bool,
    again: bool,
    failures: u32,
}

/// When each source is asked at each place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    started_at: Timestamp,
    polls: BTreeMap<(Source, Place), Poll>,
}

impl Schedule {
    /// Everything due at once.
    pub fn new(fleet: &Fleet) -> Self {
        let places = |&source: &Source| {
            fleet
                .estate
                .places(source)
                .into_iter()
                .map(move |place| (source, place))
        };
        let poll = || Poll {
            due: fleet.now,
            later: Duration::ZERO,
            asked: 0,
            in_flight: false,
            again: false,
            failures: 0,
        };
        let polls = Source::ALL
            .iter()
            .flat_map(places)
            .map(|at| (at, poll()))
            .collect();
        Self {
            started_at: fleet.now,
            polls,
        }
    }

    /// The questions that are due now; they count as in flight from here on.
    pub fn due(&mut self, fleet: &Fleet) -> Vec<Query> {
        let now = fleet.now;
        let ready: Vec<(Source, Place)> = self
            .polls
            .iter()
            .filter(|(_, poll)| !poll.in_flight && poll.due <= now)
            .filter(|((source, place), poll)| {
                poll.asked > 0 || self.inventory_known(*source, place, now)
            })
            .map(|(at, _)| at.clone())
            .collect();
        let mut queries = Vec::with_capacity(ready.len());
        for (source, place) in ready {
            let wanted = wanted(fleet, source, &place);
            if let Some(poll) = self.polls.get_mut(&(source, place.clone())) {
                poll.in_flight = true;
                poll.asked += 1;
            }
            queries.push(Query {
                source,
                place,
                wanted,
                read: 0,
            });
        }
        queries
    }

    /// Takes note of an answer or a failure and decides when to ask again.
    pub fn answered(&mut self, fleet: &Fleet, query: &Query, error: Option<&ProviderError>) {
        let interval = fleet.estate.interval(query.source);
        let first_failure = !self
            .polls
            .iter()
            .any(|((_, place), poll)| *place == query.place && poll.failures > 0);
        let Some(poll) = self.polls.get_mut(&(query.source, query.place.clone())) else {
            return;
        };
        poll.in_flight = false;
        let was_failing = poll.failures > 0;
        poll.failures = if error.is_some() {
            poll.failures.saturating_add(1)
        } else {
            0
        };
        let pause = match error {
            None => interval,
            // The watches behind it back off by themselves, and the next read costs nothing.
            Some(_) if query.source.watched() => interval,
            Some(error) => pause(interval, poll.failures, error.class),
        };
        let pause = if std::mem::take(&mut poll.again) {
            Duration::ZERO
        } else {
            jittered(pause, query, poll.asked)
        };
        // What fails is asked at the usual pace: somebody may have to be told.
        poll.later = match error {
            None => pause * (fleet.pace - 1),
            Some(_) => Duration::ZERO,
        };
        let pause = pause + poll.later;
        poll.due = fleet.now.saturating_add(pause).unwrap_or(fleet.now);
        let silent = matches!(error, Some(error) if matches!(error.class, ErrorClass::Timeout | ErrorClass::Unreachable));
        if silent && first_failure {
            self.hasten(query, fleet.now, |failures| failures == 0);
        } else if error.is_none() && was_failing {
            self.hasten(query, fleet.now, |failures| failures > 0);
        }
    }

    /// Asks the other sources of a place at once: the first silence is checked against them, so that a lost region is known as such in seconds
    /// and not when the slowest poll comes round; and the first answer after a silence tells that it may be over.
    fn hasten(&mut self, query: &Query, now: Timestamp, which: impl Fn(u32) -> bool) {
        let others = self.polls.iter_mut().filter(|((source, place), poll)| {
            *place == query.place && *source != query.source && !poll.in_flight && poll.asked > 0
        });
        // Metrics are billed, and tell nothing that a free call does not.
        let others = others.filter(|((source, _), poll)| {
            which(poll.failures) && (*source != Source::Metrics || poll.failures > 0)
        });
        for (_, poll) in others {
            poll.due = poll.due.min(now);
        }
    }

    /// Takes note that there is nothing to ask yet; the inventory may list something soon.
    pub fn postpone(&mut self, query: &Query, now: Timestamp) {
        if let Some(poll) = self.polls.get_mut(&(query.source, query.place.clone())) {
            poll.in_flight = false;
            poll.due = now.saturating_add(PATIENCE).unwrap_or(now);
        }
    }

    /// Asks again at once for everything that a kind shows; what is in flight is asked once more when it returns.
    pub fn refresh(&mut self, kind: Kind, now: Timestamp) {
        self.again(now, |source| {
            source.kind() == kind.told_by() || source == Source::Metrics
        });
    }

    /// Asks again for everything: metrics, which are minutes old by nature, one place after the other, for it takes a while to name thousands of series.
    pub fn refresh_all(&mut self, now: Timestamp) {
        self.again(now, |source| source != Source::Metrics);
        let metrics = self.polls.iter_mut();
        let metrics = metrics.filter(|((source, _), _)| *source == Source::Metrics);
        for (turn, (_, poll)) in (1..).zip(metrics) {
            poll.again = poll.in_flight;
            let due = now.saturating_add(APART * turn).unwrap_or(now);
            // Who plans again and again must not put them off.
            poll.due = poll.due.min(due);
        }
    }

    fn again(&mut self, now: Timestamp, which: impl Fn(Source) -> bool) {
        for ((source, _), poll) in &mut self.polls {
            if which(*source) {
                poll.again = poll.in_flight;
                poll.due = now;
            }
        }
    }

    /// Back to the usual pace: what would be due by it is due.
    pub fn wake(&mut self) {
        for poll in self.polls.values_mut() {
            let later = std::mem::take(&mut poll.later);
            poll.due = poll.due.saturating_sub(later).unwrap_or(poll.due);
        }
    }

    /// Whether everything was asked and has answered or failed at least once: the end of a `status`.
    pub fn settled(&self) -> bool {
        self.polls
            .values()
            .all(|poll| poll.asked > 1 || (poll.asked > 0 && !poll.in_flight))
    }

    /// Whether the breaker of a source is open at a place.
    pub fn breaker_open(&self, source: Source, place: &Place) -> bool {
        self.polls
            .get(&(source, place.clone()))
            .is_some_and(|poll| poll.failures >= BREAKER)
    }

    /// How many questions are in flight.
    pub fn in_flight(&self) -> usize {
        self.polls.values().filter(|poll| poll.in_flight).count()
    }

    /// Metrics and API servers are asked about what the inventory lists, so their first question waits for it.
    fn inventory_known(&self, source: Source, place: &Place, now: Timestamp) -> bool {
        let waits_for = |other: Source| {
            (source == Source::Metrics && !UNMEASURED.contains(&other))
                || (source.of_api_servers() && other == Source::Clusters)
        };
        let patient = crate::resources::age(self.started_at, now) < PATIENCE;
        !patient
            || self
                .polls
                .iter()
                .filter(|((other, at), _)| at == place && waits_for(*other))
                .all(|(_, poll)| poll.asked > 0 && !poll.in_flight)
    }
}

fn wanted(fleet: &Fleet, source: Source, place: &Place) -> Wanted {
    if source == Source::Metrics {
        return Wanted::Series(fleet.wanted_series(place));
    }
    if source.of_api_servers() {
        let server = |row: &Cluster| match row {
            Cluster::Eks(cluster) => Some(cluster.api_server.clone()),
            Cluster::ApiServer(_) | Cluster::NodeGroup(_) | Cluster::Nodes(_) => None,
        };
        return Wanted::ApiServers(fleet.clusters.at(place).filter_map(server).collect());
    }
    Wanted::Nothing
}

/// The pause after a failure. The first failures are asked again at the usual pace, so that two missed polls mean what they say; then the breaker opens.
fn pause(interval: Duration, failures: u32, class: ErrorClass) -> Duration {
    let doubled = |times: u32| {
        interval
            .saturating_mul(1 << times.min(6))
            .min(LONGEST)
            .max(interval)
    };
    match class {
        ErrorClass::Denied | ErrorClass::NotFound | ErrorClass::Conflict | ErrorClass::Terminal => {
            HOPELESS.max(interval)
        }
        ErrorClass::Throttled => doubled(failures),
        // A new login must be seen soon, whatever the usual pace is.
        ErrorClass::Identity => Duration::from_secs(30),
        ErrorClass::Transient
        | ErrorClass::Timeout
        | ErrorClass::Unreachable
        | ErrorClass::Skipped
            if failures < BREAKER =>
        {
            interval.min(Duration::from_secs(30))
        }
        ErrorClass::Transient
        | ErrorClass::Timeout
        | ErrorClass::Unreachable
        | ErrorClass::Skipped => doubled(failures - BREAKER + 1),
    }
}

/// Up to 20 % more or less, by the question and how often it was asked: spread out, and still the same in every replay.
fn jittered(pause: Duration, query: &Query, asked: u32) -> Duration {
    let mut hasher = DefaultHasher::new();
    (query.source, &query.place, asked).hash(&mut hasher);
    let unit = (hasher.finish() % 10_000) as f64 / 10_000.0;
    pause.mul_f64(0.8 + 0.4 * unit)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::resources::{Estate, RegionLabel, estate::RegionSpec};

    fn fleet(labels: &[&str]) -> Fleet {
        let region = |label: &&str| RegionSpec::aws(RegionLabel::new(label).unwrap());
        let estate = Estate {
            regions: labels.iter().map(region).collect(),
            ..Estate::default()
        };
        Fleet::new(Arc::new(estate), Timestamp::from_second(1_000_000).unwrap())
    }

    fn later(fleet: &mut Fleet, seconds: i64) {
        fleet.now += jiff::SignedDuration::from_secs(seconds);
    }

    fn timeout() -> ProviderError {
        ProviderError::new(
            ErrorClass::Timeout,
            "rds:DescribeDBClusters",
            "no answer in 10 s",
        )
    }

    fn has(queries: &[Query], source: Source) -> bool {
        queries.iter().any(|query| query.source == source)
    }

    #[test]
    fn everything_but_metrics_and_api_servers_is_asked_at_once() {
        let fleet = fleet(&["eu-west-1", "us-east-1"]);
        let mut schedule = Schedule::new(&fleet);
        let queries = schedule.due(&fleet);
        assert!(!has(&queries, Source::Metrics) && !has(&queries, Source::ApiServers));
        assert_eq!(
            queries
                .iter()
                .filter(|query| query.source == Source::Rds)
                .count(),
            2
        );
        assert!(
            schedule.due(&fleet).is_empty(),
            "one question in flight per source and place"
        );
    }

    #[test]
    fn metrics_wait_for_the_inventory_but_not_for_ever() {
        let mut fleet = fleet(&["eu-west-1"]);
        let mut schedule = Schedule::new(&fleet);
        let place = Place::Region(RegionLabel::new("eu-west-1").unwrap());
        for query in schedule
            .due(&fleet)
            .iter()
            .filter(|query| query.place == place && query.source != Source::Rds)
        {
            schedule.answered(&fleet, query, None);
        }
        later(&mut fleet, 1);
        assert!(
            !has(&schedule.due(&fleet), Source::Metrics),
            "the databases have not answered"
        );
        later(&mut fleet, 12);
        assert!(
            has(&schedule.due(&fleet), Source::Metrics),
            "a hung database API must not hide the traffic"
        );
    }

    #[test]
    fn a_region_that_hangs_is_probed_more_and_more_rarely_and_delays_no_other() {
        let mut fleet = fleet(&["eu-west-1", "us-east-1"]);
        let mut schedule = Schedule::new(&fleet);
        let mut asked = 0;
        for _ in 0..1_800 {
            for query in schedule.due(&fleet) {
                let sick = query.place == Place::Region(RegionLabel::new("us-east-1").unwrap());
                asked += u32::from(sick && query.source == Source::Rds);
                schedule.answered(&fleet, &query, sick.then(timeout).as_ref());
            }
            later(&mut fleet, 1);
        }
        assert!(
            (15..=25).contains(&asked),
            "30 minutes at 30 s are 60 polls; the breaker leaves a probe each two minutes, not {asked}"
        );
        assert!(schedule.breaker_open(
            Source::Rds,
            &Place::Region(RegionLabel::new("us-east-1").unwrap())
        ));
        assert!(!schedule.breaker_open(
            Source::Rds,
            &Place::Region(RegionLabel::new("eu-west-1").unwrap())
        ));
    }

    #[test]
    fn the_first_silence_is_checked_against_everything_else_there_but_the_billed_metrics() {
        let mut fleet = fleet(&["eu-west-1", "us-east-1"]);
        let mut schedule = Schedule::new(&fleet);
        for _ in 0..3 {
            for query in schedule.due(&fleet) {
                schedule.answered(&fleet, &query, None);
            }
            later(&mut fleet, 1);
        }
        let eu = Place::Region(RegionLabel::new("eu-west-1").unwrap());
        let query = |source| Query {
            source,
            place: eu.clone(),
            wanted: Wanted::Nothing,
            read: 0,
        };
        schedule.answered(&fleet, &query(Source::Alarms), Some(&timeout()));
        let asked = schedule.due(&fleet);
        assert!(has(&asked, Source::Identity) && has(&asked, Source::Aliases));
        assert!(!has(&asked, Source::Metrics) && !has(&asked, Source::Alarms));
        assert!(
            asked.iter().all(|query| query.place == eu),
            "nothing elsewhere"
        );
        for query in &asked {
            schedule.answered(&fleet, query, None);
        }
        schedule.answered(&fleet, &query(Source::Alarms), Some(&timeout()));
        assert!(
            schedule.due(&fleet).is_empty(),
            "once per silence, not once per failure"
        );
    }

    #[test]
    fn the_first_answer_after_a_silence_asks_the_silent_ones_again() {
        let mut fleet = fleet(&["eu-west-1"]);
        let mut schedule = Schedule::new(&fleet);
        for _ in 0..120 {
            for query in schedule.due(&fleet) {
                schedule.answered(&fleet, &query, Some(&timeout()));
            }
            later(&mut fleet, 1);
        }
        let alarms = Query {
            source: Source::Alarms,
            place: Place::Region(RegionLabel::new("eu-west-1").unwrap()),
            wanted: Wanted::Nothing,
            read: 0,
        };
        assert!(
            !has(&schedule.due(&fleet), Source::Identity),
            "its breaker is open"
        );
        schedule.answered(&fleet, &alarms, None);
        assert!(has(&schedule.due(&fleet), Source::Identity));
    }

    #[test]
    fn everything_is_asked_again_at_once_but_for_metrics_which_have_their_turn() {
        let mut fleet = fleet(&["eu-west-1", "us-east-1"]);
        let mut schedule = Schedule::new(&fleet);
        let answer = |schedule: &mut Schedule, fleet: &Fleet| {
            let queries = schedule.due(fleet);
            for query in &queries {
                schedule.answered(fleet, query, None);
            }
            queries
        };
        answer(&mut schedule, &fleet);
        answer(&mut schedule, &fleet);
        let metrics = |queries: &[Query]| {
            let of = queries.iter();
            of.filter(|query| query.source == Source::Metrics).count()
        };
        schedule.refresh_all(fleet.now);
        let queries = answer(&mut schedule, &fleet);
        assert!(has(&queries, Source::Rds) && has(&queries, Source::Records));
        assert_eq!(metrics(&queries), 0);
        let mut turns = Vec::new();
        for _ in 0..4 {
            fleet.now += jiff::SignedDuration::try_from(APART).unwrap();
            turns.push(metrics(&answer(&mut schedule, &fleet)));
        }
        assert_eq!(turns, [1, 1, 1, 0]);
    }

    #[test]
    fn a_refresh_during_a_read_asks_once_more_when_it_returns() {
        let mut fleet = fleet(&["eu-west-1"]);
        let mut schedule = Schedule::new(&fleet);
        let queries = schedule.due(&fleet);
        let rds = queries
            .iter()
            .find(|query| query.source == Source::Rds)
            .unwrap();
        schedule.refresh(Kind::Databases, fleet.now);
        schedule.refresh(Kind::Databases, fleet.now);
        assert!(!has(&schedule.due(&fleet), Source::Rds));
        schedule.answered(&fleet, rds, None);
        assert!(has(&schedule.due(&fleet), Source::Rds));
        schedule.answered(&fleet, rds, None);
        later(&mut fleet, 1);
        assert!(!has(&schedule.due(&fleet), Source::Rds), "once, not twice");
    }
}
