//! Credentials, loaded once for everybody who signs with them. Owns the deadline of a load and what happens when it fails; must never log or show a secret.
//!
//! A source of credentials that hangs (an SSO portal, instance metadata, STS in a lost region) must not hold up any other access,
//! and must not be asked again by every poll: one load at a time per access, its failure answers everybody for a moment.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use aws_config::{
    BehaviorVersion, Region, SdkConfig, profile::ProfileFileCredentialsProvider,
    provider_config::ProviderConfig, sts::AssumeRoleProvider,
};
use aws_credential_types::{
    Credentials,
    provider::{self, ProvideCredentials, error::CredentialsError, future},
};
use futures::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use tokio::time::{Instant, timeout};

use super::{clients, connector::Connector, credential_process};
use crate::resources::estate::Access;

/// How long a profile, SSO, a process or instance metadata may take.
pub const CHAIN_DEADLINE: Duration = Duration::from_secs(4);
/// How long a role may take, with the credentials that it needs first.
pub const ROLE_DEADLINE: Duration = Duration::from_secs(6);
/// Credentials are renewed this long before they expire, while the old ones still work.
const AHEAD: Duration = Duration::from_secs(300);
/// Credentials that never expire are read again after this, so that an edited file is noticed.
const LIFE: Duration = Duration::from_secs(60);
/// Credentials that an API has refused are read again after this: somebody may have logged in anew.
const REFUSED: Duration = Duration::from_secs(5);
/// A failure is repeated to everybody for this long before the next try, and longer with each failure in a row: a source that
/// hangs must not be started again and again.
const PAUSE: Duration = Duration::from_secs(2);
/// The longest pause is this many times the first one, so that a new login is noticed soon.
const LONGEST: u32 = 10;

type Load = Box<dyn Fn(usize) -> BoxFuture<'static, provider::Result> + Send + Sync>;

/// Credentials with one loader and one copy.
#[derive(Clone)]
pub struct CachedCredentials(Arc<Inner>);

struct Inner {
    load: Load,
    deadline: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    held: Option<Credentials>,
    /// When the last load ended.
    tried: Option<Instant>,
    /// Why the last load failed; `None` after a good one.
    failure: Option<String>,
    /// Failures in a row.
    failures: u32,
    /// Failures ever: it chooses where to try.
    turn: usize,
    /// Whether an API has refused what is held.
    refused: bool,
    /// The load that is going on.
    loading: Option<Shared<BoxFuture<'static, ()>>>,
}

impl CachedCredentials {
    /// Credentials from a loader. It is given the number of failures so far, so that it can try elsewhere.
    pub fn new(
        deadline: Duration,
        load: impl Fn(usize) -> BoxFuture<'static, provider::Result> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(Inner {
            load: Box::new(load),
            deadline,
            state: Mutex::default(),
        }))
    }

    /// The SDK's default chain, or one profile. `regions` are where it may ask STS: after a failure the next one is tried,
    /// so that a lost region does not take the credentials of all others with it.
    pub fn chain(profile: Option<String>, regions: Vec<String>, connector: Connector) -> Self {
        Self::new(CHAIN_DEADLINE, move |turn| {
            let region = regions.get(turn % regions.len().max(1)).cloned();
            let (connector, profile) = (connector.clone(), profile.clone());
            Box::pin(async move {
                // Read anew each time: an edited file is noticed.
                let files = credential_process::profile_files().await;
                // An explicit profile beats keys in the environment, as with `aws --profile`.
                if let Some(profile) = profile {
                    let configuration = ProviderConfig::without_region()
                        .with_region(region.map(Region::new))
                        .with_http_client(connector)
                        .with_timeout_config(clients::timeouts())
                        .with_retry_config(clients::retries());
                    let source = ProfileFileCredentialsProvider::builder()
                        .configure(&configuration)
                        .profile_files(files)
                        .profile_name(&profile)
                        .build();
                    let loaded = source.provide_credentials().await;
                    return loaded.map_err(|error| named(error, &profile_missing(&profile)));
                }
                // Only the loader of a whole configuration hands these files on to the default chain.
                let configuration = aws_config::defaults(BehaviorVersion::latest())
                    .profile_files(files)
                    .region(region.map(Region::new))
                    .http_client(connector)
                    .timeout_config(clients::timeouts())
                    .retry_config(clients::retries())
                    .load()
                    .await;
                let source = configuration.credentials_provider();
                let source = source.ok_or_else(CredentialsError::not_loaded_no_source)?;
                let loaded = source.provide_credentials().await;
                loaded.map_err(|error| named(error, &nothing_found()))
            })
        })
    }

    /// A role, assumed through STS in the region of the configuration, with the configuration's credentials.
    pub fn role(access: &Access, arn: String, base: SdkConfig) -> Self {
        let external_id = access.external_id.clone();
        Self::new(ROLE_DEADLINE, move |_| {
            let mut builder = AssumeRoleProvider::builder(arn.clone())
                .session_name("pilothouse")
                .configure(&base);
            if let Some(id) = &external_id {
                builder = builder.external_id(id);
            }
            Box::pin(async move { builder.build().await.provide_credentials().await })
        })
    }

    /// An API has said that they are expired or not known: they are read again soon, whatever they say of themselves.
    pub fn refused(&self) {
        self.0.state().refused = true;
    }

    async fn current(&self) -> provider::Result {
        let loading = {
            let mut state = self.0.state();
            if let Some(credentials) = state.fresh() {
                return Ok(credentials);
            }
            if state.pausing() {
                return state.answer();
            }
            let turn = state.turn;
            let start = || self.start(turn);
            state.loading.get_or_insert_with(start).clone()
        };
        loading.await;
        self.0.state().answer()
    }

    /// Starts a load of its own: it goes on when the poll that wanted it is given up, and nobody who waits for it can hold it up.
    fn start(&self, turn: usize) -> Shared<BoxFuture<'static, ()>> {
        let inner = Arc::clone(&self.0);
        let load = tokio::spawn(async move {
            let loaded = timeout(inner.deadline, (inner.load)(turn)).await;
            inner.state().settle(
                loaded
                    .unwrap_or_else(|_| Err(CredentialsError::provider_timed_out(inner.deadline))),
            );
        });
        let inner = Arc::clone(&self.0);
        let ended = async move {
            if load.await.is_err() {
                let error = CredentialsError::unhandled("the load of the credentials broke off");
                inner.state().settle(Err(error));
            }
        };
        ended.boxed().shared()
    }
}

/// The SDK says "the credential provider was not enabled" of a profile that does not exist: says what is missing instead. Other errors stay.
fn named(error: CredentialsError, missing: &str) -> CredentialsError {
    match error {
        CredentialsError::CredentialsNotLoaded(_) => {
            CredentialsError::provider_error(missing.to_owned())
        }
        other => other,
    }
}

fn profile_missing(profile: &str) -> String {
    format!("profile `{profile}` is not in the shared AWS configuration, or has no credentials")
}

fn nothing_found() -> String {
    let profile = std::env::var("AWS_PROFILE").unwrap_or_else(|_| "default".to_owned());
    format!(
        "none in the environment, in profile `{profile}`, from web identity, container or instance metadata"
    )
}

impl Inner {
    /// Held for moments only. A state that was left in the middle of a change is still a state.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// What is held, where it needs no renewal yet.
    fn fresh(&self) -> Option<Credentials> {
        let held = self.unexpired()?;
        let since = self.tried?.elapsed();
        let due = match held.expiry() {
            _ if self.refused => since >= REFUSED,
            None => since >= LIFE,
            // Sources that hand out nearly expired credentials are not asked in a loop.
            Some(expiry) => expiry <= SystemTime::now() + AHEAD && since >= LIFE,
        };
        (!due).then_some(held)
    }

    /// What is held, where it still signs.
    fn unexpired(&self) -> Option<Credentials> {
        let held = self.held.as_ref()?;
        let alive = held
            .expiry()
            .is_none_or(|expiry| expiry > SystemTime::now());
        alive.then(|| held.clone())
    }

    /// Whether the last load failed so recently that it is not tried again.
    fn pausing(&self) -> bool {
        let pause = PAUSE * self.failures.min(LONGEST);
        self.failure.is_some() && self.tried.is_some_and(|tried| tried.elapsed() < pause)
    }

    /// What a caller gets: credentials that still sign, or why there are none.
    fn answer(&self) -> provider::Result {
        self.unexpired().ok_or_else(|| {
            let text = self.failure.as_deref().unwrap_or("no credentials");
            CredentialsError::provider_error(text.to_owned())
        })
    }

    fn settle(&mut self, loaded: provider::Result) {
        self.tried = Some(Instant::now());
        self.loading = None;
        match loaded {
            Ok(credentials) => {
                self.held = Some(credentials);
                self.refused = false;
                self.failure = None;
                self.failures = 0;
            }
            Err(error) => {
                self.failure = Some(super::translate::reason(&error));
                self.failures = self.failures.saturating_add(1);
                self.turn = self.turn.wrapping_add(1);
            }
        }
    }
}

impl ProvideCredentials for CachedCredentials {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.current())
    }
}

impl fmt::Debug for CachedCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedCredentials").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn keys(expiry: Option<SystemTime>) -> Credentials {
        Credentials::new("AKID", "secret", None, expiry, "test")
    }

    #[test]
    fn a_profile_that_is_missing_is_named_and_other_errors_stay() {
        let missing = named(
            CredentialsError::not_loaded("the credential provider was not enabled"),
            &profile_missing("nope"),
        );
        assert!(crate::provider::translate::reason(&missing).contains("profile `nope` is not in"));
        let other = named(CredentialsError::provider_error("sso is down"), "no");
        assert!(crate::provider::translate::reason(&other).contains("sso is down"));
    }

    #[tokio::test(start_paused = true)]
    async fn one_load_answers_everybody_and_a_hung_one_ends() {
        let loads = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&loads);
        let hung = CachedCredentials::new(Duration::from_secs(4), move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
            Box::pin(std::future::pending())
        });
        let started = Instant::now();
        let all = futures::future::join_all((0..20).map(|_| hung.current())).await;
        assert!(all.iter().all(Result::is_err));
        assert_eq!(loads.load(Ordering::Relaxed), 1);
        assert_eq!(started.elapsed(), Duration::from_secs(4));
    }

    #[tokio::test(start_paused = true)]
    async fn a_poll_that_is_not_polled_holds_nobody_up() {
        let source = CachedCredentials::new(Duration::from_secs(4), |_| {
            Box::pin(async {
                tokio::time::sleep(Duration::from_secs(1)).await;
                Ok(keys(None))
            })
        });
        let mut idle = Box::pin(source.current());
        assert!(futures::poll!(&mut idle).is_pending());
        assert!(source.current().await.is_ok());
        assert!(idle.await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_failure_the_next_region_is_tried() {
        let source = CachedCredentials::new(Duration::from_secs(4), |turn| {
            Box::pin(async move {
                if turn == 0 {
                    Err(CredentialsError::not_loaded("first region is lost"))
                } else {
                    Ok(keys(None))
                }
            })
        });
        assert!(source.current().await.is_err());
        assert!(source.current().await.is_err(), "within the pause");
        tokio::time::advance(PAUSE).await;
        assert!(source.current().await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn expiring_credentials_serve_while_their_renewal_fails() {
        let source =
            CachedCredentials::new(Duration::from_secs(4), |_| Box::pin(std::future::pending()));
        let soon = SystemTime::now() + Duration::from_secs(200);
        *source.0.state() = State {
            held: Some(keys(Some(soon))),
            tried: Some(Instant::now()),
            ..State::default()
        };
        tokio::time::advance(LIFE).await;
        assert_eq!(source.current().await.unwrap().expiry(), Some(soon));
    }

    #[tokio::test(start_paused = true)]
    async fn credentials_that_were_refused_are_read_again_soon_and_not_in_a_loop() {
        let loads = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&loads);
        let source = CachedCredentials::new(Duration::from_secs(4), move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
            Box::pin(async { Ok(keys(None)) })
        });
        let after = async |seconds| {
            tokio::time::advance(Duration::from_secs(seconds)).await;
            source.current().await.unwrap();
            loads.load(Ordering::Relaxed)
        };
        assert_eq!((after(0).await, after(30).await), (1, 1));
        source.refused();
        assert_eq!((after(0).await, after(0).await), (2, 2));
        // The same were read again, and refused again.
        source.refused();
        assert_eq!((after(4).await, after(1).await), (2, 3));
        assert_eq!((after(30).await, after(30).await), (3, 4));
    }
}
