//! What is held, in whose name and until when, and who may let it go.

use super::super::kit::tests::*;
use crate::{
    plan::{
        Blast, GuardId, Mark, Options, Plan, Verdict,
        guard::{Subject, judge},
        ledger::Ledger,
    },
    resources::{
        Change, Place, RegionLabel, Rows, Source,
        change::Alter,
        pipelines::{self, Gate},
    },
};

const CUE: &str =
    "[[timeline]]\nat = 1\nfault = \"push\"\nservice = \"payments\"\nversion = \"v1.10.0\"\n";
const STAGE: &str = "payments/Deploy-eu-west-1";

fn reason(plan: &Plan) -> String {
    let reason = plan.changes().find_map(|change| match change {
        Change::Pipelines(pipelines::Change::Transition {
            to: Gate::Held { reason },
            ..
        }) => Some(reason.clone()),
        _ => None,
    });
    reason.unwrap()
}

fn none() -> Options {
    Options::default()
}

#[test]
fn a_hold_says_who_which_plan_and_until_when_and_is_not_forgotten() {
    let (fleet, ledger) = (after(CUE, 300), Ledger::default());
    let held = plan(&fleet, &ledger, "hold-pipeline", STAGE, none());
    assert_eq!((held.blast, held.phrase.as_str()), (Blast::L1, ""));
    assert_eq!(
        held.title,
        format!("Hold {STAGE} for 60 min, before eu-west-1")
    );
    let reason = reason(&held);
    let hash: String = held.hash().chars().take(12).collect();
    let until = held
        .until
        .unwrap()
        .strftime("%Y-%m-%d %H.%M UTC")
        .to_string();
    assert_eq!(
        reason,
        format!("pilothouse plan {hash} by on-call.drill until {until}")
    );
    assert_eq!(
        held.marks,
        [Mark::Orphan {
            what: format!("held stage {STAGE}")
        }]
    );
    // Made a little later it is the same plan.
    let later = plan(&after(CUE, 310), &ledger, "hold-pipeline", STAGE, none());
    assert_eq!(later.hash(), held.hash());
}

#[test]
fn what_cannot_be_held_is_said() {
    let (fleet, ledger) = (after(CUE, 300), Ledger::default());
    let refused =
        |target: &str, options| refusal(&fleet, &ledger, "hold-pipeline", target, options);
    assert!(refused("payments", none()).contains("is a pipeline"));
    assert!(refused("payments/Source", none()).contains("is the first stage"));
    assert!(refused("payments/Deploy-mars", none()).contains("is none of the stages"));
    let week = Options {
        minutes: Some(20_000),
        ..none()
    };
    assert!(refused(STAGE, week).contains("20000 minutes"));
    let free = refusal(&fleet, &ledger, "release-pipeline", STAGE, none());
    assert!(free.contains("is not held"), "{free}");
}

#[test]
fn our_own_hold_is_let_go_by_a_key_and_that_of_somebody_else_by_its_name() {
    let fleet = after(CUE, 300);
    let held = plan(&fleet, &Ledger::default(), "hold-pipeline", STAGE, none());
    let mut ledger = Ledger::default();
    done(&mut ledger, "a1", &held);
    let home = Place::Region(RegionLabel::new("us-east-1").unwrap());
    let with = |reason: &str| {
        let mut fleet = fleet.clone();
        let mut rows = fleet
            .pipelines
            .slice(Source::Pipelines, &home)
            .unwrap()
            .rows
            .clone();
        let stage = rows[0]
            .stages
            .iter_mut()
            .find(|stage| stage.name == "Deploy-eu-west-1")
            .unwrap();
        stage.transition.enabled = Some(false);
        stage.transition.reason = Some(reason.to_owned());
        replace(&mut fleet, Source::Pipelines, &home, Rows::Pipelines(rows));
        fleet
    };
    let ours = with(&reason(&held));
    let release = plan(&ours, &ledger, "release-pipeline", STAGE, none());
    assert_eq!(
        (release.blast, release.intent.options.run.as_deref()),
        (Blast::L1, Some("a1"))
    );
    let theirs = with("wait for finance");
    let release = plan(&theirs, &ledger, "release-pipeline", STAGE, none());
    assert_eq!((release.blast, release.phrase.as_str()), (Blast::L2, STAGE));
    assert_eq!(release.intent.options.run, None);
    assert!(
        release
            .remarks
            .iter()
            .any(|remark| remark.contains("wait for finance"))
    );
    let refused = refusal(&theirs, &ledger, "hold-pipeline", STAGE, none());
    assert!(refused.contains("held: wait for finance"), "{refused}");
    // What comes in has not soaked where it is.
    let subject = Subject {
        fleet: &theirs,
        plan: &release,
        ahead: &release.steps,
        ledger: &ledger,
        beside: &[],
    };
    let soak = judge(subject, &[GuardId::Soak]).remove(0);
    assert_eq!(soak.verdict, Verdict::Fail, "{}", soak.evidence);
    assert!(
        soak.evidence.contains("ap-southeast-1"),
        "{}",
        soak.evidence
    );
}

#[test]
fn a_stage_that_deploys_is_another_one_at_work_in_its_region() {
    // Source and build take 130 s, the deployment a minute.
    let fleet = after(CUE, 160);
    let ledger = Ledger::default();
    let lock = |target: &str| {
        let plan = plan(&fleet, &ledger, "drain-region", target, none());
        let subject = Subject {
            fleet: &fleet,
            plan: &plan,
            ahead: &plan.steps,
            ledger: &ledger,
            beside: &[],
        };
        judge(subject, &[GuardId::Lock]).remove(0)
    };
    let blocked = lock("ap-southeast-1");
    assert_eq!(blocked.verdict, Verdict::Fail, "{}", blocked.evidence);
    assert!(
        blocked
            .evidence
            .contains("pipeline payments (us-east-1) deploys here: Deploy-ap-southeast-1"),
        "{}",
        blocked.evidence
    );
    let held = plan(&fleet, &ledger, "hold-pipeline", STAGE, none());
    let subject = Subject {
        fleet: &fleet,
        plan: &held,
        ahead: &held.steps,
        ledger: &ledger,
        beside: &[],
    };
    let own = judge(subject, &[GuardId::Lock]).remove(0);
    assert_eq!(own.verdict, Verdict::Pass, "{}", own.evidence);
    assert_eq!(
        held.changes().next().unwrap().target(),
        "codepipeline/us-east-1/payments/Deploy-eu-west-1"
    );
}
