//! The way to one API server: its address, who we are there, and the client that carries both. Owns when a client is made anew; asks no question itself.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use aws_config::SdkConfig;
use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use kube::{
    Client, Config,
    config::{
        AuthInfo, Cluster, Context, ExecConfig, KubeConfigOptions, Kubeconfig, NamedCluster,
        NamedContext,
    },
};
use tokio::{
    sync::{Mutex, watch},
    time::{Instant, timeout},
};

use super::{aws_token, fault::Fault, plugin, watch::SILENCE};
use crate::{
    provider::translate::chain,
    resources::{ErrorClass, clusters::ApiServer},
};

const OPERATION: &str = "kubernetes:Login";
const CONNECT: Duration = Duration::from_secs(5);
const WRITE: Duration = Duration::from_secs(10);
/// A home directory may hang.
const READ_FILE: Duration = Duration::from_secs(3);
/// How long before its end a credential is replaced.
const MARGIN: Duration = Duration::from_secs(60);
/// For how long a failed login answers for all watches of a cluster: a plugin is not run seven times.
const REFUSED_FOR: Duration = Duration::from_secs(15);

/// What proves who we are. It is shown nowhere.
#[derive(Clone)]
pub enum Secret {
    /// A bearer token.
    Token {
        /// The token.
        token: String,
        /// Its end.
        until: Option<Timestamp>,
    },
    /// A client certificate.
    Certificate {
        /// PEM.
        certificate: String,
        /// PEM.
        key: String,
        /// Its end.
        until: Option<Timestamp>,
    },
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Token { .. } => "Token",
            Self::Certificate { .. } => "Certificate",
        })
    }
}

/// The way to one API server.
#[derive(Debug)]
pub struct Access {
    server: ApiServer,
    /// Credentials of the region, for a cluster that EKS lists.
    aws: SdkConfig,
    held: Mutex<Held>,
    calls: AtomicU32,
    news: watch::Sender<u64>,
}

#[derive(Default)]
enum Held {
    #[default]
    Nothing,
    Client(Client, Option<Timestamp>),
    Refused(Fault, Instant),
}

impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Nothing => "Nothing",
            Self::Client(..) => "Client",
            Self::Refused(..) => "Refused",
        })
    }
}

impl Access {
    /// A way that nobody has gone yet.
    pub fn new(server: ApiServer, aws: SdkConfig) -> Self {
        Self {
            server,
            aws,
            held: Mutex::default(),
            calls: AtomicU32::new(0),
            news: watch::channel(0).0,
        }
    }

    /// Name of the cluster or context.
    pub fn name(&self) -> &str {
        &self.server.name
    }

    /// The server that it leads to.
    pub fn server(&self) -> &ApiServer {
        &self.server
    }

    /// A client with credentials that hold. Those who come while it is made wait for the same one.
    pub async fn client(&self) -> Result<Client, Fault> {
        let mut held = self.held.lock().await;
        match &*held {
            Held::Client(client, until) if until.is_none_or(holds) => return Ok(client.clone()),
            Held::Refused(fault, at) if at.elapsed() < REFUSED_FOR => return Err(fault.clone()),
            Held::Client(..) | Held::Refused(..) | Held::Nothing => {}
        }
        match self.login().await {
            Ok((client, until)) => {
                *held = Held::Client(client.clone(), until);
                Ok(client)
            }
            Err(fault) => {
                *held = Held::Refused(fault.clone(), Instant::now());
                Err(fault)
            }
        }
    }

    /// The server did not take our credentials: the next client gets new ones.
    pub async fn forget(&self) {
        let mut held = self.held.lock().await;
        if matches!(*held, Held::Client(..)) {
            *held = Held::Nothing;
        }
    }

    /// Something became known, or could not be.
    pub(super) fn told(&self) {
        self.news
            .send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Is told whenever something becomes known of the cluster, or cannot be.
    pub fn news(&self) -> watch::Receiver<u64> {
        self.news.subscribe()
    }

    /// Counts a call.
    pub fn count(&self) {
        self.calls.fetch_add(1, Ordering::Relaxed);
    }

    /// The calls since it was last asked.
    pub fn take_calls(&self) -> u32 {
        self.calls.swap(0, Ordering::Relaxed)
    }

    async fn login(&self) -> Result<(Client, Option<Timestamp>), Fault> {
        let fault = |class, text: &str| Fault::new(class, OPERATION, text);
        let (kubeconfig, secret) = match &self.server.endpoint {
            Some(endpoint) => {
                let secret = aws_token::mint(&self.aws, &self.server.name).await?;
                (endpoint_kubeconfig(&self.server, endpoint), Some(secret))
            }
            None => context_kubeconfig(&self.server.name)
                .await
                .map_err(|text| fault(ErrorClass::Identity, &text))?,
        };
        let mut config = config(kubeconfig, &self.server.name)
            .await
            .map_err(|text| fault(ErrorClass::NotFound, &text))?;
        let until = secret.and_then(|secret| carry(&mut config.auth_info, secret));
        let client = Client::try_from(config);
        let client = client.map_err(|error| fault(ErrorClass::Terminal, &chain(&error)))?;
        Ok((client, until))
    }
}

fn holds(until: Timestamp) -> bool {
    Timestamp::now() + MARGIN < until
}

/// Puts a credential into a configuration and gives its end.
fn carry(auth: &mut AuthInfo, secret: Secret) -> Option<Timestamp> {
    use base64::engine::general_purpose::STANDARD;
    match secret {
        Secret::Token { token, until } => {
            auth.token = Some(token.into());
            until
        }
        Secret::Certificate {
            certificate,
            key,
            until,
        } => {
            auth.client_certificate_data = Some(STANDARD.encode(certificate));
            auth.client_key_data = Some(STANDARD.encode(key).into());
            until
        }
    }
}

/// The configuration of a client with every deadline set: kube's own has none for an answer.
pub(in crate::provider) async fn config(
    kubeconfig: Kubeconfig,
    context: &str,
) -> Result<Config, String> {
    let options = KubeConfigOptions {
        context: Some(context.to_owned()),
        ..KubeConfigOptions::default()
    };
    let config = Config::from_custom_kubeconfig(kubeconfig, &options).await;
    let mut config = config.map_err(|error| chain(&error))?;
    config.connect_timeout = Some(CONNECT);
    config.read_timeout = Some(SILENCE + CONNECT);
    config.reset_reader_on_write = true;
    config.write_timeout = Some(WRITE);
    config.default_retry = false;
    Ok(config)
}

/// The kubeconfig as it is now, read off the runtime's threads.
pub async fn read_kubeconfig() -> Result<Kubeconfig, String> {
    let read = tokio::task::spawn_blocking(Kubeconfig::read);
    match timeout(READ_FILE, read).await {
        Ok(Ok(Ok(kubeconfig))) => Ok(kubeconfig),
        Ok(Ok(Err(error))) => Err(chain(&error)),
        Ok(Err(_)) | Err(_) => Err("the kubeconfig could not be read".to_owned()),
    }
}

/// The kubeconfig without anything that kube would run, and the credential of a context's plugin, which we run ourselves.
async fn context_kubeconfig(context: &str) -> Result<(Kubeconfig, Option<Secret>), String> {
    let kubeconfig = read_kubeconfig().await?;
    let secret = match plugin_of(&kubeconfig, context) {
        Some((exec, cluster)) => Some(plugin::run(&exec, &cluster).await?),
        None => None,
    };
    Ok((without_plugins(kubeconfig), secret))
}

/// The plugin of the user of a context, with the cluster that it is for.
fn plugin_of(kubeconfig: &Kubeconfig, context: &str) -> Option<(ExecConfig, Cluster)> {
    let named = kubeconfig
        .contexts
        .iter()
        .find(|named| named.name == context)?;
    let context = named.context.as_ref()?;
    let user = kubeconfig
        .auth_infos
        .iter()
        .find(|user| Some(&user.name) == context.user.as_ref())?;
    let cluster = kubeconfig
        .clusters
        .iter()
        .find(|cluster| cluster.name == context.cluster)
        .and_then(|cluster| cluster.cluster.clone());
    let exec = user.auth_info.as_ref()?.exec.clone()?;
    Some((exec, cluster.unwrap_or_default()))
}

/// A kubeconfig of one cluster and no user.
pub fn endpoint_kubeconfig(server: &ApiServer, endpoint: &str) -> Kubeconfig {
    let name = server.name.clone();
    // Some emulators give text that is no base64; a wrong authority would hide whether the server answers.
    let authority = server.certificate_authority.clone().filter(|data| {
        STANDARD
            .decode(data.trim())
            .is_ok_and(|pem| pem.starts_with(b"-----"))
    });
    let cluster = Cluster {
        server: Some(endpoint.to_owned()),
        certificate_authority_data: authority,
        ..Cluster::default()
    };
    let context = Context {
        cluster: name.clone(),
        user: None,
        ..Context::default()
    };
    Kubeconfig {
        clusters: vec![NamedCluster {
            name: name.clone(),
            cluster: Some(cluster),
            ..NamedCluster::default()
        }],
        contexts: vec![NamedContext {
            name,
            context: Some(context),
            ..NamedContext::default()
        }],
        ..Kubeconfig::default()
    }
}

/// The kubeconfig with the users' tokens and certificates, but with nothing that would run a program.
pub fn without_plugins(mut kubeconfig: Kubeconfig) -> Kubeconfig {
    for user in &mut kubeconfig.auth_infos {
        if let Some(auth) = &mut user.auth_info {
            *auth = AuthInfo {
                exec: None,
                auth_provider: None,
                ..std::mem::take(auth)
            };
        }
    }
    kubeconfig
}

#[cfg(test)]
mod tests {
    use super::*;

    const KUBECONFIG: &str = r"
users:
- name: plugin
  user:
    exec: { apiVersion: client.authentication.k8s.io/v1, command: touch, args: [/nonexistent/file] }
- name: token
  user: { token: abc }
clusters:
- name: far
  cluster: { server: https://far.example }
contexts:
- name: a
  context: { cluster: far, user: plugin }
- name: b
  context: { cluster: far, user: token }
";

    #[test]
    fn no_program_is_left_in_a_kubeconfig() {
        let kubeconfig = without_plugins(Kubeconfig::from_yaml(KUBECONFIG).unwrap());
        let users: Vec<_> = kubeconfig
            .auth_infos
            .iter()
            .filter_map(|user| user.auth_info.as_ref())
            .collect();
        assert!(users.iter().all(|auth| auth.exec.is_none()));
        assert!(users[1].token.is_some());
    }

    #[test]
    fn the_plugin_of_a_context_is_that_of_its_user() {
        let kubeconfig = Kubeconfig::from_yaml(KUBECONFIG).unwrap();
        let (exec, cluster) = plugin_of(&kubeconfig, "a").unwrap();
        assert_eq!(exec.command.as_deref(), Some("touch"));
        assert_eq!(cluster.server.as_deref(), Some("https://far.example"));
        assert!(plugin_of(&kubeconfig, "b").is_none());
        assert!(plugin_of(&kubeconfig, "c").is_none());
    }
}
