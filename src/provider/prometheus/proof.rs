//! Who we are to a Prometheus: a token or a password from a file or the environment, or the signature of AWS. Owns when secrets are read (for every call) and that none is shown; knows no query.

use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_credential_types::provider::ProvideCredentials;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderValue, Request, header};
use tokio::time::timeout;

use crate::{
    provider::translate::chain,
    resources::metrics::dialect::{Auth, Prometheus, Secret},
};

/// A home directory may hang.
const READ_FILE: Duration = Duration::from_secs(3);
/// Bytes of a secret that are read.
const MOST: usize = 64 * 1024;

/// Adds what proves who we are to a call.
pub async fn add(
    request: &mut Request<Vec<u8>>,
    settings: &Prometheus,
    aws: &SdkConfig,
) -> Result<(), String> {
    let value = match &settings.auth {
        Auth::None => return Ok(()),
        Auth::Bearer(token) => format!("Bearer {}", read(token).await?),
        Auth::Basic { username, password } => {
            let pair = format!("{username}:{}", read(password).await?);
            format!("Basic {}", STANDARD.encode(pair))
        }
        Auth::SigV4(region) => return sign_for(request, &settings.url, region, aws).await,
    };
    let value = HeaderValue::from_str(&value);
    let mut value = value.map_err(|_| {
        "the secret has characters that no header may have; is it one line of text?".to_owned()
    })?;
    value.set_sensitive(true);
    request.headers_mut().insert(header::AUTHORIZATION, value);
    Ok(())
}

/// What stands behind the word that names the way, where it is a secret by itself.
pub fn secret_of(request: &Request<Vec<u8>>) -> Option<String> {
    let value = request
        .headers()
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?;
    let (way, secret) = value.split_once(' ')?;
    matches!(way, "Bearer" | "Basic").then(|| secret.to_owned())
}

/// Reads a secret where it is kept. Its text is in no error.
async fn read(secret: &Secret) -> Result<String, String> {
    let text = match secret {
        Secret::Env(name) => std::env::var(name)
            .map_err(|_| format!("the environment variable {name} is not set"))?,
        Secret::File(path) => {
            let read = timeout(READ_FILE, tokio::fs::read(path)).await;
            let read = read.map_err(|_| format!("{path} could not be read in time"))?;
            let bytes = read.map_err(|error| format!("{path} could not be read: {error}"))?;
            if bytes.len() > MOST {
                return Err(format!("{path} is too long for a secret"));
            }
            String::from_utf8(bytes).map_err(|_| format!("{path} is no text"))?
        }
    };
    let text = text.trim();
    if text.is_empty() {
        let place = match secret {
            Secret::Env(name) => format!("the environment variable {name}"),
            Secret::File(path) => path.clone(),
        };
        return Err(format!("{place} is empty"));
    }
    Ok(text.to_owned())
}

/// Signs a call for Amazon Managed Service for Prometheus.
async fn sign_for(
    request: &mut Request<Vec<u8>>,
    url: &str,
    region: &str,
    aws: &SdkConfig,
) -> Result<(), String> {
    let provider = aws
        .credentials_provider()
        .ok_or("no AWS credentials for this region")?;
    let credentials = provider.provide_credentials().await;
    let credentials = credentials.map_err(|error| chain(&error))?;
    signed(request, url, region, credentials, SystemTime::now())
}

fn signed(
    request: &mut Request<Vec<u8>>,
    url: &str,
    region: &str,
    credentials: aws_credential_types::Credentials,
    now: SystemTime,
) -> Result<(), String> {
    let identity = credentials.into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name("aps")
        .time(now)
        .settings(SigningSettings::default())
        .build()
        .map_err(|error| error.to_string())?
        .into();
    // The client puts the address of the server before the path.
    let path = request
        .uri()
        .path_and_query()
        .map_or("/", |path| path.as_str());
    let whole = format!("{url}{path}");
    let kind = request.headers().get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok());
    let headers = kind.map(|kind| ("content-type", kind)).into_iter();
    let body = SignableBody::Bytes(request.body());
    let signable = SignableRequest::new(request.method().as_str(), whole, headers, body)
        .map_err(|error| error.to_string())?;
    let (instructions, _) = sign(signable, &params)
        .map_err(|error| error.to_string())?
        .into_parts();
    instructions.apply_to_request_http1x(request);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_credential_types::Credentials;

    #[tokio::test]
    async fn a_secret_is_read_where_it_is_kept_and_shown_nowhere() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        std::fs::write(path("token"), "s3cret\n").unwrap();
        std::fs::write(path("empty"), " \n").unwrap();
        let file = |name: &str| Secret::File(path(name));
        assert_eq!(read(&file("token")).await.unwrap(), "s3cret");
        assert!(
            read(&file("empty"))
                .await
                .unwrap_err()
                .ends_with("is empty")
        );
        assert!(
            read(&file("none"))
                .await
                .unwrap_err()
                .contains("could not be read")
        );
        let unset = Secret::Env("PILOTHOUSE_NO_SUCH_VARIABLE".to_owned());
        assert!(read(&unset).await.unwrap_err().ends_with("is not set"));

        let settings = |auth| Prometheus {
            url: "https://p.example".to_owned(),
            auth,
            ca_file: None,
            selector: String::new(),
            window: 60,
            tenant: None,
            queries: Vec::new(),
            users: Vec::new(),
        };
        let aws = SdkConfig::builder().build();
        let sent = async |auth| {
            let mut request = Request::get("/api/v1/query").body(Vec::new()).unwrap();
            add(&mut request, &settings(auth), &aws).await.unwrap();
            let header = request.headers().get(header::AUTHORIZATION).cloned();
            assert!(!format!("{request:?}").contains("s3cret"));
            header.map(|value| value.to_str().unwrap().to_owned())
        };
        assert_eq!(sent(Auth::None).await, None);
        assert_eq!(
            sent(Auth::Bearer(file("token"))).await.as_deref(),
            Some("Bearer s3cret")
        );
        let basic = Auth::Basic {
            username: "ops".to_owned(),
            password: file("token"),
        };
        assert_eq!(
            sent(basic).await,
            Some(format!("Basic {}", STANDARD.encode("ops:s3cret")))
        );
    }

    #[test]
    fn the_signature_is_for_the_whole_address_and_the_service() {
        let mut request = Request::get("/api/v1/query?query=up%7B%7D")
            .body(Vec::new())
            .unwrap();
        let credentials = Credentials::new("AKIDEXAMPLE", "secret", None, None, "test");
        let url = "https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/ws-1";
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        signed(&mut request, url, "eu-west-1", credentials, now).unwrap();
        let header = |name: &str| request.headers().get(name).unwrap().to_str().unwrap();
        let authorization = header("authorization");
        assert!(
            authorization.contains("Credential=AKIDEXAMPLE/20231114/eu-west-1/aps/aws4_request"),
            "{authorization}"
        );
        assert!(authorization.contains("SignedHeaders=host;x-amz-date"));
        assert_eq!(header("x-amz-date"), "20231114T221320Z");
        assert_eq!(request.uri(), "/api/v1/query?query=up%7B%7D");
    }
}
