//! Holds a release where it is: what rolls out is paused, and so are the regions that do not have it yet. Owns which these are; pods that run go on.

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
    plan::{Blast, Intent, Mark, Plan, ledger::Ledger},
    resources::{
        Fleet,
        deployments::Rollout,
        releases::{self, Carrier, State},
    },
};

/// See the module.
pub struct HoldRelease;

/// A held release takes no fix either: after this many minutes somebody should look.
const UNTIL_MINUTES: u64 = 60;

impl Action for HoldRelease {
    fn name(&self) -> &'static str {
        "hold-release"
    }

    fn doc(&self) -> &'static str {
        "Hold a release: pause it where it rolls out, and the regions that do not have it"
    }

    fn target(&self) -> &'static str {
        "<deployment>"
    }

    fn options(&self) -> &'static [&'static str] {
        &["minutes"]
    }

    fn targets(&self, fleet: &Fleet, _ledger: &Ledger) -> Vec<String> {
        carried::services(fleet)
    }

    fn plan(&self, fleet: &Fleet, _ledger: &Ledger, intent: &Intent) -> Result<Plan, Refusal> {
        let found = carried::find(fleet, &intent.target)?;
        let (chosen, left) = choose(fleet, &found);
        let Some(first) = chosen.first() else {
            return Err(Refusal {
                reasons: left,
                advice: "`pause-rollout` pauses a deployment that has every release".to_owned(),
            });
        };
        let steps = chosen.iter();
        let steps = steps.map(|found| carried::hold(found, deployment::GUARDS));
        let name = first.at.name.clone();
        let regions: Vec<&str> = chosen
            .iter()
            .map(|found| found.at.region.as_str())
            .collect();
        let title = format!("Hold the release of {name} before {}", regions.join(", "));
        let mut draft = Draft::new(title, name, steps.collect());
        if chosen.len() == 1 {
            draft.blast = Blast::L1;
            draft.phrase = String::new();
        }
        draft.remarks = vec![
            "what is edited meanwhile, by a pipeline too, rolls out when it is resumed; pods that run go on"
                .to_owned(),
            "it is let go by undo of this run, or region by region with resume-rollout (a Rollout or Canary: steer-rollout to=resume)".to_owned(),
        ];
        let left = left.into_iter().map(|why| format!("left alone: {why}"));
        draft.remarks.extend(left);
        draft.marks = chosen
            .iter()
            .map(|found| Mark::Orphan {
                what: format!("held release of {}", found.at.words()),
            })
            .collect();
        let minutes = intent.options.minutes.unwrap_or(UNTIL_MINUTES);
        let seconds = std::time::Duration::from_secs(minutes.saturating_mul(60));
        draft.until = fleet.now.checked_add(seconds).ok();
        Ok(draft.freeze(fleet, intent))
    }
}

/// What is paused by it, and why the others are left alone.
fn choose<'f>(fleet: &'f Fleet, found: &[Carried<'f>]) -> (Vec<Carried<'f>>, Vec<String>) {
    let first = found.first();
    let service =
        first.and_then(|first| releases::service(fleet, &first.at.namespace, &first.at.name));
    let newest = service.as_ref().and_then(releases::Service::newest);
    let (mut chosen, mut left) = (Vec::new(), Vec::new());
    for found in found {
        let words = found.at.words();
        let has = newest.is_some_and(|newest| found.row.has(newest));
        match carried::unheard(fleet, found) {
            Some(why) => left.push(why),
            None if found.row.held() => left.push(format!("{words} is paused already")),
            None if has && !moves(fleet, found) => {
                left.push(format!("{words} has the release, complete"));
            }
            None => chosen.push(found.clone()),
        }
    }
    (chosen, left)
}

/// Whether something is on its way there.
fn moves(fleet: &Fleet, found: &Carried<'_>) -> bool {
    match found.row {
        Carrier::Deployment(row) => {
            matches!(row.rollout(), Rollout::Moving { .. } | Rollout::Unseen)
        }
        Carrier::Rollout { rollout, .. } => {
            let rolls = matches!(found.row.state(fleet.now), State::RollingOut { .. });
            // Its pods may fail on the way: whoever looks into it holds it there.
            rolls || (rollout.under_way() && !rollout.aborted)
        }
        Carrier::Canary { .. } => {
            matches!(found.row.state(fleet.now), State::RollingOut { .. })
        }
    }
}
