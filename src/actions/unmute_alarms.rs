//! Unmutes the alarms of a region that this console muted. Owns that alarms which somebody else muted on purpose stay muted unless they are named.

use super::{
    Action, Refusal,
    kit::{
        region,
        stores::{Draft, guess, some},
    },
    mute_alarms,
};
use crate::{
    plan::{
        Blast, Intent, Plan,
        entry::Ending,
        ledger::{Ledger, RunRecord},
    },
    resources::{Fleet, RegionLabel, alarms::Alarm},
};

/// See the module.
pub struct UnmuteAlarms;

impl Action for UnmuteAlarms {
    fn name(&self) -> &'static str {
        "unmute-alarms"
    }

    fn doc(&self) -> &'static str {
        "Let the actions of muted alarms of a region run again"
    }

    fn target(&self) -> &'static str {
        "<region>"
    }

    fn options(&self) -> &'static [&'static str] {
        &["names", "run"]
    }

    fn targets(&self, fleet: &Fleet, ledger: &Ledger) -> Vec<String> {
        let labels = fleet.estate.regions.iter().map(|spec| &spec.label);
        let ours = |label: &&RegionLabel| runs(ledger, label).next().is_some();
        let with = labels.clone().filter(ours).map(ToString::to_string);
        let with: Vec<String> = with.collect();
        if with.is_empty() {
            region::labels(fleet)
        } else {
            with
        }
    }

    fn plan(&self, fleet: &Fleet, ledger: &Ledger, intent: &Intent) -> Result<Plan, Refusal> {
        let region = region::find(fleet, &intent.target)?;
        let rows = mute_alarms::rows(fleet, &region)?;
        let (names, run, mut remarks) = if intent.options.names.is_empty() {
            ours(ledger, &region, rows, intent.options.run.as_deref())?
        } else {
            (
                named(rows, &region, &intent.options.names)?,
                None,
                Vec::new(),
            )
        };
        let count = names.len();
        let steps = mute_alarms::steps(&region, &names, true);
        let mut draft = Draft::new(format!("Unmute {count} alarms of {region}"), "", steps);
        draft.blast = Blast::L1;
        let firing = rows
            .iter()
            .filter(|alarm| names.contains(&alarm.name) && alarm.state == "ALARM")
            .map(|alarm| alarm.name.clone())
            .collect::<Vec<_>>();
        if !firing.is_empty() {
            remarks.push(format!(
                "in ALARM now, and nobody is told of what happened meanwhile: {}",
                some(&firing)
            ));
        }
        draft.remarks = remarks;
        let mut intent = intent.clone();
        // With the run in the plan the journal knows that what it left behind is gone.
        intent.options.run = run;
        Ok(draft.freeze(fleet, &intent))
    }
}

/// Runs that muted alarms of a region and were not undone, oldest first.
fn runs<'a>(ledger: &'a Ledger, region: &'a RegionLabel) -> impl Iterator<Item = &'a RunRecord> {
    let muted = |run: &RunRecord| {
        let mut changes = run.standing_changes().into_iter();
        changes.any(|change| mute_alarms::mutes(change, region))
    };
    let over = |run: &RunRecord| run.ended.is_some_and(|ending| ending != Ending::Refused);
    ledger
        .runs
        .iter()
        .filter(move |run| over(run) && run.undone_by.is_none() && muted(run))
}

type Unmuted = (Vec<String>, Option<String>, Vec<String>);

/// What one of our runs muted: the one that is named, or else the oldest.
fn ours(
    ledger: &Ledger,
    region: &RegionLabel,
    rows: &[Alarm],
    wanted: Option<&str>,
) -> Result<Unmuted, Refusal> {
    let all: Vec<&RunRecord> = runs(ledger, region).collect();
    let found = all
        .iter()
        .find(|run| wanted.is_none_or(|wanted| run.id == wanted));
    let Some(run) = found else {
        return Err(nobody(region, rows, wanted));
    };
    let changes = run.standing_changes();
    let muted: Vec<&String> = changes
        .iter()
        .filter(|change| mute_alarms::mutes(change, region))
        .flat_map(|change| mute_alarms::names_of(change))
        .collect();
    let mut names = Vec::new();
    let (mut gone, mut loud) = (Vec::new(), Vec::new());
    for name in muted {
        match rows.iter().find(|alarm| alarm.name == *name) {
            None => gone.push(name.clone()),
            Some(alarm) if alarm.actions_enabled => loud.push(name.clone()),
            Some(_) => names.push(name.clone()),
        }
    }
    names.sort_unstable();
    if names.is_empty() {
        return Err(Refusal::new(
            format!("what run {} muted in {region} is muted no more", run.id),
            "nothing needs to be done",
        ));
    }
    let mut remarks = vec![format!("what run {} muted", run.id)];
    if !loud.is_empty() {
        remarks.push(format!("not muted any more: {}", some(&loud)));
    }
    if !gone.is_empty() {
        remarks.push(format!("they are gone: {}", some(&gone)));
    }
    if all.len() > 1 {
        let ids: Vec<String> = all.iter().map(|run| run.id.clone()).collect();
        remarks.push(format!("plan again for the other runs: {}", ids.join(", ")));
    }
    Ok((names, Some(run.id.clone()), remarks))
}

fn nobody(region: &RegionLabel, rows: &[Alarm], wanted: Option<&str>) -> Refusal {
    let muted = rows.iter().filter(|alarm| !alarm.actions_enabled);
    let muted: Vec<String> = muted.map(|alarm| alarm.name.clone()).collect();
    let reason = match wanted {
        Some(run) => format!("run `{run}` muted no alarm of {region} that is still to be unmuted"),
        None => format!("this console muted no alarm of {region}"),
    };
    let advice = if muted.is_empty() {
        "none of them is muted".to_owned()
    } else {
        format!(
            "somebody else muted {}; name what shall be unmuted",
            some(&muted)
        )
    };
    Refusal::new(reason, advice)
}

/// Alarms that are named, whoever muted them.
fn named(rows: &[Alarm], region: &RegionLabel, wanted: &[String]) -> Result<Vec<String>, Refusal> {
    let all: Vec<String> = rows.iter().map(|alarm| alarm.name.clone()).collect();
    let mut reasons = Vec::new();
    let mut advice = "name muted alarms only".to_owned();
    for name in wanted {
        match rows.iter().find(|alarm| alarm.name == *name) {
            None => {
                reasons.push(format!("`{name}` is no alarm of {region}"));
                advice = guess(name, &all, &all);
            }
            Some(alarm) if alarm.actions_enabled => reasons.push(format!("{name} is not muted")),
            Some(_) => {}
        }
    }
    if !reasons.is_empty() {
        return Err(Refusal { reasons, advice });
    }
    let mut names = wanted.to_vec();
    names.sort_unstable();
    names.dedup();
    Ok(names)
}
