//! Steers a rollout: reads the object, compares, and sends one patch with the version that was read. Must never send one that was not compared.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{HASH, patch, undo};
use crate::{
    provider::{
        kubernetes::{
            Cluster,
            custom::{ArgoRollout, FlaggerCanary},
            objects::List,
            once::{self, Patch},
        },
        write::Write,
    },
    resources::{
        Api, ErrorClass, ProviderError,
        change::{ApplyError, Receipt},
        traffic::rollouts::{
            Rollout, Steering, Tool, Verb,
            live::{of_argo, of_flagger},
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
    if steering.verb == Verb::Undo {
        standing(steering, &seen).before_or_drifted(operation)?;
        let template = template(write, &cluster, steering)
            .await
            .map_err(Write::unsent)?;
        let patch = Patch::Json(undo(&version, template));
        return once::patch(write, &cluster, operation, &path, &patch).await;
    }
    let mut patches = patch(steering, &seen).map_err(|why| ApplyError::drifted(operation, why))?;
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

async fn read(
    cluster: &Cluster,
    tool: Tool,
    path: &str,
) -> Result<(String, Rollout), ProviderError> {
    let (access, name) = (&cluster.access, cluster.access.name());
    match tool {
        Tool::ArgoRollouts => {
            let read = once::get::<ArgoRollout>(access, "kubernetes:GetRollouts", path).await;
            let object = read.map_err(|fault| fault.error)?;
            let seen = of_argo(name, &object, None);
            Ok((object.metadata.resource_version, seen))
        }
        Tool::Flagger => {
            let read = once::get::<FlaggerCanary>(access, "kubernetes:GetCanaries", path).await;
            let object = read.map_err(|fault| fault.error)?;
            let seen = of_flagger(name, &object, None);
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
