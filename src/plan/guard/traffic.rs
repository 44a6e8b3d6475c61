//! Guards about the shift itself: how many regions, who owns the records, step size and pacing, TTL, what target health does, what brings the traffic back.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Guard, GuardId,
    finding::Findings,
    moved::{self, CLOSE, Presence, SplitKey, members},
    outlook::{Outlook, Stage},
};
use crate::{
    plan::{Wait, Work},
    resources::{
        Change, Fleet, Place, RegionLabel, Resource, Source,
        cell::percent,
        health_checks,
        traffic::{self, Mechanism, Policy, Record, share::Remark},
    },
};

/// G-BLAST.
pub fn blast(outlook: &Outlook<'_>) -> Guard {
    let mut found = Findings::default();
    let mut emptied: BTreeSet<&RegionLabel> = outlook.drained.iter().collect();
    if let Some(last) = outlook.stages.last() {
        for (key, regions) in &outlook.before {
            let after = last.presences.get(key);
            for (label, presence) in regions {
                let now = after.and_then(|regions| regions.get(label));
                let serves = presence.answers == Some(true);
                if serves && now.is_some_and(|now| now.answers == Some(false)) {
                    emptied.insert(label);
                }
            }
        }
    }
    let names: Vec<&str> = emptied.iter().map(|label| label.as_str()).collect();
    let text = format!(
        "{} regions lose all their traffic: {}",
        names.len(),
        names.join(", ")
    );
    match (names.len(), outlook.undoes()) {
        (0, _) => {}
        (1, _) => found.pass(format!("{} alone loses all its traffic", names[0])),
        // What is taken back was there before.
        (_, Some(_)) => found.warn(text, ""),
        (_, None) => found.fail(text, "drain one region at a time"),
    }
    found.guard(GuardId::Blast, "no region loses all its traffic")
}

fn record_of(by: &Mechanism) -> Option<&Record> {
    match by {
        Mechanism::Record(record) => Some(record),
        Mechanism::Dial(_)
        | Mechanism::Forward(_)
        | Mechanism::Alias(_)
        | Mechanism::Distribution(_)
        | Mechanism::Control(_) => None,
    }
}

/// G-OWNER.
pub fn owner(outlook: &Outlook<'_>) -> Guard {
    let mut found = Findings::default();
    for change in outlook.traffic() {
        match change {
            traffic::Change::Weights { records } => {
                for edit in records {
                    owner_of(outlook.fleet, &edit.from, &mut found);
                }
            }
            traffic::Change::Forward {
                load_balancer_name, ..
            } => {
                // Its rules carry tags that are not read; its names have this form.
                if load_balancer_name.starts_with("k8s-") {
                    found.warn(
                        format!("{load_balancer_name} is named as the AWS Load Balancer Controller names them: it puts rules back"),
                        "change the Ingress instead",
                    );
                } else {
                    found.pass(format!(
                        "{load_balancer_name} is not named as a controller's"
                    ));
                }
            }
            traffic::Change::Dial { .. }
            | traffic::Change::Controls { .. }
            | traffic::Change::Alias { .. }
            | traffic::Change::Staging { .. } => {}
        }
    }
    found.guard(
        GuardId::Owner,
        "nothing is changed whose owner could be seen",
    )
}

fn owner_of(fleet: &Fleet, expected: &Record, found: &mut Findings) {
    let name = expected.set_identifier.as_deref().unwrap_or(&expected.name);
    let slice = fleet.traffic.slice(Source::Records, &Place::Global);
    let rows = slice.map_or(&[][..], |slice| &slice.rows);
    let seen = rows.iter().find_map(|row| {
        record_of(&row.by).filter(|record| {
            moved::same_set(record, expected) && record.set_identifier == expected.set_identifier
        })
    });
    let owner = |record: &Record| record.traffic_policy_instance_id.clone();
    match (seen, seen.and_then(owner).or_else(|| owner(expected))) {
        (_, Some(instance)) => found.fail(
            format!("{name} belongs to traffic policy instance {instance}"),
            "change the traffic policy instead",
        ),
        (None, None) => found.unknown(format!("{name} is not listed"), "read it again (:refresh)"),
        (Some(_), None) => found.pass("no traffic policy owns the records"),
    }
}

/// Seconds of waiting between two of the remaining steps.
fn waited(outlook: &Outlook<'_>, from: usize, to: usize) -> u64 {
    let between = outlook.ahead.get(from..to).unwrap_or_default();
    between
        .iter()
        .map(|step| match &step.work {
            Work::Wait(Wait::Tail { seconds, .. } | Wait::Bake { seconds, .. }) => *seconds,
            Work::Wait(Wait::Nodes { .. }) | Work::Change(_) => 0,
        })
        .sum()
}

/// The longest TTL of the records in some splits, in seconds; an alias has 60.
fn ttl_of(fleet: &Fleet, keys: &BTreeSet<SplitKey>) -> Option<u32> {
    let rows = keys.iter().flat_map(|key| members(fleet, key));
    rows.filter_map(|row| record_of(&row.by))
        .map(|record| record.ttl.unwrap_or(60))
        .max()
}

/// The most of a region's share that one step should move. Weights are integers, so a half may be a little more.
const HALF: f64 = 0.51;

/// G-STEP.
pub fn step(outlook: &Outlook<'_>) -> Guard {
    let mut found = Findings::default();
    if outlook.now() && outlook.moves() {
        found.warn("an emergency: the steps are neither small nor paced", "");
        return found.guard(GuardId::Step, "");
    }
    let mut before = &outlook.before;
    let mut last: Option<&Stage> = None;
    let tail = u64::from(ttl_of(outlook.fleet, &outlook.touched).unwrap_or(0)) * 2;
    for stage in &outlook.stages {
        if let Some((label, part)) = biggest(outlook, before, stage)
            && part > HALF
        {
            found.warn(
                format!(
                    "step {} moves {} of {label} at once > 50 %",
                    stage.step + 1,
                    percent(part * 100.0)
                ),
                "move it in more steps",
            );
        }
        if let Some(last) = last {
            let pause = waited(outlook, last.step, stage.step);
            if pause < tail {
                found.warn(
                    format!(
                        "{pause} s between steps {} and {} < {tail} s (twice the TTL)",
                        last.step + 1,
                        stage.step + 1
                    ),
                    "watch longer after each step",
                );
            }
        }
        before = &stage.presences;
        last = Some(stage);
    }
    if found.worst().is_none() && last.is_some() {
        found.pass(format!(
            "{} steps of at most 50 % each",
            outlook.stages.len()
        ));
    }
    found.guard(GuardId::Step, "moves no traffic")
}

/// The region of whose share a stage moves the biggest part, measured by the most that it has within the plan.
fn biggest<'a>(
    outlook: &'a Outlook<'_>,
    before: &'a moved::Presences,
    stage: &'a Stage,
) -> Option<(&'a RegionLabel, f64)> {
    let part = |presence: Option<&Presence>| presence.and_then(|presence| presence.part);
    let mut worst: Option<(&RegionLabel, f64)> = None;
    for (key, regions) in before {
        for (label, presence) in regions {
            // Who gets what others lose is not paced by itself.
            let of = |presences: &moved::Presences| {
                part(presences.get(key).and_then(|regions| regions.get(label)))
            };
            let subject = outlook.losing.contains(label) || restored(outlook, label);
            let (Some((from, _)), Some((to, _))) = (presence.part, of(&stage.presences)) else {
                continue;
            };
            let last = outlook.stages.last().and_then(|stage| of(&stage.presences));
            let most = of(&outlook.before)
                .into_iter()
                .chain(last)
                .map(|(low, _)| low)
                .fold(0.0, f64::max);
            if !subject || most <= CLOSE {
                continue;
            }
            let moved = (from - to).abs() / most;
            if worst.is_none_or(|(_, worst)| moved > worst) {
                worst = Some((label, moved));
            }
        }
    }
    worst
}

fn restored(outlook: &Outlook<'_>, label: &RegionLabel) -> bool {
    let mut marks = outlook.plan.marks.iter();
    marks.any(|mark| matches!(mark, crate::plan::Mark::Restored { region } if region == label))
}

/// TTL in seconds: warn above.
const TTL_WARN: u32 = 60;

/// G-TTL.
pub fn ttl(outlook: &Outlook<'_>) -> Guard {
    let mut found = Findings::default();
    for key in outlook
        .touched
        .iter()
        .filter(|key| key.0 == Source::Records)
    {
        let one = BTreeSet::from([key.clone()]);
        let Some(ttl) = ttl_of(outlook.fleet, &one) else {
            continue;
        };
        let name = &key.1;
        let tail = ttl.saturating_mul(2);
        if ttl > TTL_WARN {
            found.warn(
                format!("{name}: TTL {ttl} s > {TTL_WARN} s, tail {tail} s and open connections"),
                "a lower TTL helps only after the old one has passed",
            );
        } else {
            found.pass(format!(
                "{name}: TTL {ttl} s, tail {tail} s and open connections"
            ));
        }
    }
    found.guard(GuardId::Ttl, "no DNS answer changes")
}

/// G-ETH.
pub fn target_health(outlook: &Outlook<'_>) -> Guard {
    let mut found = Findings::default();
    let after = outlook.after.fleet();
    let mut users: BTreeMap<&str, BTreeSet<&RegionLabel>> = BTreeMap::new();
    for key in &outlook.touched {
        let mut answers = Vec::new();
        for row in members(outlook.fleet, key) {
            let share = |fleet: &Fleet| moved::share(fleet, key.0, row);
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
            key.1,
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
            | Change::Alarms(_) => None,
        })
        .collect();
    for source in [Source::Records, Source::Accelerators] {
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
                | Mechanism::Control(_) => {}
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
