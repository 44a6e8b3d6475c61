//! Patches of deployments and their autoscalers: the object is read once more, compared, and written with the version that was read, so that a change in between is HTTP 409.
//! Must never send on anything but what the change expects, and never merge a template into another one.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::super::{At, Change, Floor, Version};
use crate::{
    provider::{
        kubernetes::{
            Cluster,
            kept::{HASH, RESTARTED_AT, REVISION},
            objects::{Scaler, Workload},
            once::{self, Patch},
        },
        write::Write,
    },
    resources::change::{Alter, ApplyError, Receipt},
};

const APPS: &str = "/apis/apps/v1";
const AUTOSCALING: &str = "/apis/autoscaling/v2";

/// Reads once more and sends one change.
pub async fn apply(write: &Write<'_>, change: &Change) -> Result<Receipt, ApplyError> {
    let at = change.at();
    let call = Call {
        write,
        cluster: &*once::cluster(write, &at.cluster, change.operation())?,
        operation: change.operation(),
        at,
    };
    match change {
        Change::Pause { from, to, .. } => call.pause(*from, *to).await,
        Change::Restart { from, to, .. } => call.restart(from.as_deref(), to).await,
        Change::Revise { from, to, .. } => call.revise(from, to).await,
        Change::Image {
            container,
            from,
            to,
            ..
        } => call.image(container, from, to).await,
        Change::Scale {
            autoscaler,
            from,
            to,
            ..
        } => call.scale(autoscaler, *from, *to).await,
        Change::Resize { from, to, .. } => call.resize(*from, *to).await,
    }
}

/// One change of one deployment.
struct Call<'a> {
    write: &'a Write<'a>,
    cluster: &'a Cluster,
    operation: &'static str,
    at: &'a At,
}

impl Call<'_> {
    fn drifted(&self, found: impl Into<String>) -> ApplyError {
        ApplyError::drifted(self.operation, found)
    }

    fn path(&self, group: &str, plural: &str, name: &str) -> Result<String, ApplyError> {
        let path = once::path_of(group, &self.at.namespace, plural, name);
        path.ok_or_else(|| Write::refused(self.operation, format!("{name:?} is no name")))
    }

    async fn read<T: DeserializeOwned>(&self, path: &str) -> Result<T, ApplyError> {
        let access = &self.cluster.access;
        let read = once::get(access, self.operation, path).await;
        read.map_err(|fault| Write::unsent(fault.error))
    }

    /// The deployment as it is now, with its path.
    async fn deployment(&self) -> Result<(String, Workload), ApplyError> {
        let path = self.path(APPS, "deployments", &self.at.name)?;
        let object: Workload = self.read(&path).await?;
        Ok((path, object))
    }

    async fn send(&self, path: &str, patch: &Patch) -> Result<Receipt, ApplyError> {
        once::patch(self.write, self.cluster, self.operation, path, patch).await
    }

    async fn pause(&self, from: bool, to: bool) -> Result<Receipt, ApplyError> {
        let (path, seen) = self.deployment().await?;
        if seen.spec.paused != from {
            let word = if seen.spec.paused { "" } else { "not " };
            return Err(self.drifted(format!("{} is {word}paused", self.at.name)));
        }
        let patch = merge(&seen.metadata.resource_version, &json!({"paused": to}));
        self.send(&path, &patch).await
    }

    async fn restart(&self, from: Option<&str>, to: &str) -> Result<Receipt, ApplyError> {
        let (path, seen) = self.deployment().await?;
        let note = seen.spec.template.metadata.annotations.get(RESTARTED_AT);
        if note.map(String::as_str) != from {
            let note = note.map_or("never", String::as_str);
            return Err(self.drifted(format!("{} was restarted: {note}", self.at.name)));
        }
        if seen.spec.paused {
            return Err(self.drifted(format!("{} is paused", self.at.name)));
        }
        let template = json!({"metadata": {"annotations": {RESTARTED_AT: to}}});
        let patch = merge(
            &seen.metadata.resource_version,
            &json!({"template": template}),
        );
        self.send(&path, &patch).await
    }

    /// The template of a revision takes the place of the present one as a whole.
    async fn revise(&self, from: &Version, to: &Version) -> Result<Receipt, ApplyError> {
        let (path, seen) = self.deployment().await?;
        let name = &self.at.name;
        if seen.spec.paused {
            return Err(self.drifted(format!("{name} is paused: resume it first")));
        }
        if seen.status.observed_generation < seen.metadata.generation {
            return Err(self.drifted(format!("{name} was changed a moment ago")));
        }
        let uid = &seen.metadata.uid;
        let now = seen.metadata.annotations.get(REVISION);
        let current: Value = self.replica_set(&from.replica_set, uid).await?;
        if current.pointer(ANNOTATED).and_then(Value::as_str) != now.map(String::as_str) {
            let now = now.map_or("unknown", String::as_str);
            return Err(self.drifted(format!("{name} is at revision {now}, not {from}")));
        }
        let mut wanted: Value = self.replica_set(&to.replica_set, uid).await?;
        let template = template(&mut wanted).ok_or_else(|| {
            Write::refused(self.operation, format!("revision {to} has no template"))
        })?;
        // Replacing the version by itself makes it a condition: HTTP 409 where it is another one.
        let patch = Patch::Json(json!([
            {"op": "replace", "path": "/metadata/resourceVersion", "value": seen.metadata.resource_version},
            {"op": "replace", "path": "/spec/template", "value": template},
        ]));
        self.send(&path, &patch).await
    }

    /// Only the image of one container is replaced: by its place in the list, which is tested to be its own.
    async fn image(&self, container: &str, from: &str, to: &str) -> Result<Receipt, ApplyError> {
        let (path, seen) = self.deployment().await?;
        let name = &self.at.name;
        if seen.spec.paused {
            return Err(self.drifted(format!("{name} is paused: resume it first")));
        }
        if seen.status.observed_generation < seen.metadata.generation {
            return Err(self.drifted(format!("{name} was changed a moment ago")));
        }
        let mut containers = seen.spec.template.spec.containers.iter();
        let Some(index) = containers.position(|known| known.name == container) else {
            return Err(self.drifted(format!("{name} has no container {container}")));
        };
        let image = &seen.spec.template.spec.containers[index].image;
        if image != from {
            return Err(self.drifted(format!("{name} runs {image}, not {from}")));
        }
        let of = format!("/spec/template/spec/containers/{index}");
        let patch = Patch::Json(json!([
            {"op": "test", "path": format!("{of}/name"), "value": container},
            {"op": "test", "path": format!("{of}/image"), "value": from},
            {"op": "replace", "path": "/metadata/resourceVersion", "value": seen.metadata.resource_version},
            {"op": "replace", "path": format!("{of}/image"), "value": to},
        ]));
        self.send(&path, &patch).await
    }

    /// A replica set of the deployment, whole.
    async fn replica_set(&self, name: &str, uid: &str) -> Result<Value, ApplyError> {
        let path = self.path(APPS, "replicasets", name)?;
        let set: Value = self.read(&path).await?;
        let owners = set.pointer("/metadata/ownerReferences");
        let owners = owners.and_then(Value::as_array);
        let ours = |owner: &Value| owner.get("uid").and_then(Value::as_str) == Some(uid);
        if owners.is_some_and(|owners| owners.iter().any(ours)) {
            return Ok(set);
        }
        Err(self.drifted(format!("{name} is no revision of {}", self.at.name)))
    }

    async fn scale(&self, autoscaler: &str, from: Floor, to: Floor) -> Result<Receipt, ApplyError> {
        let path = self.path(AUTOSCALING, "horizontalpodautoscalers", autoscaler)?;
        let seen: Scaler = self.read(&path).await?;
        let now = Floor {
            min: seen.spec.min_replicas.unwrap_or(1),
            max: seen.spec.max_replicas,
        };
        let target = &seen.spec.scale_target_ref;
        if (target.kind.as_str(), &target.name) != ("Deployment", &self.at.name) {
            return Err(self.drifted(format!("{autoscaler} scales {}", target.name)));
        }
        if now != from {
            return Err(self.drifted(format!("{autoscaler} has {now}, not {from}")));
        }
        let spec = json!({"minReplicas": to.min, "maxReplicas": to.max});
        let patch = merge(&seen.metadata.resource_version, &spec);
        self.send(&path, &patch).await
    }

    /// Through the `scale` subresource, whose permission cannot change anything else.
    async fn resize(&self, from: i32, to: i32) -> Result<Receipt, ApplyError> {
        let (path, seen) = self.deployment().await?;
        let now = seen.spec.replicas.unwrap_or(1);
        if now != from {
            let name = &self.at.name;
            return Err(self.drifted(format!("{name} has {now} pods, not {from}")));
        }
        let patch = merge(&seen.metadata.resource_version, &json!({"replicas": to}));
        self.send(&format!("{path}/scale"), &patch).await
    }
}

/// Where a replica set notes its revision.
const ANNOTATED: &str = "/metadata/annotations/deployment.kubernetes.io~1revision";

/// The template of a replica set without the label that its controller added.
fn template(set: &mut Value) -> Option<Value> {
    let mut template = set.pointer_mut("/spec/template")?.take();
    if let Some(labels) = template.pointer_mut("/metadata/labels") {
        labels.as_object_mut()?.remove(HASH);
    }
    template.pointer("/spec/containers")?;
    Some(template)
}

fn merge(version: &str, spec: &Value) -> Patch {
    Patch::Merge(json!({"metadata": {"resourceVersion": version}, "spec": spec}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_goes_back_without_the_label_of_its_replica_set_and_with_everything_else() {
        let spec = json!({"containers": [{"name": "app", "image": "shop/api:v1", "env": [{"name": "A", "value": "1"}]}]});
        let labels = json!({"app": "api", "pod-template-hash": "5d4"});
        let annotations = json!({"kubectl.kubernetes.io/restartedAt": "2026-01-01T00:00:00Z"});
        let mut set = json!({"spec": {"template": {
            "metadata": {"labels": labels, "annotations": annotations}, "spec": spec}}});
        assert_eq!(
            template(&mut set),
            Some(
                json!({"metadata": {"labels": {"app": "api"}, "annotations": annotations}, "spec": spec})
            )
        );
        for mut strange in [
            json!({}),
            json!({"spec": {"template": {"metadata": {"labels": {}}}}}),
            json!({"spec": {"template": null}}),
        ] {
            assert_eq!(template(&mut strange), None, "{strange}");
        }
    }

    #[test]
    fn every_merge_carries_the_version_that_was_read() {
        let Patch::Merge(body) = merge("41", &json!({"paused": true})) else {
            panic!("another kind of patch");
        };
        assert_eq!(
            body,
            json!({"metadata": {"resourceVersion": "41"}, "spec": {"paused": true}})
        );
    }
}
