//! What a target of an action on pipelines means: a stage of one. Owns these names, who is said to act, and the steps that every such plan has; no procedure.

use super::{
    guards::guards,
    pace,
    stores::{self, Named, guess, resolve, shortest},
};
use crate::{
    actions::Refusal,
    plan::{GuardId, Step},
    resources::{
        Change, Fleet, Place, RegionLabel, Source,
        pipelines::{self, Pipeline, Stage, change::At, who},
    },
};

/// Guards of what keeps something out or takes it back. A freeze is not among them: it forbids neither.
pub const GUARDS: &[GuardId] = pace::BACK;

/// The same for what lets something in.
pub const FORWARD: &[GuardId] = guards!(GUARDS, &[GuardId::Freeze, GuardId::Soak]);

/// A stage of a pipeline.
#[derive(Debug, Clone)]
pub struct Found<'a> {
    /// Where.
    pub at: At,
    /// Its pipeline.
    pub pipeline: &'a Pipeline,
    /// The stage.
    pub stage: &'a Stage,
    /// How many stages come before it.
    pub index: usize,
}

impl Found<'_> {
    /// The regions of the estate that it changes.
    pub fn regions(&self, fleet: &Fleet) -> Vec<RegionLabel> {
        let place = Place::Region(self.at.region.clone());
        let regions = self.pipeline.regions(fleet, &place, self.stage);
        regions.into_iter().collect()
    }

    /// What an execution is called in a sentence.
    pub fn words(&self, execution: &str) -> String {
        match self.pipeline.execution(execution) {
            Some(execution) => execution.words(),
            None => pipelines::short(execution),
        }
    }
}

fn all(fleet: &Fleet) -> Vec<Named<Found<'_>>> {
    let rows = fleet.pipelines.rows();
    let stages = rows.filter_map(|(_, place, pipeline)| {
        let region = place.region()?;
        let stages = pipeline.stages.iter().enumerate();
        Some(stages.map(move |(index, stage)| {
            let at = At {
                region: region.clone(),
                pipeline: pipeline.name.clone(),
                stage: stage.name.clone(),
            };
            Named {
                full: format!("{}@{region}", at.words()),
                forms: vec![at.words()],
                what: Found {
                    at,
                    pipeline,
                    stage,
                    index,
                },
            }
        }))
    });
    stages.flatten().collect()
}

/// The stage that a target names. A pipeline alone names none.
pub fn find<'a>(fleet: &'a Fleet, target: &str) -> Result<Found<'a>, Refusal> {
    let target = target.trim();
    let all = all(fleet);
    let of_pipeline = all.iter().filter(|named| named.what.at.pipeline == target);
    let stages: Vec<String> = of_pipeline.map(|named| named.what.at.words()).collect();
    if !stages.is_empty() {
        return Err(Refusal::new(
            format!("`{target}` is a pipeline, and its stages are held and taken back one by one"),
            format!("say which: {}", stages.join(", ")),
        ));
    }
    let listed = fleet.pipelines.rows().next().is_some();
    if all.is_empty() && listed {
        return Err(Refusal::new(
            "the stages of no pipeline have been read",
            "wait until codepipeline:GetPipelineState has been answered",
        ));
    }
    resolve("stages of pipelines", target, all)
}

/// What can be named, in its shortest form, where `is` says so.
pub fn targets(fleet: &Fleet, is: impl Fn(&Found<'_>) -> bool) -> Vec<String> {
    let mut all = all(fleet);
    all.retain(|named| is(&named.what));
    shortest(&all)
}

/// Nothing goes into the first stage but what its source brings.
pub fn not_the_first(found: &Found<'_>, what: &str) -> Result<(), Refusal> {
    if found.index > 0 {
        return Ok(());
    }
    let stages = found.pipeline.stages.iter().skip(1);
    let names: Vec<String> = stages
        .map(|stage| format!("{}/{}", found.at.pipeline, stage.name))
        .collect();
    Err(Refusal::new(
        format!(
            "{} is the first stage, which CodePipeline does not {what}",
            found.at.words()
        ),
        guess(&found.at.words(), &[], &names),
    ))
}

/// Who is said to act in a region: the end of the ARN of the caller.
pub fn operator(fleet: &Fleet, region: &RegionLabel) -> String {
    let of = |label: &RegionLabel| {
        let place = Place::Region(label.clone());
        let slice = fleet.regions.slice(Source::Identity, &place)?;
        let identity = slice.rows.first()?.identity.as_ref()?;
        Some(who(&identity.arn).to_owned())
    };
    let others = || fleet.estate.regions.iter().find_map(|spec| of(&spec.label));
    of(region)
        .or_else(others)
        .unwrap_or_else(|| "an operator".to_owned())
}

/// A change as a step.
pub fn step(
    title: String,
    change: pipelines::Change,
    time: (u64, u64),
    guards: &[GuardId],
) -> Step {
    stores::change(title, Change::Pipelines(change), time, guards)
}
