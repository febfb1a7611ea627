//! Which credentials, endpoint and rights belong to which URL: a YAML file that every command shares.
//!
//! ```yaml
//! version: 1
//! credentials:                       # named; none of them holds a secret
//!   asf:    {type: profile, name: asf-prod}             # ~/.aws/credentials and ~/.aws/config, static keys
//!   cesnet: {type: env, access_key: ZF_ACCESS_KEY, secret_key: ZF_SECRET_KEY}
//!   edl:    {type: bearer, token_env: EARTHDATA_TOKEN}  # http and https
//!   anon:   {type: anonymous}                           # also: default, web_identity, container, instance
//! endpoints:
//!   cesnet: {url: "https://s3.cl4.du.cesnet.cz", style: path, region: us-east-1}
//! rules:                             # the longest match on whole path segments wins
//!   - {match: "s3://opera-refs/", credentials: asf, region: us-west-2}
//!   - {match: "s3://bukov/", credentials: cesnet, endpoint: cesnet, access: [read, list]}
//!   - {match: "s3://usgs-landsat/", credentials: asf, endpoint: aws, requester_pays: true}
//!   - {match: "s3://staging/", rewrite: "s3://final/"}
//!   - {match: "https://*", credentials: edl}
//! defaults: {max_connections: 64, retries: 5, timeout: 60s, on_unmatched_s3: default-chain}
//! ```

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;

use crate::access::Access;
use crate::error::StorageError;
use crate::location::{Location, Scheme};
use crate::style::Style;

/// The endpoint name that stands for Amazon's own, whatever the environment says.
const AMAZON: &str = "aws";

/// Rules, read and checked. The default is none.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    pub(crate) credentials: BTreeMap<String, CredentialSource>,
    pub(crate) endpoints: BTreeMap<String, Endpoint>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) defaults: Defaults,
}

/// One rule of the file.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    /// As it stands in the file, for messages.
    pub(crate) text: String,
    pub(crate) prefix: Location,
    pub(crate) rewrite: Option<Location>,
    pub(crate) credentials: Option<String>,
    pub(crate) endpoint: EndpointChoice,
    pub(crate) region: Option<String>,
    pub(crate) access: Access,
    pub(crate) requester_pays: bool,
}

/// What a rule says about the endpoint.
#[derive(Clone, Debug)]
pub(crate) enum EndpointChoice {
    /// Nothing: the command line or the environment may.
    Unsaid,
    /// Amazon's own.
    Amazon,
    /// One of the file's.
    Named(String),
}

/// Where credentials come from.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum CredentialSource {
    /// Requests are not signed.
    Anonymous {},
    /// What is used where no rule says anything.
    Default {},
    /// Environment variables of these names.
    Env { access_key: String, secret_key: String, session_token: Option<String> },
    /// A profile of the AWS configuration files.
    Profile { name: String },
    /// A token sent as `Authorization: Bearer`, from an environment variable.
    Bearer { token_env: String },
    /// `AWS_WEB_IDENTITY_TOKEN_FILE` and `AWS_ROLE_ARN`.
    WebIdentity {},
    /// The credential endpoint of an ECS task or EKS pod.
    Container {},
    /// The metadata service of an EC2 instance.
    Instance {},
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Endpoint {
    pub(crate) url: String,
    pub(crate) style: Option<Style>,
    pub(crate) region: Option<String>,
    /// `http://` URLs say it themselves; `false` beside one is a contradiction.
    allow_http: Option<bool>,
    /// A proxy for the requests to this endpoint alone.
    pub(crate) proxy: Option<String>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Defaults {
    pub(crate) max_connections: Option<usize>,
    pub(crate) retries: Option<usize>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) on_unmatched_s3: Unmatched,
}

/// What to do with an S3 bucket no rule speaks of.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Unmatched {
    #[default]
    DefaultChain,
    Error,
    Anonymous,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RulesFile {
    version: u32,
    #[serde(default)]
    credentials: BTreeMap<String, CredentialSource>,
    #[serde(default)]
    endpoints: BTreeMap<String, Endpoint>,
    #[serde(default)]
    rules: Vec<RuleEntry>,
    #[serde(default)]
    defaults: DefaultsEntry,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleEntry {
    r#match: String,
    rewrite: Option<String>,
    credentials: Option<String>,
    endpoint: Option<String>,
    region: Option<String>,
    access: Option<Vec<Right>>,
    requester_pays: Option<bool>,
}

#[derive(Clone, Copy, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Right {
    Read,
    List,
    Write,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct DefaultsEntry {
    max_connections: Option<usize>,
    retries: Option<usize>,
    timeout: Option<String>,
    #[serde(default)]
    on_unmatched_s3: Unmatched,
}

impl Rules {
    /// Reads rules from a file.
    ///
    /// # Errors
    ///
    /// [`StorageError::Local`] if it cannot be read, and the errors of [`parse`](Self::parse).
    pub fn read(file: impl AsRef<Path>) -> Result<Self, StorageError> {
        let file = file.as_ref();
        let text = std::fs::read_to_string(file)
            .map_err(|source| StorageError::Local { path: file.to_owned(), source })?;
        Self::parse(&text, &file.display().to_string())
    }

    /// Reads rules from YAML text; `file` names it in messages.
    ///
    /// # Errors
    ///
    /// [`StorageError::Rules`] if the text is not YAML, has an unknown key, names credentials or an endpoint that are not there, has two
    /// rules for one place, holds what looks like a secret, or gives a rule settings that its kind of store does not have.
    pub fn parse(yaml: &str, file: &str) -> Result<Self, StorageError> {
        let refused = |reason: String| StorageError::Rules { file: file.to_owned(), reason };
        let parsed: RulesFile = serde_saphyr::from_str(yaml).map_err(|error| refused(message(&error)))?;
        if parsed.version != 1 {
            return Err(refused(format!("version is {} but only 1 is known", parsed.version)));
        }
        for (name, source) in &parsed.credentials {
            check_names(source).map_err(|field| {
                refused(format!(
                    "credentials {name:?}: {field} must be the name of an environment variable (capitals, digits, underscores); \
                     secrets do not belong into this file"
                ))
            })?;
        }
        for (name, endpoint) in &parsed.endpoints {
            check_endpoint(name, endpoint).map_err(refused)?;
        }
        let defaults = Defaults {
            max_connections: parsed.defaults.max_connections,
            retries: parsed.defaults.retries,
            timeout: parsed.defaults.timeout.as_deref().map(duration).transpose().map_err(refused)?,
            on_unmatched_s3: parsed.defaults.on_unmatched_s3,
        };
        if defaults.max_connections == Some(0) {
            return Err(refused("max_connections is 0, so no request could be made".to_owned()));
        }
        let mut rules = Self {
            credentials: parsed.credentials,
            endpoints: parsed.endpoints,
            rules: Vec::new(),
            defaults,
        };
        for entry in parsed.rules {
            let rule = rules.checked(entry).map_err(refused)?;
            rules.rules.push(rule);
        }
        Ok(rules)
    }

    /// One entry against what is there already.
    fn checked(&self, entry: RuleEntry) -> Result<Rule, String> {
        let text = entry.r#match;
        let wrong = |reason: String| format!("rule {text:?}: {reason}");
        let prefix = Location::pattern(&text).map_err(|error| wrong(error.to_string()))?;
        let same = |rule: &&Rule| rule.prefix.is_below(&prefix) && prefix.is_below(&rule.prefix);
        if let Some(other) = self.rules.iter().find(same) {
            return Err(wrong(format!("rule {:?} is for the same place", other.text)));
        }
        if let Some(name) = &entry.credentials {
            let Some(source) = self.credentials.get(name) else {
                return Err(wrong(format!("there are no credentials named {name:?}")));
            };
            check_kind(prefix.scheme(), source)
                .map_err(|reason| wrong(format!("credentials {name:?}: {reason}")))?;
        }
        if let Some(name) = &entry.endpoint
            && name != AMAZON
            && !self.endpoints.contains_key(name)
        {
            return Err(wrong(format!("there is no endpoint named {name:?}")));
        }
        let only_s3 = [
            ("endpoint", entry.endpoint.is_some()),
            ("region", entry.region.is_some()),
            ("requester_pays", entry.requester_pays.is_some()),
        ];
        if prefix.scheme() != Scheme::S3
            && let Some((setting, _)) = only_s3.iter().find(|(_, given)| *given)
        {
            return Err(wrong(format!("{setting} is a setting of s3 URLs")));
        }
        let rewrite = match &entry.rewrite {
            None => None,
            Some(_)
                if entry.credentials.is_some()
                    || entry.access.is_some()
                    || only_s3.iter().any(|(_, given)| *given) =>
            {
                return Err(wrong(
                    "a rewritten URL is matched again; give the settings to the rule of the new URL"
                        .to_owned(),
                ));
            }
            Some(_) if prefix.authority() == "*" => {
                return Err(wrong("what is behind * cannot be rewritten".to_owned()));
            }
            Some(to) => Some(Location::parse(to).map_err(|error| wrong(error.to_string()))?),
        };
        let access = entry.access.map_or(Access::ALL, |rights| Access {
            read: rights.contains(&Right::Read),
            list: rights.contains(&Right::List),
            write: rights.contains(&Right::Write),
        });
        Ok(Rule {
            prefix,
            rewrite,
            credentials: entry.credentials,
            endpoint: match entry.endpoint {
                None => EndpointChoice::Unsaid,
                Some(name) if name == AMAZON => EndpointChoice::Amazon,
                Some(name) => EndpointChoice::Named(name),
            },
            region: entry.region,
            access,
            requester_pays: entry.requester_pays.unwrap_or(false),
            text,
        })
    }

    /// Follows the rewriting rule for `location`, if there is one: once, never twice.
    pub(crate) fn rewritten(&self, location: &Location) -> Location {
        match self.longest(location, |_| true) {
            Some(Rule { prefix, rewrite: Some(to), .. }) => location.moved(prefix, to),
            _ => location.clone(),
        }
    }

    /// The rule whose settings hold for `location`, after rewriting.
    pub(crate) fn settings(&self, location: &Location) -> Option<&Rule> {
        self.longest(location, |rule| rule.rewrite.is_none())
    }

    /// The most specific rule; a named host before `*`, then the longer key. No two are equal, that is checked when reading.
    fn longest(&self, location: &Location, wanted: impl Fn(&Rule) -> bool) -> Option<&Rule> {
        let fitting = self.rules.iter().filter(|rule| wanted(rule) && location.is_below(&rule.prefix));
        fitting.max_by_key(|rule| {
            (rule.prefix.authority() != "*", rule.prefix.key().trim_end_matches('/').len())
        })
    }
}

/// The first line of a YAML error: what and where, without the excerpt that follows.
fn message(error: &serde_saphyr::Error) -> String {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or(&text);
    let line = line.strip_prefix("error: ").unwrap_or(line);
    line.split(", set DuplicateKeyPolicy").next().unwrap_or(line).to_owned()
}

/// The field that ought to be the name of an environment variable and is not.
fn check_names(source: &CredentialSource) -> Result<(), &'static str> {
    let is_name = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_uppercase() || c == '_')
            && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
    };
    match source {
        CredentialSource::Env { access_key, .. } if !is_name(access_key) => Err("access_key"),
        CredentialSource::Env { secret_key, .. } if !is_name(secret_key) => Err("secret_key"),
        CredentialSource::Env { session_token: Some(token), .. } if !is_name(token) => Err("session_token"),
        CredentialSource::Bearer { token_env } if !is_name(token_env) => Err("token_env"),
        _ => Ok(()),
    }
}

/// Whether a kind of store can use such credentials.
fn check_kind(scheme: Scheme, source: &CredentialSource) -> Result<(), String> {
    let usable = match source {
        CredentialSource::Anonymous {} => !matches!(scheme, Scheme::File | Scheme::Memory),
        CredentialSource::Default {} => matches!(scheme, Scheme::S3 | Scheme::Gs | Scheme::Azure),
        CredentialSource::Bearer { .. } => scheme.is_web(),
        _ => scheme == Scheme::S3,
    };
    if usable { Ok(()) } else { Err(format!("they are of no use for {scheme} URLs")) }
}

fn check_endpoint(name: &str, endpoint: &Endpoint) -> Result<(), String> {
    let wrong = |reason: &str| Err(format!("endpoint {name:?}: {reason}"));
    if name == AMAZON {
        return wrong("this name stands for Amazon's own endpoints");
    }
    for url in std::iter::once(&endpoint.url).chain(&endpoint.proxy) {
        Location::endpoint(url).map_err(|error| format!("endpoint {name:?}: {error}"))?;
    }
    if endpoint.url.starts_with("http://") && endpoint.allow_http == Some(false) {
        return wrong("its url is http but allow_http is false");
    }
    Ok(())
}

/// Reads `90s`, `2m` or `500ms`.
fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit: u64 = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        _ => return Err(format!("timeout {text:?} is not a duration such as 90s, 2m or 500ms")),
    };
    let millis =
        number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit)).filter(|&millis| millis > 0);
    millis.map(Duration::from_millis).ok_or_else(|| format!("timeout {text:?} is not a duration above zero"))
}
