//! Storage against a real server: credentials, endpoints, styles and what the errors say.
#![allow(clippy::unwrap_used, reason = "a test ends where something unexpected happens")]

use std::sync::Arc;

use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use rangefold_storage::{Environment, Rules, Storage, StorageError, StorageOptions, explain};
use rangefold_testkit::{HttpFault, S3Server};

/// No patience: an answer is final.
const DEFAULTS: &str = "defaults: {retries: 0, timeout: 20s}";

fn server() -> S3Server {
    let server = S3Server::start();
    server.put("data", "a/b c#1%.nc", "content");
    server
}

/// The environment of somebody who has exported the server's own key.
fn environment(server: &S3Server) -> Environment {
    Environment::default()
        .with("AWS_ENDPOINT_URL", server.endpoint())
        .with("AWS_ACCESS_KEY_ID", server.access_key())
        .with("AWS_SECRET_ACCESS_KEY", server.secret_key())
}

fn storage(rules: &str, environment: Environment) -> Storage {
    with_options(rules, StorageOptions::default(), environment)
}

fn with_options(rules: &str, options: StorageOptions, environment: Environment) -> Storage {
    let rules = Rules::parse(&format!("version: 1\n{DEFAULTS}\n{rules}"), "rules").unwrap();
    Storage::new(StorageOptions { rules, ..options }, environment).unwrap()
}

async fn read(storage: &Storage, url: &str) -> object_store::Result<String> {
    let (store, path) = storage.resolve(url).unwrap();
    let bytes = store.get(&path).await?.bytes().await?;
    Ok(String::from_utf8(bytes.to_vec()).unwrap())
}

/// What a failing read says.
async fn complaint(storage: &Storage, url: &str) -> String {
    explain(&read(storage, url).await.unwrap_err())
}

const URL: &str = "s3://data/a/b c#1%.nc";

#[tokio::test]
async fn exported_variables_are_enough() {
    let server = server();
    let storage = storage("", environment(&server));
    assert_eq!(read(&storage, URL).await.unwrap(), "content");
    let (store, path) = storage.resolve("s3://data/new").unwrap();
    store.put(&path, "written".into()).await.unwrap();
    assert_eq!(server.object("data", "new").unwrap(), "written");
    let request = &server.requests()[0];
    assert_eq!(
        (request.path.as_str(), request.access_key.as_deref()),
        ("/data/a/b%20c%231%25.nc", Some(server.access_key()))
    );
}

#[tokio::test]
async fn options_win_over_the_environment_and_rules_over_both() {
    let (first, second, third) = (server(), server(), server());
    let options = || StorageOptions { endpoint_url: Some(second.endpoint()), ..StorageOptions::default() };
    read(&with_options("", options(), environment(&first)), URL).await.unwrap();
    let rules = format!(
        "endpoints:\n  third: {{url: '{}'}}\nrules:\n  - {{match: 's3://data', endpoint: third}}",
        third.endpoint()
    );
    read(&with_options(&rules, options(), environment(&first)), URL).await.unwrap();
    let counts = [&first, &second, &third].map(|server| server.requests().len());
    assert_eq!(counts, [0, 1, 1]);
}

#[tokio::test]
async fn two_buckets_are_read_with_two_credentials_in_one_process() {
    let server = server();
    server.put("refs", "r.json", "{}");
    server.add_key("DATAKEY", "data-secret");
    server.add_key("REFSKEY", "refs-secret");
    server.restrict("data", &["DATAKEY"]);
    server.restrict("refs", &["REFSKEY"]);
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("credentials");
    let profile = "[asf]\naws_access_key_id = REFSKEY\naws_secret_access_key = refs-secret\n";
    std::fs::write(&file, profile).unwrap();
    let environment = Environment::default()
        .with("AWS_ENDPOINT_URL", server.endpoint())
        .with("AWS_SHARED_CREDENTIALS_FILE", file.to_str().unwrap())
        .with("DATA_KEY", "DATAKEY")
        .with("DATA_SECRET", "data-secret");
    let storage = storage(
        "credentials:\n  d: {type: env, access_key: DATA_KEY, secret_key: DATA_SECRET}\n  r: {type: profile, name: asf}\n\
         rules:\n  - {match: 's3://data', credentials: d}\n  - {match: 's3://refs', credentials: r}",
        environment,
    );
    assert_eq!(read(&storage, URL).await.unwrap(), "content");
    assert_eq!(read(&storage, "s3://refs/r.json").await.unwrap(), "{}");
    let keys: Vec<_> = server.requests().into_iter().map(|request| request.access_key.unwrap()).collect();
    assert_eq!(keys, ["DATAKEY", "REFSKEY"]);
}

#[tokio::test]
async fn a_profile_brings_its_endpoint_and_region() {
    let server = server();
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join(".aws")).unwrap();
    let (access, secret) = (server.access_key(), server.secret_key());
    let keys = format!("[default]\naws_access_key_id={access}\naws_secret_access_key={secret}\n");
    std::fs::write(home.path().join(".aws/credentials"), &keys).unwrap();
    let config = format!("[default]\nendpoint_url = {}\nregion = eu-north-1\n", server.endpoint());
    std::fs::write(home.path().join(".aws/config"), config).unwrap();
    let environment = Environment::default().with("HOME", home.path().to_str().unwrap());
    let storage = storage("", environment.clone());
    assert_eq!(read(&storage, URL).await.unwrap(), "content");
    assert_eq!(storage.connection(URL).unwrap().region, "eu-north-1");
    let options = StorageOptions { profile: Some("nobody".to_owned()), ..StorageOptions::default() };
    let error = with_options("", options, environment).resolve(URL).unwrap_err();
    assert!(error.to_string().contains("there is no profile \"nobody\""), "{error}");
}

#[tokio::test]
async fn public_buckets_are_read_unsigned_in_four_ways() {
    let server = server();
    server.make_public("data");
    let endpoint = || Environment::default().with("AWS_ENDPOINT_URL", server.endpoint());
    let anonymous = StorageOptions { anonymous: true, ..StorageOptions::default() };
    let rule = "credentials:\n  a: {type: anonymous}\nrules:\n  - {match: 's3://data', credentials: a}";
    let unmatched = Rules::parse("version: 1\ndefaults: {on_unmatched_s3: anonymous}", "rules").unwrap();
    let unmatched = StorageOptions { rules: unmatched, ..StorageOptions::default() };
    for storage in [
        with_options("", anonymous, endpoint()),
        storage(rule, endpoint()),
        Storage::new(unmatched, endpoint()).unwrap(),
        storage("", endpoint().with("AWS_SKIP_SIGNATURE", "true")),
    ] {
        assert_eq!(read(&storage, URL).await.unwrap(), "content");
        assert_eq!(server.requests().last().unwrap().access_key, None);
    }
}

#[tokio::test]
async fn a_laptop_without_credentials_is_told_at_once() {
    let server = server();
    let storage = storage("", Environment::default().with("AWS_ENDPOINT_URL", server.endpoint()));
    let error = storage.resolve(URL).unwrap_err();
    assert!(matches!(error, StorageError::Credentials { .. }));
    assert!(error.to_string().contains("--anonymous"), "{error}");
    assert!(
        storage.resolve("gs://bucket/a").unwrap_err().to_string().contains("GOOGLE_APPLICATION_CREDENTIALS")
    );
    assert!(
        storage.resolve("az://container/a").unwrap_err().to_string().contains("AZURE_STORAGE_ACCOUNT_KEY")
    );
    assert_eq!(server.requests(), []);
}

#[tokio::test]
async fn half_a_key_and_a_missing_variable_are_named() {
    let half = storage("", Environment::default().with("AWS_ACCESS_KEY_ID", "A"));
    let error = half.resolve(URL).unwrap_err().to_string();
    assert!(error.ends_with("AWS_ACCESS_KEY_ID is set but AWS_SECRET_ACCESS_KEY is not"), "{error}");
    let rule = "credentials:\n  e: {type: env, access_key: NO_KEY, secret_key: NO_SECRET}\nrules:\n  - {match: 's3://data', credentials: e}";
    let error = storage(rule, Environment::default()).resolve(URL).unwrap_err().to_string();
    assert!(error.ends_with("the environment variable NO_KEY is not set"), "{error}");
}

#[tokio::test]
async fn refusals_of_the_server_are_one_clear_sentence() {
    let server = server();
    let good = storage("", environment(&server));
    assert_eq!(complaint(&good, "s3://data/missing.nc").await, "there is no object at missing.nc");
    assert_eq!(complaint(&good, "s3://nowhere/a").await, "there is no such bucket at this endpoint");
    let wrong = storage("", environment(&server).with("AWS_SECRET_ACCESS_KEY", "wrong"));
    let said = complaint(&wrong, URL).await;
    assert_eq!(said, "the secret key does not belong to the access key (SignatureDoesNotMatch)");
    let unknown = storage("", environment(&server).with("AWS_ACCESS_KEY_ID", "UNKNOWN"));
    assert_eq!(
        complaint(&unknown, URL).await,
        "the server does not know the access key (InvalidAccessKeyId)"
    );
    server.restrict("data", &["SOMEBODY"]);
    assert!(complaint(&good, URL).await.starts_with("access to a/b c#1%.nc is denied"));
    server.move_to_region("data", "eu-central-1");
    assert!(complaint(&good, URL).await.contains("the region or the endpoint of the bucket is another one"));
    server.fail_next(1, HttpFault::Status(503));
    assert!(complaint(&good, "s3://other/a").await.starts_with("the server is busy"));
}

#[tokio::test]
async fn temporary_keys_work_until_they_expire() {
    let server = server();
    server.add_session("TEMP", "temp-secret", "temp-token");
    let environment =
        environment(&server).with("AWS_ACCESS_KEY_ID", "TEMP").with("AWS_SECRET_ACCESS_KEY", "temp-secret");
    let complete = storage("", environment.clone().with("AWS_SESSION_TOKEN", "temp-token"));
    assert_eq!(read(&complete, URL).await.unwrap(), "content");
    let without = complaint(&storage("", environment), URL).await;
    assert_eq!(without, "the session token is not the one of these keys (InvalidToken)");
    server.expire("TEMP");
    assert_eq!(complaint(&complete, URL).await, "the temporary credentials have expired; get new ones");
}

#[tokio::test]
async fn an_endpoint_where_nothing_listens_is_reported() {
    let closed = server();
    let environment = environment(&closed);
    drop(closed);
    let said = complaint(&storage("", environment), URL).await;
    assert_eq!(said, "nothing listens at the endpoint (connection refused)");
}

#[tokio::test]
async fn the_bucket_is_put_into_the_host_for_virtual_hosted_requests() {
    let server = server();
    server.put("dotted.name", "a", "dotted");
    let rules = format!(
        "endpoints:\n  v: {{url: 'http://s3.test', style: virtual, proxy: '{}'}}\n\
         rules:\n  - {{match: 's3://data', endpoint: v}}",
        server.endpoint()
    );
    let storage = storage(&rules, environment(&server));
    assert_eq!(read(&storage, URL).await.unwrap(), "content");
    assert_eq!(read(&storage, "s3://dotted.name/a").await.unwrap(), "dotted");
    let asked: Vec<_> = server.requests().into_iter().map(|request| (request.host, request.path)).collect();
    assert_eq!(asked[0], ("data.s3.test".to_owned(), "/a/b%20c%231%25.nc".to_owned()));
    assert_eq!(asked[1].1, "/dotted.name/a");
}

#[tokio::test]
async fn a_bucket_of_another_tenant_is_addressed_and_listed() {
    let server = server();
    server.put("tenant:bucket", "a", "theirs");
    let storage = storage("", environment(&server));
    assert_eq!(read(&storage, "s3://tenant:bucket/a").await.unwrap(), "theirs");
    let (store, _) = storage.resolve("s3://tenant:bucket").unwrap();
    let listed: Vec<_> = store.list(None).map_ok(|meta| meta.location).try_collect().await.unwrap();
    assert_eq!(listed, [Path::from("a")]);
}

#[tokio::test]
async fn rights_are_checked_before_any_request() {
    let server = server();
    let rules =
        "rules:\n  - {match: 's3://data', access: [read]}\n  - {match: 's3://data/a/out', access: [write]}";
    let storage = storage(rules, environment(&server));
    assert_eq!(read(&storage, URL).await.unwrap(), "content");
    let (store, path) = storage.resolve("s3://data/x").unwrap();
    let written = store.put(&path, "no".into()).await.unwrap_err();
    assert_eq!(explain(&written), "x may not be used so: rule \"s3://data\" allows read, not write");
    assert!(store.list(None).try_collect::<Vec<_>>().await.is_err());
    assert!(store.delete(&path).await.is_err());
    assert!(store.copy(&path, &Path::from("y")).await.is_err());
    assert_eq!(server.requests().len(), 1);
    let (store, path) = storage.resolve("s3://data/a/out/x").unwrap();
    store.put(&path, "yes".into()).await.unwrap();
    assert!(store.get(&path).await.is_err());
    assert_eq!(server.object("data", "a/out/x").unwrap(), "yes");
}

#[tokio::test]
async fn readers_pay_when_a_rule_says_so() {
    let server = server();
    server.require_requester_pays("data");
    assert!(complaint(&storage("", environment(&server)), URL).await.contains("requester_pays"));
    let rules = "rules:\n  - {match: 's3://data', requester_pays: true}";
    assert_eq!(read(&storage(rules, environment(&server)), URL).await.unwrap(), "content");
}

#[tokio::test]
async fn web_urls_are_read_open_or_with_a_bearer_token() {
    let server = server();
    server.make_public("data");
    server.put("guarded", "a", "guarded");
    server.require_bearer("guarded", "sesame");
    let (open, guarded) =
        (format!("{}/data/a/b%20c%231%25.nc", server.endpoint()), format!("{}/guarded/a", server.endpoint()));
    let rules = format!(
        "credentials:\n  t: {{type: bearer, token_env: TOKEN_OF_MINE}}\nrules:\n  - {{match: '{}/guarded', credentials: t}}",
        server.endpoint()
    );
    let storage = storage(&rules, Environment::default().with("TOKEN_OF_MINE", "sesame"));
    assert_eq!(read(&storage, &open).await.unwrap(), "content");
    assert_eq!(read(&storage, &guarded).await.unwrap(), "guarded");
    let bearer: Vec<_> = server.requests().into_iter().map(|request| request.bearer).collect();
    assert_eq!(bearer, [false, true]);
    let without = self::storage("", Environment::default());
    assert_eq!(complaint(&without, &guarded).await, "guarded/a needs credentials, or other ones");
    assert_eq!(
        complaint(&without, &open.replace("b%20c", "missing")).await,
        "there is no object at data/a/missing#1%.nc"
    );
    server.fail_next(1, HttpFault::IgnoreRange);
    let (store, path) = without.resolve(&open).unwrap();
    let whole = store.get_range(&path, 1..3).await.unwrap_err();
    assert!(explain(&whole).contains("single chunks cannot be read"), "{whole}");
}

#[tokio::test]
async fn a_bearer_token_does_not_follow_a_redirect_to_another_host() {
    let (daac, cloud) = (server(), server());
    cloud.make_public("data");
    daac.redirect("data", "moved.nc", &format!("{}/data/a/b%20c%231%25.nc?sig=x", cloud.endpoint()));
    let rules = format!(
        "credentials:\n  t: {{type: bearer, token_env: T}}\nrules:\n  - {{match: '{}', credentials: t}}",
        daac.endpoint()
    );
    let storage = storage(&rules, Environment::default().with("T", "sesame"));
    let url = format!("{}/data/moved.nc", daac.endpoint());
    assert_eq!(read(&storage, &url).await.unwrap(), "content");
    assert!(daac.requests()[0].bearer);
    assert!(!cloud.requests()[0].bearer);
}

#[tokio::test]
async fn the_signature_in_a_query_is_sent_and_never_shown() {
    let server = server();
    server.make_public("data");
    let url = |path: &str| format!("{}/data/{path}?X-Amz-Meta=hush", server.endpoint());
    let storage = storage("", Environment::default());
    assert_eq!(read(&storage, &url("a/b%20c%231%25.nc")).await.unwrap(), "content");
    assert_eq!(server.requests()[0].query.as_deref(), Some("X-Amz-Meta=hush"));
    server.fail_always(Some(HttpFault::Status(418)));
    let (store, path) = storage.resolve(&url("missing")).unwrap();
    let error = store.get(&path).await.unwrap_err();
    let shown = format!("{error} {error:?} {} {store} {store:?}", explain(&error));
    assert!(shown.contains("418") && !shown.contains("hush"), "{shown}");
}

#[tokio::test]
async fn one_store_is_kept_per_bucket_and_rule() {
    let server = server();
    let storage = storage("rules:\n  - {match: 's3://data/a'}", environment(&server));
    let store = |url: &str| storage.clone().resolve(url).unwrap().0;
    assert!(Arc::ptr_eq(&store("s3://data/a/x"), &store("s3a://data/a/y")));
    assert!(!Arc::ptr_eq(&store("s3://data/a/x"), &store("s3://data/b")));
    assert!(!Arc::ptr_eq(&store("s3://data/b"), &store("s3://other/b")));
}

#[test]
fn contradictions_on_the_command_line_are_refused() {
    let both =
        StorageOptions { anonymous: true, profile: Some("asf".to_owned()), ..StorageOptions::default() };
    assert!(Storage::new(both, Environment::default()).is_err());
    let bare =
        StorageOptions { endpoint_url: Some("localhost:9000".to_owned()), ..StorageOptions::default() };
    let error = Storage::new(bare, Environment::default()).unwrap_err().to_string();
    assert!(error.ends_with("an endpoint begins with https:// or http://"), "{error}");
    let exported = storage(
        "",
        Environment::default().with("AWS_ENDPOINT_URL", "localhost:9000").with("AWS_SKIP_SIGNATURE", "1"),
    );
    assert_eq!(exported.resolve(URL).unwrap_err().to_string(), error);
}

#[test]
fn google_and_azure_clients_are_built_without_a_request() {
    let anonymous = StorageOptions { anonymous: true, ..StorageOptions::default() };
    let environment = Environment::default().with("AZURE_STORAGE_ACCOUNT_NAME", "account");
    let storage = with_options("", anonymous, environment);
    for url in ["gs://bucket/a/b", "az://container/a/b", "abfs://container@account.dfs.core.windows.net/a/b"]
    {
        assert_eq!(storage.resolve(url).unwrap().1.as_ref(), "a/b");
    }
}
