//! Writes the weights of a rule: reads the object, compares, and sends one JSON Patch that fails where anybody was faster. Must never send one that was not compared.

use super::{Seen, drift, operations, unsendable};
use crate::{
    provider::{
        kubernetes::{
            self,
            custom::{GatewayRoute, MeshRoute},
            once::{self, Patch},
        },
        write::Write,
    },
    resources::{
        Api, ErrorClass, ProviderError,
        change::{ApplyError, Receipt},
        traffic::routes::{
            BackendEdit, RouteKind, RouteRule,
            assembly::live::{gateway_backends, mesh_backends},
        },
    },
};

/// Gives the backends of a rule their new weights; the edits name every backend of it.
pub async fn apply(
    write: &Write<'_>,
    rule: &RouteRule,
    edits: &[BackendEdit],
) -> Result<Receipt, ApplyError> {
    let operation = rule.kind.patch();
    if let Some(why) = unsendable(rule.kind, edits) {
        return Err(Write::refused(operation, why));
    }
    let path = once::path_of(
        &rule.group_path(),
        &rule.namespace,
        rule.kind.plural(),
        &rule.name,
    );
    let Some(path) = path else {
        let text = format!("{} is no name of an object", rule.object());
        return Err(Write::refused(operation, text));
    };
    let cluster = once::cluster(write, &rule.cluster, operation)?;
    write.ask.count(Api::Kubernetes);
    let (version, backends) = read(&cluster, rule, &path).await.map_err(Write::unsent)?;
    let Some(backends) = backends else {
        let text = format!("{} has no rule {} any more", rule.object(), rule.index);
        return Err(ApplyError::drifted(operation, text));
    };
    if let Some(found) = drift(rule.kind, edits, &backends) {
        return Err(ApplyError::drifted(operation, found));
    }
    let patch = Patch::Json(operations(rule, &version, edits, &backends));
    once::patch(write, &cluster, operation, &path, &patch).await
}

/// The version of the object, and the backends of the rule as they are now.
async fn read(
    cluster: &kubernetes::Cluster,
    rule: &RouteRule,
    path: &str,
) -> Result<(String, Option<Vec<Seen>>), ProviderError> {
    let operation = match rule.kind {
        RouteKind::HttpRoute => "kubernetes:GetHTTPRoutes",
        RouteKind::GrpcRoute => "kubernetes:GetGRPCRoutes",
        RouteKind::VirtualService => "kubernetes:GetVirtualServices",
    };
    let access = &cluster.access;
    let (version, backends) = match rule.kind {
        RouteKind::HttpRoute | RouteKind::GrpcRoute => {
            let read = once::get::<GatewayRoute>(access, operation, path).await;
            let object = read.map_err(|fault| fault.error)?;
            let backends = gateway_backends(&object, rule.index);
            (object.metadata.resource_version, backends)
        }
        RouteKind::VirtualService => {
            let read = once::get::<MeshRoute>(access, operation, path).await;
            let object = read.map_err(|fault| fault.error)?;
            let backends = mesh_backends(&object, rule.index);
            (object.metadata.resource_version, backends)
        }
    };
    if version.is_empty() {
        let text = "the object has no version to compare with";
        return Err(ProviderError::new(ErrorClass::Terminal, operation, text));
    }
    Ok((version, backends))
}
