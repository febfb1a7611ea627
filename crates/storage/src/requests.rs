//! Requests as they are made, told to whoever listens at the level "debug": `-vv` of the command.
//!
//! ```text
//! GET http://127.0.0.1:9000/bucket/tas.nc bytes=0-8191 206 12 ms
//! ```
//! One line for each attempt, retries included. Queries, which may hold signatures, are left out.

use std::time::Instant;

use async_trait::async_trait;
use http::header::RANGE;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpRequest, HttpResponse, HttpService, ReqwestConnector,
};

/// Makes clients that tell their requests.
#[derive(Debug, Default)]
pub(crate) struct Told {
    inner: ReqwestConnector,
}

impl HttpConnector for Told {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(Telling { client: self.inner.connect(options)? }))
    }
}

#[derive(Debug)]
struct Telling {
    client: HttpClient,
}

#[async_trait]
impl HttpService for Telling {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        if !tracing::enabled!(tracing::Level::DEBUG) {
            return self.client.execute(request).await;
        }
        let uri = request.uri();
        let (scheme, authority) = (uri.scheme_str().unwrap_or("http"), uri.authority());
        let host =
            authority.map_or("", |authority| authority.as_str().rsplit('@').next().unwrap_or_default());
        let range = request.headers().get(RANGE).and_then(|range| range.to_str().ok()).unwrap_or("all");
        let what = format!("{} {scheme}://{host}{} {range}", request.method(), uri.path());
        let begun = Instant::now();
        let answered = self.client.execute(request).await;
        let took = begun.elapsed().as_millis();
        match &answered {
            Ok(response) => tracing::debug!("{what} {} {took} ms", response.status().as_u16()),
            Err(_) => tracing::debug!("{what} no answer {took} ms"),
        }
        answered
    }
}
