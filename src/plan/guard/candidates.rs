//! Who else could take over, and loses less: the members of a global cluster, the replicas of a source, the secondaries of a datastore. Owns the comparison; a candidate that could not is none.

use super::writers;
use crate::resources::{
    Fleet, Freshness, Place, RegionLabel, Source,
    caches::{Cache, ReplicationGroup},
    databases::{Database, DbInstance},
    metrics::Reading,
};

/// Another one that could be taken.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Its name in a sentence: `eu-west-1/shop`.
    pub name: String,
    /// How far it is behind, by the last good value.
    pub lag_ms: f64,
}

/// The last good value, however old: of a dead source nothing newer comes.
pub fn last(reading: Reading) -> Option<f64> {
    match reading {
        Reading::Value { value, .. } if value >= 0.0 => Some(value),
        Reading::Value { .. }
        | Reading::NeverRead
        | Reading::Failed
        | Reading::NoData
        | Reading::Forbidden => None,
    }
}

/// The one that is least behind.
fn best(all: impl Iterator<Item = (String, Reading)>) -> Option<Candidate> {
    all.filter_map(|(name, lag)| {
        Some(Candidate {
            name,
            lag_ms: last(lag)?,
        })
    })
    .min_by(|a, b| a.lag_ms.total_cmp(&b.lag_ms))
}

/// Whether a region can be asked, and was.
fn answers(fleet: &Fleet, label: &RegionLabel, source: Source) -> bool {
    let place = Place::Region(label.clone());
    !fleet.rollup(label).reach.lost(fleet.now)
        && fleet.freshness(source, &place) < Freshness::Expired
}

/// The best other member of a global cluster.
pub fn member(fleet: &Fleet, region: &RegionLabel, arn: &str) -> Option<Candidate> {
    let own = writers::cluster(fleet, region, arn)?;
    let members = &own.global.as_ref()?.members;
    best(members.iter().filter_map(|member| {
        let fits = member.arn != arn
            && !member.writer
            && matches!(member.synchronization.as_deref(), None | Some("connected"));
        let label = writers::region_of_arn(fleet, &member.arn)
            .filter(|label| fits && answers(fleet, label, Source::Rds))?;
        let cluster = writers::cluster(fleet, label, &member.arn)
            .filter(|cluster| cluster.status == "available" && !cluster.instances.is_empty())?;
        let lag = cluster.loss_ms(fleet, &Place::Region(label.clone()));
        Some((format!("{label}/{}", cluster.id), lag))
    }))
}

/// The best other replica of the same source.
pub fn sibling(fleet: &Fleet, region: &RegionLabel, id: &str, source: &str) -> Option<Candidate> {
    let of = writers::source_of(fleet, region, source)?;
    let rows = fleet.databases.rows().filter_map(|(_, place, row)| {
        let label = place.region()?;
        match row {
            Database::Instance(instance) => Some((label, instance)),
            Database::Cluster(_) | Database::Table(_) => None,
        }
    });
    let other = |(label, instance): &(&RegionLabel, &DbInstance)| {
        let same = instance
            .source
            .as_deref()
            .is_some_and(|name| writers::source_of(fleet, label, name) == Some(of));
        let normal = instance
            .replica_status
            .as_ref()
            .is_none_or(|status| status.normal);
        same && normal
            && (*label, instance.id.as_str()) != (region, id)
            && instance.status == "available"
            && answers(fleet, label, Source::Rds)
    };
    best(rows.filter(other).map(|(label, instance)| {
        let lag = instance.lag_ms(fleet, &Place::Region(label.clone()));
        (format!("{label}/{}", instance.id), lag)
    }))
}

/// The best other secondary of a Global Datastore.
pub fn secondary(fleet: &Fleet, datastore: &str, region: &RegionLabel) -> Option<Candidate> {
    let rows = fleet.caches.rows().filter_map(|(_, place, row)| {
        let label = place.region()?;
        match row {
            Cache::Group(group) => Some((place, label, row, group)),
            Cache::MemoryDb(_) => None,
        }
    });
    let fits = |label: &RegionLabel, group: &ReplicationGroup| {
        let own = group.datastore.as_ref();
        own.is_some_and(|own| own.id == datastore)
            && label != region
            && group.role() == "secondary"
            && group.status == "available"
            && answers(fleet, label, Source::ElastiCache)
    };
    best(rows.filter(|(_, label, _, group)| fits(label, group)).map(
        |(place, label, row, group)| (format!("{label}/{}", group.id), row.lag_ms(fleet, place)),
    ))
}
