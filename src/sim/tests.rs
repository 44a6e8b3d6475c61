//! What a console sees of the simulated world: the fleet at given times in each drill, and how the APIs misbehave.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use jiff::SignedDuration;

use super::*;
use crate::resources::{
    Api, ErrorClass, Fleet, Place, RegionLabel, Rows, Source, Wanted, health_checks,
    metrics::Reading, traffic::load_balancer_key,
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
        let wanted = match source {
            Source::Metrics => Wanted::Series(self.fleet.wanted_series(place)),
            Source::ApiServers => {
                let rows = self.fleet.clusters.at(place);
                let known = rows.filter_map(|row| match row {
                    crate::resources::clusters::Cluster::Eks(eks) => Some(eks.api_server.clone()),
                    crate::resources::clusters::Cluster::ApiServer(_) => None,
                });
                Wanted::ApiServers(known.collect())
            }
            _ => Wanted::Nothing,
        };
        Query {
            source,
            place: place.clone(),
            wanted,
        }
    }

    /// Asks every source everywhere at a second.
    fn poll(&mut self, second: i64) {
        self.world.advance_to(time(second));
        self.fleet.now = time(second);
        for &source in Source::ALL {
            for place in self.fleet.estate.places(source) {
                let query = self.query(source, &place);
                let reply = wire::reply(&self.world, &query);
                match reply.result {
                    Ok(answer) => self
                        .fleet
                        .accept(&query, answer, time(second), reply.latency),
                    Err(error) => self.fleet.reject(&query, error),
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

#[test]
fn every_source_has_rows_in_the_calm_world() {
    let mut watching = Watching::named("calm");
    watching.poll(0);
    for &source in Source::ALL {
        for place in watching.fleet.estate.places(source) {
            let status = watching.fleet.status(source, &place);
            assert!(
                status.rows > 0 && status.error.is_none(),
                "{} at {place}",
                source.name()
            );
            assert!(status.problems.is_empty());
        }
    }
    // Sparklines have an hour behind them at the very start, and the newest value is usable.
    for region in ["us-east-1", "eu-west-1", "ap-southeast-1"] {
        assert!(watching.rps(region).is_some_and(|rps| rps > 12_000.0));
        let key = load_balancer_key(&names::load_balancer_arn(region), "p95");
        assert!(
            watching
                .fleet
                .series(&place(region), &key)
                .unwrap()
                .points
                .len()
                >= 55
        );
        let check = health_checks::healthy(&watching.fleet, &names::region_check(region));
        assert_eq!(check, Some(true));
    }
}

#[test]
fn every_series_that_the_rows_ask_for_is_known_to_the_world() {
    let mut watching = Watching::named("calm");
    watching.poll(0);
    watching.poll(60);
    // Published only when they are not zero, or only while something else is not.
    let absent = ["elb-5xx", "percentage"];
    for (_, at, series) in watching.fleet.metrics.rows() {
        let may_lack = absent.iter().any(|what| series.spec.key.ends_with(what));
        assert!(
            may_lack || !series.points.is_empty(),
            "{} at {at}",
            series.spec.key
        );
    }
}

#[test]
fn a_lost_us_east_1_takes_the_dns_api_with_it_but_not_the_accelerator() {
    let mut watching = Watching::named("region-down");
    watching.poll(20);
    let before = watching.rps("eu-west-1").unwrap();
    watching.poll(25 + 60);
    let lost = place("us-east-1");
    for &source in Source::ALL {
        let places = watching.fleet.estate.places(source);
        if places.contains(&lost) && source != Source::ApiServers {
            assert_eq!(
                watching.error(source, &lost),
                Some(ErrorClass::Timeout),
                "{}",
                source.name()
            );
            assert!(
                watching.fleet.status(source, &lost).rows > 0,
                "its rows stay"
            );
        }
    }
    for source in [
        Source::Records,
        Source::HealthChecks,
        Source::Distributions,
        Source::Metrics,
    ] {
        assert_eq!(
            watching.error(source, &Place::Global),
            Some(ErrorClass::Timeout)
        );
    }
    assert_eq!(watching.error(Source::Accelerators, &Place::Global), None);
    let endpoint = |region: &str| Place::Endpoint(region.to_owned());
    assert_eq!(
        watching.error(Source::RoutingControls, &endpoint("us-east-1")),
        Some(ErrorClass::Timeout)
    );
    assert_eq!(
        watching.error(Source::RoutingControls, &endpoint("us-west-2")),
        None
    );
    let server = watching
        .fleet
        .clusters
        .slice(Source::ApiServers, &lost)
        .unwrap();
    let judged = serde_json::to_string(&server.rows).unwrap();
    assert!(judged.contains("no answer"), "{judged}");

    watching.poll(25 + 300);
    let eu = watching.rps("eu-west-1").unwrap();
    assert!(eu / before > 1.6, "{before} to {eu}");
    let europe = place("eu-west-1");
    let in_alarm = watching
        .fleet
        .alarms
        .at(&europe)
        .filter(|alarm| alarm.state == "ALARM");
    assert!(in_alarm.count() >= 3);
}

#[test]
fn metrics_stop_but_nothing_else_when_telemetry_is_stale() {
    let mut watching = Watching::named("stale-telemetry");
    let eu = place("eu-west-1");
    let key = load_balancer_key(&names::load_balancer_arn("eu-west-1"), "requests");
    watching.poll(20);
    watching.poll(20 + 500);
    assert_eq!(
        watching.error(Source::Metrics, &eu),
        None,
        "CloudWatch answers, with old points"
    );
    assert!(matches!(
        watching.fleet.reading(&eu, &key),
        Reading::Value {
            freshness: crate::resources::Freshness::Expired,
            ..
        }
    ));
    assert!(watching.rps("us-east-1").is_some());
}

#[test]
fn a_throttled_api_answers_now_and_then() {
    let scenario = Scenario::named("throttled-route53").unwrap().unwrap();
    let mut world = World::new(&scenario, scenario.seed, time(0));
    let mut refused = 0;
    for second in 30..230 {
        world.advance_to(time(second));
        let query = Query {
            source: Source::Records,
            place: Place::Global,
            wanted: Wanted::Nothing,
        };
        match wire::reply(&world, &query).result {
            Ok(answer) => assert!(answer.problems.is_empty()),
            Err(error) => {
                assert_eq!(error.class, ErrorClass::Throttled);
                refused += 1;
            }
        }
        let other = Query {
            source: Source::Accelerators,
            ..query
        };
        assert!(wire::reply(&world, &other).result.is_ok());
    }
    assert!((140..180).contains(&refused), "{refused} of 200");
}

#[test]
fn apis_can_hang_refuse_and_lose_pages() {
    let event = |fault: &str, api: &str, place: &str| {
        format!("[[events]]\nat = 1\nfault = \"{fault}\"\napi = \"{api}\"\nplace = \"{place}\"\n")
    };
    let text = [
        "name = \"bad\"\ntitle = \"t\"\nduration = 9\n".to_owned(),
        event("hang", "rds", "eu-west-1"),
        event("deny", "sts", "ap-southeast-1"),
        event("fail", "cloudfront", "global"),
        event("partial", "elasticloadbalancing", "us-east-1"),
        event("slow", "eks", "us-east-1"),
    ];
    let mut watching = Watching::new(&text.concat());
    watching.poll(5);
    assert_eq!(
        watching.error(Source::Rds, &place("eu-west-1")),
        Some(ErrorClass::Timeout)
    );
    assert_eq!(watching.error(Source::Rds, &place("us-east-1")), None);
    assert_eq!(
        watching.error(Source::Identity, &place("ap-southeast-1")),
        Some(ErrorClass::Denied)
    );
    assert_eq!(
        watching.error(Source::Distributions, &Place::Global),
        Some(ErrorClass::Transient)
    );
    let partial = watching
        .fleet
        .status(Source::LoadBalancers, &place("us-east-1"));
    assert_eq!((partial.error, partial.problems.len()), (None, 1));
    assert!(partial.rows < 2);
    let slow = watching.fleet.status(Source::Clusters, &place("us-east-1"));
    assert!(slow.took.unwrap() > Duration::from_secs(2));
}

/// Every answer of a world at a second, asked in an order, keyed so that orders can be compared.
fn answers(
    order: impl Fn(&mut Vec<Query>),
) -> Vec<(String, Result<Answer, ProviderError>, Duration)> {
    let mut watching = Watching::named("region-down");
    watching.poll(30);
    let places = |&source: &Source| {
        let places = watching.fleet.estate.places(source);
        places
            .into_iter()
            .map(move |place| (source, place))
            .collect::<Vec<_>>()
    };
    let all: Vec<(Source, Place)> = Source::ALL.iter().flat_map(places).collect();
    let mut queries: Vec<Query> = all
        .iter()
        .map(|(source, place)| watching.query(*source, place))
        .collect();
    order(&mut queries);
    watching.world.advance_to(time(200));
    let mut found: Vec<_> = queries
        .iter()
        .map(|query| {
            let reply = wire::reply(&watching.world, query);
            (
                format!("{:?} {}", query.source, query.place),
                reply.result,
                reply.latency,
            )
        })
        .collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

#[test]
fn answers_do_not_depend_on_the_order_of_questions() {
    let forward = answers(|_| {});
    let backward = answers(|queries| queries.reverse());
    assert!(forward.len() > 30);
    assert_eq!(forward, backward);
}

#[test]
fn a_role_change_is_seen_in_every_region_and_by_the_metrics() {
    let mut watching = Watching::named("calm");
    watching.poll(10);
    let eu = watching
        .world
        .index(&RegionLabel::new("eu-west-1").unwrap())
        .unwrap();
    watching
        .world
        .change(&Transition::SwitchOver { to: eu })
        .unwrap();
    watching
        .world
        .change(&Transition::CachePrimary { to: eu })
        .unwrap();
    watching.poll(40);
    let writers = |watching: &Watching, at: &str| -> Vec<(String, Option<bool>)> {
        let rows = watching
            .fleet
            .databases
            .slice(Source::Rds, &place(at))
            .unwrap()
            .rows
            .iter();
        rows.map(|row| (row.id().to_owned(), row.writer()))
            .collect()
    };
    assert_eq!(
        writers(&watching, "eu-west-1")[0],
        ("shop-eu-west-1".to_owned(), Some(false))
    );
    let moving = serde_json::to_string(
        &watching
            .fleet
            .databases
            .slice(Source::Rds, &place("ap-southeast-1"))
            .unwrap()
            .rows,
    );
    assert!(moving.unwrap().contains("switching-over"));
    watching.poll(140);
    assert_eq!(
        writers(&watching, "eu-west-1")[0],
        ("shop-eu-west-1".to_owned(), Some(true))
    );
    assert_eq!(
        writers(&watching, "us-east-1")[0],
        ("shop-us-east-1".to_owned(), Some(false))
    );
    let role = |at: &str| {
        let rows = &watching
            .fleet
            .caches
            .slice(Source::ElastiCache, &place(at))
            .unwrap()
            .rows;
        rows[0].role().to_owned()
    };
    assert_eq!(
        (role("eu-west-1").as_str(), role("us-east-1").as_str()),
        ("primary", "secondary")
    );
    watching.poll(400);
    watching.poll(401);
    let lag = "database/shop-us-east-1/replication-lag";
    assert!(
        watching
            .fleet
            .reading(&place("us-east-1"), lag)
            .usable()
            .is_some()
    );
}

#[test]
fn a_big_world_has_its_rows_and_says_what_they_cost() {
    let text = "name = \"big\"\ntitle = \"t\"\nduration = 9\n[estate]\ngenerate = 30\nrows = 300\n";
    let mut watching = Watching::new(text);
    watching.poll(0);
    watching.poll(60);
    let fleet = &watching.fleet;
    let rows = fleet.databases.rows().count()
        + fleet.caches.rows().count()
        + fleet.traffic.rows().count()
        + fleet.alarms.rows().count();
    assert!(rows >= 30 * 300, "{rows}");
    // 75 + 2 load balancers with one listener each and a target group more than that.
    let calls = fleet.calls[&Api::ElasticLoadBalancing];
    assert_eq!(calls, 2 * 30 * (1 + 1 + 76 + 76 + 77));
    assert!(fleet.metrics_requested > 30 * 500);
    let place = place("us-east-1");
    let asked = watching.query(Source::Metrics, &place);
    let answer = wire::reply(&watching.world, &asked).result.unwrap();
    let Rows::Metrics(series) = answer.rows else {
        panic!("metrics")
    };
    assert_eq!(
        answer.calls[&Api::CloudWatch],
        series.len().div_ceil(500) as u32
    );
    assert!(
        series
            .iter()
            .filter(|series| !series.points.is_empty())
            .count()
            > 300
    );
}

#[tokio::test(start_paused = true)]
async fn the_provider_takes_its_time_and_hangs_until_the_deadline() {
    let scenario = Scenario::named("region-down").unwrap().unwrap();
    let clock = Arc::new(Manual(AtomicI64::new(START)));
    let provider = SimProvider::new(&scenario, 5, Arc::clone(&clock) as Arc<dyn Clock>);
    assert_eq!(provider.estate().regions.len(), 3);
    let query = Query {
        source: Source::Rds,
        place: place("us-east-1"),
        wanted: Wanted::Nothing,
    };
    let asked = tokio::time::Instant::now();
    assert!(provider.observe(query.clone()).await.is_ok());
    let took = asked.elapsed();
    assert!(
        took > Duration::from_millis(20) && took < Duration::from_secs(3),
        "{took:?}"
    );

    clock.0.store(START + 30, Ordering::Relaxed);
    let asked = tokio::time::Instant::now();
    let error = provider.observe(query).await.unwrap_err();
    assert_eq!(error.class, ErrorClass::Timeout);
    assert!(asked.elapsed() >= Duration::from_secs(10));
    assert!(
        provider
            .change(&Transition::Dial {
                region: 0,
                percent: 0.0
            })
            .is_ok()
    );
}

#[test]
fn the_identity_has_credentials_that_end_in_the_future() {
    let mut watching = Watching::named("calm");
    watching.poll(0);
    let (_, _, region) = watching.fleet.regions.rows().next().unwrap();
    let identity = region.identity.as_ref().unwrap();
    assert_eq!(identity.account.len(), 12);
    assert!(identity.credentials_expire_at.unwrap() > time(0) + SignedDuration::from_hours(1));
}
