//! Guards about the shift itself: how many regions, who owns the records, step size and pacing, TTL.

use std::collections::BTreeSet;

use super::{
    Guard, GuardId, Verdict,
    finding::Findings,
    moved::{self, CLOSE, Presence, SplitKey, members},
    outlook::{Outlook, Stage},
    owners, receivers,
};
use crate::{
    plan::{Wait, Work},
    resources::{
        Fleet, Place, RegionLabel, Source,
        cell::percent,
        traffic::{self, Mechanism, Record},
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
    if let Some(own) = emptied.first() {
        for other in outlook.beside {
            // The same region again is what continues an interrupted drain.
            if let Some(theirs) = other.drains().into_iter().find(|label| label != own) {
                let text = format!(
                    "{theirs} is being drained too: {}",
                    other.text(outlook.fleet.now)
                );
                found.fail(text, other.remedy());
            }
        }
        if outlook.undoes().is_none() {
            second(outlook, &emptied, &mut found);
        }
    }
    found.guard(GuardId::Blast, "no region loses all its traffic")
}

/// A second region beside one that is drained: only while those that remain serve everything within their capacity (domain C: one region per drain).
/// Beside one that is being drained never: nobody knows yet what its traffic does to the others.
fn second(outlook: &Outlook<'_>, emptied: &BTreeSet<&RegionLabel>, found: &mut Findings) {
    let empty: Vec<RegionLabel> = outlook
        .ledger
        .drained()
        .into_iter()
        .map(|drain| drain.region)
        .filter(|label| !emptied.contains(label) && idle(outlook.fleet, label))
        .collect();
    let Some(other) = empty.first() else {
        return;
    };
    if emptied.iter().all(|label| outlook.lost(label)) {
        found.warn(
            format!("{other} is drained as well; what does not answer serves nobody"),
            format!("restore {other} as soon as it can serve"),
        );
        return;
    }
    let room = receivers::capacity(outlook);
    let text = format!(
        "{other} is drained as well, so the others serve everything: {}",
        room.evidence
    );
    match room.verdict {
        Verdict::Pass | Verdict::Warn => found.warn(text, format!("restore {other} first")),
        verdict @ (Verdict::Unknown | Verdict::Fail) => {
            found.add(verdict, text, format!("restore {other} first"));
        }
    }
}

/// Whether nothing is steered to a region, as far as is known.
fn idle(fleet: &Fleet, label: &RegionLabel) -> bool {
    let share = fleet.shares.region_share(label).ok();
    share
        .and_then(traffic::share::Share::value)
        .is_none_or(|share| share <= CLOSE)
}

/// The record set of a split member.
pub fn record_of(by: &Mechanism) -> Option<&Record> {
    match by {
        Mechanism::Record(record) => Some(record),
        Mechanism::Dial(_)
        | Mechanism::Forward(_)
        | Mechanism::Alias(_)
        | Mechanism::Distribution(_)
        | Mechanism::Control(_)
        | Mechanism::Route(_)
        | Mechanism::Rollout(_) => None,
    }
}

/// G-OWNER.
pub fn owner(outlook: &Outlook<'_>) -> Guard {
    let mut found = Findings::default();
    for change in outlook.traffic() {
        match change {
            traffic::Change::Weights { records } => {
                if outlook.aged(Source::Records, &Place::Global, &mut found) {
                    continue;
                }
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
            traffic::Change::Steer(steering) => {
                let place = Place::Region(steering.region.clone());
                if !outlook.aged(Source::Rollouts, &place, &mut found) {
                    owners::rollout(outlook.fleet, steering, &mut found);
                }
            }
            traffic::Change::Route { region, rule, .. } => {
                if !outlook.aged(Source::Routes, &Place::Region(region.clone()), &mut found) {
                    owners::route(outlook.fleet, region, rule, &mut found);
                }
            }
            traffic::Change::Dial { .. }
            | traffic::Change::Controls { .. }
            | traffic::Change::Alias { .. }
            | traffic::Change::Staging { .. }
            | traffic::Change::Invalidate { .. } => {}
        }
    }
    super::workloads::owner(outlook, &mut found);
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
            Work::Wait(
                Wait::Tail { seconds, .. }
                | Wait::Bake { seconds, .. }
                | Wait::Version { seconds, .. },
            ) => *seconds,
            Work::Wait(Wait::Nodes { .. } | Wait::Rollout { .. } | Wait::Emptied { .. })
            | Work::Change(_) => 0,
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
    if outlook
        .touched
        .iter()
        .any(|key| key.source == Source::Records)
    {
        outlook.aged(Source::Records, &Place::Global, &mut found);
    }
    for key in outlook
        .touched
        .iter()
        .filter(|key| key.source == Source::Records)
    {
        let one = BTreeSet::from([key.clone()]);
        let Some(ttl) = ttl_of(outlook.fleet, &one) else {
            continue;
        };
        let name = &key.split;
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
