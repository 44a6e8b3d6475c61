//! G-LOCK: nobody else is at work on what is changed: a controller of AWS, a pipeline, another run, another operator. Owns where that is seen; takes no lock itself.

use std::collections::BTreeSet;

use super::{
    Guard, GuardId,
    finding::Findings,
    outlook::{Outlook, REREAD, gets},
};
use crate::{
    plan::beside,
    resources::{
        Change, Place, RegionLabel, Source,
        change::{Alter, Standing},
        clusters::{self, Cluster},
        pipelines::{self, How},
        traffic::{
            self, Mechanism,
            cloudfront::{MOST_WILDCARDS, is_wildcard},
            find,
        },
    },
};

/// G-LOCK. The lock of another console on this host is taken when the run starts.
pub fn lock(outlook: &Outlook<'_>) -> Guard {
    let mut found = Findings::default();
    let mut seen = BTreeSet::new();
    let wait = "wait until it is over, then plan again";
    for change in outlook.changes() {
        // Only the first change of each target sees the world as it is.
        if seen.insert(change.target()) {
            let reads = change.reads(&outlook.fleet.estate);
            let mut old: Vec<String> = reads
                .iter()
                .filter_map(|(source, place)| outlook.old(*source, place))
                .collect();
            if let Standing::Underway(text) = change.standing(outlook.fleet) {
                found.fail(text, wait);
            } else if old.len() == reads.len()
                && let Some(text) = old.pop()
            {
                found.unknown(format!("{text}: who is at work on it is not known"), REREAD);
            }
        }
        match change {
            Change::Traffic(traffic::Change::Dial {
                accelerator_arn, ..
            }) => deploying(outlook, accelerator_arn, &mut found),
            Change::Traffic(traffic::Change::Invalidate {
                distribution_id,
                paths,
                ..
            }) => invalidating(outlook, distribution_id, paths, &mut found),
            Change::Clusters(clusters::Change::Scale {
                region,
                cluster,
                node_group,
                ..
            }) => updating(outlook, region, cluster, node_group, &mut found),
            Change::Traffic(_)
            | Change::Databases(_)
            | Change::Caches(_)
            | Change::Deployments(_)
            | Change::Nodes(_)
            | Change::HealthChecks(_)
            | Change::Alarms(_)
            | Change::Pipelines(_) => {}
        }
    }
    delivering(outlook, &mut found);
    beside(outlook, &mut found);
    found.guard(GuardId::Lock, "nobody else is seen at work on it")
}

fn deploying(outlook: &Outlook<'_>, arn: &str, found: &mut Findings) {
    let slice = outlook
        .fleet
        .traffic
        .slice(Source::Accelerators, &Place::Global);
    let mut groups = slice
        .into_iter()
        .flat_map(|slice| &slice.rows)
        .filter_map(|row| match &row.by {
            Mechanism::Dial(group) if group.accelerator_arn == arn => Some(group),
            Mechanism::Dial(_)
            | Mechanism::Record(_)
            | Mechanism::Forward(_)
            | Mechanism::Alias(_)
            | Mechanism::Distribution(_)
            | Mechanism::Control(_)
            | Mechanism::Route(_)
            | Mechanism::Rollout(_) => None,
        });
    let remedy = "wait until it is DEPLOYED";
    let Some(group) = groups.next() else {
        found.unknown("the accelerator is not listed", "read it again (:refresh)");
        return;
    };
    match group.accelerator_status.as_deref() {
        Some("DEPLOYED") => {}
        Some(status) => found.fail(
            format!("accelerator {} is {status}", group.accelerator_name),
            remedy,
        ),
        None => found.unknown(
            format!(
                "the status of accelerator {} is not known",
                group.accelerator_name
            ),
            remedy,
        ),
    }
}

/// CloudFront takes so many wildcards at once for a distribution, those of everybody together.
fn invalidating(outlook: &Outlook<'_>, id: &str, paths: &[String], found: &mut Findings) {
    let slice = outlook
        .fleet
        .traffic
        .slice(Source::Distributions, &Place::Global);
    let rows = slice.map_or(&[][..], |slice| &slice.rows);
    let mut all = find::distributions(rows);
    let known = all
        .find(|distribution| distribution.id == id)
        .and_then(|distribution| distribution.invalidations.as_ref());
    let Some(known) = known else {
        found.unknown(
            format!("the invalidations of {id} were not read"),
            "allow cloudfront:ListInvalidations and cloudfront:GetInvalidation",
        );
        return;
    };
    let under_way = || known.iter().filter(|one| one.in_progress());
    if under_way().any(|one| one.reference.is_none()) {
        found.unknown(
            format!("what an invalidation of {id} under way is about was not read"),
            REREAD,
        );
        return;
    }
    let wild = |paths: &[String]| paths.iter().filter(|path| is_wildcard(path)).count();
    let theirs: usize = under_way().map(|one| wild(&one.paths)).sum();
    let (ours, count) = (wild(paths), under_way().count());
    let text = format!("{count} invalidations of {id} under way, {theirs} wildcards");
    if theirs + ours > MOST_WILDCARDS {
        found.fail(
            format!("{text}, and {ours} more are above {MOST_WILDCARDS}"),
            "wait until they are completed",
        );
    } else {
        found.pass(text);
    }
}

fn updating(
    outlook: &Outlook<'_>,
    region: &RegionLabel,
    cluster: &str,
    node_group: &str,
    found: &mut Findings,
) {
    let place = Place::Region(region.clone());
    let slice = outlook.fleet.clusters.slice(Source::Clusters, &place);
    for row in slice.into_iter().flat_map(|slice| &slice.rows) {
        let status = match row {
            Cluster::Eks(eks) if eks.name == cluster => Some((&eks.name, eks.status.as_str())),
            Cluster::NodeGroup(group) if group.cluster == cluster && group.name == node_group => {
                let status = group.status.as_deref();
                Some((&group.name, status.unwrap_or("not known")))
            }
            Cluster::Eks(_) | Cluster::NodeGroup(_) | Cluster::ApiServer(_) | Cluster::Nodes(_) => {
                None
            }
        };
        let wait = "wait until it is ACTIVE";
        match status {
            None | Some((_, "ACTIVE")) => {}
            Some((name, "not known")) => {
                found.unknown(format!("the status of {name} is not known"), wait);
            }
            Some((name, status)) => found.fail(format!("{name} in {region} is {status}"), wait),
        }
    }
}

/// The regions in which something is changed that a deployment would change under our hands.
fn changed(outlook: &Outlook<'_>) -> BTreeSet<RegionLabel> {
    let concerns = |change: &&Change| match change {
        // What holds a pipeline is there for the time when it runs; alarms and caches know no version.
        Change::Pipelines(_)
        | Change::Alarms(_)
        | Change::Traffic(traffic::Change::Invalidate { .. }) => false,
        Change::Traffic(_)
        | Change::Databases(_)
        | Change::Caches(_)
        | Change::Clusters(_)
        | Change::Deployments(_)
        | Change::Nodes(_)
        | Change::HealthChecks(_) => true,
    };
    let changes: Vec<&Change> = outlook.changes().filter(concerns).collect();
    let places = changes
        .iter()
        .filter_map(|change| change.place().region().cloned());
    let given = changes.iter().filter_map(|change| gets(change).cloned());
    let moved = outlook.losing.iter().chain(&outlook.receiving).cloned();
    places.chain(given).chain(moved).collect()
}

/// Executions of pipelines that change a region of the plan now, or come there next.
fn delivering(outlook: &Outlook<'_>, found: &mut Findings) {
    let (fleet, regions) = (outlook.fleet, changed(outlook));
    for region in &regions {
        for one in pipelines::underway(fleet, region) {
            let text = format!("{region}: {}", one.words(fleet));
            match one.how {
                How::Now if outlook.now() => found.warn(text, "an emergency goes on all the same"),
                How::Now if outlook.easing() => found.warn(text, "a way back goes on all the same"),
                How::Now => found.fail(text, one.remedy()),
                How::Next { .. } => found.warn(text, one.remedy()),
            }
        }
    }
    if regions.is_empty() {
        return;
    }
    // Where there are none, mostly nobody allows us to look: that alone must not stop a drain.
    let mut unread = Vec::new();
    for place in fleet.estate.places(Source::Pipelines) {
        if let Some(error) = fleet.status(Source::Pipelines, &place).error {
            unread.push(format!("{place} ({})", error.class.word()));
        }
    }
    if !unread.is_empty() {
        let text = format!(
            "the pipelines of {} could not be read: whether one deploys is not known",
            unread.join(", ")
        );
        found.warn(
            text,
            "allow codepipeline:ListPipelines and codepipeline:GetPipelineState",
        );
    }
}

/// Other runs that are not over and touch what this plan touches: of this console, of another one, or of one that was killed.
fn beside(outlook: &Outlook<'_>, found: &mut Findings) {
    for other in outlook.beside {
        let Some(why) = beside::clash(outlook.fleet, outlook.plan, other) else {
            continue;
        };
        let text = other.text(outlook.fleet.now);
        if outlook.undoes() == Some(other.id) {
            found.warn(text, "this plan undoes it");
        } else if !other.here() && other.plan.intent == outlook.plan.intent {
            // Another console that still has it in hand holds its locks.
            found.warn(text, "this plan goes on with it");
        } else {
            found.fail(format!("{text}: {why}"), other.remedy());
        }
    }
}
