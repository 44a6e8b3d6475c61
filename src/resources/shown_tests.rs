//! Every kind shows what it knows, says `?` where it does not, and fits.

use super::*;
use crate::resources::{
    ErrorClass, Rows,
    cell::{Align, Column},
    databases,
    fixtures::{self as f, answer, place},
};

/// One row of each kind, in two regions, with no metric read.
fn fleet() -> Fleet {
    let mut fleet = f::fleet(&["eu", "us"]);
    let both = ["eu", "us"];
    let mut one = |source, rows| answer(&mut fleet, source, &place("eu"), 5, rows);
    one(
        Source::Rds,
        Rows::Databases(vec![f::aurora("eu", &["us"], &both)]),
    );
    one(
        Source::ElastiCache,
        Rows::Caches(vec![f::redis("eu", "us", &both)]),
    );
    one(
        Source::LoadBalancers,
        Rows::Traffic(vec![f::forward("web", "blue", 1)]),
    );
    one(
        Source::Alarms,
        Rows::Alarms(vec![f::alarm("a", "ALARM", "db")]),
    );
    let cluster = f::row(
        serde_json::json!({"api_server": {"name": "main", "error": "refused", "answered_before": true}}),
    );
    one(Source::ApiServers, Rows::Clusters(vec![cluster]));
    let deployed = f::deployment(&serde_json::json!({"paused": true}));
    one(Source::Deployments, Rows::Deployments(vec![deployed]));
    let delivered = f::row(serde_json::json!({
        "name": "shop", "stages": [], "executions": [], "unknown": [],
    }));
    one(Source::Pipelines, Rows::Pipelines(vec![delivered]));
    let global = Place::Global;
    let records = Rows::Traffic(vec![f::record("eu", 128, Some("hc"))]);
    answer(&mut fleet, Source::Records, &global, 5, records);
    let checks = Rows::HealthChecks(vec![f::check("hc")]);
    answer(&mut fleet, Source::HealthChecks, &global, 5, checks);
    f::metrics(&mut fleet, &global, 5, vec![f::series("s", &[(120, 1.5)])]);
    fleet
}

fn rows(fleet: &Fleet, kind: Kind) -> Vec<ShownRow> {
    let all = all(fleet, kind);
    all.iter()
        .filter_map(|row| show(fleet, kind, row))
        .collect()
}

fn cell(fleet: &Fleet, kind: Kind, title: &str) -> Cell {
    let index = columns(kind).iter().position(|c| c.title == title).unwrap();
    rows(fleet, kind)[0].cells[index].clone()
}

#[test]
fn every_kind_has_a_cell_per_column_a_detail_and_json() {
    let fleet = fleet();
    for &kind in Kind::ALL {
        assert!(!rows(&fleet, kind).is_empty(), "{kind:?}");
        for row in all(&fleet, kind) {
            let shown = show(&fleet, kind, &row).unwrap();
            assert_eq!(shown.cells.len(), columns(kind).len(), "{kind:?}");
            assert!(detail(&fleet, kind, &row).len() > 4, "{kind:?}");
            let json = json(&fleet, kind, &row).unwrap();
            assert!(json.is_object(), "{kind:?}: {json}");
        }
    }
}

#[test]
fn the_home_table_fits_80_columns_beside_long_labels() {
    // 80 columns less marker, state and gap; two columns of gap between two cells; labels of 14 characters.
    let least = |column: &&Column| usize::from(column.width.0.max(column.title.len() as u16));
    let kept = |drop: u8| {
        let kept: Vec<&Column> = columns(Kind::Regions)
            .iter()
            .filter(|c| c.drop <= drop)
            .collect();
        kept.iter().map(least).sum::<usize>() + 2 * (kept.len() - 1)
    };
    assert!(kept(0) <= 70, "{}", kept(0));
    assert!(kept(1) <= 70, "{}", kept(1));
    for &kind in Kind::ALL {
        let name = &columns(kind)[0];
        assert_eq!((name.drop, name.align), (0, Align::Left), "{kind:?}");
    }
}

#[test]
fn metrics_that_were_not_read_are_unknown_and_never_zero() {
    let fleet = fleet();
    for (kind, title) in [
        (Kind::Regions, "rps"),
        (Kind::Regions, "err"),
        (Kind::Regions, "p99"),
        (Kind::Databases, "lag"),
        (Kind::Databases, "conn"),
        (Kind::Caches, "lag"),
        (Kind::Caches, "mem"),
        (Kind::HealthChecks, "health"),
    ] {
        let cell = cell(&fleet, kind, title);
        assert_eq!(
            (cell.text.as_str(), cell.severity),
            ("?", Severity::Unknown),
            "{kind:?} {title}"
        );
    }
    assert_eq!(cell(&fleet, Kind::Regions, "db").text, "R ?");
}

#[test]
fn a_lag_has_its_unit_its_limit_and_its_own_freshness() {
    let with = |age, lag| {
        let mut fleet = fleet();
        let key = databases::series_key("db", "replication-lag");
        let series = vec![f::series(&key, &[(age, lag)])];
        f::metrics(&mut fleet, &place("eu"), 5, series);
        cell(&fleet, Kind::Databases, "lag")
    };
    let fresh = with(120, 110.0);
    assert_eq!(
        (fresh.text.as_str(), fresh.freshness),
        ("110ms", Some(Freshness::Fresh))
    );
    // The limits count from the end of the minute that the point stands for.
    assert_eq!(with(330, 110.0).freshness, Some(Freshness::Fresh));
    assert_eq!(with(331, 110.0).freshness, Some(Freshness::Stale));
    let old = with(481, 110.0);
    assert_eq!(
        (old.text.as_str(), old.freshness),
        ("?", Some(Freshness::Expired))
    );
}

#[test]
fn json_of_a_region_holds_its_roll_up_and_unknown_values_are_null() {
    let fleet = fleet();
    let row = &all(&fleet, Kind::Regions)[0];
    let value = json(&fleet, Kind::Regions, row).unwrap();
    let derived = &value["derived"];
    assert_eq!(value["label"], "eu");
    assert_eq!(
        derived["requests_per_second"]["value"],
        serde_json::Value::Null
    );
    assert_eq!(derived["requests_per_second"]["state"], "never_read");
    assert_eq!(derived["databases"]["role"], "replica");
    assert_eq!(derived["alarms"]["metric"][0], "a");
    assert_eq!(
        derived["severity"], "bad",
        "its API server answered before and refuses now"
    );
}

#[test]
fn a_filter_finds_by_field_and_a_sort_puts_the_unknown_last() {
    let mut fleet = f::fleet(&["eu", "us"]);
    for (region, requests) in [("eu", 600.0), ("us", 6_000.0)] {
        let rows = Rows::Traffic(vec![f::forward("web", "blue", 1)]);
        answer(&mut fleet, Source::LoadBalancers, &place(region), 5, rows);
        let series = f::balancer_series("web", &[("requests", &[(120, requests)])]);
        f::metrics(&mut fleet, &place(region), 5, series);
    }
    let names = |sort, filter: &str| -> Vec<String> {
        let order = order(&fleet, Kind::Regions, sort, filter);
        let label = |row: &RowRef| row.place.region().unwrap().to_string();
        order.iter().map(label).collect()
    };
    let rps = columns(Kind::Regions)
        .iter()
        .position(|c| c.title == "rps")
        .unwrap();
    let by_rps = Some(Sort {
        column: rps,
        descending: true,
    });
    assert_eq!(names(by_rps, ""), ["us", "eu"]);
    assert_eq!(names(None, "region:u !rps:100"), ["eu"]);
}

#[test]
fn nothing_of_a_region_that_does_not_answer_is_shown_as_if_seen_now() {
    let mut fleet = fleet();
    let key = databases::series_key("db", "replication-lag");
    let series = vec![f::series(&key, &[(120, 110.0)])];
    f::metrics(&mut fleet, &place("eu"), 5, series);
    let freshness = |fleet: &Fleet| {
        let of_cell = cell(fleet, Kind::Databases, "lag").freshness;
        (rows(fleet, Kind::Caches)[0].freshness, of_cell.unwrap())
    };
    let fresh = (Freshness::Fresh, Freshness::Fresh);
    assert_eq!(freshness(&fleet), fresh);
    for &source in Source::ALL {
        if fleet.status(source, &place("eu")).observed_at.is_some() {
            f::failure(&mut fleet, source, &place("eu"), ErrorClass::Timeout);
        }
    }
    fleet.advance(f::now() + std::time::Duration::from_secs(60));
    // Caches are asked once a minute: by their own age they are not old yet.
    let own = fleet.freshness(Source::ElastiCache, &place("eu"));
    assert_eq!(own, Freshness::Fresh);
    assert_eq!(freshness(&fleet), (Freshness::Stale, Freshness::Stale));
    let row = &all(&fleet, Kind::Databases)[0];
    let fields = detail(&fleet, Kind::Databases, row);
    let mut own = fields.iter().filter_map(|field| field.cell.freshness);
    assert!(own.clone().next().is_some() && own.all(|own| own != Freshness::Fresh));
    let region = &rows(&fleet, Kind::Regions)[0];
    let alarms = columns(Kind::Regions).iter().zip(&region.cells);
    let seen = |title| {
        let mut cells = alarms.clone();
        let found = cells.find(|(column, _)| column.title == title);
        found.unwrap().1.freshness
    };
    assert_eq!(seen("alm"), Some(Freshness::Stale));
    assert_eq!(seen("age"), Some(Freshness::Fresh), "how old the rest is");
}

#[test]
fn a_hostile_name_moves_no_field_of_a_filter() {
    let mut fleet = f::fleet(&["eu"]);
    let rows = vec![
        f::alarm("a\u{1f}b\u{1f}OK", "ALARM", "x"),
        f::alarm("c", "OK", "x"),
    ];
    answer(
        &mut fleet,
        Source::Alarms,
        &place("eu"),
        5,
        Rows::Alarms(rows),
    );
    let found = |filter: &str| order(&fleet, Kind::Alarms, None, filter).len();
    assert_eq!((found("alarm:alarm"), found("alarm:ok")), (1, 1));
    assert_eq!((found("region:eu"), found("name:ab")), (2, 1));
}
