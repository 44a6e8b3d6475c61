//! What an API said to a change that it was asked to judge and not to keep: the server-side dry run of Kubernetes (`dryRun=All`).
//! Owns which changes have one and what an answer to it means; asks nobody, and never stands for the change itself.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Api, Change, ErrorClass, ProviderError, age,
    change::{Alter, ApplyError, Receipt},
};

/// How long what an API said is held against a plan: as long as a plan may be confirmed. Each plan is rehearsed anew.
const HOLDS: Duration = Duration::from_secs(120);
/// How many are remembered: more than the steps of any plan.
const MOST: usize = 64;
/// What an API server says where one of its webhooks has side effects that it cannot leave out.
const UNABLE: &str = "does not support dry run";
/// What it says where a webhook that must let everything pass does not answer: it would say the same to the change.
const MUTE: &str = "failed calling webhook";

/// What came of a rehearsal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "said", content = "error", rename_all = "snake_case")]
pub enum Rehearsal {
    /// Permissions, validation, quotas and admission webhooks let it pass.
    Accepted,
    /// It would be refused.
    Refused(ProviderError),
    /// Nobody said anything about it: no answer, or an API that cannot rehearse it.
    Unheard(ProviderError),
}

impl Rehearsal {
    /// Whether a change can be rehearsed at all (domain B.0): the API servers of Kubernetes can, nothing else that we change.
    pub fn possible(change: &Change) -> bool {
        change.api() == Api::Kubernetes
    }

    /// What comes of a change that cannot be rehearsed: nobody may be asked about it, for the question would be the change.
    pub fn impossible(change: &Change) -> Self {
        let text = "this API rehearses nothing";
        Self::Unheard(ProviderError::new(
            ErrorClass::Skipped,
            change.operation(),
            text,
        ))
    }

    /// What the answer to a rehearsed change means.
    pub fn of(result: Result<Receipt, ApplyError>) -> Self {
        let error = match result {
            Ok(_) => return Self::Accepted,
            Err(failed) => failed.error,
        };
        match error.class {
            ErrorClass::Terminal if error.message.contains(UNABLE) => Self::Unheard(error),
            ErrorClass::Transient if error.message.contains(MUTE) => Self::Refused(error),
            ErrorClass::Denied
            | ErrorClass::NotFound
            | ErrorClass::Conflict
            | ErrorClass::Terminal => Self::Refused(error),
            ErrorClass::Throttled
            | ErrorClass::Transient
            | ErrorClass::Timeout
            | ErrorClass::Unreachable
            | ErrorClass::Identity
            | ErrorClass::Skipped => Self::Unheard(error),
        }
    }
}

/// What was rehearsed, each change once.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rehearsals(Vec<Rehearsed>);

/// One of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Rehearsed {
    change: Change,
    /// What came of it.
    pub said: Rehearsal,
    /// When.
    pub at: Timestamp,
}

impl Rehearsals {
    /// Takes one in, in the place of an older one.
    pub fn note(&mut self, change: &Change, said: Rehearsal, at: Timestamp) {
        self.0.retain(|known| known.change != *change);
        if self.0.len() >= MOST {
            self.0.remove(0);
        }
        let change = change.clone();
        self.0.push(Rehearsed { change, said, at });
    }

    /// What was said about a change a moment ago.
    pub fn of(&self, change: &Change, now: Timestamp) -> Option<&Rehearsed> {
        let known = self.0.iter().find(|known| known.change == *change)?;
        (age(known.at, now) <= HOLDS).then_some(known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::{change::Fate, deployments};

    fn pause(name: &str) -> Change {
        Change::Deployments(deployments::Change::Pause {
            at: deployments::At {
                region: crate::resources::RegionLabel::new("eu-west-1").unwrap(),
                cluster: "shop".to_owned(),
                namespace: "shop".to_owned(),
                name: name.to_owned(),
            },
            from: false,
            to: true,
        })
    }

    fn failed(class: ErrorClass, text: &str) -> Rehearsal {
        Rehearsal::of(Err(ApplyError {
            fate: Fate::Refused,
            error: ProviderError::new(class, "kubernetes:PatchDeployments", text),
        }))
    }

    #[test]
    fn a_no_is_told_from_no_answer() {
        let webhook = "admission webhook \"policy.example.com\" denied the request: no owner label";
        for class in [
            ErrorClass::Denied,
            ErrorClass::NotFound,
            ErrorClass::Conflict,
            ErrorClass::Terminal,
        ] {
            assert!(
                matches!(failed(class, webhook), Rehearsal::Refused(_)),
                "{class:?}"
            );
        }
        for class in [
            ErrorClass::Timeout,
            ErrorClass::Transient,
            ErrorClass::Identity,
        ] {
            assert!(
                matches!(failed(class, ""), Rehearsal::Unheard(_)),
                "{class:?}"
            );
        }
        let unable = "admission webhook \"old.example.com\" does not support dry run";
        assert!(matches!(
            failed(ErrorClass::Terminal, unable),
            Rehearsal::Unheard(_)
        ));
        let mute = "Internal error occurred: failed calling webhook \"guard.example.com\": failed to call webhook: connection refused";
        assert!(matches!(
            failed(ErrorClass::Transient, mute),
            Rehearsal::Refused(_)
        ));
    }

    #[test]
    fn what_was_said_is_of_one_change_and_is_forgotten_in_time() {
        let at = Timestamp::UNIX_EPOCH;
        let later = |seconds| at + jiff::SignedDuration::from_secs(seconds);
        let mut known = Rehearsals::default();
        known.note(&pause("api"), Rehearsal::Accepted, at);
        assert_eq!(known.of(&pause("web"), at), None);
        assert!(known.of(&pause("api"), later(120)).is_some());
        assert_eq!(known.of(&pause("api"), later(121)), None);
        known.note(&pause("api"), failed(ErrorClass::Denied, ""), later(700));
        let said = known.of(&pause("api"), later(700)).map(|known| &known.said);
        assert!(matches!(said, Some(Rehearsal::Refused(_))));
        for index in 0..100 {
            known.note(&pause(&index.to_string()), Rehearsal::Accepted, at);
        }
        assert_eq!(known.0.len(), MOST);
    }

    #[test]
    fn a_question_that_failed_is_told_and_not_left_open() {
        use crate::resources::{Fleet, Query, Source, Wanted, fixtures as f};
        let mut fleet = Fleet::new(std::sync::Arc::new(f::estate(&["eu-west-1"])), f::now());
        let change = pause("api");
        let query = Query {
            source: Source::Deployments,
            place: f::place("eu-west-1"),
            wanted: Wanted::Rehearsal(Box::new(change.clone())),
            read: Query::ASIDE,
        };
        let error = ProviderError::new(ErrorClass::Timeout, "kubernetes:ListDeployments", "");
        fleet.reject(&query, error);
        let said = fleet
            .rehearsals
            .of(&change, f::now())
            .map(|known| &known.said);
        assert!(matches!(said, Some(Rehearsal::Unheard(_))), "{said:?}");
    }
}
