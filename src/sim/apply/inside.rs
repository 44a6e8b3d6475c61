//! What a change of node groups, health checks and alarms needs to be accepted. Owns the comparisons that AWS makes and those that we make for it.

use super::{Call, Tracked, drifted, missing, refused};
use crate::{
    resources::{
        Place,
        alarms::{self, Alarm},
        change::ApplyError,
        clusters::{self, Cluster},
        health_checks,
    },
    sim::{
        names,
        world::{Transition, World, routing::Check},
    },
};

/// Names that one call about alarms may carry.
const MOST_ALARMS: usize = 100;

/// Bounds of a node group.
pub fn clusters(world: &World, change: &clusters::Change) -> Result<Call, ApplyError> {
    let clusters::Change::Scale {
        region: label,
        cluster,
        node_group,
        from,
        to,
    } = change;
    let place = Place::Region(label.clone());
    let rows = clusters::sim::observe(world, &place);
    let seen = rows.iter().find_map(|row| match row {
        Cluster::NodeGroup(group) if group.cluster == *cluster && group.name == *node_group => {
            group.bounds
        }
        Cluster::NodeGroup(_) | Cluster::Nodes(_) | Cluster::Eks(_) | Cluster::ApiServer(_) => None,
    });
    let (Some(seen), Some(region)) = (seen, world.region(&place)) else {
        let text = format!(
            "ResourceNotFoundException: No node group found for name: {node_group} in {cluster}"
        );
        return Err(missing(change, text));
    };
    if seen != *from {
        return Err(drifted(
            change,
            format!("{node_group} has {seen}, not {from}"),
        ));
    }
    Ok(Call {
        transitions: vec![Transition::Nodes {
            region,
            min: to.min,
            max: to.max,
        }],
        tracked: Tracked::Update,
    })
}

/// Inversion of a health check, compared by its version.
pub fn health_checks(world: &World, change: &health_checks::Change) -> Result<Call, ApplyError> {
    let health_checks::Change::Invert {
        id,
        from,
        to,
        version,
        ..
    } = change;
    let Some((region, check)) = find_check(world, id) else {
        let text = "NoSuchHealthCheck: A health check with id ";
        return Err(refused(change, format!("{text}{id} does not exist.")));
    };
    let setting = &world.routing.settings[region][check as usize];
    if version.is_some_and(|version| version != setting.version) {
        return Err(refused(
            change,
            "HealthCheckVersionMismatch: The value of HealthCheckVersion in the request doesn't match the value of HealthCheckVersion in the health check.",
        ));
    }
    if *setting.inverted.now() != *from {
        return Err(drifted(
            change,
            format!(
                "health check {id} is {}inverted",
                if *from { "not " } else { "" }
            ),
        ));
    }
    Ok(Call::of(Transition::Invert {
        region,
        check,
        inverted: *to,
    }))
}

fn find_check(world: &World, id: &str) -> Option<(usize, Check)> {
    let mut regions = world.shape.regions.iter().enumerate();
    regions.find_map(|(region, shape)| {
        let aws = &shape.aws_region;
        [
            (names::https_check(aws), Check::Https),
            (names::control_check(aws), Check::Control),
            (names::region_check(aws), Check::Region),
        ]
        .into_iter()
        .find_map(|(known, check)| (known == id).then_some((region, check)))
    })
}

/// Whether the actions of alarms run.
pub fn alarms(world: &World, change: &alarms::Change) -> Result<Call, ApplyError> {
    let alarms::Change::Actions {
        region: label,
        names,
        from,
        to,
    } = change;
    let place = Place::Region(label.clone());
    let rows = alarms::sim::observe(world, &place);
    for name in names {
        let is = |alarm: &&Alarm| alarm.name == *name;
        match rows.iter().find(is).map(|alarm| alarm.actions_enabled) {
            None => return Err(missing(change, format!("ResourceNotFound: {name}"))),
            Some(seen) if seen != *from => {
                let word = if seen { "run" } else { "do not run" };
                return Err(drifted(change, format!("the actions of {name} {word}")));
            }
            Some(_) => {}
        }
    }
    if !(1..=MOST_ALARMS).contains(&names.len()) {
        return Err(refused(
            change,
            format!(
                "ValidationError: {} alarm names in one call, of 1 to {MOST_ALARMS}",
                names.len()
            ),
        ));
    }
    let Some(region) = world.region(&place) else {
        return Err(missing(change, format!("there is no region {label}")));
    };
    Ok(Call::of(Transition::AlarmActions {
        region,
        names: names.clone(),
        run: *to,
    }))
}
