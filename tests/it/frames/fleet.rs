//! Fleets made by hand, for looking at frames. No clock and no randomness: the same fleet always.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use jiff::Timestamp;
use pilothouse::resources::{
    Answer, ErrorClass, Estate, Fleet, Place, ProviderError, Query, RegionLabel, Rows, Source,
    Wanted,
    alarms::{Alarm, AlarmType},
    caches::{Cache, Datastore, DatastoreMember, ReplicationGroup},
    clusters::{ApiServer, ApiServerState, Cluster, EksCluster},
    databases::{ClusterInstance, Database, DbCluster, GlobalCluster, GlobalMember},
    estate::{Access, ManagedName, RecoveryEndpoint, RegionRole, RegionSpec},
    metrics::{Point, Quality, Series, SeriesSpec},
    regions::{Identity, Region},
    traffic::{Forward, Mechanism, Policy, Record, RoutingControl, Split, TargetHealth},
};
use serde_json::json;

/// Now, in every frame.
pub fn now() -> Timestamp {
    "2026-03-14T03:12:40Z".parse().unwrap()
}

const ACCOUNT: &str = "123456789012";

const REGIONS: &[&str] = &[
    "eu-west-1",
    "us-east-1",
    "ap-southeast-2",
    "us-west-2",
    "eu-central-1",
    "sa-east-1",
];

fn region_name(index: usize) -> String {
    match REGIONS.get(index) {
        Some(name) => (*name).to_owned(),
        None => format!("region-{index:02}"),
    }
}

/// An estate of so many regions.
pub fn estate(regions: usize) -> Arc<Estate> {
    let spec = |index| RegionSpec {
        label: RegionLabel::new(&region_name(index)).unwrap(),
        aws_region: Some(region_name(index)),
        role: RegionRole::default(),
        access: Access::default(),
        kube_contexts: Vec::new(),
        capacity_rps: Some(30_000.0),
        load_balancers: Vec::new(),
        backends: Vec::new(),
        capacity_nodes: None,
        residency: Vec::new(),
    };
    Arc::new(Estate {
        environment: "prod".to_owned(),
        regions: (0..regions).map(spec).collect(),
        names: vec![ManagedName {
            name: "api.example.com".to_owned(),
            zone_id: None,
            regions: BTreeMap::new(),
            residency: None,
        }],
        recovery_endpoints: [
            "us-east-1",
            "us-west-2",
            "eu-west-1",
            "ap-northeast-1",
            "ap-southeast-2",
        ]
        .iter()
        .map(|region| RecoveryEndpoint {
            region: (*region).to_owned(),
            url: String::new(),
        })
        .collect(),
        ..Estate::default()
    })
}

fn places(fleet: &Fleet, source: Source) -> Vec<Place> {
    fleet.estate.places(source)
}

fn query(source: Source, place: &Place) -> Query {
    Query {
        source,
        place: place.clone(),
        wanted: Wanted::Nothing,
        read: 0,
    }
}

/// A good answer.
pub fn accept(fleet: &mut Fleet, source: Source, place: &Place, rows: Rows) {
    let at = now() - Duration::from_secs(12);
    let took = Duration::from_millis(85);
    fleet.accept(&query(source, place), Answer::of(rows), at, took);
}

/// A failed read.
pub fn reject(fleet: &mut Fleet, source: Source, place: &Place, class: ErrorClass) {
    let operation = format!("{}:Describe", source.api().name());
    let error = ProviderError::new(class, operation, "no answer within 10 s");
    fleet.reject(&query(source, place), error);
}

fn database(region: &str, index: usize, writer: &str) -> Database {
    let arn =
        |region: &str| format!("arn:aws:rds:{region}:{ACCOUNT}:cluster:orders-{index}-{region}");
    let member = |region: &str| GlobalMember {
        arn: arn(region),
        writer: region == writer,
        synchronization: Some("connected".to_owned()),
    };
    Database::Cluster(DbCluster {
        id: format!("orders-{index}-{region}"),
        arn: Some(arn(region)),
        status: if index == 1 && region == writer {
            "failing-over"
        } else {
            "available"
        }
        .to_owned(),
        engine: "aurora-postgresql".to_owned(),
        engine_version: Some("16.4".to_owned()),
        multi_az: Some(true),
        instances: vec![ClusterInstance {
            id: format!("orders-{index}-{region}-a"),
            writer: region == writer,
            promotion_tier: Some(1),
            status: Some("available".to_owned()),
            class: Some("db.r8g.2xlarge".to_owned()),
            zone: Some(format!("{region}a")),
        }],
        source: None,
        global: Some(GlobalCluster {
            id: format!("orders-{index}"),
            status: Some("available".to_owned()),
            engine_version: None,
            endpoint: None,
            members: vec![member(writer), member(region)],
            failover: None,
        }),
    })
}

fn cache(region: &str, index: usize, primary: &str) -> Cache {
    let role = if region == primary {
        "primary"
    } else {
        "secondary"
    };
    let member = |region: &str, role: &str| DatastoreMember {
        group: format!("sessions-{index}"),
        region: region.to_owned(),
        role: role.to_owned(),
        status: Some("associated".to_owned()),
    };
    Cache::Group(ReplicationGroup {
        id: format!("sessions-{index}"),
        arn: Some(format!(
            "arn:aws:elasticache:{region}:{ACCOUNT}:replicationgroup:sessions-{index}"
        )),
        status: "available".to_owned(),
        engine: Some("redis".to_owned()),
        shards: Vec::new(),
        multi_az: None,
        automatic_failover: None,
        datastore: Some(Datastore {
            id: "ldgnf-sessions".to_owned(),
            status: Some("available".to_owned()),
            members: vec![member(primary, "primary"), member(region, role)],
        }),
    })
}

fn record(region: &str, weight: u8) -> Split {
    Split {
        split: "api.example.com A".to_owned(),
        member: region.to_owned(),
        by: Mechanism::Record(Record {
            zone_id: "Z1".to_owned(),
            name: "api.example.com.".to_owned(),
            record_type: "A".to_owned(),
            set_identifier: Some(region.to_owned()),
            policy: Policy::Weighted { weight },
            ttl: Some(60),
            values: vec!["192.0.2.1".to_owned()],
            alias: None,
            health_check_id: None,
            traffic_policy_instance_id: None,
        }),
    }
}

fn forward(region: &str, index: usize, healthy: u32) -> Split {
    let arn = |what: &str| format!("arn:aws:elasticloadbalancing:{region}:{ACCOUNT}:{what}");
    Split {
        split: format!("checkout-{region} :443 default"),
        member: format!("checkout-{}", if index == 0 { "blue" } else { "green" }),
        by: Mechanism::Forward(Forward {
            load_balancer_arn: arn("loadbalancer/app/checkout/1"),
            load_balancer_name: "checkout".to_owned(),
            load_balancer_dns: None,
            load_balancer_type: Some("application".to_owned()),
            load_balancer_state: Some("active".to_owned()),
            listener_arn: arn("listener/app/checkout/1/2"),
            rule_arn: None,
            priority: "default".to_owned(),
            conditions: String::new(),
            target_group_arn: arn(&format!("targetgroup/checkout-{index}/1")),
            target_group_name: format!("checkout-{}", if index == 0 { "blue" } else { "green" }),
            weight: if index == 0 { 95 } else { 5 },
            stickiness: false,
            health: Some(TargetHealth {
                healthy,
                unhealthy: 12 - healthy,
                other: 0,
                unknown: 0,
            }),
            divided: false,
        }),
    }
}

fn alarm(region: &str, index: usize, state: &str) -> Alarm {
    Alarm {
        name: format!("checkout-{region}-5xx-{index}"),
        arn: None,
        alarm_type: AlarmType::Metric,
        state: state.to_owned(),
        reason: Some("Threshold Crossed: 3 datapoints were greater than 1.0".to_owned()),
        since: Some(now() - Duration::from_secs(240)),
        actions_enabled: true,
        actions: Vec::new(),
        evaluation: None,
        metric: Some("HTTPCode_Target_5XX_Count".to_owned()),
        rule: None,
        dimensions: vec![("LoadBalancer".to_owned(), "app/checkout/1".to_owned())],
    }
}

/// Everything answered; `per` rows of each kind in each region; the first region is ill.
pub fn full(regions: usize, per: usize) -> Fleet {
    let mut fleet = Fleet::new(estate(regions), now());
    let names: Vec<String> = (0..regions).map(region_name).collect();
    for place in places(&fleet, Source::Identity) {
        workloads(&mut fleet, &place, per, &names[0]);
        clusters(&mut fleet, &place);
        metrics(&mut fleet, &place);
    }
    everywhere(&mut fleet, &names);
    fleet
}

fn workloads(fleet: &mut Fleet, place: &Place, per: usize, first: &str) {
    let region = place.to_string();
    let ill = region == first;
    let identity = Identity {
        account: ACCOUNT.to_owned(),
        arn: format!("arn:aws:sts::{ACCOUNT}:assumed-role/oncall/ana@bastion-2"),
        clock_skew_seconds: Some(0),
        credentials_expire_at: Some(now() + Duration::from_secs(41 * 60)),
    };
    let label = place.region().unwrap().clone();
    let rows = vec![Region {
        label,
        identity: Some(identity),
    }];
    accept(fleet, Source::Identity, place, Rows::Regions(rows));
    let rows = (0..per).map(|index| database(&region, index, first));
    accept(fleet, Source::Rds, place, Rows::Databases(rows.collect()));
    let rows = (0..per).map(|index| cache(&region, index, first));
    accept(
        fleet,
        Source::ElastiCache,
        place,
        Rows::Caches(rows.collect()),
    );
    let rows = (0..per).map(|index| forward(&region, index, if ill { 5 } else { 12 }));
    accept(
        fleet,
        Source::LoadBalancers,
        place,
        Rows::Traffic(rows.collect()),
    );
    let state = |index| if ill && index == 0 { "ALARM" } else { "OK" };
    let rows = (0..per).map(|index| alarm(&region, index, state(index)));
    accept(fleet, Source::Alarms, place, Rows::Alarms(rows.collect()));
    let rows = super::deployments::of(&region, per, ill);
    accept(fleet, Source::Deployments, place, Rows::Deployments(rows));
    accept(fleet, Source::MemoryDb, place, Rows::Caches(Vec::new()));
    accept(fleet, Source::Tables, place, Rows::Databases(Vec::new()));
    accept(fleet, Source::Pipelines, place, Rows::Pipelines(Vec::new()));
    for source in [Source::Aliases, Source::Routes, Source::Rollouts] {
        accept(fleet, source, place, Rows::Traffic(Vec::new()));
    }
}

fn clusters(fleet: &mut Fleet, place: &Place) {
    let region = place.to_string();
    let rows = vec![cluster(&region)];
    accept(fleet, Source::Clusters, place, Rows::Clusters(rows));
    let server = ApiServerState {
        name: format!("prod-{region}"),
        version: Some("v1.33.4".to_owned()),
        latency: Some(Duration::from_millis(42)),
        error: None,
        answered_before: true,
        ready_nodes: None,
    };
    let zone = |name: &str| json!({"name": format!("{region}{name}"), "ready": 6, "total": 6});
    let nodes = json!({"nodes": {"cluster": format!("prod-{region}"), "heard_at": now() - Duration::from_secs(20),
        "zones": [zone("a"), zone("b"), zone("c")], "cordoned": 0, "not_ready": [], "pressure": []}});
    let nodes: Cluster = serde_json::from_value(nodes).unwrap();
    accept(fleet, Source::Nodes, place, Rows::Clusters(vec![nodes]));
    let rows = vec![Cluster::ApiServer(server)];
    accept(fleet, Source::ApiServers, place, Rows::Clusters(rows));
}

fn everywhere(fleet: &mut Fleet, names: &[String]) {
    let global = Place::Global;
    let weights = names.iter().enumerate();
    let weights = weights.map(|(index, name)| record(name, if index == 0 { 20 } else { 40 }));
    accept(
        fleet,
        Source::Records,
        &global,
        Rows::Traffic(weights.collect()),
    );
    accept(
        fleet,
        Source::Accelerators,
        &global,
        Rows::Traffic(Vec::new()),
    );
    accept(
        fleet,
        Source::Distributions,
        &global,
        Rows::Traffic(Vec::new()),
    );
    accept(
        fleet,
        Source::HealthChecks,
        &global,
        Rows::HealthChecks(Vec::new()),
    );
    accept(fleet, Source::Metrics, &global, Rows::Metrics(Vec::new()));
    for place in places(fleet, Source::RoutingControls) {
        let rows = names.iter().take(6).map(|name| control(name));
        accept(
            fleet,
            Source::RoutingControls,
            &place,
            Rows::Traffic(rows.collect()),
        );
    }
}

fn control(name: &str) -> Split {
    Split {
        split: "panel".to_owned(),
        member: name.to_owned(),
        by: Mechanism::Control(RoutingControl {
            arn: format!("arn:aws:route53-recovery-control::{ACCOUNT}:controlpanel/p/{name}"),
            name: name.to_owned(),
            panel_arn: None,
            panel_name: Some("panel".to_owned()),
            on: Some(true),
        }),
    }
}

fn cluster(region: &str) -> Cluster {
    Cluster::Eks(EksCluster {
        name: format!("prod-{region}"),
        arn: None,
        status: "ACTIVE".to_owned(),
        version: Some("1.33".to_owned()),
        platform_version: Some("eks.9".to_owned()),
        support: Some("STANDARD".to_owned()),
        health_issues: Vec::new(),
        api_server: ApiServer {
            name: format!("prod-{region}"),
            endpoint: None,
            certificate_authority: None,
        },
    })
}

/// A value for every series that the rows ask for, with a history of 40 minutes that has a gap.
fn metrics(fleet: &mut Fleet, place: &Place) {
    let value = |spec: &SeriesSpec, minute: u64| {
        let wave = ((minute * 7 + spec.key.len() as u64) % 13) as f64;
        let base = if spec.key.ends_with("requests") {
            60_000.0
        } else if spec.key.contains("p9") {
            0.05
        } else {
            20.0
        };
        base * (1.0 + wave / 10.0)
    };
    let points = |spec: &SeriesSpec| -> Vec<Point> {
        let period = u64::from(spec.period);
        (2..40)
            .filter(|minute| *minute != 17)
            .map(|minute| Point {
                at: now() - Duration::from_secs(period * minute),
                value: value(spec, minute),
            })
            .collect()
    };
    let series = fleet
        .wanted_series(place)
        .into_iter()
        .take(200)
        .map(|spec| Series {
            points: points(&spec),
            quality: Quality::Complete,
            spec,
        })
        .collect();
    accept(fleet, Source::Metrics, place, Rows::Metrics(series));
}

/// Two regions that each claim the writer, and a region that serves although nothing steers users to it.
pub fn contradictory() -> Fleet {
    let mut fleet = full(3, 2);
    let second = places(&fleet, Source::Rds)[1].clone();
    let region = second.to_string();
    let rows = vec![database(&region, 0, &region)];
    accept(&mut fleet, Source::Rds, &second, Rows::Databases(rows));
    let weights = (0..3).map(|index| record(&region_name(index), 40 * u8::from(index < 2)));
    let weights = Rows::Traffic(weights.collect());
    accept(&mut fleet, Source::Records, &Place::Global, weights);
    fleet
}

/// So many regions of which ten do not answer.
pub fn silent(regions: usize) -> Fleet {
    let mut fleet = full(regions, 4);
    for place in places(&fleet, Source::Rds).iter().take(10) {
        for source in [Source::Rds, Source::ElastiCache, Source::Alarms] {
            reject(&mut fleet, source, place, ErrorClass::Timeout);
        }
    }
    fleet
}

/// Names that try to take the terminal over.
pub fn hostile() -> Fleet {
    let mut fleet = full(3, 2);
    let place = places(&fleet, Source::Alarms)[0].clone();
    let names = [
        "\u{1b}[2J\u{1b}[31mowned\u{7}",
        "two\nlines\tand a tab",
        "\u{202e}desrever\u{2066}",
        "zero\u{200b}width\u{feff}",
        "数据库告警-非常非常非常长的名字-一",
        "z\u{300}\u{301}\u{302}\u{303}\u{304}algo",
        "arn:aws:iam::123456789012:role/secret",
        "شبكة-الدفع",
        "👩🏽\u{200d}🚀 crew",
    ];
    let rows = names.iter().map(|name| Alarm {
        name: (*name).to_owned(),
        ..alarm("x", 0, "ALARM")
    });
    accept(
        &mut fleet,
        Source::Alarms,
        &place,
        Rows::Alarms(rows.collect()),
    );
    fleet
}

/// Names that share beginning and end, and differ in the middle.
pub fn alike() -> Fleet {
    let mut fleet = full(3, 2);
    let place = places(&fleet, Source::Alarms)[0].clone();
    let name = |index: usize| {
        let cell = ["a1", "a2", "b1", "b2"][index % 4];
        let stage = ["blue", "green"][index / 4 % 2];
        format!("prod-checkout-orders-api-{cell}-{stage}-target-response-time-p95-high")
    };
    let rows = (0..8).map(|index| Alarm {
        name: name(index),
        ..alarm("x", 0, "ALARM")
    });
    accept(
        &mut fleet,
        Source::Alarms,
        &place,
        Rows::Alarms(rows.collect()),
    );
    fleet
}
