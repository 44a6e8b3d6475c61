//! Plans: what will be done, in which order, with what is expected before and after each step. Owns the frozen plan and its hash; decides nothing, sends nothing, knows no clock.

pub mod beside;
pub mod canaries;
mod differ;
pub mod entry;
pub mod forecast;
pub mod gate;
pub mod guard;
pub mod intent;
pub mod ledger;
pub mod raise;
pub mod run;
pub mod step;

use std::{collections::BTreeMap, time::Duration};

use aws_lc_rs::digest::{Context, SHA256};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use self::forecast::Forecast;
pub use self::{
    guard::{Guard, GuardId, Verdict},
    step::{Step, Wait, Work},
};
use crate::resources::{
    Api, Change, Fleet, RegionLabel,
    change::{Alter, Class},
    rehearsal::Rehearsal,
};

/// How long a plan may be confirmed after it was made.
pub const LIFE: Duration = Duration::from_secs(120);

/// What the operator asked for. Everything else in a plan follows from it and the fleet.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Intent {
    /// Name of the action: `drain-region`.
    pub action: String,
    /// What it is for: a region label, the key of a split, a cluster.
    pub target: String,
    /// How.
    #[serde(default)]
    pub options: Options,
}

/// How an action is wanted. An option that an action does not know is a refusal, never ignored.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// An emergency: no pacing. Never skips an absolute guard.
    #[serde(skip_serializing_if = "is_default")]
    pub now: bool,
    /// Percent wanted for the target: 0 to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percent: Option<f64>,
    /// Weights wanted by member.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub weights: BTreeMap<String, u32>,
    /// Where the writer or primary shall be, or to which instance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Which run is undone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// Seconds to watch after each step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bake_seconds: Option<u64>,
    /// Minutes after which what is done should be ended: a drain, a mute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minutes: Option<u64>,
    /// Names: alarms, paths.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// Nodes wanted at least.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nodes: Option<i32>,
}

impl Options {
    /// Names of the options that were given.
    pub fn given(&self) -> Vec<&'static str> {
        let given = [
            ("now", self.now),
            ("percent", self.percent.is_some()),
            ("weights", !self.weights.is_empty()),
            ("to", self.to.is_some()),
            ("run", self.run.is_some()),
            ("bake", self.bake_seconds.is_some()),
            ("minutes", self.minutes.is_some()),
            ("names", !self.names.is_empty()),
            ("nodes", self.nodes.is_some()),
        ];
        given
            .into_iter()
            .filter(|(_, given)| *given)
            .map(|(name, _)| name)
            .collect()
    }
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde's signature
fn is_default(value: &bool) -> bool {
    !value
}

/// How much a plan can hurt, which decides how it is confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Blast {
    /// Reversible, one object: `y`.
    L1,
    /// The name of the target is typed.
    L2,
    /// The region and the share that moves are typed.
    L3,
}

/// What a breached gate does while a plan runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnBreach {
    /// Goes back one step by itself: canaries and restores.
    StepBack,
    /// Holds and asks: going back would send users into a sick region.
    Hold,
}

/// What stays when a plan is done, until somebody ends it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mark", rename_all = "kebab-case")]
pub enum Mark {
    /// A region without traffic.
    Drained {
        /// Which.
        region: RegionLabel,
    },
    /// A region that takes traffic again.
    Restored {
        /// Which.
        region: RegionLabel,
    },
    /// Something that must not be forgotten: muted alarms, raised minimums, inverted checks.
    Orphan {
        /// What.
        what: String,
    },
}

/// A frozen plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// What was asked for.
    pub intent: Intent,
    /// In words: `Drain eu-west-1`.
    pub title: String,
    /// The environment of the estate.
    pub environment: String,
    /// The account that the caller belongs to, where that is known.
    pub account: Option<String>,
    /// When it was made.
    pub made_at: Timestamp,
    /// What is done, in order.
    pub steps: Vec<Step>,
    /// The regions that will get the traffic.
    pub forecast: Vec<Forecast>,
    /// What the operator should know.
    pub remarks: Vec<String>,
    /// How much it can hurt.
    pub blast: Blast,
    /// What is typed to confirm it; empty for L1.
    pub phrase: String,
    /// What is typed besides, where data is lost or nothing undoes it; empty otherwise.
    pub loss_phrase: String,
    /// What a breached gate does.
    pub on_breach: OnBreach,
    /// What stays when it is done.
    pub marks: Vec<Mark>,
    /// When what stays should be ended.
    pub until: Option<Timestamp>,
}

impl Plan {
    /// The hash of what will be done: the same fleet and intent give the same hash, whoever asks and when.
    /// Measured values (forecast, remarks, the baseline of a tail) and times are not part of it.
    pub fn hash(&self) -> String {
        let steps: Vec<Step> = self.steps.iter().map(Step::essence).collect();
        let essence = serde_json::json!([
            self.intent,
            self.environment,
            self.account,
            steps,
            self.phrase,
            self.loss_phrase,
            self.on_breach,
            self.marks,
        ]);
        digest(essence.to_string().as_bytes())
    }

    /// Whether it may no longer be confirmed. A clock that went back does not make a plan young.
    pub fn expired(&self, now: Timestamp) -> bool {
        Duration::try_from(now.duration_since(self.made_at)).map_or(true, |age| age > LIFE)
    }

    /// The changes, in order.
    pub fn changes(&self) -> impl Iterator<Item = &Change> {
        self.steps.iter().filter_map(Step::change)
    }

    /// The account as it is told, in these words where it is not known; `None` where only clusters are changed and no account is theirs.
    pub fn account_or<'a>(&'a self, unknown: &'a str) -> Option<&'a str> {
        let clusters_only = self.changes().all(|change| change.api() == Api::Kubernetes);
        let unknown = (!clusters_only).then_some(unknown);
        self.account.as_deref().or(unknown)
    }

    /// The gravest class of its changes.
    pub fn class(&self) -> Class {
        self.changes().map(Alter::class).max().unwrap_or(Class::S)
    }

    /// How long it takes if everything goes well.
    pub fn expected(&self) -> Duration {
        self.steps
            .iter()
            .map(|step| Duration::from_secs(step.expected_seconds))
            .sum()
    }

    /// The guards that concern it: those of its steps, each once.
    pub fn guards(&self) -> Vec<GuardId> {
        let mut ids: Vec<GuardId> = self
            .steps
            .iter()
            .flat_map(|step| step.guards.iter().copied())
            .collect();
        let mut changes = self.steps.iter().filter_map(Step::change);
        if changes.any(Rehearsal::possible) {
            ids.push(GuardId::Admission);
        }
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// What it locks: nobody else on this host may change the same things meanwhile.
    pub fn targets(&self) -> Vec<String> {
        let mut targets: Vec<String> = self.changes().map(Alter::target).collect();
        targets.sort_unstable();
        targets.dedup();
        targets
    }

    /// What no longer is as the plan expects it, in words; empty while it can be carried out.
    pub fn drift(&self, fleet: &Fleet) -> Vec<String> {
        use crate::resources::change::Standing;
        // Only the first change of each target sees the world as it is; later ones build on it.
        let mut seen = std::collections::BTreeSet::new();
        let mut drift = Vec::new();
        for change in self.changes().filter(|change| seen.insert(change.target())) {
            match change.standing(fleet) {
                Standing::Before | Standing::After => {}
                Standing::Underway(text) | Standing::Other(text) | Standing::Unknown(text) => {
                    drift.push(text);
                }
            }
        }
        drift
    }
}

/// SHA-256 in lower-case hexadecimal.
pub fn digest(bytes: &[u8]) -> String {
    digest_of(&[bytes])
}

/// The same of parts, one behind the other.
pub fn digest_of(parts: &[&[u8]]) -> String {
    const DIGITS: &str = "0123456789abcdef";
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(part);
    }
    let digest = context.finish();
    let mut text = String::with_capacity(64);
    for byte in digest.as_ref() {
        for digit in [byte >> 4, byte & 15] {
            let digit = usize::from(digit);
            text.push_str(&DIGITS[digit..=digit]);
        }
    }
    text
}
