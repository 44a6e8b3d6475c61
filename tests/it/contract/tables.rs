//! DynamoDB over the wire: global tables.

use std::sync::Arc;

use pilothouse::{
    provider::ask::Ask,
    resources::{
        Answer, Api, ErrorClass, ProviderError, Query, Rows, Source, Wanted,
        databases::{Database, Table, live::observe},
    },
};

use crate::wire::{Fault, Wire};

const REGION: &str = "eu-west-1";

fn databases(answer: &Answer) -> &[Database] {
    match &answer.rows {
        Rows::Databases(rows) => rows,
        other => panic!("rows of databases, not {:?}", other.kind()),
    }
}

fn global_table(name: &str) -> String {
    format!(
        r#"{{"Table":{{"TableName":"{name}","TableArn":"arn:aws:dynamodb:{REGION}:123456789012:table/{name}","TableStatus":"ACTIVE","GlobalTableVersion":"2019.11.21",
        "MultiRegionConsistency":"QUORUM","Replicas":[{{"RegionName":"us-east-1","ReplicaStatus":"ACTIVE"}},
        {{"RegionName":"ap-southeast-1","ReplicaStatus":"REGION_DISABLED","ReplicaInaccessibleDateTime":1700000000}}]}}}}"#
    )
}

async fn tables(wire: &Wire) -> Result<Answer, ProviderError> {
    wire.observe(Source::Tables, REGION, observe).await
}

fn names(answer: &Answer) -> Vec<&str> {
    databases(answer).iter().map(Database::id).collect()
}

#[tokio::test]
async fn only_global_tables_are_rows_and_every_page_of_names_is_read() {
    let wire = Wire::start();
    wire.answer(
        REGION,
        "dynamodb:ListTables",
        [
            r#"{"TableNames":["plain"],"LastEvaluatedTableName":"plain"}"#,
            r#"{"TableNames":["sessions"]}"#,
        ],
    );
    wire.answer(
        REGION,
        "dynamodb:DescribeTable",
        [
            r#"{"Table":{"TableName":"plain","TableStatus":"ACTIVE"}}"#.to_owned(),
            global_table("sessions"),
        ],
    );
    let answer = tables(&wire).await.unwrap();
    let [
        Database::Table(Table {
            consistency,
            replicas,
            ..
        }),
    ] = databases(&answer)
    else {
        panic!("one table: {answer:?}");
    };
    assert_eq!(
        consistency.as_deref(),
        Some("QUORUM"),
        "unknown words stay text"
    );
    assert_eq!(replicas[1].status.as_deref(), Some("REGION_DISABLED"));
    assert_eq!(
        replicas[1]
            .inaccessible_since
            .map(jiff::Timestamp::as_second),
        Some(1_700_000_000)
    );
    assert_eq!(answer.calls.get(&Api::DynamoDb), Some(&4));
}

#[tokio::test]
async fn the_emulators_plain_tables_are_described_and_left_out() {
    let wire = Wire::start();
    let seed = aws_sdk_dynamodb::Client::new(&wire.config(REGION).await);
    for name in ["orders", "carts"] {
        use aws_sdk_dynamodb::types::{
            AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
        };
        let attribute = AttributeDefinition::builder()
            .attribute_name("id")
            .attribute_type(ScalarAttributeType::S)
            .build()
            .unwrap();
        let key = KeySchemaElement::builder()
            .attribute_name("id")
            .key_type(KeyType::Hash)
            .build()
            .unwrap();
        let create = seed
            .create_table()
            .table_name(name)
            .attribute_definitions(attribute)
            .key_schema(key);
        create
            .billing_mode(BillingMode::PayPerRequest)
            .send()
            .await
            .unwrap();
    }
    wire.forget();
    let answer = tables(&wire).await.unwrap();
    assert_eq!((names(&answer).len(), answer.problems.len()), (0, 0));
    assert_eq!(
        wire.calls().len(),
        3,
        "one list and two descriptions: {:?}",
        wire.calls()
    );
}

#[tokio::test]
async fn tables_that_may_not_be_described_are_a_problem_and_the_rest_stands() {
    let wire = Wire::start();
    wire.answer(
        REGION,
        "dynamodb:ListTables",
        [r#"{"TableNames":["sessions"]}"#],
    );
    wire.fault(REGION, "dynamodb:DescribeTable", Fault::Denied);
    assert_eq!(
        tables(&wire).await.map_err(|error| error.class).err(),
        Some(ErrorClass::Denied),
        "none may be described"
    );

    let wire = Wire::start();
    wire.answer(
        REGION,
        "dynamodb:ListTables",
        [r#"{"TableNames":["sessions","secret"]}"#],
    );
    wire.answer(REGION, "dynamodb:DescribeTable", [global_table("sessions")]);
    wire.fault_from(REGION, "dynamodb:DescribeTable", 2, Fault::Denied);
    let answer = tables(&wire).await.unwrap();
    assert_eq!(names(&answer), ["sessions"]);
    assert!(
        answer.problems[0].message.starts_with("1 of 2 tables"),
        "{:?}",
        answer.problems
    );

    wire.fault(REGION, "dynamodb:DescribeTable", Fault::Throttle);
    assert_eq!(
        tables(&wire).await.map_err(|error| error.class).err(),
        Some(ErrorClass::Throttled)
    );
}

#[tokio::test]
async fn a_plain_table_is_described_once_and_a_global_one_in_every_poll() {
    let wire = Wire::start();
    wire.answer(
        REGION,
        "dynamodb:ListTables",
        [r#"{"TableNames":["plain","sessions"]}"#],
    );
    wire.answer(
        REGION,
        "dynamodb:DescribeTable",
        [
            r#"{"Table":{"TableName":"plain","TableStatus":"ACTIVE"}}"#.to_owned(),
            global_table("sessions"),
            global_table("sessions"),
        ],
    );
    let memory = Arc::default();
    for calls in [3, 2] {
        let config = wire.config(REGION).await;
        let (estate, place) = (Wire::estate(&[REGION]), Wire::place(REGION));
        let query = Query {
            source: Source::Tables,
            place: place.clone(),
            wanted: Wanted::Nothing,
            read: 0,
        };
        let ask = Ask::new(&estate, &place, config).remembering(Arc::clone(&memory));
        let answer = observe(ask, &query).await.unwrap();
        assert_eq!(names(&answer), ["sessions"]);
        assert_eq!(answer.calls.get(&Api::DynamoDb), Some(&calls));
    }
}
