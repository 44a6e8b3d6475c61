//! How a change of who takes writes is recognised in what the RDS API tells of one thing. Owns the judgement of values; never of their age, and never whether to go ahead.

use super::super::{
    DbCluster, DbInstance, GlobalCluster,
    rds::global::{is_passing, short},
};
use crate::resources::change::Standing;

/// Of a thing that a change is not about.
pub(super) fn not_about(id: &str) -> Standing {
    Standing::Unknown(format!("the change is not about {id}"))
}

/// Who the writer of a global cluster is.
pub(super) fn writer(global: &GlobalCluster, from: &str, to: &str) -> Standing {
    let id = &global.id;
    if let Some(failover) = &global.failover {
        return Standing::Underway(format!("{id} is {}", failover.status));
    }
    if let Some(status) = global.status.as_deref().filter(|status| is_passing(status)) {
        return Standing::Underway(format!("{id} is {status}"));
    }
    if !global.members.iter().any(|member| member.arn == to) {
        return Standing::Other(format!("{} is no member of {id}", short(to)));
    }
    let mut writers = global.members.iter().filter(|member| member.writer);
    match (writers.next(), writers.next()) {
        (None, _) => Standing::Underway(format!("{id} has no writer")),
        (Some(_), Some(_)) => Standing::Other(format!("{id} has two writers")),
        (Some(writer), None) if writer.arn == to => Standing::After,
        (Some(writer), None) if writer.arn == from => Standing::Before,
        (Some(writer), None) => {
            Standing::Other(format!("the writer of {id} is {}", short(&writer.arn)))
        }
    }
}

/// Whether the old writer is connected to the new one, where the API tells.
pub(super) fn following(global: &GlobalCluster, from: &str) -> Standing {
    let old = global.members.iter().find(|member| member.arn == from);
    match old.map(|old| old.synchronization.as_deref()) {
        Some(None | Some("connected")) => Standing::After,
        Some(Some(status)) => Standing::Underway(format!("{} is {status}", short(from))),
        None => Standing::Other(format!("{} is no member of {}", short(from), global.id)),
    }
}

/// Who the writer within a cluster is.
pub(super) fn cluster_writer(cluster: &DbCluster, from: &str, to: &str) -> Standing {
    let (id, status) = (&cluster.id, &cluster.status);
    if !cluster.instances.iter().any(|instance| instance.id == to) {
        return Standing::Other(format!("{to} is no instance of {id}"));
    }
    let mut writers = cluster.instances.iter().filter(|instance| instance.writer);
    match (writers.next(), writers.next()) {
        (None, _) => Standing::Underway(format!("{id} has no writer")),
        (Some(_), Some(_)) => Standing::Other(format!("{id} has two writers")),
        (Some(_), None) if status == "failing-over" => {
            Standing::Underway(format!("{id} is {status}"))
        }
        (Some(writer), None) if writer.id == to && status == "available" => Standing::After,
        (Some(writer), None) if writer.id == to => Standing::Underway(format!("{id} is {status}")),
        (Some(writer), None) if writer.id == from => Standing::Before,
        (Some(writer), None) => Standing::Other(format!("the writer of {id} is {}", writer.id)),
    }
}

/// Whether a replica is one still.
pub(super) fn promotion(instance: &DbInstance, source: &str) -> Standing {
    let (id, status) = (&instance.id, &instance.status);
    // RDS names the source until the promotion has ended; then it may still reboot and take its first backup before it can be relied on.
    match (instance.source.as_deref(), status.as_str()) {
        (None, "available") => Standing::After,
        (Some(seen), _) if seen != source => Standing::Other(format!("{id} replicates {seen}")),
        (Some(_), "available") => Standing::Before,
        (Some(_) | None, _) => Standing::Underway(format!("{id} is {status}")),
    }
}
