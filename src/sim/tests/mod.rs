//! A console without a runtime, with which the tests look at the simulated world.

mod cases;
mod changes;
mod fleet;
mod invalidations;
mod together;
mod wire;
mod workloads;

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use jiff::SignedDuration;

use super::*;
use crate::resources::{
    Api, ErrorClass, Fleet, Freshness, Place, RegionLabel, Rows, Source, Wanted, clusters::Cluster,
    health_checks, metrics::Reading, traffic::load_balancer_key,
};

const START: i64 = 1_780_000_020;

/// Time that moves when the test says so.
struct Manual(AtomicI64);

impl Clock for Manual {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.load(Ordering::Relaxed)).unwrap()
    }

    fn speed(&self) -> f64 {
        1.0
    }
}

fn time(second: i64) -> Timestamp {
    Timestamp::from_second(START + second).unwrap()
}

fn place(label: &str) -> Place {
    Place::Region(RegionLabel::new(label).unwrap())
}

/// A console without a runtime: it asks everything at the given seconds.
struct Watching {
    world: World,
    fleet: Fleet,
}

impl Watching {
    fn new(text: &str) -> Self {
        let scenario = Scenario::parse(text, "test").unwrap();
        let world = World::new(&scenario, scenario.seed, time(0));
        let fleet = Fleet::new(Arc::new(estate(&world)), time(0));
        Self { world, fleet }
    }

    fn named(name: &str) -> Self {
        let (_, text) = scenario::builtin()
            .iter()
            .find(|(known, _)| *known == name)
            .unwrap();
        Self::new(text)
    }

    fn query(&self, source: Source, place: &Place) -> Query {
        let servers = || {
            let rows = self.fleet.clusters.at(place);
            let known = rows.filter_map(|row| match row {
                Cluster::Eks(eks) => Some(eks.api_server.clone()),
                Cluster::ApiServer(_) | Cluster::NodeGroup(_) | Cluster::Nodes(_) => None,
            });
            Wanted::ApiServers(known.collect())
        };
        let wanted = if source == Source::Metrics {
            Wanted::Series(self.fleet.wanted_series(place))
        } else if source.of_api_servers() {
            servers()
        } else {
            Wanted::Nothing
        };
        Query {
            source,
            place: place.clone(),
            wanted,
            read: 0,
        }
    }

    /// Asks every source everywhere at a second.
    fn poll(&mut self, second: i64) {
        self.ask(second, Source::ALL, true);
    }

    /// The same, with all answers taken in before anything that follows is computed.
    fn poll_together(&mut self, second: i64) {
        self.ask(second, Source::ALL, false);
        self.fleet.catch_up();
    }

    fn ask(&mut self, second: i64, sources: &[Source], catch_up: bool) {
        self.world.advance_to(time(second));
        self.fleet.now = time(second);
        for &source in sources {
            for place in self.fleet.estate.places(source) {
                let query = self.query(source, &place);
                let reply = crate::sim::wire::reply(&self.world, &query);
                self.fleet
                    .take_in(&query, reply.result, time(second), reply.latency);
                if catch_up {
                    self.fleet.catch_up();
                }
            }
        }
    }

    fn error(&self, source: Source, place: &Place) -> Option<ErrorClass> {
        self.fleet
            .status(source, place)
            .error
            .map(|error| error.class)
    }

    /// Requests per second of a region, as a pane computes it.
    fn rps(&self, region: &str) -> Option<f64> {
        let key = load_balancer_key(&names::load_balancer_arn(region), "requests");
        self.fleet
            .reading(&place(region), &key)
            .usable()
            .map(|sum| sum / 60.0)
    }
}
