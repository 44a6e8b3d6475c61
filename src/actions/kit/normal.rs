//! What a region had before it was drained: weights, dials, controls, checks. Owns where that is known from: the captured values of the run that drained it, else what the operator says.

use std::collections::BTreeMap;

use super::{
    parts,
    route::{Name, Routes},
    rule::Rule,
};
use crate::{
    actions::Refusal,
    plan::{
        Wait, Work,
        ledger::{Ledger, RunRecord},
    },
    resources::{
        Change, Fleet, RegionLabel, health_checks,
        traffic::{self, Record, RouteRule, change::ControlEdit},
    },
};

/// What a region had.
#[derive(Debug, Clone, Default)]
pub struct Normal {
    /// Weights by zone, name, type and set identifier.
    weights: BTreeMap<Set, u8>,
    /// Dials by endpoint group.
    pub dials: BTreeMap<String, f64>,
    /// Controls that were `On`.
    pub controls: Vec<ControlEdit>,
    /// Checks that were not inverted: id and the records that use them.
    pub checks: BTreeMap<String, Vec<String>>,
    /// Requests per second that it served.
    pub requests: Option<f64>,
    /// Weights of rules in clusters, by backend.
    rules: Vec<(RegionLabel, RouteRule, BTreeMap<String, u32>)>,
}

type Set = (String, String, String, String);

fn set(record: &Record) -> Set {
    (
        record.zone_id.clone(),
        traffic::plain_name(&record.name),
        record.record_type.clone(),
        record.set_identifier.clone().unwrap_or_default(),
    )
}

impl Normal {
    /// What the run that drained a region found when it began. Where it left weights alone (a control did it), runs that
    /// brought the region back in part since then know them: what they found first.
    pub fn captured(ledger: &Ledger, run: &RunRecord, label: &RegionLabel) -> Self {
        let mut normal = Self::found(run);
        normal.requests = run.plan.steps.iter().find_map(|step| match &step.work {
            Work::Wait(Wait::Tail { baseline_rps, .. }) => *baseline_rps,
            Work::Wait(_) | Work::Change(_) => None,
        });
        let later = ledger
            .runs
            .iter()
            .skip_while(|known| known.id != run.id)
            .skip(1);
        let back = later.filter(|later| {
            let intent = &later.plan.intent;
            let restores = intent.action == "restore-region" && intent.target == label.as_str();
            restores || intent.options.run.as_deref() == Some(run.id.as_str())
        });
        for sent in back
            .flat_map(|run| &run.sent)
            .filter(|sent| sent.may_have_happened())
        {
            if let Change::Traffic(traffic::Change::Weights { records }) = &sent.change {
                for edit in records {
                    if let Some(weight) = edit.from_weight() {
                        normal.weights.entry(set(&edit.from)).or_insert(weight);
                    }
                }
            }
        }
        normal
    }

    /// What a rule had, in place of what was known of it.
    fn keep(&mut self, region: &RegionLabel, rule: &RouteRule, weights: BTreeMap<String, u32>) {
        self.rules
            .retain(|(at, known, _)| at != region || !known.same(rule));
        self.rules.push((region.clone(), rule.clone(), weights));
    }

    /// The normal weights of a rule, in the order of its backends; `None` where they are not known, or others are there by now.
    pub fn of_rule(&self, rule: &Rule<'_>) -> Option<Vec<u32>> {
        let known = self
            .rules
            .iter()
            .find(|(region, known, _)| region == rule.region && known.same(rule.at));
        let (_, _, weights) = known?;
        let backends = rule.backends.iter();
        let found: Option<Vec<u32>> = backends
            .map(|(member, _, _)| weights.get(*member).copied())
            .collect();
        found.filter(|found| found.len() == weights.len())
    }

    /// What the operator says of a rule in which a region has nothing: so much of what its weights add up to.
    fn tell(
        &mut self,
        rule: &Rule<'_>,
        label: &RegionLabel,
        told: &BTreeMap<String, u32>,
        reasons: &mut Vec<String>,
    ) {
        let now = rule.weights();
        let mine = rule.mask(label);
        let said = |member: &str| told.get(member).or_else(|| told.get(label.as_str()));
        let mut weights = now.clone();
        for (index, (member, _, _)) in rule.backends.iter().enumerate().filter(|(at, _)| mine[*at])
        {
            let Some(weight) = said(member).filter(|weight| **weight > 0) else {
                let text = format!(
                    "the normal weight of {member} in {} is not known",
                    rule.name()
                );
                reasons.push(text);
                return;
            };
            weights[index] = *weight;
        }
        let all: u32 = now.iter().sum();
        let part = parts::share(&weights, &mine).map(|_| {
            let own = weights.iter().zip(&mine).filter(|(_, mine)| **mine);
            own.map(|(weight, _)| f64::from(*weight)).sum::<f64>() / f64::from(all.max(1))
        });
        match part.filter(|part| *part < 1.0) {
            Some(part) => {
                let own = weights
                    .iter()
                    .zip(&mine)
                    .map(|(weight, mine)| if *mine { f64::from(*weight) } else { 0.0 });
                let rest = now.iter().zip(&mine).map(|(weight, mine)| {
                    if *mine {
                        0.0
                    } else {
                        f64::from(*weight) * (1.0 - part)
                    }
                });
                let parts: Vec<f64> = own.zip(rest).map(|(a, b)| a + b).collect();
                let names = rule
                    .backends
                    .iter()
                    .map(|(member, _, _)| (*member).to_owned());
                if let Some(whole) = parts::apportion(&parts, all) {
                    self.keep(rule.region, rule.at, names.zip(whole).collect());
                }
            }
            None => reasons.push(format!(
                "the weights of {} add up to {all}: less than that must be said for {label}",
                rule.name()
            )),
        }
    }

    fn found(run: &RunRecord) -> Self {
        let mut normal = Self::default();
        // Newest first: what was captured earlier replaces what was captured later.
        for change in run.standing_changes() {
            match change {
                Change::Traffic(traffic::Change::Weights { records }) => {
                    let known = records
                        .iter()
                        .filter_map(|edit| Some((set(&edit.from), edit.from_weight()?)));
                    normal.weights.extend(known);
                }
                Change::Traffic(traffic::Change::Dial {
                    group_arn, from, ..
                }) => {
                    normal.dials.insert(group_arn.clone(), *from);
                }
                Change::Traffic(traffic::Change::Route {
                    region,
                    rule,
                    backends,
                }) => {
                    let known = backends
                        .iter()
                        .map(|edit| (edit.backend.clone(), edit.from));
                    normal.keep(region, rule, known.collect());
                }
                Change::Traffic(traffic::Change::Controls { controls }) => {
                    let off = controls.iter().filter(|edit| edit.from && !edit.to);
                    normal.controls.extend(off.cloned());
                }
                Change::HealthChecks(health_checks::Change::Invert {
                    id,
                    records,
                    to: true,
                    ..
                }) => {
                    normal.checks.insert(id.clone(), records.clone());
                }
                Change::HealthChecks(_)
                | Change::Traffic(_)
                | Change::Databases(_)
                | Change::Caches(_)
                | Change::Clusters(_)
                | Change::Deployments(_)
                | Change::Nodes(_)
                | Change::Alarms(_)
                | Change::Pipelines(_) => {}
            }
        }
        normal
    }

    /// What the operator says, for everything that is closed now; a dial is 100 normally.
    pub fn told(
        fleet: &Fleet,
        routes: &Routes<'_>,
        label: &RegionLabel,
        told: &BTreeMap<String, u32>,
    ) -> Result<Self, Refusal> {
        let mut normal = Self::default();
        let mut reasons = Vec::new();
        for record in routes.names.iter().flat_map(|name| name.of(label)) {
            let id = record.set_identifier.as_deref().unwrap_or("");
            if record.weight() == Some(0) {
                let said = told.get(id).or_else(|| told.get(label.as_str()));
                match said
                    .and_then(|weight| u8::try_from(*weight).ok())
                    .filter(|weight| *weight > 0)
                {
                    Some(weight) => {
                        normal.weights.insert(set(record), weight);
                    }
                    None => reasons.push(format!(
                        "the normal weight of {id} in {} is not known",
                        traffic::plain_name(&record.name)
                    )),
                }
            }
            let controls = super::lever::controls(fleet);
            for arn in routes.controls(record) {
                let known = controls.iter().find(|control| control.arn == arn);
                let off = fleet.shares.control(arn) == Some(false);
                let new = !normal.controls.iter().any(|edit| edit.arn == arn);
                if let Some(control) = known.filter(|_| off && new) {
                    normal.controls.push(ControlEdit {
                        arn: arn.to_owned(),
                        name: control.name.clone(),
                        from: true,
                        to: false,
                    });
                }
            }
            let check = record
                .health_check_id
                .as_deref()
                .and_then(|id| routes.check(id));
            if let Some(check) = check.filter(|check| check.inverted) {
                let users = normal.checks.entry(check.id.clone()).or_default();
                users.push(format!("{} {id}", traffic::plain_name(&record.name)));
            }
        }
        let groups = routes
            .accelerators
            .iter()
            .flat_map(|accelerator| accelerator.of(label));
        let closed = groups.filter(|group| group.dial <= 0.0);
        normal.dials = closed
            .map(|group| (group.group_arn.clone(), 100.0))
            .collect();
        let own = !routes.front(label);
        let rules = routes.rules.iter();
        for rule in rules.filter(|rule| {
            rule.leads_to(label) && !rule.serves(label) && (own || rule.region != label)
        }) {
            normal.tell(rule, label, told, &mut reasons);
        }
        if reasons.is_empty() {
            return Ok(normal);
        }
        Err(Refusal {
            reasons,
            advice: format!(
                "no run in the journal drained {label}: say what is normal, `weights {label}=N` with N from 1 to 255"
            ),
        })
    }

    /// The normal weights of a name, if some of the region's are known or `assume` says that those that are there are normal.
    /// The others keep what they were, as long as nobody has changed how they relate to each other since.
    pub fn weights(&self, name: &Name<'_>, mine: &[bool], assume: bool) -> Option<Vec<u8>> {
        let now = name.weights()?;
        let known: Vec<Option<u8>> = name
            .records
            .iter()
            .map(|(record, _)| self.weights.get(&set(record)).copied())
            .collect();
        let of_mine = mine
            .iter()
            .zip(&known)
            .any(|(mine, known)| *mine && known.is_some());
        if !of_mine {
            return assume.then_some(now);
        }
        let others: Vec<(u8, u8)> = (0..now.len())
            .filter(|index| !mine[*index])
            .map(|index| (known[index].unwrap_or(now[index]), now[index]))
            .collect();
        let same_ratio = others.iter().all(|a| {
            let mut rest = others.iter();
            rest.all(|b| u32::from(a.0) * u32::from(b.1) == u32::from(a.1) * u32::from(b.0))
        }) && others.iter().all(|(then, now)| (*then == 0) == (*now == 0));
        let normal = |index: usize| match known[index] {
            Some(weight) if mine[index] || same_ratio => weight,
            Some(_) | None => now[index],
        };
        Some((0..now.len()).map(normal).collect())
    }
}
