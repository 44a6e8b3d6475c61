//! Each contradiction on the smallest fleet that shows it, and the fleet that nearly does.

use std::{sync::Arc, time::Duration};

use super::*;
use crate::resources::{
    Place, Rows, Source,
    estate::RecoveryEndpoint,
    fixtures::{self as f, answer, place},
    health_checks::status_key,
    traffic::Split,
};

fn texts(fleet: &Fleet) -> Vec<(Severity, String)> {
    let found = find(fleet).into_iter();
    found.map(|one| (one.severity, one.text)).collect()
}

fn databases(views: &[(&str, &[&str], u64)]) -> Fleet {
    let mut fleet = f::fleet(&["eu", "us"]);
    for (region, writers, age) in views {
        let rows = Rows::Databases(vec![f::aurora(region, writers, &["eu", "us"])]);
        answer(&mut fleet, Source::Rds, &place(region), *age, rows);
    }
    fleet
}

#[test]
fn one_writer_on_which_all_agree_is_no_contradiction() {
    let fleet = databases(&[("eu", &["us"], 5), ("us", &["us"], 5)]);
    assert_eq!(texts(&fleet), []);
}

#[test]
fn two_writers_of_one_database_are_split_brain() {
    let fleet = databases(&[("eu", &["eu", "us"], 5)]);
    let text = "global database g: two regions claim the writer, eu, us (seen from eu)";
    assert_eq!(texts(&fleet), [(Severity::Bad, text.to_owned())]);
}

#[test]
fn regions_that_disagree_about_the_writer_are_named() {
    let text = "global database g: regions disagree about the writer: eu says eu, us says us";
    let fleet = databases(&[("eu", &["eu"], 5), ("us", &["us"], 5)]);
    assert_eq!(texts(&fleet), [(Severity::Bad, text.to_owned())]);
    let fleet = databases(&[("eu", &["eu"], 5), ("us", &["us"], 75)]);
    let old = format!("{text}; not all of it is fresh");
    assert_eq!(texts(&fleet), [(Severity::Warn, old)]);
}

#[test]
fn a_primary_cache_in_two_regions() {
    let mut fleet = f::fleet(&["eu", "us"]);
    for region in ["eu", "us"] {
        let rows = Rows::Caches(vec![f::redis(region, region, &["eu", "us"])]);
        answer(&mut fleet, Source::ElastiCache, &place(region), 5, rows);
    }
    let found = texts(&fleet);
    assert_eq!(found[0].0, Severity::Bad);
    assert!(
        found[0]
            .1
            .starts_with("Global Datastore d: regions disagree about the primary")
    );
}

fn checked(states: &[(&str, f64)]) -> Fleet {
    let mut fleet = f::fleet(&["eu", "us"]);
    let records: Vec<Split> = vec![
        f::record("eu", 50, Some("hc-eu")),
        f::record("us", 50, Some("hc-us")),
    ];
    let checks = vec![f::check("hc-eu"), f::check("hc-us")];
    let global = Place::Global;
    answer(
        &mut fleet,
        Source::Records,
        &global,
        5,
        Rows::Traffic(records),
    );
    answer(
        &mut fleet,
        Source::HealthChecks,
        &global,
        5,
        Rows::HealthChecks(checks),
    );
    let series = states
        .iter()
        .map(|(id, value)| f::series(&status_key(id), &[(120, *value)]));
    f::metrics(&mut fleet, &global, 5, series.collect());
    fleet
}

#[test]
fn all_failing_checks_of_a_name_mean_fail_open() {
    let all = checked(&[("hc-eu", 0.0), ("hc-us", 0.0)]);
    let text = "all 2 health checks of api.example.com. A fail: Route 53 answers with every record (fail-open)";
    assert!(texts(&all).contains(&(Severity::Bad, text.to_owned())));
    let fails = |fleet: &Fleet| {
        texts(fleet)
            .iter()
            .any(|(_, text)| text.contains("fail-open"))
    };
    assert!(!fails(&checked(&[("hc-eu", 0.0), ("hc-us", 1.0)])));
    assert!(
        !fails(&checked(&[("hc-eu", 0.0)])),
        "not known is not failing"
    );
}

#[test]
fn weights_that_are_all_zero_are_named() {
    let mut fleet = f::fleet(&["eu", "us"]);
    let rows = vec![f::record("eu", 0, None), f::record("us", 0, None)];
    answer(
        &mut fleet,
        Source::Records,
        &Place::Global,
        5,
        Rows::Traffic(rows),
    );
    assert!(
        texts(&fleet)[0]
            .1
            .starts_with("every weight of api.example.com. A is 0")
    );
}

#[test]
fn endpoints_that_disagree_about_a_control() {
    let mut estate = f::estate(&["eu"]);
    estate.recovery_endpoints = ["eu-west-1", "us-east-1", "us-west-2"]
        .map(|region| RecoveryEndpoint {
            region: region.to_owned(),
            url: String::new(),
        })
        .to_vec();
    let mut fleet = Fleet::new(Arc::new(estate), f::now());
    let control = |on: bool| -> Split {
        f::row(serde_json::json!({"split": "panel", "member": "eu",
            "by": {"mechanism": "control", "arn": "arn:control", "name": "eu", "on": on}}))
    };
    let mut said = |region: &str, on, age| {
        let endpoint = Place::Endpoint(region.to_owned());
        let rows = Rows::Traffic(vec![control(on)]);
        answer(&mut fleet, Source::RoutingControls, &endpoint, age, rows);
        texts(&fleet)
    };
    assert_eq!(said("eu-west-1", true, 5), []);
    assert_eq!(
        said("us-west-2", false, 100),
        [],
        "an old answer accuses nobody"
    );
    let text = "routing control eu is On at eu-west-1, Off at us-east-1";
    assert_eq!(
        said("us-east-1", false, 5),
        [(Severity::Warn, text.to_owned())]
    );
}

#[test]
fn versions_more_than_one_minor_apart() {
    let with = |eu: &str, us: &str| {
        let mut fleet = f::fleet(&["eu", "us"]);
        for (region, version) in [("eu", eu), ("us", us)] {
            let cluster = f::row(
                serde_json::json!({"eks": {"name": "main", "status": "ACTIVE", "version": version,
                "health_issues": [], "api_server": {"name": "main"}}}),
            );
            let rows = Rows::Clusters(vec![cluster]);
            answer(&mut fleet, Source::Clusters, &place(region), 5, rows);
        }
        texts(&fleet)
    };
    assert_eq!(with("1.33", "1.32"), []);
    let text = "Kubernetes 1.9 in us but 1.33 in eu";
    assert_eq!(with("1.33", "1.9"), [(Severity::Warn, text.to_owned())]);
    assert_eq!(with("1.33", "next"), [], "not a number is no skew");
}

mod steering {
    use super::*;
    use crate::resources::{
        contradictions::traffic::{Steered, steering},
        regions::rollup::Drained,
    };

    const TAIL: Duration = Duration::from_secs(300);

    fn region(name: &str, share: f64, requests: Option<f64>) -> Steered {
        Steered {
            region: f::label(name),
            share,
            requests,
            drained: None,
        }
    }

    fn say(regions: &[Steered]) -> Vec<String> {
        let found = steering(regions, TAIL, f::now()).into_iter();
        found.map(|one| one.text).collect()
    }

    #[test]
    fn requests_where_nothing_is_steered() {
        let with = |requests| {
            say(&[
                region("eu", 0.0, Some(requests)),
                region("us", 1.0, Some(900.0)),
            ])
        };
        assert_eq!(
            with(100.0),
            ["eu: share is 0, but still 100 requests/s (10%)"]
        );
        assert_eq!(with(18.0), [""; 0], "2 % is keep-alive");
    }

    #[test]
    fn a_drain_that_we_saw_gets_the_time_that_caches_need() {
        let with = |since, witnessed| {
            let drained = Some(Drained {
                since: f::ago(since),
                witnessed,
            });
            let eu = Steered {
                drained,
                ..region("eu", 0.0, Some(100.0))
            };
            say(&[eu, region("us", 1.0, Some(900.0))])
        };
        assert_eq!(with(299, true), [""; 0]);
        let late = "eu: share is 0, but still 100 requests/s (10%) 5m after it was drained";
        assert_eq!(with(301, true), [late]);
        assert_eq!(with(5, false).len(), 1, "it was 0 before we came");
    }

    #[test]
    fn a_share_without_requests() {
        let with = |requests| {
            say(&[
                region("eu", 0.31, requests),
                region("us", 0.69, Some(900.0)),
            ])
        };
        assert_eq!(
            with(Some(0.0)),
            ["eu: share is 31%, but no request arrives"]
        );
        assert_eq!(with(None), [""; 0], "not known is not none");
        assert_eq!(
            say(&[region("eu", 1.0, Some(0.0))]),
            [""; 0],
            "no traffic anywhere"
        );
    }
}

/// Two regions of which `eu` follows `us`: the lag of its database in milliseconds and of its cache in seconds, and the requests that each serves in a minute.
fn following(database: f64, cache: f64, requests: [f64; 2]) -> Fleet {
    let mut fleet = f::fleet(&["eu", "us"]);
    for (region, requests) in ["eu", "us"].into_iter().zip(requests) {
        let rows = Rows::Databases(vec![f::aurora(region, &["us"], &["eu", "us"])]);
        answer(&mut fleet, Source::Rds, &place(region), 5, rows);
        let rows = Rows::Caches(vec![f::redis(region, "us", &["eu", "us"])]);
        answer(&mut fleet, Source::ElastiCache, &place(region), 5, rows);
        let rows = Rows::Traffic(vec![f::forward("web", "blue", 1)]);
        answer(&mut fleet, Source::LoadBalancers, &place(region), 5, rows);
        let mut series = f::balancer_series("web", &[("requests", &[(120, requests)])]);
        if region == "eu" {
            let lag = crate::resources::databases::series_key("db", "replication-lag");
            series.push(f::series(&lag, &[(120, database)]));
            let lag =
                crate::resources::caches::node_series_key("sessions", "global-lag", "sessions-001");
            series.push(f::series(&lag, &[(120, cache)]));
        }
        f::metrics(&mut fleet, &place(region), 5, series);
    }
    fleet
}

#[test]
fn stores_that_all_fall_behind_one_living_region_are_a_partition() {
    let text = "eu: 2 stores lag up to 40.0s behind us, but both regions serve: is the network between them cut?";
    let both = [6_000.0, 9_000.0];
    assert_eq!(
        texts(&following(35_000.0, 40.0, both)),
        [(Severity::Warn, text.to_owned())]
    );
    assert_eq!(
        texts(&following(35_000.0, 0.4, both)),
        [],
        "one slow store proves nothing"
    );
    assert_eq!(
        texts(&following(35_000.0, 40.0, [6_000.0, 0.0])),
        [],
        "a region that serves nobody may be dead"
    );
}

#[test]
fn all_regions_silent_at_once_is_said_first() {
    let mut fleet = f::fleet(&["eu", "us"]);
    for region in ["eu", "us"] {
        f::answer_rest(&mut fleet, &place(region), 60);
        for source in [Source::Alarms, Source::Rds] {
            let class = crate::resources::ErrorClass::Unreachable;
            f::failure(&mut fleet, source, &place(region), class);
        }
        assert_eq!(find(&fleet), [], "one silent region is its own trouble");
    }
    fleet.now += Duration::from_secs(30);
    assert_eq!(
        texts(&fleet)[0].1,
        "every region unreachable: probably our own network (DNS, proxy, VPN)"
    );
}
