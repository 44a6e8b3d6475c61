//! What two plans for the same intent differ in. Owns the words; which of them holds is decided by their hashes.

use super::{Plan, Step};
use crate::resources::change::Alter;

impl Plan {
    /// What this plan has otherwise than one that was made before; empty exactly when their hashes are the same.
    pub fn differences(&self, before: &Self) -> Vec<String> {
        if self.hash() == before.hash() {
            return Vec::new();
        }
        let mut found = Vec::new();
        if self.account != before.account {
            let name = |plan: &Self| plan.account.clone().unwrap_or_else(|| "unknown".to_owned());
            found.push(format!(
                "the account was {} and is {}",
                name(before),
                name(self)
            ));
        }
        if self.steps.len() != before.steps.len() {
            found.push(format!(
                "there were {} steps and now are {}",
                before.steps.len(),
                self.steps.len()
            ));
        }
        let essence = |plan: &Self| plan.steps.iter().map(Step::essence).collect::<Vec<_>>();
        let pairs = essence(before).into_iter().zip(essence(self));
        found.extend(
            pairs
                .enumerate()
                .filter(|(_, (before, now))| before != now)
                .map(|(at, (before, now))| format!("step {}: {}", at + 1, step(&before, &now))),
        );
        if self.phrase != before.phrase || self.loss_phrase != before.loss_phrase {
            found.push(format!(
                "it was confirmed with `{}` and now is with `{}`",
                phrases(before),
                phrases(self)
            ));
        }
        if found.is_empty() {
            found.push("what it leaves behind, or what stops it, is otherwise".to_owned());
        }
        found.insert(
            0,
            "things are no longer as the plan saw them: plan again".to_owned(),
        );
        found
    }
}

fn phrases(plan: &Plan) -> String {
    let both = [plan.phrase.as_str(), plan.loss_phrase.as_str()];
    both.join(" ").trim().to_owned()
}

fn step(before: &Step, now: &Step) -> String {
    if before.title != now.title {
        return format!("was `{}` and is `{}`", before.title, now.title);
    }
    let edits = |step: &Step| step.change().map(Alter::edits).unwrap_or_default();
    let moved = edits(before)
        .into_iter()
        .zip(edits(now))
        .find(|(before, now)| before != now);
    match moved {
        Some((before, now)) if before.from != now.from => {
            format!("{} was {} and is {}", now.what, before.from, now.from)
        }
        Some((before, now)) => format!("{} becomes {} and not {}", now.what, now.to, before.to),
        None => format!("`{}` has other details", now.title),
    }
}
