//! How this kind behaves in the simulated world: the alarms of each region. Owns no state; `sim::world::alarms` evaluates them.

use super::{super::Place, Alarm, AlarmType};
use crate::sim::{
    World, fill, names,
    world::alarms::{AlarmState, Rule},
};

/// The answer of `DescribeAlarms` for both types.
pub fn observe(world: &World, place: &Place) -> Vec<Alarm> {
    let Some(region) = world.region(place) else {
        return Vec::new();
    };
    let aws = world.aws_region(region);
    let member = world.databases.member(region).is_some();
    let alarms = world.alarms[region].iter();
    let known = alarms
        // A region without an Aurora cluster has no alarms on one.
        .filter(|alarm| member || !matches!(alarm.rule, Rule::Lag | Rule::Writer))
        .map(|alarm| row(world, aws, alarm));
    let further = (0..fill::count(world)).map(|index| further(world, aws, index));
    let muted = &world.muted[region];
    let alarms = known.chain(further).map(|alarm| Alarm {
        actions_enabled: !muted.contains(&alarm.name),
        ..alarm
    });
    alarms.collect()
}

fn row(world: &World, aws: &str, alarm: &AlarmState) -> Alarm {
    let name = alarm.rule.name(aws);
    let balancer = vec![("LoadBalancer".to_owned(), names::load_balancer(aws))];
    let cluster = vec![("DBClusterIdentifier".to_owned(), names::cluster(aws))];
    let (metric, dimensions) = match alarm.rule {
        Rule::Errors => ("AWS/ApplicationELB HTTPCode_Target_5XX_Count", balancer),
        Rule::Latency => ("AWS/ApplicationELB TargetResponseTime", balancer),
        Rule::Targets => ("AWS/ApplicationELB UnHealthyHostCount", balancer),
        Rule::Lag => ("AWS/RDS AuroraGlobalDBReplicationLag", cluster),
        Rule::Writer => ("AWS/RDS DatabaseConnections", cluster),
        Rule::Degraded => ("", Vec::new()),
    };
    let children = [Rule::Errors, Rule::Latency, Rule::Targets];
    let rule = children.map(|child| format!("ALARM(\"{}\")", child.name(aws)));
    let composite = alarm.rule == Rule::Degraded;
    Alarm {
        arn: Some(names::arn("cloudwatch", aws, &format!("alarm:{name}"))),
        name,
        alarm_type: if composite {
            AlarmType::Composite
        } else {
            AlarmType::Metric
        },
        state: alarm.state.text().to_owned(),
        reason: Some(alarm.reason.clone()),
        since: Some(world.timestamp(alarm.since)),
        actions_enabled: true,
        actions: vec![names::arn("sns", aws, "on-call")],
        evaluation: None,
        metric: (!composite).then(|| metric.to_owned()),
        rule: composite.then(|| rule.join(" OR ")),
        dimensions,
    }
}

fn further(world: &World, aws: &str, index: u32) -> Alarm {
    let id = fill::name("db", index);
    let name = format!("{aws}-{id}-cpu");
    Alarm {
        arn: Some(names::arn("cloudwatch", aws, &format!("alarm:{name}"))),
        name,
        alarm_type: AlarmType::Metric,
        state: "OK".to_owned(),
        reason: None,
        since: Some(world.timestamp(-86_400)),
        actions_enabled: true,
        actions: vec![names::arn("sns", aws, "on-call")],
        evaluation: None,
        metric: Some("AWS/RDS CPUUtilization".to_owned()),
        rule: None,
        dimensions: vec![("DBInstanceIdentifier".to_owned(), id)],
    }
}
