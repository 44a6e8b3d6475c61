//! How this kind behaves in the simulated world: the levers at the edge and in each region. Owns no state; `sim::world::routing` lives it.

use super::{
    super::Place, AliasTarget, AliasVersion, ContinuousDeployment, Distribution, Endpoint,
    EndpointGroup, Forward, Mechanism, Origin, Policy, Record, RoutingControl, Split, TargetHealth,
    cloudfront::Invalidation,
};
use crate::sim::{
    World, fill, names,
    world::{
        Alias, CANARY, STABLE,
        load::{TARGETS, unhealthy_targets},
    },
};

/// The answer of `ListResourceRecordSets` for the three managed names.
pub fn records(world: &World) -> Vec<Split> {
    let regions = || world.shape.regions.iter().enumerate();
    let alias = |aws: &str| AliasTarget {
        dns_name: format!("dualstack.{}.", names::load_balancer_dns(aws)),
        zone_id: format!("Z{}", names::hex(aws)[..13].to_uppercase()),
        evaluate_target_health: true,
    };
    let weighted = regions().map(|(index, region)| Record {
        policy: Policy::Weighted {
            weight: world.routing.weights[index],
        },
        alias: Some(alias(&region.aws_region)),
        ..record(
            names::API_NAME,
            "A",
            region.label.as_str(),
            &region.aws_region,
        )
    });
    let latency = regions().map(|(_, region)| Record {
        policy: Policy::Latency {
            region: region.aws_region.clone(),
        },
        alias: Some(alias(&region.aws_region)),
        ..record(
            names::LATENCY_NAME,
            "A",
            region.label.as_str(),
            &region.aws_region,
        )
    });
    let primary = world.shape.primary();
    let secondary = (0..world.shape.regions.len()).find(|index| *index != primary);
    let failover = std::iter::once(primary).chain(secondary).map(|index| {
        let region = &world.shape.regions[index];
        Record {
            policy: Policy::Failover {
                primary: index == primary,
            },
            ttl: Some(60),
            values: vec![names::load_balancer_dns(&region.aws_region)],
            ..record(
                names::FAILOVER_NAME,
                "CNAME",
                region.label.as_str(),
                &region.aws_region,
            )
        }
    });
    weighted
        .chain(latency)
        .chain(failover)
        .map(|record| Split {
            split: format!("{} {}", record.name, record.record_type),
            member: record.set_identifier.clone().unwrap_or_default(),
            by: Mechanism::Record(record),
        })
        .collect()
}

fn record(name: &str, record_type: &str, identifier: &str, aws: &str) -> Record {
    Record {
        zone_id: names::ZONE.to_owned(),
        name: format!("{name}."),
        record_type: record_type.to_owned(),
        set_identifier: Some(identifier.to_owned()),
        policy: Policy::Simple,
        ttl: None,
        values: Vec::new(),
        alias: None,
        health_check_id: Some(names::region_check(aws)),
        traffic_policy_instance_id: None,
    }
}

/// The answer of `ListRoutingControls` at one of the five endpoints: each learns of a change a little later.
pub fn controls(world: &World, place: &Place) -> Vec<Split> {
    let regions = world.shape.regions.iter().enumerate();
    let endpoint = place.to_string();
    let controls = regions.map(|(index, region)| {
        let state = &world.routing.controls[index];
        RoutingControl {
            arn: names::control_arn(&region.aws_region),
            name: format!("cell-{}", region.label),
            panel_arn: Some(names::panel_arn()),
            panel_name: Some("shop".to_owned()),
            on: Some(*state.seen(world.noise, &endpoint, world.now())),
        }
    });
    controls
        .map(|control| Split {
            split: "shop".to_owned(),
            member: control.name.clone(),
            by: Mechanism::Control(control),
        })
        .collect()
}

/// The answers of `ListAccelerators`, `ListListeners` and `ListEndpointGroups`.
pub fn accelerators(world: &World) -> Vec<Split> {
    let accelerator_arn = names::accelerator_arn();
    let listener_arn = format!(
        "{accelerator_arn}/listener/{}",
        &names::hex("listener")[..8]
    );
    let busy = world.now() < world.routing.deployed_at;
    let regions = world.shape.regions.iter().enumerate();
    let group = |(index, region): (usize, &crate::sim::scenario::RegionShape)| {
        let aws = &region.aws_region;
        let healthy = world.routing.endpoints[index].healthy;
        Split {
            split: listener_arn.clone(),
            member: aws.clone(),
            by: Mechanism::Dial(EndpointGroup {
                accelerator_arn: accelerator_arn.clone(),
                accelerator_name: "shop".to_owned(),
                accelerator_status: Some(if busy { "IN_PROGRESS" } else { "DEPLOYED" }.to_owned()),
                accelerator_enabled: true,
                listener_arn: listener_arn.clone(),
                group_arn: format!("{listener_arn}/endpoint-group/{}", &names::hex(aws)[..12]),
                region: aws.clone(),
                dial: *world.routing.dials[index].seen(
                    world.noise,
                    "globalaccelerator",
                    world.now(),
                ),
                endpoints: vec![Endpoint {
                    id: names::load_balancer_arn(aws),
                    weight: Some(128),
                    health: Some(if healthy { "HEALTHY" } else { "UNHEALTHY" }.to_owned()),
                }],
            }),
        }
    };
    regions.map(group).collect()
}

/// The answers of the load balancer API of a region: the stable and the canary target group of the shop, and further ones.
pub fn load_balancers(world: &World, place: &Place) -> Vec<Split> {
    let Some(region) = world.region(place) else {
        return Vec::new();
    };
    let aws = world.aws_region(region);
    let unhealthy = unhealthy_targets(&world.context(), region);
    let weight = |group: &str| world.forward_weight_seen(region, group);
    let health = |total: u32, unhealthy: u32| TargetHealth {
        healthy: total - unhealthy,
        unhealthy,
        other: 0,
        unknown: 0,
    };
    let name = format!("shop-{aws}");
    let stable = forward(
        aws,
        &name,
        STABLE,
        weight(STABLE),
        health(TARGETS, unhealthy),
    );
    let canary = forward(aws, &name, CANARY, weight(CANARY), health(2, 0));
    let further = (0..fill::count(world)).map(|index| {
        let name = fill::name("app", index);
        let group = format!("{name}-targets");
        forward(aws, &name, &group, weight(&group), health(2, 0))
    });
    [stable, canary]
        .into_iter()
        .chain(further)
        .map(|forward| Split {
            split: forward.listener_arn.clone(),
            member: forward.target_group_name.clone(),
            by: Mechanism::Forward(forward),
        })
        .collect()
}

fn forward(aws: &str, balancer: &str, group: &str, weight: u32, health: TargetHealth) -> Forward {
    let elb = |resource: String| names::arn("elasticloadbalancing", aws, &resource);
    let tail = format!("app/{balancer}/{}", names::hex(balancer));
    Forward {
        load_balancer_arn: elb(format!("loadbalancer/{tail}")),
        load_balancer_name: balancer.to_owned(),
        load_balancer_dns: Some(format!("{balancer}-1418256911.{aws}.elb.amazonaws.com")),
        load_balancer_type: Some("application".to_owned()),
        load_balancer_state: Some("active".to_owned()),
        listener_arn: elb(format!("listener/{tail}/{}", names::hex("https"))),
        rule_arn: None,
        priority: "default".to_owned(),
        conditions: String::new(),
        target_group_arn: elb(format!(
            "targetgroup/{group}/{}",
            names::hex(&format!("{aws}/{group}"))
        )),
        target_group_name: group.to_owned(),
        weight,
        stickiness: false,
        health: Some(health),
        divided: [STABLE, CANARY].contains(&group),
    }
}

/// The answers of `ListFunctions` and `ListAliases`.
pub fn aliases(world: &World, place: &Place) -> Vec<Split> {
    let Some(region) = world.region(place) else {
        return Vec::new();
    };
    let aws = world.aws_region(region);
    let alias = world.aliases[region].seen(world.noise, "lambda", world.now());
    let second = alias.second;
    let arn = alias_arn(aws);
    let version = |version: &str, weight: f64| Split {
        split: format!("{}:{}", names::FUNCTION, names::ALIAS),
        member: version.to_owned(),
        by: Mechanism::Alias(AliasVersion {
            function: names::FUNCTION.to_owned(),
            alias: names::ALIAS.to_owned(),
            alias_arn: Some(arn.clone()),
            version: version.to_owned(),
            main: version == "41",
            weight,
            revision_id: Some(revision(world, region, alias)),
        }),
    };
    let (stable, canary) = names::VERSIONS;
    if second > 0.0 {
        vec![version(stable, 1.0 - second), version(canary, second)]
    } else {
        vec![version(stable, 1.0)]
    }
}

fn alias_arn(aws: &str) -> String {
    let resource = format!("function:{}:{}", names::FUNCTION, names::ALIAS);
    names::arn("lambda", aws, &resource)
}

/// The compare-and-set token of an alias: another one after every update, also after one back.
pub fn revision(world: &World, region: usize, alias: &Alias) -> String {
    let arn = alias_arn(world.aws_region(region));
    names::uuid(&format!("{arn}/{}", alias.updates))
}

/// The answers of `ListInvalidations` and `GetInvalidation`, the newest first.
fn invalidations(world: &World) -> Vec<Invalidation> {
    let all = world.invalidations.iter().rev().take(20);
    all.map(|known| Invalidation {
        id: known.id.clone(),
        status: if world.now() < known.completed_at {
            "InProgress"
        } else {
            "Completed"
        }
        .to_owned(),
        reference: Some(known.reference.clone()),
        paths: known.paths.clone(),
    })
    .collect()
}

/// The answers of `ListDistributions` and `ListContinuousDeploymentPolicies`.
pub fn distributions(world: &World) -> Vec<Split> {
    let origins = world.shape.regions.iter().take(3).map(|region| Origin {
        id: format!("alb-{}", region.label),
        domain: names::load_balancer_dns(&region.aws_region),
    });
    let origins: Vec<Origin> = origins.collect();
    let staging_domain = format!("d{}.cloudfront.net", &names::hex("staging")[..13]);
    let busy = world.now() < world.staging_deployed_at;
    let distribution = |id: &str, staging: bool| Distribution {
        id: id.to_owned(),
        arn: format!("arn:aws:cloudfront::{}:distribution/{id}", names::ACCOUNT),
        domain: if staging {
            staging_domain.clone()
        } else {
            format!("d{}.cloudfront.net", &names::hex(id)[..13])
        },
        aliases: if staging {
            Vec::new()
        } else {
            vec!["shop.example".to_owned()]
        },
        status: if busy { "InProgress" } else { "Deployed" }.to_owned(),
        enabled: true,
        staging,
        origin_groups: vec![
            origins
                .iter()
                .take(2)
                .map(|origin| origin.id.clone())
                .collect(),
        ],
        origins: origins.clone(),
        http_version: Some("http2".to_owned()),
        policy: (!staging).then(|| ContinuousDeployment {
            id: names::policy(),
            enabled: true,
            weight: Some(world.staging_weight),
            header: None,
            staging_domains: vec![staging_domain.clone()],
        }),
        invalidations: (!staging).then(|| invalidations(world)),
    };
    [
        (names::DISTRIBUTION, false),
        (names::STAGING_DISTRIBUTION, true),
    ]
    .map(|(id, staging)| Split {
        split: names::DISTRIBUTION.to_owned(),
        member: id.to_owned(),
        by: Mechanism::Distribution(distribution(id, staging)),
    })
    .to_vec()
}
