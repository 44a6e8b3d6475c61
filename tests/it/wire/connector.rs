//! The SDK's own HTTP connector, which its configuration does not hand out, behind the check that the live provider puts before it.

use std::sync::{Arc, Mutex};

use aws_config::{BehaviorVersion, Region};
use aws_sdk_sts::config::Intercept;
use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        http::SharedHttpClient, interceptors::context::BeforeSerializationInterceptorContextRef,
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::config_bag::ConfigBag;
use pilothouse::provider::whole::Whole;

/// A connector for all clients of one harness.
pub async fn connector() -> SharedHttpClient {
    let capture = Capture::default();
    let captured = Arc::clone(&capture.0);
    let config = aws_sdk_sts::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("us-east-1"))
        .interceptor(capture)
        .build();
    // Nothing is sent: the interceptor ends the call.
    let call = aws_sdk_sts::Client::from_conf(config).get_caller_identity();
    assert!(call.send().await.is_err());
    let inner = captured.lock().unwrap().take();
    SharedHttpClient::new(Whole(inner.expect("the SDK has a connector")))
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
        *self.0.lock().unwrap() = components.http_client();
        Err("only the connector was wanted".into())
    }
}
