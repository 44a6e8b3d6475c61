//! CloudFront distributions and continuous deployment: the model, their series, what is wrong with one. Must never take a header policy for a share.

pub mod invalidations;
pub mod live;
pub mod write;

use serde::{Deserialize, Serialize};

use crate::resources::{
    Judgement, Severity,
    metrics::{SeriesSpec, Stat},
};

/// An origin of a distribution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Id.
    pub id: String,
    /// Domain name.
    pub domain: String,
}

/// A CloudFront distribution.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Distribution {
    /// Id.
    pub id: String,
    /// ARN.
    pub arn: String,
    /// Domain name.
    pub domain: String,
    /// Alternate domain names.
    pub aliases: Vec<String>,
    /// `Deployed` or `InProgress`.
    pub status: String,
    /// Whether it takes traffic.
    pub enabled: bool,
    /// Whether it is the staging half of a continuous deployment.
    pub staging: bool,
    /// Origins.
    pub origins: Vec<Origin>,
    /// Primary and secondary origin ids of each origin group.
    pub origin_groups: Vec<Vec<String>>,
    /// `http2`, `http3` …: continuous deployment does not work with HTTP/3.
    pub http_version: Option<String>,
    /// The continuous-deployment policy.
    pub policy: Option<ContinuousDeployment>,
    /// The newest invalidations; `None` where they were not read.
    #[serde(default)]
    pub invalidations: Option<Vec<Invalidation>>,
}

/// An invalidation of paths.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invalidation {
    /// Id.
    pub id: String,
    /// `InProgress`, `Completed`, or a value not known yet.
    pub status: String,
    /// What whoever asked for it called it; `None` where only its summary was read.
    pub reference: Option<String>,
    /// The paths; none where only its summary was read.
    pub paths: Vec<String>,
}

impl Invalidation {
    /// Whether it has not ended.
    pub fn in_progress(&self) -> bool {
        self.status != "Completed"
    }
}

/// Whether a path stands for many files: CloudFront takes `*` at the end only.
pub fn is_wildcard(path: &str) -> bool {
    path.ends_with('*')
}

/// Wildcard paths that may be in progress at once for a distribution.
pub const MOST_WILDCARDS: usize = 15;
/// Files that may be in progress at once for a distribution.
pub const MOST_FILES: usize = 3_000;

/// An invalidation as a receipt names it: `DISTRIBUTION/INVALIDATION`, for CloudFront finds it by both only.
pub fn parse_reference(reference: &str) -> Option<(&str, &str)> {
    let (distribution, id) = reference.split_once('/')?;
    let plain = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric());
    (plain(distribution) && plain(id)).then_some((distribution, id))
}

/// A continuous-deployment policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ContinuousDeployment {
    /// Id.
    pub id: String,
    /// Whether it takes effect.
    pub enabled: bool,
    /// Share of the staging distribution, 0.0 to 0.15; `None` for a header policy.
    pub weight: Option<f64>,
    /// Header name, for a header policy.
    pub header: Option<String>,
    /// Domain names of the staging distribution.
    pub staging_domains: Vec<String>,
}

/// Key of a series of a distribution; `what` is `requests`, `5xx-rate` or `hit-rate`.
pub fn distribution_key(id: &str, what: &str) -> String {
    format!("distribution/{id}/{what}")
}

impl Distribution {
    /// What is wrong with it.
    pub(super) fn judge(&self) -> Judgement {
        let http3 = self
            .http_version
            .as_deref()
            .is_some_and(|version| version.to_lowercase().contains('3'));
        if !self.enabled {
            Judgement::new(Severity::Warn, format!("{} is disabled", self.id))
        } else if http3 && self.policy.as_ref().is_some_and(|policy| policy.enabled) {
            Judgement::new(
                Severity::Warn,
                format!(
                    "{} allows HTTP/3, with which continuous deployment does not work",
                    self.id
                ),
            )
        } else {
            Judgement::ok()
        }
    }

    /// Requests and errors; they are published in us-east-1 with the Region `Global`.
    pub(super) fn series(&self) -> Vec<SeriesSpec> {
        let dimensions = [("DistributionId", self.id.as_str()), ("Region", "Global")];
        let of = |what: &str, name: &str, stat| {
            SeriesSpec::new(
                distribution_key(&self.id, what),
                "AWS/CloudFront",
                name,
                &dimensions,
                stat,
            )
        };
        vec![
            of("requests", "Requests", Stat::Sum),
            of("5xx-rate", "5xxErrorRate", Stat::Average),
            // One of the additional metrics, which the owner of the distribution enables.
            of("hit-rate", "CacheHitRate", Stat::Average),
        ]
    }
}
