//! G-SOAK: a region gets a release only when every earlier one of the order has it, soaked without trigger (domain 0.2, B.7). Owns which changes bring a version forward;
//! how well a region is with it is the board's to say. Whatever goes back to an older version needs no soak.

use super::{Guard, GuardId, finding::Findings, outlook::Outlook};
use crate::resources::{
    Change, Fleet, Place, Source,
    deployments::{self, At, Container, Rollout},
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
    found.guard(GuardId::Soak, "no version goes forward")
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
