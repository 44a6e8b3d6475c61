//! Fleets for the tests of judgements. Owns the fixed time; knows no rule.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;

use crate::resources::{
    Answer, Estate, Fleet, Place, Query, RegionLabel, Rows, Source, Wanted,
    estate::{Access, RegionRole, RegionSpec},
    metrics::{Point, Quality, Series, SeriesSpec, Stat},
};

/// The time as of which everything is judged.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_second(1_700_000_000).unwrap()
}

/// The place of a region.
pub(crate) fn place(region: &str) -> Place {
    Place::Region(RegionLabel::new(region).unwrap())
}

/// An estate of two regions with nothing observed.
pub(crate) fn fleet() -> Fleet {
    let region = |name: &str| RegionSpec {
        label: RegionLabel::new(name).unwrap(),
        aws_region: Some(name.to_owned()),
        role: RegionRole::Active,
        access: Access::default(),
        kube_contexts: Vec::new(),
        capacity_rps: None,
        load_balancers: Vec::new(),
        backends: Vec::new(),
        capacity_nodes: None,
        residency: Vec::new(),
    };
    let estate = Estate {
        regions: vec![region("us-east-1"), region("eu-west-1")],
        ..Estate::default()
    };
    Fleet::new(Arc::new(estate), now())
}

/// Takes rows in.
pub(crate) fn put(fleet: &mut Fleet, source: Source, region: &str, rows: Rows) {
    let query = Query {
        source,
        place: place(region),
        wanted: Wanted::Nothing,
        read: 0,
    };
    fleet.accept(&query, Answer::of(rows), now(), Duration::ZERO);
}

/// Takes complete values in as the only series of a region; `age` is how many seconds ago their periods began.
pub(crate) fn measure_aged(fleet: &mut Fleet, region: &str, values: &[(&str, f64)], age: i64) {
    let series = |(key, value): &(&str, f64)| Series {
        spec: SeriesSpec::new((*key).to_owned(), "N", "M", &[], Stat::Maximum),
        points: vec![Point {
            at: Timestamp::from_second(now().as_second() - age).unwrap(),
            value: *value,
        }],
        quality: Quality::Complete,
    };
    let mut rows: Vec<Series> = values.iter().map(series).collect();
    rows.sort_by(|a, b| a.spec.key.cmp(&b.spec.key));
    put(fleet, Source::Metrics, region, Rows::Metrics(rows));
}

/// The same with fresh values.
pub(crate) fn measure(fleet: &mut Fleet, region: &str, values: &[(&str, f64)]) {
    measure_aged(fleet, region, values, 120);
}
