//! Makes another cache the primary: a region of a Global Datastore, or for drills a replica of one shard. Owns the choice; what is active in every region has nothing to promote.

use super::{
    Action, Refusal,
    kit::{
        region,
        stores::{self, Draft, Named},
    },
};
use crate::{
    plan::{GuardId, Intent, Plan, ledger::Ledger},
    resources::{
        Change, Fleet, Place, RegionLabel, Resource,
        caches::{self, Cache, MemoryDbCluster, ReplicationGroup},
        traffic::quoted,
    },
};

mod datastore;

/// See the module.
pub struct FailOverCache;

/// Judged right before the call.
const GUARDS: &[GuardId] = stores::EVERY;

/// Less than a minute (domain B.4).
const TIME: (u64, u64) = (60, 600);

#[derive(Clone)]
enum Target<'a> {
    Datastore(&'a str),
    Group(&'a RegionLabel, &'a ReplicationGroup),
    MemoryDb(&'a RegionLabel, &'a MemoryDbCluster),
    MultiRegion(&'a str),
}

impl Action for FailOverCache {
    fn name(&self) -> &'static str {
        "fail-over-cache"
    }

    fn doc(&self) -> &'static str {
        "Make another region the primary of a Global Datastore, or for drills another node that of a shard"
    }

    fn target(&self) -> &'static str {
        "<cache>"
    }

    fn options(&self) -> &'static [&'static str] {
        &["to"]
    }

    fn targets(&self, fleet: &Fleet, _ledger: &Ledger) -> Vec<String> {
        let all = names(fleet);
        let short = stores::shortest(&all);
        all.into_iter()
            .zip(short)
            .filter(|(named, _)| !matches!(named.what, Target::MultiRegion(_)))
            .map(|(_, short)| short)
            .collect()
    }

    fn plan(&self, fleet: &Fleet, _ledger: &Ledger, intent: &Intent) -> Result<Plan, Refusal> {
        match stores::resolve("caches", &intent.target, names(fleet))? {
            Target::Datastore(id) => datastore::plan(fleet, id, intent),
            Target::Group(region, row) => group(fleet, region, row, intent),
            Target::MemoryDb(region, row) => memorydb(fleet, region, row, intent),
            Target::MultiRegion(name) => Err(active(name)),
        }
    }
}

/// Every cache, by the names that it may be called.
fn names(fleet: &Fleet) -> Vec<Named<Target<'_>>> {
    let mut all: Vec<Named<Target<'_>>> = Vec::new();
    for (_, place, row) in fleet.caches.rows() {
        let Some(region) = place.region() else {
            continue;
        };
        let (above, what) = match row {
            Cache::Group(group) => (
                group.datastore.as_ref().map(|own| {
                    (
                        format!("datastore/{}", own.id),
                        &own.id,
                        Target::Datastore(&own.id),
                    )
                }),
                Target::Group(region, group),
            ),
            Cache::MemoryDb(cluster) => (
                cluster.multi_region.as_ref().map(|own| {
                    (
                        format!("multi-region/{}", own.name),
                        &own.name,
                        Target::MultiRegion(&own.name),
                    )
                }),
                Target::MemoryDb(region, cluster),
            ),
        };
        // What spans regions is told by each of its members.
        if let Some((full, id, what)) = above
            && !all.iter().any(|known| known.full == full)
        {
            all.push(Named {
                full,
                forms: vec![id.clone()],
                what,
            });
        }
        let (key, id) = (row.key(), row.id());
        all.push(Named {
            full: format!("{region}/{key}"),
            forms: vec![id.to_owned(), key, format!("{region}/{id}")],
            what,
        });
    }
    all
}

/// A shard of a replication group: for drills.
fn group(
    fleet: &Fleet,
    region: &RegionLabel,
    group: &ReplicationGroup,
    intent: &Intent,
) -> Result<Plan, Refusal> {
    let id = &group.id;
    let by_hand = |shard: &str| {
        format!(
            "aws elasticache test-failover --replication-group-id {} --node-group-id {} --region {region}",
            quoted(id),
            quoted(shard)
        )
    };
    if region::lost(fleet, region) {
        return Err(Refusal::new(
            format!("{region} does not answer"),
            match &group.datastore {
                Some(datastore) => {
                    format!("plan `fail-over-cache {}` to another region", datastore.id)
                }
                None => "it has no copy in another region".to_owned(),
            },
        ));
    }
    let shard = shard(id, &group.shards, intent.options.to.as_deref())?;
    let mut reasons = unready(id, &group.status, shard);
    if group.automatic_failover.as_deref() == Some("disabled") {
        reasons.push(format!(
            "automatic failover of {id} is disabled, and the test needs it"
        ));
    }
    if !reasons.is_empty() {
        return Err(Refusal {
            reasons,
            advice: "ElastiCache would refuse it".to_owned(),
        });
    }
    let primary = |node: &&caches::Node| node.role.as_deref() == Some("primary");
    let Some(from) = shard.nodes.iter().find(primary) else {
        return Err(Refusal::new(
            format!(
                "ElastiCache does not tell which node of shard {} is the primary, so nobody could verify it",
                shard.id
            ),
            format!("by hand: {}", by_hand(&shard.id)),
        ));
    };
    let change = caches::Change::FailOverGroup {
        region: region.clone(),
        group: id.clone(),
        shard: shard.id.clone(),
        from: from.id.clone(),
    };
    let title = format!(
        "Fail shard {} of {id} in {region} over to a replica",
        shard.id
    );
    let step = stores::change(title.clone(), Change::Caches(change), TIME, GUARDS);
    let mut draft = Draft::new(title, id, vec![step]);
    draft.remarks.push(
        "for drills only: AWS may refuse it in a large event, and allows 15 shards in 24 hours"
            .to_owned(),
    );
    draft.remarks.push(format!(
        "the primary is {}; what it has not replicated is lost",
        from.id
    ));
    if let Some(datastore) = &group.datastore {
        draft.remarks.push(format!(
            "the primary stays in its region: to move it plan `fail-over-cache {}`",
            datastore.id
        ));
    }
    Ok(draft.freeze(fleet, intent))
}

/// Why a shard cannot be failed over now.
fn unready(owner: &str, status: &str, shard: &caches::Shard) -> Vec<String> {
    let mut reasons = Vec::new();
    if status != "available" {
        reasons.push(format!("{owner} is {status}"));
    }
    let passing = shard.status.as_deref();
    if let Some(status) = passing.filter(|status| *status != "available") {
        reasons.push(format!("shard {} is {status}", shard.id));
    }
    if shard.nodes.len() < 2 {
        reasons.push(format!("shard {} has no replica", shard.id));
    }
    reasons
}

/// The shard of an owner that is wanted, or the only one.
fn shard<'a>(
    id: &str,
    shards: &'a [caches::Shard],
    to: Option<&str>,
) -> Result<&'a caches::Shard, Refusal> {
    let names: Vec<&str> = shards.iter().map(|shard| shard.id.as_str()).collect();
    let found = match (to, shards) {
        (None, [only]) => Some(only),
        (None, _) => None,
        (Some(to), shards) => shards.iter().find(|shard| shard.id == to),
    };
    found.ok_or_else(|| {
        let reason = match to {
            Some(to) => format!("`{to}` is no shard of {id}"),
            None => format!("{id} has {} shards", names.len()),
        };
        Refusal::new(reason, format!("say which with to=: {}", names.join(", ")))
    })
}

/// A shard of a MemoryDB cluster: for drills. MemoryDB never tells which node is the primary; the events of the cluster tell of failovers.
fn memorydb(
    fleet: &Fleet,
    region: &RegionLabel,
    cluster: &MemoryDbCluster,
    intent: &Intent,
) -> Result<Plan, Refusal> {
    let name = &cluster.name;
    if region::lost(fleet, region) {
        return Err(Refusal::new(
            format!("{region} does not answer"),
            match &cluster.multi_region {
                Some(above) => active(&above.name).advice,
                None => "it has no copy in another region".to_owned(),
            },
        ));
    }
    let shard = shard(name, &cluster.shards, intent.options.to.as_deref())?;
    let reasons = unready(name, &cluster.status, shard);
    if !reasons.is_empty() {
        return Err(Refusal {
            reasons,
            advice: "MemoryDB would refuse it".to_owned(),
        });
    }
    if cluster.failovers.is_none() {
        return Err(Refusal::new(
            format!(
                "the events of {name} could not be read (memorydb:DescribeEvents): MemoryDB does not tell which node is the primary, so nobody could verify it"
            ),
            format!(
                "allow that call; or by hand: aws memorydb failover-shard --cluster-name {} --shard-name {} --region {region}",
                quoted(name),
                quoted(&shard.id)
            ),
        ));
    }
    let change = caches::Change::FailOverShard {
        region: region.clone(),
        cluster: name.clone(),
        shard: shard.id.clone(),
        since: fleet.now,
    };
    let title = format!(
        "Fail shard {} of {name} in {region} over to a replica",
        shard.id
    );
    let step = stores::change(title.clone(), Change::Caches(change), TIME, GUARDS);
    let mut draft = Draft::new(title, name, vec![step]);
    draft.remarks.push(
        "for drills only: AWS may refuse it in a large event, and MemoryDB fails over by itself"
            .to_owned(),
    );
    draft.remarks.push(
        "verified by the events of the cluster: MemoryDB does not tell which node is the primary"
            .to_owned(),
    );
    if let Some(above) = &cluster.multi_region {
        draft.remarks.push(format!(
            "{} goes on taking writes in every region",
            above.name
        ));
    }
    Ok(draft.freeze(fleet, intent))
}

fn active(name: &str) -> Refusal {
    Refusal::new(
        format!("nothing to promote: {name} takes writes in every region"),
        "steer the writes with traffic: drain-region, or the weights of the name",
    )
}

/// The place of a region.
fn place(region: &RegionLabel) -> Place {
    Place::Region(region.clone())
}

#[cfg(test)]
mod tests;
