//! Takes a release back: the deployments of a service that run it go to the template of the revision before it. Owns which regions and which revision; every region at once, worst first, for users wait.

#[cfg(test)]
mod tests;

use super::{
    Action, Refusal,
    kit::{
        deployment::{self, Found},
        stores::Draft,
    },
};
use crate::{
    plan::{Intent, Plan, ledger::Ledger},
    resources::{
        Fleet, Place, Resource,
        deployments::{Change, Version},
    },
};

/// See the module.
pub struct RollBack;

impl Action for RollBack {
    fn name(&self) -> &'static str {
        "roll-back"
    }

    fn doc(&self) -> &'static str {
        "Take a release of a deployment back, in all regions that run it or in one"
    }

    fn target(&self) -> &'static str {
        "<deployment[@region]>"
    }

    fn options(&self) -> &'static [&'static str] {
        &["to"]
    }

    fn targets(&self, fleet: &Fleet, _ledger: &Ledger) -> Vec<String> {
        deployment::targets(fleet)
    }

    fn plan(&self, fleet: &Fleet, _ledger: &Ledger, intent: &Intent) -> Result<Plan, Refusal> {
        let found = deployment::find(fleet, &intent.target)?;
        let mut back = Back::default();
        match intent.options.to.as_deref() {
            Some(wanted) => back.to(fleet, &found, wanted)?,
            None => back.before(fleet, &found),
        }
        back.moves
            .sort_by_key(|step| std::cmp::Reverse(step.severity));
        plan(fleet, intent, back)
    }
}

/// A deployment that goes back.
struct Move<'a> {
    found: &'a Found<'a>,
    severity: crate::resources::Severity,
    from: Version,
    to: Version,
}

/// What goes back, and what does not.
#[derive(Default)]
struct Back<'a> {
    moves: Vec<Move<'a>>,
    remarks: Vec<String>,
    reasons: Vec<String>,
}

/// The present revision and those before it, the newest first; or why none can be told.
fn history(fleet: &Fleet, found: &Found<'_>) -> Result<(Version, Vec<Version>), String> {
    if let Some(why) = deployment::unknown(fleet, found) {
        return Err(why);
    }
    let words = found.at.words();
    if found.row.paused {
        return Err(format!(
            "{words} is paused: what is written would not roll out"
        ));
    }
    let current = found.row.current().and_then(Version::of);
    let current = current.ok_or_else(|| format!("{words}: its present revision is not known"))?;
    let mut older: Vec<Version> = found
        .row
        .revisions
        .iter()
        .filter_map(Version::of)
        .filter(|version| version.number < current.number)
        .collect();
    older.sort_by_key(|version| std::cmp::Reverse(version.number));
    Ok((current, older))
}

impl<'a> Back<'a> {
    fn push(&mut self, fleet: &Fleet, found: &'a Found<'a>, from: Version, to: Version) {
        let place = Place::Region(found.at.region.clone());
        self.moves.push(Move {
            found,
            severity: found.row.judge(fleet, &place).severity,
            from,
            to,
        });
    }

    /// To a revision by its number, or to the newest one of a version.
    fn to(&mut self, fleet: &Fleet, all: &'a [Found<'a>], wanted: &str) -> Result<(), Refusal> {
        let number: Option<u64> = wanted.parse().ok();
        if number.is_some() && all.len() > 1 {
            return Err(Refusal::new(
                format!("revision {wanted} is another one in each region"),
                "name a version, or one region: deployment@region",
            ));
        }
        let is = |version: &Version| match number {
            Some(number) => version.number == number,
            None => version.short() == wanted || version.image == wanted,
        };
        for found in all {
            let words = found.at.words();
            match history(fleet, found) {
                Err(why) => self.reasons.push(why),
                Ok((from, _)) if is(&from) => {
                    self.remarks.push(format!("{words} runs {from} already"));
                }
                Ok((from, older)) => match older.iter().find(|version| is(version)) {
                    Some(to) => self.push(fleet, found, from, to.clone()),
                    None => self.reasons.push(format!(
                        "{words} keeps no revision {wanted}; it has {}",
                        list(&older)
                    )),
                },
            }
        }
        Ok(())
    }

    /// To the revision before the newest release, in every region that runs that release.
    fn before(&mut self, fleet: &Fleet, all: &'a [Found<'a>]) {
        let mut known = Vec::new();
        for found in all {
            match history(fleet, found) {
                Ok((from, older)) => known.push((found, from, older)),
                Err(why) => self.reasons.push(why),
            }
        }
        let released = |found: &Found<'_>| {
            let current = found.row.current();
            current.and_then(|revision| revision.created_at)
        };
        let newest = known
            .iter()
            .filter(|(_, _, older)| !older.is_empty())
            .max_by_key(|(found, _, _)| released(found));
        let Some((_, bad, good)) = newest
            .and_then(|(found, from, older)| Some((*found, from.clone(), older.first()?.clone())))
        else {
            let words = known.iter().map(|(found, ..)| found.at.words());
            self.reasons
                .extend(words.map(|words| format!("{words} keeps no earlier revision")));
            return;
        };
        for (found, from, older) in known {
            let words = found.at.words();
            if from.short() != bad.short() {
                self.remarks
                    .push(format!("{words} runs {from}, not {}", bad.short()));
                continue;
            }
            // Elsewhere the same version may have come from another one, or be the release itself with other settings.
            match older.first() {
                Some(to) if to.short() == good.short() => {
                    self.push(fleet, found, from, to.clone());
                }
                Some(to) => self.reasons.push(format!(
                    "{words} came to {from} from {to}, not from {}: name it alone, {}@{}",
                    good.short(),
                    found.at.name,
                    found.at.region
                )),
                None => self
                    .reasons
                    .push(format!("{words} keeps no earlier revision")),
            }
        }
    }
}

fn list(versions: &[Version]) -> String {
    let names: Vec<String> = versions.iter().take(6).map(ToString::to_string).collect();
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}

fn plan(fleet: &Fleet, intent: &Intent, back: Back<'_>) -> Result<Plan, Refusal> {
    let Back {
        moves,
        mut remarks,
        reasons,
    } = back;
    let Some(first) = moves.first() else {
        let all: Vec<String> = reasons.into_iter().chain(remarks).collect();
        return Err(Refusal {
            reasons: all,
            advice: "`resume-rollout` what is paused; name a revision with `to=`".to_owned(),
        });
    };
    let (from, to) = (first.from.short(), first.to.short());
    let name = &first.found.at.name;
    let title = match moves.len() {
        1 => format!("Roll {} back from {from} to {to}", first.found.at.words()),
        many => format!("Roll {name} back from {from} to {to} in {many} regions"),
    };
    let phrase = match moves.len() {
        1 => format!("{name}@{}", first.found.at.region),
        _ => name.clone(),
    };
    // All are sent before any is waited for: a good version needs no soak, and users wait.
    let changes = moves.iter().map(|step| {
        let change = Change::Revise {
            at: step.found.at.clone(),
            from: step.from.clone(),
            to: step.to.clone(),
        };
        let title = format!("{}: {} → {}", step.found.at.words(), step.from, step.to);
        deployment::step(title, change, deployment::GUARDS)
    });
    let waits = moves
        .iter()
        .enumerate()
        .map(|(index, step)| deployment::settles(&step.found.at, None, index == 0));
    let mut draft = Draft::new(title, phrase, changes.chain(waits).collect());
    draft.remarks = vec![format!(
        "only pods go back: migrations of databases, ConfigMaps and Secrets stay as {from} left them, and {to} must work with them"
    )];
    let pulled = |step: &&Move<'_>| !step.found.row.runs(&step.to.replica_set);
    draft.remarks.extend(moves.iter().filter(pulled).map(|step| {
        format!(
            "{}: no pod of {} is left, so its image is pulled again: whether the registry still has it is not known",
            step.found.at.words(),
            step.to.short()
        )
    }));
    draft.remarks.append(&mut remarks);
    draft.remarks.extend(
        reasons
            .into_iter()
            .map(|why| format!("not rolled back: {why}")),
    );
    Ok(draft.freeze(fleet, intent))
}
