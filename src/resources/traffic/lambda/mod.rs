//! Versions behind Lambda aliases: the model and their series. Holds only aliases that split traffic between versions.

pub mod live;
pub mod write;

use serde::{Deserialize, Serialize};

use crate::resources::metrics::{SeriesSpec, Stat};

/// A version behind a Lambda alias.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AliasVersion {
    /// Function name.
    pub function: String,
    /// Alias name.
    pub alias: String,
    /// ARN of the alias.
    pub alias_arn: Option<String>,
    /// Version that gets the share.
    pub version: String,
    /// Whether it is the one that the alias itself names; the others get a share of its traffic. A change never moves it.
    #[serde(default)]
    pub main: bool,
    /// 0.0 to 1.0.
    pub weight: f64,
    /// The compare-and-set token.
    pub revision_id: Option<String>,
}

/// Key of a series of a version behind an alias; `what` is `invocations`, `errors` or `p95` (in milliseconds).
pub fn alias_key(function: &str, alias: &str, version: &str, what: &str) -> String {
    format!("alias/{function}:{alias}/{version}/{what}")
}

impl AliasVersion {
    /// What the verdict on a canary needs, per executed version.
    pub(super) fn series(&self) -> Vec<SeriesSpec> {
        let resource = format!("{}:{}", self.function, self.alias);
        let dimensions = [
            ("FunctionName", self.function.as_str()),
            ("Resource", resource.as_str()),
            ("ExecutedVersion", self.version.as_str()),
        ];
        let of = |what: &str, name: &str, stat| {
            let key = alias_key(&self.function, &self.alias, &self.version, what);
            SeriesSpec::new(key, "AWS/Lambda", name, &dimensions, stat)
        };
        vec![
            of("invocations", "Invocations", Stat::Sum),
            of("errors", "Errors", Stat::Sum),
            of("p95", "Duration", Stat::P95),
        ]
    }
}
