//! G-LAG: how far behind the stores are that get the writer, or the readers. Owns what may be lost; a lag that is not known is never small.

use super::{
    Guard, GuardId,
    candidates::{self, Candidate},
    finding::Findings,
    outlook::Outlook,
    writers,
};
use crate::resources::{
    Place, RegionLabel, age,
    caches::{self, Cache},
    cell::{coarse_age, milliseconds},
    databases,
    metrics::Reading,
    regions::stores::StoreRole,
};

/// G-LAG.
pub fn lag(outlook: &Outlook<'_>) -> Guard {
    let mut found = Findings::default();
    let fleet = outlook.fleet;
    for change in outlook.databases() {
        match change {
            databases::Change::SwitchOver { to_region, to, .. } => {
                let place = Place::Region(to_region.clone());
                let lag = writers::cluster(fleet, to_region, to)
                    .map_or(Reading::NeverRead, |cluster| cluster.lag_ms(fleet, &place));
                planned(outlook, to_region, lag, &mut found);
            }
            databases::Change::FailOver { to_region, to, .. } => {
                let place = Place::Region(to_region.clone());
                let loss = writers::cluster(fleet, to_region, to)
                    .map_or(Reading::NeverRead, |cluster| cluster.loss_ms(fleet, &place));
                let best = candidates::member(fleet, to_region, to);
                forced(outlook, to_region, loss, best, &mut found);
            }
            databases::Change::Promote {
                region,
                instance: id,
                source,
                ..
            } => {
                let place = Place::Region(region.clone());
                let lag = writers::instance(fleet, region, id)
                    .map_or(Reading::NeverRead, |instance| {
                        instance.lag_ms(fleet, &place)
                    });
                let best = candidates::sibling(fleet, region, id, source);
                forced(outlook, region, lag, best, &mut found);
            }
            databases::Change::FailOverCluster { cluster, .. } => {
                found.pass(format!(
                    "{cluster} shares one storage: no committed write is lost"
                ));
            }
        }
    }
    for change in outlook.caches() {
        match change {
            caches::Change::FailOverDatastore {
                datastore,
                to_region,
                to_group,
                ..
            } => {
                let place = Place::Region(to_region.clone());
                let mut rows = fleet.caches.at(&place);
                let is = |row: &&Cache| matches!(row, Cache::Group(group) if group.id == *to_group);
                let lag = rows
                    .find(is)
                    .map_or(Reading::NeverRead, |row| row.lag_ms(fleet, &place));
                let best = candidates::secondary(fleet, datastore, to_region);
                forced(outlook, to_region, lag, best, &mut found);
            }
            caches::Change::FailOverGroup { group: name, .. }
            | caches::Change::FailOverShard { cluster: name, .. } => {
                found.warn(
                    format!("{name}: writes that its replica did not get are lost"),
                    "",
                );
            }
        }
    }
    readers(outlook, &mut found);
    found.guard(GuardId::Lag, "nothing replicates into what gets something")
}

fn seen(outlook: &Outlook<'_>, reading: Reading) -> String {
    match reading {
        Reading::Value { value, at, .. } => format!(
            "last seen {} {} ago",
            milliseconds(value),
            coarse_age(age(at, outlook.fleet.now))
        ),
        Reading::NeverRead | Reading::Failed => "not read".to_owned(),
        Reading::NoData => "no data".to_owned(),
        Reading::Forbidden => "no permission".to_owned(),
    }
}

fn planned(outlook: &Outlook<'_>, label: &RegionLabel, reading: Reading, found: &mut Findings) {
    let limit = outlook.fleet.estate.thresholds.switchover_lag_ms;
    let most = milliseconds(limit);
    match reading.usable() {
        None => found.unknown(
            format!(
                "the lag into {label} is not known: {}",
                seen(outlook, reading)
            ),
            "wait for a fresh reading",
        ),
        Some(lag) if lag < 0.0 => found.fail(
            format!("replication into {label} is broken"),
            "choose another member",
        ),
        Some(lag) if lag > limit => found.fail(
            format!("{label} lags {} > {most}", milliseconds(lag)),
            "wait until it has caught up",
        ),
        Some(lag) => found.pass(format!("{label} lags {} ≤ {most}", milliseconds(lag))),
    }
}

fn forced(
    outlook: &Outlook<'_>,
    label: &RegionLabel,
    reading: Reading,
    best: Option<Candidate>,
    found: &mut Findings,
) {
    worse(label, reading, best, found);
    let rpo = outlook.fleet.estate.thresholds.rpo_ms;
    let most = milliseconds(rpo);
    match reading.usable() {
        None => found.unknown(
            format!(
                "what a failover to {label} loses is not known: {}",
                seen(outlook, reading)
            ),
            "compare with the other members, or accept the loss by name",
        ),
        Some(lag) if lag < 0.0 => found.fail(
            format!("replication into {label} is broken: everything since then is lost"),
            "choose another member",
        ),
        Some(lag) if lag > rpo => found.fail(
            format!(
                "up to {} of writes lost > RPO {most} ({label})",
                milliseconds(lag)
            ),
            "choose the member with the least lag",
        ),
        Some(lag) => found.warn(
            format!(
                "up to {} of writes lost, RPO {most} ({label})",
                milliseconds(lag)
            ),
            "",
        ),
    }
}

/// Less than so much more is no reason to choose another member, in milliseconds.
const NOISE: f64 = 1_000.0;

/// Another member that could be taken loses less, or is the only one whose lag is known.
fn worse(label: &RegionLabel, own: Reading, best: Option<Candidate>, found: &mut Findings) {
    let Some(best) = best else {
        return;
    };
    let remedy = format!("choose {}, or say why not", best.name);
    let theirs = milliseconds(best.lag_ms);
    match candidates::last(own) {
        Some(mine) if best.lag_ms + NOISE < mine && best.lag_ms < mine / 2.0 => found.fail(
            format!(
                "{} is only {theirs} behind, {label} {}",
                best.name,
                milliseconds(mine)
            ),
            remedy,
        ),
        None => found.fail(
            format!(
                "{} is {theirs} behind, the lag of {label} is not known",
                best.name
            ),
            remedy,
        ),
        Some(_) => {}
    }
}

/// Users who are sent to a region read from the stores there.
fn readers(outlook: &Outlook<'_>, found: &mut Findings) {
    let limit = outlook.fleet.estate.thresholds.receiver_lag_warn_ms;
    for label in &outlook.receiving {
        let rollup = outlook.fleet.rollup(label);
        let databases = &rollup.databases;
        if !matches!(databases.role, StoreRole::Replica | StoreRole::Mixed) {
            continue;
        }
        let Some(reading) = databases.lag_ms else {
            continue;
        };
        let text = match reading.usable() {
            None => format!(
                "{label} reads at a lag that is not known: {}",
                seen(outlook, reading)
            ),
            Some(lag) if lag < 0.0 => format!("{label} reads from a replica that is broken"),
            Some(lag) if lag > limit => format!(
                "{label} reads {} behind > {}",
                milliseconds(lag),
                milliseconds(limit)
            ),
            Some(lag) => {
                found.pass(format!("{label} reads {} behind", milliseconds(lag)));
                continue;
            }
        };
        found.warn(text, "wait until it has caught up");
    }
}
