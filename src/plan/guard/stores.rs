//! Guards about databases and caches: the writer that is left behind, versions, connections that are cut.

use std::collections::BTreeSet;

use super::{Guard, GuardId, Verdict, finding::Findings, outlook::Outlook, writers};
use crate::resources::{
    Change, Freshness, Place, RegionLabel, Source, caches, clusters::Cluster, databases,
    regions::stores::StoreRole,
};

/// G-WRITER.
pub fn writer(outlook: &Outlook<'_>) -> Guard {
    let mut found = Findings::default();
    let (databases, caches) = moved_away(outlook);
    for label in outlook.drained.iter().filter(|_| outlook.moves()) {
        let rollup = outlook.fleet.rollup(label);
        let stores = [
            (
                "database writer",
                &rollup.databases,
                databases.contains(label),
            ),
            ("cache primary", &rollup.caches, caches.contains(label)),
        ];
        for (what, stores, moved) in stores {
            // Of a region that is lost what it last told has to do.
            let old = stores.freshness == Freshness::Expired && !outlook.lost(label);
            let role = if old { StoreRole::Unknown } else { stores.role };
            match role {
                StoreRole::Writer | StoreRole::Mixed if moved => {
                    found.pass(format!("the {what} of {label} is moved by the plan"));
                }
                StoreRole::Writer | StoreRole::Mixed => {
                    let text = format!("the {what} stays in {label}, which gets no traffic");
                    if outlook.now() || outlook.lost(label) {
                        found.warn(
                            format!("{text} (writes from elsewhere take 70 to 220 ms more)"),
                            "move the writer afterwards",
                        );
                    } else {
                        found.fail(text, "plan the switchover first, or drain with --now");
                    }
                }
                StoreRole::Unknown => found.unknown(
                    format!("whether the {what} is in {label} is not known"),
                    "wait for a fresh reading",
                ),
                StoreRole::None | StoreRole::Local | StoreRole::Active | StoreRole::Replica => {
                    found.pass(format!("no {what} in {label}"));
                }
            }
        }
    }
    found.guard(GuardId::Writer, "no region is drained")
}

/// The regions from which some step of the whole plan moves the database writer, and the cache primary.
fn moved_away(outlook: &Outlook<'_>) -> (BTreeSet<RegionLabel>, BTreeSet<RegionLabel>) {
    let fleet = outlook.fleet;
    let (mut writers_from, mut caches_from) = (BTreeSet::new(), BTreeSet::new());
    for change in outlook.plan.changes() {
        match change {
            Change::Databases(databases::Change::SwitchOver { from_region, .. }) => {
                writers_from.insert(from_region.clone());
            }
            Change::Databases(databases::Change::FailOver { from, .. }) => {
                writers_from.extend(writers::region_of_arn(fleet, from).cloned());
            }
            Change::Databases(databases::Change::Promote { region, source, .. }) => {
                writers_from.extend(
                    writers::source_of(fleet, region, source).map(|(label, _)| label.clone()),
                );
            }
            Change::Caches(caches::Change::FailOverDatastore { from, .. }) => {
                caches_from.extend(fleet.estate.region_named(from).cloned());
            }
            Change::Databases(databases::Change::FailOverCluster { .. })
            | Change::Caches(_)
            | Change::Traffic(_)
            | Change::Clusters(_)
            | Change::Deployments(_)
            | Change::Nodes(_)
            | Change::HealthChecks(_)
            | Change::Alarms(_)
            | Change::Pipelines(_) => {}
        }
    }
    (writers_from, caches_from)
}

/// The parts of an engine version that must be equal, and the rest: `16.4` and ``, `8.0.mysql_aurora.3.08` and `0`.
fn parts(version: &str) -> (String, String) {
    let (family, number) = match version.split_once("mysql_aurora.") {
        Some((family, number)) => (format!("{family}mysql_aurora."), number),
        None => (String::new(), version),
    };
    let mut numbers = number.splitn(3, '.');
    let major = numbers.next().unwrap_or_default();
    let minor = numbers.next().unwrap_or_default();
    (
        format!("{family}{major}.{minor}"),
        numbers.next().unwrap_or_default().to_owned(),
    )
}

/// G-VERSION.
pub fn version(outlook: &Outlook<'_>) -> Guard {
    let mut found = Findings::default();
    let fleet = outlook.fleet;
    for change in outlook.databases() {
        match change {
            databases::Change::SwitchOver {
                from,
                to_region,
                to,
                ..
            }
            | databases::Change::FailOver {
                from,
                to_region,
                to,
                ..
            } => {
                let fresh = |label: &RegionLabel| {
                    outlook
                        .old(Source::Rds, &Place::Region(label.clone()))
                        .is_none()
                };
                let of = |label: Option<&'_ RegionLabel>, arn: &str| {
                    writers::cluster(fleet, label.filter(|label| fresh(label))?, arn)
                };
                let target = of(Some(to_region), to);
                // The members of a global cluster tell the version of its writer also while that is silent.
                let global = target.and_then(|cluster| cluster.global.as_ref());
                let source = of(writers::region_of_arn(fleet, from), from)
                    .and_then(|cluster| cluster.engine_version.as_deref())
                    .or_else(|| global.and_then(|global| global.engine_version.as_deref()));
                let target = target.and_then(|cluster| cluster.engine_version.as_deref());
                engines(source, target, true, &mut found);
            }
            databases::Change::Promote {
                region,
                instance: id,
                source,
                ..
            } => parity(outlook, region, id, source, &mut found),
            databases::Change::FailOverCluster { .. } => {}
        }
    }
    kubernetes(outlook, &mut found);
    found.guard(GuardId::Version, "nothing depends on equal versions")
}

fn engines(source: Option<&str>, target: Option<&str>, must: bool, found: &mut Findings) {
    let (Some(from), Some(to)) = (source, target) else {
        let verdict = if must {
            Verdict::Unknown
        } else {
            Verdict::Warn
        };
        found.add(
            verdict,
            format!(
                "engine {} → {}",
                source.unwrap_or("not known"),
                target.unwrap_or("not known")
            ),
            "wait for a reading of both",
        );
        return;
    };
    let ((from_minor, from_patch), (to_minor, to_patch)) = (parts(from), parts(to));
    if from_minor == to_minor && from_patch == to_patch {
        found.pass(format!("engine {from} on both sides"));
    } else if from_minor == to_minor || !must {
        found.warn(format!("engine {from} → {to}"), "");
    } else {
        found.fail(
            format!("engine {from} ≠ {to}"),
            "upgrade the target first, or detach it",
        );
    }
}

fn parity(
    outlook: &Outlook<'_>,
    region: &RegionLabel,
    id: &str,
    source: &str,
    found: &mut Findings,
) {
    let fleet = outlook.fleet;
    let known = |label: &RegionLabel| {
        outlook
            .old(Source::Rds, &Place::Region(label.clone()))
            .is_none()
    };
    let replica = writers::instance(fleet, region, id).filter(|_| known(region));
    let source = writers::source_of(fleet, region, source)
        .filter(|(label, _)| known(label))
        .and_then(|(label, id)| writers::instance(fleet, label, id));
    engines(
        source.and_then(|instance| instance.engine_version.as_deref()),
        replica.and_then(|instance| instance.engine_version.as_deref()),
        false,
        found,
    );
    if let (Some(source), Some(replica)) = (source, replica) {
        if source.class != replica.class {
            let class = |class: &Option<String>| class.clone().unwrap_or_else(|| "?".to_owned());
            found.warn(
                format!("class {} → {}", class(&source.class), class(&replica.class)),
                "resize the replica first",
            );
        }
        if source.multi_az && !replica.multi_az {
            found.warn(format!("{id} has no standby (Multi-AZ)"), "add one");
        }
    }
}

/// The Kubernetes minor versions of who loses and who receives.
fn kubernetes(outlook: &Outlook<'_>, found: &mut Findings) {
    let versions = |labels: &BTreeSet<RegionLabel>| -> BTreeSet<String> {
        let rows = labels.iter().flat_map(|label| {
            let place = Place::Region(label.clone());
            let slice = outlook.fleet.clusters.slice(Source::Clusters, &place);
            slice.map_or(&[][..], |slice| &slice.rows)
        });
        rows.filter_map(|row| match row {
            Cluster::Eks(cluster) => Some(
                cluster
                    .version
                    .clone()
                    .unwrap_or_else(|| "not known".to_owned()),
            ),
            Cluster::NodeGroup(_) | Cluster::Nodes(_) | Cluster::ApiServer(_) => None,
        })
        .collect()
    };
    if outlook.receiving.is_empty() || outlook.losing.is_empty() {
        return;
    }
    let mut all = outlook.losing.iter().chain(&outlook.receiving);
    let old = all.find_map(|label| outlook.old(Source::Clusters, &Place::Region(label.clone())));
    if let Some(text) = old {
        found.warn(text, "");
        return;
    }
    let (from, to) = (versions(&outlook.losing), versions(&outlook.receiving));
    if from.is_empty() || to.is_empty() {
        return;
    }
    let join = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>().join(", ");
    let text = format!("Kubernetes {} → {}", join(&from), join(&to));
    if from == to && from.len() == 1 && !from.contains("not known") {
        found.pass(text);
    } else {
        found.warn(text, "");
    }
}

/// G-WORK: connections to a writer that is given up.
pub fn work(outlook: &Outlook<'_>) -> Guard {
    let mut found = Findings::default();
    let fleet = outlook.fleet;
    for change in outlook.databases() {
        let (label, id) = match change {
            databases::Change::SwitchOver { from, .. }
            | databases::Change::FailOver { from, .. } => {
                let id = writers::of_arn(from).map(|(_, id)| id);
                (writers::region_of_arn(fleet, from), id)
            }
            databases::Change::FailOverCluster {
                region, cluster, ..
            } => (Some(region), Some(cluster.as_str())),
            databases::Change::Promote { region, source, .. } => {
                match writers::source_of(fleet, region, source) {
                    Some((label, id)) => (Some(label), Some(id)),
                    None => (None, None),
                }
            }
        };
        let (Some(label), Some(id)) = (label, id) else {
            found.unknown("connections to the old writer are not known", "");
            continue;
        };
        let place = Place::Region(label.clone());
        let key = databases::series_key(id, "connections");
        let Some(open) = fleet.reading(&place, &key).usable() else {
            found.unknown(format!("connections to {id} in {label} are not known"), "");
            continue;
        };
        let points = fleet
            .series(&place, &key)
            .map_or(&[][..], |series| &series.points);
        #[allow(clippy::cast_precision_loss)] // a handful of points
        let usual =
            points.iter().map(|point| point.value).sum::<f64>() / points.len().max(1) as f64;
        let text = format!("{open:.0} connections to {id} in {label} are cut, usually {usual:.0}");
        if open > usual * 2.0 {
            found.warn(text, "wait until there is less work in flight");
        } else {
            found.pass(text);
        }
    }
    found.guard(GuardId::Work, "no writer changes")
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn an_engine_version_is_its_major_and_minor_and_the_rest() {
        let split = |version| {
            let (minor, patch) = parts(version);
            format!("{minor}|{patch}")
        };
        assert_eq!(split("16.4"), "16.4|");
        assert_eq!(split("15.10.2"), "15.10|2");
        assert_eq!(split("8.0.mysql_aurora.3.08.1"), "8.0.mysql_aurora.3.08|1");
    }
}
