//! Stores of one region that all fall behind another region while both serve their users. Owns telling a cut network from a dead region; a single slow store proves nothing.

use std::collections::BTreeMap;

use super::{Contradiction, stores::region_of};
use crate::resources::{
    Fleet, RegionLabel, Severity,
    caches::Cache,
    cell::milliseconds,
    databases::Database,
    metrics::Reading,
    regions::stores::{cache_lag_severity, database_lag_severity},
};

/// How many stores must lag before the path between two regions is blamed instead of a store.
const STORES: usize = 2;

/// Pairs of regions between which replication stands still although both serve.
pub fn find(fleet: &Fleet) -> Vec<Contradiction> {
    let mut behind: BTreeMap<(&RegionLabel, &RegionLabel), Vec<f64>> = BTreeMap::new();
    for (to, from, lag) in lags(fleet) {
        behind.entry((to, from)).or_default().push(lag);
    }
    behind
        .into_iter()
        .filter(|(_, lags)| lags.len() >= STORES)
        .filter(|((to, from), _)| serves(fleet, to) && serves(fleet, from))
        .map(|((to, from), lags)| {
            let worst = lags.iter().copied().fold(0.0, f64::max);
            Contradiction {
                severity: Severity::Warn,
                regions: vec![to.clone(), from.clone()],
                text: format!(
                    "{to}: {} stores lag up to {} behind {from}, but both regions serve: is the network between them cut?",
                    lags.len(),
                    milliseconds(worst)
                ),
            }
        })
        .collect()
}

/// Every lag beyond its limit: the region that lags, the region that it follows, and milliseconds.
fn lags(fleet: &Fleet) -> impl Iterator<Item = (&RegionLabel, &RegionLabel, f64)> {
    let limits = &fleet.estate.thresholds;
    // Few stores follow another region, and a lag is dearer to look up than that.
    let databases = fleet.databases.rows().filter_map(|(_, place, row)| {
        let from = followed(row)?;
        let lag = row.lag_ms(fleet, place).usable()?;
        let late = lag > 0.0 && database_lag_severity(row, limits, lag) > Severity::Ok;
        late.then_some((place.region()?, label(fleet, &from)?, lag))
    });
    let caches = fleet.caches.rows().filter_map(|(_, place, row)| {
        let from = primary(row)?;
        let lag = row.lag_ms(fleet, place).usable()?;
        let late = cache_lag_severity(limits, lag) > Severity::Ok;
        late.then_some((place.region()?, label(fleet, &from)?, lag))
    });
    databases.chain(caches).filter(|(to, from, _)| to != from)
}

/// The AWS Region whose writer a database follows.
fn followed(database: &Database) -> Option<String> {
    match database {
        Database::Cluster(cluster) => {
            let members = &cluster.global.as_ref()?.members;
            let writer = members.iter().find(|member| member.writer)?;
            Some(region_of(&writer.arn))
        }
        Database::Instance(instance) => {
            let source = instance.source.as_deref()?;
            source.starts_with("arn:").then(|| region_of(source))
        }
        // A table has a latency for each receiver and follows nobody.
        Database::Table(_) => None,
    }
}

fn primary(cache: &Cache) -> Option<String> {
    match cache {
        Cache::Group(group) => {
            let members = &group.datastore.as_ref()?.members;
            let primary = members.iter().find(|member| member.role == "primary")?;
            Some(primary.region.clone())
        }
        Cache::MemoryDb(_) => None,
    }
}

fn label<'a>(fleet: &'a Fleet, aws_region: &str) -> Option<&'a RegionLabel> {
    let mut regions = fleet.estate.regions.iter();
    let found = regions.find(|region| region.aws_region.as_deref() == Some(aws_region));
    found.map(|region| &region.label)
}

/// Whether users get answers from a region, as far as is known now.
fn serves(fleet: &Fleet, region: &RegionLabel) -> bool {
    let rollup = fleet.rollup(region);
    let requests = rollup.demand.requests_per_second.and_then(Reading::usable);
    !rollup.reach.lost(fleet.now) && requests.is_some_and(|requests| requests > 0.0)
}
