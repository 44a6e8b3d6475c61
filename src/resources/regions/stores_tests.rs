//! Roles and lags of the stores of a region.

use super::*;
use crate::resources::{
    Rows, caches, databases,
    fixtures::{self as f, answer, label, place},
    regions::rollup::Rollup,
};

fn value(reading: Option<Reading>) -> Option<f64> {
    reading.and_then(Reading::usable)
}

#[test]
fn writers_readers_and_lag_of_the_stores() {
    let mut fleet = f::fleet(&["eu", "us"]);
    let both = ["eu", "us"];
    for region in both {
        let database = f::aurora(region, &["us"], &both);
        let rows = Rows::Databases(vec![database]);
        answer(&mut fleet, Source::Rds, &place(region), 5, rows);
        let cache = f::redis(region, "us", &both);
        let rows = Rows::Caches(vec![cache]);
        answer(&mut fleet, Source::ElastiCache, &place(region), 5, rows);
    }
    let series = vec![
        f::series(
            &caches::node_series_key("sessions", "global-lag", "sessions-001"),
            &[(120, 0.8)],
        ),
        f::series(
            &databases::series_key("db", "replication-lag"),
            &[(120, 110.0)],
        ),
    ];
    f::metrics(&mut fleet, &place("eu"), 5, series);
    let (eu, us) = (
        Rollup::of(&fleet, &label("eu")),
        Rollup::of(&fleet, &label("us")),
    );
    assert_eq!(
        (eu.databases.role, us.databases.role),
        (StoreRole::Replica, StoreRole::Writer)
    );
    assert_eq!(
        value(eu.databases.lag_ms),
        Some(110.0),
        "Aurora lag is in ms"
    );
    assert_eq!(
        value(eu.caches.lag_ms),
        Some(800.0),
        "the datastore's lag is in seconds"
    );
    assert_eq!(us.databases.lag_ms, None, "a writer follows nobody");
}
