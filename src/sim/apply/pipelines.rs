//! What a change of a pipeline needs to be accepted. Owns the comparison that we make before it is sent.

use super::{Call, drifted, missing};
use crate::{
    resources::{
        Place,
        change::{ApplyError, Standing},
        pipelines::{self, Change, Gate},
    },
    sim::{
        names,
        world::{Transition, World},
    },
};

/// A hold, a release of one, or a stage taken back.
pub fn pipelines(world: &World, change: &Change) -> Result<Call, ApplyError> {
    let at = change.at();
    let place = Place::Region(at.region.clone());
    let region = world.region(&place);
    let line = region.and_then(|region| world.pipeline(region, &at.pipeline));
    let Some(line) = line else {
        return Err(missing(
            change,
            format!("PipelineNotFoundException: {}", at.pipeline),
        ));
    };
    let rows = pipelines::sim::observe(world, &place);
    let row = rows.iter().find(|row| row.name == at.pipeline);
    let parts = &world.pipelines[line].parts;
    let part = parts.iter().position(|part| part.name == at.stage);
    let stage = row.and_then(|row| row.stage(&at.stage));
    let (Some(part), Some(stage)) = (part, stage) else {
        return Err(missing(
            change,
            format!("StageNotFoundException: {}", at.stage),
        ));
    };
    match change.of_stage(stage) {
        Standing::Before => {}
        Standing::After => return Err(drifted(change, "it is so already")),
        Standing::Underway(text) | Standing::Other(text) | Standing::Unknown(text) => {
            return Err(drifted(change, text));
        }
    }
    let by = format!("arn:aws:sts::{}:assumed-role/on-call/drill", names::ACCOUNT);
    Ok(Call::of(match change {
        Change::Transition { to: Gate::Open, .. } => Transition::Gate {
            line,
            part,
            hold: None,
        },
        Change::Transition {
            to: Gate::Held { reason },
            ..
        } => Transition::Gate {
            line,
            part,
            hold: Some((reason.clone(), by)),
        },
        Change::RollBack { to, .. } => Transition::RollBackStage {
            line,
            part,
            target: to.clone(),
        },
    }))
}
