//! Flips routing controls: all in one call, at one stored endpoint after the other until one takes it, two rounds at most. Flipping to a state is the same
//! however often it is done, so an endpoint that gave no answer is followed by the next; `DescribeCluster`, which is control plane, is never asked.

use std::time::Duration;

use aws_config::{Region, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_route53recoverycluster::{
    Client,
    config::Builder,
    types::{RoutingControlState, UpdateRoutingControlStateEntry},
};

use super::{drift, in_turn, is_final, unsendable};
use crate::{
    provider::{ask::Ask, write::Write},
    resources::{
        Api, ErrorClass, ProviderError,
        change::{ApplyError, Fate, Receipt},
        estate::RecoveryEndpoint,
        traffic::{change::ControlEdit, recovery_cluster::live::list},
    },
};

const OPERATION: &str = "route53-recovery-cluster:UpdateRoutingControlStates";
/// How often every endpoint is tried.
const ROUNDS: usize = 2;
/// What one endpoint gets for one call.
const CONNECT: Duration = Duration::from_secs(2);
const CALL: Duration = Duration::from_secs(5);

/// Gives every control its new state, if all have the ones that are expected.
pub async fn apply(write: &Write<'_>, controls: &[ControlEdit]) -> Result<Receipt, ApplyError> {
    let endpoints = &write.ask.estate.recovery_endpoints;
    if let Some(why) = unsendable(controls, endpoints.len()) {
        return Err(Write::refused(OPERATION, why));
    }
    let endpoints = in_turn(endpoints, &write.idempotency());
    // Whoever answered the read comes first.
    let first = compare(&write.ask, &endpoints, controls).await?;
    let mut doubt = false;
    let mut last = None;
    let tries = endpoints.len() * ROUNDS;
    for endpoint in endpoints.iter().cycle().skip(first).take(tries) {
        let error = match send(write, endpoint, controls).await {
            Ok(receipt) => return Ok(receipt),
            Err(error) => error,
        };
        doubt |= error.fate == Fate::InDoubt;
        let ended = is_final(&error);
        last = Some(error);
        if ended {
            break;
        }
    }
    let none = || Write::refused(OPERATION, "no endpoint was tried");
    let error = last.unwrap_or_else(none);
    Err(ApplyError {
        // What one endpoint refuses, another that gave no answer may have done.
        fate: if doubt { Fate::InDoubt } else { error.fate },
        ..error
    })
}

/// Reads the states at the first endpoint that answers and compares them. Gives the place of that endpoint in the order.
async fn compare(
    ask: &Ask<'_>,
    endpoints: &[&RecoveryEndpoint],
    controls: &[ControlEdit],
) -> Result<usize, ApplyError> {
    let mut last = None;
    for (index, endpoint) in endpoints
        .iter()
        .enumerate()
        .cycle()
        .take(endpoints.len() * ROUNDS)
    {
        match list(ask, &client(&ask.config, endpoint)).await {
            Ok(rows) => {
                return match drift(controls, &rows) {
                    Some(found) => Err(ApplyError::drifted(OPERATION, found)),
                    None => Ok(index),
                };
            }
            Err(error) => {
                let error = Write::unsent(at(endpoint, error));
                if is_final(&error) {
                    return Err(error);
                }
                last = Some(error);
            }
        }
    }
    Err(last.unwrap_or_else(|| Write::refused(OPERATION, "no endpoint was asked")))
}

async fn send(
    write: &Write<'_>,
    endpoint: &RecoveryEndpoint,
    controls: &[ControlEdit],
) -> Result<Receipt, ApplyError> {
    let state = |on| {
        if on {
            RoutingControlState::On
        } else {
            RoutingControlState::Off
        }
    };
    let entries = controls
        .iter()
        .map(|edit| {
            UpdateRoutingControlStateEntry::builder()
                .routing_control_arn(&edit.arn)
                .routing_control_state(state(edit.to))
                .build()
        })
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| Write::refused(OPERATION, error.to_string()))?;
    let call = client(&write.config(), endpoint)
        .update_routing_control_states()
        .set_update_routing_control_state_entries(Some(entries))
        .send();
    write
        .send(Api::RecoveryCluster, OPERATION, call, |_| None)
        .await
        .map_err(|error| ApplyError {
            error: at(endpoint, error.error),
            ..error
        })
}

/// A client for one endpoint, signed with its Region. One attempt: the next endpoint is the retry.
fn client(config: &SdkConfig, endpoint: &RecoveryEndpoint) -> Client {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .operation_timeout(CALL)
        .build();
    let config = Builder::from(config)
        .endpoint_url(&endpoint.url)
        .region(Region::new(endpoint.region.clone()))
        .retry_config(RetryConfig::standard().with_max_attempts(1))
        .timeout_config(timeouts);
    Client::from_conf(config.build())
}

/// An error with the endpoint that it came from.
fn at(endpoint: &RecoveryEndpoint, error: ProviderError) -> ProviderError {
    let said = match error.class {
        ErrorClass::Timeout => format!("no answer in {} s", CALL.as_secs()),
        ErrorClass::Throttled
        | ErrorClass::Transient
        | ErrorClass::Unreachable
        | ErrorClass::Denied
        | ErrorClass::Identity
        | ErrorClass::NotFound
        | ErrorClass::Conflict
        | ErrorClass::Terminal
        | ErrorClass::Skipped => error.message.clone(),
    };
    ProviderError {
        message: format!("{}: {said}", endpoint.region),
        ..error
    }
}

#[cfg(test)]
mod tests;
