//! What a console sees of the simulated world: the fleet at given times in each drill.

use super::*;
use crate::resources::{
    metrics::users::UserSignal,
    regions::demand::{Demand, Teller},
};

/// Sources of what only an estate with gateways and meshes has.
const OF_A_MESH: [Source; 2] = [Source::Routes, Source::Rollouts];

#[test]
fn only_an_estate_with_a_mesh_has_routes_and_rollouts() {
    for (name, some) in [("bad-route-canary", true), ("calm", false)] {
        let mut watching = Watching::named(name);
        watching.poll(0);
        for source in OF_A_MESH {
            for place in watching.fleet.estate.places(source) {
                let status = watching.fleet.status(source, &place);
                assert_eq!(status.rows > 0, some, "{} at {place}", source.name());
                assert!(status.error.is_none() && status.problems.is_empty());
            }
        }
    }
}

#[test]
fn every_source_has_rows_in_the_calm_world() {
    let mut watching = Watching::named("calm");
    watching.poll(0);
    let sources = Source::ALL
        .iter()
        .filter(|source| !OF_A_MESH.contains(source));
    for &source in sources {
        for at in watching.fleet.estate.places(source) {
            let status = watching.fleet.status(source, &at);
            // Pipelines are in one region, and deploy into the others.
            let none = source == Source::Pipelines && at != place("us-east-1");
            assert!(
                (status.rows > 0) != none && status.error.is_none(),
                "{} at {at}",
                source.name()
            );
            assert!(status.problems.is_empty());
        }
    }
    // Sparklines have as many minutes behind them at the very start as CloudWatch is asked for, and the newest value is usable.
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
                >= 38
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
    let absent = ["elb-5xx", "no-connection", "percentage"];
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
            let rows = watching.fleet.status(source, &lost).rows;
            assert!(rows > 0 || OF_A_MESH.contains(&source), "its rows stay");
        }
    }
    for source in [Source::Records, Source::HealthChecks, Source::Distributions] {
        assert_eq!(
            watching.error(source, &Place::Global),
            Some(ErrorClass::Timeout)
        );
    }
    // The metrics of Global Accelerator live in us-west-2 and still come; those of Route 53 and CloudFront do not, and the answer says so.
    let metrics = watching.fleet.status(Source::Metrics, &Place::Global);
    let missing: Vec<ErrorClass> = metrics
        .problems
        .iter()
        .map(|problem| problem.class)
        .collect();
    assert_eq!((metrics.error, missing), (None, vec![ErrorClass::Timeout]));
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
    // The last point that was published stands for the minute before the fault: expired 420 s after its end.
    watching.poll(20 + 560);
    assert_eq!(
        watching.error(Source::Metrics, &eu),
        None,
        "CloudWatch answers, with old points"
    );
    assert!(matches!(
        watching.fleet.reading(&eu, &key),
        Reading::Value {
            freshness: Freshness::Expired,
            ..
        }
    ));
    assert!(watching.rps("us-east-1").is_some());
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
fn the_identity_has_credentials_that_end_in_the_future() {
    let mut watching = Watching::named("calm");
    watching.poll(0);
    let (_, _, region) = watching.fleet.regions.rows().next().unwrap();
    let identity = region.identity.as_ref().unwrap();
    assert_eq!(identity.account.len(), 12);
    assert!(identity.credentials_expire_at.unwrap() > time(0) + SignedDuration::from_hours(1));
}

#[test]
fn a_region_that_returns_gets_its_users_back_and_says_so() {
    let text = "name = \"return\"\ntitle = \"t\"\nduration = 900\n[[timeline]]\nat = 1\nfault = \"region-down\"\nregion = \"eu-west-1\"\n\
                [[timeline]]\nat = 300\nfault = \"heal\"\nregion = \"eu-west-1\"\n";
    let mut watching = Watching::new(text);
    watching.poll(0);
    let eu = names::region_check("eu-west-1");
    watching.poll(1 + 240);
    // us-east-1 is up, so the global console still says which check fails.
    assert_eq!(health_checks::healthy(&watching.fleet, &eu), Some(false));
    assert_eq!(watching.error(Source::Records, &Place::Global), None);
    let health = |watching: &Watching| {
        let rows = &watching
            .fleet
            .traffic
            .slice(Source::Accelerators, &Place::Global);
        serde_json::to_string(&rows.unwrap().rows).unwrap()
    };
    assert!(health(&watching).contains("UNHEALTHY"));
    watching.poll(300 + 400);
    watching.poll(300 + 401);
    assert_eq!(health_checks::healthy(&watching.fleet, &eu), Some(true));
    assert!(!health(&watching).contains("UNHEALTHY"));
    assert_eq!(watching.error(Source::Rds, &place("eu-west-1")), None);
    assert!(watching.rps("eu-west-1").is_some_and(|rps| rps > 17_000.0));
}

#[test]
fn calm_values_stay_fresh_and_steady_between_polls() {
    let mut watching = Watching::named("calm");
    watching.poll(0);
    let key = load_balancer_key(&names::load_balancer_arn("eu-west-1"), "requests");
    let eu = place("eu-west-1");
    for second in 1..1_200 {
        // Once a minute, a fifth later than meant.
        if second % 72 == 0 {
            watching.poll(second);
        }
        watching.fleet.now = time(second);
        let Reading::Value {
            value, freshness, ..
        } = watching.fleet.reading(&eu, &key)
        else {
            panic!("no value at {second}")
        };
        assert_eq!(freshness, Freshness::Fresh, "at {second}");
        let rps = value / 60.0;
        assert!((18_000.0..19_200.0).contains(&rps), "{rps} at {second}");
    }
}

fn stuck(watching: &Watching, region: &str) -> Vec<String> {
    let label = RegionLabel::new(region).unwrap();
    watching.fleet.rollup(&label).deployments.stuck.clone()
}

#[test]
fn a_bad_release_is_seen_in_its_region_alone_and_its_way_back_too() {
    let mut watching = Watching::named("partial-failure");
    watching.poll(10);
    assert!(stuck(&watching, "eu-west-1").is_empty());
    watching.poll(170);
    assert_eq!(stuck(&watching, "eu-west-1"), ["checkout"]);
    assert!(stuck(&watching, "us-east-1").is_empty());
    let europe = place("eu-west-1");
    let row = {
        let mut rows = watching.fleet.deployments.at(&europe);
        rows.find(|row| row.name == "checkout").unwrap()
    };
    assert_eq!(row.troubles[0].reason, "CrashLoopBackOff");
    assert!(row.restarts > Some(0));
    let skew = watching.fleet.versions.skew(row).unwrap();
    assert_eq!((skew.same, skew.of), (1, 3));
    watching.poll(430);
    assert!(stuck(&watching, "eu-west-1").is_empty());
}

#[test]
fn autoscalers_reach_their_limit_where_the_users_of_a_lost_region_go() {
    let exhausted = |watching: &Watching| {
        let europe = place("eu-west-1");
        let rows = watching.fleet.deployments.at(&europe);
        let scalers = rows.filter_map(|row| row.autoscaler.as_ref());
        scalers.filter(|scaler| scaler.exhausted()).count()
    };
    let mut watching = Watching::named("region-down");
    watching.poll(20);
    assert_eq!(exhausted(&watching), 0);
    watching.poll(25 + 300);
    assert!(exhausted(&watching) > 0);
}

#[test]
fn a_prometheus_tells_of_users_what_their_load_balancer_sees_and_nothing_once_nobody_counts() {
    let mut watching = Watching::named("quiet-canary");
    watching.poll(20);
    let told = |watching: &Watching, region: &str| {
        let key = UserSignal::Requests.key();
        watching.fleet.reading(&place(region), key).usable()
    };
    for region in ["eu-west-1", "ap-southeast-1"] {
        let (users, balancer) = (told(&watching, region), watching.rps(region));
        let (users, balancer) = (users.unwrap(), balancer.unwrap());
        assert!(
            (users / balancer - 1.0).abs() < 0.1,
            "{region}: {users} and {balancer}"
        );
    }
    // Without load balancers the region is told by it.
    let (eu, label) = (place("eu-west-1"), RegionLabel::new("eu-west-1").unwrap());
    let none = Rows::Traffic(Vec::new());
    let query = Query {
        source: Source::LoadBalancers,
        place: eu,
        wanted: Wanted::Nothing,
        read: 0,
    };
    let now = watching.fleet.now;
    watching
        .fleet
        .accept(&query, Answer::of(none), now, Duration::ZERO);
    assert_eq!(Teller::of(&watching.fleet, &label), Teller::Prometheus);
    let demand = Demand::of(&watching.fleet, &label);
    for reading in [
        demand.requests_per_second,
        demand.error_percent,
        demand.p95_ms,
        demand.p99_ms,
    ] {
        assert!(reading.and_then(Reading::usable).is_some(), "{demand:?}");
    }
    // The Prometheus of another one answers, and no proxy reports to it any more.
    watching.poll(150);
    assert_eq!(told(&watching, "ap-southeast-1"), None);
}
