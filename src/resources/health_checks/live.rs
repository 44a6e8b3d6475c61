//! Reads the health checks of the account. Their state comes from metrics: `GetHealthCheckStatus` is for diagnosis, not for polling.

use aws_sdk_route53::{
    Client,
    types::{HealthCheck as SdkCheck, HealthCheckConfig},
};

use super::{Change, HealthCheck};
use crate::{
    provider::{ask::Ask, paging::all_pages, write::Write},
    resources::{
        Answer, Api, ProviderError, Query, Rows,
        change::{ApplyError, Receipt},
    },
};

const OPERATION: &str = "route53:ListHealthChecks";

/// Every health check, by id.
pub async fn observe(ask: Ask<'_>, _query: &Query) -> Result<Answer, ProviderError> {
    let checks = list(&ask, &Client::new(&ask.config)).await?;
    let mut rows: Vec<HealthCheck> = checks.into_iter().map(row).collect();
    rows.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(ask.answer(Rows::HealthChecks(rows)))
}

async fn list(ask: &Ask<'_>, client: &Client) -> Result<Vec<SdkCheck>, ProviderError> {
    all_pages(OPERATION, |marker| async move {
        let call = client
            .list_health_checks()
            .set_marker(marker)
            .max_items(1_000);
        let page = ask.call(Api::Route53, OPERATION, call.send()).await?;
        let next = page.next_marker.filter(|_| page.is_truncated);
        Ok((page.health_checks, next))
    })
    .await
}

fn row(check: SdkCheck) -> HealthCheck {
    let number = |value: Option<i32>| value.and_then(|value| u32::try_from(value).ok());
    let config = check.health_check_config.as_ref();
    HealthCheck {
        check_type: config.map_or_else(String::new, |config| config.r#type.as_str().to_owned()),
        target: config.map_or_else(|| check.id.clone(), |config| target(&check.id, config)),
        interval_seconds: number(config.and_then(|config| config.request_interval)),
        failure_threshold: number(config.and_then(|config| config.failure_threshold)),
        inverted: config
            .and_then(|config| config.inverted)
            .unwrap_or_default(),
        disabled: config
            .and_then(|config| config.disabled)
            .unwrap_or_default(),
        children: config
            .map(|config| config.child_health_checks().to_vec())
            .unwrap_or_default(),
        routing_control_arn: config.and_then(|config| config.routing_control_arn.clone()),
        version: Some(check.health_check_version),
        id: check.id,
    }
}

/// What is checked, as one text.
fn target(id: &str, config: &HealthCheckConfig) -> String {
    let name = config
        .fully_qualified_domain_name
        .as_deref()
        .filter(|name| !name.is_empty());
    let address = config
        .ip_address
        .as_deref()
        .filter(|address| !address.is_empty());
    let host = name.or(address).unwrap_or("?");
    // A check of an address may name the host that it asks for.
    let at = match (name, address) {
        (Some(_), Some(address)) => format!(" at {address}"),
        (Some(_) | None, _) => String::new(),
    };
    let url = |scheme: &str, default: i32| {
        let port = config
            .port
            .filter(|port| *port != default)
            .map(|port| format!(":{port}"))
            .unwrap_or_default();
        let path = config.resource_path.as_deref().unwrap_or_default();
        format!("{scheme}://{host}{port}{path}{at}")
    };
    match config.r#type.as_str() {
        "HTTP" | "HTTP_STR_MATCH" => url("http", 80),
        "HTTPS" | "HTTPS_STR_MATCH" => url("https", 443),
        "TCP" => url("tcp", 0),
        "CALCULATED" => {
            let children = config.child_health_checks();
            let needed = config
                .health_threshold
                .map_or("?".to_owned(), |needed| needed.to_string());
            format!(
                "{needed} of {} checks: {}",
                children.len(),
                children.join(", ")
            )
        }
        "CLOUDWATCH_METRIC" => match &config.alarm_identifier {
            Some(alarm) => format!("alarm {} in {}", alarm.name, alarm.region.as_str()),
            None => "an alarm".to_owned(),
        },
        "RECOVERY_CONTROL" => match &config.routing_control_arn {
            Some(arn) => format!("routing control {arn}"),
            None => "a routing control".to_owned(),
        },
        // A type that this version does not know.
        _ if name.or(address).is_some() => format!("{host}{at}"),
        other => format!("{other} {id}"),
    }
}

/// Sends one change.
pub async fn apply(write: &Write<'_>, change: &Change) -> Result<Receipt, ApplyError> {
    let Change::Invert {
        id,
        from,
        to,
        version,
        ..
    } = change;
    super::write::live::apply(write, id, *from, *to, *version).await
}
