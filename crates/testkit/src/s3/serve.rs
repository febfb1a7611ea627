//! Sockets, the log, and the faults that happen before S3 is asked.

use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;

use bytes::Bytes;
use futures::StreamExt;
use futures::stream;
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use s3s::Body;
use s3s::dto::StreamingBlob;
use s3s::service::{S3Service, S3ServiceBuilder};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::VIRTUAL_HOST_SUFFIX;
use super::backend::{AnyBucketName, Backend, Hosts, IgnoreRange};
use super::state::{HttpFault, LoggedRequest, State};

/// The thread of a server.
#[derive(Debug)]
pub(super) struct Running {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Running {
    pub(super) fn stop(self) {
        // Either may fail only when the thread has ended already.
        let _ = self.stop.send(());
        let _ = self.thread.join();
    }
}

/// Binds `address` and serves `state` there until stopped.
pub(super) fn start(address: SocketAddr, state: Arc<State>) -> (SocketAddr, Running) {
    let listener = TcpListener::bind(address).expect("the address is free");
    listener.set_nonblocking(true).expect("sockets can be non-blocking");
    let address = listener.local_addr().expect("a bound socket has an address");
    let (stop, stopped) = oneshot::channel();
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be built");
    let thread = std::thread::Builder::new()
        .name("s3-server".to_owned())
        .spawn(move || runtime.block_on(accept(listener, state, stopped)))
        .expect("a thread can be started");
    (address, Running { stop, thread })
}

async fn accept(listener: TcpListener, state: Arc<State>, mut stopped: oneshot::Receiver<()>) {
    let listener = tokio::net::TcpListener::from_std(listener).expect("the runtime is running");
    let backend = Backend(Arc::clone(&state));
    let mut builder = S3ServiceBuilder::new(backend.clone());
    builder.set_auth(backend.clone());
    builder.set_access(backend);
    builder.set_host(Hosts);
    builder.set_validation(AnyBucketName);
    let s3 = builder.build();

    // Dropping the set ends the connections with the server.
    let mut connections = JoinSet::new();
    loop {
        let stream = tokio::select! {
            _ = &mut stopped => return,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(_) => continue,
            },
        };
        // Without this every small answer may wait 40 ms for an acknowledgement.
        let _ = stream.set_nodelay(true);
        let (state, s3) = (Arc::clone(&state), s3.clone());
        connections.spawn(async move {
            let service = service_fn(move |request| {
                let (state, s3) = (Arc::clone(&state), s3.clone());
                async move { Ok::<_, Infallible>(answer(request, &state, &s3).await) }
            });
            let connection =
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            // A client that goes away, or a body cut on purpose, ends the connection with an error.
            let _ = connection.await;
        });
    }
}

/// Answers one request and writes it to the log.
async fn answer(request: Request<Incoming>, state: &State, s3: &S3Service) -> Response<Body> {
    let mut logged = logged(&request);
    let (fault, latency, index) = {
        let mut state = state.lock();
        let fault = state.faults.pop_front().or(state.fault_always);
        state.log.push(logged.clone());
        state.in_flight += 1;
        state.most_in_flight = state.most_in_flight.max(state.in_flight);
        (fault, state.latency, state.log.len() - 1)
    };
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    let response = match fault {
        Some(HttpFault::Status(status)) => refusal(status, error_code(status), "made to fail"),
        Some(HttpFault::Refuse(status, code)) => refusal(status, code, "made to fail"),
        Some(HttpFault::Hang) => std::future::pending().await,
        _ => match precondition(&request, state) {
            Some(response) => response,
            None => serve(request, fault, s3).await,
        },
    };
    let response = match fault {
        Some(HttpFault::Truncate(length)) => truncated(response, length).await,
        _ => response,
    };
    logged.status = response.status().as_u16();
    let mut state = state.lock();
    state.in_flight -= 1;
    // The log may have been cleared meanwhile.
    if let Some(entry) = state.log.get_mut(index) {
        *entry = logged;
    }
    response
}

async fn serve(request: Request<Incoming>, fault: Option<HttpFault>, s3: &S3Service) -> Response<Body> {
    let mut request = request.map(Body::from);
    if fault == Some(HttpFault::IgnoreRange) {
        request.extensions_mut().insert(IgnoreRange);
    }
    // A bearer token has been checked; S3 must not take it for a signature.
    if is_bearer(request.headers()) {
        request.headers_mut().remove(header::AUTHORIZATION);
    }
    match s3.call(request).await {
        Ok(response) => response,
        Err(_) => refusal(500, "InternalError", "the request could not be served"),
    }
}

/// Redirects and refusals that S3 decides by bucket, before it looks at the signature.
fn precondition(request: &Request<Incoming>, state: &State) -> Option<Response<Body>> {
    let state = state.lock();
    if let Some(url) = state.redirects.get(request.uri().path()) {
        let mut response = refusal(307, "TemporaryRedirect", "moved");
        response
            .headers_mut()
            .insert(header::LOCATION, HeaderValue::from_str(url).expect("a URL is a header value"));
        return Some(response);
    }
    let bucket = state.buckets.get(bucket_name(request)?)?;
    if let Some(region) = &bucket.region {
        let mut response =
            refusal(301, "PermanentRedirect", "The bucket must be addressed using the specified endpoint");
        response.headers_mut().insert(
            "x-amz-bucket-region",
            HeaderValue::from_str(region).expect("a region is a header value"),
        );
        return Some(response);
    }
    if let Some(token) = &bucket.bearer
        && request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok())
            != Some(&format!("Bearer {token}"))
    {
        return Some(refusal(401, "AccessDenied", "a bearer token is required"));
    }
    if bucket.requester_pays && !request.headers().contains_key("x-amz-request-payer") {
        return Some(refusal(403, "AccessDenied", "Access Denied"));
    }
    None
}

/// The bucket of a request, in either style. Names are taken as sent: test buckets have no characters that need encoding.
fn bucket_name(request: &Request<Incoming>) -> Option<&str> {
    let host = request.headers().get(header::HOST)?.to_str().ok()?;
    let name = match host.strip_suffix(VIRTUAL_HOST_SUFFIX) {
        Some(bucket) => bucket,
        None => request.uri().path().split('/').nth(1)?,
    };
    Some(name).filter(|name| !name.is_empty())
}

fn is_bearer(headers: &HeaderMap) -> bool {
    headers.get(header::AUTHORIZATION).is_some_and(|value| value.as_bytes().starts_with(b"Bearer "))
}

fn logged(request: &Request<Incoming>) -> LoggedRequest {
    let text = |name| request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let authorization = text(header::AUTHORIZATION).unwrap_or_default();
    let credential = authorization.split_once("Credential=").map(|(_, rest)| rest);
    LoggedRequest {
        method: request.method().to_string(),
        host: text(header::HOST).unwrap_or_default(),
        path: request.uri().path().to_owned(),
        query: request.uri().query().map(str::to_owned),
        range: text(header::RANGE),
        access_key: credential.and_then(|rest| rest.split('/').next()).map(str::to_owned),
        bearer: is_bearer(request.headers()),
        requester_pays: request.headers().contains_key("x-amz-request-payer"),
        status: 0,
    }
}

fn error_code(status: u16) -> &'static str {
    match status {
        403 => "AccessDenied",
        404 => "NoSuchKey",
        500 => "InternalError",
        503 => "SlowDown",
        _ => "MadeToFail",
    }
}

fn refusal(status: u16, code: &str, message: &str) -> Response<Body> {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
    );
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).expect("a status has three digits");
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    response
}

/// `response` with its whole length announced and only `length` bytes of body sent.
async fn truncated(response: Response<Body>, length: usize) -> Response<Body> {
    let (mut parts, mut body) = response.into_parts();
    let content = body.store_all_limited(usize::MAX).await.expect("a body in memory can be read");
    parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(content.len()));
    let sent: Result<Bytes, io::Error> = Ok(content.slice(..length.min(content.len())));
    let cut = stream::once(async move {
        // The bytes must reach the socket before the error closes it; what is pending is flushed.
        tokio::task::yield_now().await;
        Err(io::Error::from(io::ErrorKind::ConnectionReset))
    });
    let body = StreamingBlob::wrap(stream::iter([sent]).chain(cut));
    Response::from_parts(parts, Body::from(body))
}
