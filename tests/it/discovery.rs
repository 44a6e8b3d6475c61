//! `pilothouse init` against an AWS emulator in the process: what is there is found, what cannot be asked is said, and the file loads.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use futures::future::BoxFuture;
use pilothouse::{
    config::{self, findings::Findings, init, layers::Flags, library::Library},
    provider::discover::{Discovery, discover},
    resources::{Estate, estate::RegionRole},
};
use winterbaume_core::{MockAws, MockRequest, MockResponse, MockService};

/// Record sets in a page. Route 53 gives up to 300; few of them prove that all pages are read.
const PAGE: usize = 12;

/// Route 53 with one zone, answering in the documented shape: the emulator keeps no set identifiers.
struct Zone {
    /// Set identifier and the rest of each record set.
    records: Vec<(String, String)>,
}

impl Zone {
    fn page(&self, uri: &str) -> String {
        let from = uri.split("identifier=").nth(1).unwrap_or_default();
        let from = from.split('&').next().unwrap_or_default();
        let start = self
            .records
            .iter()
            .position(|(id, _)| id == from)
            .unwrap_or(0);
        let rest = &self.records[start..];
        let (shown, next) = rest.split_at(rest.len().min(PAGE));
        let records: String = shown
            .iter()
            .map(|(id, rest)| format!("<ResourceRecordSet><SetIdentifier>{id}</SetIdentifier><Type>CNAME</Type><TTL>60</TTL>{rest}</ResourceRecordSet>"))
            .collect::<Vec<_>>()
            .concat();
        let next = next.first().map(|(id, _)| {
            format!("<NextRecordName>www.example.com.</NextRecordName><NextRecordType>CNAME</NextRecordType><NextRecordIdentifier>{id}</NextRecordIdentifier>")
        });
        format!(
            "<ListResourceRecordSetsResponse xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\"><ResourceRecordSets>{records}</ResourceRecordSets><IsTruncated>{}</IsTruncated>{}<MaxItems>{PAGE}</MaxItems></ListResourceRecordSetsResponse>",
            next.is_some(),
            next.unwrap_or_default()
        )
    }
}

impl MockService for Zone {
    fn service_name(&self) -> &'static str {
        "route53"
    }

    fn url_patterns(&self) -> Vec<&str> {
        vec![r"https?://route53\.amazonaws\.com"]
    }

    fn handle(&self, request: MockRequest) -> BoxFuture<'_, MockResponse> {
        let text = if request.uri.contains("/rrset") {
            self.page(&request.uri)
        } else {
            "<ListHostedZonesResponse xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\"><HostedZones><HostedZone><Id>/hostedzone/Z0EXAMPLE</Id><Name>example.com.</Name><CallerReference>1</CallerReference></HostedZone></HostedZones><Marker></Marker><IsTruncated>false</IsTruncated><MaxItems>100</MaxItems></ListHostedZonesResponse>".to_owned()
        };
        Box::pin(async move { MockResponse::xml(200, text) })
    }
}

/// An account of its own, with the services that the emulator knows; the others answer errors.
async fn account(zone: Zone) -> SdkConfig {
    let mock = MockAws::builder()
        .with_service(winterbaume_sts::StsService::new())
        .with_service(zone)
        .with_service(winterbaume_elasticloadbalancingv2::ElasticLoadBalancingV2Service::new())
        .with_service(winterbaume_eks::EksService::new())
        .with_service(winterbaume_rds::RdsService::new())
        .with_service(winterbaume_dynamodb::DynamoDbService::new())
        .with_service(winterbaume_elasticache::ElastiCacheService::new())
        .build();
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(mock.http_client())
        .credentials_provider(mock.credentials_provider())
        .region(Region::new("us-east-1"))
        .load()
        .await
}

fn at(account: &SdkConfig, region: &str) -> SdkConfig {
    let builder = account.clone().into_builder();
    builder.region(Region::new(region.to_owned())).build()
}

async fn find(account: &SdkConfig, only: &[&str]) -> Findings {
    let config = |region: &str| at(account, region);
    discover(&Discovery {
        config: &config,
        home: Some("us-east-1".to_owned()),
        only: only.iter().map(|region| (*region).to_owned()).collect(),
        profile: None,
        progress: &|_| {},
    })
    .await
}

/// The file that `init` writes, as the console reads it.
fn written(findings: &Findings) -> Estate {
    let text = init::write(findings);
    let library = Library::default();
    config::parse("pilothouse.toml", &text, &Flags::default(), &library)
        .unwrap_or_else(|problems| panic!("{problems:#?}\n{text}"))
        .estate
}

fn record(name: &str, identifier: &str, policy: &str, target: &str) -> (String, String) {
    let rest = format!(
        "<Name>{name}.</Name>{policy}<ResourceRecords><ResourceRecord><Value>{target}</Value></ResourceRecord></ResourceRecords>"
    );
    (identifier.to_owned(), rest)
}

async fn load_balancer(account: &SdkConfig, region: &str, name: &str) -> String {
    let client = aws_sdk_elasticloadbalancingv2::Client::new(&at(account, region));
    let create = client
        .create_load_balancer()
        .name(name)
        .subnets("subnet-1")
        .subnets("subnet-2");
    let made = create.send().await.unwrap();
    made.load_balancers()[0].dns_name().unwrap().to_owned()
}

#[tokio::test]
async fn a_fleet_is_found_by_its_records_and_what_is_there() {
    let records = [("us-east-1", 60, "PRIMARY"), ("eu-west-1", 40, "SECONDARY")].map(
        |(region, weight, failover)| {
            let identifier = format!("to &quot;{region}&quot;\u{202e}");
            let weight = format!("<Weight>{weight}</Weight>");
            let failover_policy = format!("<Failover>{failover}</Failover>");
            let target = format!("web.{region}.elb.amazonaws.com");
            [
                record("api.example.com", &identifier, &weight, &target),
                record("standby.example.com", failover, &failover_policy, &target),
            ]
        },
    );
    let account = account(Zone {
        records: records.concat(),
    })
    .await;
    for region in ["us-east-1", "eu-west-1"] {
        load_balancer(&account, region, "web").await;
    }
    let findings = find(&account, &[]).await;
    let estate = written(&findings);
    let regions: Vec<_> = estate
        .regions
        .iter()
        .map(|r| (r.label.as_str(), r.role))
        .collect();
    assert_eq!(
        regions,
        [
            ("us-east-1", RegionRole::Primary),
            ("eu-west-1", RegionRole::Secondary)
        ]
    );
    let answers = &estate.names[0].regions;
    assert_eq!(estate.names[0].name, "api.example.com");
    assert_eq!(answers.len(), 2, "{answers:?}");
    for (identifier, region) in answers {
        assert!(
            identifier.contains(region.as_str()),
            "{identifier} {region}"
        );
    }
    assert!(
        findings
            .load_balancers
            .iter()
            .any(|found| found.region == "eu-west-1")
    );
    // The emulator knows no Global Accelerator; that is said and stops nothing.
    let missing = findings
        .failures
        .iter()
        .any(|f| f.error.operation.starts_with("globalaccelerator:"));
    assert!(missing, "{:?}", findings.failures);
    assert!(findings.account.is_some());
}

#[tokio::test]
async fn thirty_regions_are_found_and_can_be_narrowed() {
    const DIRECTIONS: [&str; 5] = ["north", "south", "east", "west", "central"];
    let regions: Vec<String> = ["us", "eu", "ap"]
        .iter()
        .flat_map(|area| DIRECTIONS.map(|direction| format!("{area}-{direction}")))
        .flat_map(|half| [1, 2].map(|number| format!("{half}-{number}")))
        .collect();
    let records = regions.iter().map(|region| {
        let policy = format!("<Region>{region}</Region>");
        record(
            "www.example.com",
            &format!("id-{region}"),
            &policy,
            "origin.example.net",
        )
    });
    let account = account(Zone {
        records: records.collect(),
    })
    .await;

    let estate = written(&find(&account, &[]).await);
    let mut found: Vec<&str> = estate
        .regions
        .iter()
        .map(|region| region.label.as_str())
        .collect();
    let mut expected: Vec<&str> = regions.iter().map(String::as_str).collect();
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!(found, expected);
    assert_eq!(estate.names[0].regions.len(), 30);

    let estate = written(&find(&account, &["eu-west-1", "ap-east-2"]).await);
    assert_eq!(estate.regions.len(), 2);
    assert_eq!(estate.names[0].regions.len(), 2);
}

#[tokio::test]
async fn an_empty_account_leaves_the_region_of_the_credentials() {
    let findings = find(
        &account(Zone {
            records: Vec::new(),
        })
        .await,
        &[],
    )
    .await;
    let estate = written(&findings);
    assert_eq!(estate.regions.len(), 1);
    assert_eq!(estate.regions[0].label.as_str(), "us-east-1");
    assert!(estate.names.is_empty());
}
