//! Profiles of the AWS configuration files, as far as they hold static keys.
//!
//! ```ini
//! [default]                     ; ~/.aws/credentials: the name alone
//! aws_access_key_id = AKIA...
//! [profile asf]                 ; ~/.aws/config: with the word "profile", except for default
//! region = us-west-2
//! ```

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::environment::Environment;
use crate::secret::Secret;

/// Keys that say a profile gets its credentials in a way that needs the AWS tools.
const DYNAMIC: [&str; 5] =
    ["sso_session", "sso_start_url", "credential_process", "role_arn", "web_identity_token_file"];

/// What a profile says.
#[derive(Debug, Default)]
pub(crate) struct Profile {
    pub(crate) keys: Option<Keys>,
    pub(crate) region: Option<String>,
    pub(crate) endpoint_url: Option<String>,
    /// The setting that asks for what is not supported, if the profile has no static keys.
    pub(crate) dynamic: Option<&'static str>,
}

/// A pair of keys, perhaps temporary ones.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Keys {
    pub(crate) access_key: String,
    pub(crate) secret_key: Secret,
    pub(crate) session_token: Option<Secret>,
}

/// Why there is no such profile.
#[derive(Debug)]
pub(crate) enum ProfileProblem {
    /// Neither file has it.
    Missing { name: String, files: Vec<PathBuf> },
    /// A file is there and cannot be read.
    Unreadable { file: PathBuf, source: std::io::Error },
}

impl fmt::Display for ProfileProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { name, files } => {
                let files: Vec<_> = files.iter().map(|file| file.display().to_string()).collect();
                write!(f, "there is no profile {name:?} in {}", files.join(" or "))
            }
            Self::Unreadable { file, source } => write!(f, "{} cannot be read: {source}", file.display()),
        }
    }
}

/// Reads the profile `name` from both files; `credentials` wins over `config`.
pub(crate) fn read(name: &str, environment: &Environment) -> Result<Profile, ProfileProblem> {
    let file = |variable, default: &str| {
        let given = environment.value(variable).map(PathBuf::from);
        given.or_else(|| Some(environment.home()?.join(".aws").join(default)))
    };
    let credentials = file("AWS_SHARED_CREDENTIALS_FILE", "credentials");
    let config = file("AWS_CONFIG_FILE", "config");
    let in_config = if name == "default" { name.to_owned() } else { format!("profile {name}") };

    let mut settings = BTreeMap::new();
    let mut found = false;
    for (path, section_name) in [(&config, in_config.as_str()), (&credentials, name)] {
        let Some(path) = path else { continue };
        if let Some(section) = section(&text(path)?, section_name) {
            found = true;
            settings.extend(section);
        }
    }
    if !found {
        let files = credentials.into_iter().chain(config).collect();
        return Err(ProfileProblem::Missing { name: name.to_owned(), files });
    }
    let mut take = |key: &str| settings.remove(key).filter(|value| !value.is_empty());
    let session_token = take("aws_session_token").map(Secret::new);
    let keys = match (take("aws_access_key_id"), take("aws_secret_access_key")) {
        (Some(access_key), Some(secret)) => {
            Some(Keys { access_key, secret_key: Secret::new(secret), session_token })
        }
        _ => None,
    };
    let (region, endpoint_url) = (take("region"), take("endpoint_url"));
    let dynamic = DYNAMIC.into_iter().find(|key| keys.is_none() && settings.contains_key(*key));
    Ok(Profile { keys, region, endpoint_url, dynamic })
}

/// A file that is not there is an empty one.
fn text(path: &Path) -> Result<String, ProfileProblem> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Err(source) => Err(ProfileProblem::Unreadable { file: path.to_owned(), source }),
    }
}

/// The settings of one section. Indented lines are nested settings of other tools and are left out.
fn section(text: &str, name: &str) -> Option<BTreeMap<String, String>> {
    let mut settings = None;
    let mut inside = false;
    for line in text.lines() {
        if let Some(header) = line.trim().strip_prefix('[').and_then(|rest| rest.split(']').next()) {
            let words: Vec<&str> = header.split_whitespace().collect();
            inside = words.join(" ") == name;
            if inside {
                settings.get_or_insert_with(BTreeMap::new);
            }
        } else if inside
            && !line.starts_with([' ', '\t', '#', ';'])
            && let Some((key, value)) = line.split_once('=')
            && let Some(settings) = &mut settings
        {
            settings.insert(key.trim().to_ascii_lowercase(), value.trim().to_owned());
        }
    }
    settings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(credentials: &str, config: &str) -> (tempfile::TempDir, Environment) {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join(".aws");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("credentials"), credentials).unwrap();
        std::fs::write(folder.join("config"), config).unwrap();
        let environment = Environment::default().with("HOME", home.path().to_str().unwrap());
        (home, environment)
    }

    #[test]
    fn a_profile_is_put_together_from_both_files() {
        let (_home, environment) = environment(
            "# keys\n[default]\naws_access_key_id=D\naws_secret_access_key=d\n\n[ asf ]\naws_access_key_id = A\naws_secret_access_key = s=e/c+r\naws_session_token = t\n",
            "[default]\nregion = us-east-1\n[profile asf]\nregion = us-west-2\ns3 =\n  region = no\nendpoint_url = http://localhost:1\n",
        );
        let asf = read("asf", &environment).unwrap();
        let keys = Keys {
            access_key: "A".to_owned(),
            secret_key: Secret::new("s=e/c+r"),
            session_token: Some(Secret::new("t")),
        };
        assert_eq!(asf.keys, Some(keys));
        assert_eq!(
            (asf.region.as_deref(), asf.endpoint_url.as_deref()),
            (Some("us-west-2"), Some("http://localhost:1"))
        );
        let default = read("default", &environment).unwrap();
        assert_eq!(
            (default.keys.unwrap().access_key, default.region.as_deref()),
            ("D".to_owned(), Some("us-east-1"))
        );
    }

    #[test]
    fn a_profile_without_static_keys_says_what_it_wants() {
        let (_home, environment) = environment(
            "",
            "[profile sso]\nsso_session = x\nregion = r\n[profile half]\naws_access_key_id = A\n",
        );
        assert_eq!(read("sso", &environment).unwrap().dynamic, Some("sso_session"));
        assert_eq!(read("half", &environment).unwrap().keys, None);
    }

    #[test]
    fn a_missing_profile_names_the_files_that_were_read() {
        let (home, environment) = environment("[asf]\n", "");
        let problem = read("ASF", &environment).unwrap_err().to_string();
        assert!(problem.starts_with("there is no profile \"ASF\" in "), "{problem}");
        assert!(problem.contains(home.path().to_str().unwrap()), "{problem}");
    }
}
