//! Simulated fleets for the tests of actions, and the tests of what those share.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use super::*;
use crate::{
    actions,
    plan::{Options, ledger::Ledger},
    resources::{Answer, Query, Rows, Wanted, clusters::Cluster, databases::Database},
    sim::{Clock, Scenario, SimProvider},
};

const START: i64 = 1_780_000_020;

/// Virtual time that moves when a test says so.
struct Manual(AtomicI64);

impl Clock for Manual {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.load(Ordering::Relaxed)).unwrap()
    }

    fn speed(&self) -> f64 {
        1.0
    }
}

/// A console without a runtime before a simulated world.
pub struct Watched {
    sim: SimProvider,
    clock: Arc<Manual>,
    pub fleet: Fleet,
}

pub fn label(text: &str) -> RegionLabel {
    RegionLabel::new(text).unwrap()
}

pub fn place(text: &str) -> Place {
    Place::Region(label(text))
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(START + second).unwrap()
}

impl Watched {
    /// A scenario of which nothing has been read.
    pub fn new(scenario: &str) -> Self {
        let scenario = Scenario::named(scenario).unwrap().unwrap();
        let clock = Arc::new(Manual(AtomicI64::new(START)));
        let sim = SimProvider::new(&scenario, scenario.seed, clock.clone());
        let fleet = Fleet::new(Arc::new(sim.estate()), at(0));
        Self { sim, clock, fleet }
    }

    /// A scenario in which everything was asked every 30 s until a second.
    pub fn until(scenario: &str, second: i64) -> Self {
        let mut watched = Self::new(scenario);
        for now in (0..second).step_by(30) {
            watched.poll(now);
        }
        watched.poll(second);
        watched
    }

    fn query(&self, source: Source, place: &Place) -> Query {
        let servers = self.fleet.clusters.at(place).filter_map(|row| match row {
            Cluster::Eks(eks) => Some(eks.api_server.clone()),
            Cluster::ApiServer(_) | Cluster::NodeGroup(_) | Cluster::Nodes(_) => None,
        });
        let wanted = match source {
            Source::Metrics => Wanted::Series(self.fleet.wanted_series(place)),
            Source::ApiServers => Wanted::ApiServers(servers.collect()),
            _ => Wanted::Nothing,
        };
        Query {
            source,
            place: place.clone(),
            wanted,
            read: 0,
        }
    }

    /// Asks every source everywhere at a second.
    pub fn poll(&mut self, second: i64) {
        self.clock.0.store(START + second, Ordering::Relaxed);
        self.fleet.advance(at(second));
        for &source in Source::ALL {
            for place in self.fleet.estate.places(source) {
                let query = self.query(source, &place);
                let reply = self.sim.reply(&query);
                match reply.result {
                    Ok(answer) => {
                        self.fleet.accept(&query, answer, at(second), reply.latency);
                    }
                    Err(error) => self.fleet.reject(&query, error),
                }
            }
        }
    }

    /// Rows that a region answers with now, instead of those of the simulator.
    pub fn answer(&mut self, source: Source, region: &str, rows: Rows) {
        let query = Query {
            source,
            place: place(region),
            wanted: Wanted::Nothing,
            read: 0,
        };
        let now = self.fleet.now;
        let took = Duration::from_millis(100);
        self.fleet.accept(&query, Answer::of(rows), now, took);
    }

    /// The databases that RDS listed in a region, changed.
    pub fn databases(&mut self, region: &str, mut change: impl FnMut(&mut Database)) {
        let slice = self.fleet.databases.slice(Source::Rds, &place(region));
        let mut rows = slice.unwrap().rows.clone();
        rows.iter_mut().for_each(&mut change);
        self.answer(Source::Rds, region, Rows::Databases(rows));
    }

    pub fn plan(&self, action: &str, target: &str, options: Options) -> Result<Plan, Refusal> {
        actions::plan(
            &self.fleet,
            &Ledger::default(),
            &intent(action, target, options),
        )
        .map(crate::actions::kit::tests::permitted)
    }

    /// The same fleet a few seconds later.
    pub fn later(&self, seconds: u64) -> Fleet {
        let mut fleet = self.fleet.clone();
        fleet.advance(fleet.now + Duration::from_secs(seconds));
        fleet
    }
}

pub fn intent(action: &str, target: &str, options: Options) -> Intent {
    Intent {
        action: action.to_owned(),
        target: target.to_owned(),
        options,
    }
}

pub fn to(region: &str) -> Options {
    Options {
        to: Some(region.to_owned()),
        ..Options::default()
    }
}

/// Whether one of several texts has all these parts.
pub fn says(texts: &[String], parts: &[&str]) -> bool {
    texts
        .iter()
        .any(|text| parts.iter().all(|part| text.contains(part)))
}

/// A plan made of the same facts a moment later has the same hash and is another plan.
pub fn assert_stable(watched: &Watched, plan: &Plan) {
    let fleet = watched.later(1);
    let again = actions::plan(&fleet, &Ledger::default(), &plan.intent).unwrap();
    assert_ne!(again.made_at, plan.made_at);
    assert_eq!(again.hash(), plan.hash());
}

fn named(full: &str, forms: &[&str]) -> Named<String> {
    Named {
        full: full.to_owned(),
        forms: forms.iter().map(|form| (*form).to_owned()).collect(),
        what: full.to_owned(),
    }
}

fn two() -> Vec<Named<String>> {
    vec![
        named("eu/instance/orders", &["orders", "eu/orders"]),
        named("us/instance/orders", &["orders", "us/orders"]),
        named("us/cluster/shop", &["shop", "us/shop"]),
    ]
}

#[test]
fn a_target_means_one_thing_or_is_refused_with_what_it_could_mean() {
    assert_eq!(
        resolve("databases", "shop", two()).unwrap(),
        "us/cluster/shop"
    );
    assert_eq!(
        resolve("databases", "eu/orders", two()).unwrap(),
        "eu/instance/orders"
    );
    let ambiguous = resolve("databases", "orders", two()).unwrap_err();
    assert_eq!(
        ambiguous.advice,
        "say which: eu/instance/orders, us/instance/orders"
    );
    let mistyped = resolve("databases", "shpo", two()).unwrap_err();
    assert_eq!(mistyped.advice, "did you mean `shop`?");
    let other = resolve("databases", "zzz", two()).unwrap_err();
    assert_eq!(other.advice, "there are eu/orders, us/orders, shop");
}

#[test]
fn nothing_has_come_from_a_dead_source_since_the_last_good_value() {
    let reading = Reading::Value {
        value: 200.0,
        at: at(0),
        freshness: crate::resources::Freshness::Expired,
    };
    assert_eq!(loss(reading, false, at(4)), Some(200.0));
    assert_eq!(loss(reading, true, at(4)), Some(4_200.0));
    assert_eq!(
        loss_words(Some(4_200.0)),
        "up to 4.2 s of writes may be lost"
    );
    assert_eq!(loss(Reading::NoData, true, at(4)), None);
    assert!(loss_words(None).contains("not known"));
}
