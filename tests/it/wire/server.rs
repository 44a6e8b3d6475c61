//! The loopback port: four threads that read a call, ask script and emulators, and write the answer. Stops and joins them when dropped.

use std::{
    io::{Read, Write},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

use http::{HeaderMap, HeaderName, HeaderValue};
use tiny_http::{Header, Request};

use super::{
    emulators::Emulators,
    protocol::{Protocol, Reply, identify},
    route53::Route53,
    script::{Call, Fault, Script},
};

const THREADS: usize = 4;
/// No call of ours has a longer body.
const LONGEST_BODY: u64 = 1 << 20;

/// The running server.
pub struct Server {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    socket: tiny_http::Server,
    script: Arc<Script>,
    emulators: Emulators,
    /// Answers for Route 53 in place of the emulator.
    zone: Option<Arc<Route53>>,
    /// Calls that hang: kept open here, so that no thread waits with them.
    hanging: Mutex<Vec<Request>>,
    stopped: AtomicBool,
}

impl Server {
    /// Opens a free port.
    pub fn start(script: Arc<Script>, zone: Option<Arc<Route53>>) -> Self {
        let shared = Arc::new(Shared {
            socket: tiny_http::Server::http("127.0.0.1:0").unwrap(),
            script,
            emulators: Emulators::new(),
            zone,
            hanging: Mutex::default(),
            stopped: AtomicBool::new(false),
        });
        let spawn = |_| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || shared.serve())
        };
        let threads = (0..THREADS).map(spawn).collect();
        Self { shared, threads }
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.shared.socket.server_addr())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        for _ in &self.threads {
            self.shared.socket.unblock();
        }
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn serve(&self) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        while !self.stopped.load(Ordering::SeqCst) {
            let Ok(mut request) = self.socket.recv() else {
                continue;
            };
            match runtime.block_on(self.answer(&mut request)) {
                Some(reply) => write(request, &reply),
                None => self.hanging.lock().unwrap().push(request),
            }
        }
    }

    /// The answer to a call; `None` when it hangs.
    async fn answer(&self, request: &mut Request) -> Option<Reply> {
        let mut body = Vec::new();
        let _ = request
            .as_reader()
            .take(LONGEST_BODY)
            .read_to_end(&mut body);
        let headers = headers(request);
        let call = identify(request.method().as_str(), request.url(), &headers, &body);
        let protocol = Protocol::of(&headers, &call);
        let signed = headers.get(http::header::AUTHORIZATION);
        let signed = signed.and_then(|value| value.to_str().ok());
        if self.script.expired(signed.unwrap_or_default()) {
            let message = "The security token included in the request is expired";
            return Some(protocol.error(403, "ExpiredToken", message));
        }
        let verdict = self.script.judge(&call, &body);
        match verdict.fault {
            Some(Fault::Hang) => return None,
            Some(Fault::Throttle) => {
                return Some(protocol.error(400, "Throttling", "Rate exceeded"));
            }
            Some(Fault::ServerError) => {
                return Some(protocol.error(500, "InternalFailure", "Something broke"));
            }
            Some(Fault::Denied) => {
                let message = format!(
                    "User is not authorized to perform: {}:{}",
                    call.service, call.operation
                );
                let status = if protocol == Protocol::Xml { 403 } else { 400 };
                return Some(protocol.error(status, "AccessDenied", &message));
            }
            Some(Fault::Truncated) | None => {}
        }
        let mut reply = match verdict.body {
            Some((status, body)) => protocol.reply(status, body),
            None => match &self.zone {
                Some(zone) if call.service == "route53" => {
                    zone.answer(request.method().as_str(), request.url(), &body)?
                }
                Some(_) | None => self.emulated(request, &call, headers, body).await,
            },
        };
        if verdict.fault == Some(Fault::Truncated) {
            reply.body.truncate(reply.body.len() / 2);
        }
        Some(reply)
    }

    async fn emulated(
        &self,
        request: &Request,
        call: &Call,
        headers: HeaderMap,
        body: Vec<u8>,
    ) -> Reply {
        let method = request.method().as_str().to_owned();
        let answer = self
            .emulators
            .answer(
                &call.service,
                &call.region,
                method,
                request.url(),
                headers,
                body,
            )
            .await;
        let Some(answer) = answer else {
            let message = format!(
                "no emulator and no script for {}:{}",
                call.service, call.operation
            );
            return Protocol::Xml.error(501, "NotImplemented", &message);
        };
        let content_type = answer.headers.get(http::header::CONTENT_TYPE);
        Reply {
            status: answer.status,
            content_type: content_type
                .and_then(|value| value.to_str().ok())
                .unwrap_or("text/xml")
                .to_owned(),
            body: answer.body.to_vec(),
        }
    }
}

/// Answers and lets the connection end: tiny_http may queue a new connection behind one that is kept alive, until that one ends.
fn write(request: Request, reply: &Reply) {
    let head = format!(
        "HTTP/1.1 {} Answer\r\ndate: {}\r\ncontent-type: {}\r\ncontent-length: {}\r\nx-amzn-requestid: r-1\r\nconnection: close\r\n\r\n",
        reply.status,
        jiff::Timestamp::now().strftime("%a, %d %b %Y %H:%M:%S GMT"),
        reply.content_type,
        reply.body.len()
    );
    let mut writer = request.into_writer();
    // The client may have given up.
    let _ = writer
        .write_all(head.as_bytes())
        .and_then(|()| writer.write_all(&reply.body))
        .and_then(|()| writer.flush());
}

fn headers(request: &Request) -> HeaderMap {
    let pair = |header: &Header| {
        let name = HeaderName::from_bytes(header.field.as_str().as_str().as_bytes()).ok()?;
        let value = HeaderValue::from_str(header.value.as_str()).ok()?;
        Some((name, value))
    };
    request.headers().iter().filter_map(pair).collect()
}
