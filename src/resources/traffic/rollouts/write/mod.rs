//! The patch of each way of steering (domain B.3). Owns which field of which subresource; must never send one without the version that it was made for.

pub mod live;

use serde_json::{Value, json};

use super::{Image, Rollout, Steering, Tool, Verb, standing};
use crate::resources::change::Standing;

/// A patch, and whether it goes to the status.
#[derive(Debug, Clone, PartialEq)]
pub struct Patches {
    /// What changes, without the version.
    pub body: Value,
    /// Whether it is of the status subresource.
    pub status: bool,
}

/// What is sent to a rollout as it is; the reason where nothing can be. What gives it another template is made below.
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
    match (steering.rollout.tool, &steering.verb) {
        (Tool::Flagger, Verb::Pause) => spec(json!({"spec": {"suspend": true}})),
        (Tool::Flagger, Verb::Resume) => spec(json!({"spec": {"suspend": false}})),
        (Tool::Flagger, _) => Err("a Canary is only suspended and resumed".to_owned()),
        (Tool::ArgoRollouts, Verb::Pause) => spec(json!({"spec": {"paused": true}})),
        (Tool::ArgoRollouts, Verb::Resume) => spec(json!({"spec": {"paused": false}})),
        (Tool::ArgoRollouts, Verb::Abort) => status(json!({"status": {"abort": true}})),
        (Tool::ArgoRollouts, Verb::Retry) => status(json!({"status": {"abort": false}})),
        (Tool::ArgoRollouts, Verb::PromoteFull) => status(json!({"status": {"promoteFull": true}})),
        (Tool::ArgoRollouts, Verb::Promote) => promote(seen),
        (Tool::ArgoRollouts, Verb::Undo | Verb::Image(_)) => {
            Err("another template is no merge of fields".to_owned())
        }
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

/// The JSON Patch of an undo, of the rollout or of the deployment that it takes its template from: the template of the old replica set, without the label that the controller adds.
/// Replacing the version by itself makes it a condition: HTTP 409 where it is another one.
pub fn undo(version: &str, mut template: Value) -> Value {
    if let Some(labels) = template
        .pointer_mut("/metadata/labels")
        .and_then(Value::as_object_mut)
    {
        labels.remove(HASH);
    }
    json!([
        {"op": "replace", "path": "/metadata/resourceVersion", "value": version},
        {"op": "replace", "path": "/spec/template", "value": template},
    ])
}

/// The JSON Patch of another image: only that of one container, by its place in the list, which is tested to be its own.
pub fn image(version: &str, index: usize, image: &Image) -> Value {
    let of = format!("/spec/template/spec/containers/{index}");
    json!([
        {"op": "replace", "path": "/metadata/resourceVersion", "value": version},
        {"op": "test", "path": format!("{of}/name"), "value": image.container},
        {"op": "test", "path": format!("{of}/image"), "value": image.from},
        {"op": "replace", "path": format!("{of}/image"), "value": image.to},
    ])
}

/// The label by which the controller tells the pods of one version from those of another.
pub const HASH: &str = "rollouts-pod-template-hash";

#[cfg(test)]
mod tests;
