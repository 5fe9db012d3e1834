//! The tower layer for HTTP, for axum: counts every request under the template of its route.

mod body; // bodies whose bytes are counted while they pass

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use axum::extract::MatchedPath;
use http::{Request, Response};
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
    Q: 'static,
    A: Body + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = HttpFuture<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Q>) -> Self::Future {
        let route = request.extensions().get::<MatchedPath>();
        let route = route.map_or(UNMATCHED, MatchedPath::as_str);
        let counted = self.server.start(request.method().as_str(), route);
        let read = self.server.wants_sizes();
        let read = read.then(|| body::count(request.body_mut())).flatten();
        HttpFuture {
            inner: self.inner.call(request),
            counted,
            read,
        }
    }
}

pin_project! {
    /// An answer under way; made by [`HttpService`]. Dropping it counts the request as abandoned.
    #[derive(Debug)]
    pub struct HttpFuture<F> {
        #[pin]
        inner: F,
        counted: HttpRequest,
        // Bytes of the request that were read so far, if somebody wants to know.
        read: Option<Arc<AtomicU64>>,
    }
}

impl<F, A, E> Future for HttpFuture<F>
where
    F: Future<Output = Result<Response<A>, E>>,
    A: Body + 'static,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let counted = this.counted;
        // A handler that panics does not come back, even if somebody outside catches it.
        counted.set_running(true);
        let result = this.inner.poll(context);
        counted.set_running(false);
        let mut result = ready!(result);
        if let Some(read) = this.read {
            counted.request_size(read.load(Ordering::Relaxed));
        }
        match &mut result {
            Ok(response) => {
                if counted.wants_sizes() {
                    body::observe(response, counted);
                }
                counted.end(response.status().as_u16());
            }
            // A service that fails instead of answering: whoever turns it into an answer can only say that the
            // server is at fault.
            Err(_) => counted.end(500),
        }
        Poll::Ready(result)
    }
}
