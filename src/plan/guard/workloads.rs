//! G-OWNER of deployments and their autoscalers: who applies them, and whether what is changed is put back. Owns what each owner leaves alone.

use super::{finding::Findings, outlook::Outlook};
use crate::resources::{
    Change, Source,
    change::Alter,
    deployments::{self, Owner},
};

/// Judges the owner of every deployment that is changed.
pub fn owner(outlook: &Outlook<'_>, found: &mut Findings) {
    for change in outlook.changes() {
        let Change::Deployments(change) = change else {
            continue;
        };
        if outlook.aged(Source::Deployments, &change.place(), found) {
            continue;
        }
        let at = change.at();
        let Some(row) = at.find(outlook.fleet) else {
            found.unknown(
                format!("{} is not listed", at.words()),
                "read it again (:refresh)",
            );
            continue;
        };
        match owner_of(change, row) {
            Some(owner) => judge(&at.words(), owner, unnamed(change), found),
            None => found.pass(format!("nobody but people applies {}", at.words())),
        }
    }
}

/// Who applies what is changed: an autoscaler may be somebody else's than its deployment.
fn owner_of<'a>(
    change: &deployments::Change,
    row: &'a deployments::Deployment,
) -> Option<&'a Owner> {
    match change {
        deployments::Change::Scale { .. } => {
            let scaler = row.autoscaler.as_ref();
            scaler.and_then(|scaler| scaler.owner.as_ref())
        }
        deployments::Change::Pause { .. }
        | deployments::Change::Restart { .. }
        | deployments::Change::Revise { .. }
        | deployments::Change::Image { .. }
        | deployments::Change::Resize { .. } => row.owner.as_ref(),
    }
}

/// Whether a change is of something that is in no chart and no repository, a pause or the note of a restart: those who compare with one leave it alone.
fn unnamed(change: &deployments::Change) -> bool {
    match change {
        deployments::Change::Pause { .. } | deployments::Change::Restart { .. } => true,
        deployments::Change::Revise { .. }
        | deployments::Change::Image { .. }
        | deployments::Change::Scale { .. }
        | deployments::Change::Resize { .. } => false,
    }
}

/// Judges the owner of something that is changed.
pub fn judge(words: &str, owner: &Owner, unnamed: bool, found: &mut Findings) {
    let by = match &owner.name {
        Some(name) => format!("{} {name}", owner.by),
        None => owner.by.clone(),
    };
    let compares = ["Argo CD", "Flux"].contains(&owner.by.as_str());
    if owner.reverts && !(unnamed && compares) {
        found.fail(
            format!("{by} applies {words} and puts back what others change"),
            "change it there (in Git), or suspend its automatic sync and override this with that as the reason",
        );
    } else if unnamed {
        found.pass(format!("{by} applies {words} and leaves this alone"));
    } else {
        found.warn(
            format!("{by} applies {words}: its next release brings back what it has"),
            "change it there as well",
        );
    }
}
