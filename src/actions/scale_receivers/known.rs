//! What is known before minimums are raised: what a run raised already, whether capacity follows the nodes, what is missing. Owns the words for it.

use std::collections::BTreeMap;

use crate::{
    plan::{forecast::Forecast, ledger::Ledger},
    resources::{
        Change, Fleet, Place, RegionLabel, Source, change::Alter, clusters,
        regions::capacity::Capacity,
    },
};

/// The node groups whose minimum a run raised and nobody lowered since, each with that run.
pub fn raised(ledger: &Ledger) -> BTreeMap<String, String> {
    let runs = ledger.runs.iter().filter(|run| run.undone_by.is_none());
    runs.flat_map(|run| {
        let changes = run.standing_changes().into_iter();
        let groups = changes.filter_map(|change| match change {
            Change::Clusters(clusters::Change::Scale { from, to, .. }) if to.min > from.min => {
                Some(change.target())
            }
            Change::Clusters(_)
            | Change::Deployments(_)
            | Change::Nodes(_)
            | Change::Traffic(_)
            | Change::Databases(_)
            | Change::Caches(_)
            | Change::HealthChecks(_)
            | Change::Alarms(_)
            | Change::Pipelines(_) => None,
        });
        groups.map(|target| (target, run.id.clone()))
    })
    .collect()
}

/// Whether the capacity of a region follows its nodes.
pub fn scales(fleet: &Fleet, region: &RegionLabel) -> bool {
    let spec = fleet.estate.region(region);
    spec.is_some_and(|spec| spec.capacity_nodes.is_some())
}

/// What is missing for the forecast of a receiver.
pub fn missing(forecast: &Forecast, capacity: &Capacity) -> String {
    if capacity.wanted_rps.is_none() {
        capacity.how.clone()
    } else if forecast.rps_before.is_none() {
        "its requests are not measured".to_owned()
    } else {
        "what will move there is not measured".to_owned()
    }
}

pub fn why_none(fleet: &Fleet, region: &RegionLabel) -> String {
    let place = Place::Region(region.clone());
    let status = fleet.status(Source::Clusters, &place);
    match (status.error, status.observed_at, status.problems.first()) {
        (Some(error), _, _) => error.to_string(),
        (None, None, _) => "EKS has not been asked yet".to_owned(),
        (None, Some(_), Some(problem)) => problem.to_string(),
        (None, Some(_), None) => {
            "EKS lists none there (Fargate, Auto Mode and Karpenter have none)".to_owned()
        }
    }
}
