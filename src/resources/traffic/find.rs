//! One thing among the rows of traffic splits: a record set, an endpoint group, a control, a target group, a distribution. Owns what makes two of them the same.

use super::{
    EndpointGroup, Forward, Mechanism, Record, RouteBackend, RouteRule, RoutingControl, Split,
    cloudfront::Distribution,
    plain_name,
    rollouts::{Rollout, RolloutName},
};

/// Whether two record sets are the same set of the same name.
pub fn same_set(a: &Record, b: &Record) -> bool {
    (&a.zone_id, &a.record_type, &a.set_identifier)
        == (&b.zone_id, &b.record_type, &b.set_identifier)
        && plain_name(&a.name) == plain_name(&b.name)
}

/// The record set of the zone, name, type and set identifier of another.
pub fn record<'a>(rows: &'a [Split], like: &Record) -> Option<&'a Record> {
    rows.iter().find_map(|row| match &row.by {
        Mechanism::Record(record) if same_set(record, like) => Some(record),
        Mechanism::Record(_)
        | Mechanism::Dial(_)
        | Mechanism::Forward(_)
        | Mechanism::Alias(_)
        | Mechanism::Distribution(_)
        | Mechanism::Control(_)
        | Mechanism::Route(_)
        | Mechanism::Rollout(_) => None,
    })
}

/// An endpoint group by its ARN.
pub fn group<'a>(rows: &'a [Split], arn: &str) -> Option<&'a EndpointGroup> {
    rows.iter().find_map(|row| match &row.by {
        Mechanism::Dial(group) if group.group_arn == arn => Some(group),
        Mechanism::Dial(_)
        | Mechanism::Record(_)
        | Mechanism::Forward(_)
        | Mechanism::Alias(_)
        | Mechanism::Distribution(_)
        | Mechanism::Control(_)
        | Mechanism::Route(_)
        | Mechanism::Rollout(_) => None,
    })
}

/// A routing control by its ARN.
pub fn control<'a>(rows: &'a [Split], arn: &str) -> Option<&'a RoutingControl> {
    rows.iter().find_map(|row| match &row.by {
        Mechanism::Control(control) if control.arn == arn => Some(control),
        Mechanism::Control(_)
        | Mechanism::Route(_)
        | Mechanism::Rollout(_)
        | Mechanism::Record(_)
        | Mechanism::Dial(_)
        | Mechanism::Forward(_)
        | Mechanism::Alias(_)
        | Mechanism::Distribution(_) => None,
    })
}

/// A target group of a forward action.
pub fn forward<'a>(
    rows: &'a [Split],
    (listener, rule): (&str, Option<&str>),
    target_group: &str,
) -> Option<&'a Forward> {
    rows.iter().find_map(|row| match &row.by {
        Mechanism::Forward(forward)
            if forward.listener_arn == listener
                && forward.rule_arn.as_deref() == rule
                && forward.target_group_arn == target_group =>
        {
            Some(forward)
        }
        Mechanism::Forward(_)
        | Mechanism::Record(_)
        | Mechanism::Dial(_)
        | Mechanism::Alias(_)
        | Mechanism::Distribution(_)
        | Mechanism::Control(_)
        | Mechanism::Route(_)
        | Mechanism::Rollout(_) => None,
    })
}

/// An object that sends releases out.
pub fn rollout<'a>(rows: &'a [Split], name: &RolloutName) -> Option<&'a Rollout> {
    rows.iter().find_map(|row| match &row.by {
        Mechanism::Rollout(version) if version.rollout.name == *name => Some(&version.rollout),
        Mechanism::Rollout(_)
        | Mechanism::Route(_)
        | Mechanism::Record(_)
        | Mechanism::Dial(_)
        | Mechanism::Forward(_)
        | Mechanism::Alias(_)
        | Mechanism::Distribution(_)
        | Mechanism::Control(_) => None,
    })
}

/// The backends of a rule of a route, each with its name.
pub fn backends<'a>(
    rows: &'a [Split],
    rule: &'a RouteRule,
) -> impl Iterator<Item = (&'a str, &'a RouteBackend)> {
    rows.iter().filter_map(move |row| match &row.by {
        Mechanism::Route(backend) if backend.rule.same(rule) => {
            Some((row.member.as_str(), backend))
        }
        Mechanism::Route(_)
        | Mechanism::Rollout(_)
        | Mechanism::Record(_)
        | Mechanism::Dial(_)
        | Mechanism::Forward(_)
        | Mechanism::Alias(_)
        | Mechanism::Distribution(_)
        | Mechanism::Control(_) => None,
    })
}

/// The distributions.
pub fn distributions(rows: &[Split]) -> impl Iterator<Item = &Distribution> {
    rows.iter().filter_map(|row| row.by.distribution())
}
