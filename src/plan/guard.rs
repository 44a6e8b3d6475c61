//! Guards: what must be true before anything is changed (domain C). Owns the list, the verdicts, and which of them block; each guard's rule lives in `guard/`.

mod admission;
mod answers;
mod back;
mod busy;
mod candidates;
mod cost;
mod finding;
mod health;
mod lag;
mod moved;
mod nodes;
mod origins;
mod outlook;
mod owners;
mod quorum;
mod receivers;
mod residency;
mod rules;
mod sample;
mod serving;
mod session;
mod snapshot;
mod soak;
mod stores;
mod traffic;
mod weights;
mod workloads;
mod writers;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use self::outlook::gets;
use super::{Plan, Step, beside::Beside, ledger::Ledger};
use crate::resources::Fleet;

macro_rules! guards {
    ($($variant:ident, $id:literal, $power:ident, $doc:literal;)*) => {
        /// A guard.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum GuardId { $(#[doc = $doc] #[serde(rename = $id)] $variant,)* }

        impl GuardId {
            /// Every guard.
            pub const ALL: &'static [GuardId] = &[$(GuardId::$variant,)*];

            /// Its name: `G-LAST`.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $id,)* }
            }

            /// What it asks, in one line.
            pub fn doc(self) -> &'static str {
                match self { $(Self::$variant => $doc,)* }
            }

            /// Whether somebody may override it.
            pub fn power(self) -> Power {
                match self { $(Self::$variant => Power::$power,)* }
            }
        }
    };
}

/// Whether a guard can be overridden.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Power {
    /// By nobody.
    Absolute,
    /// By its name, with a typed reason that lands in the journal.
    Overridable,
    /// It only warns.
    Advisory,
}

guards! {
    Last, "G-LAST", Absolute, "Another region keeps serving: it has a share, healthy targets and a database";
    Zero, "G-ZERO", Absolute, "No set of weights becomes all zero, not even between two steps";
    Split, "G-SPLIT", Absolute, "There are never two writers by our hand";
    Blast, "G-BLAST", Absolute, "A drain concerns one region";
    Owner, "G-OWNER", Overridable, "No controller owns what is changed and puts it back";
    Capacity, "G-CAP", Overridable, "The receivers have room for what they get";
    Health, "G-HEALTH", Overridable, "The receivers are healthy";
    Alarm, "G-ALARM", Overridable, "No alarm is on in the receivers";
    Stale, "G-STALE", Overridable, "What the plan builds on was seen a moment ago";
    Lag, "G-LAG", Overridable, "Replication is close enough behind";
    Writer, "G-WRITER", Overridable, "The writer is not left behind in a region without traffic";
    Lock, "G-LOCK", Overridable, "Nobody else is acting on the same things";
    Freeze, "G-FREEZE", Overridable, "No change freeze is in force";
    Credentials, "G-CRED", Overridable, "The credentials last longer than the plan";
    Clock, "G-CLOCK", Overridable, "The clock is right";
    Abort, "G-ABORT", Overridable, "What would stop the plan can be seen";
    Quorum, "G-QUORUM", Overridable, "That a region is dead is said by two independent signals";
    Residency, "G-RES", Overridable, "Data is served only where its class is allowed";
    Sample, "G-SAMPLE", Overridable, "Enough users have seen a canary before it is raised";
    Soak, "G-SOAK", Overridable, "Every earlier region of the order has the release, and has soaked without trigger";
    Version, "G-VERSION", Overridable, "Versions match";
    Admission, "G-ADMIT", Overridable, "The API servers would take it: rehearsed there (dry run)";
    ControlPlane, "G-CP", Overridable, "The control plane that is needed works";
    Step, "G-STEP", Advisory, "Steps are small and paced";
    Ttl, "G-TTL", Advisory, "Resolvers forget soon";
    TargetHealth, "G-ETH", Advisory, "What target health does to the answers is known";
    Return, "G-RETURN", Advisory, "Nothing brings the traffic back by itself";
    Orphan, "G-ORPHAN", Advisory, "Nothing from earlier plans is left over";
    Work, "G-WORK", Advisory, "No work in flight is lost";
    Cost, "G-COST", Advisory, "What it costs is known and little";
}

/// What a guard says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It holds.
    Pass,
    /// It holds, and something should be known.
    Warn,
    /// It cannot be told: missing or old data. Blocks.
    Unknown,
    /// It does not hold. Blocks.
    Fail,
}

impl Verdict {
    /// In one word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Warn => "WARN",
            Self::Unknown => "UNKNOWN",
            Self::Fail => "FAIL",
        }
    }
}

/// A judged guard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guard {
    /// Which.
    pub id: GuardId,
    /// What it says.
    pub verdict: Verdict,
    /// What it saw: value, threshold, age.
    pub evidence: String,
    /// What would make it pass; empty where it does.
    pub remedy: String,
}

impl Guard {
    /// A guard that holds.
    pub fn pass(id: GuardId, evidence: impl Into<String>) -> Self {
        Self {
            id,
            verdict: Verdict::Pass,
            evidence: evidence.into(),
            remedy: String::new(),
        }
    }

    /// A guard that does not, or only just.
    pub fn new(
        id: GuardId,
        verdict: Verdict,
        evidence: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            id,
            verdict,
            evidence: evidence.into(),
            remedy: remedy.into(),
        }
    }

    /// Whether it blocks, given what was overridden. An advisory guard never does, an absolute one always.
    pub fn blocks(&self, overrides: &Overrides) -> bool {
        match (self.verdict, self.id.power()) {
            (Verdict::Pass | Verdict::Warn, _) | (_, Power::Advisory) => false,
            (Verdict::Fail | Verdict::Unknown, Power::Absolute) => true,
            (Verdict::Fail | Verdict::Unknown, Power::Overridable) => {
                !overrides.contains_key(&self.id)
            }
        }
    }
}

/// Guards that somebody overrode by name, with the typed reason.
pub type Overrides = BTreeMap<GuardId, String>;

/// What guards are judged on.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// Everything known now.
    pub fleet: &'a Fleet,
    /// The plan.
    pub plan: &'a Plan,
    /// The steps that have not been carried out.
    pub ahead: &'a [Step],
    /// What the journal says.
    pub ledger: &'a Ledger,
    /// The other runs that are not over.
    pub beside: &'a [Beside<'a>],
}

/// Judges guards, the gravest first. What the remaining changes would do is imagined once for all of them.
pub fn judge(subject: Subject<'_>, ids: &[GuardId]) -> Vec<Guard> {
    let outlook = outlook::Outlook::of(subject);
    let mut guards: Vec<Guard> = ids.iter().map(|id| rules::judge(*id, &outlook)).collect();
    guards.sort_by(|a, b| b.verdict.cmp(&a.verdict).then(a.id.cmp(&b.id)));
    guards
}

#[cfg(test)]
mod tests;
