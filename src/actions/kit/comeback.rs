//! The steps that bring a region's traffic back: weights held at nothing, controls on, then by and by. Owns the order and the levels; who asks decides what is normal.

use super::{
    lever,
    normal::Normal,
    pace, parts, region,
    route::{self, Name, Routes},
    rule::Rule,
    weights,
};
use crate::{
    plan::{Step, ledger::Ledger},
    resources::{
        Change, Fleet, RegionLabel, health_checks,
        traffic::{self, change::ControlEdit},
    },
};

/// Percent of the normal share, level by level (domain B.2).
pub const LEVELS: [f64; 6] = [1.0, 5.0, 10.0, 25.0, 50.0, 100.0];
/// Seconds for which the region and the others are watched at each level.
pub const BAKE: u64 = 300;
/// Endpoint groups follow in about a minute.
const DIAL_TTL: u32 = 60;

/// How traffic comes back.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Percent of the normal share at which it stops.
    pub stop: f64,
    /// Seconds to watch at each level, beyond twice the TTL.
    pub bake: u64,
}

/// The way back.
#[derive(Debug, Default)]
pub struct Comeback {
    /// The steps.
    pub steps: Vec<Step>,
    /// What the operator should know.
    pub remarks: Vec<String>,
}

/// Weights of a name on their way.
struct Rising<'a> {
    name: &'a Name<'a>,
    mine: Vec<bool>,
    normal: Vec<u8>,
    now: Vec<u8>,
}

/// Weights of a rule of a mesh on their way.
struct RisingRule<'a> {
    rule: &'a Rule<'a>,
    normal: Vec<u32>,
    now: Vec<u32>,
}

/// What is built.
struct Build<'a> {
    fleet: &'a Fleet,
    label: &'a RegionLabel,
    routes: &'a Routes<'a>,
    normal: &'a Normal,
    pace: Pace,
    watched: Vec<RegionLabel>,
    rising: Vec<Rising<'a>>,
    rules: Vec<RisingRule<'a>>,
    ttl: u32,
    made: Comeback,
}

/// The steps that bring a region back to what is normal. Empty when it is.
pub fn steps(
    fleet: &Fleet,
    ledger: &Ledger,
    label: &RegionLabel,
    normal: &Normal,
    pace: Pace,
) -> Comeback {
    let routes = Routes::of(fleet);
    let mut watched = vec![label.clone()];
    let others = region::others(fleet, label);
    watched.extend(
        others
            .into_iter()
            .filter(|other| !region::drained(ledger, other)),
    );
    let mut build = Build {
        fleet,
        label,
        routes: &routes,
        normal,
        pace,
        watched,
        rising: Vec::new(),
        rules: Vec::new(),
        ttl: DIAL_TTL,
        made: Comeback::default(),
    };
    build.gather();
    build.open();
    build.levels();
    build.close_up();
    build.made
}

impl Build<'_> {
    /// Controls that are still off.
    fn controls(&self) -> Vec<ControlEdit> {
        let normal = self.normal.controls.iter();
        normal
            .filter(|edit| self.fleet.shares.control(&edit.arn) != Some(true))
            .map(|edit| ControlEdit {
                from: false,
                to: true,
                ..edit.clone()
            })
            .collect()
    }

    fn gather(&mut self) {
        let controls = self.controls();
        let held_by = |name: &Name<'_>| {
            let mut mine = name.of(self.label);
            mine.any(|record| {
                let arns = self.routes.controls(record);
                controls
                    .iter()
                    .any(|edit| arns.contains(&edit.arn.as_str()))
            })
        };
        for name in &self.routes.names {
            let mine = name.mask(self.label);
            let (Some(now), Some(normal)) = (
                name.weights(),
                self.normal.weights(name, &mine, held_by(name)),
            ) else {
                continue;
            };
            if let Some(owner) = lever::owner(name) {
                self.made
                    .remarks
                    .push(format!("{} stays as it is: {owner}", name.plain()));
                continue;
            }
            self.ttl = self.ttl.max(name.ttl());
            self.rising.push(Rising {
                name,
                mine,
                normal,
                now,
            });
        }
        for rule in &self.routes.rules {
            let Some(normal) = self.normal.of_rule(rule) else {
                continue;
            };
            if !rule.heard(self.fleet) {
                let text = format!(
                    "{} stays as it is: {} is not heard",
                    rule.name(),
                    rule.at.cluster
                );
                self.made.remarks.push(text);
                continue;
            }
            let now = rule.weights();
            self.rules.push(RisingRule { rule, normal, now });
        }
    }

    /// Controls have no percentages: behind them weights are held at nothing first, where that can be written.
    fn open(&mut self) {
        let controls = self.controls();
        let early: Vec<String> = self.early_checks();
        if controls.is_empty() && early.is_empty() {
            return;
        }
        let names: Vec<String> = controls.iter().map(|edit| edit.name.clone()).collect();
        match lever::works(self.fleet, "R53") {
            Ok(()) => self.hold(),
            Err(why) => {
                self.rising.clear();
                self.made.remarks.push(format!("Route 53 {why}: weights cannot be held back, so everything behind {} returns at once", names.join(", ")));
            }
        }
        let unpaced = self.routes.names.iter().filter(|name| {
            let behind = |record: &traffic::Record| {
                let arns = self.routes.controls(record);
                controls
                    .iter()
                    .any(|edit| arns.contains(&edit.arn.as_str()))
            };
            name.weights().is_none() && name.of(self.label).any(behind)
        });
        let unpaced: Vec<String> = unpaced.map(Name::plain).collect();
        if !unpaced.is_empty() {
            let text = format!(
                "{} returns at once with its control: it has no weights",
                unpaced.join(", ")
            );
            self.made.remarks.push(text);
        }
        for part in controls.chunks(10) {
            let change = traffic::Change::Controls {
                controls: part.to_vec(),
            };
            self.push(Change::Traffic(change));
        }
        for id in early {
            self.uninvert(&id);
        }
        self.watch();
    }

    fn hold(&mut self) {
        let mut held = Vec::new();
        for rising in &mut self.rising {
            if let Some(none) = weights::level(&rising.normal, &rising.mine, 0.0)
                && rising
                    .now
                    .iter()
                    .zip(&rising.mine)
                    .any(|(weight, mine)| *mine && *weight > 0)
            {
                held.extend(rising.name.batch(&rising.now, &none));
                rising.now = none;
            }
        }
        for change in held {
            self.push(change);
        }
    }

    /// Inverted checks without which weights have no effect.
    fn early_checks(&self) -> Vec<String> {
        let ids = self.normal.checks.keys();
        ids.filter(|id| self.inverted(id))
            .filter(|id| {
                let mut rising = self.rising.iter();
                rising.any(|rising| {
                    let mut mine = rising.name.of(self.label);
                    mine.any(|record| record.health_check_id.as_deref() == Some(id))
                })
            })
            .cloned()
            .collect()
    }

    fn inverted(&self, id: &str) -> bool {
        self.routes.check(id).is_some_and(|check| check.inverted)
    }

    fn uninvert(&mut self, id: &str) {
        let records = self.normal.checks.get(id).cloned().unwrap_or_default();
        let version = self.routes.check(id).and_then(|check| check.version);
        self.push(Change::HealthChecks(health_checks::Change::Invert {
            id: id.to_owned(),
            records,
            from: true,
            to: false,
            version,
        }));
    }

    fn levels(&mut self) {
        let stop = self.pace.stop.clamp(0.0, 100.0);
        let mut levels: Vec<f64> = LEVELS.into_iter().filter(|level| *level < stop).collect();
        levels.push(stop);
        let groups: Vec<_> = self
            .routes
            .accelerators
            .iter()
            .flat_map(|accelerator| accelerator.of(self.label))
            .collect();
        let mut dials: Vec<f64> = groups.iter().map(|group| group.dial).collect();
        for level in levels {
            let before = self.made.steps.len();
            let mut changes = Vec::new();
            for (group, now) in groups.iter().zip(&mut dials) {
                let Some(normal) = self.normal.dials.get(&group.group_arn) else {
                    continue;
                };
                let to = (normal * level / 100.0 * 10.0).round() / 10.0;
                if to > *now {
                    changes.push(route::dial(group, *now, to));
                    *now = to;
                }
            }
            for rising in &mut self.rising {
                changes.extend(rising.rise(level / 100.0));
            }
            for rising in &mut self.rules {
                changes.extend(rising.rise(self.label, level / 100.0));
            }
            for change in changes {
                self.push(change);
            }
            if self.made.steps.len() > before {
                self.watch();
            }
        }
    }

    /// What has no percentages and holds nothing else back comes last.
    fn close_up(&mut self) {
        let late: Vec<String> = self
            .normal
            .checks
            .keys()
            .filter(|id| self.inverted(id) && !self.early_checks().contains(id))
            .cloned()
            .collect();
        if late.is_empty() || self.pace.stop < 100.0 {
            return;
        }
        for id in late {
            self.uninvert(&id);
        }
        self.made.remarks.push(
            "health checks are turned back last: their records have no weights and return at once"
                .to_owned(),
        );
        self.watch();
    }

    fn push(&mut self, change: Change) {
        self.made.steps.push(pace::edits(change, pace::RESTORE));
    }

    fn watch(&mut self) {
        let seconds = u64::from(self.ttl) * 2 + self.pace.bake;
        self.made.steps.push(pace::bake(&self.watched, seconds));
    }
}

impl RisingRule<'_> {
    /// The patch that gives a region a portion of its normal share; `None` where that is no more than what is.
    fn rise(&mut self, label: &RegionLabel, portion: f64) -> Option<Change> {
        let to = self.rule.level(&self.normal, label, portion)?;
        let mine = self.rule.mask(label);
        let share = |weights: &[u32]| parts::share(weights, &mine).unwrap_or(0.0);
        if portion < 1.0 && share(&to) <= share(&self.now) {
            return None;
        }
        let change = self.rule.change(&self.now, &to);
        self.now = to;
        change
    }
}

impl Rising<'_> {
    /// The batch that gives a portion of the normal share; `None` where that is no more than what is.
    fn rise(&mut self, portion: f64) -> Option<Change> {
        let to = weights::level(&self.normal, &self.mine, portion)?;
        let share = |written: &[u8]| weights::share(written, &self.mine).unwrap_or(0.0);
        // The normal weights are written even where the share is the same: they are what the others expect.
        if portion < 1.0 && share(&to) <= share(&self.now) {
            return None;
        }
        let change = self.name.batch(&self.now, &to);
        self.now = to;
        change
    }
}
