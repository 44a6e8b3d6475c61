//! The patch of each way of steering (domain B.3). Owns which field of which subresource; must never send one without the version that it was made for.

pub mod live;

use serde_json::{Value, json};

use super::{Rollout, Steering, Tool, Verb, standing};
use crate::resources::change::Standing;

/// A patch, and whether it goes to the status.
#[derive(Debug, Clone, PartialEq)]
pub struct Patches {
    /// What changes, without the version.
    pub body: Value,
    /// Whether it is of the status subresource.
    pub status: bool,
}

/// What is sent to a rollout as it is; the reason where nothing can be. An undo needs the template of an old replica set and is made elsewhere.
pub fn patch(steering: &Steering, seen: &Rollout) -> Result<Patches, String> {
    let spec = |body| {
        Ok(Patches {
            body,
            status: false,
        })
    };
    let status = |body| Ok(Patches { body, status: true });
    match standing(steering, seen) {
        Standing::Before => {}
        Standing::After => return Err("it is so already".to_owned()),
        Standing::Underway(text) | Standing::Other(text) | Standing::Unknown(text) => {
            return Err(text);
        }
    }
    match (steering.rollout.tool, steering.verb) {
        (Tool::Flagger, Verb::Pause) => spec(json!({"spec": {"suspend": true}})),
        (Tool::Flagger, Verb::Resume) => spec(json!({"spec": {"suspend": false}})),
        (Tool::Flagger, _) => Err("a Canary is only suspended and resumed".to_owned()),
        (Tool::ArgoRollouts, Verb::Pause) => spec(json!({"spec": {"paused": true}})),
        (Tool::ArgoRollouts, Verb::Resume) => spec(json!({"spec": {"paused": false}})),
        (Tool::ArgoRollouts, Verb::Abort) => status(json!({"status": {"abort": true}})),
        (Tool::ArgoRollouts, Verb::Retry) => status(json!({"status": {"abort": false}})),
        (Tool::ArgoRollouts, Verb::PromoteFull) => status(json!({"status": {"promoteFull": true}})),
        (Tool::ArgoRollouts, Verb::Promote) => promote(seen),
        (Tool::ArgoRollouts, Verb::Undo) => Err("an undo needs the old template".to_owned()),
    }
}

/// Either the pause is cleared or the step is counted up, never both; but an inconclusive analysis would hold it again at the same step.
fn promote(seen: &Rollout) -> Result<Patches, String> {
    let status = |status| {
        Ok(Patches {
            body: json!({ "status": status }),
            status: true,
        })
    };
    if seen.suspended {
        return Err("it is paused in its specification: resume it first".to_owned());
    }
    let next = seen.step.map(|step| (step + 1).min(seen.steps));
    let inconclusive = seen
        .waits
        .iter()
        .any(|why| why == "InconclusiveAnalysisRun");
    match (seen.waits.is_empty(), next) {
        (false, Some(next)) if inconclusive && seen.controller_pause => status(json!({
            "pauseConditions": null, "controllerPause": false, "currentStepIndex": next,
        })),
        (false, _) => status(json!({"pauseConditions": null})),
        (true, Some(next)) => status(json!({"pauseConditions": null, "currentStepIndex": next})),
        (true, None) => Err("it has no step that could be taken".to_owned()),
    }
}

/// The JSON Patch of an undo: the template of the old replica set, without the label that the controller adds.
pub fn undo(version: &str, mut template: Value) -> Value {
    if let Some(labels) = template
        .pointer_mut("/metadata/labels")
        .and_then(Value::as_object_mut)
    {
        labels.remove(HASH);
    }
    json!([
        {"op": "test", "path": "/metadata/resourceVersion", "value": version},
        {"op": "replace", "path": "/spec/template", "value": template},
    ])
}

/// The label by which the controller tells the pods of one version from those of another.
pub const HASH: &str = "rollouts-pod-template-hash";

#[cfg(test)]
mod tests;
