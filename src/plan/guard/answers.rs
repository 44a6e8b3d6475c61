//! G-ETH and G-RETURN: what DNS answers by itself when health changes: records that fail over untested, and traffic that comes back unasked. Owns no health.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Guard, GuardId,
    finding::Findings,
    moved::{self, members},
    outlook::Outlook,
    traffic::record_of,
};
use crate::resources::{
    Change, Fleet, Place, RegionLabel, Resource, Source, health_checks,
    traffic::{self, Mechanism, Policy, Record, share::Remark},
};

/// G-ETH.
pub fn target_health(outlook: &Outlook<'_>) -> Guard {
    let mut found = Findings::default();
    let after = outlook.after.fleet();
    let mut users: BTreeMap<&str, BTreeSet<&RegionLabel>> = BTreeMap::new();
    let answered = [Source::Records, Source::Accelerators];
    let touched = outlook.touched.iter();
    for key in touched.filter(|key| answered.contains(&key.source)) {
        let mut answers = Vec::new();
        for row in members(outlook.fleet, key) {
            let share = |fleet: &Fleet| moved::share(fleet, key, row);
            let (was, will) = (share(outlook.fleet), share(after));
            let text = |share: Option<traffic::share::Share>| {
                share.map_or_else(|| "?".to_owned(), traffic::share::Share::text)
            };
            answers.push(format!("{} {} → {}", row.member, text(was), text(will)));
            for (share, when) in [(was, "now"), (will, "then")] {
                match share.and_then(|share| share.remark) {
                    Some(
                        remark @ (Remark::FailOpen
                        | Remark::AllZero
                        | Remark::ZeroWeightAnswers
                        | Remark::NoDefault
                        | Remark::DefaultFails),
                    ) => {
                        found.warn(
                            format!("{when}: {}", remark.words()),
                            "mend the health checks first",
                        );
                    }
                    Some(
                        Remark::UnknownPolicy
                        | Remark::NoTraffic
                        | Remark::Relative
                        | Remark::Disabled
                        | Remark::ByHeader,
                    )
                    | None => {}
                }
                if share.is_none_or(|share| share.answers().is_none() || share.fail_open.is_none())
                {
                    found.unknown(
                        format!("{when}: what {} answers is not known", row.member),
                        "wait for the health checks",
                    );
                }
            }
            if let Some(record) = record_of(&row.by) {
                untested(record, &row.member, &mut found);
                if let (Some(id), Some(label)) = (
                    &record.health_check_id,
                    row.region(outlook.fleet, &Place::Global),
                ) {
                    users.entry(id.as_str()).or_default().insert(label);
                }
            }
        }
        found.pass(format!(
            "{}: {}; if all fail, all answer",
            key.split,
            answers.join(", ")
        ));
    }
    for (id, regions) in users.iter().filter(|(_, regions)| regions.len() > 1) {
        found.warn(
            format!("health check {id} is shared by {} regions", regions.len()),
            "give each its own",
        );
    }
    found.guard(GuardId::TargetHealth, "no answer changes")
}

/// A record without any check counts as healthy whatever happens.
fn untested(record: &Record, member: &str, found: &mut Findings) {
    let evaluated = record
        .alias
        .as_ref()
        .is_some_and(|alias| alias.evaluate_target_health);
    if record.health_check_id.is_none() && !evaluated && record.policy != Policy::Simple {
        found.warn(
            format!("{member} has no health check: it always counts as healthy"),
            "give it one",
        );
    }
}

/// G-RETURN.
pub fn comes_back(outlook: &Outlook<'_>) -> Guard {
    let mut found = Findings::default();
    let after = outlook.after.fleet();
    let empty: BTreeSet<&RegionLabel> = if outlook.moves() {
        outlook.drained.iter().chain(&outlook.losing).collect()
    } else {
        BTreeSet::new()
    };
    let inverted: BTreeSet<&str> = outlook
        .changes()
        .filter_map(|change| match change {
            Change::HealthChecks(health_checks::Change::Invert { id, to: true, .. }) => {
                Some(id.as_str())
            }
            Change::HealthChecks(_)
            | Change::Traffic(_)
            | Change::Databases(_)
            | Change::Caches(_)
            | Change::Clusters(_)
            | Change::Deployments(_)
            | Change::Nodes(_)
            | Change::Alarms(_)
            | Change::Pipelines(_) => None,
        })
        .collect();
    for source in [Source::Records, Source::Accelerators] {
        if !empty.is_empty() {
            outlook.aged(source, &Place::Global, &mut found);
        }
        let slice = after.traffic.slice(source, &Place::Global);
        for row in slice.into_iter().flat_map(|slice| &slice.rows) {
            let Some(label) = row
                .region(after, &Place::Global)
                .filter(|label| empty.contains(label))
            else {
                continue;
            };
            let share = after.shares.get(source, &Place::Global, &row.key());
            if share.is_none_or(|share| share.answers() == Some(true)) {
                continue; // it still has something, so nothing comes back
            }
            match &row.by {
                Mechanism::Record(record) if !pinned(record, &inverted) => {
                    let how = match record.policy {
                        Policy::Failover { primary: true } => "is the primary of a failover pair",
                        Policy::Failover { primary: false }
                        | Policy::Simple
                        | Policy::Weighted { .. }
                        | Policy::Latency { .. }
                        | Policy::Geolocation { .. }
                        | Policy::Geoproximity { .. }
                        | Policy::MultiValue
                        | Policy::Cidr { .. }
                        | Policy::Other => "is only kept out by its health check",
                    };
                    if gate_off(after, record) {
                        continue;
                    }
                    found.warn(
                        format!("{} of {label} {how}: it comes back by itself", row.split),
                        "pin it: weight 0, or its routing control Off",
                    );
                }
                Mechanism::Dial(group) if group.dial > 0.0 => found.warn(
                    format!("the accelerator returns to {label} when it is healthy again"),
                    "set its dial to 0",
                ),
                Mechanism::Record(_)
                | Mechanism::Dial(_)
                | Mechanism::Forward(_)
                | Mechanism::Alias(_)
                | Mechanism::Distribution(_)
                | Mechanism::Control(_)
                | Mechanism::Route(_)
                | Mechanism::Rollout(_) => {}
            }
        }
    }
    if found.worst().is_none() && !empty.is_empty() {
        found.pass("what is taken away stays away until it is restored");
    }
    found.guard(GuardId::Return, "no region loses traffic")
}

/// Whether a record stays out whatever its health: weight 0, or a check that is turned round on purpose.
fn pinned(record: &Record, inverted: &BTreeSet<&str>) -> bool {
    record.policy == (Policy::Weighted { weight: 0 })
        || record
            .health_check_id
            .as_deref()
            .is_some_and(|id| inverted.contains(id))
}

/// Whether a routing control that is `Off` keeps it out.
fn gate_off(fleet: &Fleet, record: &Record) -> bool {
    let Some(id) = record.health_check_id.as_deref() else {
        return false;
    };
    let slice = fleet
        .health_checks
        .slice(Source::HealthChecks, &Place::Global);
    let mut checks = slice.into_iter().flat_map(|slice| &slice.rows);
    let arn = checks
        .find(|check| check.id == id)
        .and_then(|check| check.routing_control_arn.as_deref());
    arn.and_then(|arn| fleet.shares.control(arn)) == Some(false)
}
