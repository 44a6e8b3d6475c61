//! G-ADMIT: whether the API servers would take what a plan changes, as far as they were asked in advance. Owns no question; every change is judged by its API again when it is sent.

use super::{Guard, GuardId, finding::Findings, outlook::Outlook};
use crate::{
    plan::Step,
    resources::{ErrorClass, ProviderError, rehearsal::Rehearsal},
};

/// What an API server says to an eviction that no disruption budget allows now.
const BUDGET: &str = "disruption budget";

/// G-ADMIT.
pub fn admission(outlook: &Outlook<'_>) -> Guard {
    let mut found = Findings::default();
    let fleet = outlook.fleet;
    let (mut accepted, mut later) = (0_usize, 0_usize);
    for step in outlook.ahead {
        let Some(change) = step.change().filter(|change| Rehearsal::possible(change)) else {
            continue;
        };
        match fleet
            .rehearsals
            .of(change, fleet.now)
            .map(|known| &known.said)
        {
            None => later += 1,
            Some(Rehearsal::Accepted) => accepted += 1,
            Some(Rehearsal::Refused(error)) => refused(step, error, &mut found),
            Some(Rehearsal::Unheard(error)) => unheard(step, error, &mut found),
        }
    }
    if accepted > 0 {
        let changes = changes(accepted);
        found.pass(format!("the API server takes {changes} (dry run)"));
    }
    if later > 0 {
        let changes = changes(later);
        found.pass(format!(
            "{changes} not asked about yet: that is done once armed, by `apply` too, and for some only when what comes before is done"
        ));
    }
    found.guard(GuardId::Admission, "nothing that it does can be rehearsed")
}

fn changes(count: usize) -> String {
    match count {
        1 => "1 change".to_owned(),
        many => format!("{many} changes"),
    }
}

/// What the step would be told.
fn refused(step: &Step, error: &ProviderError, found: &mut Findings) {
    let remedy = match error.class {
        ErrorClass::Denied => "get the permission, then plan again",
        ErrorClass::Conflict => "look at what is there now, then plan again",
        ErrorClass::NotFound
        | ErrorClass::Terminal
        | ErrorClass::Transient
        | ErrorClass::Throttled
        | ErrorClass::Timeout
        | ErrorClass::Unreachable
        | ErrorClass::Identity
        | ErrorClass::Skipped => "mend what refuses it, then plan again",
    };
    found.fail(
        format!("refused in a dry run: {}: {}", step.title, error.message),
        remedy,
    );
}

/// Nobody said no, and nobody said yes.
fn unheard(step: &Step, error: &ProviderError, found: &mut Findings) {
    let title = &step.title;
    if error.class == ErrorClass::Throttled && error.message.contains(BUDGET) {
        found.warn(
            format!("no disruption budget to spare now: {title}"),
            "its step asks again until there is, or until its time is over",
        );
        return;
    }
    let (word, message) = (error.class.word(), &error.message);
    found.warn(
        format!("{title}: a dry run got no answer, {word} ({message})"),
        "its step will tell",
    );
}
