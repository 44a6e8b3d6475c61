//! What stands behind the wire for tests of the built binary: three regions with a load balancer each, a global database and an alarm. Owns no record set.

use jiff::{Timestamp, ToSpan};

use super::{
    Wire, query,
    route53::{APEX, Set},
};

/// The regions, with the weights of their record sets.
pub const REGIONS: [(&str, u32); 3] =
    [("us-east-1", 46), ("eu-west-1", 31), ("ap-southeast-1", 23)];

/// The record sets of some names, one for each region. Resolvers forget them in a second.
pub fn sets(names: &[&str]) -> Vec<Set> {
    let of_name = |name: &&str| {
        let name = format!("{name}.{APEX}");
        REGIONS.map(|(region, weight)| Set {
            name: name.clone(),
            id: region.to_owned(),
            weight: weight.to_string(),
            ttl: "1".to_owned(),
            value: format!("192.0.2.{weight}"),
        })
    };
    names.iter().flat_map(of_name).collect()
}

/// The configuration of a console on them.
pub fn configuration(names: &[&str]) -> String {
    let regions = REGIONS.map(|(region, weight)| {
        format!(
            "[[region]]\nlabel = \"{region}\"\ncapacity_rps = {}\n",
            weight * 1_000
        )
    });
    let of_region = |(region, _): (&str, u32)| format!("\"{region}\" = \"{region}\"");
    let by_set = REGIONS.map(of_region).join(", ");
    let named =
        |name: &&str| format!("[[name]]\nname = \"{name}.{APEX}\"\nregions = {{ {by_set} }}\n");
    let names: String = names.iter().map(named).collect();
    format!("environment = \"wire\"\n{}{names}", regions.concat())
}

fn balancer(region: &str) -> String {
    format!("arn:aws:elasticloadbalancing:{region}:123456789012:loadbalancer/app/web/1")
}

/// Three regions with a load balancer of 1,000 requests per second each, the writer of a global cluster in the first, and an alarm in the second.
pub fn seed(wire: &Wire) {
    for (region, _) in REGIONS {
        let found = format!(
            "<LoadBalancers><member><LoadBalancerArn>{}</LoadBalancerArn><LoadBalancerName>web</LoadBalancerName><Type>application</Type>\
             <DNSName>web.{region}.example</DNSName></member></LoadBalancers>",
            balancer(region)
        );
        wire.answer(
            region,
            "elasticloadbalancing:DescribeLoadBalancers",
            [query("DescribeLoadBalancers", &found)],
        );
        let forward = "<Listeners><member><ListenerArn>arn:l</ListenerArn><DefaultActions><member><Type>forward</Type>\
            <TargetGroupArn>arn:targetgroup/web/1</TargetGroupArn></member></DefaultActions></member></Listeners>";
        wire.answer(
            region,
            "elasticloadbalancing:DescribeListeners",
            [query("DescribeListeners", forward)],
        );
        let healthy = "<TargetHealthDescriptions><member><TargetHealth><State>healthy</State></TargetHealth></member></TargetHealthDescriptions>";
        wire.answer(
            region,
            "elasticloadbalancing:DescribeTargetHealth",
            [query("DescribeTargetHealth", healthy)],
        );
        let name = format!("orders-{region}");
        let cluster = format!(
            "<DBClusters><DBCluster><DBClusterIdentifier>{name}</DBClusterIdentifier><DBClusterArn>arn:aws:rds:{region}:123456789012:cluster:{name}</DBClusterArn>\
             <Engine>aurora-postgresql</Engine><Status>available</Status></DBCluster></DBClusters>"
        );
        wire.answer(
            region,
            "rds:DescribeDBClusters",
            [query("DescribeDBClusters", &cluster)],
        );
        let state = if region == "eu-west-1" { "ALARM" } else { "OK" };
        let alarm = format!(
            "<MetricAlarms><member><AlarmName>errors</AlarmName><StateValue>{state}</StateValue></member></MetricAlarms>"
        );
        wire.answer(
            region,
            "monitoring:DescribeAlarms",
            [query("DescribeAlarms", &alarm)],
        );
    }
    let member = |(region, _)| {
        let writer = region == "us-east-1";
        format!(
            "<GlobalClusterMember><DBClusterArn>arn:aws:rds:{region}:123456789012:cluster:orders-{region}</DBClusterArn><IsWriter>{writer}</IsWriter></GlobalClusterMember>"
        )
    };
    let members = REGIONS.map(member).concat();
    let global = format!(
        "<GlobalClusters><GlobalClusterMember><GlobalClusterIdentifier>orders</GlobalClusterIdentifier><Status>available</Status>\
         <GlobalClusterMembers>{members}</GlobalClusterMembers></GlobalClusterMember></GlobalClusters>"
    );
    wire.answer(
        "*",
        "rds:DescribeGlobalClusters",
        [query("DescribeGlobalClusters", &global)],
    );
    wire.answer("*", "monitoring:GetMetricData", [sixty_thousand_a_minute()]);
}

/// Whatever is asked, in whatever order: 60,000. The binary reads the real clock, so that its points must be of today.
fn sixty_thousand_a_minute() -> String {
    let minutes = (2..12).map(|ago| {
        let at = Timestamp::now() - ago.minutes();
        let whole = at.as_second() / 60 * 60;
        Timestamp::from_second(whole).unwrap()
    });
    let minutes: Vec<Timestamp> = minutes.collect();
    let times: Vec<String> = minutes
        .iter()
        .map(|at| format!("<member>{at}</member>"))
        .collect();
    let times = times.concat();
    let values = "<member>60000</member>".repeat(minutes.len());
    let result = |index: usize| {
        format!(
            "<member><Id>m{index}</Id><StatusCode>Complete</StatusCode><Timestamps>{times}</Timestamps><Values>{values}</Values></member>"
        )
    };
    let results: String = (0..60).map(result).collect();
    query(
        "GetMetricData",
        &format!("<MetricDataResults>{results}</MetricDataResults>"),
    )
}
