//! Reads the aliases that split traffic between versions. Lambda has no list of them: it takes one call per function, hence the long interval of this source.

use aws_sdk_lambda::{Client, types::AliasConfiguration};
use futures::{StreamExt, TryStreamExt, stream};

use super::AliasVersion;
use crate::{
    provider::{ask::Ask, paging::all_pages},
    resources::{
        Api, ProviderError,
        traffic::{Mechanism, Split, live::part},
    },
};

/// Lists read at once.
const AT_ONCE: usize = 4;

/// Every alias with a weighted second version. An alias that points to one version splits nothing and is no row.
pub async fn observe(ask: &Ask<'_>) -> Result<Vec<Split>, ProviderError> {
    let client = &Client::new(&ask.config);
    let functions = functions(ask, client).await?;
    let rows: Vec<Vec<Split>> = stream::iter(functions)
        .map(|function| async move {
            let aliases = part(ask, aliases(ask, client, &function).await)?.unwrap_or_default();
            Ok::<_, ProviderError>(
                aliases
                    .into_iter()
                    .flat_map(|alias| rows(&function, alias))
                    .collect(),
            )
        })
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    Ok(rows.into_iter().flatten().collect())
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
    const OPERATION: &str = "lambda:ListAliases";
    all_pages(OPERATION, |marker| async move {
        let call = client
            .list_aliases()
            .function_name(function)
            .set_marker(marker);
        let page = ask.call(Api::Lambda, OPERATION, call.send()).await?;
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
    let row = |(version, weight): (String, f64)| Split {
        split: format!("{function}:{name}"),
        member: version.clone(),
        by: Mechanism::Alias(AliasVersion {
            function: function.to_owned(),
            alias: name.clone(),
            alias_arn: alias.alias_arn.clone(),
            version,
            weight,
            revision_id: alias.revision_id.clone(),
        }),
    };
    std::iter::once((alias.function_version.unwrap_or_default(), main))
        .chain(others)
        .map(row)
        .collect()
}
