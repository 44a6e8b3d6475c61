//! Journal entries: what we did to the world, and what we refused to do. Owns their meaning; the runtime writes them, hash-chained, and they are never replayed.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Guard, GuardId, Intent, Plan, guard::Overrides};
use crate::resources::{
    Change,
    change::{ApplyError, Receipt},
};

/// One entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// The run that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// The step of that run, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<usize>,
    /// What happened.
    #[serde(flatten)]
    pub what: What,
}

/// What became of a change, judged by an independent read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A read showed it.
    Verified,
    /// A read showed that it did not happen.
    NotTaken,
    /// It may have happened.
    Unknown,
}

impl Outcome {
    /// In capitals, as on the screen.
    pub fn word(self) -> &'static str {
        match self {
            Self::Verified => "VERIFIED",
            Self::NotTaken => "NOT TAKEN",
            Self::Unknown => "UNKNOWN",
        }
    }
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// Every step was carried out.
    Done,
    /// It stopped where it was; what was done stays.
    Aborted,
    /// What was done is undone.
    RolledBack,
    /// It went back one step and stopped.
    SteppedBack,
    /// It never began: a lock, the journal.
    Refused,
}

impl Ending {
    /// In words.
    pub fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Aborted => "aborted",
            Self::RolledBack => "rolled back",
            Self::SteppedBack => "stepped back",
            Self::Refused => "refused",
        }
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "kebab-case")]
pub enum What {
    /// The console was armed.
    Armed {
        /// Why.
        reason: String,
        /// Until when.
        until: Timestamp,
    },
    /// It was disarmed.
    Disarmed,
    /// A plan was not carried out.
    Refused {
        /// What was asked for.
        intent: Box<Intent>,
        /// The hash of the plan, where there was one.
        #[serde(rename = "plan_hash")]
        hash: Option<String>,
        /// Why.
        reasons: Vec<String>,
    },
    /// A plan was confirmed.
    Confirmed {
        /// The plan.
        plan: Box<Plan>,
        /// Its hash.
        #[serde(rename = "plan_hash")] // a journal line has a `hash` of its own
        hash: String,
        /// The guards as they were.
        guards: Vec<Guard>,
        /// What was overridden, with the typed reasons.
        overrides: Overrides,
        /// What was typed.
        typed: String,
        /// Why the console was armed.
        reason: String,
    },
    /// A change is about to be sent. Whoever reads this without an outcome after it is in doubt.
    Sending {
        /// The step in words.
        title: String,
        /// The change.
        change: Change,
    },
    /// The API accepted it.
    Accepted {
        /// The receipt.
        receipt: Receipt,
    },
    /// The API did not.
    Rejected {
        /// Why, and whether it may have happened.
        error: ApplyError,
    },
    /// What became of a change.
    Concluded {
        /// The outcome.
        outcome: Outcome,
        /// What the read showed.
        evidence: String,
    },
    /// A wait ended.
    Waited {
        /// What was seen.
        evidence: String,
    },
    /// The run holds.
    Held {
        /// Why.
        why: String,
    },
    /// A guard that stopped it was overridden.
    Overridden {
        /// Which.
        guard: GuardId,
        /// Why, as typed.
        reason: String,
    },
    /// It goes on.
    Resumed,
    /// It goes back.
    GoingBack {
        /// Why.
        why: String,
    },
    /// It ended.
    Ended {
        /// How.
        ending: Ending,
        /// In words.
        text: String,
    },
    /// An interrupted run was looked at by a person, who says that nothing more is to be done.
    Settled {
        /// What they say.
        note: String,
    },
}
