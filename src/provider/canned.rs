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
        let (status, reply) = (self.0.0)(Asked {
            host: uri.host().unwrap_or_default().to_owned(),
            path: uri
                .path_and_query()
                .map_or("/", |path| path.as_str())
                .to_owned(),
            body: request.body().bytes().unwrap_or_default().to_vec(),
        });
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
        HttpConnectorFuture::ready(Ok(response))
    }
}
