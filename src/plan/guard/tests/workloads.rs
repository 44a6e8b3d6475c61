//! G-OWNER of deployments: what an owner puts back, and what it leaves alone.

use serde_json::{Value, json};

use super::{EU, GuardId, Verdict, judged, plan, world};
use crate::resources::{
    Change, Rows, Source,
    deployments::{self, At, Version},
    fixtures::{self as f, answer, label, place},
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
