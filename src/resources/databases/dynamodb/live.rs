//! The DynamoDB calls and their translation. Only global tables are rows: plain tables have no replica to watch and may be hundreds.
//!
//! Cost: per poll one `ListTables` per 100 tables and one `DescribeTable` per global table, at most four at a time and within the budget of the API;
//! neither is billed. A plain table is described when it is first listed and again after ten minutes at the earliest, so it takes that long to see
//! that it became global. What does not fit into one poll comes in the next ones, and the answer says so.
//! Global tables of version 2017.11.29 tell their replicas only through `DescribeGlobalTable` and are not shown.

use aws_sdk_dynamodb::{
    Client,
    types::{ReplicaDescription, TableDescription},
};
use futures::{StreamExt, stream};
use tokio::time::Instant;

use super::{Table, TableReplica};
use crate::{
    provider::{ask::Ask, memory::READING, paging::all_pages},
    resources::{
        Answer, Api, ErrorClass, ProviderError, Rows, databases::Database, rules::UNKNOWN,
    },
};

const LIST: &str = "dynamodb:ListTables";
const DESCRIBE: &str = "dynamodb:DescribeTable";

/// `DescribeTable` calls under way at once.
const CONCURRENT: usize = 4;

/// Reads the global tables of a region. A table that may not be described is a problem; any other failure fails the poll, so that no table vanishes for a while.
pub async fn observe(ask: Ask<'_>) -> Result<Answer, ProviderError> {
    let started = Instant::now();
    let client = Client::new(&ask.config);
    let names = table_names(&ask, &client).await?;
    let total = names.len();
    let due = ask.memory.tables.due(names);
    let reads = stream::iter(due).map(|name| async {
        if started.elapsed() > READING {
            return (name, None);
        }
        let table = describe(&ask, &client, &name).await;
        (name, Some(table))
    });
    let described: Vec<_> = reads.buffered(CONCURRENT).collect().await;
    let mut rows = Vec::new();
    let mut denied: Option<(usize, ProviderError)> = None;
    let mut unread = Vec::new();
    for (name, table) in described {
        match table {
            Some(Ok(Some(table))) => rows.extend(global_table(table)),
            // Deleted since it was listed.
            Some(Ok(None)) => {}
            Some(Err(error)) if error.class == ErrorClass::Denied => {
                denied = Some((denied.map_or(1, |(count, _)| count + 1), error));
            }
            Some(Err(error)) => return Err(error),
            None => unread.push(name),
        }
    }
    match denied {
        Some((count, error)) if count == total => return Err(error),
        Some((count, error)) => {
            let message = format!("{count} of {total} tables: {}", error.message);
            ask.problem(ProviderError { message, ..error });
        }
        None => {}
    }
    note_unread(&ask, &unread, total)?;
    Ok(ask.answer(Rows::Databases(rows)))
}

/// What there was no time for. A global table must not vanish for that; a table that nobody has looked at yet may be one.
fn note_unread(ask: &Ask<'_>, unread: &[String], total: usize) -> Result<(), ProviderError> {
    let count = |state| {
        let known = |name: &&String| ask.memory.tables.matters(name) == state;
        unread.iter().filter(known).count()
    };
    let late = |count, what| {
        let message = format!("no time for {count} of {total} tables, {what}; they come in turn");
        ProviderError::new(ErrorClass::Timeout, DESCRIBE, message)
    };
    match (count(Some(true)), count(None)) {
        (0, 0) => Ok(()),
        (0, new) => {
            ask.problem(late(new, "not looked at so far"));
            Ok(())
        }
        (global, _) => Err(late(global, "known to be global")),
    }
}

async fn table_names(ask: &Ask<'_>, client: &Client) -> Result<Vec<String>, ProviderError> {
    all_pages(LIST, |last| async move {
        let call = client
            .list_tables()
            .set_exclusive_start_table_name(last)
            .limit(100);
        let page = ask.call(Api::DynamoDb, LIST, call.send()).await?;
        Ok((
            page.table_names.unwrap_or_default(),
            page.last_evaluated_table_name,
        ))
    })
    .await
}

async fn describe(
    ask: &Ask<'_>,
    client: &Client,
    name: &str,
) -> Result<Option<TableDescription>, ProviderError> {
    let call = client.describe_table().table_name(name).send();
    match ask.call(Api::DynamoDb, DESCRIBE, call).await {
        Ok(answer) => {
            // At once, so that it is known even if the poll fails.
            if let Some(table) = &answer.table {
                ask.memory.tables.learn(name, !table.replicas().is_empty());
            }
            Ok(answer.table)
        }
        Err(error) if error.class == ErrorClass::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn global_table(table: TableDescription) -> Option<Database> {
    let replicas = table.replicas.unwrap_or_default();
    if replicas.is_empty() {
        return None;
    }
    Some(Database::Table(Table {
        name: table.table_name.unwrap_or_default(),
        arn: table.table_arn,
        status: table
            .table_status
            .map_or_else(|| UNKNOWN.to_owned(), |status| status.as_str().to_owned()),
        global_version: table.global_table_version,
        consistency: table
            .multi_region_consistency
            .map(|consistency| consistency.as_str().to_owned()),
        replicas: replicas.into_iter().map(replica).collect(),
    }))
}

fn replica(replica: ReplicaDescription) -> TableReplica {
    TableReplica {
        region: replica.region_name.unwrap_or_default(),
        status: replica
            .replica_status
            .map(|status| status.as_str().to_owned()),
        inaccessible_since: replica
            .replica_inaccessible_date_time
            .and_then(|time| jiff::Timestamp::new(time.secs(), 0).ok()),
    }
}
