//! Answers that come together leave behind what they leave one by one, and nothing that follows from them is old.

use super::*;
use crate::resources::{
    Kind,
    regions::rollup::Rollup,
    releases,
    shown::{self, Order, Sort},
    traffic::share::Shares,
};

/// Without the times of answers: one that says the same again is counted with the next step.
fn timeless(rollup: &Rollup) -> Rollup {
    let mut rollup = rollup.clone();
    (rollup.reach.last_answer, rollup.reach.oldest_answer) = (None, None);
    rollup
}

fn compare(one: &Fleet, all: &Fleet, when: &str) {
    assert_eq!(one.shares, all.shares, "{when}");
    assert_eq!(all.shares, Shares::of(all), "{when}");
    assert_eq!(one.versions, all.versions, "{when}");
    let board = all.releases.rows().map(|(_, _, release)| release.clone());
    assert_eq!(board.collect::<Vec<_>>(), releases::all(all), "{when}");
    for spec in &all.estate.regions {
        let label = &spec.label;
        let anew = timeless(&Rollup::of(all, label));
        assert_eq!(timeless(&one.rollup(label)), anew, "{when}");
        assert_eq!(timeless(&all.rollup(label)), anew, "{when}");
        let drained = |fleet: &Fleet| fleet.drained(label).map(|drained| drained.since);
        assert_eq!(drained(one), drained(all), "{when}");
    }
}

#[test]
fn answers_that_come_together_leave_what_they_leave_one_by_one() {
    for scenario in [
        "region-down",
        "bad-route-canary",
        "late-release",
        "partition",
        "mesh-region",
    ] {
        let mut one = Watching::named(scenario);
        let mut all = Watching::named(scenario);
        for second in (0..=480).step_by(60) {
            one.fleet.advance(time(second));
            all.fleet.advance(time(second));
            one.poll(second);
            all.poll_together(second);
            compare(&one.fleet, &all.fleet, &format!("{scenario} {second} s"));
        }
    }
}

#[test]
fn rows_that_were_looked_at_before_stand_where_they_would_anew() {
    let sort = |column, descending| Some(Sort { column, descending });
    let views = [
        (None, ""),
        (None, "us !region:east-2"),
        (None, "freshness:fresh !state:ok"),
        (sort(1, false), "e"),
        (sort(2, true), ""),
    ];
    for scenario in ["region-down", "database-failure", "bad-route-canary"] {
        let mut watching = Watching::named(scenario);
        let mut kept = vec![Order::default(); Kind::ALL.len() * views.len()];
        for second in (0..=240).step_by(20) {
            watching.fleet.advance(time(second));
            for source in Source::ALL {
                watching.ask(second, &[*source], true);
                let all = Kind::ALL
                    .iter()
                    .flat_map(|kind| views.map(|view| (*kind, view)));
                for ((kind, (sort, filter)), kept) in all.zip(&mut kept) {
                    let fleet = &watching.fleet;
                    kept.renew(fleet, kind, sort, filter);
                    assert_eq!(
                        **kept,
                        shown::order(fleet, kind, sort, filter),
                        "{scenario} {second} s, {kind:?} by {filter:?} after {source:?}"
                    );
                }
            }
        }
    }
}
