//! Which regions a pipeline changes, and when: now, next, or never while somebody holds it; and which service it deploys. Owns that nothing is guessed:
//! a region is told by the definition of an action, a service by the target of an action or by a commit in the tag of its image.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{Action, Does, Pipeline, Stage, short};
use crate::resources::{
    Fleet, Freshness, Place, RegionLabel, age, cell::coarse_age, deployments::Deployment,
};

/// Categories of actions that change nothing outside the pipeline.
const HARMLESS: &[&str] = &["Source", "Approval", "Test"];
/// Categories of actions that may change anything, and mostly only build.
const BUILDS: &[&str] = &["Build", "Compute"];

/// An execution that changes a region, or is about to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Underway<'f> {
    /// Where the pipeline is.
    pub place: &'f Place,
    /// The pipeline.
    pub pipeline: &'f Pipeline,
    /// The stage that changes the region.
    pub stage: &'f Stage,
    /// The execution.
    pub execution: &'f str,
    /// How near it is.
    pub how: How,
    /// Since when the stage that runs does.
    pub since: Option<Timestamp>,
    /// Whether that was seen lately.
    pub freshness: Freshness,
}

/// How near a change by a pipeline is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// It goes on.
    Now,
    /// It comes when this stage is over and nobody holds it.
    Next {
        /// The stage that runs.
        after: String,
        /// Whether somebody has to approve first.
        approval: bool,
    },
}

impl Underway<'_> {
    /// What happens, since when, and how old that is.
    pub fn words(&self, fleet: &Fleet) -> String {
        let pipeline = &self.pipeline.name;
        let at = match self.place.region() {
            Some(region) => format!("{pipeline} ({region})"),
            None => pipeline.clone(),
        };
        let execution = match self.pipeline.execution(self.execution) {
            Some(execution) => execution.words(),
            None => short(self.execution),
        };
        let ago = |at: Timestamp| match coarse_age(age(at, fleet.now)).as_str() {
            "now" => "just now".to_owned(),
            age => format!("for {age}"),
        };
        let since = self
            .since
            .map_or_else(String::new, |at| format!(", {}", ago(at)));
        let seen = match (self.freshness, self.pipeline.seen_at) {
            (Freshness::Fresh, _) | (_, None) => String::new(),
            (_, Some(at)) => format!(", seen {} ago", coarse_age(age(at, fleet.now))),
        };
        let stage = &self.stage.name;
        match &self.how {
            How::Now => {
                format!("pipeline {at} deploys here: {stage}, execution {execution}{since}{seen}")
            }
            How::Next { after, approval } => {
                let waits = if *approval {
                    ", which waits for an approval"
                } else {
                    ""
                };
                format!(
                    "pipeline {at} comes here next: {stage} after {after}{waits}, execution {execution}{since}{seen}"
                )
            }
        }
    }

    /// What makes room for something else.
    pub fn remedy(&self) -> String {
        let (pipeline, stage) = (&self.pipeline.name, &self.stage.name);
        match self.how {
            How::Now => format!(
                "wait until {stage} is over; hold-pipeline {pipeline}/{stage} keeps the next one out"
            ),
            How::Next { .. } => format!("hold-pipeline {pipeline}/{stage}"),
        }
    }
}

/// Every execution that changes a region now or next, those that do it now first.
pub fn underway<'f>(fleet: &'f Fleet, region: &RegionLabel) -> Vec<Underway<'f>> {
    let mut found: Vec<Underway<'f>> = Vec::new();
    for (_, place, pipeline) in fleet.pipelines.rows() {
        let freshness = pipeline.heard(fleet);
        let touches = |stage: &Stage| pipeline.regions(fleet, place, stage).contains(region);
        for (index, running) in pipeline.stages.iter().enumerate() {
            let Some(ran) = running.latest.as_ref().filter(|ran| ran.in_progress()) else {
                continue;
            };
            let since = running.foremost().and_then(|action| action.since);
            let mut add = |stage: &'f Stage, how| {
                found.push(Underway {
                    place,
                    pipeline,
                    stage,
                    execution: &ran.execution,
                    how,
                    since,
                    freshness,
                });
            };
            let approval = awaits(running);
            if touches(running) && !approval {
                add(running, How::Now);
                continue;
            }
            let after = || How::Next {
                after: running.name.clone(),
                approval,
            };
            if touches(running) {
                add(running, after());
                continue;
            }
            // A rollback is of its stage alone.
            let ahead = if ran.is_rollback() {
                &[][..]
            } else {
                pipeline.stages.get(index + 1..).unwrap_or_default()
            };
            let open = ahead.iter().take_while(|stage| !stage.held());
            // The stage that comes first says enough.
            if let Some(stage) = open.into_iter().find(|stage| touches(stage)) {
                add(stage, after());
            }
        }
    }
    found.sort_by_key(|one| one.how != How::Now); // stable
    found
}

/// Whether what a stage has in hand is an approval and nothing else.
fn awaits(stage: &Stage) -> bool {
    let mut going = stage
        .actions
        .iter()
        .filter(|action| action.status.as_deref() == Some(super::IN_PROGRESS))
        .peekable();
    going.peek().is_some() && going.all(|action| action.approval)
}

impl Pipeline {
    /// The regions of the estate that a stage changes. A pipeline without any deploy action deploys by what it builds.
    pub fn regions(&self, fleet: &Fleet, place: &Place, stage: &Stage) -> BTreeSet<RegionLabel> {
        let deploys = self
            .stages
            .iter()
            .flat_map(|stage| &stage.actions)
            .any(Action::deploys);
        let changes = |does: &&Does| {
            let category = does.category.as_str();
            !HARMLESS.contains(&category) && !(deploys && BUILDS.contains(&category))
        };
        let actions = stage
            .actions
            .iter()
            .filter_map(|action| action.does.as_ref());
        let region = |does: &Does| match &does.region {
            Some(region) => fleet.estate.region_named(region).cloned(),
            None => place.region().cloned(),
        };
        actions.filter(changes).filter_map(region).collect()
    }
}

impl Action {
    fn deploys(&self) -> bool {
        self.does
            .as_ref()
            .is_some_and(|does| does.category == "Deploy")
    }
}

/// A stage of a pipeline that deploys a service into a region, and how that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery<'f> {
    /// Where the pipeline is.
    pub place: &'f Place,
    /// The pipeline.
    pub pipeline: &'f Pipeline,
    /// The stage; `None` where only a revision tells.
    pub stage: Option<&'f Stage>,
    /// By what.
    pub by: String,
}

impl Delivery<'_> {
    /// Pipeline, its region, and the stage with what that does.
    pub fn words(&self) -> String {
        let at = format!("{} ({})", self.pipeline.name, self.place);
        match self.stage {
            Some(stage) => {
                let status = stage
                    .latest
                    .as_ref()
                    .map_or("never ran", |ran| ran.status.as_str());
                format!("{at}, {} {status}", stage.name)
            }
            None => at,
        }
    }
}

/// The pipelines that deploy a deployment, by their definition or by the revision in the tag of its image. Empty where neither tells.
pub fn deliveries<'f>(
    fleet: &'f Fleet,
    region: &RegionLabel,
    row: &Deployment,
) -> Vec<Delivery<'f>> {
    let mut found = Vec::new();
    for (_, place, pipeline) in fleet.pipelines.rows() {
        let of_stage = |stage: &'f Stage| {
            let mut actions = stage.actions.iter();
            let action = actions.find(|action| names(fleet, place, region, row, action))?;
            let by = format!("its action {} names {}", action.name, target_words(action));
            Some(Delivery {
                place,
                pipeline,
                stage: Some(stage),
                by,
            })
        };
        let by_definition: Vec<Delivery<'f>> =
            pipeline.stages.iter().filter_map(of_stage).collect();
        if by_definition.is_empty() {
            found.extend(by_revision(place, pipeline, row));
        } else {
            found.extend(by_definition);
        }
    }
    found
}

/// What an action deploys to, in words.
pub(super) fn target_words(action: &Action) -> String {
    let target = action.does.iter().flat_map(|does| &does.target);
    let parts: Vec<String> = target
        .map(|(key, value)| format!("{key} {value}"))
        .collect();
    parts.join(", ")
}

/// Whether an action names the cluster and the release, service or name of a deployment. A cluster alone names no service.
fn names(
    fleet: &Fleet,
    place: &Place,
    region: &RegionLabel,
    row: &Deployment,
    action: &Action,
) -> bool {
    let Some(does) = action
        .does
        .as_ref()
        .filter(|does| does.category == "Deploy")
    else {
        return false;
    };
    let own = match &does.region {
        Some(name) => fleet.estate.region_named(name),
        None => place.region(),
    };
    let value = |key: &str| {
        does.target
            .iter()
            .find(|(known, _)| known == key)
            .map(|(_, value)| value.as_str())
    };
    let cluster = value("ClusterName").is_some_and(|name| name == row.cluster);
    let helm = row
        .owner
        .as_ref()
        .filter(|owner| owner.by == "Helm")
        .and_then(|owner| owner.name.as_deref());
    let named = value("HelmReleaseName").is_some_and(|name| name == helm.unwrap_or(&row.name));
    let space = value("Namespace").is_none_or(|space| space == row.namespace);
    own == Some(region) && cluster && named && space
}

/// The pipeline one of whose commits stands in the tag of the image.
fn by_revision<'f>(
    place: &'f Place,
    pipeline: &'f Pipeline,
    row: &Deployment,
) -> Option<Delivery<'f>> {
    const SHORTEST: usize = 7;
    let tag = row.main()?.tag()?;
    let commit = |id: &str| id.len() == 40 && id.bytes().all(|b| b.is_ascii_hexdigit());
    let mut parts = tag.split(|c: char| !c.is_ascii_hexdigit());
    let revisions = pipeline.executions.iter().flat_map(|execution| {
        execution
            .revisions
            .iter()
            .map(move |revision| (execution, revision))
    });
    let ids = revisions.filter_map(|(execution, revision)| {
        Some((execution, revision.id.as_deref().filter(|id| commit(id))?))
    });
    let mut ids: Vec<_> = ids.collect();
    let (execution, id) = parts.find_map(|part| {
        let matches = |id: &str| part.len() >= SHORTEST && id.starts_with(part);
        ids.iter()
            .position(|(_, id)| matches(id))
            .map(|index| ids.swap_remove(index))
    })?;
    Some(Delivery {
        place,
        pipeline,
        stage: None,
        by: format!(
            "the tag {tag} is commit {} of its execution {}",
            short(id),
            short(&execution.id)
        ),
    })
}
