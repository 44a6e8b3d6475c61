//! Mutes alarms of a region that is being drained, for a while. Owns which may be muted: never those of databases, never those whose actions do more than notify, never those of a receiver.

use super::{
    Action, Refusal,
    kit::{
        guards::guards,
        pace, region,
        stores::{self, Draft, guess, some},
    },
};
use crate::{
    plan::{GuardId, Intent, Mark, Plan, ledger::Ledger},
    resources::{
        Change, Fleet, Place, RegionLabel, Source,
        alarms::{self, Alarm},
        change::Alter,
    },
};

/// See the module.
pub struct MuteAlarms;

/// Judged right before the call.
pub(super) const GUARDS: &[GuardId] = guards!(pace::BACK, &[GuardId::Orphan]);

/// Seen with the next reading.
pub(super) const TIME: (u64, u64) = (10, 120);

/// How many names one call takes.
pub(super) const PER_CALL: usize = 100;

/// Minutes after which somebody should unmute them, and at most (domain B.8).
const MINUTES: u64 = 30;
const MOST_MINUTES: u64 = 60;

impl Action for MuteAlarms {
    fn name(&self) -> &'static str {
        "mute-alarms"
    }

    fn doc(&self) -> &'static str {
        "Mute the alarms of a region that is being drained"
    }

    fn target(&self) -> &'static str {
        "<region>"
    }

    fn options(&self) -> &'static [&'static str] {
        &["names", "minutes"]
    }

    fn targets(&self, fleet: &Fleet, _ledger: &Ledger) -> Vec<String> {
        region::labels(fleet)
    }

    fn plan(&self, fleet: &Fleet, ledger: &Ledger, intent: &Intent) -> Result<Plan, Refusal> {
        let region = region::find(fleet, &intent.target)?;
        let minutes = intent.options.minutes.unwrap_or(MINUTES);
        if !(1..=MOST_MINUTES).contains(&minutes) {
            return Err(Refusal::new(
                format!("{minutes} minutes"),
                format!("1 to {MOST_MINUTES} minutes: CloudWatch never unmutes them by itself"),
            ));
        }
        receiver(fleet, ledger, &region)?;
        let found = choose(rows(fleet, &region)?, &region, &intent.options.names)?;
        if found.names.is_empty() {
            let why = if found.remarks.is_empty() {
                "it has none with an action".to_owned()
            } else {
                found.remarks.join("; ")
            };
            return Err(Refusal::new(
                format!("no alarm of {region} can be muted: {why}"),
                "nothing needs to be done",
            ));
        }
        let steps = steps(&region, &found.names, false);
        let count = found.names.len();
        let title = format!("Mute {count} alarms of {region} for {minutes} min");
        let mut draft = Draft::new(title, region.as_str(), steps);
        draft.marks = vec![Mark::Orphan {
            what: format!("{count} muted alarms of {region}"),
        }];
        let time = std::time::Duration::from_secs(minutes * 60);
        draft.until = fleet.now.checked_add(time).ok();
        draft.remarks = found.remarks;
        draft.remarks.push(
            "they go on changing state; what they would have notified meanwhile is not made up for"
                .to_owned(),
        );
        draft.remarks.push(format!(
            "nothing unmutes them by itself: `unmute-alarms {region}` within {minutes} min"
        ));
        Ok(draft.freeze(fleet, intent))
    }
}

/// The alarms of a region, once they are known.
pub(super) fn rows<'a>(fleet: &'a Fleet, region: &RegionLabel) -> Result<&'a [Alarm], Refusal> {
    let place = Place::Region(region.clone());
    let slice = fleet.alarms.slice(Source::Alarms, &place);
    match slice.filter(|slice| slice.observed_at.is_some()) {
        Some(slice) => Ok(&slice.rows),
        None => Err(Refusal::new(
            format!("the alarms of {region} are not known"),
            "wait until cloudwatch:DescribeAlarms has been answered",
        )),
    }
}

/// The changes, so many names each as one call takes.
pub(super) fn steps(region: &RegionLabel, names: &[String], to: bool) -> Vec<crate::plan::Step> {
    let verb = if to { "Unmute" } else { "Mute" };
    names
        .chunks(PER_CALL)
        .map(|names| {
            let change = alarms::Change::Actions {
                region: region.clone(),
                names: names.to_vec(),
                from: !to,
                to,
            };
            let title = format!("{verb} {} alarms of {region}", names.len());
            stores::change(title, Change::Alarms(change), TIME, GUARDS)
        })
        .collect()
}

/// Refuses a region that receives what another one lost: its alarms are the ones that count.
fn receiver(fleet: &Fleet, ledger: &Ledger, region: &RegionLabel) -> Result<(), Refusal> {
    let drained = ledger.drained();
    let without = |label: &RegionLabel| {
        drained.iter().any(|drain| drain.region == *label)
            || fleet.drained(label).is_some()
            || region::lost(fleet, label)
    };
    let mut others = fleet.estate.regions.iter().map(|spec| &spec.label);
    match others.find(|label| *label != region && without(label)) {
        Some(other) if !without(region) => Err(Refusal::new(
            format!("{region} receives the traffic of {other}: its alarms are the ones that count"),
            format!("mute those of {other} instead"),
        )),
        Some(_) | None => Ok(()),
    }
}

struct Found {
    names: Vec<String>,
    remarks: Vec<String>,
}

/// The alarms that may be muted. One that was named and may not is a refusal; of the others it is said how many and why.
fn choose(rows: &[Alarm], region: &RegionLabel, wanted: &[String]) -> Result<Found, Refusal> {
    let all: Vec<String> = rows.iter().map(|alarm| alarm.name.clone()).collect();
    let mut reasons = Vec::new();
    let mut advice = "name others, or leave names out".to_owned();
    for name in wanted.iter().filter(|name| !all.contains(name)) {
        reasons.push(format!("`{name}` is no alarm of {region}"));
        advice = guess(name, &all, &all);
    }
    let mut names = Vec::new();
    let (mut kept, mut muted, mut silent) = (Vec::new(), 0, 0);
    for alarm in rows {
        let named = wanted.contains(&alarm.name);
        if !wanted.is_empty() && !named {
            continue;
        }
        match bar(alarm, rows) {
            Bar::None => names.push(alarm.name.clone()),
            Bar::Muted if named => reasons.push(format!("{} is muted already", alarm.name)),
            Bar::Muted => muted += 1,
            Bar::Silent if named => reasons.push(format!("{} has no action", alarm.name)),
            Bar::Silent => silent += 1,
            Bar::Kept(why) if named => reasons.push(format!("{}: {why}", alarm.name)),
            Bar::Kept(why) => kept.push(format!("{} ({why})", alarm.name)),
        }
    }
    if !reasons.is_empty() {
        return Err(Refusal { reasons, advice });
    }
    names.sort_unstable();
    let mut remarks = Vec::new();
    if !kept.is_empty() {
        remarks.push(format!("not muted: {}", some(&kept)));
    }
    if muted > 0 {
        remarks.push(format!("{muted} are muted already"));
    }
    if silent > 0 {
        remarks.push(format!("{silent} have no action that is known"));
    }
    Ok(Found { names, remarks })
}

/// Why an alarm is not muted.
enum Bar {
    None,
    Muted,
    Silent,
    Kept(String),
}

fn bar(alarm: &Alarm, all: &[Alarm]) -> Bar {
    if !alarm.actions_enabled {
        return Bar::Muted;
    }
    if on_database(alarm) {
        return Bar::Kept("an alarm of a database".to_owned());
    }
    // A composite alarm speaks for those that its rule names.
    let speaks_for = |other: &&Alarm| {
        let rule = alarm.rule.as_deref().unwrap_or_default();
        other.name != alarm.name && on_database(other) && names(rule, &other.name)
    };
    if let Some(other) = all.iter().find(speaks_for) {
        return Bar::Kept(format!(
            "it speaks for {}, an alarm of a database",
            other.name
        ));
    }
    let notifies = |arn: &&String| service(arn) == "sns";
    match alarm.actions.iter().find(|arn| !notifies(arn)) {
        Some(arn) => Bar::Kept(format!(
            "muting it also stops its action in {}",
            service(arn)
        )),
        None if alarm.actions.is_empty() => Bar::Silent,
        None => Bar::None,
    }
}

/// The service in the ARN of an action: `sns`, `autoscaling`, `lambda`, `automate` (EC2 recover), `ssm` …
fn service(arn: &str) -> &str {
    arn.split(':').nth(2).unwrap_or(arn)
}

/// Whether the rule of a composite alarm names an alarm.
fn names(rule: &str, name: &str) -> bool {
    rule.split(['"', '(', ')'])
        .map(str::trim)
        .any(|part| part == name || part.rsplit_once(":alarm:").is_some_and(|(_, n)| n == name))
}

const DATABASES: &[&str] = &[
    "AWS/RDS",
    "AWS/DynamoDB",
    "AWS/DocDB",
    "AWS/Neptune",
    "AWS/MemoryDB",
];

const DATABASE_DIMENSIONS: &[&str] = &[
    "DBClusterIdentifier",
    "DBInstanceIdentifier",
    "TableName",
    "GlobalTableName",
];

fn on_database(alarm: &Alarm) -> bool {
    let metric = alarm.metric.as_deref().unwrap_or_default();
    let namespace = metric.split(' ').next().unwrap_or_default();
    let dimension = |(name, _): &(String, String)| DATABASE_DIMENSIONS.contains(&name.as_str());
    DATABASES.contains(&namespace) || alarm.dimensions.iter().any(dimension)
}

/// The alarms that a change of actions is about.
pub(super) fn names_of(change: &Change) -> &[String] {
    match change {
        Change::Alarms(alarms::Change::Actions { names, .. }) => names,
        Change::Traffic(_)
        | Change::Databases(_)
        | Change::Caches(_)
        | Change::Clusters(_)
        | Change::Deployments(_)
        | Change::Nodes(_)
        | Change::HealthChecks(_)
        | Change::Pipelines(_) => &[],
    }
}

/// Whether a change mutes alarms of a region.
pub(super) fn mutes(change: &Change, region: &RegionLabel) -> bool {
    let here = change.place() == Place::Region(region.clone());
    here && matches!(
        change,
        Change::Alarms(alarms::Change::Actions { to: false, .. })
    )
}

#[cfg(test)]
mod tests;
