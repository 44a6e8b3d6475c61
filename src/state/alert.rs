//! Which changes need a human who may be looking elsewhere: a region turns BAD, a run stops or ends, credentials run out. Owns that each is told once.

use std::collections::{BTreeMap, BTreeSet};

use super::State;
use crate::{
    effect::Effect,
    facts::judge_credentials,
    plan::run::Phase,
    resources::{RegionLabel, Severity},
};

/// What was told, and what it is compared with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Called {
    /// Regions that are known to have been better: only those can turn BAD.
    better: BTreeSet<RegionLabel>,
    /// Regions that were told and have not been OK since: one that goes to and fro about a limit is no news each time.
    told: BTreeSet<RegionLabel>,
    /// How each run stood that was told about.
    runs: BTreeMap<String, String>,
    /// How bad the credentials were.
    credentials: Option<Severity>,
}

impl State {
    /// What has happened since the last second that needs somebody.
    pub(super) fn alert(&mut self) -> Vec<Effect> {
        let mut texts = self.turned_bad();
        texts.extend(self.runs_stand());
        texts.extend(self.credentials_run_out());
        texts.into_iter().map(Effect::Alert).collect()
    }

    /// Regions that were better and are BAD. What is BAD when the console starts is seen by whoever started it.
    fn turned_bad(&mut self) -> Vec<String> {
        let mut texts = Vec::new();
        for spec in &self.fleet.estate.regions {
            let rollup = self.fleet.rollup(&spec.label);
            match rollup.severity {
                Severity::Ok => {
                    self.called.told.remove(&spec.label);
                    self.called.better.insert(spec.label.clone());
                }
                Severity::Warn if !self.called.told.contains(&spec.label) => {
                    self.called.better.insert(spec.label.clone());
                }
                Severity::Bad if self.called.better.remove(&spec.label) => {
                    self.called.told.insert(spec.label.clone());
                    let why = rollup.reasons.first().map(|reason| reason.reason.as_str());
                    let why = why.map_or(String::new(), |why| format!(": {why}"));
                    texts.push(format!("{} is BAD{why}", spec.label));
                }
                Severity::Warn | Severity::Bad | Severity::Unknown => {}
            }
        }
        texts
    }

    /// Runs that stopped by themselves, or ended.
    fn runs_stand(&mut self) -> Vec<String> {
        let mut texts = Vec::new();
        for run in &self.conduct.runs {
            let stands = match &run.phase {
                Phase::Halted { why } => format!("STOPPED: {why}"),
                Phase::Ended { ending, text } => {
                    format!("{}: {text}", ending.word().to_uppercase())
                }
                Phase::Locking
                | Phase::Opening
                | Phase::Checking { .. }
                | Phase::Journaling { .. }
                | Phase::Applying { .. }
                | Phase::Verifying { .. }
                | Phase::Waiting { .. }
                | Phase::Pausing { .. }
                | Phase::Held => {
                    self.called.runs.remove(&run.id);
                    continue;
                }
            };
            let text = format!("{}: {stands}", run.plan.title);
            let before = self.called.runs.insert(run.id.clone(), stands.clone());
            if before != Some(stands) {
                texts.push(text);
            }
        }
        texts
    }

    /// Credentials that end soon, when they come closer to their end.
    fn credentials_run_out(&mut self) -> Option<String> {
        let expiry = self.facts.credentials_expire_at?;
        let left = std::time::Duration::try_from(expiry.duration_since(self.now));
        let left = left.unwrap_or_default();
        let now = judge_credentials(left);
        let before = self.called.credentials.replace(now);
        let worse = before.is_some_and(|before| now > before);
        worse.then(|| match left.as_secs() / 60 {
            0 if left.is_zero() => "the credentials have EXPIRED".to_owned(),
            minutes => format!("the credentials end in {minutes} min"),
        })
    }
}
