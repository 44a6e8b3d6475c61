//! What a change at the edge needs to be accepted: records, dials, routing controls, staging, forward actions and aliases. Owns the comparisons that AWS makes and those that we make for it.

use super::{Call, Tracked, drifted, entry::Entry, mesh, missing, refused};
use crate::{
    resources::{
        Place, RegionLabel,
        change::ApplyError,
        traffic::{
            self, Change, Policy,
            change::{ControlEdit, ForwardEdit, RecordEdit},
            find,
        },
    },
    sim::{
        names,
        world::{Transition, World},
    },
};

/// Routing controls that one call may change.
const MOST_CONTROLS: usize = 10;
/// Shares closer than this are equal.
const CLOSE: f64 = 1e-6;

/// What the change is for the world; `entry` says which endpoint is asked.
pub fn prepare(world: &World, change: &Change, entry: &Entry) -> Result<Call, ApplyError> {
    match change {
        Change::Weights { records } => weights(world, change, records),
        Change::Dial {
            group_arn,
            from,
            to,
            ..
        } => dial(world, change, group_arn, *from, *to),
        Change::Controls { controls } => self::controls(world, change, controls, entry),
        Change::Forward {
            region,
            listener_arn,
            rule_arn,
            groups,
            ..
        } => forward(
            world,
            change,
            region,
            (listener_arn, rule_arn.as_deref()),
            groups,
        ),
        Change::Alias { .. } => alias(world, change),
        Change::Steer(steering) => mesh::steer(world, change, steering),
        Change::Route {
            region,
            rule,
            backends,
        } => mesh::prepare(world, change, region, rule, backends),
        Change::Staging {
            policy_id,
            from,
            to,
            ..
        } => staging(world, change, policy_id, *from, *to),
        Change::Invalidate {
            distribution_id,
            paths,
            reference,
        } => invalidate(change, distribution_id, paths, reference),
    }
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() < CLOSE
}

/// Route 53 compares every field of what a batch deletes.
fn weights(world: &World, change: &Change, edits: &[RecordEdit]) -> Result<Call, ApplyError> {
    let rows = traffic::sim::records(world);
    let mut set: Vec<(usize, u8)> = Vec::new();
    for edit in edits {
        let from = &edit.from;
        if from.zone_id != names::ZONE {
            return Err(refused(
                change,
                format!(
                    "NoSuchHostedZone: No hosted zone found with ID: {}",
                    from.zone_id
                ),
            ));
        }
        let identifier = from.set_identifier.as_deref().unwrap_or_default();
        let invalid = |what: &str| {
            let text = format!(
                "InvalidChangeBatch: [Tried to delete resource record set [name='{}', type='{}', set-identifier='{identifier}'] but {what}]",
                from.name, from.record_type
            );
            refused(change, text)
        };
        let seen = find::record(&rows, from);
        let Some(seen) = seen else {
            return Err(invalid("it was not found"));
        };
        if seen != from {
            return Err(invalid(
                "the values provided do not match the current values",
            ));
        }
        let label = RegionLabel::new(identifier).ok();
        let region = label.and_then(|label| world.index(&label));
        let (Policy::Weighted { .. }, Some(region)) = (&from.policy, region) else {
            return Err(invalid("a record set of another policy is in its way"));
        };
        if set.iter().any(|(known, _)| *known == region) {
            return Err(invalid("it is deleted twice"));
        }
        set.push((region, edit.to));
    }
    if set.is_empty() {
        return Err(refused(
            change,
            "ValidationError: a batch needs at least one change",
        ));
    }
    Ok(Call {
        transitions: vec![Transition::Weights(set)],
        tracked: Tracked::Records,
    })
}

fn dial(
    world: &World,
    change: &Change,
    group_arn: &str,
    from: f64,
    to: f64,
) -> Result<Call, ApplyError> {
    let rows = traffic::sim::accelerators(world);
    let seen = find::group(&rows, group_arn);
    let group = seen.and_then(|group| Some((world.aws_index(&group.region)?, group.dial)));
    let Some((region, seen)) = group else {
        let text = format!("EndpointGroupNotFoundException: {group_arn}");
        return Err(missing(change, text));
    };
    if !close(seen, from) {
        return Err(drifted(change, format!("the dial is {seen}, not {from}")));
    }
    if !(0.0..=100.0).contains(&to) {
        let text = "InvalidArgumentException: TrafficDialPercentage must be between 0 and 100";
        return Err(refused(change, text));
    }
    Ok(Call::of(Transition::Dial {
        region,
        percent: to,
    }))
}

fn controls(
    world: &World,
    change: &Change,
    edits: &[ControlEdit],
    entry: &Entry,
) -> Result<Call, ApplyError> {
    let endpoint = entry.endpoint.clone().unwrap_or(Place::Global);
    let rows = traffic::sim::controls(world, &endpoint);
    let mut after: Vec<bool> = world
        .routing
        .controls
        .iter()
        .map(|control| *control.now())
        .collect();
    let mut transitions = Vec::new();
    for edit in edits {
        let region = (0..after.len())
            .find(|region| names::control_arn(world.aws_region(*region)) == edit.arn);
        let seen = find::control(&rows, &edit.arn).and_then(|control| control.on);
        let (Some(region), Some(seen)) = (region, seen) else {
            let text = format!("ResourceNotFoundException: {}", edit.arn);
            return Err(missing(change, text));
        };
        if seen != edit.from {
            let word = if seen { "On" } else { "Off" };
            let text = format!("routing control {} is {word} at {endpoint}", edit.name);
            return Err(drifted(change, text));
        }
        after[region] = edit.to;
        transitions.push(Transition::Control {
            region,
            on: edit.to,
        });
    }
    if !(1..=MOST_CONTROLS).contains(&edits.len()) {
        return Err(refused(
            change,
            format!(
                "ServiceLimitExceededException: {} routing control states in one call, of 1 to {MOST_CONTROLS}",
                edits.len()
            ),
        ));
    }
    if !after.contains(&true) {
        let panel = names::panel_arn();
        return Err(refused(
            change,
            format!(
                "ConflictException: the routing control states would violate the safety rule at-least-one-on of {panel}: 1 of {} must be On",
                after.len()
            ),
        ));
    }
    Ok(Call {
        transitions,
        tracked: Tracked::No,
    })
}

fn forward(
    world: &World,
    change: &Change,
    label: &RegionLabel,
    (listener, rule): (&str, Option<&str>),
    edits: &[ForwardEdit],
) -> Result<Call, ApplyError> {
    let rows = traffic::sim::load_balancers(world, &Place::Region(label.clone()));
    let mut weights = Vec::new();
    for edit in edits {
        let seen = find::forward(&rows, (listener, rule), &edit.target_group_arn);
        let (Some(seen), name) = (seen, &edit.target_group_name) else {
            let text = format!(
                "TargetGroupNotFound: {} is not forwarded to by {listener}",
                edit.target_group_arn
            );
            return Err(missing(change, text));
        };
        if seen.weight != edit.from {
            let text = format!("the weight of {name} is {}, not {}", seen.weight, edit.from);
            return Err(drifted(change, text));
        }
        if edit.to > 999 {
            let text = format!(
                "ValidationError: the weight of {name} must be between 0 and 999, not {}",
                edit.to
            );
            return Err(refused(change, text));
        }
        weights.push((seen.target_group_name.clone(), edit.to));
    }
    let Some(region) = world.index(label) else {
        return Err(missing(change, format!("there is no region {label}")));
    };
    Ok(Call::of(Transition::Forward { region, weights }))
}

fn alias(world: &World, change: &Change) -> Result<Call, ApplyError> {
    let Change::Alias {
        region: label,
        function,
        alias,
        stable,
        canary,
        from,
        to,
        revision_id,
    } = change
    else {
        return Err(missing(change, "not a change of an alias"));
    };
    let known = (function.as_str(), alias.as_str()) == (names::FUNCTION, names::ALIAS);
    let Some(region) = world.index(label).filter(|_| known) else {
        let text = format!("ResourceNotFoundException: Function not found: {function}:{alias}");
        return Err(missing(change, text));
    };
    if let Some(token) = revision_id {
        // Lambda compares with what is, not with what a reader has learned of.
        if *token != traffic::sim::revision(world, region, world.aliases[region].now()) {
            return Err(refused(
                change,
                "PreconditionFailedException: The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id",
            ));
        }
    } else {
        let seen = world.aliases[region]
            .seen(world.noise, "lambda", world.now())
            .second;
        if !close(seen, *from) {
            let text = format!("the share of version {canary} is {seen}, not {from}");
            return Err(drifted(change, text));
        }
    }
    if (stable.as_str(), canary.as_str()) != names::VERSIONS {
        let text = format!("ResourceNotFoundException: no versions {stable} and {canary}");
        return Err(refused(change, text));
    }
    if !(0.0..=1.0).contains(to) {
        let text = "InvalidParameterValueException: the weight must be between 0.0 and 1.0";
        return Err(refused(change, text));
    }
    Ok(Call::of(Transition::Alias {
        region,
        weight: *to,
    }))
}

fn staging(
    world: &World,
    change: &Change,
    policy_id: &str,
    from: f64,
    to: f64,
) -> Result<Call, ApplyError> {
    if policy_id != names::policy() {
        let text = format!("NoSuchContinuousDeploymentPolicy: {policy_id}");
        return Err(missing(change, text));
    }
    let seen = world.staging_weight;
    if !close(seen, from) {
        let text = format!("the staging share is {seen}, not {from}");
        return Err(drifted(change, text));
    }
    if !(0.0..=0.15).contains(&to) {
        let text = "InvalidArgument: the weight of a continuous deployment policy is 0.0 to 0.15";
        return Err(refused(change, text));
    }
    Ok(Call {
        transitions: vec![Transition::Staging { weight: to }],
        tracked: Tracked::Policy,
    })
}

fn invalidate(
    change: &Change,
    distribution: &str,
    paths: &[String],
    reference: &str,
) -> Result<Call, ApplyError> {
    if distribution != names::DISTRIBUTION {
        let text = format!("NoSuchDistribution: {distribution}");
        return Err(refused(change, text));
    }
    let wrong = |path: &&String| !path.starts_with('/') || path.trim_end_matches('*').contains('*');
    if paths.is_empty() || paths.iter().any(|path| wrong(&path)) {
        let text = "InvalidArgument: Your request contains one or more invalid invalidation paths.";
        return Err(refused(change, text));
    }
    Ok(Call {
        transitions: vec![Transition::Invalidate {
            reference: reference.to_owned(),
            paths: paths.to_vec(),
        }],
        tracked: Tracked::Invalidation,
    })
}
