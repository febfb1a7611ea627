//! From a decided [`Connection`] to a client.

use std::sync::Arc;
use std::time::Duration;

use http::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::{GcpCredential, GoogleCloudStorageBuilder};
use object_store::http::HttpBuilder;
use object_store::limit::LimitStore;
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::{ClientOptions, ObjectStore, RetryConfig, StaticCredentialProvider};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::connection::{Connection, Credentials, Provider};
use crate::environment::Environment;
use crate::error::StorageError;
use crate::guarded::GuardedStore;
use crate::location::{Location, Scheme};
use crate::requests::Told;
use crate::rules::Defaults;
use crate::style::Style;

/// A host that does not answer a connection for this long is not there.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection may be silent. The whole of a request may take longer: that depends on its size.
const READ_TIMEOUT: Duration = Duration::from_secs(20);
const RETRIES: usize = 5;
/// Silent connections are tried again until this many timeouts have passed.
const TIMEOUTS_MAX: u32 = 3;
/// What stands in a path segment of a URL for a bucket such as `tenant:bucket`.
const BUCKET_ENCODE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_');

/// Builds the client of `connection`. No request is made.
pub(crate) fn open(
    connection: &Connection,
    defaults: &Defaults,
    timeout: Option<Duration>,
    environment: &Environment,
    memory: &Arc<InMemory>,
) -> Result<Arc<dyn ObjectStore>, StorageError> {
    let failed = |source| StorageError::Client { url: connection.location.to_string(), source };
    let timeout = timeout.or(defaults.timeout).unwrap_or(READ_TIMEOUT);
    let retry = RetryConfig {
        max_retries: defaults.retries.unwrap_or(RETRIES),
        // The last attempt begins before this has passed.
        retry_timeout: timeout.saturating_mul(TIMEOUTS_MAX - 1),
        ..RetryConfig::default()
    };
    let options = client_options(connection, timeout)?;
    let store: Arc<dyn ObjectStore> = match connection.location.scheme() {
        Scheme::File => Arc::new(LocalFileSystem::new()),
        Scheme::Memory => Arc::clone(memory) as Arc<dyn ObjectStore>,
        Scheme::S3 => Arc::new(s3(connection, retry, options, environment).build().map_err(failed)?),
        Scheme::Gs => Arc::new(google(connection, retry, options, environment).build().map_err(failed)?),
        Scheme::Azure => Arc::new(azure(connection, retry, options, environment).build().map_err(failed)?),
        Scheme::Http | Scheme::Https => {
            let url = base_url(&connection.location);
            let builder = HttpBuilder::new()
                .with_url(url)
                .with_retry(retry)
                .with_client_options(options)
                .with_http_connector(Told::default());
            Arc::new(builder.build().map_err(failed)?)
        }
    };
    let is_remote = !matches!(connection.location.scheme(), Scheme::File | Scheme::Memory);
    let store = match defaults.max_connections {
        Some(count) if is_remote => Arc::new(LimitStore::new(store, count)),
        _ => store,
    };
    Ok(Arc::new(GuardedStore::new(store, connection)))
}

fn client_options(connection: &Connection, timeout: Duration) -> Result<ClientOptions, StorageError> {
    let plain_url = connection.endpoint.as_deref().is_some_and(|url| url.starts_with("http://"));
    let plain = match connection.location.scheme() {
        Scheme::S3 => plain_url,
        Scheme::Http => true,
        _ => false,
    };
    let mut options = ClientOptions::new()
        .with_allow_http(plain)
        .with_user_agent(HeaderValue::from_static(concat!("rangefold/", env!("CARGO_PKG_VERSION"))))
        .with_connect_timeout(CONNECT_TIMEOUT.min(timeout))
        .with_timeout_disabled()
        .with_read_timeout(timeout);
    if let Some(proxy) = &connection.proxy {
        options = options.with_proxy_url(proxy);
    }
    if let Credentials::Bearer { token, source } = &connection.credentials {
        if plain {
            tracing::warn!(url = %connection.location, "a bearer token is sent unencrypted");
        }
        let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose())).map_err(|_| {
            let reason = format!("the token in {source} holds characters that cannot be sent");
            StorageError::Credentials { url: connection.location.to_string(), reason }
        })?;
        value.set_sensitive(true);
        options = options.with_default_headers(HeaderMap::from_iter([(AUTHORIZATION, value)]));
    }
    Ok(options)
}

fn s3(
    connection: &Connection,
    retry: RetryConfig,
    options: ClientOptions,
    environment: &Environment,
) -> AmazonS3Builder {
    let bucket = connection.location.authority();
    let encoded = utf8_percent_encode(bucket, BUCKET_ENCODE).to_string();
    let is_virtual = connection.style == Style::Virtual;
    let mut builder = AmazonS3Builder::new()
        .with_http_connector(Told::default())
        .with_region(&connection.region)
        .with_virtual_hosted_style_request(is_virtual)
        .with_request_payer(connection.requester_pays)
        .with_retry(retry)
        .with_client_options(options);
    if let Some(endpoint) = &connection.endpoint {
        // The client expects the bucket in the host of a virtual-hosted endpoint.
        let endpoint = match endpoint.split_once("://").filter(|_| is_virtual) {
            Some((scheme, host)) => format!("{scheme}://{encoded}.{host}"),
            None => endpoint.clone(),
        };
        builder = builder.with_endpoint(endpoint);
    }
    match &connection.credentials {
        Credentials::Keys { keys, .. } => {
            builder =
                builder.with_access_key_id(&keys.access_key).with_secret_access_key(keys.secret_key.expose());
            if let Some(token) = &keys.session_token {
                builder = builder.with_token(token.expose());
            }
        }
        Credentials::Provider(provider) => {
            let wanted: &[&str] = match provider {
                Provider::WebIdentity => &[
                    "aws_web_identity_token_file",
                    "aws_role_arn",
                    "aws_role_session_name",
                    "aws_endpoint_url_sts",
                ],
                Provider::Container => &[
                    "aws_container_credentials_relative_uri",
                    "aws_container_credentials_full_uri",
                    "aws_container_authorization_token_file",
                ],
                Provider::Instance | Provider::Variables => &["aws_metadata_endpoint", "aws_imdsv1_fallback"],
            };
            for (name, value) in environment.beginning_with("AWS_") {
                if wanted.contains(&name.as_str())
                    && let Ok(key) = name.parse()
                {
                    builder = builder.with_config(key, value);
                }
            }
        }
        Credentials::Anonymous | Credentials::Bearer { .. } => builder = builder.with_skip_signature(true),
    }
    builder.with_bucket_name(encoded)
}

fn google(
    connection: &Connection,
    retry: RetryConfig,
    options: ClientOptions,
    environment: &Environment,
) -> GoogleCloudStorageBuilder {
    let builder = GoogleCloudStorageBuilder::new()
        .with_http_connector(Told::default())
        .with_retry(retry)
        .with_client_options(options);
    let builder = match connection.credentials {
        Credentials::Provider(_) => {
            environment.beginning_with("GOOGLE_").fold(builder, |builder, (name, value)| match name.parse() {
                Ok(key) => builder.with_config(key, value),
                Err(_) => builder,
            })
        }
        // Without any, the client would look for a login of the user.
        _ => {
            let nobody = GcpCredential { bearer: String::new() };
            builder
                .with_credentials(Arc::new(StaticCredentialProvider::new(nobody)))
                .with_skip_signature(true)
        }
    };
    builder.with_bucket_name(connection.location.authority())
}

fn azure(
    connection: &Connection,
    retry: RetryConfig,
    options: ClientOptions,
    environment: &Environment,
) -> MicrosoftAzureBuilder {
    let builder = MicrosoftAzureBuilder::new()
        .with_http_connector(Told::default())
        .with_retry(retry)
        .with_client_options(options);
    let signed = matches!(connection.credentials, Credentials::Provider(_));
    // The account is needed unsigned as well; of an unsigned request's variables nothing else counts.
    let builder =
        environment.beginning_with("AZURE_").fold(builder, |builder, (name, value)| match name.parse() {
            Ok(key) if signed || name == "azure_storage_account_name" => builder.with_config(key, value),
            _ => builder,
        });
    let builder = builder.with_skip_signature(!signed);
    match connection.location.authority().split_once('@') {
        Some((container, host)) => {
            let account = host.split('.').next().unwrap_or(host);
            builder.with_container_name(container).with_account(account)
        }
        None => builder.with_container_name(connection.location.authority()),
    }
}

/// What every path on the host is appended to; a signature in the query is part of every request.
fn base_url(location: &Location) -> String {
    let (scheme, host) = (location.scheme(), location.authority());
    match location.query() {
        Some(query) => format!("{scheme}://{host}/?{query}"),
        None => format!("{scheme}://{host}/"),
    }
}
