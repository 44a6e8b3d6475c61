//! The way to a Prometheus: its client, who we are there, and one call of its HTTP API. Owns deadlines, sizes and secrets; translates nothing into rows.
//!
//! The connection is kube's own HTTP stack, which is linked already: its TLS, its proxy settings, its deadlines.

pub mod answer;
mod proof;

use std::{fmt::Write as _, time::Duration};

use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use jiff::Timestamp;
use kube::{Client, client::Body};
use tokio::{sync::Mutex, time::timeout};

use self::answer::{Refused, Told};
use super::{
    ask::Ask,
    kubernetes::{
        Fault,
        access::{config, endpoint_kubeconfig},
    },
    translate::chain,
};
use crate::resources::{
    Api, ErrorClass, ProviderError, clusters::ApiServer, metrics::dialect::Prometheus,
};

/// The deadline of a call: half of the poll interval, so that one is over before the next begins.
const DEADLINE: Duration = Duration::from_secs(8);
/// Bytes of an answer that are read: some ten thousand series of forty points.
const MOST: usize = 16 * 1024 * 1024;
/// Characters of a query that stand in the address; proxies cut longer ones, and some let nothing but GET through.
const IN_ADDRESS: usize = 3_000;

/// What polls of one place keep: the client with its connections, and the version of the server.
#[derive(Default)]
pub struct Kept {
    client: Mutex<Option<Client>>,
    version: Mutex<Version>,
}

/// The version of a server, as far as it was asked.
#[derive(Clone, Default)]
enum Version {
    #[default]
    Unasked,
    Told(String),
    /// Managed servers do not tell.
    Untold,
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Kept")
    }
}

/// A server that is asked in one poll.
pub struct Server<'a> {
    ask: &'a Ask<'a>,
    settings: &'a Prometheus,
    client: Client,
}

impl<'a> Server<'a> {
    /// Makes the client, or takes the one of the poll before. Sends nothing.
    pub async fn open(
        ask: &'a Ask<'a>,
        settings: &'a Prometheus,
        operation: &str,
    ) -> Result<Self, ProviderError> {
        let mut kept = ask.memory.prometheus.client.lock().await;
        let client = match &*kept {
            Some(client) => client.clone(),
            None => {
                let made = connect(settings).await;
                let wrong =
                    |text: String| ProviderError::new(ErrorClass::Terminal, operation, text);
                kept.insert(made.map_err(wrong)?).clone()
            }
        };
        Ok(Self {
            ask,
            settings,
            client,
        })
    }

    /// What a query gives now.
    pub async fn query(&self, operation: &'static str, query: &str) -> Result<Told, ProviderError> {
        self.told(operation, "/api/v1/query", &[("query", query)])
            .await
    }

    /// What a query gave in a range of time, at steps of so many seconds.
    pub async fn query_range(
        &self,
        operation: &'static str,
        query: &str,
        (from, to): (Timestamp, Timestamp),
        step: Duration,
    ) -> Result<Told, ProviderError> {
        let (from, to) = (from.as_second().to_string(), to.as_second().to_string());
        let step = step.as_secs().to_string();
        let parameters = [
            ("query", query),
            ("start", from.as_str()),
            ("end", to.as_str()),
            ("step", step.as_str()),
        ];
        self.told(operation, "/api/v1/query_range", &parameters)
            .await
    }

    /// The version of the server, asked once; `None` where it does not tell.
    pub async fn version(&self) -> Option<String> {
        let mut kept = self.ask.memory.prometheus.version.lock().await;
        if let Version::Unasked = *kept {
            let operation = "prometheus:GetBuildInfo";
            let answer = self.send(operation, "/api/v1/status/buildinfo", &[]).await;
            let (status, body) = answer.ok()?;
            *kept = answer::read_version(status, &body).map_or(Version::Untold, Version::Told);
        }
        match &*kept {
            Version::Told(version) => Some(version.clone()),
            Version::Unasked | Version::Untold => None,
        }
    }

    async fn told(
        &self,
        operation: &'static str,
        path: &str,
        parameters: &[(&str, &str)],
    ) -> Result<Told, ProviderError> {
        let (status, body) = self.send(operation, path, parameters).await?;
        answer::read(status, &body)
            .map_err(|Refused { class, text }| ProviderError::new(class, operation, text))
    }

    /// One call, within its deadline; the answer as it came.
    async fn send(
        &self,
        operation: &'static str,
        path: &str,
        parameters: &[(&str, &str)],
    ) -> Result<(u16, Vec<u8>), ProviderError> {
        self.ask.turn(Api::Prometheus).await;
        let result = match timeout(DEADLINE, self.exchange(operation, path, parameters)).await {
            Ok(result) => result,
            Err(_) => {
                let text = format!("no answer in {} s", DEADLINE.as_secs());
                Err(ProviderError::new(ErrorClass::Timeout, operation, text))
            }
        };
        let silent = |error: &ProviderError| {
            matches!(error.class, ErrorClass::Unreachable | ErrorClass::Timeout)
        };
        // A connection that has died is not tried again, and a new authority in the file is read.
        if result.as_ref().is_err_and(silent) {
            *self.ask.memory.prometheus.client.lock().await = None;
        }
        result
    }

    async fn exchange(
        &self,
        operation: &'static str,
        path: &str,
        parameters: &[(&str, &str)],
    ) -> Result<(u16, Vec<u8>), ProviderError> {
        let wrong = |class, text: &str| ProviderError::new(class, operation, text);
        let mut request = request(path, parameters)
            .map_err(|error| wrong(ErrorClass::Terminal, &error.to_string()))?;
        proof::add(&mut request, self.settings, &self.ask.config)
            .await
            .map_err(|text| wrong(ErrorClass::Identity, &text))?;
        tenant(&mut request, self.settings).map_err(|text| wrong(ErrorClass::Terminal, &text))?;
        let secret = proof::secret_of(&request);
        let request = request.map(Body::from);
        let answer = self.client.send(request).await;
        let answer = answer.map_err(|error| Fault::of(operation, &error).error)?;
        if let Some(text) = redirected(&answer) {
            return Err(wrong(ErrorClass::Terminal, &text));
        }
        let status = answer.status().as_u16();
        let body = Limited::new(answer.into_body(), MOST).collect().await;
        let body = body.map_err(|error| {
            if error.is::<http_body_util::LengthLimitError>() {
                let text = format!(
                    "more than {} MiB; narrow it with `selector` or with queries of your own",
                    MOST / 1024 / 1024
                );
                wrong(ErrorClass::Terminal, &text)
            } else {
                let text = format!("the answer stops in the middle: {}", chain(error.as_ref()));
                wrong(ErrorClass::Transient, &text)
            }
        })?;
        let body = body.to_bytes();
        // Some proxies say the credential again that they refuse; nobody else shall read it.
        Ok(match secret {
            Some(secret) if status >= 400 => {
                let text = String::from_utf8_lossy(&body).replace(&secret, "(our credential)");
                (status, text.into_bytes())
            }
            Some(_) | None => (status, body.to_vec()),
        })
    }
}

/// A client with every deadline set. The authorities are read from the file now.
async fn connect(settings: &Prometheus) -> Result<Client, String> {
    let server = ApiServer {
        name: "prometheus".to_owned(),
        endpoint: None,
        certificate_authority: None,
    };
    if let Some(path) = &settings.ca_file {
        let read = tokio::fs::read_to_string(path).await;
        // A file without a certificate would trust nobody, and say so of every server.
        if read.is_ok_and(|text| !text.contains("-----BEGIN CERTIFICATE-----")) {
            return Err(format!("`ca_file`: {path} has no certificate in it (PEM)"));
        }
    }
    let mut kubeconfig = endpoint_kubeconfig(&server, &settings.url);
    for named in &mut kubeconfig.clusters {
        if let Some(cluster) = &mut named.cluster {
            cluster.certificate_authority.clone_from(&settings.ca_file);
        }
    }
    let config = config(kubeconfig, &server.name).await?;
    Client::try_from(config).map_err(|error| chain(&error))
}

/// Says whose series are asked for, where a server keeps those of several tenants. It is no secret, and not signed.
fn tenant(request: &mut Request<Vec<u8>>, settings: &Prometheus) -> Result<(), String> {
    let Some(tenant) = &settings.tenant else {
        return Ok(());
    };
    let value = HeaderValue::from_str(tenant)
        .map_err(|_| format!("`tenant`: {tenant:?} has characters that no header may have"))?;
    request.headers_mut().insert("x-scope-orgid", value);
    Ok(())
}

/// A call that only reads: by GET, unless the query is too long to stand in an address.
fn request(path: &str, parameters: &[(&str, &str)]) -> http::Result<Request<Vec<u8>>> {
    let encoded: Vec<String> = parameters
        .iter()
        .map(|(name, value)| format!("{name}={}", encoded(value)))
        .collect();
    let encoded = encoded.join("&");
    if encoded.len() > IN_ADDRESS {
        return Request::post(path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(encoded.into_bytes());
    }
    let question = if encoded.is_empty() { "" } else { "?" };
    Request::get(format!("{path}{question}{encoded}")).body(Vec::new())
}

/// A value as it stands in an address, and as AWS signs it.
fn encoded(value: &str) -> String {
    let mut text = String::with_capacity(value.len() * 2);
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

/// A server that sends us elsewhere is not followed: what we prove who we are with goes to the configured address only.
fn redirected(answer: &Response<Body>) -> Option<String> {
    let status = answer.status();
    if !status.is_redirection() || status == StatusCode::NOT_MODIFIED {
        return None;
    }
    let to = answer.headers().get(header::LOCATION);
    let to = to.and_then(|to| to.to_str().ok()).unwrap_or("nowhere");
    Some(format!(
        "HTTP {} to {to}: write the address of the Prometheus itself into `url`; is a login page in front of it?",
        status.as_u16()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_query_stands_in_the_address_and_a_long_one_in_the_body() {
        let short = request(
            "/api/v1/query",
            &[("query", "up{a=\"b c\"} + 1"), ("step", "60")],
        );
        let short = short.unwrap();
        assert_eq!(
            short.uri(),
            "/api/v1/query?query=up%7Ba%3D%22b%20c%22%7D%20%2B%201&step=60"
        );
        assert!(short.body().is_empty());
        let long = request("/api/v1/query", &[("query", &"x".repeat(4_000))]).unwrap();
        assert_eq!(
            (long.method().as_str(), long.uri().path()),
            ("POST", "/api/v1/query")
        );
        assert!(long.uri().query().is_none() && long.body().starts_with(b"query=xxx"));
        assert_eq!(request("/a", &[]).unwrap().uri(), "/a");
    }
}
