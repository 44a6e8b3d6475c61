//! G-LOCK, G-FREEZE, G-CP, G-ORPHAN.

use std::time::Duration;

use super::*;
use crate::{
    plan::entry::{Ending, Entry, What},
    resources::{
        ErrorClass, clusters, databases::FailoverState, estate::Freeze, fixtures::failure,
    },
};

#[test]
fn nobody_else_is_at_work() {
    let mut fleet = world();
    let planned = plan(&fleet, vec![switchover(EU)], &[]);
    says(
        &judged(&fleet, &planned, GuardId::Lock),
        Verdict::Pass,
        "nobody else",
    );
    database(&mut fleet, EU, |cluster| {
        cluster.global.as_mut().unwrap().failover = Some(FailoverState {
            status: "failing-over".into(),
            from: None,
            to: None,
            data_loss_allowed: None,
        });
    });
    says(
        &judged(&fleet, &planned, GuardId::Lock),
        Verdict::Fail,
        "failing-over",
    );

    let dials = plan(&fleet, vec![dial(EU, 100.0, 50.0)], &[]);
    let mut busy = group(EU, 100.0);
    let put = |fleet: &mut Fleet, row: Split| {
        let rows = Rows::Traffic(vec![row]);
        answer(fleet, Source::Accelerators, &Place::Global, 1, rows);
    };
    for (status, verdict) in [
        (Some("IN_PROGRESS"), Verdict::Fail),
        (None, Verdict::Unknown),
        (Some("DEPLOYED"), Verdict::Pass),
    ] {
        if let Mechanism::Dial(group) = &mut busy.by {
            group.accelerator_status = status.map(str::to_owned);
        }
        put(&mut fleet, busy.clone());
        assert_eq!(judged(&fleet, &dials, GuardId::Lock).verdict, verdict);
    }

    let eks = row(
        json!({"eks": {"name": "c", "status": "UPDATING", "health_issues": [], "api_server": {"name": "c"}}}),
    );
    answer(
        &mut fleet,
        Source::Clusters,
        &place(EU),
        1,
        Rows::Clusters(vec![eks]),
    );
    let bounds = |min| clusters::Bounds { min, max: 9 };
    let scale = Change::Clusters(clusters::Change::Scale {
        region: label(EU),
        cluster: "c".into(),
        node_group: "n".into(),
        from: bounds(1),
        to: bounds(2),
    });
    let scale = plan(&fleet, vec![scale], &[]);
    says(
        &judged(&fleet, &scale, GuardId::Lock),
        Verdict::Fail,
        "UPDATING",
    );
}

fn confirmed(plan: &Plan, id: &str) -> Entry {
    Entry {
        at: now(),
        run: Some(id.into()),
        step: None,
        what: What::Confirmed {
            plan: Box::new(plan.clone()),
            hash: plan.hash(),
            guards: Vec::new(),
            overrides: Default::default(),
            typed: String::new(),
            reason: String::new(),
        },
    }
}

fn ended(id: &str) -> Entry {
    Entry {
        at: now(),
        run: Some(id.into()),
        step: None,
        what: What::Ended {
            ending: Ending::Done,
            text: String::new(),
        },
    }
}

#[test]
fn a_run_that_has_not_ended_holds_its_targets() {
    let fleet = world();
    let drained = drain(&fleet);
    let mut other = drained.clone();
    other.made_at = ago(600);
    let same = Ledger::of(vec![confirmed(&other, "r1")]);
    says(
        &with(&fleet, &drained, &same, GuardId::Lock),
        Verdict::Warn,
        "run r1 (a plan) has not ended",
    );
    other.intent.options.minutes = Some(7);
    let ledger = Ledger::of(vec![confirmed(&other, "r1")]);
    says(
        &with(&fleet, &drained, &ledger, GuardId::Lock),
        Verdict::Fail,
        "run r1 (a plan) has not ended",
    );
    // Other targets are free.
    let elsewhere = plan(&fleet, vec![switchover(EU)], &[]);
    assert_eq!(
        with(&fleet, &elsewhere, &ledger, GuardId::Lock).verdict,
        Verdict::Pass
    );
    let over = Ledger::of(vec![confirmed(&other, "r1"), ended("r1")]);
    assert_eq!(
        with(&fleet, &drained, &over, GuardId::Lock).verdict,
        Verdict::Pass
    );
}

#[test]
fn what_earlier_plans_left_is_told() {
    let fleet = world();
    let mut earlier = drain(&fleet);
    earlier.until = Some(ago(60));
    earlier.marks.push(Mark::Orphan {
        what: "alarms of ap-southeast-1 are muted".into(),
    });
    let ledger = Ledger::of(vec![confirmed(&earlier, "r1"), ended("r1")]);
    let planned = plan(&fleet, vec![switchover(EU)], &[]);
    let guard = with(&fleet, &planned, &ledger, GuardId::Orphan);
    says(&guard, Verdict::Warn, "are muted");
    says(&guard, Verdict::Warn, "ap-southeast-1 is drained");
    says(
        &judged(&fleet, &planned, GuardId::Orphan),
        Verdict::Pass,
        "nothing",
    );
}

#[test]
fn a_freeze_blocks_all_but_an_emergency() {
    let mut estate = estate(&REGIONS);
    let freeze = |from, until| Freeze {
        from,
        until,
        reason: "year end".into(),
    };
    estate.freezes = vec![freeze(ago(60), now() + Duration::from_secs(60))];
    let mut fleet = world_of(estate);
    let mut plan = drain(&fleet);
    says(
        &judged(&fleet, &plan, GuardId::Freeze),
        Verdict::Fail,
        "year end",
    );
    plan.intent.options.now = true;
    says(
        &judged(&fleet, &plan, GuardId::Freeze),
        Verdict::Warn,
        "year end",
    );
    plan.intent.options.now = false;
    fleet.now = now() + Duration::from_secs(60);
    says(
        &judged(&fleet, &plan, GuardId::Freeze),
        Verdict::Pass,
        "none is in force",
    );
}

#[test]
fn the_control_plane_that_is_needed_works() {
    let mut fleet = world();
    let plan = drain(&fleet);
    says(
        &judged(&fleet, &plan, GuardId::ControlPlane),
        Verdict::Pass,
        "Route 53 answered",
    );
    // Its home is lost: the traffic dial lives elsewhere.
    lose(&mut fleet, US);
    let guard = judged(&fleet, &plan, GuardId::ControlPlane);
    says(&guard, Verdict::Fail, "lives in us-east-1");
    assert_eq!(guard.remedy, "use the traffic dial instead");
    answer(
        &mut fleet,
        Source::Accelerators,
        &Place::Global,
        1,
        Rows::Traffic(Vec::new()),
    );
    says(
        &judged(&fleet, &plan, GuardId::ControlPlane),
        Verdict::Warn,
        "lives in us-east-1",
    );

    let mut fleet = world();
    failure(
        &mut fleet,
        Source::Records,
        &Place::Global,
        ErrorClass::Denied,
    );
    says(
        &judged(&fleet, &plan, GuardId::ControlPlane),
        Verdict::Fail,
        "denies us",
    );
    let unread = Fleet::new(Arc::new(estate(&REGIONS)), now());
    says(
        &judged(&unread, &plan, GuardId::ControlPlane),
        Verdict::Unknown,
        "not known",
    );
}
