//! What the S3 server promises, asked by a real client.
#![allow(clippy::unwrap_used, reason = "a test ends where something unexpected happens")]

use std::sync::Arc;
use std::time::Duration;

use futures::TryStreamExt;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{
    BackoffConfig, ClientOptions, Error, GetOptions, GetRange, ObjectStore, ObjectStoreExt, PutMode,
    RetryConfig, WriteMultipart,
};
use rangefold_testkit::{HttpFault, S3Server};

/// A client with the server's own key and no patience.
fn builder(server: &S3Server, bucket: &str) -> AmazonS3Builder {
    let backoff = BackoffConfig {
        init_backoff: Duration::from_millis(1),
        max_backoff: Duration::from_millis(2),
        base: 2.0,
    };
    AmazonS3Builder::new()
        .with_endpoint(server.endpoint())
        .with_allow_http(true)
        .with_bucket_name(bucket)
        .with_access_key_id(server.access_key())
        .with_secret_access_key(server.secret_key())
        .with_retry(RetryConfig { backoff, max_retries: 2, retry_timeout: Duration::from_secs(60) })
}

fn client(server: &S3Server, bucket: &str) -> AmazonS3 {
    builder(server, bucket).build().unwrap()
}

fn key() -> Path {
    Path::from("a/b c.nc")
}

fn content() -> Vec<u8> {
    (0..=255).collect()
}

fn with_object() -> S3Server {
    let server = S3Server::start();
    server.put("data", key().as_ref(), content());
    server
}

#[tokio::test]
async fn ranges_of_every_kind_are_answered_exactly() {
    let server = with_object();
    let store = client(&server, "data");
    assert_eq!(store.get(&key()).await.unwrap().bytes().await.unwrap(), content());
    assert_eq!(store.get_range(&key(), 10..12).await.unwrap(), &[10, 11][..]);
    let read = async |range| {
        let options = GetOptions { range: Some(range), ..GetOptions::default() };
        store.get_opts(&key(), options).await.unwrap().bytes().await.unwrap()
    };
    assert_eq!(read(GetRange::Suffix(3)).await, &[253, 254, 255][..]);
    assert_eq!(read(GetRange::Offset(254)).await, &[254, 255][..]);
    assert!(store.get_range(&key(), 256..300).await.is_err());
    let logged: Vec<_> = server.requests().iter().map(ToString::to_string).collect();
    assert_eq!(logged[0], "GET /data/a/b%20c.nc -> 200");
    assert_eq!(logged[1], "GET /data/a/b%20c.nc bytes=10-11 -> 206");
    assert_eq!(logged[4], "GET /data/a/b%20c.nc bytes=256-299 -> 416");
}

#[tokio::test]
async fn a_wrong_secret_an_unknown_key_and_no_key_are_refused() {
    let server = with_object();
    let wrong = builder(&server, "data").with_secret_access_key("wrong").build().unwrap();
    assert!(wrong.get(&key()).await.unwrap_err().to_string().contains("SignatureDoesNotMatch"));
    let unknown = builder(&server, "data").with_access_key_id("UNKNOWN").build().unwrap();
    assert!(unknown.get(&key()).await.unwrap_err().to_string().contains("InvalidAccessKeyId"));
    let anonymous = builder(&server, "data").with_skip_signature(true).build().unwrap();
    assert!(matches!(anonymous.get(&key()).await, Err(Error::PermissionDenied { .. })));
    server.make_public("data");
    assert_eq!(anonymous.head(&key()).await.unwrap().size, 256);
    assert!(anonymous.put(&key(), "no".into()).await.is_err());
    assert_eq!(server.object("data", key().as_ref()).unwrap(), content());
    assert_eq!(server.requests().last().unwrap().access_key, None);
}

#[tokio::test]
async fn a_bucket_can_belong_to_one_key_alone() {
    let server = with_object();
    server.add_key("OTHER", "other-secret");
    server.restrict("data", &["OTHER"]);
    let other = builder(&server, "data")
        .with_access_key_id("OTHER")
        .with_secret_access_key("other-secret")
        .build()
        .unwrap();
    other.head(&key()).await.unwrap();
    assert_eq!(server.requests()[0].access_key.as_deref(), Some("OTHER"));
    assert!(matches!(client(&server, "data").get(&key()).await, Err(Error::PermissionDenied { .. })));
}

#[tokio::test]
async fn a_session_needs_its_token_and_expires() {
    let server = with_object();
    server.add_session("TEMP", "temp-secret", "temp-token");
    let temporary = builder(&server, "data").with_access_key_id("TEMP").with_secret_access_key("temp-secret");
    assert!(temporary.clone().build().unwrap().get(&key()).await.is_err());
    let store = temporary.with_token("temp-token").build().unwrap();
    store.get(&key()).await.unwrap();
    server.expire("TEMP");
    assert!(store.get(&key()).await.unwrap_err().to_string().contains("ExpiredToken"));
}

#[tokio::test]
async fn conditions_on_reads_are_kept() {
    let server = with_object();
    let store = client(&server, "data");
    let meta = store.head(&key()).await.unwrap();
    let read = async |options| store.get_opts(&key(), options).await;
    read(GetOptions { if_match: meta.e_tag.clone(), ..GetOptions::default() }).await.unwrap();
    let unchanged = GetOptions { if_none_match: meta.e_tag.clone(), ..GetOptions::default() };
    assert!(matches!(read(unchanged).await, Err(Error::NotModified { .. })));
    let since = GetOptions { if_modified_since: Some(meta.last_modified), ..GetOptions::default() };
    assert!(matches!(read(since).await, Err(Error::NotModified { .. })));
    server.put("data", key().as_ref(), "replaced");
    let stale = GetOptions { if_match: meta.e_tag, ..GetOptions::default() };
    assert!(matches!(read(stale).await, Err(Error::Precondition { .. })));
}

#[tokio::test]
async fn writing_is_conditional_when_asked() {
    let server = S3Server::start();
    server.create_bucket("data");
    let store = client(&server, "data");
    store.put_opts(&key(), "one".into(), PutMode::Create.into()).await.unwrap();
    let again = store.put_opts(&key(), "two".into(), PutMode::Create.into()).await;
    assert!(matches!(again, Err(Error::AlreadyExists { .. })));
    assert_eq!(server.object("data", key().as_ref()).unwrap(), "one");
    let missing = client(&server, "nowhere").put(&key(), "x".into()).await.unwrap_err();
    assert!(missing.to_string().contains("NoSuchBucket"));
}

#[tokio::test]
async fn uploads_in_parts_copies_and_deletions_work() {
    let server = S3Server::start();
    server.create_bucket("data");
    let store = client(&server, "data");
    let mut upload = WriteMultipart::new_with_chunk_size(store.put_multipart(&key()).await.unwrap(), 5);
    upload.write(b"hello multipart");
    upload.finish().await.unwrap();
    assert_eq!(server.object("data", key().as_ref()).unwrap(), "hello multipart");
    let copy = Path::from("copy");
    store.copy(&key(), &copy).await.unwrap();
    store.delete(&key()).await.unwrap();
    assert_eq!(server.keys("data"), ["copy"]);
    server.remove("data", "copy");
    assert!(matches!(store.head(&copy).await, Err(Error::NotFound { .. })));
}

#[tokio::test]
async fn a_listing_of_many_pages_is_complete() {
    let server = S3Server::start();
    for folder in ["x", "y", "z"] {
        for i in 0..5 {
            server.put("data", &format!("{folder}/{i}"), "1");
        }
    }
    server.put("data", "top", "1");
    server.set_page_size(2);
    let store = client(&server, "data");
    let all: Vec<_> = store.list(None).map_ok(|meta| meta.location.to_string()).try_collect().await.unwrap();
    assert_eq!(all, server.keys("data"));
    assert_eq!(server.requests().len(), 8);
    let top = store.list_with_delimiter(None).await.unwrap();
    assert_eq!(top.common_prefixes, ["x", "y", "z"].map(Path::from));
    assert_eq!(top.objects.len(), 1);
    let offset = store.list_with_offset(Some(&Path::from("y")), &Path::from("y/2"));
    assert_eq!(offset.try_collect::<Vec<_>>().await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_server_that_is_busy_is_asked_again_and_then_given_up() {
    let server = with_object();
    server.fail_next(2, HttpFault::Status(503));
    let store = client(&server, "data");
    store.get(&key()).await.unwrap();
    let statuses: Vec<_> = server.requests().iter().map(|request| request.status).collect();
    assert_eq!(statuses, [503, 503, 200]);
    server.fail_always(Some(HttpFault::Status(503)));
    assert!(store.get(&key()).await.unwrap_err().to_string().contains("SlowDown"));
    server.fail_always(None);
    server.clear_requests();
    store.get(&key()).await.unwrap();
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_truncated_body_never_passes_for_a_whole_one() {
    let server = with_object();
    server.fail_always(Some(HttpFault::Truncate(10)));
    let store = client(&server, "data");
    // The client asks again for what is missing, three times at most.
    assert!(store.get_range(&key(), 0..200).await.is_err());
    server.fail_always(None);
    server.fail_next(1, HttpFault::Truncate(100));
    assert_eq!(store.get(&key()).await.unwrap().bytes().await.unwrap(), content());
}

#[tokio::test]
async fn the_whole_object_instead_of_a_range_is_noticed() {
    let server = with_object();
    server.fail_next(1, HttpFault::IgnoreRange);
    let store = client(&server, "data");
    assert!(store.get_range(&key(), 10..12).await.is_err());
    assert_eq!(server.requests()[0].status, 200);
}

#[tokio::test]
async fn virtual_hosted_requests_are_served_through_the_proxy() {
    let server = with_object();
    let store = builder(&server, "data")
        .with_virtual_hosted_style_request(true)
        .with_endpoint("http://data.s3.test")
        .with_client_options(ClientOptions::new().with_proxy_url(server.endpoint()).with_allow_http(true))
        .build()
        .unwrap();
    assert_eq!(store.get_range(&key(), 1..3).await.unwrap(), &[1, 2][..]);
    let request = &server.requests()[0];
    assert_eq!((request.host.as_str(), request.path.as_str()), ("data.s3.test", "/a/b%20c.nc"));
}

#[tokio::test]
async fn charged_buckets_and_moved_buckets_say_so() {
    let server = with_object();
    server.require_requester_pays("data");
    assert!(client(&server, "data").get(&key()).await.is_err());
    builder(&server, "data").with_request_payer(true).build().unwrap().get(&key()).await.unwrap();
    assert!(server.requests()[1].requester_pays);
    server.put("moved", "x", "1");
    server.move_to_region("moved", "eu-central-1");
    assert!(client(&server, "moved").get(&Path::from("x")).await.is_err());
    assert_eq!(server.requests()[2].status, 301);
}

#[tokio::test]
async fn plain_http_reads_need_the_bearer_token_of_their_bucket() {
    let server = with_object();
    server.require_bearer("data", "sesame");
    let http = |token: Option<&str>| {
        let mut headers = hyper::HeaderMap::new();
        if let Some(token) = token {
            headers.insert("authorization", format!("Bearer {token}").parse().unwrap());
        }
        let options = ClientOptions::new().with_allow_http(true).with_default_headers(headers);
        let url = format!("{}/data", server.endpoint());
        object_store::http::HttpBuilder::new().with_url(url).with_client_options(options).build().unwrap()
    };
    assert_eq!(http(Some("sesame")).get_range(&key(), 0..2).await.unwrap(), &[0, 1][..]);
    assert!(http(None).get(&key()).await.is_err());
    assert!(http(Some("wrong")).get(&key()).await.is_err());
}

#[tokio::test]
async fn requests_wait_side_by_side() {
    let server = with_object();
    server.set_latency(Duration::from_millis(20));
    let store = Arc::new(client(&server, "data"));
    let reads = (0..8u64).map(|i| {
        let store = Arc::clone(&store);
        async move { store.get_range(&key(), i..i + 1).await }
    });
    let bytes = futures::future::try_join_all(reads).await.unwrap().concat();
    assert_eq!(bytes, [0, 1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(server.requests().len(), 8);
    assert!(server.most_in_flight() > 1);
}

#[test]
fn a_dropped_server_leaves_its_port() {
    let server = S3Server::start();
    let address = server.endpoint().strip_prefix("http://").unwrap().to_owned();
    std::net::TcpStream::connect(&address).unwrap();
    drop(server);
    assert!(std::net::TcpStream::connect(&address).is_err());
}
