use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{HeaderMap, Request, Response};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::families::{GrpcCall, GrpcCode, GrpcServer};

impl GrpcServer {
    /// The layer that counts calls, for tonic's `Server::builder().layer(..)`.
    pub fn layer(&self) -> GrpcLayer {
        GrpcLayer {
            server: self.clone(),
        }
    }
}

/// Counts the calls that go through a service; made by [`GrpcServer::layer`].
#[derive(Debug, Clone)]
pub struct GrpcLayer {
    server: GrpcServer,
}

impl<S> Layer<S> for GrpcLayer {
    type Service = GrpcService<S>;

    fn layer(&self, inner: S) -> GrpcService<S> {
        GrpcService {
            inner,
            server: self.server.clone(),
        }
    }
}

/// A service whose calls are counted; made by [`GrpcLayer`].
#[derive(Debug, Clone)]
pub struct GrpcService<S> {
    inner: S,
    server: GrpcServer,
}

impl<S, Q, A> Service<Request<Q>> for GrpcService<S>
where
    S: Service<Request<Q>, Response = Response<A>>,
    A: Body,
{
    type Response = Response<GrpcBody<A>>;
    type Error = S::Error;
    type Future = GrpcFuture<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Q>) -> Self::Future {
        let call = self.server.start(request.uri().path());
        GrpcFuture {
            inner: self.inner.call(request),
            call: Some(call),
        }
    }
}

pin_project! {
    /// A call under way, until the head of its answer; made by [`GrpcService`].
    #[derive(Debug)]
    pub struct GrpcFuture<F> {
        #[pin]
        inner: F,
        call: Option<GrpcCall>,
    }
}

impl<F, A, E> Future for GrpcFuture<F>
where
    F: Future<Output = Result<Response<A>, E>>,
    A: Body,
{
    type Output = Result<Response<GrpcBody<A>>, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        set_running(this.call, true);
        let result = this.inner.poll(context);
        set_running(this.call, false);
        let result = ready!(result);
        let mut call = this.call.take();
        Poll::Ready(match result {
            Ok(response) => {
                let (head, body) = response.into_parts();
                // An answer that is only an error has its status in the head.
                finish(&mut call, code(&head.headers));
                if body.is_end_stream() {
                    conclude(&mut call, GrpcCode::UNKNOWN);
                }
                Ok(Response::from_parts(head, GrpcBody { inner: body, call }))
            }
            Err(error) => {
                conclude(&mut call, GrpcCode::INTERNAL);
                Err(error)
            }
        })
    }
}

pin_project! {
    /// The body of an answer, whose trailers say how the call ended; made by [`GrpcService`].
    /// Dropped before them, the call counts as cancelled.
    #[derive(Debug)]
    pub struct GrpcBody<B> {
        #[pin]
        inner: B,
        call: Option<GrpcCall>,
    }
}

impl<B: Body> Body for GrpcBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.project();
        set_running(this.call, true);
        let frame = this.inner.poll_frame(context);
        set_running(this.call, false);
        let frame = ready!(frame);
        match &frame {
            Some(Ok(frame)) => {
                if let Some(trailers) = frame.trailers_ref() {
                    finish(this.call, code(trailers));
                    conclude(this.call, GrpcCode::UNKNOWN);
                }
            }
            Some(Err(_)) | None => conclude(this.call, GrpcCode::UNKNOWN),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

fn finish(call: &mut Option<GrpcCall>, code: Option<GrpcCode>) {
    if let Some(code) = code
        && let Some(call) = call.take()
    {
        call.finish(code);
    }
}

/// Ends a call that has not told how it ended.
fn conclude(call: &mut Option<GrpcCall>, code: GrpcCode) {
    if let Some(call) = call.take() {
        call.conclude(code);
    }
}

/// What is polled and does not come back has panicked, even if somebody outside catches it.
fn set_running(call: &mut Option<GrpcCall>, running: bool) {
    if let Some(call) = call {
        call.set_running(running);
    }
}

fn code(headers: &HeaderMap) -> Option<GrpcCode> {
    let value = headers.get("grpc-status")?.to_str().ok()?;
    Some(value.parse().map_or(GrpcCode::UNKNOWN, GrpcCode))
}
