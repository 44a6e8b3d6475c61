//! A scenario file as it is written, with the position of each value. Owns the field names; knows no meaning.

use std::{collections::BTreeMap, ops::Range};

use serde::Deserialize;
use toml::Spanned;

use crate::resources::estate::RegionRole;

/// The keys at the top of the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    pub name: Spanned<String>,
    pub title: String,
    #[serde(default)]
    pub description: String,
    #[serde(default)]
    pub goals: Vec<String>,
    #[serde(default = "one")]
    pub seed: u64,
    pub duration: Spanned<u32>,
}

fn one() -> u64 {
    1
}

/// `[estate]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Estate {
    pub environment: Option<String>,
    #[serde(default)]
    pub regions: Vec<Region>,
    pub generate: Option<Spanned<usize>>,
    pub rows: Option<Spanned<u32>>,
    #[serde(default)]
    pub mesh: bool,
    #[serde(default)]
    pub spanning: bool,
    #[serde(default)]
    pub prometheus: bool,
}

/// `[[estate.regions]]`.
#[allow(clippy::struct_field_names)] // the word of the estate, here and in the configuration
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Region {
    pub label: Spanned<String>,
    pub aws_region: Option<String>,
    #[serde(default)]
    pub role: RegionRole,
    pub load_rps: Spanned<f64>,
    pub capacity_rps: Option<Spanned<f64>>,
    pub p95_ms: Option<Spanned<f64>>,
}

/// The names of faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Name {
    RegionDown,
    ServiceErrors,
    AzLoss,
    WriterCrash,
    SourceLost,
    ReplicationConflict,
    Partition,
    StaleTelemetry,
    MetricsMissing,
    CanaryBad,
    RouteCanaryBad,
    Throttle,
    Hang,
    Slow,
    Deny,
    Expire,
    Fail,
    Partial,
    ApplicationDown,
    WriteThrottle,
    WriteDeny,
    WriteUnanswered,
    WriteAnswerLost,
    WriteLie,
    WriteHang,
    WriteLate,
    Release,
    Push,
    ExternalChange,
    Heal,
}

impl Name {
    /// As the file spells it.
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::RegionDown => "region-down",
            Self::ServiceErrors => "service-errors",
            Self::AzLoss => "az-loss",
            Self::WriterCrash => "writer-crash",
            Self::SourceLost => "source-lost",
            Self::ReplicationConflict => "replication-conflict",
            Self::Partition => "partition",
            Self::StaleTelemetry => "stale-telemetry",
            Self::MetricsMissing => "metrics-missing",
            Self::CanaryBad => "canary-bad",
            Self::RouteCanaryBad => "route-canary-bad",
            Self::Throttle => "throttle",
            Self::Hang => "hang",
            Self::Slow => "slow",
            Self::Deny => "deny",
            Self::Expire => "expire",
            Self::Fail => "fail",
            Self::Partial => "partial",
            Self::ApplicationDown => "application-down",
            Self::WriteThrottle => "write-throttle",
            Self::WriteDeny => "write-deny",
            Self::WriteUnanswered => "write-unanswered",
            Self::WriteAnswerLost => "write-answer-lost",
            Self::WriteLie => "write-lie",
            Self::WriteHang => "write-hang",
            Self::WriteLate => "write-late",
            Self::Release => "release",
            Self::Push => "push",
            Self::ExternalChange => "external-change",
            Self::Heal => "heal",
        }
    }
}

/// `[[timeline]]`. Which fields belong to which fault is checked afterwards, so that the message can say so.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Cue {
    pub at: Spanned<u32>,
    pub fault: Spanned<Name>,
    #[serde(rename = "for")]
    pub lasts: Option<Spanned<u32>>,
    pub region: Option<Spanned<String>>,
    pub between: Option<Spanned<Vec<String>>>,
    pub share: Option<Spanned<f64>>,
    pub api: Option<Spanned<String>>,
    pub place: Option<Spanned<String>>,
    pub times: Option<Spanned<u32>>,
    pub delay: Option<Spanned<u32>>,
    pub service: Option<Spanned<String>>,
    pub version: Option<Spanned<String>>,
    pub outcome: Option<Spanned<String>>,
    pub weights: Option<Spanned<BTreeMap<String, u8>>>,
    pub dials: Option<Spanned<BTreeMap<String, f64>>>,
    pub controls: Option<Spanned<BTreeMap<String, bool>>>,
    pub canary: Option<Spanned<BTreeMap<String, f64>>>,
    pub alias: Option<Spanned<BTreeMap<String, f64>>>,
    pub staging: Option<Spanned<f64>>,
    pub switch_over_to: Option<Spanned<String>>,
    pub fail_over_to: Option<Spanned<String>>,
    pub promote: Option<Spanned<String>>,
    pub cache_primary: Option<Spanned<String>>,
    pub route: Option<Spanned<BTreeMap<String, f64>>>,
}

impl Cue {
    /// The optional fields by name, with the position of those that are given.
    pub(super) fn given(&self) -> [(&'static str, Option<Range<usize>>); 22] {
        fn span<T>(value: Option<&Spanned<T>>) -> Option<Range<usize>> {
            value.map(Spanned::span)
        }
        [
            ("for", span(self.lasts.as_ref())),
            ("region", span(self.region.as_ref())),
            ("between", span(self.between.as_ref())),
            ("share", span(self.share.as_ref())),
            ("api", span(self.api.as_ref())),
            ("place", span(self.place.as_ref())),
            ("times", span(self.times.as_ref())),
            ("delay", span(self.delay.as_ref())),
            ("service", span(self.service.as_ref())),
            ("version", span(self.version.as_ref())),
            ("outcome", span(self.outcome.as_ref())),
            ("weights", span(self.weights.as_ref())),
            ("dials", span(self.dials.as_ref())),
            ("controls", span(self.controls.as_ref())),
            ("canary", span(self.canary.as_ref())),
            ("alias", span(self.alias.as_ref())),
            ("staging", span(self.staging.as_ref())),
            ("switch-over-to", span(self.switch_over_to.as_ref())),
            ("fail-over-to", span(self.fail_over_to.as_ref())),
            ("promote", span(self.promote.as_ref())),
            ("cache-primary", span(self.cache_primary.as_ref())),
            ("route", span(self.route.as_ref())),
        ]
    }
}
