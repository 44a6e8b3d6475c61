//! Which lever takes a region out of each route: the data plane first, by what works now. Owns the choice and its reasons; builds no step.

mod check;
mod panel;

use std::collections::BTreeSet;

use super::{
    route::{Accelerator, Name, Routes},
    rule::Rule,
};
use crate::resources::{
    Fleet, Place, RegionLabel, Source,
    health_checks::HealthCheck,
    levers::{self, LeverState},
    traffic::{self, Mechanism, Policy, Record, RoutingControl, share::Share},
};

/// Seconds in which the proxies of a mesh have surely taken other weights (domain B.3).
const PROXIES: u32 = 30;

/// What takes a region out of the routes that it is in.
#[derive(Debug, Default)]
pub struct Pulls<'a> {
    /// Routing controls to turn `Off`.
    pub controls: Vec<&'a RoutingControl>,
    /// Routing controls of others to turn `On` in the same call, because no other of the panel is.
    pub receivers: Vec<&'a RoutingControl>,
    /// Accelerators whose dial of the region goes to 0.
    pub dials: Vec<&'a Accelerator<'a>>,
    /// Names whose weights of the region go to 0.
    pub weights: Vec<&'a Name<'a>>,
    /// Health checks that are inverted, with the record sets that use them.
    pub inverted: Vec<(&'a HealthCheck, Vec<String>)>,
    /// Rules of a mesh or a gateway whose backends in the region get nothing more.
    pub rules: Vec<&'a Rule<'a>>,
    /// How long resolvers keep an old answer, the longest; proxies follow in less.
    pub ttl: u32,
    /// Which lever was chosen and why, which was not and why.
    pub remarks: Vec<String>,
    /// Routes that stay, with the reason.
    pub stuck: Vec<String>,
}

impl Pulls<'_> {
    /// Whether nothing can be pulled.
    pub fn is_empty(&self) -> bool {
        self.controls.is_empty()
            && self.dials.is_empty()
            && self.weights.is_empty()
            && self.inverted.is_empty()
            && self.rules.is_empty()
    }
}

/// Whether a group of levers works: one of them answered when last asked. Otherwise what is wrong with it.
pub fn works(fleet: &Fleet, group: &str) -> Result<(), String> {
    let levers = levers::levers(fleet);
    let mut states = levers
        .iter()
        .filter(|lever| lever.group == group)
        .map(|lever| &lever.state);
    if states
        .clone()
        .any(|state| matches!(state, LeverState::Works { .. }))
    {
        return Ok(());
    }
    Err(states
        .next()
        .map_or("not configured".to_owned(), |state| state.text(fleet.now)))
}

/// All routing controls, each once, as any endpoint lists them.
pub fn controls(fleet: &Fleet) -> Vec<&RoutingControl> {
    let mut seen = BTreeSet::new();
    let rows = fleet.traffic.slices();
    rows.filter(|(source, _, _)| *source == Source::RoutingControls)
        .flat_map(|(_, _, slice)| &slice.rows)
        .filter_map(|row| match &row.by {
            Mechanism::Control(control) => Some(control),
            Mechanism::Record(_)
            | Mechanism::Dial(_)
            | Mechanism::Forward(_)
            | Mechanism::Alias(_)
            | Mechanism::Distribution(_)
            | Mechanism::Route(_)
            | Mechanism::Rollout(_) => None,
        })
        .filter(|control| seen.insert(control.arn.as_str()))
        .collect()
}

/// What the choice is made on.
struct Choice<'a> {
    fleet: &'a Fleet,
    routes: &'a Routes<'a>,
    label: &'a RegionLabel,
    controls: Vec<&'a RoutingControl>,
    cluster: Result<(), String>,
    dns: Result<(), String>,
    pulls: Pulls<'a>,
}

/// Chooses the levers that take a region out of everything. `receivers` are regions that may be turned on.
pub fn choose<'a>(
    fleet: &'a Fleet,
    routes: &'a Routes<'a>,
    label: &'a RegionLabel,
    receivers: &[RegionLabel],
) -> Pulls<'a> {
    let mut choice = Choice {
        fleet,
        routes,
        label,
        controls: controls(fleet),
        cluster: works(fleet, "ARC"),
        dns: works(fleet, "R53"),
        pulls: Pulls::default(),
    };
    for name in &routes.names {
        choice.name(name);
    }
    choice.unseen_control();
    choice.receivers(receivers);
    for accelerator in &routes.accelerators {
        choice.accelerator(accelerator);
    }
    // What nothing else takes away at the door, the region's own gateway sends on.
    let own = !routes.front(label) || !choice.pulls.stuck.is_empty();
    for rule in &routes.rules {
        if own || rule.region != label {
            choice.rule(rule);
        }
    }
    if !routes.rules.is_empty() {
        let unread = traffic::share::unread_routes(fleet);
        let stays = |place| {
            format!(
                "the routes of {place} were never read: what its gateways send to {label} stays"
            )
        };
        choice.pulls.stuck.extend(unread.map(stays));
    }
    choice.pulls
}

impl<'a> Choice<'a> {
    fn name(&mut self, name: &'a Name<'a>) {
        let open: Vec<&Record> = name
            .of(self.label)
            .filter(|record| self.routes.open(self.fleet, record))
            .collect();
        if open.is_empty() || self.spare(name, &open) {
            return;
        }
        self.pulls.ttl = self.pulls.ttl.max(name.ttl());
        let plain = name.plain();
        let by_control = self.by_control(name);
        let otherwise = if name.weights().is_some() {
            self.by_weight(name).map(|()| Vec::new())
        } else {
            self.by_check(name, &open)
        };
        let (way, backup) = if name.weights().is_some() {
            ("its weights", "weights are the fallback")
        } else {
            (
                "its health check",
                "inverting its health check is the fallback",
            )
        };
        match (by_control, otherwise) {
            (Ok(found), other) if self.cluster.is_ok() || other.is_err() || self.dns.is_err() => {
                let names: Vec<&str> = found.iter().map(|control| control.name.as_str()).collect();
                let fallback = other.map_or_else(|why| why, |_| backup.to_owned());
                self.pulls.remarks.push(format!(
                    "{plain}: routing control {} (data plane) takes it out at once; {fallback}",
                    names.join(", ")
                ));
                self.warn_cluster();
                for control in found {
                    if !self
                        .pulls
                        .controls
                        .iter()
                        .any(|known| known.arn == control.arn)
                    {
                        self.pulls.controls.push(control);
                    }
                }
            }
            (control, Ok(checks)) => {
                let why = match control {
                    Ok(_) => format!(
                        "the recovery cluster {}",
                        self.cluster.clone().err().unwrap_or_default()
                    ),
                    Err(why) => why,
                };
                self.pulls.remarks.push(format!(
                    "{plain}: {way} (control plane in us-east-1), because {why}"
                ));
                self.warn_dns(name);
                if name.weights().is_some() {
                    self.pulls.weights.push(name);
                }
                for check in checks {
                    if !self
                        .pulls
                        .inverted
                        .iter()
                        .any(|(known, _)| known.id == check.id)
                    {
                        let users = self.users(&check.id);
                        self.pulls.remarks.push(format!(
                            "health check {} is used by {}: all of them leave {} at once",
                            check.id,
                            users.join(", "),
                            self.label
                        ));
                        self.pulls.inverted.push((check, users));
                    }
                }
            }
            (Err(control), Err(otherwise)) => {
                self.pulls
                    .stuck
                    .push(format!("{plain} stays: {control}; {otherwise}"));
            }
            (Ok(_), Err(_)) => {}
        }
    }

    /// A region that is only the reserve of a name gets nothing while the primary works: it stays as it is.
    fn spare(&mut self, name: &Name<'_>, open: &[&Record]) -> bool {
        let key = |record: &Record| {
            format!(
                "{}/{}",
                name.split,
                record.set_identifier.as_deref().unwrap_or("")
            )
        };
        let idle = |record: &&Record| {
            let share = self
                .fleet
                .shares
                .get(Source::Records, &Place::Global, &key(record));
            share.and_then(Share::answers) == Some(false)
        };
        let spare = open
            .iter()
            .all(|record| record.policy == Policy::Failover { primary: false } && idle(record));
        if spare && self.by_control(name).is_err() {
            let plain = name.plain();
            self.pulls.remarks.push(format!(
                "{plain}: {} is its failover secondary and gets traffic only if the primary fails; left as it is",
                self.label
            ));
        }
        spare
    }

    fn warn_cluster(&mut self) {
        if let Err(why) = &self.cluster {
            let text = format!("the recovery cluster {why}");
            if !self.pulls.remarks.contains(&text) {
                self.pulls.remarks.push(text);
            }
        }
    }

    fn warn_dns(&mut self, name: &Name<'_>) {
        if let Err(why) = &self.dns {
            let text = format!(
                "Route 53 {why}: no other lever takes it out of {}",
                name.plain()
            );
            self.pulls.remarks.push(text);
        }
    }

    /// The controls that take all record sets of the region out of a name, and nothing of other regions.
    fn by_control(&self, name: &Name<'_>) -> Result<Vec<&'a RoutingControl>, String> {
        let mut found: Vec<&'a RoutingControl> = Vec::new();
        for record in name.of(self.label) {
            let arns = self.routes.controls(record);
            if arns.is_empty() {
                return Err("no routing control governs it".to_owned());
            }
            let on = arns.iter().find_map(|arn| {
                let control = self.controls.iter().find(|control| control.arn == *arn)?;
                (self.fleet.shares.control(arn) == Some(true)).then_some(*control)
            });
            match on {
                Some(control) => found.push(control),
                // Already out.
                None if !self.routes.open(self.fleet, record) => {}
                None => return Err("the state of its routing control is not known".to_owned()),
            }
        }
        let foreign = self.routes.names.iter().flat_map(|name| &name.records);
        let shared = foreign
            .filter(|(_, region)| *region != Some(self.label))
            .find_map(|(record, _)| {
                let arns = self.routes.controls(record);
                found
                    .iter()
                    .find(|control| arns.contains(&control.arn.as_str()))
            });
        match shared {
            Some(control) => Err(format!(
                "routing control {} also governs other regions",
                control.name
            )),
            None => Ok(found),
        }
    }

    fn by_weight(&self, name: &Name<'_>) -> Result<(), String> {
        if let Some(owner) = owner(name) {
            return Err(owner);
        }
        let rest = name
            .records
            .iter()
            .filter(|(_, region)| *region != Some(self.label));
        let some = rest
            .filter_map(|(record, _)| record.weight())
            .any(|weight| weight > 0);
        if some {
            Ok(())
        } else {
            Err("no other region has a weight, and weights are never all 0".to_owned())
        }
    }

    fn rule(&mut self, rule: &'a Rule<'a>) {
        if !rule.serves(self.label) {
            return;
        }
        let name = rule.name();
        if !rule.heard(self.fleet) {
            let text = format!("{name} stays: {} is not heard", rule.at.cluster);
            self.pulls.stuck.push(text);
            return;
        }
        self.pulls.ttl = self.pulls.ttl.max(PROXIES);
        let own = if rule.region == self.label {
            format!(
                "; its gateway still takes what its users send, and passes it on: it must stay up until nobody comes through {} any more",
                rule.at.cluster
            )
        } else {
            String::new()
        };
        self.pulls.remarks.push(format!(
            "{name}: the weights of its backends (API server of {}), whose proxies follow in seconds{own}",
            rule.at.cluster
        ));
        self.pulls.rules.push(rule);
    }

    fn accelerator(&mut self, accelerator: &'a Accelerator<'a>) {
        let open = accelerator.of(self.label).any(|group| group.dial > 0.0);
        if !open {
            return;
        }
        let name = accelerator.name;
        if !accelerator.others_open(self.label) {
            let text = format!("{name} stays: no other endpoint group of it takes traffic");
            self.pulls.stuck.push(text);
            return;
        }
        let why = match works(self.fleet, "GA") {
            Ok(()) => String::new(),
            Err(why) => format!("; Global Accelerator {why}"),
        };
        self.pulls.remarks.push(format!(
            "{name}: the traffic dial (control plane in us-west-2){why}; open connections stay until they end"
        ));
        self.pulls.dials.push(accelerator);
    }
}

/// Why the record sets of a name must not be edited.
pub fn owner(name: &Name<'_>) -> Option<String> {
    let mut records = name.records.iter();
    let id = records.find_map(|(record, _)| record.traffic_policy_instance_id.as_deref())?;
    Some(format!(
        "traffic policy instance {id} owns its record sets and would put them back"
    ))
}
