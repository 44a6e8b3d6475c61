//! A Kubernetes API server on a loopback port: lists in pages, watches with versions and bookmarks, and everything that goes wrong with them.
//!
//! It is as the real one in what a watching client can see: one counter of versions for everything, a log of changes that is forgotten from time to time
//! (`compact`), patches that compare as the real one does, HTTP 200 with an ERROR event for a version that was forgotten, and a Status for every refusal. It runs in the test's own runtime and never sleeps.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Arc, Mutex},
};

use pilothouse::resources::clusters::ApiServer;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

/// The server. It ends when dropped, with every connection.
pub struct KubernetesApi {
    shared: Arc<Shared>,
    url: String,
    accepting: JoinHandle<()>,
}

struct Shared {
    state: Mutex<State>,
    changed: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    version: u64,
    /// Versions up to this one are forgotten.
    forgotten: u64,
    /// By path of the list and name.
    objects: BTreeMap<(String, String), Value>,
    log: Vec<(u64, String, Value)>,
    /// What is refused, by the beginning of the path: status, and how often yet.
    refused: BTreeMap<String, (u16, u32)>,
    /// Paths that may not be watched, with the status that says so.
    unwatched: BTreeMap<String, u16>,
    /// Watches begun before this count are broken off.
    cut: u64,
    silent: BTreeSet<String>,
    /// What containers have written, by the path of the log; for each the container that it is of.
    logs: BTreeMap<String, (String, Vec<u8>)>,
    asked: Vec<String>,
    tokens: Vec<String>,
    /// API groups of custom resources, each with the versions that are served.
    groups: BTreeMap<String, Vec<String>>,
    /// What was sent to change objects: path, content type, body.
    patches: Vec<(String, String, Value)>,
    /// Paths of objects that may not be patched, with the status that says so; `None` says nothing at all.
    unpatched: BTreeMap<String, Option<u16>>,
    /// Paths of objects that somebody else changes between our read and our patch.
    raced: BTreeSet<String>,
    /// Paths of objects whose patches are done and never answered.
    swallowed: BTreeSet<String>,
    /// What evictions are answered, in turn; any further one is done.
    evictions: VecDeque<u16>,
    /// The evictions that were asked for.
    evicted: Vec<Value>,
}

impl KubernetesApi {
    /// Opens a port of its own, with nothing in the cluster.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = State {
            version: 100,
            forgotten: 1,
            ..State::default()
        };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            changed: watch::channel(0).0,
        });
        let serving = Arc::clone(&shared);
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(Arc::clone(&serving), stream));
            }
        });
        Self {
            shared,
            url,
            accepting,
        }
    }

    /// As EKS would list it.
    pub fn server(&self, name: &str) -> ApiServer {
        ApiServer {
            name: name.to_owned(),
            endpoint: Some(self.url.clone()),
            certificate_authority: None,
        }
    }

    /// Puts an object: `put("/apis/apps/v1/deployments", json!({"metadata": …}))`.
    pub fn put(&self, path: &str, mut object: Value) {
        self.change(|state| {
            state.version += 1;
            object["metadata"]["resourceVersion"] = json!(state.version.to_string());
            let key = (path.to_owned(), name(&object));
            let old = state.objects.insert(key, object.clone());
            let kind = if old.is_some() { "MODIFIED" } else { "ADDED" };
            let event = json!({"type": kind, "object": object});
            state.log.push((state.version, path.to_owned(), event));
        });
    }

    /// Takes an object away.
    pub fn delete(&self, path: &str, name: &str) {
        self.change(|state| {
            state.version += 1;
            let key = (path.to_owned(), name.to_owned());
            let mut object = state.objects.remove(&key).unwrap();
            object["metadata"]["resourceVersion"] = json!(state.version.to_string());
            let event = json!({"type": "DELETED", "object": object});
            state.log.push((state.version, path.to_owned(), event));
        });
    }

    /// Sends a bookmark to every watch.
    pub fn bookmark(&self, path: &str) {
        self.change(|state| {
            let meta = json!({"resourceVersion": state.version.to_string()});
            let object = json!({"kind": "Any", "apiVersion": "v1", "metadata": meta});
            let event = json!({"type": "BOOKMARK", "object": object});
            state.version += 1;
            state.log.push((state.version, path.to_owned(), event));
        });
    }

    /// Forgets what has changed so far, as etcd does every few minutes.
    pub fn compact(&self) {
        self.change(|state| {
            state.forgotten = state.version;
            state.log.clear();
        });
    }

    /// Installs an API group: `install("argoproj.io", &["v1alpha1"])`. One that is not installed is answered with 404.
    pub fn install(&self, group: &str, versions: &[&str]) {
        let versions = versions.iter().map(|version| (*version).to_owned());
        let versions = versions.collect();
        self.change(|state| {
            state.groups.insert(group.to_owned(), versions);
        });
    }

    /// Somebody changes an object right before the next patch of it arrives.
    pub fn race(&self, path: &str) {
        self.change(|state| {
            state.raced.insert(path.to_owned());
        });
    }

    /// The next patch of an object is done, and never answered.
    pub fn swallow(&self, path: &str) {
        self.change(|state| {
            state.swallowed.insert(path.to_owned());
        });
    }

    /// Refuses every patch of an object; reads are answered.
    pub fn refuse_patches(&self, path: &str, status: u16) {
        self.change(|state| {
            state.unpatched.insert(path.to_owned(), Some(status));
        });
    }

    /// Notes patches of an object and never answers them.
    pub fn hang_patches(&self, path: &str) {
        self.change(|state| {
            state.unpatched.insert(path.to_owned(), None);
        });
    }

    /// Answers the next evictions with these; 500 is what a pod with two budgets gets.
    pub fn evictions(&self, statuses: &[u16]) {
        self.change(|state| state.evictions.extend(statuses));
    }

    /// The bodies of the evictions so far.
    pub fn evicted(&self) -> Vec<Value> {
        self.shared.state.lock().unwrap().evicted.clone()
    }

    /// An object as it is now: `object("/apis/apps/v1/deployments", "api")`.
    pub fn object(&self, path: &str, name: &str) -> Value {
        let state = self.shared.state.lock().unwrap();
        state.objects[&(path.to_owned(), name.to_owned())].clone()
    }

    /// The patches so far: path with its query, content type, body.
    pub fn patches(&self) -> Vec<(String, String, Value)> {
        self.shared.state.lock().unwrap().patches.clone()
    }

    /// Breaks off every watch in the middle of a chunk.
    pub fn cut(&self) {
        self.change(|state| state.cut += 1);
    }

    /// Refuses so many calls of a path, and of those below it.
    pub fn refuse(&self, path: &str, status: u16, times: u32) {
        self.change(|state| {
            state.refused.insert(path.to_owned(), (status, times));
        });
    }

    /// Refuses every watch of a path; lists are answered.
    pub fn refuse_watches(&self, path: &str, status: u16) {
        self.change(|state| {
            state.unwatched.insert(path.to_owned(), status);
        });
    }

    /// What a container has written, by the path of its pod.
    pub fn log(&self, pod: &str, container: &str, text: &[u8]) {
        self.change(|state| {
            let log = (container.to_owned(), text.to_vec());
            state.logs.insert(format!("{pod}/log"), log);
        });
    }

    /// Never answers calls of a path.
    pub fn hang(&self, path: &str) {
        self.change(|state| {
            state.silent.insert(path.to_owned());
        });
    }

    /// The calls of a path so far: `list`, `list next`, or `watch 107`.
    pub fn asked(&self, path: &str) -> Vec<String> {
        let state = self.shared.state.lock().unwrap();
        let of = |call: &String| {
            call.strip_prefix(path)?
                .strip_prefix(' ')
                .map(str::to_owned)
        };
        state.asked.iter().filter_map(of).collect()
    }

    /// The bearer tokens that were used, each once, in the order of their first use.
    pub fn tokens(&self) -> Vec<String> {
        let state = self.shared.state.lock().unwrap();
        let mut seen = BTreeSet::new();
        let tokens = state.tokens.iter().filter(|token| seen.insert(*token));
        tokens.cloned().collect()
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.shared.state.lock().unwrap());
        self.shared.changed.send_modify(|count| *count += 1);
    }
}

impl Drop for KubernetesApi {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

fn name(object: &Value) -> String {
    object["metadata"]["name"].as_str().unwrap().to_owned()
}

/// One call on one connection.
struct Call {
    method: String,
    target: String,
    content_type: String,
    body: Vec<u8>,
    path: String,
    query: BTreeMap<String, String>,
    token: String,
}

async fn serve(shared: Arc<Shared>, mut stream: TcpStream) -> Option<()> {
    let call = read(&mut stream).await?;
    let from = call.query.get("resourceVersion").cloned();
    let watching = call.query.contains_key("watch");
    if note(&shared, &call, watching, from.as_deref()) {
        std::future::pending::<()>().await;
    }
    let refused = refusal(&shared, &call);
    if let Some(status) = refused {
        let body = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": status,
            "reason": "Refused", "message": format!("{} is refused", call.path)});
        return answer(&mut stream, status, &body).await;
    }
    if call.path.ends_with("/log") {
        let (status, body) = log(&shared, &call);
        return write(&mut stream, status, "text/plain", &body).await;
    }
    if call.method == "PATCH" {
        let unpatched = {
            let state = shared.state.lock().unwrap();
            state.unpatched.get(&call.path).copied()
        };
        if let Some(code) = unpatched {
            let body = serde_json::from_slice(&call.body).ok()?;
            let sent = (call.target, call.content_type, body);
            shared.state.lock().unwrap().patches.push(sent);
            let Some(code) = code else {
                std::future::pending::<()>().await;
                return None;
            };
            let (code, body) = status(code, "Refused", "refused");
            return answer(&mut stream, code, &body).await;
        }
        let (status, body) = patch(&shared, &call)?;
        return answer(&mut stream, status, &body).await;
    }
    if call.method == "POST" && call.path.ends_with("/eviction") {
        let (status, body) = evict(&shared, &call)?;
        return answer(&mut stream, status, &body).await;
    }
    if let Some((status, body)) = single(&shared, &call) {
        return answer(&mut stream, status, &body).await;
    }
    if watching {
        follow(&shared, &mut stream, &call.path, from?.parse().ok()?).await
    } else {
        let body = page(&shared, &call);
        answer(&mut stream, 200, &body).await
    }
}

/// Notes a call; whether it is never to be answered.
fn note(shared: &Shared, call: &Call, watching: bool, from: Option<&str>) -> bool {
    let mut state = shared.state.lock().unwrap();
    if call.method != "GET" {
        let call = format!("{} {}", call.path, call.method);
        state.asked.push(call);
        return false;
    }
    let what = match (watching, call.query.contains_key("continue")) {
        (true, _) => format!("watch {}", from.unwrap_or_default()),
        (false, true) => "list next".to_owned(),
        (false, false) => "list".to_owned(),
    };
    state.asked.push(format!("{} {what}", call.path));
    state.tokens.push(call.token.clone());
    state.silent.contains(&call.path)
}

fn refusal(shared: &Shared, call: &Call) -> Option<u16> {
    let mut state = shared.state.lock().unwrap();
    if let Some(status) = state.unwatched.get(&call.path)
        && call.query.contains_key("watch")
    {
        return Some(*status);
    }
    let mut rules = state.refused.iter_mut();
    let (_, (status, times)) =
        rules.find(|(path, (_, times))| call.path.starts_with(*path) && *times > 0)?;
    *times -= 1;
    Some(*status)
}

async fn read(stream: &mut TcpStream) -> Option<Call> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).ok()?;
    let target = head.split(' ').nth(1)?;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let header = |wanted: &str| {
        head.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case(wanted).then_some(value)
        })
    };
    let token = header("authorization").and_then(|value| value.strip_prefix("Bearer "));
    let token = token.map(str::to_owned);
    let length = header("content-length").and_then(|text| text.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).await.ok()?;
    Some(Call {
        method: head.split(' ').next()?.to_owned(),
        target: target.to_owned(),
        content_type: header("content-type").unwrap_or_default().to_owned(),
        body,
        path: path.to_owned(),
        query: pairs
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect(),
        token: token.unwrap_or_default(),
    })
}

fn status(code: u16, reason: &str, message: &str) -> (u16, Value) {
    let body = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": code,
        "reason": reason, "message": message, "details": {}});
    (code, body)
}

/// Whether nothing of a call may be kept.
fn dry(call: &Call) -> bool {
    call.query.get("dryRun").is_some_and(|how| how == "All")
}

/// An eviction, as the disruption budgets have it.
fn evict(shared: &Shared, call: &Call) -> Option<(u16, Value)> {
    let body = serde_json::from_slice(&call.body).ok()?;
    let mut state = shared.state.lock().unwrap();
    if !dry(call) {
        state.evicted.push(body);
    }
    Some(match state.evictions.pop_front() {
        Some(404) => status(404, "NotFound", "pods not found"),
        Some(429) => status(
            429,
            "TooManyRequests",
            "Cannot evict pod as it would violate the pod's disruption budget.",
        ),
        Some(500) => status(
            500,
            "InternalError",
            "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
        ),
        Some(code) => (
            code,
            json!({"kind": "Status", "apiVersion": "v1", "status": "Success"}),
        ),
        None => (
            201,
            json!({"kind": "Status", "apiVersion": "v1", "status": "Success"}),
        ),
    })
}

/// Path of the list, and name, of the object that a path leads to; a subresource is left out.
fn object_of(path: &str) -> Option<(String, String)> {
    if let Some(name) = path.strip_prefix("/api/v1/nodes/") {
        return Some(("/api/v1/nodes".to_owned(), name.to_owned()));
    }
    let (group, rest) = path.split_once("/namespaces/")?;
    let parts: Vec<&str> = rest.split('/').collect();
    let [_, plural, name, ..] = parts.as_slice() else {
        return None;
    };
    Some((format!("{group}/{plural}"), (*name).to_owned()))
}

/// One object, or one API group; `None` for the path of a list.
fn single(shared: &Shared, call: &Call) -> Option<(u16, Value)> {
    let state = shared.state.lock().unwrap();
    if let Some(key) = object_of(&call.path) {
        return Some(match state.objects.get(&key) {
            Some(object) => (200, object.clone()),
            None => status(404, "NotFound", &format!("{} not found", key.1)),
        });
    }
    let group = call.path.strip_prefix("/apis/")?;
    if group.contains('/') {
        return None;
    }
    Some(match state.groups.get(group) {
        None => status(
            404,
            "NotFound",
            "the server could not find the requested resource",
        ),
        Some(versions) => {
            let versions = versions.iter().map(
                |version| json!({"groupVersion": format!("{group}/{version}"), "version": version}),
            );
            let versions: Vec<Value> = versions.collect();
            (
                200,
                json!({"kind": "APIGroup", "name": group, "versions": versions}),
            )
        }
    })
}

/// Changes an object as the real server does: all of it or nothing. `None` where nobody is told.
fn patch(shared: &Shared, call: &Call) -> Option<(u16, Value)> {
    let body: Value = serde_json::from_slice(&call.body).ok()?;
    let mut state = shared.state.lock().unwrap();
    state
        .patches
        .push((call.target.clone(), call.content_type.clone(), body.clone()));
    let key = object_of(&call.path)?;
    let raced = state.raced.remove(&call.path);
    let Some(mut object) = state.objects.get(&key).cloned() else {
        return Some(status(404, "NotFound", &format!("{} not found", key.1)));
    };
    if raced {
        state.version += 1;
        object["metadata"]["resourceVersion"] = json!(state.version.to_string());
    }
    let before = object.clone();
    let done = match call.content_type.as_str() {
        "application/json-patch+json" => json_patch(&mut object, &body),
        _ => {
            merge(&mut object, &body);
            Some(())
        }
    };
    // A version that is written is compared.
    if done.is_some()
        && object["metadata"]["resourceVersion"] != before["metadata"]["resourceVersion"]
    {
        return Some(status(
            409,
            "Conflict",
            "the object has been modified; please apply your changes to the latest version and try again",
        ));
    }
    if done.is_none() {
        return Some(status(
            422,
            "Invalid",
            "the server rejected our request due to an error in our request",
        ));
    }
    let dry = dry(call);
    if object["spec"] != before["spec"] {
        let generation = before["metadata"]["generation"].as_i64().unwrap_or(0);
        object["metadata"]["generation"] = json!(generation + 1);
    }
    state.version += 1;
    object["metadata"]["resourceVersion"] = json!(state.version.to_string());
    if !dry {
        state.objects.insert(key.clone(), object.clone());
        let event = json!({"type": "MODIFIED", "object": object});
        let version = state.version;
        state.log.push((version, key.0, event));
    }
    let swallowed = state.swallowed.remove(&call.path);
    drop(state);
    shared.changed.send_modify(|count| *count += 1);
    (!swallowed).then_some((200, object))
}

/// RFC 6902, as far as it is sent; `None` where an operation does not apply.
fn json_patch(object: &mut Value, operations: &Value) -> Option<()> {
    for operation in operations.as_array()? {
        let path = operation["path"].as_str()?;
        let value = &operation["value"];
        match operation["op"].as_str()? {
            "test" => (object.pointer(path)? == value).then_some(())?,
            "replace" => *object.pointer_mut(path)? = value.clone(),
            "add" => {
                let (parent, name) = path.rsplit_once('/')?;
                let parent = object.pointer_mut(parent)?.as_object_mut()?;
                parent.insert(name.to_owned(), value.clone());
            }
            "remove" => {
                let (parent, name) = path.rsplit_once('/')?;
                object.pointer_mut(parent)?.as_object_mut()?.remove(name)?;
            }
            _ => return None,
        }
    }
    Some(())
}

/// RFC 7386.
fn merge(object: &mut Value, patch: &Value) {
    let Some(fields) = patch.as_object() else {
        *object = patch.clone();
        return;
    };
    if !object.is_object() {
        *object = json!({});
    }
    for (name, value) in fields {
        if value.is_null() {
            object.as_object_mut().unwrap().remove(name);
        } else {
            merge(&mut object[name], value);
        }
    }
}

/// The objects of a path from an index on, as many as are wanted.
fn page(shared: &Shared, call: &Call) -> Value {
    let state = shared.state.lock().unwrap();
    let number = |key: &str| {
        call.query
            .get(key)
            .and_then(|text| text.parse::<usize>().ok())
    };
    let (start, most) = (
        number("continue").unwrap_or(0),
        number("limit").unwrap_or(usize::MAX),
    );
    let all = state
        .objects
        .iter()
        .filter(|((path, _), _)| *path == call.path);
    let all: Vec<&Value> = all.map(|(_, object)| object).collect();
    let end = start.saturating_add(most).min(all.len());
    let next = if end < all.len() {
        end.to_string()
    } else {
        String::new()
    };
    json!({"kind": "List", "apiVersion": "v1", "items": all[start..end],
        "metadata": {"resourceVersion": state.version.to_string(), "continue": next}})
}

/// The log of a pod: the last lines, and of them the first bytes, as the API documents it.
fn log(shared: &Shared, call: &Call) -> (u16, Vec<u8>) {
    let mut state = shared.state.lock().unwrap();
    let mut asked: Vec<String> = call
        .query
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    asked.sort();
    state
        .asked
        .push(format!("{} {}", call.path, asked.join("&")));
    let status = |code: u16, message: &str| {
        let body = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "message": message});
        (code, body.to_string().into_bytes())
    };
    let Some((container, text)) = state.logs.get(&call.path) else {
        return status(404, "pods not found");
    };
    if call.query.get("container") != Some(container) {
        return status(400, "container is not valid for pod");
    }
    let number = |key: &str| {
        call.query
            .get(key)
            .and_then(|text| text.parse::<usize>().ok())
    };
    let lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
    let skipped = lines
        .len()
        .saturating_sub(number("tailLines").unwrap_or(usize::MAX));
    let mut body = lines[skipped..].concat();
    body.truncate(number("limitBytes").unwrap_or(usize::MAX));
    (200, body)
}

async fn answer(stream: &mut TcpStream, status: u16, body: &Value) -> Option<()> {
    write(
        stream,
        status,
        "application/json",
        body.to_string().as_bytes(),
    )
    .await
}

async fn write(stream: &mut TcpStream, status: u16, kind: &str, body: &[u8]) -> Option<()> {
    let head = format!(
        "HTTP/1.1 {status} Answer\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.ok()?;
    stream.write_all(body).await.ok()
}

/// Sends what has changed since a version, and then what changes.
async fn follow(shared: &Shared, stream: &mut TcpStream, path: &str, from: u64) -> Option<()> {
    let head = "HTTP/1.1 200 Answer\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n";
    stream.write_all(head.as_bytes()).await.ok()?;
    let mut changes = shared.changed.subscribe();
    let cut = shared.state.lock().unwrap().cut;
    let mut sent = from;
    loop {
        let (events, broken) = {
            let state = shared.state.lock().unwrap();
            let new = state
                .log
                .iter()
                .filter(|(version, of, _)| *version > sent && of == path);
            let mut events: Vec<String> = new.map(|(_, _, event)| event.to_string()).collect();
            let too_old = sent < state.forgotten;
            if too_old {
                let status = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 410,
                    "reason": "Expired", "message": format!("too old resource version: {sent}")});
                events = vec![json!({"type": "ERROR", "object": status}).to_string()];
            }
            sent = state.version;
            (events, state.cut > cut || too_old)
        };
        for event in events {
            let chunk = format!("{:x}\r\n{event}\n\r\n", event.len() + 1);
            stream.write_all(chunk.as_bytes()).await.ok()?;
        }
        if broken {
            // In the middle of a chunk: no end is announced.
            stream.write_all(b"40\r\n{\"type\":\"MODI").await.ok()?;
            return None;
        }
        changes.changed().await.ok()?;
    }
}
