//! The one HTTP connector that every AWS client shares, and the count of what it sends. Owns connection reuse; must never know a kind or an API.
//!
//! Clients are made anew for every poll. Each would bring a connection pool of its own, and pay a TLS handshake for every poll,
//! if the configuration did not carry this connector.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU32, Ordering},
};

use aws_config::{BehaviorVersion, Region};
use aws_sdk_sts::config::Intercept;
use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        http::{
            HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings,
            SharedHttpClient, SharedHttpConnector,
        },
        interceptors::context::BeforeSerializationInterceptorContextRef,
        orchestrator::HttpRequest,
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::config_bag::ConfigBag;

use super::whole::WholeConnector;

tokio::task_local! {
    static SENT: Arc<AtomicU32>;
}

/// The shared connector: the SDK's own (its TLS, its certificate roots, its proxy settings), with every request counted.
#[derive(Debug, Clone)]
pub struct Connector(SharedHttpClient);

impl Connector {
    /// Takes the SDK's default connector; `None` when the SDK was built without one.
    pub async fn new() -> Option<Self> {
        let capture = Capture::default();
        let captured = Arc::clone(&capture.0);
        let client = aws_sdk_sts::Client::from_conf(
            aws_sdk_sts::Config::builder()
                .behavior_version(BehaviorVersion::latest())
                .region(Region::from_static("us-east-1"))
                .interceptor(capture)
                .build(),
        );
        // Nothing is sent: the interceptor ends the call before it is even serialised.
        client.get_caller_identity().send().await.ok();
        let client = captured.lock().ok()?.take();
        client.map(Self)
    }
}

impl HttpClient for Connector {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Counted(SharedHttpConnector::new(WholeConnector(
            self.0.http_connector(settings, components),
        ))))
    }
}

/// Runs a call and counts the requests that it sends, retries included; 0 for clients that use another connector.
pub async fn counting<F: Future>(call: F) -> (F::Output, u32) {
    let sent = Arc::new(AtomicU32::new(0));
    let output = SENT.scope(Arc::clone(&sent), call).await;
    (output, sent.load(Ordering::Relaxed))
}

#[derive(Debug)]
struct Counted(SharedHttpConnector);

impl HttpConnector for Counted {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        // Outside of `counting` nobody wants to know.
        SENT.try_with(|sent| sent.fetch_add(1, Ordering::Relaxed))
            .ok();
        self.0.call(request)
    }
}

/// Takes the connector out of a client that is about to call.
#[derive(Debug, Default)]
struct Capture(Arc<Mutex<Option<SharedHttpClient>>>);

impl Intercept for Capture {
    fn name(&self) -> &'static str {
        "Capture"
    }

    fn read_before_serialization(
        &self,
        _context: &BeforeSerializationInterceptorContextRef<'_>,
        components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Ok(mut slot) = self.0.lock() {
            *slot = components.http_client();
        }
        Err("only the connector was wanted".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_sdk_has_a_connector_to_share() {
        assert!(Connector::new().await.is_some());
    }
}
