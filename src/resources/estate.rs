//! What is watched: regions, managed names, thresholds, intervals. Built by `config`; owns no file format and no live value.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Place, RegionLabel, Scope, Source, metrics::dialect::Prometheus, sequence::Sequence};

/// How calls are signed: a profile, and a role to assume on top of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Access {
    /// Profile of the shared AWS configuration; `None` is the SDK's default chain.
    pub profile: Option<String>,
    /// Role to assume.
    pub role_arn: Option<String>,
    /// External id for that role.
    pub external_id: Option<String>,
}

/// What a region is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RegionRole {
    /// Takes writes.
    Primary,
    /// First to take over.
    Secondary,
    /// Takes over after the secondary.
    Tertiary,
    /// One of several equals.
    #[default]
    Active,
}

/// One region of the estate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RegionSpec {
    /// The operator's name for it.
    pub label: RegionLabel,
    /// The AWS Region, where it is one.
    pub aws_region: Option<String>,
    /// What it is for.
    pub role: RegionRole,
    /// How to sign calls there.
    pub access: Access,
    /// Kubeconfig contexts of clusters there that EKS does not list.
    pub kube_contexts: Vec<String>,
    /// Requests per second that it can serve.
    pub capacity_rps: Option<f64>,
    /// Nodes that were Ready when that was measured; with it the capacity follows the nodes that are there.
    #[serde(default)]
    pub capacity_nodes: Option<f64>,
    /// Classes of data that may be served there; empty means every class.
    #[serde(default)]
    pub residency: Vec<String>,
    /// Names of the load balancers that carry the user traffic; empty means all of them.
    pub load_balancers: Vec<String>,
    /// Services, subsets or hosts that stand for it in the routes of any cluster, where their names do not say so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub backends: Vec<String>,
}

impl RegionSpec {
    /// An AWS Region whose label is its name, with every default.
    pub fn aws(label: RegionLabel) -> Self {
        Self {
            aws_region: Some(label.to_string()),
            label,
            role: RegionRole::default(),
            access: Access::default(),
            kube_contexts: Vec::new(),
            capacity_rps: None,
            load_balancers: Vec::new(),
            backends: Vec::new(),
            capacity_nodes: None,
            residency: Vec::new(),
        }
    }
}

/// A DNS name whose record sets split traffic between regions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManagedName {
    /// The name without trailing dot.
    pub name: String,
    /// The hosted zone id, where several zones hold the name; found by name otherwise.
    pub zone_id: Option<String>,
    /// Which region a record set belongs to, by set identifier; others are found by their target.
    pub regions: BTreeMap<String, RegionLabel>,
    /// Class of the data behind it: it may be served only where a region allows the class.
    #[serde(default)]
    pub residency: Option<String>,
}

/// One data-plane endpoint of a recovery cluster. Stored because `DescribeCluster` is control plane (domain 0.4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryEndpoint {
    /// The AWS Region with which calls are signed.
    pub region: String,
    /// The endpoint URL.
    pub url: String,
}

/// Limits beyond which a value is warned about or bad. Defaults are those of the architecture documents (domain 0.2).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)] // a recording of an older version has fewer of them
pub struct Thresholds {
    /// p95 latency in milliseconds: warn above.
    pub p95_warn_ms: f64,
    /// p95 latency in milliseconds: bad above.
    pub p95_bad_ms: f64,
    /// Error rate in percent: warn above.
    pub error_warn_percent: f64,
    /// Error rate in percent: bad above.
    pub error_bad_percent: f64,
    /// Replication lag of databases in milliseconds: warn above.
    pub database_lag_warn_ms: f64,
    /// Replication lag of databases in milliseconds: bad above (half of the RPO by default).
    pub database_lag_bad_ms: f64,
    /// Replication lag beyond which no planned switchover is started, in milliseconds.
    pub switchover_lag_ms: f64,
    /// Writes that a failover may lose, in milliseconds: the RPO.
    pub rpo_ms: f64,
    /// Replication lag of the databases of a region that is about to get more readers, in milliseconds: warn above.
    pub receiver_lag_warn_ms: f64,
    /// Replication latency of DynamoDB global tables in milliseconds: warn above.
    pub table_lag_warn_ms: f64,
    /// Replication lag of caches in milliseconds: warn above.
    pub cache_lag_warn_ms: f64,
    /// Utilisation of a region's known capacity in percent: warn above.
    pub utilisation_warn_percent: f64,
    /// Utilisation of a region's known capacity in percent: bad above.
    pub utilisation_bad_percent: f64,
    /// Share of healthy targets in percent: warn below.
    pub healthy_warn_percent: f64,
    /// Share of healthy targets in percent: bad below.
    pub healthy_bad_percent: f64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            p95_warn_ms: 200.0,
            p95_bad_ms: 500.0,
            error_warn_percent: 0.5,
            error_bad_percent: 1.0,
            database_lag_warn_ms: 1_000.0,
            database_lag_bad_ms: 30_000.0,
            switchover_lag_ms: 5_000.0,
            rpo_ms: 60_000.0,
            receiver_lag_warn_ms: 200.0,
            table_lag_warn_ms: 5_000.0,
            cache_lag_warn_ms: 5_000.0,
            utilisation_warn_percent: 70.0,
            utilisation_bad_percent: 85.0,
            healthy_warn_percent: 90.0,
            healthy_bad_percent: 50.0,
        }
    }
}

/// What things cost, in USD. AWS prices differ by region, type and contract: only what somebody wrote down is counted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Prices {
    /// A node for an hour.
    pub node_hour_usd: Option<f64>,
    /// A path of a CloudFront invalidation beyond the free ones of a month (domain B.8).
    pub invalidation_path_usd: f64,
    /// A plan that costs more is warned about.
    pub plan_warn_usd: f64,
}

impl Default for Prices {
    fn default() -> Self {
        Self {
            node_hour_usd: None,
            invalidation_path_usd: 0.005,
            plan_warn_usd: 50.0,
        }
    }
}

/// A time in which nothing should be changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Freeze {
    /// Its begin.
    pub from: Timestamp,
    /// Its end.
    pub until: Timestamp,
    /// Why.
    pub reason: String,
}

impl Freeze {
    /// Whether it is in force.
    pub fn holds(&self, now: Timestamp) -> bool {
        self.from <= now && now < self.until
    }
}

/// Everything that is watched, and how.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Estate {
    /// The word in the top line: `prod`, `staging`.
    pub environment: String,
    /// How to sign calls to the global services.
    pub access: Access,
    /// The regions, in the order of the screen.
    pub regions: Vec<RegionSpec>,
    /// The managed names; the first one gives the traffic share of a region.
    pub names: Vec<ManagedName>,
    /// The five data-plane endpoints of the recovery cluster; empty without one.
    pub recovery_endpoints: Vec<RecoveryEndpoint>,
    /// Limits for severities.
    pub thresholds: Thresholds,
    /// Times in which nothing should be changed.
    #[serde(default)]
    pub freezes: Vec<Freeze>,
    /// How releases go through the regions.
    #[serde(default)]
    pub sequence: Sequence,
    /// What things cost.
    #[serde(default)]
    pub prices: Prices,
    /// Poll intervals that differ from the default.
    pub intervals: BTreeMap<Source, Duration>,
    /// Sources that are not asked at all.
    pub disabled: Vec<Source>,
    /// Which Prometheus tells about a region, where one does. A central one stands here once for each, with what tells them apart.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub prometheus: BTreeMap<RegionLabel, Prometheus>,
}

impl Estate {
    /// One region by its label.
    pub fn region(&self, label: &RegionLabel) -> Option<&RegionSpec> {
        self.regions.iter().find(|region| region.label == *label)
    }

    /// The region of the estate that an AWS Region name or a label means.
    pub fn region_named(&self, name: &str) -> Option<&RegionLabel> {
        let by_label = self
            .regions
            .iter()
            .find(|region| region.label.as_str() == name);
        by_label
            .or_else(|| {
                self.regions
                    .iter()
                    .find(|region| region.aws_region.as_deref() == Some(name))
            })
            .map(|region| &region.label)
    }

    /// How often a source is asked.
    pub fn interval(&self, source: Source) -> Duration {
        self.intervals
            .get(&source)
            .copied()
            .unwrap_or_else(|| source.default_interval())
    }

    /// Whether AWS has no part in it: no region, name or recovery cluster there, and nothing that says how its calls would be signed.
    pub fn outside_aws(&self) -> bool {
        let mut regions = self.regions.iter();
        !self.regions.is_empty()
            && regions.all(|region| region.aws_region.is_none())
            && self.names.is_empty()
            && self.recovery_endpoints.is_empty()
            && self.access == Access::default()
    }

    /// Where a source is asked in this estate.
    pub fn places(&self, source: Source) -> Vec<Place> {
        if self.disabled.contains(&source) {
            return Vec::new();
        }
        let regions = self.regions.iter().filter(|region| {
            let contexts = source.of_api_servers() && !region.kube_contexts.is_empty();
            region.aws_region.is_some() || contexts
        });
        let regional = regions.map(|region| Place::Region(region.label.clone()));
        // All global services are those of AWS.
        let global = (!self.outside_aws()).then_some(Place::Global).into_iter();
        match source.scope() {
            Scope::Regional => regional.collect(),
            Scope::Measured => {
                let labels = self.regions.iter().map(|region| &region.label);
                let measured = labels.filter(|label| self.prometheus.contains_key(label));
                measured.cloned().map(Place::Region).collect()
            }
            Scope::Global => global.collect(),
            Scope::RegionalAndGlobal => regional.chain(global).collect(),
            Scope::Endpoints => self
                .recovery_endpoints
                .iter()
                .map(|endpoint| Place::Endpoint(endpoint.region.clone()))
                .collect(),
        }
    }
}
