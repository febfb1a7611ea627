//! Which rule holds, what it decides, and which files are refused.
#![allow(clippy::unwrap_used, reason = "a test ends where something unexpected happens")]

use expect_test::{Expect, expect};
use rangefold_storage::{Environment, Rules, Storage, StorageOptions};

const RULES: &str = r#"
version: 1
credentials:
  asf:    {type: profile, name: asf-prod}
  cesnet: {type: env, access_key: ZF_ACCESS_KEY, secret_key: ZF_SECRET_KEY}
  edl:    {type: bearer, token_env: EARTHDATA_TOKEN}
  anon:   {type: anonymous}
  vm:     {type: instance}
endpoints:
  cesnet: {url: "https://s3.example.cz/", style: path, region: du}
  hosted: {url: "https://objects.example.org", style: virtual}
rules:
  - {match: "s3://bukov/", credentials: cesnet, endpoint: cesnet, access: [read, list]}
  - {match: "s3://bukov/open", credentials: anon, endpoint: cesnet}
  - {match: "s3://hosted/", credentials: anon, endpoint: hosted}
  - {match: "s3://Hosted.with.dots", credentials: anon, endpoint: hosted}
  - {match: "s3a://paid", credentials: vm, endpoint: aws, region: us-west-2, requester_pays: true}
  - {match: "s3://staging/in/", rewrite: "s3://bukov/out"}
  - {match: "s3://web/", rewrite: "https://host/data/"}
  - {match: "https://*", credentials: edl}
  - {match: "https://open.example.org", credentials: anon}
defaults: {max_connections: 64, retries: 3, timeout: 90s, on_unmatched_s3: error}
"#;

fn environment() -> Environment {
    [
        ("ZF_ACCESS_KEY", "AK"),
        ("ZF_SECRET_KEY", "hush-secret"),
        ("EARTHDATA_TOKEN", "hush-token"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:9"),
        ("TOKEN", "stray"),
        ("REGION", "stray"),
        ("ENDPOINT", "http://stray"),
    ]
    .into_iter()
    .collect()
}

fn storage(yaml: &str, environment: Environment) -> Storage {
    let rules = Rules::parse(yaml, "storage.yaml").unwrap();
    Storage::new(StorageOptions { rules, ..StorageOptions::default() }, environment).unwrap()
}

fn check(url: &str, expected: Expect) {
    let decided = match storage(RULES, environment()).connection(url) {
        Ok(connection) => connection.to_string(),
        Err(error) => error.to_string(),
    };
    expected.assert_eq(&decided);
}

fn check_refused(yaml: &str, expected: Expect) {
    expected.assert_eq(&Rules::parse(yaml, "storage.yaml").unwrap_err().to_string());
}

#[test]
fn the_longest_match_on_whole_segments_wins() {
    check(
        "s3://bukov/a.nc",
        expect![[r#"
        url: s3://bukov/a.nc
        rule: s3://bukov/
        endpoint: https://s3.example.cz
        style: path
        region: du
        requester pays: false
        credentials: keys from ZF_ACCESS_KEY
        access: read, list"#]],
    );
    check(
        "s3://bukov/open/a.nc",
        expect![[r#"
        url: s3://bukov/open/a.nc
        rule: s3://bukov/open
        endpoint: https://s3.example.cz
        style: path
        region: du
        requester pays: false
        credentials: none (anonymous)
        access: read, list, write"#]],
    );
    check(
        "s3://bukov/opening/a.nc",
        expect![[r#"
        url: s3://bukov/opening/a.nc
        rule: s3://bukov/
        endpoint: https://s3.example.cz
        style: path
        region: du
        requester pays: false
        credentials: keys from ZF_ACCESS_KEY
        access: read, list"#]],
    );
    check(
        "https://other.example.org/a.nc",
        expect![[r#"
        url: https://other.example.org/a.nc
        rule: https://*
        credentials: bearer token from EARTHDATA_TOKEN
        access: read, list, write"#]],
    );
    check(
        "https://open.example.org/a.nc",
        expect![[r#"
        url: https://open.example.org/a.nc
        rule: https://open.example.org
        credentials: none (anonymous)
        access: read, list, write"#]],
    );
    check(
        "s3://unmatched/a.nc",
        expect![
            "no usable credentials for s3://unmatched/a.nc: no storage rule matches, and on_unmatched_s3 is error"
        ],
    );
}

#[test]
fn styles_endpoints_and_regions_come_from_the_rule() {
    check(
        "s3://hosted/a",
        expect![[r#"
        url: s3://hosted/a
        rule: s3://hosted/
        endpoint: https://objects.example.org
        style: virtual
        region: us-east-1
        requester pays: false
        credentials: none (anonymous)
        access: read, list, write"#]],
    );
    check(
        "s3://Hosted.with.dots/a",
        expect![[r#"
        url: s3://Hosted.with.dots/a
        rule: s3://Hosted.with.dots
        endpoint: https://objects.example.org
        style: path
        region: us-east-1
        requester pays: false
        credentials: none (anonymous)
        access: read, list, write"#]],
    );
    check(
        "s3://paid/a",
        expect![[r#"
        url: s3://paid/a
        rule: s3a://paid
        endpoint: Amazon
        style: virtual
        region: us-west-2
        requester pays: true
        credentials: instance metadata
        access: read, list, write"#]],
    );
}

#[test]
fn a_url_is_rewritten_once_and_then_matched_again() {
    check(
        "s3://staging/in/x/a b.nc",
        expect![[r#"
        url: s3://bukov/out/x/a b.nc
        rule: s3://bukov/
        endpoint: https://s3.example.cz
        style: path
        region: du
        requester pays: false
        credentials: keys from ZF_ACCESS_KEY
        access: read, list"#]],
    );
    check(
        "s3://staging/in",
        expect![[r#"
        url: s3://bukov/out
        rule: s3://bukov/
        endpoint: https://s3.example.cz
        style: path
        region: du
        requester pays: false
        credentials: keys from ZF_ACCESS_KEY
        access: read, list"#]],
    );
    check(
        "s3://web/x/100%#.nc",
        expect![[r#"
        url: https://host/data/x/100%25%23.nc
        rule: https://*
        credentials: bearer token from EARTHDATA_TOKEN
        access: read, list, write"#]],
    );
}

#[test]
fn mistakes_in_the_file_are_named() {
    check_refused("version: 2", expect!["storage rules storage.yaml: version is 2 but only 1 is known"]);
    check_refused(
        "version: 1\nrule: []",
        expect![
            "storage rules storage.yaml: line 2 column 1: unknown field `rule`, expected one of version, credentials, endpoints, rules, defaults"
        ],
    );
    check_refused(
        "version: 1\nrules:\n  - {match: 's3://a', credential: x}",
        expect![
            "storage rules storage.yaml: line 3 column 23: unknown field `credential`, expected one of match, rewrite, credentials, endpoint, region, access, requester_pays"
        ],
    );
    check_refused(
        "version: 1\nrules:\n  - {match: 's3://a', credentials: x}",
        expect![[r#"storage rules storage.yaml: rule "s3://a": there are no credentials named "x""#]],
    );
    check_refused(
        "version: 1\nrules:\n  - {match: 's3://a', endpoint: x}",
        expect![[r#"storage rules storage.yaml: rule "s3://a": there is no endpoint named "x""#]],
    );
    check_refused(
        "version: 1\nrules:\n  - {match: 's3://a/b'}\n  - {match: 's3a://a/b/'}",
        expect![[r#"storage rules storage.yaml: rule "s3a://a/b/": rule "s3://a/b" is for the same place"#]],
    );
    check_refused(
        "version: 1\nrules:\n  - {match: 'https://a', region: x}",
        expect![[r#"storage rules storage.yaml: rule "https://a": region is a setting of s3 URLs"#]],
    );
    check_refused(
        "version: 1\nrules:\n  - {match: 's3://a', rewrite: 's3://b', access: [read]}",
        expect![[
            r#"storage rules storage.yaml: rule "s3://a": a rewritten URL is matched again; give the settings to the rule of the new URL"#
        ]],
    );
    check_refused(
        "version: 1\nrules:\n  - {match: 's3://a', access: [read, execute]}",
        expect![
            "storage rules storage.yaml: line 3 column 38: unknown variant `execute`, expected one of read, list, write"
        ],
    );
    check_refused(
        "version: 1\ncredentials:\n  x: {type: anonymous, name: y}",
        expect!["storage rules storage.yaml: line 3 column 3: unknown field `name`, expected one of "],
    );
    check_refused(
        "version: 1\ncredentials:\n  x: {type: bearer, token_env: T}\nrules:\n  - {match: 's3://a', credentials: x}",
        expect![[
            r#"storage rules storage.yaml: rule "s3://a": credentials "x": they are of no use for s3 URLs"#
        ]],
    );
    check_refused(
        "version: 1\nendpoints:\n  x: {url: 'http://h', allow_http: false}",
        expect![[r#"storage rules storage.yaml: endpoint "x": its url is http but allow_http is false"#]],
    );
    check_refused(
        "version: 1\nendpoints:\n  x: {url: 's3://h'}",
        expect![[
            r#"storage rules storage.yaml: endpoint "x": cannot use "s3://h": an endpoint begins with https:// or http://"#
        ]],
    );
    check_refused(
        "version: 1\ndefaults: {timeout: 60}",
        expect![[r#"storage rules storage.yaml: timeout "60" is not a duration such as 90s, 2m or 500ms"#]],
    );
    check_refused(
        "version: 1\ndefaults: {max_connections: 0}",
        expect!["storage rules storage.yaml: max_connections is 0, so no request could be made"],
    );
    check_refused(
        "version: 1\nversion: 1",
        expect!["storage rules storage.yaml: line 2 column 1: duplicate mapping key: version"],
    );
}

#[test]
fn a_secret_in_the_file_is_refused_and_not_repeated() {
    let yaml = "version: 1\ncredentials:\n  x: {type: env, access_key: ZF_KEY, secret_key: wJalrXUtnFEMIbPxRfiCYEXAMPLEKEY}";
    let error = Rules::parse(yaml, "storage.yaml").unwrap_err();
    assert!(error.to_string().contains("secrets do not belong"), "{error}");
    assert!(!format!("{error} {error:?}").contains("wJalr"), "{error:?}");
    let literal = "version: 1\ncredentials:\n  x: {type: static, secret_access_key: wJalrXUtnFEMI}";
    let error = Rules::parse(literal, "storage.yaml").unwrap_err();
    assert!(!format!("{error} {error:?}").contains("wJalr"), "{error:?}");
}

#[test]
fn secrets_are_never_printed() {
    let storage = storage(RULES, environment());
    let mut printed = format!("{storage:?} {:?}", environment());
    for url in ["s3://bukov/a", "https://other.example.org/a?X-Amz-Signature=hush-query"] {
        let connection = storage.connection(url).unwrap();
        let (store, _) = storage.resolve(url).unwrap();
        printed.push_str(&format!("{connection} {connection:?} {store} {store:?}"));
    }
    assert!(printed.contains("ZF_SECRET_KEY"), "names may be shown");
    assert!(!printed.contains("hush"), "{printed}");
}
