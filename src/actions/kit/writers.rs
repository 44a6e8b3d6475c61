//! Writers and primaries that live in a region, and where they can go. Owns which follower is the best candidate; asks nobody.

use crate::resources::{
    Change, Fleet, Place, RegionLabel, Source,
    caches::{self, Cache, ReplicationGroup},
    databases::{self, Database, DbCluster},
    metrics::Reading,
};

/// A writer or primary in a region.
#[derive(Debug)]
pub struct Held {
    /// What it is called: the global cluster, the datastore.
    pub name: String,
    /// What moves it, and to where; otherwise why nothing does.
    pub way: Result<(Change, RegionLabel), String>,
}

fn databases<'a>(fleet: &'a Fleet, label: &RegionLabel) -> impl Iterator<Item = &'a DbCluster> {
    let place = Place::Region(label.clone());
    let slice = fleet.databases.slice(Source::Rds, &place);
    let rows = slice.map_or(&[][..], |slice| &slice.rows);
    rows.iter().filter_map(|row| match row {
        Database::Cluster(cluster) => Some(cluster),
        Database::Instance(_) | Database::Table(_) => None,
    })
}

fn groups<'a>(fleet: &'a Fleet, label: &RegionLabel) -> impl Iterator<Item = &'a ReplicationGroup> {
    let place = Place::Region(label.clone());
    let slice = fleet.caches.slice(Source::ElastiCache, &place);
    let rows = slice.map_or(&[][..], |slice| &slice.rows);
    rows.iter().filter_map(|row| match row {
        Cache::Group(group) => Some(group),
        Cache::MemoryDb(_) => None,
    })
}

/// The Aurora global clusters whose writer is in a region. `avoid` are regions that must not get it.
pub fn aurora(fleet: &Fleet, label: &RegionLabel, avoid: &[RegionLabel]) -> Vec<Held> {
    databases(fleet, label)
        .filter(|cluster| cluster.writer() == Some(true))
        .filter_map(|cluster| {
            let global = cluster.global.as_ref()?;
            let way = switch_over(fleet, label, cluster, &global.id, avoid);
            Some(Held {
                name: global.id.clone(),
                way,
            })
        })
        .collect()
}

fn switch_over(
    fleet: &Fleet,
    label: &RegionLabel,
    writer: &DbCluster,
    global: &str,
    avoid: &[RegionLabel],
) -> Result<(Change, RegionLabel), String> {
    if writer.status != "available" {
        return Err(format!("the writer is {}", writer.status));
    }
    if writer
        .global
        .as_ref()
        .is_some_and(|global| global.failover.is_some())
    {
        return Err("a switchover or failover is under way".to_owned());
    }
    let from = writer
        .arn
        .clone()
        .ok_or("the ARN of the writer is not known")?;
    let regions = fleet.estate.regions.iter().map(|spec| &spec.label);
    let others = regions.filter(|other| *other != label && !avoid.contains(other));
    let candidates = others.flat_map(|other| {
        databases(fleet, other)
            .filter(|cluster| {
                cluster
                    .global
                    .as_ref()
                    .is_some_and(|seen| seen.id == global)
            })
            .filter_map(move |cluster| candidate(fleet, other, cluster, writer))
    });
    let (_, to_region, to) = candidates.min_by(|a, b| a.0.total_cmp(&b.0)).ok_or(
        "no other member is available, connected, of the same version and with a known lag",
    )?;
    let change = databases::Change::SwitchOver {
        global_cluster: global.to_owned(),
        from_region: label.clone(),
        from,
        to_region: to_region.clone(),
        to,
    };
    Ok((Change::Databases(change), to_region))
}

/// A member that can take the writer over: its lag, its region, its ARN.
fn candidate(
    fleet: &Fleet,
    region: &RegionLabel,
    cluster: &DbCluster,
    writer: &DbCluster,
) -> Option<(f64, RegionLabel, String)> {
    let connected = cluster.membership().is_some_and(|member| {
        !member.writer && matches!(member.synchronization.as_deref(), None | Some("connected"))
    });
    let fits = cluster.status == "available"
        && connected
        && !cluster.instances.is_empty()
        && cluster.engine_version == writer.engine_version;
    let lag = cluster.lag_ms(fleet, &Place::Region(region.clone()));
    let lag = lag.usable().filter(|lag| fits && *lag >= 0.0)?;
    Some((lag, region.clone(), cluster.arn.clone()?))
}

/// The Global Datastores whose primary is in a region.
pub fn datastores(fleet: &Fleet, label: &RegionLabel, avoid: &[RegionLabel]) -> Vec<Held> {
    groups(fleet, label)
        .filter(|group| group.role() == "primary")
        .filter_map(|group| {
            let datastore = group.datastore.as_ref()?;
            Some(Held {
                name: datastore.id.clone(),
                way: fail_over(fleet, group, avoid),
            })
        })
        .collect()
}

fn fail_over(
    fleet: &Fleet,
    group: &ReplicationGroup,
    avoid: &[RegionLabel],
) -> Result<(Change, RegionLabel), String> {
    let (Some(datastore), Some(own)) = (&group.datastore, group.membership()) else {
        return Err("its members are not known".to_owned());
    };
    let fine = |status: Option<&str>| matches!(status, None | Some("available" | "associated"));
    if !fine(datastore.status.as_deref()) {
        return Err(format!(
            "it is {}",
            datastore.status.as_deref().unwrap_or("?")
        ));
    }
    let best = datastore
        .members
        .iter()
        .filter(|member| member.role == "secondary" && fine(member.status.as_deref()))
        .filter_map(|member| {
            let label = fleet.estate.region_named(&member.region)?;
            let lag = cache_lag(fleet, label, &member.group).usable()?;
            (!avoid.contains(label)).then_some((lag, label, member))
        })
        .min_by(|a, b| a.0.total_cmp(&b.0));
    let (_, to_region, member) = best.ok_or("no secondary is available with a known lag")?;
    let change = caches::Change::FailOverDatastore {
        datastore: datastore.id.clone(),
        from: own.region.clone(),
        to_region: to_region.clone(),
        to: member.region.clone(),
        to_group: member.group.clone(),
    };
    Ok((Change::Caches(change), to_region.clone()))
}

fn cache_lag(fleet: &Fleet, label: &RegionLabel, group: &str) -> Reading {
    let place = Place::Region(label.clone());
    let slice = fleet.caches.slice(Source::ElastiCache, &place);
    let rows = slice.map_or(&[][..], |slice| &slice.rows);
    let row = rows
        .iter()
        .find(|row| matches!(row, Cache::Group(known) if known.id == group));
    row.map_or(Reading::NeverRead, |row| row.lag_ms(fleet, &place))
}
