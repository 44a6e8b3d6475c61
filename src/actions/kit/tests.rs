//! What the tests of traffic actions share: simulated fleets, journals of runs that ended well, a walk over the changes of a plan; and the properties of all plans.

mod carried;
mod properties;

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use jiff::Timestamp;

use crate::{
    plan::{
        Intent, Options, Plan, Step, Wait, Work,
        entry::{Ending, Entry, Outcome, What},
        ledger::Ledger,
    },
    resources::{
        Answer, Change, Fleet, Place, Query, RegionLabel, Rows, Source, Wanted,
        change::{Alter, Standing},
        clusters::Cluster,
        traffic::{self, Mechanism, Policy, Split, share::Shares},
    },
    sim::{Clock, Scenario, SimProvider, scenario},
};

const START: i64 = 1_780_000_020;

struct Manual(AtomicI64);

impl Clock for Manual {
    fn now(&self) -> Timestamp {
        time(self.0.load(Ordering::Relaxed))
    }

    fn speed(&self) -> f64 {
        1.0
    }
}

pub fn time(second: i64) -> Timestamp {
    Timestamp::from_second(START + second).unwrap()
}

pub fn label(text: &str) -> RegionLabel {
    RegionLabel::new(text).unwrap()
}

/// What a console knows of a scenario that it polled at these seconds.
pub fn watched(name: &str, seconds: &[i64]) -> Fleet {
    let found = scenario::builtin().iter().find(|(known, _)| *known == name);
    polled(found.unwrap().1, seconds)
}

/// The same of a scenario that consists of these cues, polled at its beginning and at a second.
pub fn after(cues: &str, second: i64) -> Fleet {
    let text = format!("name = \"x\"\ntitle = \"t\"\nduration = 900\n{cues}");
    polled(&text, &[0, second])
}

fn polled(text: &str, seconds: &[i64]) -> Fleet {
    let scenario = Scenario::parse(text, "test").unwrap();
    let clock = Arc::new(Manual(AtomicI64::new(0)));
    let provider = SimProvider::new(&scenario, scenario.seed, clock.clone());
    let mut fleet = Fleet::new(Arc::new(provider.estate()), time(0));
    for second in seconds {
        clock.0.store(*second, Ordering::Relaxed);
        fleet.now = time(*second);
        poll(&mut fleet, &provider);
    }
    fleet.advance(fleet.now + std::time::Duration::from_secs(5));
    fleet
}

fn poll(fleet: &mut Fleet, provider: &SimProvider) {
    let at = fleet.now;
    for &source in Source::ALL {
        for place in fleet.estate.places(source) {
            let wanted = match source {
                Source::Metrics => Wanted::Series(fleet.wanted_series(&place)),
                Source::ApiServers => {
                    let rows = fleet.clusters.at(&place);
                    let known = rows.filter_map(|row| match row {
                        Cluster::Eks(eks) => Some(eks.api_server.clone()),
                        Cluster::ApiServer(_) | Cluster::NodeGroup(_) | Cluster::Nodes(_) => None,
                    });
                    Wanted::ApiServers(known.collect())
                }
                _ => Wanted::Nothing,
            };
            let query = Query {
                source,
                place: place.clone(),
                wanted,
                read: 0,
            };
            let reply = provider.reply(&query);
            match reply.result {
                Ok(answer) => fleet.accept(&query, answer, at, reply.latency),
                Err(error) => fleet.reject(&query, error),
            }
        }
    }
}

pub fn calm() -> Fleet {
    watched("calm", &[0, 60])
}

/// Other rows at a place, seen now.
pub fn replace(fleet: &mut Fleet, source: Source, place: &Place, rows: Rows) {
    let query = Query {
        source,
        place: place.clone(),
        wanted: Wanted::Nothing,
        read: 0,
    };
    let now = fleet.now;
    fleet.accept(&query, Answer::of(rows), now, std::time::Duration::ZERO);
}

/// The rows of a source of splits, edited.
pub fn edit(fleet: &mut Fleet, source: Source, place: &Place, edit: impl FnMut(&mut Split)) {
    let mut rows = fleet.traffic.slice(source, place).unwrap().rows.clone();
    rows.iter_mut().for_each(edit);
    replace(fleet, source, place, Rows::Traffic(rows));
}

/// No routing control governs anything: the health checks of controls are gone.
pub fn without_controls(fleet: &mut Fleet) {
    let slice = fleet
        .health_checks
        .slice(Source::HealthChecks, &Place::Global);
    let mut rows = slice.unwrap().rows.clone();
    for check in &mut rows {
        check.routing_control_arn = None;
    }
    replace(
        fleet,
        Source::HealthChecks,
        &Place::Global,
        Rows::HealthChecks(rows),
    );
}

pub fn intent(action: &str, target: &str, options: Options) -> Intent {
    Intent {
        action: action.to_owned(),
        target: target.to_owned(),
        options,
    }
}

pub fn plan(fleet: &Fleet, ledger: &Ledger, action: &str, target: &str, options: Options) -> Plan {
    permitted(crate::actions::plan(fleet, ledger, &intent(action, target, options)).unwrap())
}

/// A plan that changes nothing but what the policy of its action allows.
pub fn permitted(plan: Plan) -> Plan {
    let allowed = crate::report::policy::of_action(&plan.intent.action).unwrap();
    for change in plan.changes() {
        let operation = change.operation();
        assert!(
            allowed.contains(&operation),
            "{}: {operation}",
            plan.intent.action
        );
    }
    plan
}

pub fn refusal(
    fleet: &Fleet,
    ledger: &Ledger,
    action: &str,
    target: &str,
    options: Options,
) -> String {
    let refused =
        crate::actions::plan(fleet, ledger, &intent(action, target, options)).unwrap_err();
    format!("{refused} | {}", refused.advice)
}

/// Adds a run to a journal that carried a plan out to its end.
pub fn done(ledger: &mut Ledger, id: &str, plan: &Plan) {
    let mut add = |step: Option<usize>, what: What| {
        ledger.add(Entry {
            at: plan.made_at,
            run: Some(id.to_owned()),
            step,
            what,
        });
    };
    add(
        None,
        What::Confirmed {
            plan: Box::new(plan.clone()),
            hash: plan.hash(),
            guards: Vec::new(),
            overrides: BTreeMap::new(),
            typed: plan.phrase.clone(),
            reason: "test".to_owned(),
        },
    );
    for (index, step) in plan.steps.iter().enumerate() {
        if let Work::Change(change) = &step.work {
            add(
                Some(index),
                What::Sending {
                    title: step.title.clone(),
                    change: change.clone(),
                },
            );
            add(
                Some(index),
                What::Concluded {
                    outcome: Outcome::Verified,
                    evidence: String::new(),
                },
            );
        }
    }
    add(
        None,
        What::Ended {
            ending: Ending::Done,
            text: String::new(),
        },
    );
}

/// Before → after of every change, a line each; waits as one word.
pub fn lines(plan: &Plan) -> Vec<String> {
    plan.steps.iter().flat_map(of_step).collect()
}

fn of_step(step: &Step) -> Vec<String> {
    match &step.work {
        Work::Change(change) => {
            let edits = change.edits();
            edits
                .iter()
                .map(|edit| format!("{} {} -> {}", edit.what, edit.from, edit.to))
                .collect()
        }
        Work::Wait(Wait::Tail {
            region,
            seconds,
            below_percent,
            ..
        }) => {
            vec![format!("tail {region} {seconds} s below {below_percent} %")]
        }
        Work::Wait(Wait::Bake { regions, seconds }) => {
            let names: Vec<&str> = regions.iter().map(RegionLabel::as_str).collect();
            vec![format!("bake {} {seconds} s", names.join(" "))]
        }
        Work::Wait(Wait::Version { at, .. }) => vec![format!("version of {}", at.words())],
        Work::Wait(Wait::Nodes { .. }) => vec!["nodes".to_owned()],
        Work::Wait(Wait::Emptied { node }) => vec![format!("emptied {}", node.words())],
        Work::Wait(Wait::Rollout { at, .. }) => vec![format!("roll-out {}", at.words())],
    }
}

/// Weights by name and set identifier, dials by group.
pub type Levers = (BTreeMap<(String, String), u8>, BTreeMap<String, f64>);

pub fn levers(fleet: &Fleet) -> Levers {
    let (mut weights, mut dials) = Levers::default();
    for (_, _, row) in fleet.traffic.rows() {
        match &row.by {
            Mechanism::Record(record) => {
                if let Policy::Weighted { weight } = record.policy {
                    weights.insert((row.split.clone(), row.member.clone()), weight);
                }
            }
            Mechanism::Dial(group) => {
                dials.insert(group.group_arn.clone(), group.dial);
            }
            Mechanism::Forward(_)
            | Mechanism::Alias(_)
            | Mechanism::Distribution(_)
            | Mechanism::Control(_)
            | Mechanism::Route(_)
            | Mechanism::Rollout(_) => {}
        }
    }
    (weights, dials)
}

/// Carries a plan out in imagination and holds at every step: what it expects is there, no set becomes all zero, nothing leaves the ranges of the APIs.
pub fn walk(fleet: &Fleet, plan: &Plan) -> Fleet {
    let mut fleet = fleet.clone();
    for change in plan.changes() {
        let moves = matches!(change, Change::Traffic(_) | Change::HealthChecks(_));
        if moves {
            assert_eq!(
                change.standing(&fleet),
                Standing::Before,
                "{:?}",
                change.edits()
            );
        }
        in_range(change);
        let before = all_zero(&fleet);
        fleet = fleet.imagined([change]);
        assert_eq!(
            fleet.shares,
            Shares::of(&fleet),
            "{:?} touches more",
            change.edits()
        );
        let after = all_zero(&fleet);
        assert!(
            after.is_subset(&before),
            "{:?} makes {after:?} all zero",
            change.edits()
        );
    }
    fleet
}

fn in_range(change: &Change) {
    match change {
        Change::Traffic(traffic::Change::Dial { to, .. }) => {
            assert!((0.0..=100.0).contains(to), "{to}");
        }
        Change::Traffic(traffic::Change::Controls { controls }) => {
            assert!(controls.len() <= 10 && !controls.is_empty());
        }
        Change::Traffic(traffic::Change::Forward { groups, .. }) => {
            assert!(groups.iter().all(|group| group.to <= 999));
        }
        Change::Traffic(traffic::Change::Route { rule, backends, .. }) => {
            let most = rule.kind.heaviest();
            assert!(backends.iter().all(|edit| edit.to <= most));
        }
        Change::Traffic(traffic::Change::Alias { to, .. }) => {
            assert!((0.0..=1.0).contains(to), "{to}");
        }
        Change::Traffic(traffic::Change::Staging { to, .. }) => {
            assert!((0.0..=0.15).contains(to), "{to}");
        }
        Change::Traffic(traffic::Change::Weights { records }) => {
            // One batch is of one zone, name and type.
            let first = &records.first().unwrap().from;
            assert!(records.iter().all(|edit| {
                (&edit.from.zone_id, &edit.from.name, &edit.from.record_type)
                    == (&first.zone_id, &first.name, &first.record_type)
            }));
        }
        Change::Traffic(traffic::Change::Invalidate { paths, .. }) => {
            assert!((1..=3_000).contains(&paths.len()), "{paths:?}");
        }
        // No number is written: the controller of a rollout sets the weights.
        Change::Traffic(traffic::Change::Steer(_))
        | Change::HealthChecks(_)
        | Change::Databases(_)
        | Change::Caches(_)
        | Change::Clusters(_)
        | Change::Deployments(_)
        | Change::Nodes(_)
        | Change::Alarms(_)
        | Change::Pipelines(_) => {}
    }
}

/// Splits all of whose members have nothing, panels all of whose controls are off.
fn all_zero(fleet: &Fleet) -> std::collections::BTreeSet<String> {
    let mut sums: BTreeMap<String, f64> = BTreeMap::new();
    for (_, place, row) in fleet.traffic.rows() {
        let part = match &row.by {
            Mechanism::Record(record) => match record.policy {
                Policy::Weighted { weight } => f64::from(weight),
                _ => continue,
            },
            Mechanism::Dial(group) => group.dial,
            Mechanism::Forward(forward) => f64::from(forward.weight),
            Mechanism::Control(control) => f64::from(u8::from(control.on == Some(true))),
            Mechanism::Route(backend) => f64::from(backend.weight),
            Mechanism::Rollout(version) => version.weight(),
            Mechanism::Alias(_) | Mechanism::Distribution(_) => continue,
        };
        *sums.entry(format!("{place} {}", row.split)).or_default() += part;
    }
    sums.into_iter()
        .filter(|(_, sum)| *sum <= 0.0)
        .map(|(split, _)| split)
        .collect()
}
