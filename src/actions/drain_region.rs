//! Takes all traffic out of a region: data plane first, in steps where a lever has percentages, the writer before it when it is planned. Owns the order; which lever is chosen is `kit::lever`'s.

#[cfg(test)]
mod tests;

use std::time::Duration;

use super::{
    Action, Refusal,
    kit::{
        forecast, frame,
        lever::{self, Pulls},
        pace, region,
        route::{self, Routes},
        weights,
        writers::{self, Held},
    },
};
use crate::{
    plan::{Blast, Intent, Mark, OnBreach, Plan, Step, ledger::Ledger},
    resources::{
        Change, Fleet, RegionLabel, health_checks,
        imagine::Imagined,
        traffic::{self, change::ControlEdit},
    },
};

/// Minutes after which a drained region should take traffic again.
const MINUTES: u64 = 120;
/// Seconds for which the receivers are watched after each step.
const BAKE: u64 = 120;
/// What a paced drain leaves of the region's share after its first step.
const HALF: f64 = 0.5;
/// Percent that may remain half-way beyond what the share says.
const SLACK: f64 = 10.0;
/// Endpoint groups follow in about a minute; twice this is waited.
const DIAL_TTL: u32 = 60;
/// Controls that one call takes at most.
const CONTROLS: usize = 10;

/// The action.
pub struct DrainRegion;

impl Action for DrainRegion {
    fn name(&self) -> &'static str {
        "drain-region"
    }

    fn doc(&self) -> &'static str {
        "Take all traffic out of a region, in steps; now: at once"
    }

    fn target(&self) -> &'static str {
        "<region>"
    }

    fn options(&self) -> &'static [&'static str] {
        &["now", "minutes", "bake"]
    }

    fn targets(&self, fleet: &Fleet, ledger: &Ledger) -> Vec<String> {
        let routes = Routes::of(fleet);
        let regions = fleet.estate.regions.iter().map(|spec| &spec.label);
        regions
            .filter(|label| routes.lead_to(label) && !region::drained(ledger, label))
            .map(ToString::to_string)
            .collect()
    }

    fn plan(&self, fleet: &Fleet, ledger: &Ledger, intent: &Intent) -> Result<Plan, Refusal> {
        let label = region::find(fleet, &intent.target)?;
        let gone: Vec<RegionLabel> = ledger
            .drained()
            .into_iter()
            .map(|drain| drain.region)
            .collect();
        let mut receivers = region::others(fleet, &label);
        receivers
            .retain(|other| !gone.contains(other) && forecast::share(fleet, other) != Some(0.0));
        if region::others(fleet, &label).is_empty() {
            return Err(Refusal::new(
                format!("{label} is the only region"),
                "nothing else could serve its users",
            ));
        }
        let routes = Routes::of(fleet);
        let pulls = lever::choose(fleet, &routes, &label, &receivers);
        if pulls.is_empty() {
            return Err(nothing(fleet, ledger, &routes, &label, &pulls));
        }
        let lost = fleet.rollup(&label).reach.lost(fleet.now);
        let drain = Drain {
            fleet,
            label: &label,
            receivers,
            gone,
            // Nobody is served by a region that does not answer: pacing would only delay the end.
            now: intent.options.now || lost,
            bake: intent.options.bake_seconds.unwrap_or(BAKE),
            pulls,
        };
        Ok(drain.plan(intent))
    }
}

/// Why a region cannot be drained.
fn nothing(
    fleet: &Fleet,
    ledger: &Ledger,
    routes: &Routes<'_>,
    label: &RegionLabel,
    pulls: &Pulls<'_>,
) -> Refusal {
    if !pulls.stuck.is_empty() {
        return Refusal {
            reasons: pulls.stuck.clone(),
            advice: "let another region take part in them first".to_owned(),
        };
    }
    let restore = format!("plan `restore-region {label}` to bring traffic back");
    if let Some(drain) = ledger
        .drained()
        .into_iter()
        .find(|drain| drain.region == *label)
    {
        let reason = format!("{label} is drained already, by run {}", drain.run);
        return Refusal::new(reason, restore);
    }
    if routes.lead_to(label) {
        let since = fleet
            .drained(label)
            .filter(|drained| drained.witnessed)
            .map(|drained| format!(" since {}", drained.since))
            .unwrap_or_default();
        return Refusal::new(
            format!("{label} is drained already{since}: everything that leads to it is closed"),
            restore,
        );
    }
    Refusal::new(
        format!("nothing that we know steers traffic to {label}"),
        "add the names of its record sets to the configuration, or the names of its backends in the routes of a mesh (`backends` of its [[region]]), or wait until they have been read",
    )
}

/// A drain in the making.
struct Drain<'a> {
    fleet: &'a Fleet,
    label: &'a RegionLabel,
    receivers: Vec<RegionLabel>,
    gone: Vec<RegionLabel>,
    now: bool,
    bake: u64,
    pulls: Pulls<'a>,
}

impl Drain<'_> {
    fn plan(mut self, intent: &Intent) -> Plan {
        let label = self.label;
        let rounds = self.rounds();
        let effect = self.effect(&rounds);
        let forecasts = forecast::of(self.fleet, &effect, Some(label));
        let mut remarks = std::mem::take(&mut self.pulls.remarks);
        remarks.extend(std::mem::take(&mut self.pulls.stuck));
        remarks.extend(forecast::remarks(self.fleet, &forecasts));
        let mut steps = self.writers(&mut remarks);
        self.moves(rounds, &mut steps);
        self.primaries(&mut steps, &mut remarks);
        let minutes = intent.options.minutes.unwrap_or(MINUTES);
        let title = if self.now {
            format!("Drain {label} now")
        } else {
            format!("Drain {label}")
        };
        let mut plan = frame::plan(self.fleet, intent, title, steps);
        plan.forecast = forecasts;
        plan.remarks = remarks;
        plan.blast = Blast::L3;
        plan.phrase = region::phrase(label, forecast::share(self.fleet, label));
        plan.on_breach = OnBreach::Hold;
        plan.until = plan
            .made_at
            .checked_add(Duration::from_secs(minutes.saturating_mul(60)))
            .ok();
        plan.marks = vec![Mark::Drained {
            region: label.clone(),
        }];
        for (check, _) in &self.pulls.inverted {
            plan.marks.push(Mark::Orphan {
                what: format!("health check {} is inverted", check.id),
            });
        }
        plan
    }

    /// The changes, round by round: all of a round, then a wait.
    fn rounds(&self) -> Vec<Vec<Change>> {
        let mut half = Vec::new();
        let mut end = self.controls();
        for accelerator in &self.pulls.dials {
            for group in accelerator.of(self.label).filter(|group| group.dial > 0.0) {
                let middle = (group.dial * HALF).round();
                if self.now || middle <= 0.0 || middle >= group.dial {
                    end.push(route::dial(group, group.dial, 0.0));
                } else {
                    half.push(route::dial(group, group.dial, middle));
                    end.push(route::dial(group, middle, 0.0));
                }
            }
        }
        for name in &self.pulls.weights {
            let (Some(normal), mine) = (name.weights(), name.mask(self.label)) else {
                continue;
            };
            let middle = weights::level(&normal, &mine, HALF).filter(|_| !self.now);
            half.extend(
                middle
                    .as_ref()
                    .and_then(|middle| name.batch(&normal, middle)),
            );
            let from = middle.as_ref().unwrap_or(&normal);
            let empty = weights::level(&normal, &mine, 0.0);
            end.extend(empty.and_then(|empty| name.batch(from, &empty)));
        }
        for rule in &self.pulls.rules {
            let normal = rule.weights();
            let level = |portion| rule.level(&normal, self.label, portion);
            let middle = level(HALF).filter(|_| !self.now);
            half.extend(middle.as_ref().and_then(|to| rule.change(&normal, to)));
            let from = middle.as_ref().unwrap_or(&normal);
            end.extend(level(0.0).and_then(|to| rule.change(from, &to)));
        }
        end.extend(self.pulls.inverted.iter().map(|(check, records)| {
            Change::HealthChecks(health_checks::Change::Invert {
                id: check.id.clone(),
                records: records.clone(),
                from: false,
                to: true,
                version: check.version,
            })
        }));
        [half, end]
            .into_iter()
            .filter(|round| !round.is_empty())
            .collect()
    }

    /// One call for each panel.
    fn controls(&self) -> Vec<Change> {
        let edit = |control: &traffic::RoutingControl, to: bool| ControlEdit {
            arn: control.arn.clone(),
            name: control.name.clone(),
            from: !to,
            to,
        };
        let mut panels: Vec<(Option<&str>, Vec<ControlEdit>)> = Vec::new();
        let off = self.pulls.controls.iter().map(|control| (control, false));
        let on = self.pulls.receivers.iter().map(|control| (control, true));
        for (control, to) in on.chain(off) {
            let panel = control.panel_arn.as_deref();
            match panels
                .iter_mut()
                .find(|(known, edits)| *known == panel && edits.len() < CONTROLS)
            {
                Some((_, edits)) => edits.push(edit(control, to)),
                None => panels.push((panel, vec![edit(control, to)])),
            }
        }
        let changes = panels.into_iter();
        changes
            .map(|(_, controls)| Change::Traffic(traffic::Change::Controls { controls }))
            .collect()
    }

    /// The changes as they work on shares: what a control does to weighted names is the same as weights of 0, and has a number.
    fn effect(&self, rounds: &[Vec<Change>]) -> Vec<Change> {
        let mut effect: Vec<Change> = rounds.iter().flatten().cloned().collect();
        if self.pulls.controls.is_empty() {
            return effect;
        }
        let routes = Routes::of(self.fleet);
        for name in &routes.names {
            let governed = name.of(self.label).all(|record| {
                let arns = routes.controls(record);
                self.pulls
                    .controls
                    .iter()
                    .any(|control| arns.contains(&control.arn.as_str()))
            });
            let mine = name.mask(self.label);
            if let Some(normal) = name.weights().filter(|_| governed)
                && let Some(empty) = weights::level(&normal, &mine, 0.0)
            {
                effect.retain(|change| {
                    !matches!(change, Change::Traffic(traffic::Change::Controls { .. }))
                });
                effect.extend(name.batch(&normal, &empty));
            }
        }
        effect
    }

    fn moves(&self, rounds: Vec<Vec<Change>>, steps: &mut Vec<Step>) {
        let baseline = region::rps(self.fleet, self.label);
        let ttl = if self.pulls.dials.is_empty() {
            self.pulls.ttl
        } else {
            self.pulls.ttl.max(DIAL_TTL)
        };
        let last = rounds.len();
        let mut done = Imagined::of(self.fleet);
        for (index, round) in rounds.into_iter().enumerate() {
            done.take(&round);
            steps.extend(
                round
                    .into_iter()
                    .map(|change| pace::edits(change, pace::DRAIN)),
            );
            let ends = index + 1 == last;
            let below = if ends {
                1.0
            } else {
                self.remains(done.fleet())
            };
            steps.push(pace::tail(self.label, ttl, baseline, below, ends));
            if !self.now && self.bake > 0 && !self.receivers.is_empty() {
                steps.push(pace::bake(&self.receivers, self.bake));
            }
        }
    }

    /// Percent of its requests that a region may keep half-way: what its share says and some, for other names may have other weights.
    fn remains(&self, then: &Fleet) -> f64 {
        let share = |fleet: &Fleet| forecast::share(fleet, self.label);
        let part = share(self.fleet)
            .zip(share(then))
            .filter(|(before, _)| *before > 0.0)
            .map(|(before, after)| after / before * 100.0);
        // What only gateways divide has no share, and every one of them gives up half.
        let doors = !self.pulls.weights.is_empty() || !self.pulls.dials.is_empty();
        let part = part.or((!doors).then_some(HALF * 100.0));
        part.map_or(100.0, |percent| (percent + SLACK).round().min(100.0))
    }

    /// Planned, the writer leaves before the traffic.
    fn writers(&self, remarks: &mut Vec<String>) -> Vec<Step> {
        let lost = region::lost(self.fleet, self.label);
        let mut steps = Vec::new();
        for Held { name, way } in writers::aurora(self.fleet, self.label, &self.gone) {
            match way {
                _ if self.now || lost => remarks.push(format!(
                    "the writer of {name} stays in {}; once the traffic has moved plan `switchover {name}`, or `failover {name}` if the region is lost",
                    self.label
                )),
                Ok((change, to)) => {
                    steps.push(pace::change(format!("Switch the writer of {name} over to {to}"), change, pace::STORE));
                    remarks.push(format!("the writer of {name} moves to {to} first: writes fail for a minute or two, none is lost"));
                }
                Err(why) => remarks.push(format!(
                    "the writer of {name} stays in {}: {why}", self.label
                )),
            }
        }
        steps
    }

    /// Cache primaries leave after the traffic.
    fn primaries(&self, steps: &mut Vec<Step>, remarks: &mut Vec<String>) {
        let lost = region::lost(self.fleet, self.label);
        for Held { name, way } in writers::datastores(self.fleet, self.label, &self.gone) {
            match way {
                _ if self.now || lost => remarks.push(format!(
                    "the primary of {name} stays in {}; plan `fail-over-cache {name}` afterwards",
                    self.label
                )),
                Ok((change, to)) => {
                    let title = format!(
                        "Fail {name} over to {to}; writes that were not replicated are lost"
                    );
                    steps.push(pace::change(title, change, pace::STORE));
                    remarks.push(format!(
                        "the cache primary of {name} moves to {to} last: a cache fails over without handing over, so unreplicated writes are lost"
                    ));
                }
                Err(why) => remarks.push(format!(
                    "the primary of {name} stays in {}: {why}",
                    self.label
                )),
            }
        }
    }
}
