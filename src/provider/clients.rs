//! The SDK configuration of each place: region, credentials, deadlines, endpoint. Owns what is shared between places (one connector, one copy of each profile's credentials) and what is not (everything else); asks nobody.
//!
//! The SDK's own environment stays in force: `AWS_PROFILE`, `AWS_ENDPOINT_URL`, `AWS_ENDPOINT_URL_<SERVICE>`, SSO, web identity,
//! container and instance metadata, proxies.

use std::{
    collections::BTreeMap,
    env,
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use tokio::sync::OnceCell;

use super::{connector::Connector, credentials::CachedCredentials};
use crate::resources::{
    ErrorClass, Estate, Place, ProviderError,
    estate::{Access, RegionSpec},
};

/// The deadline of one call, its retry included (domain A.9).
pub const CALL_DEADLINE: Duration = Duration::from_secs(10);

/// The deadlines of a client.
pub fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(3))
        .operation_attempt_timeout(Duration::from_secs(8))
        .operation_timeout(CALL_DEADLINE)
        .build()
}

/// One quick retry for a dropped connection or a passing server error; backing off for longer is the scheduler's part.
pub fn retries() -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(2)
        .with_initial_backoff(Duration::from_millis(250))
}

/// Where and as whom a place is asked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Signing {
    /// How calls are signed.
    pub access: Access,
    /// The AWS Region; `None` for a region that is not an AWS Region (its Kubernetes clusters can still be asked).
    pub region: Option<String>,
    /// The endpoint, where it is not the region's own.
    pub endpoint: Option<String>,
}

impl Signing {
    /// How a place is asked; an error when the estate does not know it.
    pub fn of(estate: &Estate, place: &Place) -> Result<Self, ProviderError> {
        let unknown = || {
            let text = format!("{place} is not in the configuration");
            ProviderError::new(ErrorClass::NotFound, "config", text)
        };
        match place {
            Place::Global => Ok(Self {
                access: estate.access.clone(),
                region: Some(global_region(estate).to_owned()),
                endpoint: None,
            }),
            Place::Region(label) => {
                let spec = estate.region(label).ok_or_else(unknown)?;
                Ok(Self {
                    access: spec.access.clone(),
                    region: spec.aws_region.clone(),
                    endpoint: None,
                })
            }
            Place::Endpoint(region) => {
                let mut endpoints = estate.recovery_endpoints.iter();
                let endpoint = endpoints
                    .find(|endpoint| endpoint.region == *region)
                    .ok_or_else(unknown)?;
                Ok(Self {
                    access: estate.access.clone(),
                    region: Some(region.clone()),
                    endpoint: Some(endpoint.url.clone()),
                })
            }
        }
    }
}

/// Where the global services are signed: us-east-1, or its counterpart in the partition of the estate.
fn global_region(estate: &Estate) -> &'static str {
    let first = estate
        .regions
        .iter()
        .find_map(|region| region.aws_region.as_deref());
    match first {
        Some(region) if region.starts_with("cn-") => "cn-northwest-1",
        Some(region) if region.starts_with("us-gov-") => "us-gov-west-1",
        _ => "us-east-1",
    }
}

/// The configurations of an estate, made when a place is first asked.
#[derive(Debug)]
pub struct Clients {
    estate: Arc<Estate>,
    connector: OnceCell<Connector>,
    profiles: Mutex<BTreeMap<Option<String>, CachedCredentials>>,
    roles: Mutex<BTreeMap<Signing, CachedCredentials>>,
    configs: Mutex<BTreeMap<Signing, Arc<OnceCell<SdkConfig>>>>,
}

impl Clients {
    /// Nothing is read or asked yet.
    pub fn new(estate: Arc<Estate>) -> Self {
        Self {
            estate,
            connector: OnceCell::new(),
            profiles: Mutex::default(),
            roles: Mutex::default(),
            configs: Mutex::default(),
        }
    }

    /// The configuration of a place. Reads the shared AWS files, never the network.
    pub async fn config(&self, place: &Place) -> Result<SdkConfig, ProviderError> {
        let signing = Signing::of(&self.estate, place)?;
        let Some(region) = signing.region.clone() else {
            return Ok(SdkConfig::builder().build());
        };
        // The lock is held for a look-up only; two places never wait for each other.
        let cell = match self.configs.lock() {
            Ok(mut configs) => Arc::clone(configs.entry(signing.clone()).or_default()),
            Err(_) => Arc::default(),
        };
        let config = cell.get_or_try_init(|| self.load(signing, region)).await?;
        Ok(config.clone())
    }

    /// An API of a place has refused its credentials: they are read again soon.
    pub fn refused(&self, place: &Place) {
        let Ok(signing) = Signing::of(&self.estate, place) else {
            return;
        };
        let of_profile = held(&self.profiles, &signing.access.profile);
        let of_role = held(&self.roles, &signing);
        for credentials in of_role.into_iter().chain(of_profile) {
            credentials.refused();
        }
    }

    async fn load(&self, signing: Signing, region: String) -> Result<SdkConfig, ProviderError> {
        let missing = || {
            let text = "the AWS SDK was built without an HTTPS connector";
            ProviderError::new(ErrorClass::Terminal, "config", text)
        };
        let connector = self
            .connector
            .get_or_try_init(|| async { Connector::new().await.ok_or_else(missing) })
            .await?;
        let Signing {
            access, endpoint, ..
        } = signing.clone();
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new(region))
            .http_client(connector.clone())
            .timeout_config(timeouts())
            .retry_config(retries())
            // Ours is the cache: it has a deadline and is shared between the clients of a place.
            .identity_cache(aws_config::identity::IdentityCache::no_cache())
            .credentials_provider(SharedCredentialsProvider::new(
                self.profile(access.profile.as_ref(), connector),
            ));
        if let Some(profile) = &access.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(url) = endpoint {
            loader = loader.endpoint_url(url);
        }
        let config = loader.load().await;
        let Some(arn) = access.role_arn.clone() else {
            return Ok(config);
        };
        // Each region assumes its role through its own STS: none depends on another.
        let role = CachedCredentials::role(&access, arn, config.clone());
        if let Ok(mut roles) = self.roles.lock() {
            roles.insert(signing, role.clone());
        }
        let builder = config.into_builder();
        Ok(builder
            .credentials_provider(SharedCredentialsProvider::new(role))
            .build())
    }

    /// The credentials of a profile, one copy for all places.
    fn profile(&self, profile: Option<&String>, connector: &Connector) -> CachedCredentials {
        let make = || {
            let regions = sts_regions(&self.estate, env::var("AWS_REGION").ok());
            CachedCredentials::chain(profile.cloned(), regions, connector.clone())
        };
        match self.profiles.lock() {
            Ok(mut profiles) => profiles
                .entry(profile.cloned())
                .or_insert_with(make)
                .clone(),
            Err(_) => make(),
        }
    }
}

fn held<K: Ord>(all: &Mutex<BTreeMap<K, CachedCredentials>>, key: &K) -> Option<CachedCredentials> {
    all.lock().ok()?.get(key).cloned()
}

/// Where a profile that assumes a role may ask STS, in order: the engineer's own region first, then those of the estate.
fn sts_regions(estate: &Estate, preferred: Option<String>) -> Vec<String> {
    let of = |region: &RegionSpec| region.aws_region.clone();
    let mut regions: Vec<String> = preferred
        .into_iter()
        .chain(estate.regions.iter().filter_map(of))
        .chain([global_region(estate).to_owned()])
        .collect();
    let mut seen = std::collections::BTreeSet::new();
    regions.retain(|region| !region.is_empty() && seen.insert(region.clone()));
    regions
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::{RegionLabel, estate::RecoveryEndpoint};

    fn estate() -> Estate {
        let region = |label: &str, aws_region: Option<&str>| RegionSpec {
            label: RegionLabel::new(label).unwrap(),
            aws_region: aws_region.map(str::to_owned),
            role: crate::resources::estate::RegionRole::Active,
            access: Access {
                role_arn: Some(format!("arn:aws:iam::123456789012:role/{label}")),
                ..Access::default()
            },
            kube_contexts: Vec::new(),
            capacity_rps: None,
            load_balancers: Vec::new(),
            backends: Vec::new(),
            capacity_nodes: None,
            residency: Vec::new(),
        };
        Estate {
            regions: vec![
                region("europe", Some("eu-west-1")),
                region("gke", None),
                region("asia", Some("ap-southeast-1")),
            ],
            recovery_endpoints: vec![RecoveryEndpoint {
                region: "us-west-2".to_owned(),
                url: "https://host.example".to_owned(),
            }],
            ..Estate::default()
        }
    }

    fn signing(place: &Place) -> Signing {
        Signing::of(&estate(), place).unwrap()
    }

    #[test]
    fn each_place_is_signed_for_itself() {
        let europe = signing(&Place::Region(RegionLabel::new("europe").unwrap()));
        assert_eq!(europe.region.as_deref(), Some("eu-west-1"));
        assert_eq!(
            europe.access.role_arn.as_deref(),
            Some("arn:aws:iam::123456789012:role/europe")
        );
        let global = signing(&Place::Global);
        assert_eq!(
            (global.region.as_deref(), global.access),
            (Some("us-east-1"), Access::default())
        );
        let endpoint = signing(&Place::Endpoint("us-west-2".to_owned()));
        assert_eq!(endpoint.endpoint.as_deref(), Some("https://host.example"));
        let elsewhere = Place::Endpoint("eu-west-1".to_owned());
        assert!(Signing::of(&estate(), &elsewhere).is_err());
    }

    #[tokio::test]
    async fn an_endpoint_of_the_recovery_cluster_is_asked_at_its_own_address() {
        let clients = Clients::new(Arc::new(estate()));
        let place = Place::Endpoint("us-west-2".to_owned());
        let config = clients.config(&place).await.unwrap();
        assert_eq!(config.endpoint_url(), Some("https://host.example"));
        assert_eq!(config.region().map(AsRef::as_ref), Some("us-west-2"));
        let elsewhere = Place::Region(RegionLabel::new("gke").unwrap());
        assert!(clients.config(&elsewhere).await.unwrap().region().is_none());
    }

    #[test]
    fn sts_is_asked_at_home_first_and_nowhere_twice() {
        assert_eq!(
            sts_regions(&estate(), Some("ap-southeast-1".to_owned())),
            ["ap-southeast-1", "eu-west-1", "us-east-1"]
        );
    }
}
