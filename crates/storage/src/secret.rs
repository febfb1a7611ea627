//! Text that must not be seen.

use std::fmt;

/// A key, token or password. It can be handed to a client, not printed.
#[derive(Clone, Eq, PartialEq)]
pub(crate) struct Secret(String);

impl Secret {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the client that needs it.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}

/// `text` with what follows a `?` in its HTTP URLs, and the name and password before an `@`, left out: both can be credentials.
pub(crate) fn redact(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        let scheme_is_http = before.ends_with("http://") || before.ends_with("https://");
        let end = after.find(|c: char| c.is_whitespace() || c == '"' || c == '<').unwrap_or(after.len());
        let (url, next) = after.split_at(end);
        let (authority, path) = url.split_at(url.find(['/', '?']).unwrap_or(url.len()));
        // The container of an Azure URL stands where others have a name and a password.
        let azure = before.ends_with("abfs://") || before.ends_with("abfss://");
        let authority = authority.rsplit_once('@').filter(|_| !azure).map_or(authority, |(_, host)| host);
        shown.push_str(before);
        shown.push_str(authority);
        match path.split_once('?').filter(|_| scheme_is_http) {
            Some((path, _)) => {
                shown.push_str(path);
                shown.push_str("?...");
            }
            None => shown.push_str(path),
        }
        rest = next;
    }
    shown.push_str(rest);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_printed() {
        assert_eq!(format!("{:?}", Some(Secret::new("hush"))), "Some(<redacted>)");
    }

    #[test]
    fn queries_and_passwords_are_left_out_and_the_rest_stays() {
        let check = |text: &str, shown: &str| assert_eq!(redact(text), shown);
        check("GET https://h/p?X-Amz-Signature=abc in 1ms", "GET https://h/p?... in 1ms");
        check("s3://user:pass@bucket/a?b", "s3://bucket/a?b");
        check("abfs://container@account/a", "abfs://container@account/a");
        check("two: http://a@b/c?d and http://e?f", "two: http://b/c?... and http://e?...");
        check("plain text, a@b?", "plain text, a@b?");
    }
}
