//! A part of what is divided by AWS itself: a target group, a version behind an alias, a staging distribution. Owns which CloudWatch series tell what its users get.

use jiff::Timestamp;

use super::Minutes;
use crate::resources::{
    Change, Fleet, Place, RegionLabel, Source,
    metrics::{Point, Quality},
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
        // A counter has no point where nothing failed: whether it was read at all is another question.
        if let Some(unread) = self.counted().find(|key| !whole(fleet, place, key)) {
            return Err(format!("its series {unread} was not read"));
        }
        let points = |key: &str| -> &[Point] {
            let points = fleet.series(place, key).map(|series| &*series.points);
            let points = points.unwrap_or_default();
            &points[..points.partition_point(|point| point.at >= since)]
        };
        let failed_of = |minute: &Point| -> Option<f64> {
            let at = |key: &str| {
                let found = points(key).iter().find(|point| point.at == minute.at);
                found.map(|point| point.value)
            };
            match &self.failed {
                Failed::Counts(keys) => Some(keys.iter().filter_map(|key| at(key)).sum()),
                Failed::Percent(key) => Some(at(key)? * minute.value / 100.0),
            }
        };
        let rate = |minute: &Point| {
            let failed = failed_of(minute)?;
            let asked = minute.value.max(failed);
            (asked > 0.0).then(|| failed / asked * 100.0)
        };
        let requests = points(&self.requests);
        let worst_error_percent = requests.iter().filter_map(rate).reduce(f64::max);
        let p95 = self.p95.as_ref().map(|(key, unit)| {
            let worst = points(key).iter().map(|point| point.value).reduce(f64::max);
            let worst = worst.filter(|_| whole(fleet, place, key));
            worst.map(|worst| worst * f64::from(*unit))
        });
        Ok(Minutes {
            requests: requests.iter().map(|minute| minute.value).sum(),
            failed: requests.iter().filter_map(failed_of).sum(),
            minutes: requests.len(),
            worst_error_percent,
            worst_p95_ms: p95.flatten(),
            known: fleet.reading(place, &self.requests).usable().is_some()
                && worst_error_percent.is_some()
                && p95.is_none_or(|worst| worst.is_some()),
        })
    }

    /// The series that count its requests and those that failed.
    fn counted(&self) -> impl Iterator<Item = &String> {
        let failed = match &self.failed {
            Failed::Counts(keys) => keys.as_slice(),
            Failed::Percent(key) => std::slice::from_ref(key),
        };
        std::iter::once(&self.requests).chain(failed)
    }
}

/// Whether a series was read, and all of it.
fn whole(fleet: &Fleet, place: &Place, key: &str) -> bool {
    let series = fleet.series(place, key);
    series.is_some_and(|series| series.quality == Quality::Complete)
}

#[cfg(test)]
mod tests;
