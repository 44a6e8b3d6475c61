//! Answers made by a function instead of a network, for the tests of `live.rs` files: the SDK writes and reads its real protocols.

use std::sync::Arc;

use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn},
    orchestrator::{HttpRequest, HttpResponse},
};
use aws_smithy_types::body::SdkBody;
use serde_json::Value;

/// One request: host, path with query, body.
pub struct Asked {
    /// Host and, behind `.`-separated parts, the region.
    pub host: String,
    /// Path and query.
    pub path: String,
    /// The body as it was sent.
    pub body: Vec<u8>,
}

/// Status and JSON; sent as CBOR where CBOR was asked for.
pub type Reply = (u16, Value);

type Answers = Arc<dyn Fn(Asked) -> Reply + Send + Sync>;

/// A configuration of eu-west-1 whose every call is answered by the function. No retries, no credentials but made-up ones.
pub fn config(answer: impl Fn(Asked) -> Reply + Send + Sync + 'static) -> SdkConfig {
    let answers: Answers = Arc::new(answer);
    let client =
        http_client_fn(move |_, _| SharedHttpConnector::new(Canned(Wrapped(Arc::clone(&answers)))));
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

struct Wrapped(Answers);

impl std::fmt::Debug for Wrapped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("answers")
    }
}

impl HttpConnector for Canned {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let uri: http::Uri = request.uri().parse().unwrap_or_default();
        let binary = request.headers().get("smithy-protocol") == Some("rpc-v2-cbor");
        let (status, reply) = (self.0.0)(Asked {
            host: uri.host().unwrap_or_default().to_owned(),
            path: uri
                .path_and_query()
                .map_or("/", |path| path.as_str())
                .to_owned(),
            body: request.body().bytes().unwrap_or_default().to_vec(),
        });
        let mut body = Vec::new();
        if binary {
            cbor(&reply, &mut body);
        } else {
            body = reply.to_string().into_bytes();
        }
        let mut response = HttpResponse::new(
            status
                .try_into()
                .unwrap_or_else(|_| unreachable!("a valid status")),
            SdkBody::from(body),
        );
        let kind = if binary {
            "application/cbor"
        } else {
            "application/json"
        };
        response.headers_mut().insert("content-type", kind);
        if binary {
            response
                .headers_mut()
                .insert("smithy-protocol", "rpc-v2-cbor");
        }
        HttpConnectorFuture::ready(Ok(response))
    }
}

/// JSON as CBOR; an object `{"$time": seconds}` is a timestamp. Lengths are short in tests, so each is written with four bytes.
fn cbor(value: &Value, out: &mut Vec<u8>) {
    let head = |major: u8, length: usize, out: &mut Vec<u8>| {
        out.push((major << 5) | 0x1a);
        out.extend(u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
    };
    match value {
        Value::Null => out.push(0xf6),
        Value::Bool(value) => out.push(if *value { 0xf5 } else { 0xf4 }),
        Value::Number(number) => {
            out.push(0xfb);
            out.extend(number.as_f64().unwrap_or_default().to_be_bytes());
        }
        Value::String(text) => {
            head(3, text.len(), out);
            out.extend(text.as_bytes());
        }
        Value::Array(items) => {
            head(4, items.len(), out);
            for item in items {
                cbor(item, out);
            }
        }
        Value::Object(fields) => {
            if let Some(seconds) = fields.get("$time") {
                out.push(0xc1);
                return cbor(seconds, out);
            }
            head(5, fields.len(), out);
            for (name, value) in fields {
                head(3, name.len(), out);
                out.extend(name.as_bytes());
                cbor(value, out);
            }
        }
    }
}
