//! Takes a release to the next region of its order. Owns which region that is and with which image; whether it may go there is G-SOAK's to say, and the way back is that of the run.

#[cfg(test)]
mod tests;

use super::{
    Action, Refusal,
    kit::{
        deployment::{self, Found},
        guards::guards,
        stores::Draft,
    },
};
use crate::{
    plan::{GuardId, Intent, OnBreach, Plan, Step, Wait, Work, ledger::Ledger},
    resources::{
        Fleet,
        deployments::{Change, Container, Deployment, Rollout, Version},
        releases::{self, Release, Stage, State},
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
        deployment::services(fleet)
    }

    fn plan(&self, fleet: &Fleet, _ledger: &Ledger, intent: &Intent) -> Result<Plan, Refusal> {
        let found = deployment::find(fleet, &intent.target)?;
        let (release, newest) = release(fleet, &found)?;
        let next = next(&release, &found)?;
        let version = &release.version;
        let lacks = |found: &&Found<'_>| {
            let main = found.row.main();
            found.at.region == next.region && !main.is_some_and(|main| main.same_version(newest))
        };
        let rows: Vec<&Found<'_>> = found.iter().filter(lacks).collect();
        let bake = intent.options.bake_seconds.unwrap_or(BAKE);
        let mut steps = Vec::new();
        let mut draft_remarks = Vec::new();
        for (index, found) in rows.iter().enumerate() {
            let words = found.at.words();
            if let Some(why) = deployment::unheard(fleet, found) {
                return Err(Refusal::new(why, "wait until its API server answers"));
            }
            let (change, image) = change(found, newest, &mut draft_remarks)?;
            let title = format!("{words}: {} → {version}", next.runs);
            steps.push(deployment::step(title, change, GUARDS));
            steps.push(deployment::settles(&found.at, None, index == 0));
            if bake > 0 {
                steps.push(watch(found, image, bake));
            }
        }
        let title = format!("Advance {} {version} to {}", release.name, next.region);
        let mut draft = Draft::new(title, format!("{}@{}", release.name, next.region), steps);
        draft.remarks = remarks(&release, next);
        draft.remarks.append(&mut draft_remarks);
        let mut plan = draft.freeze(fleet, intent);
        // Whoever breaks a region with a new version gives it the old one back, and asks afterwards.
        plan.on_breach = OnBreach::StepBack;
        Ok(plan)
    }
}

/// The release of a service, and what runs where it runs.
fn release<'f>(fleet: &'f Fleet, found: &[Found<'f>]) -> Result<(Release, &'f Container), Refusal> {
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
fn next<'r>(release: &'r Release, found: &[Found<'_>]) -> Result<&'r Stage, Refusal> {
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
        State::RollingOut { .. } if rests(found, next) => Ok(next),
        State::Held { why } => refuse(
            format!("{region} is held: {why}"),
            format!("resume-rollout {target}, or undo the run that held it"),
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

/// Whether every deployment of a region is complete in the version that it has.
fn rests(found: &[Found<'_>], stage: &Stage) -> bool {
    let mut rows = found.iter().filter(|found| found.at.region == stage.region);
    rows.all(|found| found.row.rollout() == Rollout::Complete)
}

/// What gives a deployment the version: the template that its cluster has of it, else the image alone.
fn change(
    found: &Found<'_>,
    newest: &Container,
    remarks: &mut Vec<String>,
) -> Result<(Change, String), Refusal> {
    let (at, row) = (found.at.clone(), found.row);
    let words = at.words();
    let main = row.main().ok_or_else(|| {
        Refusal::new(
            format!("{words} has no container"),
            "see its detail in the Deployments pane (6)",
        )
    })?;
    if let Some((from, to)) = kept(row, newest) {
        let image = to.image.clone();
        return Ok((Change::Revise { at, from, to }, image));
    }
    let to = image(&main.image, &newest.image);
    remarks.push(format!(
        "{words} has had no pod of {} yet: only the image of {} changes, to {to}; its settings, Secrets and resources stay as they are",
        newest.short(),
        main.name
    ));
    let change = Change::Image {
        at,
        container: main.name.clone(),
        from: main.image.clone(),
        to: to.clone(),
    };
    Ok((change, to))
}

/// The newest revision of a deployment that has a version already, and the present one.
fn kept(row: &Deployment, wanted: &Container) -> Option<(Version, Version)> {
    let from = Version::of(row.current()?)?;
    let versions = row.revisions.iter().filter_map(Version::of);
    let has = versions.filter(|version| Container::of(version.image.clone()).same_version(wanted));
    Some((from, has.max_by_key(|version| version.number)?))
}

/// The image of a version where another registry serves the same repository: each region pulls from its own.
fn image(present: &str, wanted: &str) -> String {
    /// Registry, repository, and what follows: tag and digest.
    fn parts(image: &str) -> (&str, &str, &str) {
        let (registry, rest) = match image.split_once('/') {
            Some((host, rest)) if host.contains(['.', ':']) || host == "localhost" => (host, rest),
            Some(_) | None => ("", image),
        };
        let end = rest.find([':', '@']).unwrap_or(rest.len());
        let (repository, version) = rest.split_at(end);
        (registry, repository, version)
    }
    let (here, there) = (parts(present), parts(wanted));
    match (here.0, here.1 == there.1) {
        ("", _) | (_, false) => wanted.to_owned(),
        (registry, true) => format!("{registry}/{}{}", there.1, there.2),
    }
}

fn watch(found: &Found<'_>, image: String, seconds: u64) -> Step {
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

fn remarks(release: &Release, next: &Stage) -> Vec<String> {
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
    remarks.push(format!(
        "a gate that breaks while it is watched gives {} {} again; then it soaks {} min before the next region",
        next.region, next.runs, release.soak_minutes
    ));
    remarks
}
