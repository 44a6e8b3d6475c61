//! What a Prometheus says about the users of a region: its series in a demand and in minutes. Owns that errors and latencies are those of the requests beside them; adds nothing up.

use jiff::Timestamp;

use super::{Demand, Minute, nearest, unreadable};
use crate::resources::{
    Fleet, Place, Source, age,
    metrics::{Quality, Reading, Series, signals::STEP, users::UserSignal},
};

/// What is known of the users of a region now.
pub(super) fn demand(fleet: &Fleet, place: &Place) -> Demand {
    let requests = reading(fleet, place, UserSignal::Requests);
    // Without a request there is no share and no latency: the last one there was says nothing about now.
    let beside = |signal: UserSignal| match (requests, reading(fleet, place, signal)) {
        (Reading::Value { at: newest, .. }, Reading::Value { at, .. })
            if age(at, newest) > STEP =>
        {
            Some(Reading::NoData)
        }
        (_, reading) => Some(reading),
    };
    Demand {
        requests_per_second: Some(requests),
        error_percent: beside(UserSignal::Errors),
        p95_ms: beside(UserSignal::P95),
        p99_ms: beside(UserSignal::P99),
    }
}

fn reading(fleet: &Fleet, place: &Place, signal: UserSignal) -> Reading {
    match fleet.reading(place, signal.key()) {
        // It has answered, and has no such series.
        Reading::NeverRead
            if fleet
                .status(Source::Prometheus, place)
                .observed_at
                .is_some() =>
        {
            Reading::NoData
        }
        reading => reading,
    }
}

/// The minutes in which it counted, the newest first; or why there are none.
pub(super) fn minutes(fleet: &Fleet, place: &Place) -> Result<Vec<Minute>, String> {
    let series = |signal| complete(fleet, place, signal);
    let (requests, errors) = (series(UserSignal::Requests)?, series(UserSignal::Errors)?);
    let p95 = series(UserSignal::P95)?;
    let value = |series: &Series, at: Timestamp| {
        let mut points = series.points.iter();
        points.find(|point| point.at == at).map(|point| point.value)
    };
    let minutes = requests.points.iter().map(|point| {
        let count = point.value * STEP.as_secs_f64();
        Minute {
            at: point.at,
            requests: count,
            errors: value(errors, point.at).unwrap_or_default() / 100.0 * count,
            p95_ms: value(p95, point.at),
        }
    });
    Ok(minutes.collect())
}

/// A series that was read in full.
fn complete<'a>(fleet: &'a Fleet, place: &Place, signal: UserSignal) -> Result<&'a Series, String> {
    let silent = || format!("its Prometheus tells of no request of the users of {place}");
    let why = |reading| unreadable(reading).unwrap_or_else(silent);
    let Some(series) = fleet.series(place, signal.key()) else {
        return Err(why(reading(fleet, place, signal)));
    };
    match series.quality {
        Quality::Complete if signal == UserSignal::Requests && series.points.is_empty() => {
            Err(silent())
        }
        Quality::Complete => Ok(series),
        Quality::Partial | Quality::Failed => Err(why(Reading::Failed)),
        Quality::Forbidden => Err(why(Reading::Forbidden)),
    }
}

/// Requests per second in the minute nearest to a time.
pub(super) fn requests_at(fleet: &Fleet, place: &Place, at: Timestamp) -> Option<f64> {
    let series = complete(fleet, place, UserSignal::Requests).ok()?;
    let minute = nearest(series.points.iter().map(|point| point.at), at)?;
    let mut points = series.points.iter();
    points
        .find(|point| point.at == minute)
        .map(|point| point.value)
}

/// Which server, and whose series it tells.
pub(super) fn words(fleet: &Fleet, place: &Place) -> String {
    let server = place
        .region()
        .and_then(|label| fleet.estate.prometheus.get(label));
    let url = server.map_or("", |server| server.url.as_str());
    let series = fleet.series(place, UserSignal::Requests.key());
    let told_by = series.and_then(|series| series.spec.dimensions.first());
    match told_by {
        Some((_, who)) => format!("Prometheus {url}, {who}"),
        None => format!("Prometheus {url}, which tells of no request at a door that is known here"),
    }
}
