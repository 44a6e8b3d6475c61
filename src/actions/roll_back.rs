//! Takes a release back: the deployments of a service that run it go to the template of the revision before it. Owns which regions and which revision; every region at once, worst first, for users wait.

#[cfg(test)]
mod tests;

use super::{
    Action, Refusal,
    kit::{
        carried::{self, Carried},
        deployment,
        stores::Draft,
    },
};
use crate::{
    plan::{Intent, Plan, Step, ledger::Ledger},
    resources::{
        Fleet, Judgement, Place, Resource,
        deployments::{At, Change, Revision, Version},
        releases::Carrier,
        traffic::rollouts::{Rollout, Verb, hash_of},
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
        carried::targets(fleet)
    }

    fn plan(&self, fleet: &Fleet, _ledger: &Ledger, intent: &Intent) -> Result<Plan, Refusal> {
        let found = carried::find(fleet, &intent.target)?;
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

/// What goes back.
struct Move<'a> {
    found: &'a Carried<'a>,
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

/// The present revision and those before it, the newest first; or why none can be told. What a Rollout is on its way from comes first, whatever its number.
fn history(fleet: &Fleet, found: &Carried<'_>) -> Result<(Version, Vec<Version>), String> {
    if let Some(why) = carried::unknown(fleet, found) {
        return Err(why);
    }
    let words = found.at.words();
    // What gives everything back to the stable version needs no pod that a pause would keep from coming.
    let from_stable = leaving(found);
    if found.row.held() && from_stable.is_none() {
        return Err(format!(
            "{words} is paused: what is written would not roll out"
        ));
    }
    let current = found.row.current().and_then(Version::of);
    let current = current.ok_or_else(|| format!("{words}: its present revision is not known"))?;
    let mut older: Vec<Version> = found
        .row
        .revisions()
        .iter()
        .filter_map(Version::of)
        .filter(|version| version.number < current.number)
        .collect();
    older.sort_by_key(|version| std::cmp::Reverse(version.number));
    if let Some(stable) = from_stable {
        older.retain(|version| version.replica_set != stable.replica_set);
        older.insert(0, stable);
    }
    Ok((current, older))
}

/// The stable version of a Rollout that is on its way to another one.
fn leaving(found: &Carried<'_>) -> Option<Version> {
    let Carrier::Rollout { rollout, .. } = found.row else {
        return None;
    };
    let stable = rollout.revision(&rollout.stable).and_then(Version::of);
    stable.filter(|_| rollout.under_way())
}

impl<'a> Back<'a> {
    fn push(&mut self, fleet: &Fleet, found: &'a Carried<'a>, from: Version, to: Version) {
        let place = Place::Region(found.at.region.clone());
        let judgement = match (found.row.sender(), found.row.edited()) {
            (Some(rollout), _) => rollout.judge(fleet),
            (None, row) => row.map_or_else(Judgement::ok, |row| row.judge(fleet, &place)),
        };
        let step = Move {
            found,
            severity: judgement.severity,
            from,
            to,
        };
        let aborted = found.row.sender().is_some_and(|rollout| rollout.aborted);
        if aborted && stays_aborted(&step) {
            self.remarks.push(format!(
                "{} is aborted already: its users have {}; revert Git, too",
                found.at.words(),
                step.to.short()
            ));
            return;
        }
        self.moves.push(step);
    }

    /// To a revision by its number, or to the newest one of a version.
    fn to(&mut self, fleet: &Fleet, all: &'a [Carried<'a>], wanted: &str) -> Result<(), Refusal> {
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
    fn before(&mut self, fleet: &Fleet, all: &'a [Carried<'a>]) {
        let mut known = Vec::new();
        for found in all {
            match history(fleet, found) {
                Ok((from, older)) => known.push((found, from, older)),
                Err(why) => self.reasons.push(why),
            }
        }
        let released = |found: &Carried<'_>| {
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
    let changes: Vec<Step> = moves.iter().flat_map(steps_back).collect();
    let followed = moves.iter().filter(|step| !stays_aborted(step));
    let waits = followed.enumerate();
    let waits = waits.map(|(index, step)| carried::settles(step.found, index == 0));
    let mut draft = Draft::new(title, phrase, changes.into_iter().chain(waits).collect());
    draft.remarks = vec![format!(
        "only pods go back: migrations of databases, ConfigMaps and Secrets stay as {from} left them, and {to} must work with them"
    )];
    draft.remarks.extend(moves.iter().filter_map(afterwards));
    let runs = |step: &Move<'_>| {
        let mut revisions = step.found.row.revisions().iter();
        let is = |revision: &&Revision| revision.replica_set == step.to.replica_set;
        revisions
            .find(is)
            .is_some_and(|revision| revision.ready > 0)
    };
    let pulled = |step: &&Move<'_>| !runs(step);
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

/// What takes it back: for a Rollout what its own `abort` and `undo` do, and past its steps where they would take it through all of them again.
fn steps_back(step: &Move<'_>) -> Vec<Step> {
    let Move {
        found, from, to, ..
    } = step;
    let steer = |rollout: &Rollout, verb| carried::steer(found, rollout, verb, deployment::GUARDS);
    match found.row {
        Carrier::Rollout { rollout, .. } if rollout.under_way() => {
            let mut steps = Vec::new();
            if !rollout.aborted {
                steps.push(steer(rollout, Verb::Abort));
            }
            if !stays_aborted(step) {
                steps.push(steer(&towards(rollout, to), Verb::Undo));
            }
            steps
        }
        Carrier::Rollout { rollout, .. } => {
            let sent = Rollout {
                current: hash_of(&to.replica_set).to_owned(),
                stable: rollout.current.clone(),
                ..rollout.clone()
            };
            vec![
                steer(&towards(rollout, to), Verb::Undo),
                steer(&sent, Verb::PromoteFull),
            ]
        }
        Carrier::Deployment(_) | Carrier::Canary { .. } => {
            let title = format!("{}: {from} → {to}", found.at.words());
            let edited = found.row.edited();
            let at = edited.map_or_else(|| found.at.clone(), |row| At::of(&found.at.region, row));
            let change = Change::Revise {
                at,
                from: from.clone(),
                to: to.clone(),
            };
            vec![deployment::step(title, change, deployment::GUARDS)]
        }
    }
}

/// The same Rollout with the version that it is to go back to as the one that an undo puts back.
fn towards(rollout: &Rollout, to: &Version) -> Rollout {
    Rollout {
        stable: hash_of(&to.replica_set).to_owned(),
        ..rollout.clone()
    }
}

/// Whether it is only aborted, because its owner would put the template back: its status is nobody's but the controller's.
fn stays_aborted(step: &Move<'_>) -> bool {
    let Carrier::Rollout { rollout, .. } = step.found.row else {
        return false;
    };
    let to_stable = hash_of(&step.to.replica_set) == rollout.stable;
    rollout.under_way() && to_stable && reverts(step.found)
}

/// Whether somebody puts its template back.
fn reverts(found: &Carried<'_>) -> bool {
    found.row.owner().is_some_and(|owner| owner.reverts)
}

/// What is left to do where something else than a Deployment carries it.
fn afterwards(step: &Move<'_>) -> Option<String> {
    let (words, from) = (step.found.at.words(), step.from.short());
    let rollout = step.found.row.sender()?;
    Some(match step.found.row {
        Carrier::Deployment(_) => return None,
        Carrier::Canary { .. } => format!(
            "{words}: Flagger takes it back through its own analysis, step by step: the users of its primary keep what they have until then"
        ),
        Carrier::Rollout { .. } if !rollout.under_way() => {
            format!("{words}: its steps and analyses are skipped on the way back")
        }
        Carrier::Rollout { .. } if stays_aborted(step) => format!(
            "{words}: its users are given back at once; its specification still names {from} until its owner has another one: revert Git too"
        ),
        Carrier::Rollout { .. } => {
            format!("{words}: everything goes to the stable version at once, then its template")
        }
    })
}
