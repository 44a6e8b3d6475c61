//! A node cordoned by a patch with the version that was read, and pods evicted by a body of our own: kube's drops grace period and preconditions.
//! Must never delete a pod: only an eviction asks its disruption budget.

use serde_json::json;

use super::super::{At, Change};
use crate::{
    provider::{
        kubernetes::{
            Cluster, objects,
            once::{self, Patch},
        },
        write::Write,
    },
    resources::{
        ErrorClass,
        change::{Alter, ApplyError, Fate, Receipt},
    },
};

/// Sends one change.
pub async fn apply(write: &Write<'_>, change: &Change) -> Result<Receipt, ApplyError> {
    let operation = change.operation();
    let cluster = &*once::cluster(write, &change.at().cluster, operation)?;
    match change {
        Change::Cordon { at, from, to } => {
            cordon((write, cluster, operation), at, *from, *to).await
        }
        Change::Evict {
            namespace,
            pod,
            uid,
            ..
        } => evict((write, cluster, operation), namespace, pod, uid).await,
    }
}

type Way<'a> = (&'a Write<'a>, &'a Cluster, &'static str);

async fn cordon(
    (write, cluster, operation): Way<'_>,
    at: &At,
    from: bool,
    to: bool,
) -> Result<Receipt, ApplyError> {
    let path = path(operation, "", "nodes", &at.node)?;
    let read = once::get::<objects::Node>(&cluster.access, operation, &path).await;
    let seen = read.map_err(|fault| Write::unsent(fault.error))?;
    if seen.spec.unschedulable != from {
        let word = if from { "not " } else { "" };
        let text = format!("{} is {word}cordoned", at.node);
        return Err(ApplyError::drifted(operation, text));
    }
    // `null` takes the field away, as `kubectl uncordon` does.
    let patch = Patch::Merge(json!({
        "metadata": {"resourceVersion": seen.metadata.resource_version},
        "spec": {"unschedulable": to.then_some(true)},
    }));
    once::patch(write, cluster, operation, &path, &patch).await
}

/// The API server asks the disruption budgets (HTTP 429 is their no, and the run asks again), and refuses another pod of the name by its uid.
async fn evict(
    (write, cluster, operation): Way<'_>,
    namespace: &str,
    pod: &str,
    uid: &str,
) -> Result<Receipt, ApplyError> {
    let path = format!("{}/eviction", path(operation, namespace, "pods", pod)?);
    let body = json!({
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": pod, "namespace": namespace},
        "deleteOptions": {"preconditions": {"uid": uid}},
    });
    match once::post(write, cluster, operation, &path, &body).await {
        // It went by itself.
        Err(error) if error.error.class == ErrorClass::NotFound => Ok(Receipt::default()),
        // The eviction API cannot tell which of two budgets counts: nothing was done, and nothing will be.
        Err(mut error)
            if error
                .error
                .message
                .contains("more than one PodDisruptionBudget") =>
        {
            error.fate = Fate::Refused;
            error.error.class = ErrorClass::Terminal;
            Err(error)
        }
        other => other,
    }
}

fn path(
    operation: &'static str,
    namespace: &str,
    plural: &str,
    name: &str,
) -> Result<String, ApplyError> {
    let path = once::path_of("/api/v1", namespace, plural, name);
    path.ok_or_else(|| Write::refused(operation, format!("{name:?} is no name")))
}
