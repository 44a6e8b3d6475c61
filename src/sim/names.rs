//! How things of the simulated estate are called: ids and ARNs as AWS forms them. Pure functions of labels; knows nothing that moves.

use super::noise::fingerprint;

/// The account of the simulated estate: one of those that AWS uses in its documentation.
pub const ACCOUNT: &str = "111122223333";
/// The managed weighted name.
pub const API_NAME: &str = "api.shop.example";
/// The managed latency name.
pub const LATENCY_NAME: &str = "www.shop.example";
/// The managed failover name.
pub const FAILOVER_NAME: &str = "admin.shop.example";
/// The hosted zone of all three.
pub const ZONE: &str = "Z0SHOPEXAMPLE";
/// The Aurora global cluster.
pub const GLOBAL_CLUSTER: &str = "shop-global";
/// The DynamoDB global table.
pub const TABLE: &str = "carts";
/// The ElastiCache Global Datastore.
pub const DATASTORE: &str = "ldgnf-sessions";
/// The MemoryDB multi-Region cluster.
pub const MULTI_REGION_CLUSTER: &str = "virxk-prices";
/// The CloudFront distribution.
pub const DISTRIBUTION: &str = "E2SHOPEXAMPLE1";
/// Its staging half.
pub const STAGING_DISTRIBUTION: &str = "E2SHOPEXAMPLE2";
/// The Lambda function of every region.
pub const FUNCTION: &str = "quote";
/// Its alias.
pub const ALIAS: &str = "live";
/// The versions behind the alias: the one that it names, and the one that gets a share.
pub const VERSIONS: (&str, &str) = ("41", "42");
/// The node group of every EKS cluster.
pub const NODE_GROUP: &str = "workers";
/// The AWS Regions of the five data-plane endpoints of a recovery cluster.
pub const RECOVERY_REGIONS: [&str; 5] = [
    "us-east-1",
    "us-west-2",
    "eu-west-1",
    "ap-northeast-1",
    "ap-southeast-2",
];

/// 16 hexadecimal digits, as load balancers and target groups carry them.
pub fn hex(text: &str) -> String {
    format!("{:016x}", fingerprint(text))
}

/// A UUID made of a text.
pub fn uuid(text: &str) -> String {
    let (a, b) = (hex(text), hex(&format!("{text}/uuid")));
    format!(
        "{}-{}-4{}-a{}-{}",
        &a[..8],
        &a[8..12],
        &a[13..16],
        &b[..3],
        &b[4..]
    )
}

/// An ARN of the simulated account.
pub fn arn(service: &str, region: &str, resource: &str) -> String {
    format!("arn:aws:{service}:{region}:{ACCOUNT}:{resource}")
}

/// The load balancer of a region as CloudWatch names it: `app/shop-eu-west-1/…`.
pub fn load_balancer(region: &str) -> String {
    let name = format!("shop-{region}");
    format!("app/{name}/{}", hex(&name))
}

/// Its ARN.
pub fn load_balancer_arn(region: &str) -> String {
    arn(
        "elasticloadbalancing",
        region,
        &format!("loadbalancer/{}", load_balancer(region)),
    )
}

/// Its DNS name.
pub fn load_balancer_dns(region: &str) -> String {
    format!("shop-{region}-1418256911.{region}.elb.amazonaws.com")
}

/// The accelerator's ARN; it ends in the UUID that CloudWatch uses.
pub fn accelerator_arn() -> String {
    format!(
        "arn:aws:globalaccelerator::{ACCOUNT}:accelerator/{}",
        uuid("accelerator")
    )
}

/// Id of the continuous-deployment policy of the distribution.
pub fn policy() -> String {
    uuid("continuous deployment")
}

/// Id of the HTTPS health check of a region.
pub fn https_check(region: &str) -> String {
    uuid(&format!("check/https/{region}"))
}

/// Id of the health check that follows the routing control of a region.
pub fn control_check(region: &str) -> String {
    uuid(&format!("check/control/{region}"))
}

/// Id of the calculated health check of a region, on which its records depend.
pub fn region_check(region: &str) -> String {
    uuid(&format!("check/region/{region}"))
}

/// ARN of the routing control of a region.
pub fn control_arn(region: &str) -> String {
    format!(
        "{}/routingcontrol/{}",
        panel_arn(),
        &hex(&format!("control/{region}"))
    )
}

/// ARN of the control panel.
pub fn panel_arn() -> String {
    format!(
        "arn:aws:route53-recovery-control::{ACCOUNT}:controlpanel/{}{}",
        hex("panel"),
        hex("panel/2")
    )
}

/// Identifier of the Aurora cluster of a region.
pub fn cluster(region: &str) -> String {
    format!("shop-{region}")
}

/// Its ARN.
pub fn cluster_arn(region: &str) -> String {
    arn("rds", region, &format!("cluster:{}", cluster(region)))
}

/// Identifier of the RDS instance of a region.
pub fn instance(region: &str) -> String {
    format!("orders-{region}")
}

/// Its ARN.
pub fn instance_arn(region: &str) -> String {
    arn("rds", region, &format!("db:{}", instance(region)))
}

/// Id of the ElastiCache replication group of a region.
pub fn group(region: &str) -> String {
    format!("sessions-{region}")
}

/// Name of the MemoryDB cluster of a region.
pub fn memorydb(region: &str) -> String {
    format!("prices-{region}")
}

/// Name of the EKS cluster of a region.
pub fn eks(region: &str) -> String {
    format!("shop-{region}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_the_forms_of_aws() {
        let id: Vec<usize> = uuid("x").split('-').map(str::len).collect();
        assert_eq!(id, [8, 4, 4, 4, 12]);
        assert_eq!(hex("x").len(), 16);
        assert_eq!(
            cluster_arn("eu-west-1"),
            "arn:aws:rds:eu-west-1:111122223333:cluster:shop-eu-west-1"
        );
    }
}
