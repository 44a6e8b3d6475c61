//! Which version is the release, how far it is in each region, and what breaks a soak: by the minute, without data, at its edges.

use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::resources::{
    Estate, Rows, Source, deployments::Deployment, estate::RegionRole, fixtures as f,
};

const REGIONS: [&str; 3] = ["us-east-1", "eu-west-1", "ap-southeast-1"];

/// What runs in a region: version, seconds since it is complete, and more.
fn row(version: &str, seconds: u64, more: &Value) -> Deployment {
    let image = |version: &str| format!("registry/shop/checkout:{version}");
    let mut base = json!({
        "heard_at": f::ago(5),
        "containers": [{"name": "app", "image": image(version), "digest": null}],
        "conditions": [{"name": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable", "message": null, "since": f::ago(seconds)}],
        "revisions": [
            {"number": 4, "replica_set": format!("set-{version}"), "image": image(version), "desired": 6, "ready": 6, "created_at": f::ago(seconds + 60)},
            {"number": 3, "replica_set": "set-v1", "image": image("v1"), "desired": 0, "ready": 0, "created_at": f::ago(900_000)},
        ],
    });
    for (key, value) in more.as_object().unwrap() {
        base[key] = value.clone();
    }
    f::deployment(&base)
}

fn fleet() -> Fleet {
    let mut estate: Estate = f::estate(&REGIONS);
    let roles = [
        RegionRole::Primary,
        RegionRole::Secondary,
        RegionRole::Tertiary,
    ];
    for (region, role) in estate.regions.iter_mut().zip(roles) {
        region.role = role;
    }
    let mut fleet = Fleet::new(Arc::new(estate), f::now());
    for region in REGIONS {
        let place = f::place(region);
        let rows = Rows::Traffic(vec![f::forward("web", "web", 1)]);
        f::answer(&mut fleet, Source::LoadBalancers, &place, 5, rows);
        f::answer(
            &mut fleet,
            Source::Alarms,
            &place,
            5,
            Rows::Alarms(Vec::new()),
        );
        f::answer_rest(&mut fleet, &place, 5);
        good(&mut fleet, region, 40);
    }
    fleet
}

/// Minutes of a region, the newest two minutes old: 600 requests, `errors` of them failed by age in minutes, and `p95` in seconds.
fn minutes_of(fleet: &mut Fleet, region: &str, count: u64, errors: &[(u64, f64)], p95: f64) {
    let ages: Vec<u64> = (0..count).map(|minute| 120 + minute * 60).collect();
    let requests: Vec<(u64, f64)> = ages.iter().map(|age| (*age, 600.0)).collect();
    let slow: Vec<(u64, f64)> = ages.iter().map(|age| (*age, p95)).collect();
    let errors: Vec<(u64, f64)> = errors
        .iter()
        .map(|(age, count)| (age * 60, *count))
        .collect();
    let given: [(&str, &[(u64, f64)]); 3] = [
        ("requests", &requests),
        ("target-5xx", &errors),
        ("p95", &slow),
    ];
    let series = f::balancer_series("web", &given);
    f::metrics(fleet, &f::place(region), 5, series);
}

fn good(fleet: &mut Fleet, region: &str, count: u64) {
    minutes_of(fleet, region, count, &[], 0.12);
}

fn put(fleet: &mut Fleet, region: &str, row: Deployment) {
    let rows = Rows::Deployments(vec![row]);
    f::answer(fleet, Source::Deployments, &f::place(region), 5, rows);
}

/// The canary region has v2 for so many minutes, the others v1.
fn canary(fleet: &mut Fleet, minutes: u64) {
    put(fleet, "us-east-1", row("v1", 800_000, &json!({})));
    put(fleet, "eu-west-1", row("v1", 800_000, &json!({})));
    put(fleet, "ap-southeast-1", row("v2", minutes * 60, &json!({})));
}

fn release(fleet: &Fleet) -> Release {
    let mut all = all(fleet);
    assert_eq!(all.len(), 1);
    all.remove(0)
}

fn state(fleet: &Fleet, region: &str) -> State {
    release(fleet)
        .stage(&f::label(region))
        .unwrap()
        .state
        .clone()
}

#[test]
fn a_release_goes_from_the_last_region_to_the_primary_one() {
    let mut fleet = fleet();
    canary(&mut fleet, 18);
    let release = release(&fleet);
    assert_eq!(
        (release.version.as_str(), release.stable.as_deref()),
        ("v2", Some("v1"))
    );
    let order: Vec<&str> = release
        .stages
        .iter()
        .map(|stage| stage.region.as_str())
        .collect();
    assert_eq!(order, ["ap-southeast-1", "eu-west-1", "us-east-1"]);
    assert_eq!(
        release.stages[0].state,
        State::Soaking { left_seconds: 720 }
    );
    assert_eq!(
        release.next().map(|stage| stage.region.as_str()),
        Some("eu-west-1")
    );
    let held = release.held_up_before(&f::label("eu-west-1"));
    assert_eq!(held, ["ap-southeast-1 soaks, 12 min left"]);
    let evidence = release.stages[0].evidence.as_ref().unwrap();
    assert_eq!(
        evidence.words(),
        "0% (stable 0%), p95 120ms (stable 120ms), 10.2k req in 17 min"
    );
}

#[test]
fn the_soak_ends_at_its_second_and_not_before() {
    let mut fleet = fleet();
    canary(&mut fleet, 30);
    assert_eq!(state(&fleet, "ap-southeast-1"), State::Done);
    put(&mut fleet, "ap-southeast-1", row("v2", 1_799, &json!({})));
    assert_eq!(
        state(&fleet, "ap-southeast-1"),
        State::Soaking { left_seconds: 1 }
    );
}

#[test]
fn a_minute_that_broke_is_told_until_a_whole_soak_has_followed() {
    let mut fleet = fleet();
    canary(&mut fleet, 29);
    minutes_of(&mut fleet, "ap-southeast-1", 40, &[(12, 30.0)], 0.12);
    let State::Breached { why } = state(&fleet, "ap-southeast-1") else {
        panic!("{:?}", state(&fleet, "ap-southeast-1"));
    };
    assert!(
        why.starts_with("5.0% of the requests of all services of the region failed at "),
        "{why}"
    );
    // Before it was complete the release was not there.
    minutes_of(&mut fleet, "ap-southeast-1", 40, &[(30, 30.0)], 0.12);
    assert!(matches!(
        state(&fleet, "ap-southeast-1"),
        State::Soaking { .. }
    ));
    // Thirty good minutes later.
    canary(&mut fleet, 300);
    minutes_of(&mut fleet, "ap-southeast-1", 40, &[(31, 30.0)], 0.12);
    assert_eq!(state(&fleet, "ap-southeast-1"), State::Done);
    minutes_of(&mut fleet, "ap-southeast-1", 40, &[(29, 30.0)], 0.12);
    assert!(matches!(
        state(&fleet, "ap-southeast-1"),
        State::Breached { .. }
    ));
}

#[test]
fn latency_alarms_and_crashes_break_it_too() {
    let mut fleet = fleet();
    canary(&mut fleet, 20);
    minutes_of(&mut fleet, "ap-southeast-1", 40, &[], 0.7);
    assert!(
        matches!(state(&fleet, "ap-southeast-1"), State::Breached { why } if why.contains(" was 700ms at "))
    );
    good(&mut fleet, "ap-southeast-1", 40);
    let trouble = json!({"troubles": [{"reason": "CrashLoopBackOff", "pods": 2, "current": true, "message": null}]});
    put(&mut fleet, "ap-southeast-1", row("v2", 1_200, &trouble));
    assert!(
        matches!(state(&fleet, "ap-southeast-1"), State::Breached { why } if why.contains("CrashLoopBackOff"))
    );
    put(&mut fleet, "ap-southeast-1", row("v2", 1_200, &json!({})));
    let place = f::place("ap-southeast-1");
    let alarm = Rows::Alarms(vec![f::alarm("errors", "ALARM", "x")]);
    f::answer(&mut fleet, Source::Alarms, &place, 4, alarm);
    assert_eq!(
        state(&fleet, "ap-southeast-1"),
        State::Breached {
            why: "alarm errors is on".to_owned()
        }
    );
}

#[test]
fn what_is_not_measured_is_never_fine() {
    let mut fleet = fleet();
    canary(&mut fleet, 40);
    let unknown = |fleet: &Fleet| match state(fleet, "ap-southeast-1") {
        State::Unknown { why } => why,
        other => panic!("{other:?}"),
    };
    // No point at all, half of the minutes, too few requests.
    minutes_of(&mut fleet, "ap-southeast-1", 0, &[], 0.12);
    assert_eq!(unknown(&fleet), "nothing was measured since it is complete");
    good(&mut fleet, "ap-southeast-1", 12);
    assert_eq!(unknown(&fleet), "only 12 of 26 minutes were measured");
    let few: Vec<(u64, f64)> = (0..40).map(|minute| (120 + minute * 60, 3.0)).collect();
    let series = f::balancer_series("web", &[("requests", &few), ("p95", &few)]);
    f::metrics(&mut fleet, &f::place("ap-southeast-1"), 5, series);
    assert!(unknown(&fleet).starts_with("only "), "{}", unknown(&fleet));
    // A cluster that is not heard.
    put(
        &mut fleet,
        "ap-southeast-1",
        row("v2", 2_400, &json!({"heard_at": f::ago(900)})),
    );
    assert_eq!(unknown(&fleet), "its cluster is not heard");
}

#[test]
fn a_restart_is_no_release_and_an_old_one_is_over() {
    let mut fleet = fleet();
    for region in REGIONS {
        put(&mut fleet, region, row("v2", 90_000, &json!({})));
    }
    assert!(release(&fleet).finished());
    assert_eq!(
        release(&fleet).judge(&fleet, &Place::Global),
        Judgement::ok()
    );
    // A region that is ill later is not its doing.
    minutes_of(&mut fleet, "eu-west-1", 40, &[(5, 300.0)], 0.12);
    assert!(release(&fleet).finished());
    // v1 restarted in the primary region has a younger replica set, and is no newer.
    canary(&mut fleet, 60);
    put(&mut fleet, "us-east-1", row("v1", 30, &json!({})));
    assert_eq!(release(&fleet).version, "v2");
}

#[test]
fn paused_and_half_done_regions_say_so() {
    let mut fleet = fleet();
    canary(&mut fleet, 60);
    put(
        &mut fleet,
        "eu-west-1",
        row("v1", 800_000, &json!({"paused": true})),
    );
    assert!(matches!(state(&fleet, "eu-west-1"), State::Held { .. }));
    let half =
        json!({"replicas": {"desired": 6, "total": 7, "updated": 3, "ready": 6, "available": 6}});
    put(&mut fleet, "eu-west-1", row("v2", 800_000, &half));
    assert!(matches!(
        state(&fleet, "eu-west-1"),
        State::RollingOut { .. }
    ));
    let failed = json!({"replicas": {"desired": 6, "total": 7, "updated": 1, "ready": 6, "available": 6},
        "conditions": [{"name": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": null, "since": f::ago(9)}]});
    put(&mut fleet, "eu-west-1", row("v2", 800_000, &failed));
    assert!(matches!(state(&fleet, "eu-west-1"), State::Breached { .. }));
    assert_eq!(
        release(&fleet).next().map(|stage| stage.region.as_str()),
        Some("eu-west-1")
    );
}

#[test]
fn the_board_has_what_it_says_in_plain_characters() {
    let mut fleet = fleet();
    canary(&mut fleet, 18);
    let release = release(&fleet);
    let cells = crate::resources::cell::Show::cells(&release, &fleet, &Place::Global);
    let texts: Vec<&str> = cells.iter().map(|cell| cell.text.as_str()).collect();
    assert_eq!(
        texts[..4],
        [
            "checkout",
            "v2 < v1",
            "~apse1 -euw1 -use1",
            "soaks apse1, 12 min left"
        ]
    );
    assert_eq!(
        texts[6],
        "advance to eu-west-1 waits: ap-southeast-1 soaks, 12 min left"
    );
    assert!(texts.iter().all(|text| text.is_ascii()), "{texts:?}");
}
