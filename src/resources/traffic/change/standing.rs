//! How a change of a traffic split is recognised in what is read: before, after, underway, or something else. Owns no change.

use super::{BackendEdit, Change, ControlEdit, ForwardEdit, RecordEdit, close};
use crate::resources::{
    Fleet, Place, RegionLabel, Source,
    change::Standing,
    traffic::{Mechanism, RouteBackend, RouteRule, Split, find, rollouts, routes::InForce},
};

/// What the fleet shows of a change.
pub(super) fn standing(change: &Change, fleet: &Fleet) -> Standing {
    match change {
        Change::Weights { records } => {
            Standing::of_parts(records.iter().map(|edit| record_standing(fleet, edit)))
        }
        Change::Dial {
            group_arn,
            from,
            to,
            ..
        } => dial_standing(fleet, group_arn, *from, *to),
        Change::Controls { controls } => {
            Standing::of_parts(controls.iter().map(|edit| control_standing(fleet, edit)))
        }
        Change::Forward {
            region,
            listener_arn,
            rule_arn,
            groups,
            ..
        } => forward_standing(fleet, region, listener_arn, rule_arn.as_deref(), groups),
        Change::Steer(steering) => steer_standing(fleet, steering),
        Change::Route {
            region,
            rule,
            backends,
        } => route_standing(fleet, region, rule, backends),
        Change::Alias {
            region,
            function,
            alias,
            stable,
            canary,
            from,
            to,
            ..
        } => alias_standing(fleet, region, function, alias, stable, canary, *from, *to),
        Change::Staging {
            policy_id,
            from,
            to,
            ..
        } => staging_standing(fleet, policy_id, *from, *to),
        Change::Invalidate {
            distribution_id,
            reference,
            ..
        } => invalidation_standing(fleet, distribution_id, reference),
    }
}

fn of_share(what: &str, seen: Option<f64>, from: f64, to: f64) -> Standing {
    match seen {
        None => Standing::Unknown(format!("{what} is not listed")),
        Some(seen) if close(seen, to) => Standing::After,
        Some(seen) if close(seen, from) => Standing::Before,
        Some(seen) => Standing::Other(format!("{what} is {seen}, not {from}")),
    }
}

fn rows<'a>(fleet: &'a Fleet, source: Source, place: &Place) -> &'a [Split] {
    fleet
        .traffic
        .slice(source, place)
        .map_or(&[], |slice| &slice.rows)
}

/// Whether an answer is complete, so that what it does not list is not there.
fn complete(fleet: &Fleet, source: Source, place: &Place) -> bool {
    let status = fleet.status(source, place);
    status.observed_at.is_some() && status.problems.is_empty()
}

fn record_standing(fleet: &Fleet, edit: &RecordEdit) -> Standing {
    let seen = find::record(rows(fleet, Source::Records, &Place::Global), &edit.from);
    let name = edit.name();
    match seen {
        None if complete(fleet, Source::Records, &Place::Global) => {
            Standing::Other(format!("the record set {name} is gone"))
        }
        None => Standing::Unknown(format!("the record set {name} was not read")),
        Some(record) if *record == edit.after() => Standing::After,
        Some(record) if *record == edit.from => Standing::Before,
        Some(record) => match record.weight() {
            Some(seen) if Some(seen) != edit.from_weight() => {
                Standing::Other(format!("the weight of {name} is {seen}"))
            }
            Some(_) | None => {
                Standing::Other(format!("the record set {name} was edited by somebody else"))
            }
        },
    }
}

/// What the endpoints of the recovery cluster say about a control; any of them may be lost.
fn control_standing(fleet: &Fleet, edit: &ControlEdit) -> Standing {
    let mut states = fleet
        .traffic
        .slices()
        .filter(|(source, _, slice)| {
            *source == Source::RoutingControls
                && slice.error.is_none()
                && slice.observed_at.is_some()
        })
        .filter_map(|(_, _, slice)| {
            find::control(&slice.rows, &edit.arn).map(|control| control.on)
        });
    let name = &edit.name;
    let Some(Some(first)) = states.next() else {
        return Standing::Unknown(format!("no endpoint tells the state of {name}"));
    };
    if states.any(|state| state != Some(first)) {
        return Standing::Underway(format!("the endpoints disagree about {name}"));
    }
    if first == edit.to {
        Standing::After
    } else {
        Standing::Before
    }
}

fn dial_standing(fleet: &Fleet, group_arn: &str, from: f64, to: f64) -> Standing {
    let seen = find::group(rows(fleet, Source::Accelerators, &Place::Global), group_arn);
    let value = of_share("the dial", seen.map(|group| group.dial), from, to);
    match (
        value,
        seen.and_then(|group| group.accelerator_status.as_deref()),
    ) {
        (Standing::After, Some("IN_PROGRESS")) => {
            Standing::Underway("the accelerator is IN_PROGRESS".to_owned())
        }
        (value, _) => value,
    }
}

fn forward_standing(
    fleet: &Fleet,
    region: &RegionLabel,
    listener: &str,
    rule: Option<&str>,
    groups: &[ForwardEdit],
) -> Standing {
    let place = Place::Region(region.clone());
    let rows = rows(fleet, Source::LoadBalancers, &place);
    let seen = |edit: &ForwardEdit| {
        find::forward(rows, (listener, rule), &edit.target_group_arn).map(|forward| forward.weight)
    };
    Standing::of_parts(
        groups
            .iter()
            .filter(|edit| edit.from != edit.to)
            .map(|edit| {
                let what = format!("the weight of {}", edit.target_group_name);
                Standing::of_value(&what, seen(edit).as_ref(), &edit.from, &edit.to)
            }),
    )
}

fn steer_standing(fleet: &Fleet, steering: &rollouts::Steering) -> Standing {
    let place = Place::Region(steering.region.clone());
    let seen = find::rollout(rows(fleet, Source::Rollouts, &place), &steering.rollout);
    let object = steering.rollout.object();
    match seen {
        Some(rollout) => rollouts::standing(steering, rollout),
        None if complete(fleet, Source::Rollouts, &place) => {
            Standing::Other(format!("{object} is gone"))
        }
        None => Standing::Unknown(format!("{object} was not read")),
    }
}

/// The weights of a whole rule, and whether the gateways have taken them: a weight that nobody follows is not in force.
fn route_standing(
    fleet: &Fleet,
    region: &RegionLabel,
    rule: &RouteRule,
    edits: &[BackendEdit],
) -> Standing {
    let place = Place::Region(region.clone());
    let rows = rows(fleet, Source::Routes, &place);
    let backends: Vec<(&str, &RouteBackend)> = find::backends(rows, rule).collect();
    let object = rule.object();
    if backends.is_empty() {
        return if complete(fleet, Source::Routes, &place) {
            Standing::Other(format!("{object} divides nothing any more"))
        } else {
            Standing::Unknown(format!("{object} was not read"))
        };
    }
    let known = |name: &str| edits.iter().any(|edit| edit.backend == name);
    if let Some((name, _)) = backends.iter().find(|(name, _)| !known(name)) {
        return Standing::Other(format!(
            "{name} is a backend of {object} that was not there"
        ));
    }
    let one = |edit: &BackendEdit| {
        let seen = backends.iter().find(|(name, _)| *name == edit.backend);
        match seen {
            None => Standing::Other(format!(
                "{} is no backend of {object} any more",
                edit.backend
            )),
            Some((_, backend)) => {
                let what = format!("the weight of {}", edit.backend);
                Standing::of_value(&what, Some(&backend.weight), &edit.from, &edit.to)
            }
        }
    };
    // What keeps its weight is as it should be both before and after.
    let changed = edits.iter().filter(|edit| edit.from != edit.to).map(one);
    let kept = edits.iter().filter(|edit| edit.from == edit.to).map(one);
    if let Some(other) = kept
        .into_iter()
        .find(|standing| *standing != Standing::After)
    {
        return other;
    }
    let in_force = backends.first().map(|(_, backend)| backend.in_force());
    match (Standing::of_parts(changed), in_force) {
        (Standing::After, Some(InForce::NotYet(text))) => Standing::Underway(text),
        (Standing::After, Some(InForce::No(text))) => Standing::Other(text),
        (standing, _) => standing,
    }
}

#[allow(clippy::too_many_arguments)] // the fields of one variant
fn alias_standing(
    fleet: &Fleet,
    region: &RegionLabel,
    function: &str,
    alias: &str,
    stable: &str,
    canary: &str,
    from: f64,
    to: f64,
) -> Standing {
    let place = Place::Region(region.clone());
    let rows = rows(fleet, Source::Aliases, &place);
    let mut versions = rows.iter().filter_map(|split| match &split.by {
        Mechanism::Alias(version) if version.function == function && version.alias == alias => {
            Some(version)
        }
        Mechanism::Alias(_)
        | Mechanism::Record(_)
        | Mechanism::Dial(_)
        | Mechanism::Forward(_)
        | Mechanism::Distribution(_)
        | Mechanism::Control(_)
        | Mechanism::Route(_)
        | Mechanism::Rollout(_) => None,
    });
    let gone = versions.clone().count() <= 1 && complete(fleet, Source::Aliases, &place);
    let share = versions
        .clone()
        .find(|version| version.version == canary)
        .map(|version| version.weight);
    if let Some(other) =
        versions.find(|version| version.version != canary && version.version != stable)
    {
        return Standing::Other(format!(
            "{function}:{alias} also names version {}",
            other.version
        ));
    }
    // An alias that splits nothing any more is not listed, or only with its one version.
    let share = share.or(gone.then_some(0.0));
    of_share(&format!("the share of version {canary}"), share, from, to)
}

fn staging_standing(fleet: &Fleet, policy_id: &str, from: f64, to: f64) -> Standing {
    let all = rows(fleet, Source::Distributions, &Place::Global);
    let seen = find::distributions(all).find_map(|distribution| {
        let policy = distribution.policy.as_ref()?;
        (policy.id == policy_id).then_some((distribution, policy.weight))
    });
    let value = of_share(
        "the staging share",
        seen.and_then(|(_, weight)| weight),
        from,
        to,
    );
    match (value, seen) {
        (Standing::After, Some((distribution, _))) if distribution.status != "Deployed" => {
            Standing::Underway(format!("{} is {}", distribution.id, distribution.status))
        }
        (value, _) => value,
    }
}

/// An invalidation is known by the reference that was sent with it.
fn invalidation_standing(fleet: &Fleet, id: &str, reference: &str) -> Standing {
    let all = rows(fleet, Source::Distributions, &Place::Global);
    let seen = find::distributions(all).find(|known| known.id == id);
    let Some(distribution) = seen else {
        return Standing::Unknown(format!("distribution {id} is not listed"));
    };
    let Some(invalidations) = &distribution.invalidations else {
        return Standing::Unknown(format!("the invalidations of {id} were not read"));
    };
    let ours = invalidations
        .iter()
        .find(|known| known.reference.as_deref() == Some(reference));
    match ours {
        None => Standing::Before,
        Some(known) if known.in_progress() => {
            Standing::Underway(format!("invalidation {} is {}", known.id, known.status))
        }
        Some(_) => Standing::After,
    }
}
