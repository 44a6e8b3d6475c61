//! The bearer token of an EKS cluster: a presigned STS request, made here without asking anybody. Owns its form and how long it is used; knows no API server.

use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_credential_types::provider::ProvideCredentials;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign},
    sign::v4,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;

use super::{access::Secret, fault::Fault};
use crate::resources::ErrorClass;

const OPERATION: &str = "sts:GetCallerIdentity";
/// The header that ties the request to one cluster.
const CLUSTER: &str = "x-k8s-aws-id";
/// Seconds for which the request itself may be sent to STS, as `aws eks get-token` asks for. The token lives for 15 minutes from its date all the same.
const EXPIRES: Duration = Duration::from_secs(60);
/// For how long a token is used: 15 minutes less room for a slow call and a clock that is off.
const USED_FOR: Duration = Duration::from_secs(12 * 60);

/// Makes a token for a cluster with the credentials of its region.
pub async fn mint(config: &SdkConfig, cluster: &str) -> Result<Secret, Fault> {
    let identity = |text: &str| Fault::new(ErrorClass::Identity, OPERATION, text);
    let provider = config
        .credentials_provider()
        .ok_or_else(|| identity("no credentials for this region"))?;
    let region = config
        .region()
        .ok_or_else(|| identity("a cluster of EKS in a region that is no AWS Region"))?;
    let credentials = provider.provide_credentials().await;
    let credentials =
        credentials.map_err(|error| identity(&crate::provider::translate::chain(&error)))?;
    let now = SystemTime::now();
    let until = now + USED_FOR;
    let until = credentials.expiry().map_or(until, |end| end.min(until));
    let url =
        presign(credentials, region.as_ref(), cluster, now).map_err(|text| identity(&text))?;
    Ok(Secret::Token {
        token: format!("k8s-aws-v1.{}", URL_SAFE_NO_PAD.encode(url)),
        until: Timestamp::try_from(until).ok(),
    })
}

/// The presigned request as a URL.
fn presign(
    credentials: aws_credential_types::Credentials,
    region: &str,
    cluster: &str,
    now: SystemTime,
) -> Result<String, String> {
    let identity = credentials.into();
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(EXPIRES);
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name("sts")
        .time(now)
        .settings(settings)
        .build()
        .map_err(|error| error.to_string())?
        .into();
    let url = format!(
        "https://{}/?Action=GetCallerIdentity&Version=2011-06-15",
        host(region)
    );
    let headers = [(CLUSTER, cluster)].into_iter();
    let request = SignableRequest::new("GET", url.as_str(), headers, SignableBody::Bytes(&[]))
        .map_err(|error| error.to_string())?;
    let (signed, _) = sign(request, &params)
        .map_err(|error| error.to_string())?
        .into_parts();
    let mut request = http::Request::get(url)
        .body(())
        .map_err(|error| error.to_string())?;
    signed.apply_to_request_http1x(&mut request);
    Ok(request.uri().to_string())
}

/// The regional STS endpoint: no cluster depends on another Region to know who we are.
fn host(region: &str) -> String {
    let suffix = if region.starts_with("cn-") {
        "amazonaws.com.cn"
    } else {
        "amazonaws.com"
    };
    format!("sts.{region}.{suffix}")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};

    use super::*;

    fn config(expiry: Option<SystemTime>) -> SdkConfig {
        let credentials = Credentials::new(
            "AKIDEXAMPLE",
            "secret",
            Some("session/+=".to_owned()),
            expiry,
            "test",
        );
        SdkConfig::builder()
            .region(aws_config::Region::new("eu-west-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .build()
    }

    async fn minted(expiry: Option<SystemTime>) -> (String, Timestamp) {
        match mint(&config(expiry), "prod").await.unwrap() {
            Secret::Token { token, until } => (token, until.unwrap()),
            Secret::Certificate { .. } => panic!("no token"),
        }
    }

    #[tokio::test]
    async fn a_token_is_a_presigned_request_that_names_its_cluster() {
        let (token, until) = minted(None).await;
        let encoded = token.strip_prefix("k8s-aws-v1.").unwrap();
        assert!(!encoded.contains('='));
        let url = String::from_utf8(URL_SAFE_NO_PAD.decode(encoded).unwrap()).unwrap();
        let (host, query) = url.split_once("/?").unwrap();
        assert_eq!(host, "https://sts.eu-west-1.amazonaws.com");
        let query: BTreeMap<&str, &str> = query
            .split('&')
            .map(|pair| pair.split_once('=').unwrap())
            .collect();
        assert_eq!(query["Action"], "GetCallerIdentity");
        assert_eq!(query["X-Amz-Expires"], "60");
        assert_eq!(query["X-Amz-SignedHeaders"], "host%3Bx-k8s-aws-id");
        assert_eq!(query["X-Amz-Security-Token"], "session%2F%2B%3D");
        assert!(query["X-Amz-Credential"].ends_with("%2Feu-west-1%2Fsts%2Faws4_request"));
        assert_eq!(query["X-Amz-Signature"].len(), 64);
        let left = until.as_second() - Timestamp::now().as_second();
        assert!((1..15 * 60).contains(&left), "{left} s of 15 minutes");
    }

    #[tokio::test]
    async fn a_token_ends_with_its_credentials() {
        let end = SystemTime::now() + Duration::from_secs(120);
        let (_, until) = minted(Some(end)).await;
        assert_eq!(until, Timestamp::try_from(end).unwrap());
    }

    #[test]
    fn china_has_endpoints_of_its_own() {
        assert_eq!(host("cn-north-1"), "sts.cn-north-1.amazonaws.com.cn");
    }
}
