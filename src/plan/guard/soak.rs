//! G-SOAK: a region gets a release only when every earlier one of the order has it, soaked without trigger (domain 0.2, B.7). Owns which changes bring a version forward;
//! how well a region is with it is the board's to say. Whatever goes back to an older version needs no soak.

use super::{Guard, GuardId, finding::Findings, outlook::Outlook};
use crate::resources::{
    Change, Fleet, Place, Source,
    deployments::{self, At, Container, Rollout},
    pipelines,
    releases::{self, Release, Service, Stage, State},
};

/// A change that brings a version into a region which has an older one.
pub struct Forward<'f> {
    /// Where.
    pub at: &'f At,
    /// The service.
    pub service: Service<'f>,
    /// The version on its way.
    pub release: Release,
}

/// What a change of a deployment brings.
fn brought(fleet: &Fleet, change: &deployments::Change) -> Option<Container> {
    match change {
        deployments::Change::Revise { to, .. } => Some(Container::of(to.image.clone())),
        deployments::Change::Image { to, .. } => Some(Container::of(to.clone())),
        // What was edited while it was paused goes on rolling out.
        deployments::Change::Pause { at, to: false, .. } => {
            let row = at.find(fleet)?;
            let waits = matches!(row.rollout(), Rollout::Paused | Rollout::Unseen);
            row.main().filter(|_| waits).cloned()
        }
        deployments::Change::Pause { .. }
        | deployments::Change::Restart { .. }
        | deployments::Change::Scale { .. }
        | deployments::Change::Resize { .. } => None,
    }
}

/// The remaining changes that bring something new, and those that go back, in words.
pub fn forward<'a>(outlook: &Outlook<'a>, found: &mut Findings) -> Vec<Forward<'a>> {
    let fleet = outlook.fleet;
    let mut all = Vec::new();
    for change in outlook.changes() {
        let Change::Deployments(change) = change else {
            continue;
        };
        let Some(version) = brought(fleet, change) else {
            continue;
        };
        let at = change.at();
        let place = Place::Region(at.region.clone());
        if outlook.aged(Source::Deployments, &place, found) {
            continue;
        }
        let service = releases::service(fleet, &at.namespace, &at.name);
        let (Some(service), Some(row)) = (service, at.find(fleet)) else {
            found.unknown(
                format!("{} is not listed", at.words()),
                "read it again (:refresh)",
            );
            continue;
        };
        let resumes = matches!(change, deployments::Change::Pause { .. });
        let now = row.main().filter(|_| !resumes);
        let older = |now: &Container| service.born(&version) < service.born(now);
        if now.is_some_and(older) {
            let version = version.short();
            found.pass(format!("{} goes back to {version}", at.words()));
            continue;
        }
        let release = service.release(&version, &mut releases::Seen::of(fleet));
        all.push(Forward {
            at,
            service,
            release,
        });
    }
    all
}

/// G-SOAK.
pub fn soak(outlook: &Outlook<'_>) -> Guard {
    let mut found = Findings::default();
    for forward in forward(outlook, &mut found) {
        let Forward { at, release, .. } = &forward;
        let earlier = release.before(&at.region);
        let Some(earlier) = earlier else {
            found.warn(
                format!("{} is not in the order of releases", at.region),
                "write it into `order` of [rollout]",
            );
            continue;
        };
        if earlier.is_empty() {
            found.pass(format!("{} is the first region of the order", at.region));
        }
        for stage in earlier {
            judge(release, stage, &mut found);
        }
    }
    for change in outlook.changes() {
        if let Change::Pipelines(pipelines::Change::Transition {
            at,
            to: pipelines::Gate::Open,
            ..
        }) = change
        {
            let_in(outlook.fleet, at, &mut found);
        }
    }
    found.guard(GuardId::Soak, "no version goes forward")
}

/// What an open stage of a pipeline brings into its regions: what waits before it, and the newest version of the services that it deploys there.
fn let_in(fleet: &Fleet, at: &pipelines::change::At, found: &mut Findings) {
    waiting(fleet, at, found);
    let opened = |delivery: &pipelines::Delivery<'_>| {
        let here = delivery.place.region() == Some(&at.region);
        let stage = delivery.stage.map(|stage| &stage.name);
        here && delivery.pipeline.name == at.pipeline && stage == Some(&at.stage)
    };
    for (_, place, row) in fleet.deployments.rows() {
        let Some(region) = place.region() else {
            continue;
        };
        if !pipelines::deliveries(fleet, region, row).iter().any(opened) {
            continue;
        }
        let service = releases::service(fleet, &row.namespace, &row.name);
        let newest = service.as_ref().and_then(Service::newest);
        let (Some(service), Some(newest)) = (service.as_ref(), newest) else {
            continue;
        };
        if row.main().is_some_and(|main| main.same_version(newest)) {
            found.pass(format!(
                "{region} has {} of {} already",
                newest.short(),
                row.name
            ));
            continue;
        }
        let release = service.release(newest, &mut releases::Seen::of(fleet));
        for stage in release.before(region).unwrap_or_default() {
            judge(&release, stage, found);
        }
    }
}

/// What waits before a stage is what the stages before it still have: one of them that was taken back from it says that it is bad.
fn waiting(fleet: &Fleet, at: &pipelines::change::At, found: &mut Findings) {
    let Some(pipeline) = at.pipeline(fleet) else {
        return;
    };
    let place = Place::Region(at.region.clone());
    let index = pipeline
        .stages
        .iter()
        .position(|stage| stage.name == at.stage);
    let before = pipeline
        .stages
        .get(..index.unwrap_or_default())
        .unwrap_or_default();
    let waits = at.find(fleet).map_or(&[][..], |stage| &stage.inbound);
    for stage in before {
        let Some(ran) = stage
            .latest
            .as_ref()
            .filter(|_| !pipeline.regions(fleet, &place, stage).is_empty())
        else {
            continue;
        };
        for waiting in waits {
            let id = pipelines::short(&waiting.execution);
            if ran.is_rollback() {
                found.fail(
                    format!("{} was taken back, and {id} waits to go on", stage.name),
                    format!("stop it: aws codepipeline stop-pipeline-execution --pipeline-name {} --pipeline-execution-id {}", at.pipeline, waiting.execution),
                );
            } else if ran.status == "Failed" {
                found.fail(
                    format!("{} failed, and {id} waits to go on", stage.name),
                    "wait for an execution that went well there",
                );
            } else if ran.execution != waiting.execution {
                found.warn(
                    format!(
                        "{} has {} by now, and {id} waits to go on",
                        stage.name,
                        pipelines::short(&ran.execution)
                    ),
                    "",
                );
            }
        }
    }
}

fn judge(release: &Release, stage: &Stage, found: &mut Findings) {
    let Some(why) = stage.holds_up() else {
        let evidence = stage.evidence.as_ref();
        let evidence =
            evidence.map_or_else(String::new, |evidence| format!(": {}", evidence.words()));
        found.pass(format!(
            "{} has soaked {} min{evidence}",
            stage.region, release.soak_minutes
        ));
        return;
    };
    let name = &release.name;
    match &stage.state {
        State::Unknown { .. } => found.unknown(
            why,
            "what is not measured does not count: see the metrics of that region",
        ),
        State::Soaking { .. } => found.fail(why, "wait until it has soaked"),
        State::Breached { .. } => found.fail(
            why,
            format!("roll-back {name}, or wait for a soak without trigger"),
        ),
        State::Held { .. } => found.fail(why, format!("resume-rollout {name}@{}", stage.region)),
        State::RollingOut { .. } => found.fail(why, "wait until it is complete and has soaked"),
        State::NotYet => found.fail(why, format!("advance {name}: that region comes first")),
        State::Done => {}
    }
}
