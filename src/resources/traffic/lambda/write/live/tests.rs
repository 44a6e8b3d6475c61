//! Is only the share sent, under the right token?

use serde_json::{Value, json};

use super::*;
use crate::{
    provider::{
        ask::Ask,
        canned::{self, Log, Reply},
    },
    resources::{ErrorClass, Estate, Place, change::Fate},
};

const SHIFT: Shift<'_> = Shift {
    function: "checkout",
    alias: "live",
    stable: "7",
    canary: "8",
    from: 0.1,
    to: 0.25,
    revision_id: None,
};

async fn applied(shift: Shift<'_>, update: Reply) -> (Result<Receipt, ApplyError>, Log) {
    let (estate, token) = (Estate::default(), canned::token());
    let (config, log) = canned::logged(move |asked| {
        if asked.method == "PUT" {
            return update.clone();
        }
        let routing = json!({"AdditionalVersionWeights": {"8": 0.1}});
        let alias = json!({"Name": "live", "FunctionVersion": "7", "RoutingConfig": routing, "RevisionId": "now", "Description": "d"});
        canned::json(200, &alias)
    });
    let write = Write::new(Ask::new(&estate, &Place::Global, config), &token);
    let result = apply(&write, shift).await;
    let learnt = write.ask.memory.functions.matters("checkout");
    assert_eq!(
        learnt.is_some(),
        log.lock()
            .unwrap()
            .iter()
            .any(|asked| asked.method == "PUT")
    );
    (result, log)
}

fn done() -> Reply {
    canned::json(200, &json!({"Name": "live"}))
}

fn sent(log: &Log) -> Vec<(String, Value)> {
    let log = log.lock().unwrap();
    log.iter()
        .map(|asked| (format!("{} {}", asked.method, asked.path), asked.json()))
        .collect()
}

const UPDATE: &str = "PUT /2015-03-31/functions/checkout/aliases/live";

#[tokio::test]
async fn with_the_token_of_the_plan_one_call_writes_the_share() {
    let shift = Shift {
        revision_id: Some("planned"),
        ..SHIFT
    };
    let (result, log) = applied(shift, done()).await;
    assert!(result.is_ok(), "{result:?}");
    let body = json!({"RoutingConfig": {"AdditionalVersionWeights": {"8": 0.25}}, "RevisionId": "planned"});
    assert_eq!(sent(&log), [(UPDATE.to_owned(), body)]);
}

#[tokio::test]
async fn without_a_token_the_alias_is_compared_and_its_own_token_used() {
    let gone = Shift { to: 0.0, ..SHIFT };
    let (result, log) = applied(gone, done()).await;
    assert!(result.is_ok(), "{result:?}");
    let sent = sent(&log);
    assert_eq!(sent[0].0, UPDATE.replace("PUT", "GET"));
    let body = json!({"RoutingConfig": {"AdditionalVersionWeights": {}}, "RevisionId": "now"});
    assert_eq!(
        sent[1..],
        [(UPDATE.to_owned(), body)],
        "an empty map takes the split away"
    );
}

#[tokio::test]
async fn another_share_or_a_share_that_cannot_be_is_left_alone() {
    let other = Shift { from: 0.5, ..SHIFT };
    let (result, log) = applied(other, done()).await;
    let error = result.unwrap_err();
    assert_eq!(
        (error.fate, error.error.class),
        (Fate::NotSent, ErrorClass::Conflict)
    );
    assert_eq!(log.lock().unwrap().len(), 1);
    let (result, log) = applied(Shift { to: 2.0, ..SHIFT }, done()).await;
    assert_eq!(result.unwrap_err().error.class, ErrorClass::Terminal);
    assert!(log.lock().unwrap().is_empty());
}

#[tokio::test]
async fn an_old_token_is_a_conflict() {
    let error = json!({"__type": "PreconditionFailedException", "Message": "The Revision Id provided does not match"});
    let shift = Shift {
        revision_id: Some("old"),
        ..SHIFT
    };
    let (result, _) = applied(shift, canned::json(412, &error)).await;
    let error = result.unwrap_err();
    assert_eq!(
        (error.fate, error.error.class),
        (Fate::Refused, ErrorClass::Conflict)
    );
}
