//! What one poll asks: one API family of one kind. Owns which place each source is asked at, how often, and which throttle it shares.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Kind;

/// Where a source is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Once in every region that has an AWS Region.
    Regional,
    /// Once for the account.
    Global,
    /// Once per region, and once more for the metrics of the global services.
    RegionalAndGlobal,
    /// Once at each data-plane endpoint of the recovery cluster.
    Endpoints,
    /// Once in every region that a Prometheus tells about.
    Measured,
}

/// An API family with a throttle of its own (domain A.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // the service names say it
pub enum Api {
    Sts,
    Eks,
    Kubernetes,
    Route53,
    GlobalAccelerator,
    CloudFront,
    RecoveryCluster,
    ElasticLoadBalancing,
    Lambda,
    Rds,
    DynamoDb,
    ElastiCache,
    MemoryDb,
    CloudWatch,
    CodePipeline,
    Prometheus,
}

impl Api {
    /// The service prefix used in IAM actions and error texts.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sts => "sts",
            Self::Eks => "eks",
            Self::Kubernetes => "kubernetes",
            Self::Route53 => "route53",
            Self::GlobalAccelerator => "globalaccelerator",
            Self::CloudFront => "cloudfront",
            Self::RecoveryCluster => "route53-recovery-cluster",
            Self::ElasticLoadBalancing => "elasticloadbalancing",
            Self::Lambda => "lambda",
            Self::Rds => "rds",
            Self::DynamoDb => "dynamodb",
            Self::ElastiCache => "elasticache",
            Self::MemoryDb => "memorydb",
            Self::CloudWatch => "cloudwatch",
            Self::CodePipeline => "codepipeline",
            Self::Prometheus => "prometheus",
        }
    }

    /// Requests per second that we allow ourselves per account and place: well under the documented throttle (domain A.8, A.9).
    pub fn budget_per_second(self) -> f64 {
        match self {
            // 5/s for the whole account, shared with ExternalDNS, cert-manager and infrastructure as code.
            Self::Route53 => 1.0,
            Self::CloudWatch => 5.0,
            // A server of our own; four queries a poll, and three more for every dialect that it keeps.
            Self::Prometheus => 10.0,
            // One free `DescribeTable` per table: an account with hundreds of them must fit into one poll.
            Self::DynamoDb => 25.0,
            // One call per load balancer, listener and target group: forty load balancers must fit into one poll.
            // AWS refills 10/s, with 40 in store, per account and Region; the rest is for controllers and infrastructure as code.
            Self::ElasticLoadBalancing => 6.0,
            Self::Lambda | Self::Kubernetes => 4.0,
            Self::Sts
            | Self::Eks
            | Self::GlobalAccelerator
            | Self::CloudFront
            | Self::RecoveryCluster
            | Self::Rds
            | Self::ElastiCache
            | Self::MemoryDb
            | Self::CodePipeline => 2.0,
        }
    }
}

macro_rules! sources {
    ($($variant:ident, $name:literal, $kind:ident, $api:ident, $scope:ident, $seconds:literal, $doc:literal;)*) => {
        /// What one poll asks.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Source { $(#[doc = $doc] $variant,)* }

        impl Source {
            /// Every source, in the order in which they are first asked.
            pub const ALL: &'static [Source] = &[$(Source::$variant,)*];

            /// The name used in configuration, recordings and output.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The kind whose rows it fills.
            pub fn kind(self) -> Kind {
                match self { $(Self::$variant => Kind::$kind,)* }
            }

            /// The API that it calls.
            pub fn api(self) -> Api {
                match self { $(Self::$variant => Api::$api,)* }
            }

            /// Where it is asked.
            pub fn scope(self) -> Scope {
                match self { $(Self::$variant => Scope::$scope,)* }
            }

            /// Whether it is asked about the API servers that the inventory lists.
            pub fn of_api_servers(self) -> bool {
                self.api() == Api::Kubernetes
            }

            /// Whether a read only looks at what a watch has gathered: it sends nothing.
            pub fn watched(self) -> bool {
                matches!(self, Self::Deployments | Self::Nodes | Self::Routes | Self::Rollouts)
            }

            /// How often by default (domain A.9).
            pub fn default_interval(self) -> Duration {
                match self { $(Self::$variant => Duration::from_secs($seconds),)* }
            }
        }
    };
}

sources! {
    Identity, "identity", Regions, Sts, Regional, 300, "The caller identity in a region.";
    Alarms, "alarms", Alarms, CloudWatch, Regional, 15, "Metric and composite alarms.";
    Records, "records", Traffic, Route53, Global, 30, "Record sets of the managed names.";
    RoutingControls, "routing-controls", Traffic, RecoveryCluster, Endpoints, 30, "Routing control states, at each data-plane endpoint.";
    Accelerators, "accelerators", Traffic, GlobalAccelerator, Global, 30, "Endpoint groups and their traffic dials.";
    LoadBalancers, "load-balancers", Traffic, ElasticLoadBalancing, Regional, 30, "Load balancers, weighted forward actions and target health.";
    Rds, "rds", Databases, Rds, Regional, 30, "Aurora global clusters, clusters, instances and read replicas.";
    Clusters, "clusters", Clusters, Eks, Regional, 300, "EKS clusters.";
    ApiServers, "api-servers", Clusters, Kubernetes, Regional, 30, "The Kubernetes API server of each known cluster.";
    Deployments, "deployments", Deployments, Kubernetes, Regional, 10, "Deployments and what belongs to them, from the watches of each known cluster.";
    Nodes, "nodes", Clusters, Kubernetes, Regional, 10, "The nodes of each known cluster, from its watches.";
    ElastiCache, "elasticache", Caches, ElastiCache, Regional, 60, "Replication groups and Global Datastores.";
    MemoryDb, "memorydb", Caches, MemoryDb, Regional, 60, "MemoryDB clusters and multi-Region clusters.";
    Tables, "tables", Databases, DynamoDb, Regional, 60, "DynamoDB global tables.";
    Aliases, "aliases", Traffic, Lambda, Regional, 300, "Lambda aliases and their weights.";
    HealthChecks, "health-checks", HealthChecks, Route53, Global, 300, "Route 53 health checks (their state comes from metrics).";
    Distributions, "distributions", Traffic, CloudFront, Global, 300, "CloudFront distributions and continuous-deployment policies.";
    Metrics, "metrics", Metrics, CloudWatch, RegionalAndGlobal, 60, "Metric series for visible panes and guards.";
    Routes, "routes", Traffic, Kubernetes, Regional, 10, "Routes of the gateways and meshes of each known cluster, from its watches.";
    Rollouts, "rollouts", Traffic, Kubernetes, Regional, 10, "Argo Rollouts and Flagger Canaries of each known cluster, from its watches.";
    Prometheus, "prometheus", Metrics, Prometheus, Measured, 15, "Requests, errors and latency of each version of each service and of the users of the region, from its Prometheus.";
    Pipelines, "pipelines", Pipelines, CodePipeline, Regional, 30, "CodePipeline pipelines: their stages, what they carry and what holds them.";
    FiringAlerts, "firing-alerts", Alarms, Prometheus, Measured, 15, "The alerts that fire in the Prometheus of a region.";
}
