use std::any::Any;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use axum::body::Body as AxumBody;
use bytes::Bytes;
use http::Response;
use http_body::{Body, Frame, SizeHint};

use crate::families::HttpRequest;
use crate::metric::Histogram;

/// Counts the bytes that are read from the body of a request, if it is one of axum's: a layer cannot
/// give the service a body of another type than the one it was made for.
pub fn count<Q: 'static>(body: &mut Q) -> Option<Arc<AtomicU64>> {
    let body = axum_body(body)?;
    let bytes = Arc::new(AtomicU64::new(0));
    wrap(body, Arc::clone(&bytes), None);
    Some(bytes)
}

/// Notes the size of an answer, now or when it has passed.
pub fn observe<A: Body + 'static>(response: &mut Response<A>, counted: &mut HttpRequest) {
    if let Some(bytes) = response.body().size_hint().exact() {
        counted.response_size(bytes);
        return;
    }
    let status = response.status().as_u16();
    if let Some(body) = axum_body(response.body_mut()) {
        wrap(body, Arc::default(), Some(counted.response_sizes(status)));
    }
}

fn axum_body<B: 'static>(body: &mut B) -> Option<&mut AxumBody> {
    let body: &mut dyn Any = body;
    body.downcast_mut()
}

fn wrap(body: &mut AxumBody, bytes: Arc<AtomicU64>, sizes: Option<Histogram>) {
    let inner = std::mem::take(body);
    *body = AxumBody::new(Counted {
        inner,
        bytes,
        sizes,
    });
}

/// A body whose bytes are counted while they pass.
struct Counted {
    inner: AxumBody,
    bytes: Arc<AtomicU64>,
    /// Where the size is observed in the end.
    sizes: Option<Histogram>,
}

impl Body for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(context));
        if let Some(Ok(frame)) = &frame
            && let Some(data) = frame.data_ref()
        {
            self.bytes.fetch_add(data.len() as u64, Ordering::Relaxed);
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

impl Drop for Counted {
    fn drop(&mut self) {
        if let Some(sizes) = &self.sizes {
            sizes.observe(self.bytes.load(Ordering::Relaxed) as f64);
        }
    }
}
