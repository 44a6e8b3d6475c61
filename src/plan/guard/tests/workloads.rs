//! G-OWNER of deployments: what an owner puts back, and what it leaves alone. G-ADMIT: what the API server said in advance.

use serde_json::{Value, json};

use super::{EU, GuardId, Verdict, judged, plan, world};
use crate::resources::{
    Change, ErrorClass, ProviderError, Rows, Source,
    change::{ApplyError, Fate},
    deployments::{self, At, Version},
    fixtures::{self as f, answer, label, place},
    rehearsal::Rehearsal,
};

fn version(number: u64, set: &str) -> Version {
    Version {
        number,
        replica_set: set.to_owned(),
        image: format!("shop/checkout:v{number}"),
    }
}

fn changes() -> [deployments::Change; 2] {
    let at = At {
        region: label(EU),
        cluster: "prod".to_owned(),
        namespace: "shop".to_owned(),
        name: "checkout".to_owned(),
    };
    let back = deployments::Change::Revise {
        at: at.clone(),
        from: version(4, "checkout-b"),
        to: version(3, "checkout-a"),
    };
    let pause = deployments::Change::Pause {
        at,
        from: false,
        to: true,
    };
    [back, pause]
}

/// What G-OWNER says of going back and of a pause.
fn of_owner(owner: &Value) -> [Verdict; 2] {
    let mut fleet = world();
    let row = f::deployment(&json!({"owner": owner, "heard_at": f::ago(5)}));
    answer(
        &mut fleet,
        Source::Deployments,
        &place(EU),
        5,
        Rows::Deployments(vec![row]),
    );
    changes().map(|change| {
        let plan = plan(&fleet, vec![Change::Deployments(change)], &[]);
        judged(&fleet, &plan, GuardId::Owner).verdict
    })
}

#[test]
fn an_owner_that_reverts_forbids_what_it_would_put_back() {
    use Verdict::{Fail, Pass, Warn};
    let owner = |by: &str, reverts: bool| json!({"by": by, "name": "shop", "reverts": reverts});
    assert_eq!(of_owner(&Value::Null), [Pass, Pass]);
    assert_eq!(of_owner(&owner("Argo CD", true)), [Fail, Pass]);
    assert_eq!(of_owner(&owner("Flux", true)), [Fail, Pass]);
    assert_eq!(of_owner(&owner("Canary", true)), [Fail, Fail]);
    assert_eq!(of_owner(&owner("Helm", false)), [Warn, Pass]);
}

#[test]
fn a_no_of_the_api_server_blocks_and_a_budget_that_is_used_up_only_warns() {
    let rehearsed = |said: &[Option<Rehearsal>]| {
        let mut fleet = world();
        for (change, said) in changes().into_iter().zip(said) {
            if let Some(said) = said {
                let now = fleet.now;
                let change = Change::Deployments(change);
                fleet.rehearsals.note(&change, said.clone(), now);
            }
        }
        let both = changes().map(Change::Deployments).to_vec();
        let plan = plan(&fleet, both, &[]);
        judged(&fleet, &plan, GuardId::Admission)
    };
    let failed = |class, text: &str| {
        let error = ProviderError::new(class, "kubernetes:PatchDeployments", text);
        Rehearsal::of(Err(ApplyError {
            fate: Fate::Refused,
            error,
        }))
    };
    let both = rehearsed(&[Some(Rehearsal::Accepted), Some(Rehearsal::Accepted)]);
    assert_eq!(
        (both.verdict, both.evidence.as_str()),
        (Verdict::Pass, "the API server takes 2 changes (dry run)")
    );
    let denied = failed(ErrorClass::Denied, "ana cannot patch deployments");
    let refused = rehearsed(&[Some(denied), None]);
    assert_eq!(refused.verdict, Verdict::Fail);
    assert!(
        refused.evidence.starts_with("refused in a dry run: ")
            && refused
                .evidence
                .contains(": ana cannot patch deployments; 1 change not asked about yet"),
        "{}",
        refused.evidence
    );
    let full = failed(
        ErrorClass::Throttled,
        "Cannot evict pod as it would violate the pod's disruption budget.",
    );
    let later = rehearsed(&[Some(full), None]);
    assert_eq!(later.verdict, Verdict::Warn);
    assert!(
        later
            .evidence
            .starts_with("no disruption budget to spare now: "),
        "{}",
        later.evidence
    );
    let silent = rehearsed(&[Some(failed(ErrorClass::Timeout, "no answer in 8 s"))]);
    assert_eq!(silent.verdict, Verdict::Warn);
    assert!(
        silent
            .evidence
            .contains("a dry run got no answer, timeout (no answer in 8 s)"),
        "{}",
        silent.evidence
    );
}
