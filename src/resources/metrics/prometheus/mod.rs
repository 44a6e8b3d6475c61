//! Series that a Prometheus keeps. Owns what is said of one that has stopped; asks nobody.

pub mod live;
mod services;
pub mod sim;
mod users;

use super::{Reading, Series, signals};
use crate::resources::{Fleet, Freshness, Judgement, Place, Severity, Source, cell::coarse_age};

/// A complete answer may still tell nothing: nobody reports, or nobody reports any more.
pub fn judge(series: &Series, fleet: &Fleet, place: &Place) -> Judgement {
    let key = series.spec.key.as_str();
    let unknown = |text: String| Judgement::new(Severity::Unknown, text);
    match fleet.reading(place, key) {
        // A federated server may keep the series of services without those about their targets.
        Reading::NoData if key == signals::TARGETS_UP && !services_report(fleet, place) => unknown(
            format!("Prometheus answers, and no target of {place} reports to it"),
        ),
        Reading::Value { value, .. } if key == signals::TARGETS_DOWN && value > 0.0 => {
            Judgement::new(
                Severity::Warn,
                format!("{value:.0} targets do not answer Prometheus"),
            )
        }
        Reading::Value { at, freshness, .. } if freshness >= Freshness::Expired => {
            let age = coarse_age(crate::resources::age(at, fleet.now));
            unknown(format!("it reports no more: the last point is {age} old"))
        }
        Reading::Value { .. }
        | Reading::NoData
        | Reading::NeverRead
        | Reading::Failed
        | Reading::Forbidden => Judgement::ok(),
    }
}

/// Whether any series of a service tells a value that can be used.
fn services_report(fleet: &Fleet, place: &Place) -> bool {
    let slice = fleet.metrics.slice(Source::Prometheus, place);
    let rows = slice.into_iter().flat_map(|slice| &slice.rows);
    let mut keys = rows.map(|row| row.spec.key.as_str());
    keys.any(|key| key.starts_with("service/") && fleet.reading(place, key).usable().is_some())
}
