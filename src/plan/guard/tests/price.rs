//! G-COST, G-RES, and what an invalidation does to the origins.

use super::{back::distribution, *};
use crate::resources::{clusters, traffic::cloudfront::distribution_key};

fn invalidate(paths: &[&str]) -> Change {
    Change::Traffic(traffic::Change::Invalidate {
        distribution_id: "E1".into(),
        paths: paths.iter().map(|path| (*path).to_owned()).collect(),
        reference: "ours".into(),
    })
}

fn edge(fleet: &mut Fleet, under_way: Option<&[&str]>) {
    let mut known = distribution("E1");
    known.invalidations = under_way.map(|paths| {
        vec![row(
            json!({"id": "I1", "status": "InProgress", "reference": "theirs", "paths": paths}),
        )]
    });
    let split = Split {
        split: "E1".into(),
        member: "primary".into(),
        by: Mechanism::Distribution(known),
    };
    answer(
        fleet,
        Source::Distributions,
        &Place::Global,
        5,
        Rows::Traffic(vec![split]),
    );
}

fn hits(fleet: &mut Fleet, hits: f64) {
    let rows = vec![
        series(&distribution_key("E1", "requests"), &[(180, 120_000.0)]),
        series(&distribution_key("E1", "hit-rate"), &[(180, hits)]),
    ];
    metrics(fleet, &Place::Global, 5, rows);
}

#[test]
fn everything_is_forgotten_only_where_the_origins_have_room() {
    let mut fleet = world();
    edge(&mut fleet, Some(&[]));
    let judge = |fleet: &Fleet, paths: &[&str]| {
        let plan = plan(fleet, vec![invalidate(paths)], &[]);
        judged(fleet, &plan, GuardId::Capacity)
    };
    says(
        &judge(&fleet, &["/*"]),
        Verdict::Unknown,
        "hit ratio of E1 are not known",
    );
    says(
        &judge(&fleet, &["/img/*"]),
        Verdict::Warn,
        "hit ratio of E1 are not known",
    );
    // 2,000 requests at the edge, 500 in each of three regions that can serve 1,000.
    hits(&mut fleet, 75.0);
    says(
        &judge(&fleet, &["/*"]),
        Verdict::Fail,
        "us-east-1 100 % while the caches fill (1000 of 1000 rps, 75 % hits now)",
    );
    says(
        &judge(&fleet, &["/img/*"]),
        Verdict::Warn,
        "us-east-1 up to 100 %",
    );
    hits(&mut fleet, 15.0);
    says(&judge(&fleet, &["/*"]), Verdict::Pass, "us-east-1 60 %");
    says(&judge(&fleet, &["/a.html"]), Verdict::Pass, "1 files");
}

#[test]
fn wildcards_of_everybody_together_are_fifteen_at_most() {
    let mut fleet = world();
    let judge = |fleet: &Fleet, paths: &[&str]| {
        let plan = plan(fleet, vec![invalidate(paths)], &[]);
        judged(fleet, &plan, GuardId::Lock)
    };
    edge(&mut fleet, None);
    says(&judge(&fleet, &["/a/*"]), Verdict::Unknown, "were not read");
    let theirs: Vec<String> = (0..14).map(|index| format!("/{index}/*")).collect();
    let theirs: Vec<&str> = theirs.iter().map(String::as_str).collect();
    edge(&mut fleet, Some(&theirs));
    says(
        &judge(&fleet, &["/a/*", "/file"]),
        Verdict::Pass,
        "14 wildcards",
    );
    says(
        &judge(&fleet, &["/a/*", "/b/*"]),
        Verdict::Fail,
        "2 more are above 15",
    );
}

fn scale(to: i32) -> Change {
    let bounds = |min| clusters::Bounds { min, max: 40 };
    Change::Clusters(clusters::Change::Scale {
        region: label(EU),
        cluster: "shop".into(),
        node_group: "web".into(),
        from: bounds(6),
        to: bounds(to),
    })
}

#[test]
fn a_plan_says_what_it_costs() {
    let priced = |price: Option<f64>| {
        let mut estate = estate(&REGIONS);
        estate.prices.node_hour_usd = price;
        let mut fleet = world_of(estate);
        let group = json!({"node_group": {"name": "web", "cluster": "shop", "status": "ACTIVE", "bounds": {"min": 6, "max": 40}, "desired": 10, "health_issues": []}});
        answer(
            &mut fleet,
            Source::Clusters,
            &place(EU),
            5,
            Rows::Clusters(vec![row(group)]),
        );
        fleet
    };
    let judge = |fleet: &Fleet, change: Change| {
        let mut plan = plan(fleet, vec![change], &[]);
        plan.until = Some(now() + std::time::Duration::from_secs(4 * 3_600));
        judged(fleet, &plan, GuardId::Cost)
    };
    let fleet = priced(Some(0.5));
    says(
        &judge(&fleet, scale(18)),
        Verdict::Pass,
        "8 more nodes for 4 h 16.00 USD",
    );
    says(&judge(&fleet, scale(38)), Verdict::Warn, "56.00 > 50 USD");
    says(
        &judge(&fleet, scale(8)),
        Verdict::Pass,
        "nothing that it does",
    );
    says(
        &judge(&priced(None), scale(18)),
        Verdict::Warn,
        "is not configured",
    );
    says(
        &judge(&fleet, invalidate(&["/a", "/b"])),
        Verdict::Pass,
        "2 invalidation paths 0.01 USD",
    );
}

#[test]
fn a_class_of_data_stays_where_it_is_allowed() {
    let mut estate = estate(&REGIONS);
    estate.regions[0].residency = vec!["public".into()];
    estate.regions[1].residency = vec!["eu-personal".into(), "public".into()];
    estate.names[0].residency = Some("eu-personal".into());
    let fleet = world_of(estate.clone());
    let to_us = plan(&fleet, vec![weights(&fleet, &[(US, 60), (EU, 10)])], &[]);
    says(
        &judged(&fleet, &to_us, GuardId::Residency),
        Verdict::Fail,
        "us-east-1 would get api.example.com, and does not allow the class eu-personal",
    );
    let to_eu = plan(&fleet, vec![weights(&fleet, &[(US, 10), (EU, 60)])], &[]);
    says(
        &judged(&fleet, &to_eu, GuardId::Residency),
        Verdict::Warn,
        "if all checks fail api.example.com (eu-personal) is answered with us-east-1 as well",
    );
    let dialled = plan(&fleet, vec![dial(AP, 100.0, 50.0)], &[]);
    says(
        &judged(&fleet, &dialled, GuardId::Residency),
        Verdict::Warn,
        "may be sent to us-east-1",
    );
    estate.names[0].residency = Some("public".into());
    let fleet = world_of(estate);
    says(
        &judged(&fleet, &to_us, GuardId::Residency),
        Verdict::Pass,
        "stays where the class is allowed",
    );
}
