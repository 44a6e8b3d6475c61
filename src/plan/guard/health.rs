//! G-HEALTH: what a receiver serves with is healthy. Owns what counts as healthy of targets, health checks, endpoints and databases, and where there is none of these that its users are answered; what is not known never does.

mod workloads;

use std::collections::BTreeSet;

use super::{
    Guard, GuardId, Verdict,
    finding::Findings,
    outlook::{Outlook, REREAD},
};
use crate::resources::{
    Change, Freshness, Place, RegionLabel, Severity, Source,
    cell::percent as percents,
    databases, health_checks,
    metrics::Reading,
    traffic::{self, Mechanism},
};

/// G-HEALTH.
pub fn health(outlook: &Outlook<'_>) -> Guard {
    let mut found = Findings::default();
    for label in &outlook.receiving {
        of_region(outlook, label, &mut found);
    }
    for change in outlook.changes() {
        match change {
            Change::Databases(
                databases::Change::SwitchOver { to_region, to, .. }
                | databases::Change::FailOver { to_region, to, .. },
            ) => of_cluster(outlook, to_region, to, &mut found),
            Change::Databases(databases::Change::Promote {
                region, instance, ..
            }) => of_instance(outlook, region, instance, &mut found),
            Change::Traffic(traffic::Change::Forward { region, groups, .. }) => {
                let gains = groups.iter().filter(|edit| edit.to > edit.from);
                let arns: Vec<&str> = gains.map(|edit| edit.target_group_arn.as_str()).collect();
                of_groups(outlook, region, Some(&arns), &mut found);
            }
            Change::Databases(databases::Change::FailOverCluster { .. })
            | Change::Traffic(_)
            | Change::Caches(_)
            | Change::Clusters(_)
            | Change::Deployments(_)
            | Change::Nodes(_)
            | Change::HealthChecks(_)
            | Change::Alarms(_)
            | Change::Pipelines(_) => {}
        }
    }
    if outlook.unseen() {
        found.unknown(
            "nobody is seen to get what is taken away",
            "plan again when the shares are known",
        );
    }
    found.guard(GuardId::Health, "nothing new is sent anywhere")
}

fn of_region(outlook: &Outlook<'_>, label: &RegionLabel, found: &mut Findings) {
    if outlook.lost(label) {
        found.fail(
            format!("{label} does not answer"),
            format!("do not send traffic to {label}"),
        );
        return;
    }
    let mut own = Findings::default();
    let groups = of_groups(outlook, label, None, &mut own);
    let proven = groups && own.worst() == Some(Verdict::Pass);
    found.extend(own);
    let checks = of_checks(outlook, label, proven, found);
    let endpoints = of_endpoints(outlook, label, found);
    // Where nothing asks whether it is well, those whom it answers tell.
    let told = groups || checks || endpoints || of_users(outlook, label, found);
    if !(told || workloads::of_empty(outlook, label, found)) {
        workloads::untold(outlook, label, found);
    }
    let rollup = outlook.fleet.rollup(label);
    if rollup.severity == Severity::Bad
        && let Some(reason) = rollup.reasons.first()
    {
        found.warn(
            format!("{label} is BAD: {}", reason.reason),
            format!("look into {label} first"),
        );
    }
}

/// What the users of a region get. Tells whether it gets any and their errors are known.
fn of_users(outlook: &Outlook<'_>, label: &RegionLabel, found: &mut Findings) -> bool {
    let fleet = outlook.fleet;
    let demand = &fleet.rollup(label).demand;
    let Some(errors) = demand.error_percent.and_then(Reading::usable) else {
        return false;
    };
    let limit = fleet.estate.thresholds.error_bad_percent;
    if errors > limit {
        found.fail(
            format!(
                "{label} fails {} of its users > {limit} %",
                percents(errors)
            ),
            format!("look into {label} first"),
        );
    } else {
        found.pass(format!(
            "{label} answers its users, errors {}",
            percents(errors)
        ));
    }
    true
}

/// Judges how much of something is healthy.
fn share_of(outlook: &Outlook<'_>, what: &str, healthy: usize, total: usize, found: &mut Findings) {
    let limits = &outlook.fleet.estate.thresholds;
    let (warn, bad) = (limits.healthy_warn_percent, limits.healthy_bad_percent);
    #[allow(clippy::cast_precision_loss)] // a few thousand targets
    let percent = healthy as f64 * 100.0 / total.max(1) as f64;
    let remedy = "wait until it is healthy";
    let text = format!("{what} {percent:.0} % healthy");
    if percent < bad {
        found.fail(format!("{text} < {bad:.0} %"), remedy);
    } else if percent < warn {
        found.warn(format!("{text} < {warn:.0} %"), remedy);
    } else {
        found.pass(text);
    }
}

/// Targets of target groups that carry traffic, or of those given. Tells whether there are any.
fn of_groups(
    outlook: &Outlook<'_>,
    label: &RegionLabel,
    only: Option<&[&str]>,
    found: &mut Findings,
) -> bool {
    let fleet = outlook.fleet;
    let place = Place::Region(label.clone());
    if !fleet.estate.places(Source::LoadBalancers).contains(&place) {
        return false;
    }
    if fleet.freshness(Source::LoadBalancers, &place) >= Freshness::Expired {
        found.unknown(
            format!("the targets of {label} were not read lately"),
            "wait for a fresh reading",
        );
        return true;
    }
    let slice = fleet.traffic.slice(Source::LoadBalancers, &place);
    let (mut healthy, mut total, mut empty, mut unknown) = (0usize, 0usize, 0, 0);
    let mut seen = BTreeSet::new();
    for row in slice.into_iter().flat_map(|slice| &slice.rows) {
        let Mechanism::Forward(forward) = &row.by else {
            continue;
        };
        let arn = forward.target_group_arn.as_str();
        let wanted = only.map_or(forward.weight > 0, |only| only.contains(&arn));
        if !wanted || !seen.insert(arn) {
            continue;
        }
        match forward.health {
            Some(health) if health.healthy + health.unhealthy > 0 => {
                healthy += health.healthy as usize;
                total += (health.healthy + health.unhealthy) as usize;
            }
            Some(health) if health.other > 0 => unknown += 1,
            Some(_) => empty += 1,
            None => unknown += 1,
        }
    }
    if unknown > 0 {
        found.unknown(
            format!("{label}: the health of {unknown} target groups is not known"),
            "wait for a fresh reading",
        );
    }
    if total > 0 {
        share_of(
            outlook,
            &format!("{label} targets {healthy}/{total},"),
            healthy,
            total,
            found,
        );
    } else if empty > 0 && unknown == 0 {
        found.fail(format!("{label} has no targets"), "register targets first");
    }
    !seen.is_empty()
}

/// Health checks of the records that point to a region, as they will be after the plan. Where they are dark, because us-east-1 is lost, `proven` healthy
/// targets are a second signal: enough to go on, and worth a warning.
fn of_checks(
    outlook: &Outlook<'_>,
    label: &RegionLabel,
    proven: bool,
    found: &mut Findings,
) -> bool {
    let after = outlook.after.fleet();
    let told = if proven {
        Verdict::Warn
    } else {
        Verdict::Unknown
    };
    for source in [Source::Records, Source::HealthChecks] {
        if let Some(text) = outlook.old(source, &Place::Global) {
            found.add(told, text, REREAD);
        }
    }
    let slice = after.traffic.slice(Source::Records, &Place::Global);
    let mut ids = BTreeSet::new();
    for row in slice.into_iter().flat_map(|slice| &slice.rows) {
        if let Mechanism::Record(record) = &row.by
            && let Some(id) = record.health_check_id.as_deref()
            && row.region(after, &Place::Global) == Some(label)
        {
            ids.insert(id);
        }
    }
    if ids.is_empty() {
        return false;
    }
    let states: Vec<Option<bool>> = ids
        .iter()
        .map(|id| health_checks::healthy(after, id))
        .collect();
    let count = |wanted| states.iter().filter(|state| **state == wanted).count();
    let (total, failing, unknown) = (states.len(), count(Some(false)), count(None));
    if unknown > 0 {
        found.add(
            told,
            format!("{label}: the state of {unknown} of {total} health checks is not known"),
            "Route 53 publishes it in us-east-1 only; wait for a fresh reading",
        );
    }
    if failing > 0 {
        found.fail(
            format!("{label}: {failing} of {total} health checks fail"),
            "wait until they pass",
        );
    } else if unknown == 0 {
        found.pass(format!("{label} checks {total}/{total}"));
    }
    true
}

/// Endpoints of accelerators in a region.
fn of_endpoints(outlook: &Outlook<'_>, label: &RegionLabel, found: &mut Findings) -> bool {
    let fleet = outlook.fleet;
    let slice = fleet.traffic.slice(Source::Accelerators, &Place::Global);
    let (mut healthy, mut total, mut unknown) = (0, 0, 0);
    for row in slice.into_iter().flat_map(|slice| &slice.rows) {
        let Mechanism::Dial(group) = &row.by else {
            continue;
        };
        if !group.accelerator_enabled || row.region(fleet, &Place::Global) != Some(label) {
            continue;
        }
        for endpoint in group.endpoints.iter().filter(|end| end.weight != Some(0)) {
            match endpoint.health.as_deref() {
                Some("HEALTHY") => healthy += 1,
                Some("UNHEALTHY") => {}
                Some(_) | None => unknown += 1,
            }
            total += 1;
        }
    }
    if total == 0 {
        return false;
    }
    if outlook.aged(Source::Accelerators, &Place::Global, found) {
        return true;
    }
    if unknown > 0 {
        found.unknown(
            format!("{label}: the health of {unknown} of {total} endpoints is not known"),
            "wait for a fresh reading",
        );
    } else {
        share_of(
            outlook,
            &format!("{label} endpoints {healthy}/{total},"),
            healthy,
            total,
            found,
        );
    }
    true
}

fn of_cluster(outlook: &Outlook<'_>, region: &RegionLabel, arn: &str, all: &mut Findings) {
    let mut found = Findings::default();
    let place = Place::Region(region.clone());
    if outlook.aged(Source::Rds, &place, all) {
        return;
    }
    let cluster = outlook
        .fleet
        .databases
        .at(&place)
        .find_map(|row| match row {
            databases::Database::Cluster(cluster) if cluster.arn.as_deref() == Some(arn) => {
                Some(cluster)
            }
            databases::Database::Cluster(_)
            | databases::Database::Instance(_)
            | databases::Database::Table(_) => None,
        });
    let Some(cluster) = cluster else {
        all.unknown(format!("{arn} is not listed"), "wait for a fresh reading");
        return;
    };
    let id = &cluster.id;
    if cluster.status != "available" {
        found.fail(
            format!("{id} in {region} is {}", cluster.status),
            "wait until it is available",
        );
    }
    if cluster.instances.is_empty() {
        found.fail(
            format!("{id} in {region} has no instance (headless)"),
            "add an instance first",
        );
    } else if cluster
        .instances
        .iter()
        .all(|instance| instance.status.is_none())
    {
        found.unknown(
            format!("the instances of {id} in {region} were not read"),
            "wait for a fresh reading",
        );
    } else if !cluster
        .instances
        .iter()
        .any(|instance| instance.status.as_deref() == Some("available"))
    {
        found.fail(
            format!("no instance of {id} in {region} is available"),
            "wait until one is",
        );
    }
    match cluster
        .membership()
        .and_then(|member| member.synchronization.as_deref())
    {
        None | Some("connected") => {}
        Some(other) => found.fail(
            format!("{id} in {region} is {other}"),
            "choose another member",
        ),
    }
    if found.worst().is_none() {
        found.pass(format!("{id} in {region} is available"));
    }
    all.extend(found);
}

fn of_instance(outlook: &Outlook<'_>, region: &RegionLabel, id: &str, found: &mut Findings) {
    let place = Place::Region(region.clone());
    if outlook.aged(Source::Rds, &place, found) {
        return;
    }
    let instance = outlook
        .fleet
        .databases
        .at(&place)
        .find_map(|row| match row {
            databases::Database::Instance(instance) if instance.id == id => Some(instance),
            databases::Database::Instance(_)
            | databases::Database::Cluster(_)
            | databases::Database::Table(_) => None,
        });
    let Some(instance) = instance else {
        found.unknown(format!("{id} is not listed"), "wait for a fresh reading");
        return;
    };
    let replicating = instance.replica_status.as_ref();
    if instance.status != "available" {
        found.fail(
            format!("{id} in {region} is {}", instance.status),
            "wait until it is available",
        );
    } else if replicating.is_some_and(|status| !status.normal) {
        let status = replicating.and_then(|status| status.status.as_deref());
        found.warn(
            format!("replication into {id} is {}", status.unwrap_or("broken")),
            "what it did not get is lost",
        );
    } else {
        found.pass(format!("{id} in {region} is available"));
    }
}
