//! `GET /version` of each API server, all at once. Owns what counts as an answer: any HTTP status below 500, for a server that refuses us is alive.
//!
//! Credential plugins are never run. `/version` needs no credentials as a rule, a refusal is an answer too, and a plugin could prompt
//! on our terminal or hang for ever.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures::{AsyncReadExt, StreamExt, stream};
use http::Request;
use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};
use serde::Deserialize;
use tokio::time::timeout;

use super::super::{ApiServer, ApiServerState, Cluster as Row};
use crate::{
    provider::{
        ask::Ask,
        kubernetes::{
            self,
            access::{endpoint_kubeconfig, read_kubeconfig, without_plugins},
        },
        translate::chain,
    },
    resources::{Answer, Api, ProviderError, Query, Rows},
};

const CONNECT: Duration = Duration::from_secs(3);
const READ: Duration = Duration::from_secs(5);
/// The deadline of one probe, TLS handshake included.
const DEADLINE: Duration = Duration::from_secs(8);
/// Servers asked at once.
const PARALLEL: usize = 64;
/// Bytes of an answer that are read: a version is a few hundred.
const MOST: u64 = 16 * 1024;

/// Probes the API servers that are known and the kubeconfig contexts of the region.
pub async fn observe(ask: Ask<'_>, query: &Query) -> Result<Answer, ProviderError> {
    let servers = servers(&ask, query);
    let kubeconfig = if servers.iter().any(|server| server.endpoint.is_none()) {
        read_kubeconfig().await.map(without_plugins)
    } else {
        Ok(Kubeconfig::default())
    };
    let probes: Vec<_> = servers
        .iter()
        .map(|server| probe(&ask, server, &kubeconfig))
        .collect();
    let states: Vec<Row> = stream::iter(probes)
        .buffered(PARALLEL)
        .map(Row::ApiServer)
        .collect()
        .await;
    Ok(ask.answer(Rows::Clusters(states)))
}

/// The servers asked for, and the contexts of the region; each name once.
pub fn servers(ask: &Ask<'_>, query: &Query) -> Vec<ApiServer> {
    let mut servers = query.wanted.api_servers().unwrap_or_default().to_vec();
    let spec = ask
        .place
        .region()
        .and_then(|label| ask.estate.region(label));
    for context in spec.into_iter().flat_map(|spec| &spec.kube_contexts) {
        if servers.iter().all(|server| server.name != *context) {
            servers.push(ApiServer {
                name: context.clone(),
                endpoint: None,
                certificate_authority: None,
            });
        }
    }
    servers
}

/// The watched clusters of a place. A poll names the API servers that the inventory lists, and those it does not name end; a read of a run names none.
pub fn watched(ask: &Ask<'_>, query: &Query) -> Vec<Arc<kubernetes::Cluster>> {
    let (watches, servers) = (&ask.memory.watches, servers(ask, query));
    match query.wanted.api_servers() {
        Some(_) => watches.of(&servers, &ask.config),
        None => watches.with(&servers, &ask.config),
    }
}

async fn probe(
    ask: &Ask<'_>,
    server: &ApiServer,
    kubeconfig: &Result<Kubeconfig, String>,
) -> ApiServerState {
    ask.count(Api::Kubernetes);
    let started = Instant::now();
    let answer = async {
        let config = config(server, kubeconfig).await?;
        version(config).await
    };
    let result = match timeout(DEADLINE, answer).await {
        Ok(result) => result,
        Err(_) => Err(format!("no answer in {} s", DEADLINE.as_secs())),
    };
    let state = ApiServerState {
        name: server.name.clone(),
        version: None,
        latency: None,
        error: None,
        answered_before: false,
        ready_nodes: None,
    };
    match result {
        Ok(version) => ApiServerState {
            version,
            latency: Some(started.elapsed()),
            ..state
        },
        Err(error) => ApiServerState {
            error: Some(error.chars().take(200).collect()),
            ..state
        },
    }
}

/// How to reach a server: its endpoint and certificate authority, or its context.
async fn config(
    server: &ApiServer,
    kubeconfig: &Result<Kubeconfig, String>,
) -> Result<Config, String> {
    let kubeconfig = match &server.endpoint {
        Some(endpoint) => endpoint_kubeconfig(server, endpoint),
        None => kubeconfig.clone()?,
    };
    let options = KubeConfigOptions {
        context: Some(server.name.clone()),
        ..KubeConfigOptions::default()
    };
    let config = Config::from_custom_kubeconfig(kubeconfig, &options).await;
    let mut config = config.map_err(|error| chain(&error))?;
    config.connect_timeout = Some(CONNECT);
    config.read_timeout = Some(READ);
    config.write_timeout = Some(READ);
    config.default_retry = false;
    Ok(config)
}

/// The version that a server gives; `None` where it answered without one.
async fn version(config: Config) -> Result<Option<String>, String> {
    let client = Client::try_from(config).map_err(|error| chain(&error))?;
    let request = Request::get("/version")
        .body(Vec::new())
        .map_err(|error| error.to_string())?;
    let body = match client.request_stream(request).await {
        Ok(body) => body,
        Err(kube::Error::Api(status)) if status.code >= 500 => {
            return Err(format!("HTTP {}", status.code));
        }
        // A refusal is an answer.
        Err(kube::Error::Api(_)) => return Ok(None),
        // The name of kube's own layer tells an operator nothing.
        Err(kube::Error::Service(error)) => return Err(chain(error.as_ref())),
        Err(error) => return Err(chain(&error)),
    };
    let mut bytes = Vec::new();
    let mut body = std::pin::pin!(body.take(MOST));
    body.read_to_end(&mut bytes)
        .await
        .map_err(|error| error.to_string())?;
    let info: Option<Info> = serde_json::from_slice(&bytes).ok();
    Ok(info.map(|info| info.git_version))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Info {
    git_version: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers one connection, then ends.
    fn serve(answer: &'static [u8]) -> String {
        use std::io::{Read, Write};
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            assert!(stream.read(&mut [0; 4096]).unwrap() > 0);
            stream.write_all(answer).unwrap();
        });
        format!("http://{address}")
    }

    async fn probed(endpoint: String) -> ApiServerState {
        let estate = crate::resources::Estate::default();
        let place = crate::resources::Place::Global;
        let sdk = aws_config::SdkConfig::builder().build();
        let server = ApiServer {
            name: "a".to_owned(),
            endpoint: Some(endpoint),
            certificate_authority: Some("not base64!".to_owned()),
        };
        let ask = Ask::new(&estate, &place, sdk);
        probe(&ask, &server, &Ok(Kubeconfig::default())).await
    }

    #[tokio::test]
    async fn a_version_a_refusal_and_silence_are_told_apart() {
        let body = b"HTTP/1.1 200 OK\r\ncontent-length: 26\r\n\r\n{\"gitVersion\": \"v1.33.2\" }";
        let up = probed(serve(body)).await;
        assert_eq!((up.version.as_deref(), up.error), (Some("v1.33.2"), None));
        let refusal = b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n";
        let refused = probed(serve(refusal)).await;
        assert_eq!((refused.version, refused.error), (None, None));
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let closed = format!("http://{}", port.local_addr().unwrap());
        drop(port);
        assert!(probed(closed).await.error.is_some());
    }
}
