//! What a program says of all storage.

use std::time::Duration;

use crate::rules::Rules;

/// What a command line or a program says, for every S3 URL whose rule does not say otherwise.
#[derive(Clone, Debug, Default)]
pub struct StorageOptions {
    /// Rules, usually [read](Rules::read) from a file.
    pub rules: Rules,
    /// The endpoint of an S3 server that is not Amazon's: `https://host[:port]`.
    pub endpoint_url: Option<String>,
    /// The region S3 requests are signed for.
    pub region: Option<String>,
    /// Requests to S3, Google and Azure are not signed.
    pub anonymous: bool,
    /// The profile of the AWS configuration files to take keys from.
    pub profile: Option<String>,
    /// How long a server may be silent before a request is given up and tried again; what the rules say, or 20 seconds, if
    /// `None`.
    pub timeout: Option<Duration>,
}
