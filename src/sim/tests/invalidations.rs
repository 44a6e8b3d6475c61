//! Invalidations of paths: under way for a minute or more, done once for each reference, and never too many wildcards at once.

use super::{cases::invalidate, *};
use crate::{
    resources::{
        Change,
        change::{Alter, Fate, Standing},
        traffic,
    },
    sim::apply,
};

fn again(change: &Change, reference: &str, paths: &[String]) -> Change {
    let Change::Traffic(traffic::Change::Invalidate {
        distribution_id, ..
    }) = change
    else {
        panic!("{change:?}");
    };
    Change::Traffic(traffic::Change::Invalidate {
        distribution_id: distribution_id.clone(),
        paths: paths.to_vec(),
        reference: reference.to_owned(),
    })
}

#[test]
fn an_invalidation_is_under_way_and_then_done_and_its_reference_tells() {
    let mut watching = Watching::named("calm");
    watching.poll(10);
    let change = invalidate(&watching.fleet);
    assert_eq!(change.standing(&watching.fleet), Standing::Before);
    let receipt = apply::receive(&mut watching.world, &change).result.unwrap();
    let reference = receipt.reference.unwrap();
    assert!(reference.starts_with(names::DISTRIBUTION), "{reference}");
    watching.poll(20);
    assert!(matches!(
        change.standing(&watching.fleet),
        Standing::Underway(_)
    ));
    let synced = |watching: &Watching| watching.world.in_sync(Api::CloudFront, &reference);
    assert_eq!(synced(&watching), Some(false));
    watching.poll(320);
    assert_eq!(change.standing(&watching.fleet), Standing::After);
    assert_eq!(synced(&watching), Some(true));
    assert!(change.inverse().is_err());
}

#[test]
fn the_same_reference_is_done_once_and_refused_for_other_paths() {
    let mut watching = Watching::named("calm");
    watching.poll(10);
    let change = invalidate(&watching.fleet);
    let mut send = |change: &Change| apply::receive(&mut watching.world, change).result;
    assert!(send(&change).is_ok());
    assert!(send(&change).is_ok());
    let other = again(&change, "pilothouse-test", &["/other".to_owned()]);
    assert_eq!(send(&other).unwrap_err().fate, Fate::Refused);
    let many: Vec<String> = (0..15).map(|index| format!("/{index}/*")).collect();
    let many = again(&change, "pilothouse-many", &many);
    let error = send(&many).unwrap_err();
    assert!(error.to_string().contains("wildcard"), "{error}");
    assert_eq!(watching.world.invalidations.len(), 1);
}
