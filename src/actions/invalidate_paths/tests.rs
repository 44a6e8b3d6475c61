//! Which paths are sent, and what is said.

use crate::{
    actions::kit::stores::tests::{Watched, assert_stable, says},
    plan::{Blast, Options, Plan},
    resources::{
        Change,
        change::{Alter, Class, Standing},
        traffic,
    },
    sim::names,
};

fn named(paths: &[&str]) -> Options {
    Options {
        names: paths.iter().map(|path| (*path).to_owned()).collect(),
        ..Options::default()
    }
}

fn invalidated(plan: &Plan) -> (&str, &[String], &str) {
    match plan.changes().next() {
        Some(Change::Traffic(traffic::Change::Invalidate {
            distribution_id,
            paths,
            reference,
        })) => (distribution_id, paths, reference),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_distribution_is_known_by_its_name_and_each_path_is_sent_once() {
    let watched = Watched::until("calm", 300);
    let plan = watched
        .plan(
            "invalidate-paths",
            "shop.example",
            named(&["/img/*", "/index.html", "/img/*"]),
        )
        .unwrap();
    let (id, paths, reference) = invalidated(&plan);
    assert_eq!(id, names::DISTRIBUTION);
    assert_eq!(paths, ["/img/*", "/index.html"]);
    assert!(reference.starts_with("pilothouse-"));
    assert_eq!(
        (plan.class(), plan.blast, plan.phrase.as_str()),
        (Class::R, Blast::L2, names::DISTRIBUTION)
    );
    assert_eq!(plan.loss_phrase, "no way back");
    let change = plan.changes().next().unwrap();
    assert!(change.inverse().is_err());
    assert_eq!(change.standing(&watched.fleet), Standing::Before);
    assert_stable(&watched, &plan);
}

#[test]
fn a_later_plan_of_the_same_paths_is_another_invalidation_with_the_same_hash() {
    let mut watched = Watched::until("calm", 300);
    let options = named(&["/index.html"]);
    let plan = |watched: &Watched| {
        watched
            .plan("invalidate-paths", names::DISTRIBUTION, options.clone())
            .unwrap()
    };
    let first = plan(&watched);
    watched.poll(330);
    let second = plan(&watched);
    assert_ne!(invalidated(&first).2, invalidated(&second).2);
    assert_eq!(first.hash(), second.hash());
}

#[test]
fn everything_says_how_many_times_the_requests_the_origins_get() {
    let watched = Watched::until("calm", 300);
    let plan = watched
        .plan("invalidate-paths", "shop.example", named(&["/*"]))
        .unwrap();
    assert!(
        says(&plan.remarks, &["75 % hits", "4.0 times"]),
        "{:?}",
        plan.remarks
    );
}

#[test]
fn paths_that_cloudfront_would_take_otherwise_are_refused() {
    let watched = Watched::until("calm", 300);
    let refused = |paths: &[&str]| {
        watched
            .plan("invalidate-paths", "shop.example", named(paths))
            .unwrap_err()
    };
    assert!(refused(&[]).advice.contains("names="));
    let refusal = refused(&["img/*", "/a*b", "/ü", "/fine"]);
    assert_eq!(refusal.reasons.len(), 3, "{refusal:?}");
    let many: Vec<String> = (0..16).map(|index| format!("/{index}/*")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert!(says(&refused(&many).reasons, &["16 wildcard paths", "15"]));
    let unknown = watched
        .plan("invalidate-paths", "shop.exampel", named(&["/a"]))
        .unwrap_err();
    assert_eq!(unknown.advice, "did you mean `shop.example`?");
}
