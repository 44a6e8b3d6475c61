//! An AWS that answers on a loopback port: the harness of every test about what goes over the wire.
//!
//! The real SDK, signing and all, talks HTTP to it as to any endpoint override. Behind the port stand the `winterbaume` emulators, which others wrote,
//! and in front of them a script of recorded-shape answers for what they lack, and of faults.
//!
//! ```ignore
//! let wire = Wire::start();
//! let rds = aws_sdk_rds::Client::new(&wire.config("us-east-1").await);        // seed by the SDK itself
//! rds.create_db_instance().db_instance_identifier("orders")…send().await?;
//! wire.answer("eu-west-1", "rds:DescribeGlobalClusters", [query("DescribeGlobalClusters", "<GlobalClusters/>")]);
//! wire.fault("*", "rds:DescribeDBClusters", Fault::Denied);
//! wire.forget();                                                              // the calls of the seeding
//! let answer = wire.observe(Source::Rds, "us-east-1", databases::live::observe).await?;
//! assert_eq!(wire.calls(), ["us-east-1 rds:DescribeDBClusters", …]);
//! ```
//!
//! - An **operation** is written as IAM does, with the signing name of its service: `rds:DescribeDBClusters`, `dynamodb:ListTables`, `monitoring:GetMetricData`,
//!   `elasticloadbalancing:DescribeListeners`, `globalaccelerator:ListAccelerators`. Where the protocol has no operation names (Route 53, CloudFront, EKS, Lambda) it
//!   is method and path: `route53:GET /2013-04-01/hostedzone`, `eks:GET /clusters`. A wrong guess shows in `wire.calls()`.
//! - A **region** is that of the signature; `"*"` means any. A fault wins over an answer, an answer over the emulator, a later rule over an earlier one.
//! - **Several answers** are given in turn, then from the first again: the pages of a list. A test with faults or pages makes no retries: `config` has them off.
//! - A **write** goes through `wire.apply`, as the live provider sends it; `wire.refuse` scripts an error of its own form, `wire.sent` gives the bodies that arrived.
//! - Nothing sleeps: a call that hangs is kept open, and a `config` made after its script gives up after a second.
//!
//! What the emulators (version 0.2, read in their sources) can do of what pilothouse reads; everything else needs `answer`. Only `dynamodb:ListTables` has pages:
//! every test of paging is scripted.
//!
//! | service | emulated truly | lacking, so scripted |
//! |---|---|---|
//! | sts | GetCallerIdentity, AssumeRole | – |
//! | rds | DescribeDBInstances, DescribeDBClusters | switchovers, failovers and promotions change nothing; members of clusters and of global clusters, failover state, replica sources, StatusInfos, GlobalClusterIdentifier |
//! | dynamodb | ListTables, DescribeTable | Replicas (UpdateTable ignores ReplicaUpdates), MultiRegionConsistency |
//! | elasticache | DescribeReplicationGroups | NodeGroups; Global Datastores, their failover and TestFailover answer an error |
//! | elasticloadbalancing | load balancers, listeners, target groups | weights of forward actions; target health is always `healthy` |
//! | monitoring | DescribeAlarms, but it lists composite alarms even where AWS hides them (trap 10) | GetMetricData ignores queries, dimensions, statistics and times |
//! | route53 | hosted zones, health checks; weighted record sets in whole batches by our own `route53` (`Wire::with`) | HealthCheckVersion is not compared; record sets keep name, type, TTL and values only: no weight, set identifier, alias or health check |
//! | eks | clusters, node groups, UpdateNodegroupConfig at once | the updates of node groups: DescribeUpdate finds none |
//! | lambda | functions and aliases with routing | RevisionId is not compared |
//! | memorydb, globalaccelerator, cloudfront, route53-recovery-cluster | not embedded | everything |

mod emulators;
pub mod kubernetes;
mod protocol;
pub mod route53;
mod script;
mod server;
pub mod shop;
mod tests;

use std::{sync::Arc, time::Duration};

use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use pilothouse::{
    arm::{ArmToken, Armed, Written},
    provider::{ask::Ask, connector::Connector, live, write::Write},
    resources::{
        Answer, Change, Estate, Place, ProviderError, Query, RegionLabel, Source, Wanted,
        change::{Alter, ApplyError, Receipt},
        estate::{Access, RegionRole, RegionSpec},
    },
};
use tokio::sync::OnceCell;

pub use self::script::Fault;
use self::{route53::Route53, script::Script, server::Server};

/// How long a client waits in a test that scripts a hang.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long a client waits in any other test: longer than the busiest machine needs.
const LONG_PATIENCE: Duration = Duration::from_secs(20);

/// The emulated AWS. Stops when dropped.
pub struct Wire {
    script: Arc<Script>,
    server: Server,
    base: OnceCell<SdkConfig>,
}

impl Wire {
    /// Opens a port of its own on the loopback interface, with empty emulators behind it.
    pub fn start() -> Self {
        Self::before(None)
    }

    /// The same with a Route 53 that keeps record sets whole.
    pub fn with(zone: &Arc<Route53>) -> Self {
        Self::before(Some(Arc::clone(zone)))
    }

    fn before(zone: Option<Arc<Route53>>) -> Self {
        let script = Arc::new(Script::default());
        Self {
            server: Server::start(Arc::clone(&script), zone),
            script,
            base: OnceCell::new(),
        }
    }

    /// Where it listens: the value of an endpoint override.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// An SDK configuration for a region: static credentials, this endpoint, no retries, and little patience once a hang is scripted.
    pub async fn config(&self, region: &str) -> SdkConfig {
        let base = self.base.get_or_init(|| async {
            let connector = Connector::new().await.expect("the SDK has a connector");
            let credentials = Credentials::new("AKIDWIRE", "secret", None, None, "wire");
            aws_config::defaults(BehaviorVersion::latest())
                .credentials_provider(SharedCredentialsProvider::new(credentials))
                .region(Region::from_static("us-east-1"))
                .endpoint_url(self.url())
                .http_client(connector)
                .retry_config(RetryConfig::disabled())
                .load()
                .await
        });
        let patience = if self.script.hangs() {
            PATIENCE
        } else {
            LONG_PATIENCE
        };
        base.await
            .clone()
            .into_builder()
            .region(Region::new(region.to_owned()))
            .timeout_config(TimeoutConfig::builder().operation_timeout(patience).build())
            .build()
    }

    /// Answers calls of an operation with these bodies, in turn, each written as the protocol of its service is: XML or JSON.
    pub fn answer<B: Into<String>>(
        &self,
        region: &str,
        operation: &str,
        bodies: impl IntoIterator<Item = B>,
    ) {
        let bodies = bodies.into_iter().map(Into::into).collect();
        self.script.answer(region, operation, 200, bodies);
    }

    /// The same for calls whose body contains a text: of two calls at once nobody knows which comes first.
    pub fn answer_to<B: Into<String>>(
        &self,
        region: &str,
        operation: &str,
        containing: &str,
        bodies: impl IntoIterator<Item = B>,
    ) {
        let bodies = bodies.into_iter().map(Into::into).collect();
        self.script.answer_to(region, operation, containing, bodies);
    }

    /// Answers calls of an operation with an error of its own form.
    pub fn refuse(&self, region: &str, operation: &str, status: u16, body: &str) {
        self.script
            .answer(region, operation, status, vec![body.to_owned()]);
    }

    /// Makes every call of an operation fail.
    pub fn fault(&self, region: &str, operation: &str, fault: Fault) {
        self.script.fault(region, operation, 1, fault);
    }

    /// Makes the n-th call of an operation from now (counted from 1) and all later ones fail: the second page of a list.
    pub fn fault_from(&self, region: &str, operation: &str, call: usize, fault: Fault) {
        self.script.fault(region, operation, call, fault);
    }

    /// The calls served so far, each as `REGION SERVICE:OPERATION`, sorted, because concurrent calls arrive in any order.
    pub fn calls(&self) -> Vec<String> {
        self.script.calls()
    }

    /// The bodies of the calls of an operation so far, as they were sent.
    pub fn sent(&self, operation: &str) -> Vec<String> {
        self.script.sent(operation)
    }

    /// Sends a change as the live provider does; `region` signs the calls.
    pub async fn apply(
        &self,
        estate: &Estate,
        region: &str,
        change: &Change,
    ) -> Result<Receipt, ApplyError> {
        apply(self.config(region).await, estate, change).await
    }

    /// Accepts an access key no longer: what is signed with it gets `ExpiredToken`.
    pub fn expire(&self, key: &str) {
        self.script.expire(key);
    }

    /// Forgets the calls served so far.
    pub fn forget(&self) {
        self.script.forget();
    }

    /// An estate of these AWS Regions, each labelled with its own name.
    pub fn estate(regions: &[&str]) -> Estate {
        let region = |name: &&str| RegionSpec {
            label: RegionLabel::new(name).unwrap(),
            aws_region: Some((*name).to_owned()),
            role: RegionRole::Active,
            access: Access::default(),
            kube_contexts: Vec::new(),
            capacity_rps: None,
            load_balancers: Vec::new(),
            backends: Vec::new(),
            capacity_nodes: None,
            residency: Vec::new(),
        };
        Estate {
            regions: regions.iter().map(region).collect(),
            ..Estate::default()
        }
    }

    /// The place of a region.
    pub fn place(region: &str) -> Place {
        Place::Region(RegionLabel::new(region).unwrap())
    }

    /// Asks a source in one region through a kind's `live::observe`, as the live provider does.
    pub async fn observe(
        &self,
        source: Source,
        region: &str,
        observe: impl AsyncFnOnce(Ask<'_>, &Query) -> Result<Answer, ProviderError>,
    ) -> Result<Answer, ProviderError> {
        let query = Query {
            source,
            place: Self::place(region),
            wanted: Wanted::Nothing,
            read: 0,
        };
        self.observe_in(&Self::estate(&[region]), region, &query, observe)
            .await
    }

    /// The same for any estate and query; `region` signs the calls.
    pub async fn observe_in(
        &self,
        estate: &Estate,
        region: &str,
        query: &Query,
        observe: impl AsyncFnOnce(Ask<'_>, &Query) -> Result<Answer, ProviderError>,
    ) -> Result<Answer, ProviderError> {
        let ask = Ask::new(estate, &query.place, self.config(region).await);
        observe(ask, query).await
    }
}

/// The right to make one change: step 0 of the run `run`.
pub fn token() -> ArmToken {
    granted("run", 0)
}

fn granted(run: &str, step: usize) -> ArmToken {
    let now = jiff::Timestamp::UNIX_EPOCH;
    let written = Written {
        sequence: 1,
        hash: String::new(),
    };
    let armed = Armed::new("a test", now).unwrap();
    ArmToken::grant(&armed, now, run, step, written).unwrap()
}

/// Sends a change through any configuration.
pub async fn apply(
    config: SdkConfig,
    estate: &Estate,
    change: &Change,
) -> Result<Receipt, ApplyError> {
    let token = granted("r-7", 2);
    let place = change.place();
    let write = Write::new(Ask::new(estate, &place, config), &token);
    live::send(&write, change).await
}

/// Wraps a result as the query protocol does (RDS, ElastiCache, load balancers, CloudWatch, STS).
pub fn query(operation: &str, result: &str) -> String {
    format!(
        "<{operation}Response><{operation}Result>{result}</{operation}Result>\
         <ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></{operation}Response>"
    )
}
