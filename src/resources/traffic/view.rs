//! What a member of a split shows in its pane, its detail and status. Owns texts only; draws nothing.

use serde_json::json;

use super::{EndpointGroup, Forward, Mechanism, Policy, Record, Split, fields, routes::InForce};
use crate::resources::{
    Fleet, Place, RegionLabel, Resource, Severity,
    cell::{Cell, Column, Field, Show, percent},
    health_checks,
    regions::{
        steering::{self, Share},
        view,
    },
};

const COLUMNS: &[Column] = &[
    Column::name("split", 8, 44, 0),
    Column::name("member", 8, 32, 0),
    Column::name("region", 6, 16, 2),
    Column::number("weight", 6, 0),
    // `46%`, `20-46%`, `answers`, `no answer`
    Column::numbers("share", 5, 9, 0),
    Column::text("health", 6, 9, 1),
    Column::number("ttl", 4, 3),
    Column::text("by", 6, 12, 4),
];

impl Show for Split {
    fn columns() -> &'static [Column] {
        COLUMNS
    }

    fn cells(&self, fleet: &Fleet, place: &Place) -> Vec<Cell> {
        let region = self.region(fleet, place);
        vec![
            Cell::text(split_name(self, fleet, place)),
            Cell::text(&self.member),
            Cell::maybe(region.map(RegionLabel::as_str)),
            weight(&self.by),
            view::share(share(self, fleet, place).as_ref()),
            health(self, fleet),
            ttl(&self.by),
            Cell::text(by(&self.by)),
        ]
    }

    fn detail(&self, fleet: &Fleet, place: &Place) -> Vec<Field> {
        let region = self.region(fleet, place);
        let share = share(self, fleet, place);
        let note = share.as_ref().and_then(|share| share.note.clone());
        let mut fields = vec![
            Field::text("split", Some(&self.split)),
            Field::text("member", Some(&self.member)),
            Field::text("by", Some(by(&self.by))),
            Field::text("region", region.map(RegionLabel::as_str)),
            Field::new("weight", weight(&self.by)),
            Field::new("effective share", view::share(share.as_ref())),
            Field::text("share note", note),
            Field::new("health", health(self, fleet)),
        ];
        fields.extend(fields::of(&self.by, fleet, place));
        fields
    }

    fn derived(&self, fleet: &Fleet, place: &Place) -> serde_json::Value {
        json!({
            "region": self.region(fleet, place),
            "effective_share": share(self, fleet, place),
            "health": health(self, fleet).text,
        })
    }
}

/// The effective share; `None` for what splits nothing.
fn share(split: &Split, fleet: &Fleet, place: &Place) -> Option<Share> {
    let source = steering::source(&split.by);
    match split.by {
        Mechanism::Control(_) => None,
        Mechanism::Record(_)
        | Mechanism::Dial(_)
        | Mechanism::Forward(_)
        | Mechanism::Alias(_)
        | Mechanism::Route(_)
        | Mechanism::Rollout(_)
        | Mechanism::Distribution(_) => steering::member_share(fleet, source, place, &split.key()),
    }
}

/// What is split, without the parts that only machines read.
fn split_name(split: &Split, fleet: &Fleet, place: &Place) -> String {
    match &split.by {
        Mechanism::Record(record) => {
            let name = record.name.trim_end_matches('.');
            format!("{name} {}", record.record_type)
        }
        Mechanism::Dial(group) => group.accelerator_name.clone(),
        Mechanism::Forward(forward) => {
            format!("{} {}", forward.load_balancer_name, forward.priority)
        }
        // Each endpoint of the cluster answers for itself: rows that differ only in it must not look alike.
        Mechanism::Control(control) => {
            let panel = control.panel_name.as_deref().unwrap_or(&split.split);
            match place {
                Place::Endpoint(region) => format!("{panel} via {region}"),
                Place::Region(_) | Place::Global => panel.to_owned(),
            }
        }
        // Every cluster of a mesh may have a route of this name: what leads elsewhere says from where.
        Mechanism::Route(_) => match place.region() {
            Some(own) if split.region(fleet, place) != Some(own) => {
                format!("{} via {own}", split.split)
            }
            Some(_) | None => split.split.clone(),
        },
        Mechanism::Alias(_) | Mechanism::Distribution(_) | Mechanism::Rollout(_) => {
            split.split.clone()
        }
    }
}

/// How it is split, in one or two words.
fn by(mechanism: &Mechanism) -> &'static str {
    match mechanism {
        Mechanism::Record(record) => policy(&record.policy),
        Mechanism::Dial(_) => "dial",
        Mechanism::Forward(_) => "forward",
        Mechanism::Alias(_) => "Lambda alias",
        Mechanism::Distribution(_) => "CloudFront",
        Mechanism::Control(_) => "control",
        Mechanism::Route(backend) => backend.rule.kind.name(),
        Mechanism::Rollout(version) => version.rollout.name.tool.kind(),
    }
}

fn policy(policy: &Policy) -> &'static str {
    match policy {
        Policy::Simple => "simple",
        Policy::Other => "other",
        Policy::Weighted { .. } => "weighted",
        Policy::Latency { .. } => "latency",
        Policy::Geolocation { .. } => "geolocation",
        Policy::Geoproximity { .. } => "geoproximity",
        Policy::Failover { .. } => "failover",
        Policy::MultiValue => "multivalue",
        Policy::Cidr { .. } => "CIDR",
    }
}

/// The setting as it stands, in the unit of its mechanism.
fn weight(mechanism: &Mechanism) -> Cell {
    match mechanism {
        Mechanism::Record(record) => match &record.policy {
            Policy::Weighted { weight } => {
                let weight = *weight;
                Cell::number(f64::from(weight), weight.to_string())
            }
            Policy::Failover { primary: true } => Cell::text("prim"),
            Policy::Failover { primary: false } => Cell::text("second"),
            Policy::Geoproximity { bias, .. } => {
                Cell::number(f64::from(*bias), format!("{bias:+}"))
            }
            Policy::Simple
            | Policy::Other
            | Policy::Latency { .. }
            | Policy::Geolocation { .. }
            | Policy::MultiValue
            | Policy::Cidr { .. } => Cell::none(),
        },
        Mechanism::Dial(group) => Cell::number(group.dial, percent(group.dial)),
        Mechanism::Forward(forward) => {
            Cell::number(f64::from(forward.weight), forward.weight.to_string())
        }
        Mechanism::Alias(alias) => Cell::number(alias.weight, percent(alias.weight * 100.0)),
        Mechanism::Distribution(distribution) => {
            let weight = distribution.policy.as_ref().and_then(|p| p.weight);
            weight.map_or_else(Cell::none, |weight| {
                Cell::number(weight, percent(weight * 100.0))
            })
        }
        Mechanism::Rollout(version) => Cell::number(version.weight(), percent(version.weight())),
        Mechanism::Route(backend) => {
            Cell::number(f64::from(backend.weight), backend.weight.to_string())
        }
        Mechanism::Control(control) => match control.on {
            Some(true) => Cell::text("On"),
            Some(false) => Cell::text("Off"),
            None => Cell::unknown(),
        },
    }
}

/// Whether the member can take traffic, by whatever its mechanism looks at.
fn health(split: &Split, fleet: &Fleet) -> Cell {
    match &split.by {
        Mechanism::Record(record) => record_health(record, fleet),
        Mechanism::Dial(group) => endpoints(group),
        Mechanism::Forward(forward) => targets(forward, fleet),
        Mechanism::Distribution(distribution) => {
            let cell = Cell::text(&distribution.status);
            if distribution.enabled {
                cell
            } else {
                Cell::text("disabled").severity(Severity::Warn)
            }
        }
        Mechanism::Rollout(version) => {
            let judgement = version.rollout.judge(fleet);
            Cell::text(&version.rollout.phase).severity(judgement.severity)
        }
        Mechanism::Route(backend) => match backend.in_force() {
            InForce::Yes if backend.parents.is_empty() => Cell::none(),
            InForce::Yes => Cell::text("accepted"),
            InForce::NotYet(_) => Cell::unknown(),
            InForce::No(_) => Cell::text("refused").severity(Severity::Bad),
        },
        Mechanism::Alias(_) | Mechanism::Control(_) => Cell::none(),
    }
}

fn record_health(record: &Record, fleet: &Fleet) -> Cell {
    let evaluates = record
        .alias
        .as_ref()
        .is_some_and(|alias| alias.evaluate_target_health);
    match record.health_check_id.as_deref() {
        Some(id) => match health_checks::healthy(fleet, id) {
            Some(true) => Cell::text("ok"),
            Some(false) => Cell::text("fails").severity(Severity::Bad),
            None => Cell::unknown(),
        },
        None if evaluates => Cell::text("target"),
        // No check means always healthy (trap 3): said, not hidden behind an OK.
        None => Cell::text("no check"),
    }
}

fn endpoints(group: &EndpointGroup) -> Cell {
    let healthy = group
        .endpoints
        .iter()
        .filter(|endpoint| endpoint.health.as_deref() == Some("HEALTHY"))
        .count();
    let total = group.endpoints.len();
    let severity = match healthy {
        _ if total == 0 => Severity::Unknown,
        0 => Severity::Bad,
        healthy if healthy < total => Severity::Warn,
        _ => Severity::Ok,
    };
    Cell::number(healthy as f64, format!("{healthy}/{total}")).severity(severity)
}

fn targets(forward: &Forward, fleet: &Fleet) -> Cell {
    let Some(health) = forward.health else {
        return Cell::unknown();
    };
    let limits = &fleet.estate.thresholds;
    let severity = health.percent().map_or(Severity::Unknown, |percent| {
        Severity::below(
            percent,
            limits.healthy_warn_percent,
            limits.healthy_bad_percent,
        )
    });
    let total = health.total();
    let text = format!("{}/{total}", health.healthy);
    // Sick targets that get nothing are seen, but hurt nobody.
    let most = if forward.weight > 0 {
        Severity::Bad
    } else {
        Severity::Unknown
    };
    Cell::number(f64::from(health.healthy), text).severity(severity.min(most))
}

fn ttl(mechanism: &Mechanism) -> Cell {
    match mechanism {
        Mechanism::Record(record) => match (record.ttl, &record.alias) {
            (Some(ttl), _) => Cell::number(f64::from(ttl), ttl.to_string()),
            // Route 53 answers with the target's own, in practice 60 s.
            (None, Some(_)) => Cell::number(60.0, "60"),
            (None, None) => Cell::none(),
        },
        Mechanism::Dial(_)
        | Mechanism::Forward(_)
        | Mechanism::Alias(_)
        | Mechanism::Distribution(_)
        | Mechanism::Control(_)
        | Mechanism::Route(_)
        | Mechanism::Rollout(_) => Cell::none(),
    }
}
