//! The tower layer for HTTP, for axum: counts every request under the template of its route.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::extract::MatchedPath;
use http::{HeaderMap, Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::families::{HttpRequest, HttpServer, UNMATCHED};

impl HttpServer {
    /// The layer that counts requests, for `Router::layer` or `Router::route_layer`; the former
    /// also sees requests that no route matches.
    pub fn layer(&self) -> HttpLayer {
        HttpLayer {
            server: self.clone(),
        }
    }
}

/// Counts the requests that go through a service; made by [`HttpServer::layer`].
#[derive(Debug, Clone)]
pub struct HttpLayer {
    server: HttpServer,
}

impl<S> Layer<S> for HttpLayer {
    type Service = HttpService<S>;

    fn layer(&self, inner: S) -> HttpService<S> {
        HttpService {
            inner,
            server: self.server.clone(),
        }
    }
}

/// A service whose requests are counted; made by [`HttpLayer`].
#[derive(Debug, Clone)]
pub struct HttpService<S> {
    inner: S,
    server: HttpServer,
}

impl<S, Q, A> Service<Request<Q>> for HttpService<S>
where
    S: Service<Request<Q>, Response = Response<A>>,
    A: Body,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = HttpFuture<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Q>) -> Self::Future {
        let route = Route(request.extensions().get::<MatchedPath>().cloned());
        let mut counted = self.server.start(request.method().as_str(), route);
        if self.server.wants_sizes()
            && let Some(bytes) = content_length(request.headers())
        {
            counted.request_size(bytes);
        }
        HttpFuture {
            inner: self.inner.call(request),
            counted: Some(counted),
        }
    }
}

pin_project! {
    /// An answer under way; made by [`HttpService`]. Dropping it counts the request as abandoned.
    #[derive(Debug)]
    pub struct HttpFuture<F> {
        #[pin]
        inner: F,
        counted: Option<HttpRequest<Route>>,
    }
}

impl<F, A, E> Future for HttpFuture<F>
where
    F: Future<Output = Result<Response<A>, E>>,
    A: Body,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let result = ready!(this.inner.poll(context));
        if let Some(mut counted) = this.counted.take() {
            match &result {
                Ok(response) => {
                    if counted.wants_sizes()
                        && let Some(bytes) = response.body().size_hint().exact()
                    {
                        counted.response_size(bytes);
                    }
                    counted.finish_with(response.status().as_u16());
                }
                // A service that fails instead of answering: whoever turns it into an answer can
                // only say that the server is at fault.
                Err(_) => counted.finish_with(500),
            }
        }
        Poll::Ready(result)
    }
}

/// What the client says about its body; one that does not is not observed.
fn content_length(headers: &HeaderMap) -> Option<u64> {
    let value = headers.get(http::header::CONTENT_LENGTH)?;
    value.to_str().ok()?.parse().ok()
}

/// The template that matched, if any did.
#[derive(Debug)]
struct Route(Option<MatchedPath>);

impl AsRef<str> for Route {
    fn as_ref(&self) -> &str {
        self.0.as_ref().map_or(UNMATCHED, MatchedPath::as_str)
    }
}
