//! What a store answered, in one sentence for the person who has to act on it.

use std::error::Error as _;

use object_store::Error;

use crate::guarded::NotAllowed;
use crate::secret::redact;

/// Says in one sentence what `error` means and, where it can be known, what to do about it.
///
/// The codes of S3 answers are decoded; the rest is the error's own text. Neither secrets nor the queries of URLs are in it.
///
/// ```
/// let error = object_store::Error::NotFound { path: "a/b.nc".to_owned(), source: "404".into() };
/// assert_eq!(rangefold_storage::explain(&error), "there is no object at a/b.nc");
/// ```
#[must_use]
pub fn explain(error: &Error) -> String {
    let text = chain(error);
    let code = between(&text, "<Code>", "</Code>");
    if let Some(sentence) = code.and_then(|code| decoded(code, &text)) {
        return sentence;
    }
    if text.contains("Received redirect without LOCATION") {
        return "the server redirects elsewhere: the region or the endpoint of the bucket is another one"
            .to_owned();
    }
    let place = |path: &str| if path.is_empty() { "the bucket".to_owned() } else { path.to_owned() };
    match error {
        Error::NotFound { path, .. } => format!("there is no object at {}", place(path)),
        Error::AlreadyExists { path, .. } => format!("there is an object at {} already", place(path)),
        Error::Precondition { path, .. } => format!("the object at {} has changed since it was first seen", place(path)),
        Error::PermissionDenied { path, source } => match source.downcast_ref::<NotAllowed>() {
            Some(refusal) => format!("{} may not be used so: {refusal}", place(path)),
            None => denied(&place(path), &text),
        },
        Error::Unauthenticated { path, .. } => format!("{} needs credentials, or other ones", place(path)),
        Error::NotSupported { .. } if text.contains("Range request") => {
            "the server answers a request for a range with something else, so single chunks cannot be read from it".to_owned()
        }
        _ => match unreachable(&text) {
            Some(sentence) => sentence.to_owned(),
            None => redact(&text),
        },
    }
}

fn denied(place: &str, text: &str) -> String {
    if text.contains("403") {
        return format!(
            "access to {place} is denied: the credentials do not cover it, it is not there, or the bucket wants its readers to pay \
             (requester_pays)"
        );
    }
    format!("access to {place} is denied: {}", redact(text))
}

/// What the codes of S3 mean. Those that say all there is to say are left to their message.
fn decoded(code: &str, text: &str) -> Option<String> {
    let sentence = match code {
        "NoSuchBucket" => "there is no such bucket at this endpoint",
        // A plain 401 or 403 with this code says no more than the kind of error does.
        "AccessDenied" | "NoSuchKey" => return None,
        "SignatureDoesNotMatch" => "the secret key does not belong to the access key (SignatureDoesNotMatch)",
        "InvalidAccessKeyId" => "the server does not know the access key (InvalidAccessKeyId)",
        "ExpiredToken" | "TokenRefreshRequired" => "the temporary credentials have expired; get new ones",
        "InvalidToken" => "the session token is not the one of these keys (InvalidToken)",
        "RequestTimeTooSkewed" => {
            "the clock of this machine is wrong: the server refuses signatures of another time"
        }
        "PermanentRedirect"
        | "TemporaryRedirect"
        | "AuthorizationHeaderMalformed"
        | "IllegalLocationConstraintException" => {
            return Some(match between(text, "<Region>", "</Region>") {
                Some(region) => format!("the bucket is in another region: {region}"),
                None => "the region or the endpoint of the bucket is another one".to_owned(),
            });
        }
        "SlowDown" | "ServiceUnavailable" => "the server is busy and stayed so through all retries",
        "InvalidRange" => "the object ends before the range that was asked for",
        "InvalidBucketName" => "the name of the bucket is not a valid one",
        _ => {
            let message = between(text, "<Message>", "</Message>").unwrap_or("no message");
            return Some(format!("the server refuses: {code} ({message})"));
        }
    };
    Some(sentence.to_owned())
}

fn unreachable(text: &str) -> Option<&'static str> {
    let has = |part: &str| text.contains(part);
    if has("dns error") || has("failed to lookup address") {
        Some("the host of the endpoint is not known (DNS)")
    } else if has("Connection refused") {
        Some("nothing listens at the endpoint (connection refused)")
    } else if has("Connection reset") || has("connection closed") || has("IncompleteMessage") {
        Some("the server closed the connection before it had answered")
    } else if has("certificate") {
        Some("the certificate of the server is not trusted")
    } else if has("timed out") || has("operation timed out") {
        Some("the server does not answer in time (--timeout, or timeout in the storage rules, waits longer)")
    } else if has("URL scheme is not allowed") || has("BadScheme") {
        Some("the endpoint is http, and only https is allowed")
    } else {
        None
    }
}

/// The texts of an error and of everything that caused it. Most errors of the store repeat their cause; the innermost do not.
fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.contains(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = error.source();
    }
    text
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(start)?;
    Some(rest.split_once(end)?.0)
}
