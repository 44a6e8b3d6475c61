//! One call to an API server beside the watches: a read of one object, or a change of one. Owns the rule that a change is sent once and only armed,
//! and what its answer means; knows no kind. Must never repeat a change whose answer was lost.
//!
//! Every patch carries what it expects: `metadata.resourceVersion` in a merge or strategic patch (HTTP 409 where another one is there), or `test` operations
//! in a JSON patch (HTTP 422 where one fails). Both become `ErrorClass::Conflict`, which stops a run: nobody tries again with old values.

use std::{fmt, sync::Arc, time::Duration};

use http::{Method, Request, Response, StatusCode, header};
use kube::{client::Body, core::Status};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use tokio::time::timeout;

use super::{access::Access, cluster::Cluster, fault::Fault, objects::Meta};
use crate::{
    provider::{
        translate::{chain, find},
        write::Write,
    },
    resources::{
        Api, ErrorClass, ProviderError,
        change::{ApplyError, Fate, Receipt},
    },
};

/// The deadline of one call.
const CALL: Duration = Duration::from_secs(10);
/// By what an API server knows our edits again, in `metadata.managedFields`.
const FIELD_MANAGER: &str = "pilothouse";
/// By what its audit log knows a call again.
const AUDIT_ID: &str = "audit-id";

/// What is sent to change an object.
#[derive(Debug, Clone, PartialEq)]
pub enum Patch {
    /// RFC 6902: operations in their order, all or nothing.
    Json(Value),
    /// RFC 7386: what is named takes the place of what is there, whole lists too.
    Merge(Value),
    /// Kubernetes' own, for its built-in kinds only: lists are merged by their keys.
    Strategic(Value),
}

impl Patch {
    fn content_type(&self) -> &'static str {
        match self {
            Self::Json(_) => "application/json-patch+json",
            Self::Merge(_) => "application/merge-patch+json",
            Self::Strategic(_) => "application/strategic-merge-patch+json",
        }
    }

    fn value(&self) -> &Value {
        match self {
            Self::Json(value) | Self::Merge(value) | Self::Strategic(value) => value,
        }
    }
}

/// The object that a change has written, by which an independent read finds it: the reference of its receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Name of the cluster or context.
    pub cluster: String,
    /// Path of the object.
    pub path: String,
    /// Its version after the write.
    pub version: String,
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.version, self.path, self.cluster)
    }
}

impl Written {
    /// Back from the text of a receipt; `None` where it is none of these.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, ' ');
        let (version, path, cluster) = (parts.next()?, parts.next()?, parts.next()?);
        path.starts_with('/').then(|| Self {
            cluster: cluster.to_owned(),
            path: path.to_owned(),
            version: version.to_owned(),
        })
    }
}

/// The path of an object: `path_of("/apis/apps/v1", "shop", "deployments", "api")`; an empty namespace for objects of the cluster.
/// `None` where a name is none that Kubernetes gives: it would lead somewhere else.
pub fn path_of(group: &str, namespace: &str, plural: &str, name: &str) -> Option<String> {
    let plain = |text: &str| {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
        !text.is_empty() && ![".", ".."].contains(&text) && text.chars().all(allowed)
    };
    if !plain(plural) || !plain(name) || !(namespace.is_empty() || plain(namespace)) {
        return None;
    }
    Some(if namespace.is_empty() {
        format!("{group}/{plural}/{name}")
    } else {
        format!("{group}/namespaces/{namespace}/{plural}/{name}")
    })
}

/// The watched cluster of a name, to which a change can be sent.
pub fn cluster(write: &Write<'_>, name: &str, operation: &str) -> Result<Arc<Cluster>, ApplyError> {
    let found = write.ask.memory.watches.named(name);
    found.ok_or_else(|| {
        let text = format!("the cluster {name} is not watched");
        Write::unsent(ProviderError::new(ErrorClass::NotFound, operation, text))
    })
}

/// Reads one object as it is now, past every watch.
pub async fn get<T: DeserializeOwned>(
    access: &Access,
    operation: &str,
    path: &str,
) -> Result<T, Fault> {
    let unread = |text: &str| Fault::new(ErrorClass::Terminal, operation, text);
    let mut tried = false;
    loop {
        let request = Request::builder().method(Method::GET).uri(path);
        let request = request.body(Body::empty());
        let request = request.map_err(|error| unread(&chain(&error)))?;
        match call(access, operation, request).await {
            Ok((_, body)) => {
                let read = serde_json::from_slice(&body);
                return read
                    .map_err(|error| unread(&format!("an answer that we cannot read: {error}")));
            }
            // A token that has just ended.
            Err(failed) if failed.fault.code == Some(401) && !tried => {
                tried = true;
                access.forget().await;
            }
            Err(failed) => return Err(failed.fault),
        }
    }
}

/// Patches one object. Sent once; a second time only where the server did not know us, for then nothing was done.
pub async fn patch(
    write: &Write<'_>,
    cluster: &Cluster,
    operation: &'static str,
    path: &str,
    patch: &Patch,
) -> Result<Receipt, ApplyError> {
    let request = || {
        Request::builder()
            .method(Method::PATCH)
            .uri(uri(write, path))
            .header(header::CONTENT_TYPE, patch.content_type())
            .header(header::ACCEPT, "application/json")
            .body(Body::from(patch.value().to_string().into_bytes()))
    };
    send(write, cluster, operation, path, request).await
}

/// Posts a body to a path below an object: `…/pods/api-1/eviction`.
pub async fn post(
    write: &Write<'_>,
    cluster: &Cluster,
    operation: &'static str,
    path: &str,
    body: &Value,
) -> Result<Receipt, ApplyError> {
    let request = || {
        Request::builder()
            .method(Method::POST)
            .uri(uri(write, path))
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/json")
            .body(Body::from(body.to_string().into_bytes()))
    };
    send(write, cluster, operation, path, request).await
}

/// Where a change is sent. A rehearsal goes through everything but the storage (the API's `dryRun`).
fn uri(write: &Write<'_>, path: &str) -> String {
    let rehearsal = if write.rehearses() { "&dryRun=All" } else { "" };
    format!("{path}?fieldManager={FIELD_MANAGER}{rehearsal}")
}

async fn send(
    write: &Write<'_>,
    cluster: &Cluster,
    operation: &'static str,
    path: &str,
    request: impl Fn() -> Result<Request<Body>, http::Error>,
) -> Result<Receipt, ApplyError> {
    let access = &cluster.access;
    let mut tried = false;
    loop {
        let request = request().map_err(|error| Write::refused(operation, chain(&error)))?;
        write.sending(Api::Kubernetes);
        match call(access, operation, request).await {
            Ok((id, body)) => return Ok(receipt(access, path, id, &body)),
            Err(failed) if failed.fault.code == Some(401) && !tried => {
                tried = true;
                access.forget().await;
            }
            Err(failed) => {
                return Err(ApplyError {
                    fate: failed.fate,
                    error: failed.fault.error,
                });
            }
        }
    }
}

/// What an object says of itself that a receipt needs; an answer without it was a success all the same.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Answered {
    metadata: Meta,
}

fn receipt(access: &Access, path: &str, id: Option<String>, body: &[u8]) -> Receipt {
    let answered: Answered = serde_json::from_slice(body).unwrap_or_default();
    let written = Written {
        cluster: access.name().to_owned(),
        path: path.to_owned(),
        version: answered.metadata.resource_version,
    };
    Receipt {
        request_id: id,
        reference: Some(written.to_string()),
        calls: Default::default(),
    }
}

/// A call that did not succeed, and whether it may have happened all the same.
struct Failed {
    fault: Fault,
    fate: Fate,
}

/// Makes one call and gives the id that the server's audit log has for it, and the body of its answer.
async fn call(
    access: &Access,
    operation: &str,
    request: Request<Body>,
) -> Result<(Option<String>, Vec<u8>), Failed> {
    let client = access.client().await.map_err(|fault| Failed {
        fault,
        fate: Fate::NotSent,
    })?;
    let in_doubt = |fault| Failed {
        fault,
        fate: Fate::InDoubt,
    };
    let answered = timeout(CALL, async {
        let answer = client.send(request).await.map_err(|error| Failed {
            fault: Fault::of(operation, &error),
            fate: fate(&error),
        })?;
        let (status, id) = (answer.status(), audit_id(&answer));
        let body = answer.into_body().collect_bytes().await;
        let body = body.map_err(|error| in_doubt(Fault::of(operation, &error)))?;
        if status.is_success() {
            Ok((id, body.to_vec()))
        } else {
            Err(refused(operation, status, id, &body))
        }
    });
    answered.await.unwrap_or_else(|_| {
        let text = format!("no answer in {} s", CALL.as_secs());
        Err(in_doubt(Fault::new(ErrorClass::Timeout, operation, &text)))
    })
}

fn audit_id(answer: &Response<Body>) -> Option<String> {
    let id = answer.headers().get(AUDIT_ID)?;
    id.to_str().ok().map(str::to_owned)
}

/// An answer that says no. A server error may come from a proxy in front of a server that did it.
fn refused(operation: &str, status: StatusCode, id: Option<String>, body: &[u8]) -> Failed {
    let code = status.as_u16();
    let said: Status = serde_json::from_slice(body).unwrap_or_default();
    let said = Status { code, ..said };
    let mut fault = Fault::status(operation, &said);
    // A JSON patch that does not apply, most likely for its `test`: the answer names no object. One whose result is invalid names it, with the causes.
    let named = said
        .details
        .as_ref()
        .is_some_and(|details| !details.name.is_empty());
    if code == 422 && said.reason == "Invalid" && !named {
        fault.error.class = ErrorClass::Conflict;
        let text = "the object is not as it was read: a test of the patch failed (HTTP 422)";
        text.clone_into(&mut fault.error.message);
    }
    fault.error.request_id = id;
    let fate = if (400..500).contains(&code) && code != 408 {
        Fate::Refused
    } else {
        Fate::InDoubt
    };
    Failed { fault, fate }
}

/// Whether a call that got no answer may have happened: not where no connection was made.
fn fate(error: &kube::Error) -> Fate {
    let connecting = find::<hyper_util::client::legacy::Error>(error)
        .is_some_and(hyper_util::client::legacy::Error::is_connect);
    // The credentials could not be put into it.
    if connecting || matches!(error, kube::Error::Auth(_)) {
        Fate::NotSent
    } else {
        Fate::InDoubt
    }
}

#[cfg(test)]
mod tests;
