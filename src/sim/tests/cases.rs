//! Every change that can be made, built from what a console has observed in the calm world.

mod stores;

pub use self::stores::*;
use super::*;
use crate::resources::{
    Change, alarms,
    caches::{self, Cache},
    clusters::{self, Bounds},
    databases::{self, Database},
    pipelines::{self, Gate, Stage, change::At},
    traffic::{
        self, Mechanism,
        change::{ControlEdit, ForwardEdit, RecordEdit},
    },
};

/// A change with what is known of its course.
pub struct Case {
    pub name: &'static str,
    pub build: fn(&Fleet) -> Change,
    /// Seconds after which a read shows it done.
    pub within: i64,
    /// Whether it is seen under way before it is done.
    pub has_middle: bool,
}

pub const CASES: &[Case] = &[
    case("weights", weights, 1, false),
    case("dial", dial, 62, true),
    case("controls", controls, 3, false),
    case("forward", forward, 4, false),
    case("alias", alias, 4, false),
    case("staging", staging, 181, true),
    case("switch over", switch_over, 130, true),
    case("fail over", fail_over, 160, true),
    case("fail over in cluster", fail_over_cluster, 60, true),
    case("promote", promote, 602, true),
    case("fail over datastore", fail_over_datastore, 90, true),
    case("fail over group", fail_over_group, 52, true),
    case("scale", scale, 42, true),
    case("invert", invert, 1, false),
    case("alarm actions", alarm_actions, 1, false),
    case("hold stage", hold_stage, 1, false),
    case("roll back stage", roll_back_stage, 61, true),
];

const fn case(
    name: &'static str,
    build: fn(&Fleet) -> Change,
    within: i64,
    has_middle: bool,
) -> Case {
    Case {
        name,
        build,
        within,
        has_middle,
    }
}

pub fn label(name: &str) -> RegionLabel {
    RegionLabel::new(name).unwrap()
}

fn splits<'a, T>(
    fleet: &'a Fleet,
    source: Source,
    at: &Place,
    of: impl Fn(&'a Mechanism) -> Option<T>,
) -> Vec<T> {
    let slice = fleet.traffic.slice(source, at).unwrap();
    slice.rows.iter().filter_map(|row| of(&row.by)).collect()
}

pub fn weights_to(fleet: &Fleet, to: &[(&str, u8)]) -> Change {
    let records = splits(fleet, Source::Records, &Place::Global, |by| match by {
        Mechanism::Record(record) => Some(record.clone()),
        _ => None,
    });
    let edit = |(name, to): &(&str, u8)| RecordEdit {
        from: records
            .iter()
            .find(|record| {
                record.name == "api.shop.example." && record.set_identifier.as_deref() == Some(name)
            })
            .unwrap()
            .clone(),
        to: *to,
    };
    Change::Traffic(traffic::Change::Weights {
        records: to.iter().map(edit).collect(),
    })
}

pub fn weights(fleet: &Fleet) -> Change {
    weights_to(fleet, &[("ap-southeast-1", 0), ("eu-west-1", 100)])
}

pub fn dial_to(fleet: &Fleet, to: f64) -> Change {
    let group = splits(fleet, Source::Accelerators, &Place::Global, |by| match by {
        Mechanism::Dial(group) if group.region == "eu-west-1" => Some(group.clone()),
        _ => None,
    });
    let group = &group[0];
    Change::Traffic(traffic::Change::Dial {
        accelerator_arn: group.accelerator_arn.clone(),
        group_arn: group.group_arn.clone(),
        region: group.region.clone(),
        from: group.dial,
        to,
    })
}

pub fn dial(fleet: &Fleet) -> Change {
    dial_to(fleet, 10.0)
}

pub fn controls_to(fleet: &Fleet, off: &[&str]) -> Change {
    let at = Place::Endpoint("us-west-2".to_owned());
    let known = splits(fleet, Source::RoutingControls, &at, |by| match by {
        Mechanism::Control(control) => Some(control.clone()),
        _ => None,
    });
    let edit = |region: &&str| {
        let name = format!("cell-{region}");
        let control = known.iter().find(|control| control.name == name).unwrap();
        ControlEdit {
            arn: control.arn.clone(),
            name,
            from: control.on.unwrap(),
            to: false,
        }
    };
    Change::Traffic(traffic::Change::Controls {
        controls: off.iter().map(edit).collect(),
    })
}

pub fn controls(fleet: &Fleet) -> Change {
    controls_to(fleet, &["us-east-1"])
}

pub fn forward_to(fleet: &Fleet, region: &str, to: [u32; 2]) -> Change {
    let known = splits(
        fleet,
        Source::LoadBalancers,
        &place(region),
        |by| match by {
            Mechanism::Forward(forward) => Some(forward.clone()),
            _ => None,
        },
    );
    let edit = |(index, to)| {
        let forward: &traffic::Forward = &known[index];
        ForwardEdit {
            target_group_arn: forward.target_group_arn.clone(),
            target_group_name: forward.target_group_name.clone(),
            from: forward.weight,
            to,
        }
    };
    Change::Traffic(traffic::Change::Forward {
        region: label(region),
        load_balancer_name: known[0].load_balancer_name.clone(),
        listener_arn: known[0].listener_arn.clone(),
        rule_arn: None,
        groups: to.into_iter().enumerate().map(edit).collect(),
    })
}

pub fn forward(fleet: &Fleet) -> Change {
    forward_to(fleet, "eu-west-1", [999, 0])
}

pub fn alias(fleet: &Fleet) -> Change {
    let at = place("eu-west-1");
    let versions = splits(fleet, Source::Aliases, &at, |by| match by {
        Mechanism::Alias(version) => Some(version.clone()),
        _ => None,
    });
    Change::Traffic(traffic::Change::Alias {
        region: label("eu-west-1"),
        function: versions[0].function.clone(),
        alias: versions[0].alias.clone(),
        stable: versions[0].version.clone(),
        canary: versions[1].version.clone(),
        from: versions[1].weight,
        to: 0.0,
        revision_id: versions[0].revision_id.clone(),
    })
}

pub fn staging_to(fleet: &Fleet, to: f64) -> Change {
    let known = splits(
        fleet,
        Source::Distributions,
        &Place::Global,
        |by| match by {
            Mechanism::Distribution(distribution) => Some(distribution.clone()),
            _ => None,
        },
    );
    let distribution = known.iter().find(|known| known.policy.is_some()).unwrap();
    let policy = distribution.policy.as_ref().unwrap();
    Change::Traffic(traffic::Change::Staging {
        distribution_id: distribution.id.clone(),
        policy_id: policy.id.clone(),
        from: policy.weight.unwrap(),
        to,
    })
}

pub fn staging(fleet: &Fleet) -> Change {
    staging_to(fleet, 0.15)
}

pub fn scale_to(fleet: &Fleet, to: Bounds) -> Change {
    let at = place("eu-west-1");
    let slice = fleet.clusters.slice(Source::Clusters, &at).unwrap();
    let group = slice.rows.iter().find_map(|row| match row {
        Cluster::NodeGroup(group) => Some(group.clone()),
        Cluster::Eks(_) | Cluster::ApiServer(_) | Cluster::Nodes(_) => None,
    });
    let group = group.unwrap();
    Change::Clusters(clusters::Change::Scale {
        region: label("eu-west-1"),
        cluster: group.cluster,
        node_group: group.name,
        from: group.bounds.unwrap(),
        to,
    })
}

pub fn scale(fleet: &Fleet) -> Change {
    scale_to(fleet, Bounds { min: 16, max: 20 })
}

pub fn invert(fleet: &Fleet) -> Change {
    let id = names::region_check("ap-southeast-1");
    let slice = fleet
        .health_checks
        .slice(Source::HealthChecks, &Place::Global);
    let rows = &slice.unwrap().rows;
    let check = rows.iter().find(|check| check.id == id).unwrap();
    Change::HealthChecks(health_checks::Change::Invert {
        id,
        records: vec!["www.shop.example A ap-southeast-1".to_owned()],
        from: check.inverted,
        to: !check.inverted,
        version: check.version,
    })
}

pub fn alarm_actions(fleet: &Fleet) -> Change {
    let at = place("us-east-1");
    let rows = fleet.alarms.at(&at);
    let names: Vec<String> = rows.map(|alarm| alarm.name.clone()).take(3).collect();
    Change::Alarms(alarms::Change::Actions {
        region: label("us-east-1"),
        names,
        from: true,
        to: false,
    })
}

fn stage(fleet: &Fleet) -> (At, &Stage) {
    let at = At {
        region: label("us-east-1"),
        pipeline: "payments".to_owned(),
        stage: "Deploy-ap-southeast-1".to_owned(),
    };
    let stage = at.find(fleet).unwrap();
    (at, stage)
}

pub fn hold_stage(fleet: &Fleet) -> Change {
    let to = Gate::Held {
        reason: "a drill".to_owned(),
    };
    Change::Pipelines(pipelines::Change::Transition {
        at: stage(fleet).0,
        from: Gate::Open,
        to,
    })
}

pub fn roll_back_stage(fleet: &Fleet) -> Change {
    let (at, stage) = stage(fleet);
    let good = stage.succeeded.as_ref().unwrap();
    Change::Pipelines(pipelines::Change::RollBack {
        at,
        from: good[0].id.clone(),
        to: good[1].id.clone(),
        carries: String::new(),
    })
}

pub fn invalidate(_fleet: &Fleet) -> Change {
    Change::Traffic(traffic::Change::Invalidate {
        distribution_id: names::DISTRIBUTION.to_owned(),
        paths: vec!["/img/*".to_owned(), "/index.html".to_owned()],
        reference: "pilothouse-test".to_owned(),
    })
}
