//! Runs side by side: what another run that is not over still has ahead, and why a plan cannot be carried out beside it. Owns those rules; judges no guard, starts and stops nothing.

use std::{collections::BTreeSet, time::Duration};

use jiff::Timestamp;

use super::{
    Mark, Plan, Step,
    guard::gets,
    ledger::{Ledger, RunRecord},
    raise::moves_traffic,
    run::{Phase, Run},
};
use crate::resources::{
    Change, Fleet, Place, RegionLabel, Source, age,
    caches::{self, Cache},
    cell::ago,
    clusters,
    databases::{self, Database},
    deployments,
};

/// Another run that is not over.
#[derive(Debug, Clone)]
pub struct Beside<'a> {
    /// Its id.
    pub id: &'a str,
    /// Its plan.
    pub plan: &'a Plan,
    /// What it still has ahead.
    pub ahead: &'a [Step],
    /// The step of which nobody knows what became.
    pub doubt: Option<&'a str>,
    /// How it stands.
    pub stands: Stands,
}

/// How another run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stands {
    /// This console carries it out, and it takes about so long.
    Going(Duration),
    /// This console has it, and it waits for somebody to decide.
    Still,
    /// The journal alone knows of it: another console has it, or was killed. Since its last entry.
    Elsewhere(Timestamp),
}

impl<'a> Beside<'a> {
    fn of_run(run: &'a Run, now: Timestamp) -> Self {
        let stands = match run.phase {
            Phase::Held | Phase::Halted { .. } => Stands::Still,
            Phase::Locking
            | Phase::Opening
            | Phase::Checking { .. }
            | Phase::Journaling { .. }
            | Phase::Applying { .. }
            | Phase::Verifying { .. }
            | Phase::Waiting { .. }
            | Phase::Pausing { .. }
            | Phase::Ended { .. } => Stands::Going(run.left(now)),
        };
        Self {
            id: &run.id,
            plan: &run.plan,
            ahead: run.steps.get(run.at..).unwrap_or_default(),
            doubt: None,
            stands,
        }
    }

    fn of_record(record: &'a RunRecord) -> Self {
        // A step that was begun may not have happened: it still counts as ahead.
        let at = record.sent.last().map_or(0, |sent| sent.step);
        Self {
            id: &record.id,
            plan: &record.plan,
            ahead: record.plan.steps.get(at..).unwrap_or_default(),
            doubt: record.doubt().map(|sent| sent.title.as_str()),
            stands: Stands::Elsewhere(record.last_at),
        }
    }

    /// Whether this console has it.
    pub fn here(&self) -> bool {
        !matches!(self.stands, Stands::Elsewhere(_))
    }

    /// The regions that it leaves without traffic.
    pub fn drains(&self) -> BTreeSet<&'a RegionLabel> {
        drained(self.plan)
    }

    /// Which it is, and until when.
    pub fn text(&self, now: Timestamp) -> String {
        let name = format!("run {} ({})", self.id, self.plan.title);
        match self.stands {
            Stands::Going(left) if left.is_zero() => {
                format!("{name} is not over and takes longer than usual")
            }
            Stands::Going(left) => format!("{name} takes about {} more", span(left)),
            Stands::Still => format!("{name} stands still and is not over"),
            Stands::Elsewhere(last) => {
                let doubt = self
                    .doubt
                    .map_or(String::new(), |title| format!(", in doubt: {title}"));
                let since = ago(age(last, now));
                format!("{name} has not ended, last heard of {since}{doubt}")
            }
        }
    }

    /// What would make room for the plan.
    pub fn remedy(&self) -> &'static str {
        match self.stands {
            Stands::Going(_) => "wait until it is over, or stop it (:runs)",
            Stands::Still => "let it go on, or stop it (:runs)",
            Stands::Elsewhere(_) => "continue it, undo it, or mark it as done (:runs)",
        }
    }
}

fn span(time: Duration) -> String {
    match time.as_secs() {
        s @ 0..60 => format!("{s} s"),
        s => format!("{} m", s.div_ceil(60)),
    }
}

/// The other runs that are not over: those in hand, and those that the journal alone knows of. `ours` are no others.
pub fn others<'a>(
    ledger: &'a Ledger,
    in_hand: impl Iterator<Item = &'a Run>,
    ours: &[&str],
    now: Timestamp,
) -> Vec<Beside<'a>> {
    let is_ours = |id: &str| ours.contains(&id);
    let in_hand: Vec<&Run> = in_hand.collect();
    let here = |id: &str| in_hand.iter().any(|run| run.id == id);
    let elsewhere = ledger
        .interrupted(None)
        .filter(|run| !here(&run.id) && !is_ours(&run.id))
        .map(Beside::of_record);
    in_hand
        .iter()
        .filter(|run| !run.over() && !is_ours(&run.id))
        .map(|run| Beside::of_run(run, now))
        .chain(elsewhere)
        .collect()
}

/// Why a plan cannot be carried out beside another run; `None` when they do not touch. Going back puts back what was done,
/// so a run holds everything that its plan changes until it is over, and not only what is still ahead.
pub fn clash(fleet: &Fleet, plan: &Plan, other: &Beside<'_>) -> Option<String> {
    let (own, theirs) = (claims(fleet, plan), claims(fleet, other.plan));
    if let Some(both) = own.intersection(&theirs).next() {
        return Some(format!("both change {both}"));
    }
    let moves = |plan: &Plan| plan.changes().any(moves_traffic);
    let shrinks = |plan: &Plan| plan.changes().any(shrinks);
    match (
        moves(plan),
        moves(other.plan),
        shrinks(plan),
        shrinks(other.plan),
    ) {
        (true, true, ..) => return Some("both move traffic between regions".to_owned()),
        (true, _, _, true) | (_, true, true, _) => {
            return Some("one moves traffic while the other takes nodes away".to_owned());
        }
        (_, _, true, true) => return Some("both take nodes away".to_owned()),
        (_, _, _, _) => {}
    }
    let meets = |drained: &BTreeSet<&RegionLabel>, plan: &Plan| {
        let mut given = plan.changes().filter_map(gets);
        given.find(|label| drained.contains(label)).cloned()
    };
    let region = meets(&drained(plan), other.plan).or_else(|| meets(&other.drains(), plan));
    region.map(|label| format!("one drains {label} while the other moves something into it"))
}

/// What a plan holds until it is over: its targets, and what is part of the same whole.
fn claims(fleet: &Fleet, plan: &Plan) -> BTreeSet<String> {
    let mut claims: BTreeSet<String> = plan.targets().into_iter().collect();
    // A failover within one member moves the writer, or the primary, under a failover of the whole.
    for change in plan.changes() {
        match change {
            Change::Databases(databases::Change::FailOverCluster {
                region, cluster, ..
            }) => claims.extend(global_of(fleet, region, cluster)),
            Change::Caches(caches::Change::FailOverGroup { region, group, .. }) => {
                claims.extend(datastore_of(fleet, region, group));
            }
            Change::Databases(
                databases::Change::SwitchOver { .. }
                | databases::Change::FailOver { .. }
                | databases::Change::Promote { .. },
            )
            | Change::Caches(
                caches::Change::FailOverDatastore { .. } | caches::Change::FailOverShard { .. },
            )
            | Change::Traffic(_)
            | Change::Clusters(_)
            | Change::Deployments(_)
            | Change::Nodes(_)
            | Change::HealthChecks(_)
            | Change::Alarms(_)
            | Change::Pipelines(_) => {}
        }
    }
    claims
}

/// The global cluster that a cluster is a member of, as its changes name it.
fn global_of(fleet: &Fleet, region: &RegionLabel, id: &str) -> Option<String> {
    let place = Place::Region(region.clone());
    let slice = fleet.databases.slice(Source::Rds, &place)?;
    slice.rows.iter().find_map(|row| match row {
        Database::Cluster(cluster) if cluster.id == id => {
            let global = cluster.global.as_ref()?;
            Some(format!("rds/global/{}", global.id))
        }
        Database::Cluster(_) | Database::Instance(_) | Database::Table(_) => None,
    })
}

/// The Global Datastore that a replication group is a member of, as its changes name it.
fn datastore_of(fleet: &Fleet, region: &RegionLabel, id: &str) -> Option<String> {
    let place = Place::Region(region.clone());
    let slice = fleet.caches.slice(Source::ElastiCache, &place)?;
    slice.rows.iter().find_map(|row| match row {
        Cache::Group(group) if group.id == id => {
            let datastore = group.datastore.as_ref()?;
            Some(format!("elasticache/global/{}", datastore.id))
        }
        Cache::Group(_) | Cache::MemoryDb(_) => None,
    })
}

fn drained(plan: &Plan) -> BTreeSet<&RegionLabel> {
    let marks = plan.marks.iter();
    marks
        .filter_map(|mark| match mark {
            Mark::Drained { region } => Some(region),
            Mark::Restored { .. } | Mark::Orphan { .. } => None,
        })
        .collect()
}

/// Whether a change takes capacity away.
fn shrinks(change: &Change) -> bool {
    match change {
        Change::Clusters(clusters::Change::Scale { from, to, .. }) => {
            to.min < from.min || to.max < from.max
        }
        Change::Deployments(deployments::Change::Scale { from, to, .. }) => {
            to.min < from.min || to.max < from.max
        }
        Change::Deployments(deployments::Change::Resize { from, to, .. }) => to < from,
        Change::Deployments(
            deployments::Change::Pause { .. }
            | deployments::Change::Restart { .. }
            | deployments::Change::Revise { .. }
            | deployments::Change::Image { .. },
        )
        | Change::Nodes(_)
        | Change::Traffic(_)
        | Change::Databases(_)
        | Change::Caches(_)
        | Change::HealthChecks(_)
        | Change::Alarms(_)
        | Change::Pipelines(_) => false,
    }
}
