//! How a run that nobody watches ended. Owns which phase is which verdict; drives nothing.

use super::Verdict;
use crate::plan::{
    entry::{Ending, Outcome},
    run::{Phase, Run},
};

/// How a run ended, once it cannot go on without somebody who decides.
pub fn verdict(run: Option<&Run>) -> Option<Verdict> {
    let run = run?;
    let last = run.progress.get(run.at);
    match &run.phase {
        Phase::Ended { ending, text } => Some(match ending {
            Ending::Done => Verdict::Done,
            Ending::Refused => Verdict::Refused(vec![text.clone()]),
            Ending::Aborted | Ending::RolledBack | Ending::SteppedBack => {
                Verdict::Interrupted(text.clone())
            }
        }),
        Phase::Halted { why } => Some(match last.and_then(|progress| progress.outcome) {
            Some(Outcome::NotTaken) => Verdict::NotTaken(why.clone()),
            Some(Outcome::Unknown) => Verdict::Unknown(why.clone()),
            // It was sent and the API refused it.
            Some(Outcome::Verified) | None
                if last.is_some_and(|progress| progress.sent.is_some()) =>
            {
                Verdict::Failed(why.clone())
            }
            Some(Outcome::Verified) | None => Verdict::Interrupted(why.clone()),
        }),
        Phase::Held => Some(Verdict::Interrupted("held by the operator".to_owned())),
        Phase::Locking
        | Phase::Opening
        | Phase::Checking { .. }
        | Phase::Journaling { .. }
        | Phase::Applying { .. }
        | Phase::Verifying { .. }
        | Phase::Waiting { .. }
        | Phase::Pausing { .. } => None,
    }
}
