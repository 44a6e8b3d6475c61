//! Drains of regions between which only a mesh divides, and their way back.

use proptest::{prelude::*, test_runner::RngSeed};

use super::*;
use crate::resources::{
    Change, Fleet, RegionLabel,
    traffic::{
        self, Split,
        routes::fixtures::{backend, rule},
    },
};

/// Three regions whose meshes keep four fifths at home.
fn spanned() -> Fleet {
    watched("mesh-region", &[0, 60])
}

fn drained(fleet: &Fleet, options: Options) -> crate::plan::Plan {
    plan(
        fleet,
        &Ledger::default(),
        "drain-region",
        "eu-west-1",
        options,
    )
}

/// The routes of a region in place of those that are there.
fn with_routes(fleet: &mut Fleet, region: &str, rows: Vec<Split>) {
    let place = Place::Region(label(region));
    let now = fleet.now;
    let rows = rows.into_iter().map(|mut row| {
        if let Mechanism::Route(backend) = &mut row.by {
            backend.heard_at = Some(now);
        }
        row
    });
    replace(fleet, Source::Routes, &place, Rows::Traffic(rows.collect()));
}

/// Weights by region of the cluster and backend.
fn weights(fleet: &Fleet) -> Vec<(String, String, u32)> {
    let rows = fleet.traffic.rows();
    rows.filter_map(|(_, place, row)| {
        let backend = row.by.route()?;
        Some((place.to_string(), row.member.clone(), backend.weight))
    })
    .collect()
}

#[test]
fn a_region_that_only_a_mesh_leads_to_is_taken_out_of_the_routes_of_every_cluster() {
    let fleet = spanned();
    let made = drained(&fleet, Options::default());
    let edit =
        |region: &str, from: u32, to: u32| format!("weight storefront:{region} {from} -> {to}");
    let three = |edits: [(u32, u32); 3]| {
        let regions = ["us-east-1", "eu-west-1", "ap-southeast-1"].into_iter();
        let with = regions.zip(edits);
        with.filter(|(_, (from, to))| from != to)
            .map(|(region, (from, to))| edit(region, from, to))
            .collect::<Vec<_>>()
    };
    let wait = |below: u32| {
        vec![
            format!("tail eu-west-1 60 s below {below} %"),
            "bake us-east-1 ap-southeast-1 120 s".to_owned(),
        ]
    };
    let expected = [
        three([(80, 84), (10, 5), (10, 11)]),
        three([(10, 30), (80, 40), (10, 30)]),
        three([(10, 11), (10, 5), (80, 84)]),
        wait(60),
        three([(84, 89), (5, 0), (11, 11)]),
        three([(30, 50), (40, 0), (30, 50)]),
        three([(11, 11), (5, 0), (84, 89)]),
        wait(1),
    ];
    // In the order of the places.
    let mut found = lines(&made);
    let mut expected: Vec<String> = expected.concat();
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
    assert_eq!(
        (made.blast, made.phrase.as_str()),
        (Blast::L3, "eu-west-1 all")
    );
    assert!(
        made.remarks.iter().any(|text| text
            .contains("VirtualService shop/storefront in eu-west-1")
            && text.contains("its gateway still takes")),
        "{:?}",
        made.remarks
    );
    let after = walk(&fleet, &made);
    assert!(
        weights(&after)
            .iter()
            .all(
                |(_, member, weight)| (member == "storefront:eu-west-1") == (*weight == 0)
                    || !member.starts_with("storefront")
            )
    );
}

#[test]
fn it_comes_back_level_by_level_to_what_it_had() {
    let before = spanned();
    let drain = drained(&before, now());
    let mut ledger = Ledger::default();
    done(&mut ledger, "r1", &drain);
    let empty = walk(&before, &drain);
    let back = plan(
        &empty,
        &ledger,
        "restore-region",
        "eu-west-1",
        Options::default(),
    );
    let own: Vec<String> = lines(&back)
        .into_iter()
        .filter(|line| line.contains(":eu-west-1") || line.starts_with("bake"))
        .collect();
    assert_eq!(
        own.iter().filter(|line| line.starts_with("bake")).count(),
        6
    );
    assert_eq!(own.first().unwrap(), "weight storefront:eu-west-1 0 -> 1");
    let after = walk(&empty, &back);
    assert_eq!(weights(&after), weights(&before));
}

#[test]
fn without_a_run_that_drained_it_what_is_normal_must_be_said() {
    let before = spanned();
    let empty = walk(&before, &drained(&before, now()));
    let none = Ledger::default();
    let text = refusal(
        &empty,
        &none,
        "restore-region",
        "eu-west-1",
        Options::default(),
    );
    assert!(
        text.contains("the normal weight of storefront:eu-west-1 in VirtualService shop/storefront in us-east-1 is not known"),
        "{text}"
    );
    let told = Options {
        weights: [("eu-west-1".to_owned(), 20)].into(),
        ..Options::default()
    };
    let back = plan(&empty, &none, "restore-region", "eu-west-1", told);
    let after = walk(&empty, &back);
    let mine = weights(&after)
        .into_iter()
        .filter(|(_, member, _)| member == "storefront:eu-west-1");
    assert!(mine.into_iter().all(|(_, _, weight)| weight == 20));
    let all = Options {
        weights: [("eu-west-1".to_owned(), 100)].into(),
        ..Options::default()
    };
    let text = refusal(&empty, &none, "restore-region", "eu-west-1", all);
    assert!(
        text.contains("add up to 100: less than that must be said"),
        "{text}"
    );
}

#[test]
fn where_names_lead_to_the_door_the_regions_own_gateway_is_left_alone() {
    let mut fleet = calm();
    let both = |cluster: &str| {
        rule(
            cluster,
            "checkout",
            &[("checkout-us-east-1", 60), ("checkout-eu-west-1", 40)],
        )
    };
    with_routes(&mut fleet, "us-east-1", both("shop-us"));
    with_routes(&mut fleet, "eu-west-1", both("shop-eu"));
    let made = drained(&fleet, now());
    let routes: Vec<&RegionLabel> = made
        .changes()
        .filter_map(|change| match change {
            Change::Traffic(traffic::Change::Route { region, .. }) => Some(region),
            _ => None,
        })
        .collect();
    assert_eq!(routes, [&label("us-east-1")]);
    assert!(
        lines(&made).contains(&"weight checkout-eu-west-1 40 -> 0".to_owned()),
        "{:?}",
        lines(&made)
    );
    assert!(
        lines(&made).contains(&"control cell-eu-west-1 On -> Off".to_owned()),
        "the door is closed as well"
    );
    walk(&fleet, &made);
}

#[test]
fn who_only_stands_by_takes_over() {
    let mut fleet = spanned();
    let here = &[("checkout", 100), ("checkout-us-east-1", 0)];
    with_routes(&mut fleet, "eu-west-1", rule("shop-eu", "checkout", here));
    with_routes(&mut fleet, "us-east-1", Vec::new());
    with_routes(&mut fleet, "ap-southeast-1", Vec::new());
    assert_eq!(
        lines(&drained(&fleet, now()))[..2],
        [
            "weight checkout 100 -> 0",
            "weight checkout-us-east-1 0 -> 100"
        ]
    );
}

#[test]
fn a_cluster_that_is_not_heard_keeps_what_it_sends() {
    let mut fleet = spanned();
    let rows: Vec<Split> = [("checkout", 50), ("checkout-eu-west-1", 50)]
        .map(|(service, weight)| {
            let mut backend = backend("shop-us", "checkout", service, weight);
            backend.heard_at = None;
            Split {
                split: "virtualservice/shop/checkout".to_owned(),
                member: service.to_owned(),
                by: Mechanism::Route(backend),
            }
        })
        .into();
    let place = Place::Region(label("us-east-1"));
    replace(&mut fleet, Source::Routes, &place, Rows::Traffic(rows));
    let made = drained(&fleet, now());
    assert!(
        made.remarks.contains(
            &"VirtualService shop/checkout in us-east-1 stays: shop-us is not heard".to_owned()
        ),
        "{:?}",
        made.remarks
    );
}

#[test]
fn a_canary_of_the_region_alone_is_no_way_to_it() {
    let mut fleet = spanned();
    for region in ["us-east-1", "eu-west-1", "ap-southeast-1"] {
        let rows = rule("shop", "catalog", &[("catalog", 95), ("catalog-canary", 5)]);
        with_routes(&mut fleet, region, rows);
    }
    let text = refusal(
        &fleet,
        &Ledger::default(),
        "drain-region",
        "eu-west-1",
        Options::default(),
    );
    assert!(
        text.contains("nothing that we know steers traffic to eu-west-1"),
        "{text}"
    );
    assert!(text.contains("`backends` of its [[region]]"), "{text}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, rng_seed: RngSeed::Fixed(5), ..ProptestConfig::default() })]
    /// However the gateways divide: nothing is left with nothing but the region, and what it had comes back exactly.
    #[test]
    fn every_drain_of_a_mesh_empties_the_region_alone_and_can_be_taken_back_exactly(
        sets in proptest::collection::vec([0..=100_u32, 0..=100_u32, 0..=100_u32], 3),
        at_once in any::<bool>(),
    ) {
        let regions = ["us-east-1", "eu-west-1", "ap-southeast-1"];
        let mut before = MESH.with(Clone::clone);
        for (region, weights) in regions.iter().zip(&sets) {
            let named: Vec<(String, u32)> = regions.iter().zip(weights)
                .map(|(to, weight)| (format!("web-{to}"), *weight))
                .collect();
            let backends: Vec<(&str, u32)> = named.iter().map(|(name, weight)| (name.as_str(), *weight)).collect();
            with_routes(&mut before, region, rule(region, "web", &backends));
        }
        let options = Options { now: at_once, ..Options::default() };
        let intent = intent("drain-region", "eu-west-1", options);
        let Ok(drain) = crate::actions::plan(&before, &Ledger::default(), &intent) else {
            prop_assert!(sets.iter().all(|weights| weights[1] == 0), "{sets:?}");
            return Ok(());
        };
        let empty = walk(&before, &drain);
        prop_assert!(weights(&empty).iter().all(|(_, member, weight)| member != "web-eu-west-1" || *weight == 0));
        let mut ledger = Ledger::default();
        done(&mut ledger, "r1", &drain);
        let back = plan(&empty, &ledger, "restore-region", "eu-west-1", Options::default());
        prop_assert_eq!(weights(&walk(&empty, &back)), weights(&before));
    }
}

thread_local! {
    static MESH: Fleet = spanned();
}
