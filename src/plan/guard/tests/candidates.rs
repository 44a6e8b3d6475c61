//! G-LAG towards a worse candidate, G-SPLIT towards one that is being rebuilt, G-BLAST towards a second region.

use super::*;
use crate::plan::entry::{Ending, Entry, What};

fn lag(fleet: &mut Fleet, region: &str, milliseconds: f64) {
    measured(
        fleet,
        region,
        &[
            ("database/db/replication-lag", milliseconds),
            ("database/db/rpo-lag", milliseconds),
        ],
    );
}

#[test]
fn a_worse_candidate_is_named_with_the_better_one() {
    let mut fleet = world();
    lag(&mut fleet, EU, 40.0);
    lag(&mut fleet, AP, 20_000.0);
    lose(&mut fleet, US);
    let to = |fleet: &Fleet, region| {
        let plan = plan(fleet, vec![failover(region)], &[]);
        judged(fleet, &plan, GuardId::Lag)
    };
    says(
        &to(&fleet, AP),
        Verdict::Fail,
        "eu-west-1/db is only 40ms behind",
    );
    assert_eq!(to(&fleet, EU).verdict, Verdict::Warn);
    // A little more is no reason.
    lag(&mut fleet, AP, 300.0);
    assert_eq!(to(&fleet, AP).verdict, Verdict::Warn);
    measured(&mut fleet, AP, &[("database/db/replication-lag", 35.0)]);
    metrics(&mut fleet, &place(AP), 1, Vec::new());
    says(
        &to(&fleet, AP),
        Verdict::Fail,
        "the lag of ap-southeast-1 is not known",
    );
    assert_eq!(GuardId::Lag.power(), super::super::Power::Overridable);
}

#[test]
fn a_member_that_is_being_rebuilt_is_never_taken() {
    let mut fleet = world();
    lose(&mut fleet, US);
    database(&mut fleet, AP, |cluster| {
        for member in &mut cluster.global.as_mut().unwrap().members {
            member.synchronization = Some("pending-resync".into());
        }
    });
    let plan = plan(&fleet, vec![failover(AP)], &[]);
    let guard = judged(&fleet, &plan, GuardId::Split);
    says(&guard, Verdict::Fail, "lost silently");
    assert_eq!(GuardId::Split.power(), super::super::Power::Absolute);
}

fn entry(id: &str, what: What) -> Entry {
    Entry {
        at: now(),
        run: Some(id.into()),
        step: None,
        what,
    }
}

/// A drain of a region by another run.
fn drained(fleet: &Fleet, region: &str, over: bool) -> Ledger {
    let mut other = plan(fleet, Vec::new(), &[region]);
    other.made_at = ago(900);
    let confirmed = What::Confirmed {
        hash: other.hash(),
        plan: Box::new(other),
        guards: Vec::new(),
        overrides: Default::default(),
        typed: String::new(),
        reason: String::new(),
    };
    let mut entries = vec![entry("r1", confirmed)];
    entries.extend(over.then(|| {
        entry(
            "r1",
            What::Ended {
                ending: Ending::Done,
                text: String::new(),
            },
        )
    }));
    Ledger::of(entries)
}

#[test]
fn a_second_region_is_drained_only_while_the_others_serve_within_their_capacity() {
    let mut fleet = world();
    records(&mut fleet, &[46, 0, 23]);
    let mut second = drain(&fleet);
    let ledger = drained(&fleet, EU, true);
    for forecast in &mut second.forecast {
        (forecast.rps_after, forecast.rps_worst) = (Some(600.0), Some(600.0));
    }
    let guard = with(&fleet, &second, &ledger, GuardId::Blast);
    says(&guard, Verdict::Warn, "eu-west-1 is drained as well");
    for forecast in &mut second.forecast {
        (forecast.rps_after, forecast.rps_worst) = (Some(1_200.0), Some(1_200.0));
    }
    let guard = with(&fleet, &second, &ledger, GuardId::Blast);
    says(&guard, Verdict::Fail, "us-east-1 120 % > 85 %");
    assert_eq!(GuardId::Blast.power(), super::super::Power::Absolute);
    // What was restored by hand is no drain any more.
    records(&mut fleet, &[46, 31, 23]);
    assert_eq!(
        with(&fleet, &second, &ledger, GuardId::Blast).verdict,
        Verdict::Pass
    );
}

#[test]
fn beside_a_drain_under_way_there_is_no_second_one() {
    let fleet = world();
    let second = drain(&fleet);
    let ledger = drained(&fleet, EU, false);
    says(
        &with(&fleet, &second, &ledger, GuardId::Blast),
        Verdict::Fail,
        "eu-west-1 is being drained too: run r1",
    );
    let same = drained(&fleet, AP, false);
    assert_eq!(
        with(&fleet, &second, &same, GuardId::Blast).verdict,
        Verdict::Pass
    );
}

#[test]
fn nothing_that_is_too_old_passes() {
    let mut fleet = world();
    let forced = plan(&fleet, vec![switchover(EU)], &[]);
    let drained = drain(&fleet);
    fleet.now += std::time::Duration::from_secs(600);
    for id in [
        GuardId::Health,
        GuardId::Version,
        GuardId::Lag,
        GuardId::Lock,
    ] {
        let guard = judged(&fleet, &forced, id);
        assert_eq!(guard.verdict, Verdict::Unknown, "{guard:?}");
    }
    for id in [
        GuardId::Writer,
        GuardId::Owner,
        GuardId::Lock,
        GuardId::Capacity,
        GuardId::Ttl,
    ] {
        let guard = judged(&fleet, &drained, id);
        assert_eq!(guard.verdict, Verdict::Unknown, "{guard:?}");
    }
}

#[test]
fn silence_everywhere_makes_no_region_dead() {
    let mut fleet = world();
    let forced = plan(&fleet, vec![failover(EU)], &[]);
    lose(&mut fleet, US);
    says(
        &judged(&fleet, &forced, GuardId::Split),
        Verdict::Pass,
        "does not answer",
    );
    fleet.now += std::time::Duration::from_secs(600);
    for id in [GuardId::Split, GuardId::Quorum] {
        says(&judged(&fleet, &forced, id), Verdict::Unknown, "network");
    }
}
