//! A Kubernetes API server on a loopback port: lists in pages, watches with versions and bookmarks, and everything that goes wrong with them.
//!
//! It is as the real one in what a watching client can see: one counter of versions for everything, a log of changes that is forgotten from time to time
//! (`compact`), HTTP 200 with an ERROR event for a version that was forgotten, and a Status for every refusal. It runs in the test's own runtime and never sleeps.

use std::{
    collections::{BTreeMap, BTreeSet},
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
    let token = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": Bearer ")?;
        name.eq_ignore_ascii_case("authorization")
            .then(|| value.to_owned())
    });
    Some(Call {
        path: path.to_owned(),
        query: pairs
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect(),
        token: token.unwrap_or_default(),
    })
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
