//! Takes a release to the next region of its order. Owns which region that is and with which image; whether it may go there is G-SOAK's to say, and the way back is that of the run.

#[cfg(test)]
mod tests;

use super::{
    Action, Refusal,
    kit::{
        carried::{self, Carried},
        deployment,
        guards::guards,
        pace,
        stores::Draft,
    },
};
use crate::{
    plan::{GuardId, Intent, OnBreach, Plan, Step, Wait, Work, ledger::Ledger},
    resources::{
        Fleet,
        deployments::{Container, Rollout},
        releases::{self, Carrier, Release, Stage, State},
        traffic::rollouts::{Tool, Verb},
    },
};

/// See the module.
pub struct Advance;

/// Guards of a version that goes to a region: those of everything new, and what tells of the users there.
const GUARDS: &[GuardId] = guards!(
    deployment::FORWARD,
    &[
        GuardId::Sample,
        GuardId::Health,
        GuardId::Alarm,
        GuardId::Abort,
    ],
);

/// Seconds to stay with the region once its pods are new; its soak goes on after that, on the board.
const BAKE: u64 = 300;

impl Action for Advance {
    fn name(&self) -> &'static str {
        "advance"
    }

    fn doc(&self) -> &'static str {
        "Take a release to the next region of its order"
    }

    fn target(&self) -> &'static str {
        "<deployment>"
    }

    fn options(&self) -> &'static [&'static str] {
        &["bake"]
    }

    fn targets(&self, fleet: &Fleet, _ledger: &Ledger) -> Vec<String> {
        carried::services(fleet)
    }

    fn plan(&self, fleet: &Fleet, _ledger: &Ledger, intent: &Intent) -> Result<Plan, Refusal> {
        let found = carried::find(fleet, &intent.target)?;
        let (release, newest) = release(fleet, &found)?;
        let next = next(&release, &found)?;
        let here = found.iter().filter(|found| found.at.region == next.region);
        if let Some(found) = here.clone().find(|found| found.row.promotable()) {
            return promote(fleet, intent, &release, next, found);
        }
        let lacks = |found: &&Carried<'_>| !found.row.has(newest);
        let rows: Vec<&Carried<'_>> = here.filter(lacks).collect();
        let bake = intent.options.bake_seconds.unwrap_or(BAKE);
        let mut steps = Vec::new();
        let mut draft_remarks = Vec::new();
        for (index, found) in rows.iter().enumerate() {
            heard(fleet, found)?;
            let title = format!("{}: {} → {}", found.at.words(), next.runs, release.version);
            let (change, image) = carried::give(found, newest, &title, GUARDS, &mut draft_remarks)?;
            steps.push(change);
            steps.push(carried::settles(found, index == 0));
            if bake > 0 {
                steps.push(watch(found, image, bake));
            }
            draft_remarks.extend(by_steps(found));
        }
        let title = format!(
            "Advance {} {} to {}",
            release.name, release.version, next.region
        );
        let mut draft = Draft::new(title, format!("{}@{}", release.name, next.region), steps);
        draft.remarks = evidence(&release, next);
        draft.remarks.push(format!(
            "a gate that breaks while it is watched gives {} {} again; then it soaks {} min before the next region",
            next.region, next.runs, release.soak_minutes
        ));
        draft.remarks.append(&mut draft_remarks);
        let mut plan = draft.freeze(fleet, intent);
        // Whoever breaks a region with a new version gives it the old one back, and asks afterwards.
        plan.on_breach = OnBreach::StepBack;
        Ok(plan)
    }
}

fn heard(fleet: &Fleet, found: &Carried<'_>) -> Result<(), Refusal> {
    match carried::unheard(fleet, found) {
        Some(why) => Err(Refusal::new(why, "wait until its API server answers")),
        None => Ok(()),
    }
}

/// What sends it out there by steps of its own.
fn by_steps(found: &Carried<'_>) -> Option<String> {
    let rollout = found.row.sender()?;
    let region = &found.at.region;
    Some(match rollout.name.tool {
        Tool::ArgoRollouts => format!(
            "{} sends it out in {region} by its own {} steps: where it waits for somebody, advance again",
            rollout.name.object(),
            rollout.steps
        ),
        Tool::Flagger => format!(
            "{} takes it through its own analysis in {region}; the board says how far it is",
            rollout.name.object()
        ),
    })
}

/// The next step of a rollout that waits for somebody, in the region where the release is on its way.
fn promote(
    fleet: &Fleet,
    intent: &Intent,
    release: &Release,
    stage: &Stage,
    found: &Carried<'_>,
) -> Result<Plan, Refusal> {
    heard(fleet, found)?;
    let region = &found.at.region;
    let Some(rollout) = found.row.sender() else {
        return Err(Refusal::new(
            format!("{} is sent out by nothing", found.at.words()),
            "plan again",
        ));
    };
    let mut steps = vec![
        carried::steer(found, rollout, Verb::Promote, GUARDS),
        carried::settles(found, true),
    ];
    let bake = intent.options.bake_seconds.unwrap_or(BAKE);
    if bake > 0 {
        steps.push(pace::bake(std::slice::from_ref(region), bake));
    }
    let title = format!("Promote {} {} in {region}", release.name, release.version);
    let mut draft = Draft::new(title, format!("{}@{region}", release.name), steps);
    draft.remarks = evidence(release, stage);
    draft.remarks.push(format!(
        "it is {}, {:.0} % to {}; one step further, and what it did is taken back by roll-back {}@{region}",
        rollout.words(),
        rollout.weight,
        release.version,
        release.name
    ));
    let analyses = rollout.analyses.iter();
    draft
        .remarks
        .extend(analyses.map(|analysis| format!("analysis {analysis}")));
    // A step that was taken is not taken back by its opposite: whoever is asked rolls it back.
    Ok(draft.freeze(fleet, intent))
}

/// The release of a service, and what runs where it runs.
fn release<'f>(
    fleet: &'f Fleet,
    found: &[Carried<'f>],
) -> Result<(Release, &'f Container), Refusal> {
    let unknown = || {
        Refusal::new(
            "which version it runs is not known",
            "see the Deployments pane (6)",
        )
    };
    let first = found.first().ok_or_else(unknown)?;
    let service = releases::service(fleet, &first.at.namespace, &first.at.name);
    let service = service.ok_or_else(unknown)?;
    let newest = service.newest().ok_or_else(unknown)?;
    let release = service.release(newest, &mut releases::Seen::of(fleet));
    Ok((release, newest))
}

/// The region that comes next, or why there is none.
fn next<'r>(release: &'r Release, found: &[Carried<'_>]) -> Result<&'r Stage, Refusal> {
    let (name, version) = (&release.name, &release.version);
    let Some(next) = release.next() else {
        return Err(Refusal::new(
            format!("{version} of {name} is in every region of its order"),
            "nothing is left to do; its last soak is on the board (:releases)",
        ));
    };
    let region = &next.region;
    let target = format!("{name}@{region}");
    let refuse = |why: String, advice: String| Err(Refusal::new(why, advice));
    match &next.state {
        State::NotYet => Ok(next),
        // One cluster of several has it, and nothing moves: the others are still to get it.
        State::RollingOut { .. } if rests(found, next) || waits(found, next) => Ok(next),
        State::Held { why } => refuse(
            format!("{region} is held: {why}"),
            format!(
                "{}, or undo the run that held it",
                let_go(found, next, &target)
            ),
        ),
        State::RollingOut { how_far } => refuse(
            format!("{version} rolls out in {region} already: {how_far}"),
            "wait until it is complete".to_owned(),
        ),
        State::Breached { why } => refuse(
            format!("{version} fails in {region}: {why}"),
            format!("roll-back {target}"),
        ),
        State::Unknown { why } => refuse(
            format!("{region}: {why}"),
            "wait until its API server answers".to_owned(),
        ),
        State::Soaking { .. } | State::Done => {
            refuse(format!("{region} has {version}"), "plan again".to_owned())
        }
    }
}

/// The command that lets go what is held in a region.
fn let_go(found: &[Carried<'_>], stage: &Stage, target: &str) -> String {
    let mut rows = found.iter().filter(|found| found.at.region == stage.region);
    match rows.find_map(|found| found.row.sender()) {
        // An inconclusive analysis is gone on from by a promotion, which somebody decides.
        Some(sender) => {
            let to = if sender.suspended {
                "resume"
            } else {
                "promote"
            };
            format!(
                "steer-rollout {}@{} to={to}",
                sender.name.split(),
                stage.region
            )
        }
        None => format!("resume-rollout {target}"),
    }
}

/// Whether it waits in a region until somebody promotes it.
fn waits(found: &[Carried<'_>], stage: &Stage) -> bool {
    let mut rows = found.iter().filter(|found| found.at.region == stage.region);
    rows.any(|found| found.row.promotable())
}

/// Whether everything that carries it in a region is complete in the version that it has.
fn rests(found: &[Carried<'_>], stage: &Stage) -> bool {
    let mut rows = found.iter().filter(|found| found.at.region == stage.region);
    rows.all(|found| match found.row {
        Carrier::Deployment(row) => row.rollout() == Rollout::Complete,
        Carrier::Rollout { rollout, .. } => rollout.observed && !rollout.under_way(),
        Carrier::Canary { canary, .. } => !canary.under_way(),
    })
}

fn watch(found: &Carried<'_>, image: String, seconds: u64) -> Step {
    Step {
        title: format!("Watch {} for {seconds} s", found.at.words()),
        work: Work::Wait(Wait::Version {
            at: found.at.clone(),
            image,
            seconds,
        }),
        // Metrics tell two to three minutes later.
        expected_seconds: seconds.max(180),
        deadline_seconds: seconds + 300,
        guards: Vec::new(),
    }
}

/// What was measured in the regions before.
fn evidence(release: &Release, next: &Stage) -> Vec<String> {
    let mut remarks: Vec<String> = Vec::new();
    for stage in release.before(&next.region).unwrap_or_default() {
        if let Some(evidence) = &stage.evidence {
            remarks.push(format!(
                "{} {}: {}, {}",
                stage.region,
                stage.state.word(),
                evidence.of,
                evidence.words()
            ));
        }
    }
    remarks
}
