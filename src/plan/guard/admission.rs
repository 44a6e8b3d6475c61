//! G-ADMIT: whether the API servers would take what a plan changes, as far as they were asked in advance. Owns no question; every change is judged by its API again when it is sent.

use super::{Guard, GuardId, finding::Findings, outlook::Outlook};
use crate::resources::{change::Alter, rehearsal::Rehearsal};

/// G-ADMIT.
pub fn admission(outlook: &Outlook<'_>) -> Guard {
    let mut found = Findings::default();
    let fleet = outlook.fleet;
    let (mut accepted, mut later) = (0_usize, 0_usize);
    for change in outlook
        .changes()
        .filter(|change| Rehearsal::of_any_use(change))
    {
        let Some(known) = fleet.rehearsals.of(change, fleet.now) else {
            later += 1;
            continue;
        };
        let what = change.target();
        match &known.said {
            Rehearsal::Accepted => accepted += 1,
            Rehearsal::Refused(error) => found.fail(
                format!("{what} would be refused: {error}"),
                "mend what refuses it, then plan again",
            ),
            Rehearsal::Unheard(error) => found.warn(
                format!("{what} could not be rehearsed: {error}"),
                "its step will tell",
            ),
        }
    }
    if accepted > 0 {
        found.pass(format!("{accepted} rehearsed on the API server (dry run)"));
    }
    if later > 0 {
        found.pass(format!(
            "{later} not rehearsed: once armed, and when what comes before is done"
        ));
    }
    found.guard(GuardId::Admission, "nothing that it does can be rehearsed")
}
