//! Does an account with many functions come through, a part of it per poll, and is the missing part named?

use std::{sync::Arc, time::Duration};

use serde_json::json;

use super::*;
use crate::{
    provider::{ask::Tally, budget::Budget, canned, live::POLL_DEADLINE, memory::Memory},
    resources::{Answer, Estate, Place, Rows, estate::Access},
};

/// So many functions on one page; the last one has a weighted alias.
fn lambda(functions: usize, asked: &canned::Asked) -> canned::Reply {
    let last = format!("f{:03}", functions - 1);
    let path = asked.path.split('?').next().unwrap_or_default();
    if path.trim_end_matches('/').ends_with("/functions") {
        let function = |index| json!({"FunctionName": format!("f{index:03}")});
        let all: Vec<_> = (0..functions).map(function).collect();
        return canned::json(200, &json!({ "Functions": all }));
    }
    let routing = if path.contains(&last) {
        json!({"AdditionalVersionWeights": {"2": 0.25}})
    } else {
        json!({})
    };
    let alias = json!({"Name": "live", "FunctionVersion": "1", "RoutingConfig": routing});
    canned::json(200, &json!({"Aliases": [alias]}))
}

async fn poll(functions: usize, memory: &Arc<Memory>) -> Answer {
    let (estate, place) = (Estate::default(), Place::Global);
    let config = canned::config(move |asked| lambda(functions, &asked));
    let budget = Budget::new(Arc::default(), Access::default(), String::new());
    let tally = Arc::new(Tally::default());
    let ask = Ask::new(&estate, &place, config)
        .within(budget, tally)
        .remembering(Arc::clone(memory));
    let started = Instant::now();
    let rows = observe(&ask).await.unwrap();
    assert!(started.elapsed() < POLL_DEADLINE, "{:?}", started.elapsed());
    ask.answer(Rows::Traffic(rows))
}

fn shares(answer: &Answer) -> Vec<(&str, f64)> {
    let Rows::Traffic(rows) = &answer.rows else {
        return Vec::new();
    };
    let share = |row: &'_ Split| match &row.by {
        Mechanism::Alias(alias) => alias.weight,
        other => panic!("an alias, not {other:?}"),
    };
    rows.iter()
        .map(|row| (row.member.as_str(), share(row)))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_big_account_is_read_in_parts_and_every_answer_says_what_is_missing() {
    let memory = Arc::default();
    let first = poll(200, &memory).await;
    assert_eq!(shares(&first), [], "the last function was not reached");
    let message = &first.problems[0].message;
    assert!(
        message.contains("of 200 functions, not looked at so far"),
        "{message}"
    );
    let second = poll(200, &memory).await;
    assert_eq!(shares(&second), [("1", 0.75), ("2", 0.25)]);
    assert_eq!(second.problems, []);
    let third = poll(200, &memory).await;
    assert_eq!(shares(&third), shares(&second));
    assert_eq!(
        third.calls.get(&Api::Lambda),
        Some(&2),
        "the list and the one that splits"
    );
}

#[tokio::test(start_paused = true)]
async fn a_function_without_a_split_is_looked_at_again_after_ten_minutes() {
    let memory = Arc::default();
    let calls = async || poll(3, &memory).await.calls.get(&Api::Lambda).copied();
    assert_eq!(calls().await, Some(4));
    assert_eq!(calls().await, Some(2));
    tokio::time::advance(Duration::from_secs(601)).await;
    assert_eq!(calls().await, Some(4));
}
