//! Reads the aliases that split traffic between versions. Lambda has no list of them: it takes one call per function, hence the long interval of this source.
//!
//! Functions with such an alias are read in every poll, the others every ten minutes at most, and as many as fit into the poll at the pace of the budget:
//! about a hundred. In an account with more functions the rest comes in the next polls, longest unread first, and the answer says how many nobody has looked at.

use aws_sdk_lambda::{Client, types::AliasConfiguration};
use futures::{StreamExt, TryStreamExt, stream};
use tokio::time::Instant;

use super::AliasVersion;
use crate::{
    provider::{ask::Ask, memory::READING, paging::all_pages},
    resources::{
        Api, ErrorClass, ProviderError,
        traffic::{Mechanism, Split, live::part},
    },
};

const ALIASES: &str = "lambda:ListAliases";
/// Lists read at once.
const AT_ONCE: usize = 4;

/// Every alias with a weighted second version. An alias that points to one version splits nothing and is no row.
pub async fn observe(ask: &Ask<'_>) -> Result<Vec<Split>, ProviderError> {
    let started = Instant::now();
    let client = &Client::new(&ask.config);
    let functions = functions(ask, client).await?;
    let total = functions.len();
    let due = ask.memory.functions.due(functions);
    let reads = stream::iter(due).map(|function| async move {
        if started.elapsed() > READING {
            return Ok((function, None));
        }
        let rows = part(ask, splits(ask, client, &function).await)?;
        Ok::<_, ProviderError>((function, Some(rows.unwrap_or_default())))
    });
    let reads: Vec<_> = reads.buffered(AT_ONCE).try_collect().await?;
    let unread = reads.iter().filter(|(_, rows)| rows.is_none());
    let unread: Vec<&String> = unread.map(|(function, _)| function).collect();
    note_unread(ask, &unread, total)?;
    Ok(reads
        .into_iter()
        .filter_map(|read| read.1)
        .flatten()
        .collect())
}

/// What there was no time for. A split must not vanish for that; a function that nobody has looked at yet may have one.
fn note_unread(ask: &Ask<'_>, unread: &[&String], total: usize) -> Result<(), ProviderError> {
    let count = |state| {
        let known = |name: &&&String| ask.memory.functions.matters(name) == state;
        unread.iter().filter(known).count()
    };
    let late = |count, what| {
        let text = format!("no time for {count} of {total} functions, {what}; they come in turn");
        ProviderError::new(ErrorClass::Timeout, ALIASES, text)
    };
    match (count(Some(true)), count(None)) {
        (0, 0) => Ok(()),
        (0, new) => {
            ask.problem(late(new, "not looked at so far"));
            Ok(())
        }
        (split, _) => Err(late(split, "known to split traffic")),
    }
}

/// The rows of a function, and whether it has any is remembered.
async fn splits(
    ask: &Ask<'_>,
    client: &Client,
    function: &str,
) -> Result<Vec<Split>, ProviderError> {
    let aliases = aliases(ask, client, function).await?.into_iter();
    let rows: Vec<Split> = aliases.flat_map(|alias| rows(function, alias)).collect();
    ask.memory.functions.learn(function, !rows.is_empty());
    Ok(rows)
}

async fn functions(ask: &Ask<'_>, client: &Client) -> Result<Vec<String>, ProviderError> {
    const OPERATION: &str = "lambda:ListFunctions";
    let functions = all_pages(OPERATION, |marker| async move {
        let page = ask
            .call(
                Api::Lambda,
                OPERATION,
                client.list_functions().set_marker(marker).send(),
            )
            .await?;
        Ok((page.functions.unwrap_or_default(), page.next_marker))
    })
    .await?;
    Ok(functions
        .into_iter()
        .filter_map(|function| function.function_name)
        .collect())
}

async fn aliases(
    ask: &Ask<'_>,
    client: &Client,
    function: &str,
) -> Result<Vec<AliasConfiguration>, ProviderError> {
    all_pages(ALIASES, |marker| async move {
        let call = client
            .list_aliases()
            .function_name(function)
            .set_marker(marker);
        let page = ask.call(Api::Lambda, ALIASES, call.send()).await?;
        Ok((page.aliases.unwrap_or_default(), page.next_marker))
    })
    .await
}

/// The versions of an alias: the main one gets what the others leave.
fn rows(function: &str, alias: AliasConfiguration) -> Vec<Split> {
    let weights = alias
        .routing_config
        .and_then(|routing| routing.additional_version_weights);
    let mut others: Vec<(String, f64)> = weights.unwrap_or_default().into_iter().collect();
    if others.is_empty() {
        return Vec::new();
    }
    others.sort_by(|a, b| a.0.cmp(&b.0));
    let main = (1.0 - others.iter().map(|(_, weight)| weight).sum::<f64>()).clamp(0.0, 1.0);
    let name = alias.name.unwrap_or_default();
    let row = |main: bool, (version, weight): (String, f64)| Split {
        split: format!("{function}:{name}"),
        member: version.clone(),
        by: Mechanism::Alias(AliasVersion {
            function: function.to_owned(),
            alias: name.clone(),
            alias_arn: alias.alias_arn.clone(),
            version,
            main,
            weight,
            revision_id: alias.revision_id.clone(),
        }),
    };
    let main = (alias.function_version.clone().unwrap_or_default(), main);
    std::iter::once(row(true, main))
        .chain(others.into_iter().map(|other| row(false, other)))
        .collect()
}

#[cfg(test)]
mod tests {
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
}
