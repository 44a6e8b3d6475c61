//! Steers a rollout: reads the object, compares, and sends one patch with the version that was read. Must never send one that was not compared.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{HASH, image, patch, undo};
use crate::{
    provider::{
        kubernetes::{
            Cluster,
            custom::{ArgoRollout, FlaggerCanary},
            objects::{List, Meta, ScaleTarget},
            once::{self, Patch},
        },
        write::Write,
    },
    resources::{
        Api, ErrorClass, ProviderError,
        change::{ApplyError, Receipt},
        traffic::rollouts::{
            Image, Rollout, Steering, Tool, Verb,
            assembly::live::{of_argo, of_flagger},
            standing,
        },
    },
};

/// Steers.
pub async fn apply(write: &Write<'_>, steering: &Steering) -> Result<Receipt, ApplyError> {
    let name = &steering.rollout;
    let operation = steering.verb.operation(name.tool);
    let group = name.tool.group_path();
    let path = once::path_of(group, &name.namespace, name.tool.plural(), &name.name);
    let Some(path) = path else {
        let text = format!("{} is no name of an object", name.object());
        return Err(Write::refused(operation, text));
    };
    let cluster = once::cluster(write, &name.cluster, operation)?;
    write.ask.count(Api::Kubernetes);
    let (version, seen) = read(&cluster, name.tool, &path)
        .await
        .map_err(Write::unsent)?;
    if version.is_empty() {
        return Err(Write::refused(
            operation,
            "the object has no version to compare with",
        ));
    }
    let call = Call {
        write,
        cluster: &cluster,
        operation,
        steering,
    };
    match &steering.verb {
        Verb::Undo => return call.undo(&path, &version, &seen).await,
        Verb::Image(image) => return call.image(&path, &version, &seen, image).await,
        Verb::Promote
        | Verb::PromoteFull
        | Verb::Pause
        | Verb::Resume
        | Verb::Abort
        | Verb::Retry => {}
    }
    let mut patches =
        patch(steering, &seen.rollout).map_err(|why| ApplyError::drifted(operation, why))?;
    patches.body["metadata"] = json!({ "resourceVersion": version });
    let path = if patches.status {
        format!("{path}/status")
    } else {
        path
    };
    once::patch(
        write,
        &cluster,
        operation,
        &path,
        &Patch::Merge(patches.body),
    )
    .await
}

/// What gives a rollout another template.
struct Call<'a> {
    write: &'a Write<'a>,
    cluster: &'a Cluster,
    operation: &'static str,
    steering: &'a Steering,
}

impl Call<'_> {
    async fn send(&self, path: &str, patch: Value) -> Result<Receipt, ApplyError> {
        let patch = Patch::Json(patch);
        once::patch(self.write, self.cluster, self.operation, path, &patch).await
    }

    /// The template of an old replica set goes where its template is: into the rollout, or into the deployment that it refers to.
    async fn undo(&self, path: &str, version: &str, seen: &Read) -> Result<Receipt, ApplyError> {
        standing(self.steering, &seen.rollout).before_or_drifted(self.operation)?;
        let template = template(self.write, self.cluster, self.steering)
            .await
            .map_err(Write::unsent)?;
        let Some(reference) = &seen.reference else {
            return self.send(path, undo(version, template)).await;
        };
        let namespace = &self.steering.rollout.namespace;
        let deployment = (reference.kind == "Deployment")
            .then(|| once::path_of("/apis/apps/v1", namespace, "deployments", &reference.name));
        let Some(path) = deployment.flatten() else {
            let text = format!(
                "its template is that of the {} {}, which is not written here",
                reference.kind, reference.name
            );
            return Err(Write::refused(self.operation, text));
        };
        self.write.ask.count(Api::Kubernetes);
        let access = &self.cluster.access;
        let read = once::get::<Named>(access, self.operation, &path).await;
        let read = read.map_err(|fault| Write::unsent(fault.error))?;
        let version = &read.metadata.resource_version;
        self.send(&path, undo(version, template)).await
    }

    async fn image(
        &self,
        path: &str,
        version: &str,
        seen: &Read,
        wanted: &Image,
    ) -> Result<Receipt, ApplyError> {
        standing(self.steering, &seen.rollout).before_or_drifted(self.operation)?;
        let mut containers = seen.containers.iter();
        let index = containers.position(|name| *name == wanted.container);
        let index = index.ok_or_else(|| {
            let text = format!("it has no container {}", wanted.container);
            ApplyError::drifted(self.operation, text)
        })?;
        self.send(path, image(version, index, wanted)).await
    }
}

/// What every object says of itself.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Named {
    metadata: Meta,
}

/// A rollout as it was read.
struct Read {
    rollout: Rollout,
    /// Where its template comes from, if not from itself.
    reference: Option<ScaleTarget>,
    /// The containers of its own template, in their order.
    containers: Vec<String>,
}

async fn read(cluster: &Cluster, tool: Tool, path: &str) -> Result<(String, Read), ProviderError> {
    let (access, name) = (&cluster.access, cluster.access.name());
    match tool {
        Tool::ArgoRollouts => {
            let read = once::get::<ArgoRollout>(access, "kubernetes:GetRollouts", path).await;
            let object = read.map_err(|fault| fault.error)?;
            let containers = object.spec.template.spec.containers.iter();
            let seen = Read {
                rollout: of_argo(name, &object, None),
                containers: containers.map(|container| container.name.clone()).collect(),
                reference: object.spec.workload_ref,
            };
            Ok((object.metadata.resource_version, seen))
        }
        Tool::Flagger => {
            let read = once::get::<FlaggerCanary>(access, "kubernetes:GetCanaries", path).await;
            let object = read.map_err(|fault| fault.error)?;
            let seen = Read {
                rollout: of_flagger(name, &object, None),
                reference: None,
                containers: Vec::new(),
            };
            Ok((object.metadata.resource_version, seen))
        }
    }
}

/// A replica set with its whole template.
#[derive(Deserialize)]
struct Set {
    spec: SetSpec,
}

#[derive(Deserialize)]
struct SetSpec {
    template: Value,
}

/// The template of the stable version: that of its replica set.
async fn template(
    write: &Write<'_>,
    cluster: &Cluster,
    steering: &Steering,
) -> Result<Value, ProviderError> {
    const OPERATION: &str = "kubernetes:ListReplicaSets";
    let failed = |class, text: String| ProviderError::new(class, OPERATION, text);
    let (namespace, hash) = (&steering.rollout.namespace, &steering.stable);
    let plain = |text: &str| {
        text.chars()
            .all(|c| c.is_ascii_alphanumeric() || "-.".contains(c))
    };
    if hash.is_empty() || !plain(hash) || !plain(namespace) {
        return Err(failed(
            ErrorClass::Terminal,
            format!("`{hash}` is no hash of a version"),
        ));
    }
    let path =
        format!("/apis/apps/v1/namespaces/{namespace}/replicasets?labelSelector={HASH}%3D{hash}");
    write.ask.count(Api::Kubernetes);
    let found = once::get::<List<Set>>(&cluster.access, OPERATION, &path).await;
    let sets = found.map_err(|fault| fault.error)?.items;
    // Two rollouts of one namespace may have the same template only if they have the same hash, too.
    let mut templates = sets.into_iter().map(|set| set.spec.template);
    match (templates.next(), templates.next()) {
        (Some(template), None) => Ok(template),
        (None, _) => Err(failed(
            ErrorClass::NotFound,
            format!("the replica set of {hash} is gone: release the old version again"),
        )),
        (Some(_), Some(_)) => Err(failed(
            ErrorClass::Conflict,
            format!("several replica sets have the hash {hash}"),
        )),
    }
}
