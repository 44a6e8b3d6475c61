//! Replicated stores with two writers, or about whose writer the regions disagree. Owns the comparison of views; a view that is only old is not an accusation.

use std::collections::{BTreeMap, BTreeSet};

use super::{Contradiction, join};
use crate::resources::{
    Fleet, Freshness, RegionLabel, Severity, caches::Cache, databases::Database,
};

/// Contradictions about databases and caches.
pub fn find(fleet: &Fleet) -> Vec<Contradiction> {
    let mut found = writers(&database_views(fleet), "writer", "global database");
    found.extend(writers(&cache_views(fleet), "primary", "Global Datastore"));
    found
}

/// Which member takes the writes of a replicated store, as one region says.
#[derive(Debug, Clone, PartialEq)]
struct View {
    seen_from: RegionLabel,
    /// Names of the members that claim to take writes.
    writers: BTreeSet<String>,
    fresh: bool,
    /// A switchover or failover is under way, so that views may differ for a while.
    moving: bool,
}

fn database_views(fleet: &Fleet) -> BTreeMap<String, Vec<View>> {
    let mut views: BTreeMap<String, Vec<View>> = BTreeMap::new();
    for (source, place, row) in fleet.databases.rows() {
        let (Some(label), Database::Cluster(cluster)) = (place.region(), row) else {
            continue;
        };
        let Some(global) = &cluster.global else {
            continue;
        };
        let writers = global.members.iter().filter(|member| member.writer);
        let mut view = View {
            seen_from: label.clone(),
            writers: writers.map(|member| region_of(&member.arn)).collect(),
            fresh: fleet.freshness(source, place) == Freshness::Fresh,
            moving: global.failover.is_some(),
        };
        if cluster.writer() == Some(true) {
            view.writers.extend(cluster.arn.as_deref().map(region_of));
        }
        views.entry(global.id.clone()).or_default().push(view);
    }
    views
}

fn cache_views(fleet: &Fleet) -> BTreeMap<String, Vec<View>> {
    let mut views: BTreeMap<String, Vec<View>> = BTreeMap::new();
    for (source, place, row) in fleet.caches.rows() {
        let (Some(label), Cache::Group(group)) = (place.region(), row) else {
            continue;
        };
        let Some(datastore) = &group.datastore else {
            continue;
        };
        let primaries = datastore
            .members
            .iter()
            .filter(|member| member.role.eq_ignore_ascii_case("primary"));
        let view = View {
            seen_from: label.clone(),
            writers: primaries.map(|member| member.region.clone()).collect(),
            fresh: fleet.freshness(source, place) == Freshness::Fresh,
            moving: datastore.status.as_deref() == Some("modifying"),
        };
        views.entry(datastore.id.clone()).or_default().push(view);
    }
    views
}

/// The AWS Region in an ARN, or the whole text when it is none.
pub(super) fn region_of(arn: &str) -> String {
    let region = arn.split(':').nth(3).filter(|region| !region.is_empty());
    region.unwrap_or(arn).to_owned()
}

fn writers(stores: &BTreeMap<String, Vec<View>>, role: &str, what: &str) -> Vec<Contradiction> {
    let mut found = Vec::new();
    for (id, views) in stores {
        let regions: Vec<RegionLabel> = views.iter().map(|view| view.seen_from.clone()).collect();
        let claimed: BTreeSet<&str> = views
            .iter()
            .flat_map(|view| view.writers.iter().map(String::as_str))
            .collect();
        // A store without any writer in any view is its row's own affair.
        if claimed.len() < 2 {
            continue;
        }
        let split = views.iter().find(|view| view.writers.len() > 1);
        let text = match split {
            Some(view) => format!(
                "{what} {id}: two regions claim the {role}, {} (seen from {})",
                join(view.writers.iter().map(String::as_str)),
                view.seen_from
            ),
            None => format!(
                "{what} {id}: regions disagree about the {role}: {}",
                join(views.iter().map(|view| format!(
                    "{} says {}",
                    view.seen_from,
                    join(view.writers.iter().map(String::as_str))
                )))
            ),
        };
        // While it moves, or where one side is only old, a difference is expected to pass.
        let passing = views.iter().any(|view| view.moving || !view.fresh);
        let (severity, text) = if views.iter().any(|view| view.moving) {
            (Severity::Warn, format!("{text}; a change is under way"))
        } else if passing {
            (Severity::Warn, format!("{text}; not all of it is fresh"))
        } else {
            (Severity::Bad, text)
        };
        found.push(Contradiction {
            severity,
            regions,
            text,
        });
    }
    found
}
