//! A part of what is divided by AWS itself: a target group, a version behind an alias, a staging distribution. Owns which CloudWatch series tell what its users get.

use jiff::Timestamp;

use super::Minutes;
use crate::resources::{
    Change, Fleet, Place, RegionLabel, Source,
    metrics::Point,
    traffic::{
        self,
        change::ForwardEdit,
        cloudfront::distribution_key,
        elastic_load_balancing::{GROUP_FAILURES, target_group_key},
        lambda::alias_key,
    },
};

/// The series of a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Requests of a minute.
    requests: String,
    failed: Failed,
    /// p95, and how many milliseconds its unit has; `None` where nobody publishes it.
    p95: Option<(String, u32)>,
}

/// How failed requests are told.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Failed {
    /// As counters, which are published only when they are not zero.
    Counts(Vec<String>),
    /// In percent of the requests.
    Percent(String),
}

/// The parts that a change gives more users: where, in words, and how they are measured. What had most of them before is no canary.
pub fn of(fleet: &Fleet, change: &Change) -> Vec<(Place, String, Part)> {
    let Change::Traffic(change) = change else {
        return Vec::new();
    };
    match change {
        traffic::Change::Forward { region, groups, .. } => {
            let most = groups.iter().map(|edit| edit.from).max();
            let raised = groups.iter();
            let raised = raised.filter(|edit| edit.to > edit.from && Some(edit.from) < most);
            raised
                .filter(|edit| published(fleet, region, edit))
                .map(|edit| group(region, edit))
                .collect()
        }
        traffic::Change::Alias {
            region,
            function,
            alias,
            canary,
            from,
            to,
            ..
        } if to > from => {
            let key = |what: &str| alias_key(function, alias, canary, what);
            let part = Part {
                requests: key("invocations"),
                failed: Failed::Counts(vec![key("errors")]),
                p95: Some((key("p95"), 1)),
            };
            let what = format!("version {canary} of {function}");
            vec![(Place::Region(region.clone()), what, part)]
        }
        traffic::Change::Staging {
            distribution_id,
            from,
            to,
            ..
        } if to > from => staging_of(fleet, distribution_id)
            .map(|staging| {
                let part = Part {
                    requests: distribution_key(&staging, "requests"),
                    failed: Failed::Percent(distribution_key(&staging, "5xx-rate")),
                    p95: None,
                };
                (Place::Global, format!("staging {staging}"), part)
            })
            .into_iter()
            .collect(),
        traffic::Change::Alias { .. }
        | traffic::Change::Staging { .. }
        | traffic::Change::Weights { .. }
        | traffic::Change::Dial { .. }
        | traffic::Change::Controls { .. }
        | traffic::Change::Route { .. }
        | traffic::Change::Steer(_)
        | traffic::Change::Invalidate { .. } => Vec::new(),
    }
}

fn group(region: &RegionLabel, edit: &ForwardEdit) -> (Place, String, Part) {
    let key = |what: &str| target_group_key(&edit.target_group_arn, what);
    let part = Part {
        requests: key("requests"),
        failed: Failed::Counts(GROUP_FAILURES.map(key).to_vec()),
        p95: Some((key("p95"), 1_000)),
    };
    let what = format!("target group {}", edit.target_group_name);
    (Place::Region(region.clone()), what, part)
}

/// Whether CloudWatch hears of the requests of a target group: only application load balancers count them.
fn published(fleet: &Fleet, region: &RegionLabel, edit: &ForwardEdit) -> bool {
    let place = Place::Region(region.clone());
    let slice = fleet.traffic.slice(Source::LoadBalancers, &place);
    let rows = slice.into_iter().flat_map(|slice| &slice.rows);
    let mut groups = rows.filter_map(|row| row.by.forward());
    groups.any(|group| group.target_group_arn == edit.target_group_arn && group.counted())
}

/// The staging distribution of a primary one.
fn staging_of(fleet: &Fleet, primary: &str) -> Option<String> {
    let slice = fleet.traffic.slice(Source::Distributions, &Place::Global)?;
    let mut own = slice.rows.iter().filter(|row| row.split == primary);
    own.find_map(|row| row.by.distribution().filter(|found| found.staging))
        .map(|staging| staging.id.clone())
}

impl Part {
    /// What its users got in the minutes that began at or after a time; an error says why nothing is known.
    pub fn minutes(
        &self,
        fleet: &Fleet,
        place: &Place,
        since: Timestamp,
    ) -> Result<Minutes, String> {
        let points = |key: &str| -> &[Point] {
            let points = fleet
                .series(place, key)
                .map(|series| series.points.as_slice());
            let points = points.unwrap_or_default();
            &points[..points.partition_point(|point| point.at >= since)]
        };
        let requests = points(&self.requests);
        if fleet.series(place, &self.requests).is_none() {
            return Err("its requests were not read".to_owned());
        }
        let failed_of = |minute: &Point| -> f64 {
            let at = |key: &str| {
                let found = points(key).iter().find(|point| point.at == minute.at);
                found.map(|point| point.value)
            };
            match &self.failed {
                Failed::Counts(keys) => keys.iter().filter_map(|key| at(key)).sum(),
                Failed::Percent(key) => at(key).unwrap_or(0.0) * minute.value / 100.0,
            }
        };
        let rate = |minute: &Point| {
            let asked = minute.value.max(failed_of(minute));
            (asked > 0.0).then(|| failed_of(minute) / asked * 100.0)
        };
        let p95 = self.p95.as_ref().map(|(key, unit)| {
            let worst = points(key).iter().map(|point| point.value).reduce(f64::max);
            worst.map(|worst| worst * f64::from(*unit))
        });
        Ok(Minutes {
            requests: requests.iter().map(|minute| minute.value).sum(),
            failed: requests.iter().map(failed_of).sum(),
            minutes: requests.len(),
            worst_error_percent: requests.iter().filter_map(rate).reduce(f64::max),
            worst_p95_ms: p95.flatten(),
            known: fleet.reading(place, &self.requests).usable().is_some()
                && !requests.is_empty()
                && p95.is_none_or(|worst| worst.is_some()),
        })
    }
}

#[cfg(test)]
mod tests;
