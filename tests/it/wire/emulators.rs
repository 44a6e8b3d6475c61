//! The emulators behind the port, by the signing name of their service. Owns the translation between a socket's view of a call and theirs.

use std::{collections::BTreeMap, sync::Arc};

use http::HeaderMap;
use winterbaume_core::{MockRequest, MockResponse, MockService};

/// The embedded services. Each keeps its state per region.
pub struct Emulators(BTreeMap<String, Arc<dyn MockService>>);

impl Emulators {
    /// All of them, empty.
    pub fn new() -> Self {
        let services: [Arc<dyn MockService>; 9] = [
            Arc::new(winterbaume_cloudwatch::CloudWatchService::new()),
            Arc::new(winterbaume_dynamodb::DynamoDbService::new()),
            Arc::new(winterbaume_eks::EksService::new()),
            Arc::new(winterbaume_elasticache::ElastiCacheService::new()),
            Arc::new(winterbaume_elasticloadbalancingv2::ElasticLoadBalancingV2Service::new()),
            Arc::new(winterbaume_lambda::LambdaService::new()),
            Arc::new(winterbaume_rds::RdsService::new()),
            Arc::new(winterbaume_route53::Route53Service::new()),
            Arc::new(winterbaume_sts::StsService::new()),
        ];
        let named = |service: Arc<dyn MockService>| (service.service_name().to_owned(), service);
        Self(services.into_iter().map(named).collect())
    }

    /// What the emulator of a service answers; `None` where none is embedded. They take the region from the host name, so it is put there.
    pub async fn answer(
        &self,
        service: &str,
        region: &str,
        method: String,
        path: &str,
        headers: HeaderMap,
        body: Vec<u8>,
    ) -> Option<MockResponse> {
        let emulator = self.0.get(service)?;
        let host = match service {
            "route53" => "route53.amazonaws.com".to_owned(),
            _ => format!("{service}.{region}.amazonaws.com"),
        };
        let call = MockRequest {
            method,
            uri: format!("https://{host}{path}"),
            headers,
            body: body.into(),
        };
        Some(emulator.handle(call).await)
    }
}
