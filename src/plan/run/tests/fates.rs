//! What becomes of a change whose answer is bad, late, lost or a lie.

use super::*;

#[test]
fn an_accepted_change_that_never_happens_is_not_taken() {
    let mut stage = Stage::new(vec![scale("a", 2, 4)]);
    stage.serve(is_apply).unwrap();
    stage.tell(Happening::Applied(0, Ok(Receipt::default())));
    stage.play(70);
    assert_eq!(stage.run.progress[0].outcome, Some(Outcome::NotTaken));
    assert!(stage.why().starts_with("NOT TAKEN"));
}

#[test]
fn a_lost_answer_is_unknown_until_a_read_shows_the_effect() {
    for (happened, outcome) in [(true, Outcome::Verified), (false, Outcome::Unknown)] {
        let mut stage = Stage::new(vec![scale("a", 2, 4)]);
        let Some(Next::Apply(_, change, _)) = stage.serve(is_apply) else {
            panic!()
        };
        if happened {
            stage.effect(&change);
        }
        stage.tell(Happening::Applied(
            0,
            Err(refused(Fate::InDoubt, ErrorClass::Timeout)),
        ));
        stage.play(70);
        assert_eq!(stage.run.progress[0].outcome, Some(outcome));
    }
}

#[test]
fn an_answer_that_never_comes_is_in_doubt() {
    let mut stage = Stage::new(vec![scale("a", 2, 4)]);
    let Some(Next::Apply(_, change, _)) = stage.serve(is_apply) else {
        panic!()
    };
    stage.pass(61);
    assert!(matches!(
        stage.run.phase,
        Phase::Verifying { in_doubt: true, .. }
    ));
    stage.effect(&change);
    stage.play(10);
    assert_eq!(stage.ending(), Some(Ending::Done));
}

#[test]
fn a_late_answer_changes_nothing() {
    let mut stage = Stage::new(vec![scale("a", 2, 4)]);
    stage.serve(is_apply).unwrap();
    stage.pass(61);
    stage.play(70);
    let before = stage.run.clone();
    for happening in [
        Happening::Applied(0, Ok(Receipt::default())),
        Happening::Journaled(
            Some(0),
            Ok(Written {
                sequence: 1,
                hash: String::new(),
            }),
        ),
        Happening::Read(1, Ok(Some(true))),
        Happening::Locked(Err("late".into())),
    ] {
        stage.tell(happening);
        assert_eq!(stage.run, before);
    }
    assert_eq!(stage.sent.len(), 1);
}

#[test]
fn a_throttled_change_is_sent_again_after_a_pause_and_a_new_comparison() {
    let mut stage = Stage::new(vec![scale("a", 2, 4)]);
    stage.serve(is_apply).unwrap();
    stage.tell(Happening::Applied(
        0,
        Err(refused(Fate::Refused, ErrorClass::Throttled)),
    ));
    assert!(matches!(stage.run.phase, Phase::Pausing { .. }));
    stage.play(10);
    assert_eq!((stage.sent.len(), stage.ending()), (2, Some(Ending::Done)));
}

#[test]
fn a_denied_change_stops_the_run() {
    let mut stage = Stage::new(vec![scale("a", 2, 4), scale("b", 2, 4)]);
    stage.serve(is_apply).unwrap();
    stage.tell(Happening::Applied(
        0,
        Err(refused(Fate::Refused, ErrorClass::Denied)),
    ));
    stage.play(100);
    assert_eq!(stage.sent.len(), 1);
    assert!(stage.why().contains("said so"));
}
