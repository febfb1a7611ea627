//! What has been decided about one URL, before any request is made.

use std::fmt;

use crate::access::Access;
use crate::environment::Environment;
use crate::error::StorageError;
use crate::location::{Location, Scheme};
use crate::options::StorageOptions;
use crate::profile::{self, Keys, Profile};
use crate::rules::{CredentialSource, EndpointChoice, Rule, Rules, Unmatched};
use crate::secret::Secret;
use crate::style::Style;

/// Everything that is known about how a URL will be reached. `Display` writes one setting per line, without secrets.
#[derive(Clone, Debug)]
pub struct Connection {
    /// The place itself, after rewriting.
    pub location: Location,
    /// The `match` of the rule that holds for it.
    pub rule: Option<String>,
    /// The endpoint of S3 requests; `None` is Amazon's own.
    pub endpoint: Option<String>,
    /// How S3 buckets are named.
    pub style: Style,
    /// The region S3 requests are signed for.
    pub region: String,
    /// What may be done.
    pub access: Access,
    /// Whether requests accept to be charged.
    pub requester_pays: bool,
    pub(crate) proxy: Option<String>,
    pub(crate) credentials: Credentials,
    /// Which rule, to tell stores of one bucket apart.
    pub(crate) rule_index: Option<usize>,
}

/// Credentials, found.
#[derive(Clone, Debug)]
pub(crate) enum Credentials {
    /// Nothing to be signed: local, in memory, or open to all.
    Anonymous,
    /// A pair of keys, and where they were found.
    Keys { keys: Keys, source: String },
    /// Asked for by the client when it needs them.
    Provider(Provider),
    /// Sent with every request.
    Bearer { token: Secret, source: String },
}

/// A service that hands out temporary credentials.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Provider {
    WebIdentity,
    Container,
    Instance,
    /// The variables of Google and Azure, which their clients read themselves.
    Variables,
}

impl Connection {
    /// Where the credentials come from, without the credentials.
    #[must_use]
    pub fn credentials(&self) -> String {
        match &self.credentials {
            Credentials::Anonymous => "none (anonymous)".to_owned(),
            Credentials::Keys { keys, source } if keys.session_token.is_some() => {
                format!("temporary keys from {source}")
            }
            Credentials::Keys { source, .. } => format!("keys from {source}"),
            Credentials::Provider(Provider::WebIdentity) => "web identity".to_owned(),
            Credentials::Provider(Provider::Container) => "container".to_owned(),
            Credentials::Provider(Provider::Instance) => "instance metadata".to_owned(),
            Credentials::Provider(Provider::Variables) => "environment".to_owned(),
            Credentials::Bearer { source, .. } => format!("bearer token from {source}"),
        }
    }
}

impl fmt::Display for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "url: {}", self.location)?;
        writeln!(f, "rule: {}", self.rule.as_deref().unwrap_or("none"))?;
        if self.location.scheme() == Scheme::S3 {
            writeln!(f, "endpoint: {}", self.endpoint.as_deref().unwrap_or("Amazon"))?;
            writeln!(f, "style: {}", self.style)?;
            writeln!(f, "region: {}", self.region)?;
            writeln!(f, "requester pays: {}", self.requester_pays)?;
        }
        writeln!(f, "credentials: {}", self.credentials())?;
        write!(f, "access: {}", self.access)
    }
}

/// The three places settings come from, the most specific first.
pub(crate) struct Sources<'a> {
    pub(crate) rules: &'a Rules,
    pub(crate) options: &'a StorageOptions,
    pub(crate) environment: &'a Environment,
}

impl Sources<'_> {
    /// Decides everything about `location`. No request is made.
    pub(crate) fn connection(&self, location: &Location) -> Result<Connection, StorageError> {
        let location = self.rules.rewritten(location);
        let rule = self.rules.settings(&location);
        let named = rule.and_then(|rule| match &rule.endpoint {
            EndpointChoice::Named(name) => self.rules.endpoints.get(name),
            _ => None,
        });
        let (credentials, profile) = self.credentials(&location, rule)?;
        let profile = profile.unwrap_or_default();
        let variable = |name| self.environment.value(name).map(str::to_owned);
        let endpoint = match rule.map(|rule| &rule.endpoint) {
            Some(EndpointChoice::Amazon) => None,
            Some(EndpointChoice::Named(_)) => named.map(|endpoint| endpoint.url.clone()),
            Some(EndpointChoice::Unsaid) | None => (self.options.endpoint_url.clone())
                .or_else(|| variable("AWS_ENDPOINT_URL_S3"))
                .or_else(|| variable("AWS_ENDPOINT_URL"))
                .or(profile.endpoint_url),
        };
        let endpoint = match endpoint {
            Some(url) if location.scheme() == Scheme::S3 => {
                Location::endpoint(&url)?;
                Some(url.trim_end_matches('/').to_owned())
            }
            _ => None,
        };
        let region = (rule.and_then(|rule| rule.region.clone()))
            .or_else(|| named.and_then(|endpoint| endpoint.region.clone()))
            .or_else(|| self.options.region.clone())
            .or_else(|| variable("AWS_REGION"))
            .or_else(|| variable("AWS_DEFAULT_REGION"))
            .or(profile.region)
            .unwrap_or_else(|| "us-east-1".to_owned());
        let wanted = named.and_then(|endpoint| endpoint.style).unwrap_or(match &endpoint {
            Some(_) if self.environment.flag("AWS_VIRTUAL_HOSTED_STYLE_REQUEST") => Style::Virtual,
            Some(_) => Style::Path,
            None => Style::Virtual,
        });
        let style = if is_host_label(location.authority()) { wanted } else { Style::Path };
        Ok(Connection {
            rule: rule.map(|rule| rule.text.clone()),
            rule_index: rule
                .and_then(|rule| self.rules.rules.iter().position(|other| std::ptr::eq(rule, other))),
            access: rule.map_or(Access::ALL, |rule| rule.access),
            requester_pays: rule.is_some_and(|rule| rule.requester_pays)
                || self.environment.flag("AWS_REQUEST_PAYER"),
            proxy: named.and_then(|endpoint| endpoint.proxy.clone()),
            endpoint,
            style,
            region,
            credentials,
            location,
        })
    }

    /// The credentials for `location`, and the profile they came from: it may name a region and an endpoint as well.
    fn credentials(
        &self,
        location: &Location,
        rule: Option<&Rule>,
    ) -> Result<(Credentials, Option<Profile>), StorageError> {
        let url = || location.to_string();
        let named = rule.and_then(|rule| self.rules.credentials.get(rule.credentials.as_ref()?));
        match (location.scheme(), named) {
            (Scheme::File | Scheme::Memory, _) => Ok((Credentials::Anonymous, None)),
            (_, Some(source)) => self.found_at(source, location),
            (Scheme::Http | Scheme::Https, None) => Ok((Credentials::Anonymous, None)),
            (_, None) if self.options.anonymous => Ok((Credentials::Anonymous, None)),
            (Scheme::Gs | Scheme::Azure, None) => self.variables(location).map(|found| (found, None)),
            (Scheme::S3, None) => match (&self.options.profile, rule, self.rules.defaults.on_unmatched_s3) {
                (Some(name), ..) => self.profile(name, location),
                (None, None, Unmatched::Anonymous) => Ok((Credentials::Anonymous, None)),
                (None, None, Unmatched::Error) => {
                    let reason = "no storage rule matches, and on_unmatched_s3 is error".to_owned();
                    Err(StorageError::Credentials { url: url(), reason })
                }
                _ => self.chain(location),
            },
        }
    }

    /// What a named source of the rules holds.
    fn found_at(
        &self,
        source: &CredentialSource,
        location: &Location,
    ) -> Result<(Credentials, Option<Profile>), StorageError> {
        let variable = |name: &str| match self.environment.value(name) {
            Some(value) => Ok(value.to_owned()),
            None => Err(StorageError::Credentials {
                url: location.to_string(),
                reason: format!("the environment variable {name} is not set"),
            }),
        };
        Ok(match source {
            CredentialSource::Anonymous {} => (Credentials::Anonymous, None),
            CredentialSource::Default {} if location.scheme() == Scheme::S3 => self.chain(location)?,
            CredentialSource::Default {} => (self.variables(location)?, None),
            CredentialSource::Env { access_key, secret_key, session_token } => {
                let keys = Keys {
                    access_key: variable(access_key)?,
                    secret_key: Secret::new(variable(secret_key)?),
                    session_token: session_token.as_deref().map(variable).transpose()?.map(Secret::new),
                };
                (Credentials::Keys { keys, source: access_key.clone() }, None)
            }
            CredentialSource::Profile { name } => self.profile(name, location)?,
            CredentialSource::Bearer { token_env } => {
                let token = Secret::new(variable(token_env)?);
                (Credentials::Bearer { token, source: token_env.clone() }, None)
            }
            CredentialSource::WebIdentity {} => (Credentials::Provider(Provider::WebIdentity), None),
            CredentialSource::Container {} => (Credentials::Provider(Provider::Container), None),
            CredentialSource::Instance {} => (Credentials::Provider(Provider::Instance), None),
        })
    }

    fn profile(
        &self,
        name: &str,
        location: &Location,
    ) -> Result<(Credentials, Option<Profile>), StorageError> {
        let refused = |reason| StorageError::Credentials { url: location.to_string(), reason };
        let mut profile =
            profile::read(name, self.environment).map_err(|problem| refused(problem.to_string()))?;
        match (profile.keys.take(), profile.dynamic) {
            (Some(keys), _) => {
                Ok((Credentials::Keys { keys, source: format!("profile {name:?}") }, Some(profile)))
            }
            (None, Some(setting)) => Err(refused(format!(
                "profile {name:?} has no static keys but {setting}, which is not supported; \
                 `aws configure export-credentials --profile {name} --format env` puts temporary keys into the environment"
            ))),
            (None, None) => {
                Err(refused(format!("profile {name:?} has no aws_access_key_id and aws_secret_access_key")))
            }
        }
    }

    /// What is used when nobody says anything: variables, then a profile, then the services a machine announces in variables. The
    /// metadata service of an instance is asked only when a rule says so: elsewhere, waiting for it takes long and ends in nothing.
    fn chain(&self, location: &Location) -> Result<(Credentials, Option<Profile>), StorageError> {
        let environment = self.environment;
        let refused =
            |reason: &str| StorageError::Credentials { url: location.to_string(), reason: reason.to_owned() };
        if environment.flag("AWS_SKIP_SIGNATURE") {
            return Ok((Credentials::Anonymous, None));
        }
        match (environment.value("AWS_ACCESS_KEY_ID"), environment.value("AWS_SECRET_ACCESS_KEY")) {
            (Some(access_key), Some(secret_key)) => {
                let keys = Keys {
                    access_key: access_key.to_owned(),
                    secret_key: Secret::new(secret_key),
                    session_token: environment.value("AWS_SESSION_TOKEN").map(Secret::new),
                };
                return Ok((Credentials::Keys { keys, source: "AWS_ACCESS_KEY_ID".to_owned() }, None));
            }
            (Some(_), None) => {
                return Err(refused("AWS_ACCESS_KEY_ID is set but AWS_SECRET_ACCESS_KEY is not"));
            }
            (None, Some(_)) => {
                return Err(refused("AWS_SECRET_ACCESS_KEY is set but AWS_ACCESS_KEY_ID is not"));
            }
            (None, None) => {}
        }
        if let Some(name) = environment.value("AWS_PROFILE") {
            return self.profile(name, location);
        }
        let set = |name| environment.value(name).is_some();
        if set("AWS_WEB_IDENTITY_TOKEN_FILE") && set("AWS_ROLE_ARN") {
            return Ok((Credentials::Provider(Provider::WebIdentity), None));
        }
        if set("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") || set("AWS_CONTAINER_CREDENTIALS_FULL_URI") {
            return Ok((Credentials::Provider(Provider::Container), None));
        }
        match profile::read("default", environment) {
            Ok(profile) if profile.keys.is_some() || profile.dynamic.is_some() => {
                self.profile("default", location)
            }
            Err(problem @ profile::ProfileProblem::Unreadable { .. }) => Err(refused(&problem.to_string())),
            Ok(_) | Err(profile::ProfileProblem::Missing { .. }) => Err(refused(
                "no rule, AWS_ACCESS_KEY_ID or profile says which; public data can be read with --anonymous, \
                 another profile with --profile, the role of an EC2 instance with a rule of type instance",
            )),
        }
    }

    /// Google and Azure: their clients read their own variables; that there are any is checked here, because without them they would
    /// wait for a metadata service.
    fn variables(&self, location: &Location) -> Result<Credentials, StorageError> {
        let set = |names: &[&str]| names.iter().any(|name| self.environment.value(name).is_some());
        let (found, hint) = match location.scheme() {
            Scheme::Gs => (
                set(&GOOGLE_CREDENTIALS)
                    || self.environment.home().is_some_and(|home| home.join(GOOGLE_LOGIN).is_file()),
                "GOOGLE_APPLICATION_CREDENTIALS names a key file",
            ),
            _ => (
                set(&AZURE_CREDENTIALS),
                "AZURE_STORAGE_ACCOUNT_KEY, AZURE_STORAGE_SAS_TOKEN or AZURE_CLIENT_SECRET are looked at",
            ),
        };
        if found {
            return Ok(Credentials::Provider(Provider::Variables));
        }
        let reason = format!("no variable says which ({hint}); public data can be read with --anonymous");
        Err(StorageError::Credentials { url: location.to_string(), reason })
    }
}

const GOOGLE_CREDENTIALS: [&str; 5] = [
    "GOOGLE_APPLICATION_CREDENTIALS",
    "GOOGLE_SERVICE_ACCOUNT",
    "GOOGLE_SERVICE_ACCOUNT_PATH",
    "GOOGLE_SERVICE_ACCOUNT_KEY",
    "GOOGLE_BEARER_TOKEN",
];

/// Where `gcloud auth application-default login` leaves its answer, below the user's folder.
const GOOGLE_LOGIN: &str = ".config/gcloud/application_default_credentials.json";

const AZURE_CREDENTIALS: [&str; 8] = [
    "AZURE_STORAGE_USE_EMULATOR",
    "AZURE_STORAGE_ACCOUNT_KEY",
    "AZURE_STORAGE_ACCESS_KEY",
    "AZURE_STORAGE_SAS_TOKEN",
    "AZURE_STORAGE_SAS_KEY",
    "AZURE_STORAGE_TOKEN",
    "AZURE_CLIENT_SECRET",
    "AZURE_FEDERATED_TOKEN_FILE",
];

/// Whether a bucket can stand before a host under one certificate: `a-b`, not `a.b`, `a_b`, `A` or `tenant:b`.
fn is_host_label(bucket: &str) -> bool {
    bucket.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}
