//! G-SPLIT: a new writer only where the old one takes no more writes. Owns who writes today, as those tell who answer.

use std::collections::BTreeSet;

use super::{Guard, GuardId, finding::Findings, outlook::Outlook};
use crate::resources::{
    Fleet, Freshness, Place, RegionLabel, Source,
    caches::{self, Cache, Datastore},
    databases::{self, Database, DbCluster, DbInstance, GlobalCluster},
};

/// Whether a writer that is given up still takes writes.
pub enum Accepts {
    /// It does, as this shows.
    Yes(String),
    /// It does not, as this shows.
    No(String),
    /// This keeps us from telling.
    Unknown(String),
}

/// The AWS Region and the identifier that an ARN names.
pub fn of_arn(arn: &str) -> Option<(&str, &str)> {
    let mut parts = arn.split(':');
    Some((parts.nth(3)?, parts.next_back()?))
}

/// The region of the estate that an ARN names.
pub fn region_of_arn<'a>(fleet: &'a Fleet, arn: &str) -> Option<&'a RegionLabel> {
    fleet.estate.region_named(of_arn(arn)?.0)
}

/// A database by its name and region.
pub fn short(arn: &str) -> String {
    of_arn(arn).map_or_else(
        || arn.to_owned(),
        |(region, id)| format!("{id} in {region}"),
    )
}

/// A DB cluster by its ARN, where its region lists it.
pub fn cluster<'a>(fleet: &'a Fleet, label: &RegionLabel, arn: &str) -> Option<&'a DbCluster> {
    let slice = fleet
        .databases
        .slice(Source::Rds, &Place::Region(label.clone()))?;
    slice.rows.iter().find_map(|row| match row {
        Database::Cluster(cluster) if cluster.arn.as_deref() == Some(arn) => Some(cluster),
        Database::Cluster(_) | Database::Instance(_) | Database::Table(_) => None,
    })
}

/// A DB instance by its identifier.
pub fn instance<'a>(fleet: &'a Fleet, label: &RegionLabel, id: &str) -> Option<&'a DbInstance> {
    let slice = fleet
        .databases
        .slice(Source::Rds, &Place::Region(label.clone()))?;
    slice.rows.iter().find_map(|row| match row {
        Database::Instance(instance) if instance.id == id => Some(instance),
        Database::Cluster(_) | Database::Instance(_) | Database::Table(_) => None,
    })
}

/// Where the source of a read replica is: its region and identifier. An identifier without ARN is in the region of the replica.
pub fn source_of<'a>(
    fleet: &'a Fleet,
    replica: &'a RegionLabel,
    source: &'a str,
) -> Option<(&'a RegionLabel, &'a str)> {
    if source.starts_with("arn:") {
        Some((region_of_arn(fleet, source)?, of_arn(source)?.1))
    } else {
        Some((replica, source))
    }
}

/// Whether what RDS says in a region is known well enough to trust it.
fn told(fleet: &Fleet, label: &RegionLabel) -> bool {
    let place = Place::Region(label.clone());
    let status = fleet.status(Source::Rds, &place);
    status.error.is_none() && fleet.freshness(Source::Rds, &place) < Freshness::Expired
}

/// Words for a status in which nothing is written.
fn down(status: &str) -> bool {
    ["stopped", "stopping", "deleting", "storage-full"].contains(&status)
        || status.starts_with("inaccessible")
        || status.starts_with("incompatible")
        || (status.contains("fail") && status != "failing-over")
}

/// What the silence of a region says about its writer: nothing while nobody answers.
fn silence(outlook: &Outlook<'_>, label: &RegionLabel) -> Accepts {
    if outlook.blind() {
        Accepts::Unknown(format!(
            "{label} does not answer, and neither does anybody else: that may be our own network"
        ))
    } else {
        Accepts::No(format!("{label} does not answer"))
    }
}

/// Whether the writer of a cluster still takes writes.
pub fn cluster_accepts(outlook: &Outlook<'_>, arn: &str) -> Accepts {
    let name = short(arn);
    let Some(label) = region_of_arn(outlook.fleet, arn) else {
        return Accepts::Unknown(format!("{name}: its region is not watched"));
    };
    if outlook.lost(label) {
        return silence(outlook, label);
    }
    if !told(outlook.fleet, label) {
        return Accepts::Unknown(format!("RDS of {label} was not read lately"));
    }
    let Some(cluster) = cluster(outlook.fleet, label, arn) else {
        return Accepts::Unknown(format!("{name} is not listed"));
    };
    if down(&cluster.status) {
        return Accepts::No(format!("{name} is {}", cluster.status));
    }
    let statuses = || {
        cluster
            .instances
            .iter()
            .map(|instance| instance.status.as_deref())
    };
    // A reader takes over from a broken writer within the cluster by itself.
    if statuses().any(|status| status == Some("available")) {
        Accepts::Yes(format!("{name} is {}", cluster.status))
    } else if cluster.instances.is_empty() {
        Accepts::No(format!("{name} has no instance"))
    } else if statuses().all(|status| status.is_some_and(down)) {
        Accepts::No(format!("no instance of {name} is available"))
    } else {
        Accepts::Unknown(format!(
            "{name} is {}, and none of its instances is known to be up or down",
            cluster.status
        ))
    }
}

/// Whether the source of a replica still takes writes.
pub fn instance_accepts(outlook: &Outlook<'_>, replica: &RegionLabel, source: &str) -> Accepts {
    let name = short(source);
    let Some((label, id)) = source_of(outlook.fleet, replica, source) else {
        return Accepts::Unknown(format!("{name}: its region is not watched"));
    };
    if outlook.lost(label) {
        return silence(outlook, label);
    }
    if !told(outlook.fleet, label) {
        return Accepts::Unknown(format!("RDS of {label} was not read lately"));
    }
    match instance(outlook.fleet, label, id) {
        None => Accepts::Unknown(format!("{name} is not listed")),
        Some(instance) if down(&instance.status) => {
            Accepts::No(format!("{name} is {}", instance.status))
        }
        Some(instance) if instance.status == "available" => {
            Accepts::Yes(format!("{name} is available"))
        }
        Some(instance) => Accepts::Unknown(format!("{name} is {}", instance.status)),
    }
}

fn add(found: &mut Findings, accepts: Accepts) {
    match accepts {
        Accepts::No(text) => found.pass(format!("the old writer takes no writes: {text}")),
        Accepts::Yes(text) => found.fail(
            format!("the old writer still takes writes: {text}"),
            "use a switchover, or stop the old writer first",
        ),
        Accepts::Unknown(text) => found.unknown(
            format!("whether the old writer takes writes is not known: {text}"),
            "find out by hand, or wait for a fresh reading",
        ),
    }
}

/// G-SPLIT.
pub fn split(outlook: &Outlook<'_>) -> Guard {
    let mut found = Findings::default();
    let mut cut: BTreeSet<&str> = BTreeSet::new();
    for change in outlook.databases() {
        match change {
            databases::Change::SwitchOver { global_cluster, .. } => {
                one_writer(outlook, global_cluster, &mut found);
                found.pass(format!(
                    "a switchover of {global_cluster} stops the old writer itself"
                ));
            }
            databases::Change::FailOver {
                global_cluster,
                from,
                to_region,
                to,
            } => {
                one_writer(outlook, global_cluster, &mut found);
                rebuilding(outlook, to_region, to, &mut found);
                add(&mut found, cluster_accepts(outlook, from));
            }
            databases::Change::FailOverCluster { cluster, .. } => {
                found.pass(format!("{cluster} moves its own writer"));
            }
            databases::Change::Promote { region, source, .. } => {
                if !cut.insert(source) {
                    found.fail(
                        format!("two replicas of {} would be promoted", short(source)),
                        "promote one",
                    );
                }
                add(&mut found, instance_accepts(outlook, region, source));
            }
        }
    }
    for change in outlook.caches() {
        match change {
            caches::Change::FailOverDatastore { datastore, .. } => {
                one_primary(outlook.fleet, datastore, &mut found);
            }
            caches::Change::FailOverGroup { group: name, .. }
            | caches::Change::FailOverShard { cluster: name, .. } => {
                found.pass(format!("{name} moves its own primary"));
            }
        }
    }
    found.guard(GuardId::Split, "no writer changes")
}

/// A member that is being rebuilt has less than its lag says: what is missing would be lost without a word (domain B.4).
fn rebuilding(outlook: &Outlook<'_>, region: &RegionLabel, arn: &str, found: &mut Findings) {
    let state = cluster(outlook.fleet, region, arn)
        .and_then(|cluster| cluster.membership()?.synchronization.as_deref());
    if let Some(state) = state.filter(|state| *state != "connected") {
        found.fail(
            format!(
                "{} is {state}: what it does not have yet would be lost silently",
                short(arn)
            ),
            "choose a member that is connected",
        );
    }
}

/// A global cluster as the regions see it that have told lately.
fn views<'a>(
    fleet: &'a Fleet,
    id: &str,
) -> impl Iterator<Item = (&'a RegionLabel, &'a GlobalCluster)> {
    let slices = fleet.databases.slices();
    slices.flat_map(move |(source, place, slice)| {
        let label = place
            .region()
            .filter(|label| source == Source::Rds && told(fleet, label));
        let globals = slice.rows.iter().filter_map(move |row| match row {
            Database::Cluster(cluster) => cluster.global.as_ref().filter(|global| global.id == id),
            Database::Instance(_) | Database::Table(_) => None,
        });
        label
            .into_iter()
            .flat_map(move |label| globals.clone().map(move |global| (label, global)))
            .collect::<Vec<_>>()
    })
}

/// Today there is exactly one writer, and everybody who answers agrees who.
fn one_writer(outlook: &Outlook<'_>, id: &str, found: &mut Findings) {
    let mut all: BTreeSet<&str> = BTreeSet::new();
    for (label, global) in views(outlook.fleet, id) {
        let writers: Vec<&str> = global
            .members
            .iter()
            .filter(|member| member.writer)
            .map(|member| member.arn.as_str())
            .collect();
        if writers.len() > 1 {
            found.fail(
                format!("{label} sees {} writers of {id}", writers.len()),
                "decide by hand which one is right, and stop the other",
            );
        }
        all.extend(writers);
    }
    if all.len() > 1 {
        let names: Vec<String> = all.iter().map(|arn| short(arn)).collect();
        found.fail(
            format!("split brain: {} both claim the writer", names.join(" and ")),
            "decide by hand which one is right, and stop the other",
        );
    } else if all.is_empty() {
        found.unknown(
            format!("who writes {id} is not known"),
            "wait for a fresh reading of a member's region",
        );
    }
}

/// A failover of a Global Datastore demotes the old primary itself, where there is exactly one.
fn one_primary(fleet: &Fleet, id: &str, found: &mut Findings) {
    let mut primaries: BTreeSet<&str> = BTreeSet::new();
    let mut known = false;
    for (source, place, slice) in fleet.caches.slices() {
        let fresh = fleet.status(source, place).error.is_none()
            && fleet.freshness(source, place) < Freshness::Expired;
        let stores = slice.rows.iter().filter(|_| fresh);
        let stores: Vec<&Datastore> = stores
            .filter_map(|row| match row {
                Cache::Group(group) => group.datastore.as_ref().filter(|store| store.id == id),
                Cache::MemoryDb(_) => None,
            })
            .collect();
        for store in stores {
            known |= store.status.is_some();
            let of = store
                .members
                .iter()
                .filter(|member| member.role == "primary");
            primaries.extend(of.map(|member| member.region.as_str()));
        }
    }
    match primaries.len() {
        _ if !known => found.unknown(
            format!("the members of datastore {id} are not known"),
            "wait for a fresh reading",
        ),
        0 | 1 => found.pass(format!(
            "ElastiCache demotes the old primary of {id} itself"
        )),
        many => found.fail(
            format!("datastore {id} has {many} primaries"),
            "decide by hand which one is right",
        ),
    }
}
