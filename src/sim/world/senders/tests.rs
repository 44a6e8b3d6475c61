//! Do both controllers do what theirs do in a cluster: wait, go on, give up, go back?

use super::*;
use flagger::Phase;

fn good(service: &'static str, version: &str, at: i64) -> Build {
    Build {
        at,
        ..Build::first(service, version)
    }
}

fn steer(senders: &mut Senders, verb: &Verb, t: i64) {
    let stable = senders.argo.now().stable.hash();
    senders.steer(Tool::ArgoRollouts, verb, &stable, None, t);
}

#[test]
fn a_release_waits_at_its_pause_goes_on_when_promoted_and_ends_as_the_stable_one() {
    let mut senders = Senders::at_rest(true);
    (0..60).for_each(|t| senders.step(t));
    assert!(senders.argo.now().waits());
    assert!((senders.argo.now().weight() - 20.0).abs() < 1e-9);
    steer(&mut senders, &Verb::Promote, 60);
    (61..90).for_each(|t| senders.step(t));
    let argo = senders.argo.now();
    assert!(
        argo.waits() && (argo.weight() - 50.0).abs() < 1e-9,
        "{argo:?}"
    );
    steer(&mut senders, &Verb::Abort, 90);
    assert!(senders.argo.now().weight() <= 0.0);
    steer(&mut senders, &Verb::Retry, 91);
    steer(&mut senders, &Verb::PromoteFull, 92);
    (93..120).for_each(|t| senders.step(t));
    assert_eq!(senders.argo.now().stable.version, "v3.2.0");
    assert!(!senders.argo.now().under_way());
}

#[test]
fn an_undo_of_what_is_on_its_way_is_done_at_once_and_another_version_takes_its_steps() {
    let mut senders = Senders::at_rest(true);
    steer(&mut senders, &Verb::Abort, 10);
    steer(&mut senders, &Verb::Undo, 11);
    let argo = senders.argo.now();
    assert_eq!(
        (argo.under_way(), argo.aborted, argo.completed_at),
        (false, false, 11)
    );
    let argo = argo.given(good(ROLLED, "v3.3.0", 12), 12);
    assert_eq!((argo.step, argo.current.version.as_str()), (0, "v3.3.0"));
    assert_eq!(argo.past.len(), 3);
}

#[test]
fn a_canary_is_promoted_after_its_analysis_and_given_up_when_its_checks_fail() {
    let mut flagger = flagger::Flagger::at_rest();
    let live = |mut flagger: flagger::Flagger, seconds: std::ops::Range<i64>| {
        for t in seconds {
            flagger = flagger.after(t).unwrap_or(flagger);
        }
        flagger
    };
    flagger = flagger.given(good(FLAGGED, "v1.5.0", 5), 5);
    assert_eq!(flagger.phase, Phase::Succeeded, "it has not looked yet");
    flagger = live(flagger, 6..120);
    assert_eq!((flagger.phase, flagger.weight), (Phase::Progressing, 20));
    let held = flagger.steered(&Verb::Pause);
    assert_eq!(live(held.clone(), 120..400).weight, 20);
    flagger = live(held.steered(&Verb::Resume), 400..700);
    assert_eq!((flagger.phase, flagger.weight), (Phase::Succeeded, 0));
    assert_eq!(flagger.primary.version, "v1.5.0");
    let bad = Build {
        outcome: Outcome::Late,
        ..good(FLAGGED, "v1.6.0", 700)
    };
    flagger = live(flagger.given(bad, 700), 700..1_000);
    assert_eq!((flagger.phase, flagger.weight), (Phase::Failed, 0));
    assert_eq!(flagger.primary.version, "v1.5.0");
}
