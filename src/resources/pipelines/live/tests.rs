//! Is a big account read in turn within its share of the budget, what moves first, and does what was read stay?

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};

use super::{
    super::{Pipeline, kept::live::MOST_STATES},
    *,
};
use crate::{
    provider::{ask::Tally, budget::Budget, canned, live::POLL_DEADLINE, memory::Memory},
    resources::{Api, Estate, Place, Source, Wanted, estate::Access},
};

fn name(index: usize) -> String {
    format!("p{index:03}")
}

/// So many pipelines; one of them runs.
fn codepipeline(count: usize, running: usize, asked: &canned::Asked) -> canned::Reply {
    let target = asked.header("x-amz-target");
    let operation = target.rsplit('.').next().unwrap_or_default();
    let body = asked.json();
    let of = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
    let status = |name: &str| {
        if name == self::name(running) {
            "InProgress"
        } else {
            "Succeeded"
        }
    };
    let answer = match operation {
        "ListPipelines" => {
            let summary = |index| json!({"name": name(index), "version": 1, "pipelineType": "V1", "executionMode": "SUPERSEDED"});
            json!({"pipelines": (0..count).map(summary).collect::<Vec<Value>>()})
        }
        "GetPipelineState" => {
            let name = of("name");
            json!({"pipelineName": name, "pipelineVersion": 1, "stageStates": [{
                "stageName": "Deploy", "inboundTransitionState": {"enabled": true},
                "latestExecution": {"pipelineExecutionId": format!("e-{name}"), "status": status(&name)},
                "actionStates": [{"actionName": "Go", "latestExecution": {"status": status(&name), "token": "very-secret", "lastStatusChange": 1}}],
            }]})
        }
        "GetPipeline" => {
            let action = json!({
                "name": "Go", "region": "eu-west-1", "configuration": {"ClusterName": "prod", "Password": "very-secret"},
                "actionTypeId": {"category": "Deploy", "owner": "AWS", "provider": "EKS", "version": "1"},
            });
            json!({"pipeline": {"name": of("name"), "roleArn": "r", "version": 1, "stages": [{"name": "Deploy", "actions": [action]}]}})
        }
        "ListPipelineExecutions" => {
            json!({"pipelineExecutionSummaries": [{"pipelineExecutionId": "e", "status": "Succeeded"}]})
        }
        other => panic!("{other}"),
    };
    canned::json(200, &answer)
}

struct Account {
    count: usize,
    running: usize,
    memory: Arc<Memory>,
}

impl Account {
    async fn poll(&self, wanted: Wanted) -> Answer {
        let (estate, place) = (Estate::default(), Place::Global);
        let (count, running) = (self.count, self.running);
        let config = canned::config(move |asked| codepipeline(count, running, &asked));
        let budget = Budget::new(Arc::default(), Access::default(), String::new());
        let ask = Ask::new(&estate, &place, config)
            .within(budget, Arc::new(Tally::default()))
            .remembering(Arc::clone(&self.memory));
        let query = Query {
            source: Source::Pipelines,
            place: place.clone(),
            wanted,
            read: 0,
        };
        let started = Instant::now();
        let answer = observe(ask, &query).await.unwrap();
        assert!(started.elapsed() < POLL_DEADLINE, "{:?}", started.elapsed());
        answer
    }
}

fn rows(answer: &Answer) -> &[Pipeline] {
    match &answer.rows {
        Rows::Pipelines(rows) => rows,
        other => panic!("{:?}", other.kind()),
    }
}

fn read(answer: &Answer) -> usize {
    rows(answer)
        .iter()
        .filter(|row| row.seen_at.is_some())
        .count()
}

#[tokio::test(start_paused = true)]
async fn three_hundred_pipelines_are_read_in_turn_and_all_are_listed_from_the_start() {
    let account = Account {
        count: 300,
        running: 299,
        memory: Arc::default(),
    };
    let first = account.poll(Wanted::Nothing).await;
    assert_eq!((rows(&first).len(), read(&first)), (300, MOST_STATES));
    let most = u32::try_from(1 + MOST_STATES + MOST_DETAILS).unwrap();
    assert!(first.calls[&Api::CodePipeline] <= most, "{:?}", first.calls);
    assert_eq!(first.problems, []);
    let mut polls = 1;
    let mut last = first;
    while read(&last) < 300 {
        tokio::time::advance(Duration::from_secs(30)).await;
        last = account.poll(Wanted::Nothing).await;
        polls += 1;
    }
    assert!(polls <= 11, "{polls}");
    // From now on what runs is read in every poll.
    for _ in 0..2 {
        tokio::time::advance(Duration::from_secs(30)).await;
        last = account.poll(Wanted::Nothing).await;
    }
    let runs = rows(&last)
        .iter()
        .find(|row| row.name == name(299))
        .unwrap();
    let newest = rows(&last).iter().filter_map(|row| row.seen_at).max();
    assert!(newest.unwrap().as_second() - runs.seen_at.unwrap().as_second() <= 1);
}

#[tokio::test(start_paused = true)]
async fn whoever_names_a_pipeline_gets_it_fresh_and_the_others_as_they_were() {
    let account = Account {
        count: 300,
        running: 0,
        memory: Arc::default(),
    };
    account.poll(Wanted::Nothing).await;
    let named = account.poll(Wanted::Named(vec![name(250)])).await;
    let row = rows(&named)
        .iter()
        .find(|row| row.name == name(250))
        .unwrap();
    assert!(row.seen_at.is_some());
    assert_eq!(read(&named), MOST_STATES + 1);
    // The list, its state, its definition and its executions.
    assert_eq!(named.calls[&Api::CodePipeline], 4);
    let does = row.stages[0].actions[0].does.as_ref().unwrap();
    assert_eq!(
        (does.category.as_str(), does.region.as_deref()),
        ("Deploy", Some("eu-west-1"))
    );
    assert_eq!(does.target, [("ClusterName".to_owned(), "prod".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn no_token_and_no_secret_of_a_configuration_is_kept() {
    let account = Account {
        count: 2,
        running: 1,
        memory: Arc::default(),
    };
    let answer = account.poll(Wanted::Nothing).await;
    let text = serde_json::to_string(&answer).unwrap();
    assert!(!text.contains("very-secret"), "{text}");
    assert!(rows(&answer)[1].stages[0].actions[0].approval);
    // What did not change is not asked again: the list and the two states.
    let again = account.poll(Wanted::Nothing).await;
    assert_eq!(again.calls[&Api::CodePipeline], 3);
}

#[tokio::test(start_paused = true)]
async fn a_state_that_may_not_be_read_is_asked_once_a_poll_and_said() {
    let states = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&states);
    let config = canned::config(move |asked| {
        if asked.header("x-amz-target").ends_with("GetPipelineState") {
            counted.fetch_add(1, Ordering::Relaxed);
            return canned::json(
                400,
                &json!({"__type": "AccessDeniedException", "message": "no"}),
            );
        }
        codepipeline(40, 99, &asked)
    });
    let (estate, place) = (Estate::default(), Place::Global);
    let query = |wanted| Query {
        source: Source::Pipelines,
        place: Place::Global,
        wanted,
        read: 0,
    };
    let answer = observe(
        Ask::new(&estate, &place, config.clone()),
        &query(Wanted::Nothing),
    )
    .await
    .unwrap();
    assert_eq!(rows(&answer).len(), 40);
    assert_eq!(
        rows(&answer)[0].front().state,
        super::super::State::Unknown("its state was not read".to_owned())
    );
    assert_eq!(answer.problems.len(), 1, "{:?}", answer.problems);
    assert_eq!(answer.problems[0].operation, STATE);
    assert!(states.load(Ordering::Relaxed) <= AT_ONCE);
    // A run that needs to see it hears that it cannot.
    let named = observe(
        Ask::new(&estate, &place, config),
        &query(Wanted::Named(vec![name(3)])),
    )
    .await;
    assert_eq!(
        named.map_err(|error| error.class).err(),
        Some(ErrorClass::Denied)
    );
}
