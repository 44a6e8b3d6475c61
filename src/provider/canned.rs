//! Answers made by a function instead of a network, for the tests of `live.rs` files: the SDK writes and reads its real protocols.

use std::sync::{Arc, Mutex};

use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn},
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
};
use aws_smithy_types::body::SdkBody;
use serde_json::Value;

use crate::arm::{ArmToken, Armed, Written};

/// One request: method, host, path with query, headers, body.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Method.
    pub method: String,
    /// Host and, behind `.`-separated parts, the region.
    pub host: String,
    /// Path and query.
    pub path: String,
    /// Names and values of the headers.
    pub headers: Vec<(String, String)>,
    /// The body as it was sent.
    pub body: Vec<u8>,
}

impl Asked {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// A header; empty without it.
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value)
    }

    /// A field of a Query body, still escaped.
    pub fn field(&self, name: &str) -> String {
        let body = self.text();
        let mut pairs = body.split('&').filter_map(|pair| pair.split_once('='));
        let found = pairs.find(|(key, _)| *key == name);
        found.map_or_else(String::new, |(_, value)| value.to_owned())
    }
}

/// Status and body.
pub type Reply = (u16, String);

/// An answer in JSON.
pub fn json(status: u16, body: &Value) -> Reply {
    (status, body.to_string())
}

/// A result as the Query protocol wraps it (CloudWatch, RDS, ElastiCache, load balancers, STS).
pub fn query(operation: &str, result: &str) -> Reply {
    let text = format!(
        "<{operation}Response><{operation}Result>{result}</{operation}Result></{operation}Response>"
    );
    (200, text)
}

/// An error as the Query protocol writes it.
pub fn query_error(status: u16, code: &str) -> Reply {
    let text = format!(
        "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>said so</Message></Error><RequestId>r-1</RequestId></ErrorResponse>"
    );
    (status, text)
}

/// The right to make a change, for step 2 of run `r-7`.
pub fn token() -> ArmToken {
    let now = jiff::Timestamp::UNIX_EPOCH;
    let written = Written {
        sequence: 1,
        hash: String::new(),
    };
    Armed::new("a test", now)
        .and_then(|armed| ArmToken::grant(&armed, now, "r-7", 2, written))
        .unwrap_or_else(|| unreachable!("the window is open"))
}

/// What was asked, in order.
pub type Log = Arc<Mutex<Vec<Asked>>>;

/// A configuration whose every call is answered by the function and kept in the log.
pub fn logged(answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> (SdkConfig, Log) {
    let log = Log::default();
    let kept = Arc::clone(&log);
    let config = config(move |asked| {
        let reply = answer(&asked);
        if let Ok(mut log) = kept.lock() {
            log.push(asked);
        }
        reply
    });
    (config, log)
}

/// A configuration of eu-west-1 whose every call is answered by the function. No retries, no credentials but made-up ones.
pub fn config(answer: impl Fn(Asked) -> Reply + Send + Sync + 'static) -> SdkConfig {
    connected(move |asked| HttpConnectorFuture::ready(Ok(response(answer(asked)))))
}

/// The same where no call is answered, ever.
pub fn silent() -> SdkConfig {
    connected(|_| HttpConnectorFuture::new(std::future::pending()))
}

/// The same where every call fails without an answer.
pub fn lost(error: impl Fn() -> ConnectorError + Send + Sync + 'static) -> SdkConfig {
    connected(move |_| HttpConnectorFuture::ready(Err(error())))
}

type Connect = Arc<dyn Fn(Asked) -> HttpConnectorFuture + Send + Sync>;

/// A configuration of eu-west-1 over any connector.
pub fn connected(
    connect: impl Fn(Asked) -> HttpConnectorFuture + Send + Sync + 'static,
) -> SdkConfig {
    let connect: Connect = Arc::new(connect);
    let client =
        http_client_fn(move |_, _| SharedHttpConnector::new(Canned(Wrapped(Arc::clone(&connect)))));
    let keys = Credentials::new("AKID", "secret", None, None, "canned");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("eu-west-1"))
        .credentials_provider(SharedCredentialsProvider::new(keys))
        .retry_config(RetryConfig::disabled())
        .http_client(client)
        .build()
}

#[derive(Debug)]
struct Canned(Wrapped);

struct Wrapped(Connect);

impl std::fmt::Debug for Wrapped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("answers")
    }
}

impl HttpConnector for Canned {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let uri: http::Uri = request.uri().parse().unwrap_or_default();
        (self.0.0)(Asked {
            method: request.method().to_owned(),
            host: uri.host().unwrap_or_default().to_owned(),
            path: uri
                .path_and_query()
                .map_or("/", |path| path.as_str())
                .to_owned(),
            headers: request
                .headers()
                .iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            body: request.body().bytes().unwrap_or_default().to_vec(),
        })
    }
}

/// An HTTP answer.
pub fn response((status, reply): Reply) -> HttpResponse {
    let kind = if reply.starts_with('<') {
        "text/xml"
    } else {
        "application/json"
    };
    let mut response = HttpResponse::new(
        status
            .try_into()
            .unwrap_or_else(|_| unreachable!("a valid status")),
        SdkBody::from(reply),
    );
    response.headers_mut().insert("content-type", kind);
    response
}
