//! Failover within one DB cluster: a reader becomes its writer, in the same region and without loss. Owns which reader; RDS usually does it by itself.

use crate::{
    actions::{
        Refusal,
        kit::{
            guards::guards,
            region,
            stores::{self, Draft},
        },
    },
    plan::{GuardId, Intent, Plan},
    resources::{
        Change, Fleet, RegionLabel,
        databases::{self, ClusterInstance, DbCluster},
    },
};

/// Judged right before the call.
const GUARDS: &[GuardId] = guards!(stores::EVERY, &[GuardId::Split, GuardId::Work]);

/// Typically below 35 s (domain B.4).
const TIME: (u64, u64) = (35, 300);

/// The plan.
pub fn plan(
    fleet: &Fleet,
    region: &RegionLabel,
    cluster: &DbCluster,
    intent: &Intent,
) -> Result<Plan, Refusal> {
    let id = &cluster.id;
    possible(fleet, region, cluster)?;
    let writer = writer(cluster)?;
    let (reader, others) = reader(cluster, intent.options.to.as_deref())?;
    let change = databases::Change::FailOverCluster {
        region: region.clone(),
        cluster: id.clone(),
        from: writer.id.clone(),
        to: reader.id.clone(),
    };
    let step = stores::change(
        format!("Fail {id} in {region} over to {}", reader.id),
        Change::Databases(change),
        TIME,
        GUARDS,
    );
    let title = format!(
        "Fail {id} in {region} over from {} to {}",
        writer.id, reader.id
    );
    let mut draft = Draft::new(title, id, vec![step]);
    draft.remarks.push(match writer.status.as_deref() {
        Some("available") => format!(
            "the writer {} is available: this is for a drill, or for a fault that RDS does not see",
            writer.id
        ),
        Some(status) => format!(
            "the writer {} is {status}: RDS fails over by itself, typically within 35 s; once is enough",
            writer.id
        ),
        None => format!("the state of the writer {} is not known", writer.id),
    });
    draft.remarks.push(
        "connections are dropped and nobody can write for half a minute; nothing is lost"
            .to_owned(),
    );
    if reader.class.is_some() && reader.class != writer.class {
        draft.remarks.push(format!(
            "{} is {}, the writer {}",
            reader.id,
            reader.class.as_deref().unwrap_or("?"),
            writer.class.as_deref().unwrap_or("?")
        ));
    }
    draft.remarks.extend(others);
    Ok(draft.freeze(fleet, intent))
}

/// Refuses what a failover within the cluster cannot or need not do.
fn possible(fleet: &Fleet, region: &RegionLabel, cluster: &DbCluster) -> Result<(), Refusal> {
    let id = &cluster.id;
    if region::lost(fleet, region) {
        let advice = match &cluster.global {
            Some(global) => format!("plan `failover {}` to another region", global.id),
            None => "it has no copy in another region: restore a backup there".to_owned(),
        };
        return Err(Refusal::new(format!("{region} does not answer"), advice));
    }
    if cluster.status == "failing-over" {
        return Err(Refusal::new(
            format!("{id} is failing over right now"),
            "do nothing: it typically takes less than 35 s; if it is not over after a minute, plan again",
        ));
    }
    let following = cluster
        .global
        .as_ref()
        .filter(|_| cluster.writer() == Some(false));
    if let Some(global) = following {
        return Err(Refusal::new(
            format!(
                "{region}/{id} is a secondary of {}: no instance of it takes writes",
                global.id
            ),
            format!(
                "to make it the writer plan `switchover {}` with to={region}",
                global.id
            ),
        ));
    }
    if let Some(source) = &cluster.source {
        return Err(Refusal::new(
            format!(
                "{region}/{id} replicates {source} outside a global cluster: such a promotion is not planned here"
            ),
            format!(
                "fence the source, then: aws rds promote-read-replica-db-cluster --db-cluster-identifier {id} --region {region}"
            ),
        ));
    }
    Ok(())
}

fn writer(cluster: &DbCluster) -> Result<&ClusterInstance, Refusal> {
    let id = &cluster.id;
    let writers: Vec<&ClusterInstance> =
        cluster.instances.iter().filter(|own| own.writer).collect();
    match writers.as_slice() {
        [writer] => Ok(writer),
        [] => Err(Refusal::new(
            format!("{id} has no writer"),
            "RDS is choosing one: wait a minute, then plan again",
        )),
        many => Err(Refusal::new(
            format!("{} instances of {id} claim the writer", many.len()),
            "wait until one of them has given up",
        )),
    }
}

/// The reader that is wanted, or else the first that RDS would take; the others with their reason.
fn reader<'a>(
    cluster: &'a DbCluster,
    to: Option<&str>,
) -> Result<(&'a ClusterInstance, Vec<String>), Refusal> {
    let id = &cluster.id;
    let available = |own: &ClusterInstance| own.status.as_deref() == Some("available");
    let mut readers: Vec<&ClusterInstance> =
        cluster.instances.iter().filter(|own| !own.writer).collect();
    readers.sort_by(|a, b| {
        let rank =
            |own: &ClusterInstance| (!available(own), own.promotion_tier.unwrap_or(i32::MAX));
        rank(a).cmp(&rank(b)).then_with(|| a.id.cmp(&b.id))
    });
    let words = |own: &ClusterInstance| {
        let tier = own
            .promotion_tier
            .map_or("?".to_owned(), |tier| tier.to_string());
        let status = own.status.as_deref().unwrap_or("of unknown state");
        format!("{}: {status}, promotion tier {tier}", own.id)
    };
    let described: Vec<String> = readers.iter().map(|own| words(own)).collect();
    if readers.is_empty() {
        return Err(Refusal::new(
            format!("{id} has no reader to fail over to"),
            "RDS restarts its only instance by itself; add a reader in another zone",
        ));
    }
    let index = match to {
        None => Some(0),
        Some(to) => readers.iter().position(|own| own.id == to),
    };
    let Some(index) = index else {
        return Err(Refusal::new(
            format!("`{}` is no reader of {id}", to.unwrap_or_default()),
            format!("there are {}", described.join("; ")),
        ));
    };
    let chosen = readers[index];
    if !available(chosen) {
        return Err(Refusal {
            reasons: if to.is_some() {
                vec![described[index].clone()]
            } else {
                described
            },
            advice: format!("no reader of {id} is ready: wait until one is available"),
        });
    }
    let others = described.into_iter().enumerate();
    let others = others.filter(|(other, _)| *other != index);
    Ok((
        chosen,
        others
            .map(|(_, text)| format!("not taken: {text}"))
            .collect(),
    ))
}
