//! Which execution a stage goes back to, and when it goes back to none.

use super::super::kit::tests::*;
use crate::{
    plan::{Blast, Options, ledger::Ledger},
    resources::{
        Change, Fleet, Place, RegionLabel, Rows, Source,
        change::Class,
        pipelines::{self, Pipeline, ROLLBACK, Ran},
    },
};

const STAGE: &str = "payments/Deploy-ap-southeast-1";

fn home() -> Place {
    Place::Region(RegionLabel::new("us-east-1").unwrap())
}

fn payments(fleet: &Fleet) -> Pipeline {
    fleet
        .pipelines
        .slice(Source::Pipelines, &home())
        .unwrap()
        .rows[0]
        .clone()
}

fn with(fleet: &Fleet, edit: impl FnOnce(&mut Pipeline)) -> Fleet {
    let mut fleet = fleet.clone();
    let mut row = payments(&fleet);
    edit(&mut row);
    replace(
        &mut fleet,
        Source::Pipelines,
        &home(),
        Rows::Pipelines(vec![row]),
    );
    fleet
}

fn goes(fleet: &Fleet, options: Options) -> (String, String) {
    let plan = plan(fleet, &Ledger::default(), "roll-back-stage", STAGE, options);
    assert_eq!(
        (plan.blast, plan.phrase.as_str(), plan.class()),
        (Blast::L2, STAGE, Class::R)
    );
    match plan.changes().next().unwrap() {
        Change::Pipelines(pipelines::Change::RollBack { from, to, .. }) => {
            (from.clone(), to.clone())
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_stage_goes_back_to_what_it_had_before_and_not_to_what_it_has() {
    let fleet = calm();
    let row = payments(&fleet);
    let [new, old] = [0, 1].map(|index| row.executions[index].id.clone());
    assert_eq!(goes(&fleet, Options::default()), (new.clone(), old.clone()));
    // What failed is none to go back to: the stage had the newest before it.
    let failed = with(&fleet, |row| {
        let stage = row
            .stages
            .iter_mut()
            .find(|stage| stage.name == "Deploy-ap-southeast-1")
            .unwrap();
        stage.latest = Some(Ran {
            execution: "broken".to_owned(),
            status: "Failed".to_owned(),
            execution_type: None,
        });
    });
    assert_eq!(
        goes(&failed, Options::default()),
        ("broken".to_owned(), new.clone())
    );
    // After a rollback to the old one nothing older is known, and forward it goes only by name.
    let back = with(&fleet, |row| {
        let mut rollback = row.executions[0].clone();
        rollback.id = "back".to_owned();
        rollback.execution_type = Some(ROLLBACK.to_owned());
        rollback.rolls_back_to = Some(old.clone());
        row.executions.insert(0, rollback);
        let stage = row
            .stages
            .iter_mut()
            .find(|stage| stage.name == "Deploy-ap-southeast-1")
            .unwrap();
        stage.latest = Some(Ran {
            execution: "back".to_owned(),
            status: "Succeeded".to_owned(),
            execution_type: Some(ROLLBACK.to_owned()),
        });
    });
    let refused = refusal(
        &back,
        &Ledger::default(),
        "roll-back-stage",
        STAGE,
        Options::default(),
    );
    assert!(
        refused.contains("carried out nothing well before"),
        "{refused}"
    );
    let to = Options {
        to: Some(new.clone()),
        ..Options::default()
    };
    assert_eq!(goes(&back, to), ("back".to_owned(), new));
}

#[test]
fn what_runs_what_is_v1_and_what_was_not_read_is_not_taken_back() {
    let fleet = calm();
    let refused = |fleet: &Fleet, target: &str| {
        refusal(
            fleet,
            &Ledger::default(),
            "roll-back-stage",
            target,
            Options::default(),
        )
    };
    assert!(refused(&fleet, "quote/Deploy-eu-west-1").contains("V1 pipeline"));
    assert!(refused(&fleet, "payments/Source").contains("first stage"));
    let runs = with(&fleet, |row| {
        let stage = row
            .stages
            .iter_mut()
            .find(|stage| stage.name == "Deploy-ap-southeast-1")
            .unwrap();
        stage.latest.as_mut().unwrap().status = "InProgress".to_owned();
    });
    assert!(refused(&runs, STAGE).contains("takes back no stage that runs"));
    let unread = with(&fleet, |row| {
        row.stages
            .iter_mut()
            .for_each(|stage| stage.succeeded = None);
    });
    assert!(refused(&unread, STAGE).contains("was not read yet"));
}
