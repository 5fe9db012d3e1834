//! Getting a page over HTTP, within bounds of time and memory.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use flate2::write::MultiGzDecoder;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, LOCATION, USER_AGENT,
};
use http::{HeaderMap, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::FetchError;
use crate::job::ScrapeSettings;
use crate::target::Target;

/// How we introduce ourselves.
const AGENT: &str = concat!("Stonechat/", env!("CARGO_PKG_VERSION"));
const TIMEOUT_HEADER: &str = "x-prometheus-scrape-timeout-seconds";
/// The same as in Go's client, on which exporters' redirects were tried.
const REDIRECTS_MAX: usize = 10;
/// Longer than any sensible interval, so that a target is dialled once.
const IDLE_MAX: Duration = Duration::from_mins(5);
/// Targets may share a host and port and differ in their paths.
const IDLE_CONNECTIONS_PER_HOST_MAX: usize = 16;
/// Memory for answers is booked in steps of so many bytes.
const BUDGET_STEP: usize = 64 << 10;

/// The client that all targets share, and the memory that their answers may take together.
#[derive(Clone)]
pub(crate) struct Fetcher {
    client: Client<HttpConnector, Empty<Bytes>>,
    budget: Arc<Semaphore>,
    budget_bytes: usize,
}

/// The answer of a target.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) body: Vec<u8>,
    pub(crate) content_type: Option<String>,
    /// Kept until the page has been read.
    _booked: Option<OwnedSemaphorePermit>,
}

impl Page {
    /// An answer that does not come from a network.
    #[cfg(test)]
    pub(crate) fn of(body: &str, content_type: &str) -> Self {
        Self {
            body: body.into(),
            content_type: Some(content_type.to_owned()),
            _booked: None,
        }
    }
}

impl Fetcher {
    /// A client whose answers take at most `budget_bytes` at any moment.
    pub(crate) fn new(budget_bytes: usize) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_MAX)
            .pool_max_idle_per_host(IDLE_CONNECTIONS_PER_HOST_MAX)
            .build(connector);
        let steps = (budget_bytes / BUDGET_STEP).clamp(1, Semaphore::MAX_PERMITS);
        Self {
            client,
            budget: Arc::new(Semaphore::new(steps)),
            budget_bytes,
        }
    }

    /// Gets the page of a target. `expected_bytes` is what the last one had.
    pub(crate) async fn fetch(
        &self,
        target: &Target,
        settings: &ScrapeSettings,
        expected_bytes: usize,
    ) -> Result<Page, FetchError> {
        let whole = async {
            let response = self.follow(target, settings).await?;
            if response.status() != StatusCode::OK {
                return Err(FetchError::Status(response.status()));
            }
            let content_type = header(response.headers(), CONTENT_TYPE.as_str());
            let mut body = Body::new(self, &response, settings, expected_bytes)?;
            let mut incoming = response.into_body();
            while let Some(frame) = incoming.frame().await {
                let frame = frame.map_err(|error| FetchError::of_body(&error))?;
                if let Some(piece) = frame.data_ref() {
                    body.push(piece)?;
                }
            }
            let (body, booked) = body.finish()?;
            Ok(Page {
                body,
                content_type,
                _booked: booked,
            })
        };
        tokio::time::timeout(target.timeout, whole)
            .await
            .unwrap_or(Err(FetchError::Timeout(target.timeout)))
    }

    /// Asks once, or twice when the first connection was closed without an answer: a target may close a connection that waits for the
    /// next scrape at the very moment when we use it.
    async fn ask(&self, request: Request<Empty<Bytes>>) -> Result<Response<Incoming>, FetchError> {
        let again = request.clone();
        let first = self.client.request(request).await;
        match first.map_err(|error| FetchError::of_request(&error)) {
            Err(FetchError::Cut) => {}
            answered => return answered,
        }
        let second = self.client.request(again).await;
        second.map_err(|error| FetchError::of_request(&error))
    }

    /// Asks, and asks elsewhere when the target says so.
    async fn follow(
        &self,
        target: &Target,
        settings: &ScrapeSettings,
    ) -> Result<Response<Incoming>, FetchError> {
        let mut url = target.url.clone();
        for _ in 0..=REDIRECTS_MAX {
            let uri: Uri = url
                .parse()
                .map_err(|_| FetchError::Redirect(format!("{url:?} is no URL")))?;
            let request = request(uri, target, settings)?;
            let response = self.ask(request).await?;
            if !settings.follow_redirects || !is_redirect(response.status()) {
                return Ok(response);
            }
            let location = header(response.headers(), LOCATION.as_str())
                .ok_or_else(|| FetchError::Redirect("it does not say where to".to_owned()))?;
            url = join(&url, &location)?;
        }
        Err(FetchError::Redirect(format!(
            "more than {REDIRECTS_MAX} in a row"
        )))
    }
}

fn request(
    uri: Uri,
    target: &Target,
    settings: &ScrapeSettings,
) -> Result<Request<Empty<Bytes>>, FetchError> {
    let encoding = if settings.compression {
        "gzip"
    } else {
        "identity"
    };
    let seconds = stonechat_model::format_float(target.timeout.as_secs_f64());
    Request::get(uri)
        .header(ACCEPT, &settings.accept)
        .header(ACCEPT_ENCODING, encoding)
        .header(USER_AGENT, AGENT)
        .header(TIMEOUT_HEADER, seconds)
        .body(Empty::new())
        .map_err(|error| FetchError::Http(error.to_string()))
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// Where a redirect leads.
fn join(url: &str, location: &str) -> Result<String, FetchError> {
    let joined = url::Url::parse(url).and_then(|url| url.join(location));
    match joined {
        Ok(url) if url.scheme() == "http" => Ok(url.into()),
        Ok(url) => Err(FetchError::Redirect(format!(
            "to {url}, and {} is not supported yet",
            url.scheme()
        ))),
        Err(_) => Err(FetchError::Redirect(format!("{location:?} is no URL"))),
    }
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    let value = headers.get(name)?;
    Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// An answer that is being received.
struct Body<'a> {
    fetcher: &'a Fetcher,
    sink: Sink,
    booked: Option<OwnedSemaphorePermit>,
    booked_bytes: usize,
}

enum Sink {
    Plain(Bounded),
    Gzip(Box<MultiGzDecoder<Bounded>>),
}

/// Bytes that refuse to become more than a limit.
struct Bounded {
    bytes: Vec<u8>,
    limit: usize,
    exceeded: bool,
}

impl Write for Bounded {
    fn write(&mut self, piece: &[u8]) -> std::io::Result<usize> {
        if piece.len() > self.limit - self.bytes.len() {
            self.exceeded = true;
            return Err(std::io::Error::other("the limit is reached"));
        }
        self.bytes.extend_from_slice(piece);
        Ok(piece.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> Body<'a> {
    fn new(
        fetcher: &'a Fetcher,
        response: &Response<Incoming>,
        settings: &ScrapeSettings,
        expected_bytes: usize,
    ) -> Result<Self, FetchError> {
        let limit = settings.limits.body_bytes;
        let encoding = header(response.headers(), CONTENT_ENCODING.as_str());
        let encoding = encoding.unwrap_or_default().to_ascii_lowercase();
        let is_gzip = match encoding.as_str() {
            "gzip" | "x-gzip" => true,
            "" | "identity" => false,
            _ => return Err(FetchError::Encoding(format!("it is {encoding:?}"))),
        };
        let announced = header(response.headers(), CONTENT_LENGTH.as_str());
        let announced: Option<u64> = announced.and_then(|bytes| bytes.parse().ok());
        if announced.is_some_and(|bytes| bytes > limit) {
            return Err(FetchError::BodySize { limit });
        }
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        // The last answer's size is a good guess, and an announced size is the truth; neither may ask for much.
        let capacity = if is_gzip {
            expected_bytes
        } else {
            announced
                .and_then(|bytes| usize::try_from(bytes).ok())
                .unwrap_or(expected_bytes)
        };
        let bounded = Bounded {
            bytes: Vec::with_capacity(capacity.min(limit).min(1 << 20)),
            limit,
            exceeded: false,
        };
        let sink = if is_gzip {
            Sink::Gzip(Box::new(MultiGzDecoder::new(bounded)))
        } else {
            Sink::Plain(bounded)
        };
        Ok(Self {
            fetcher,
            sink,
            booked: None,
            booked_bytes: 0,
        })
    }

    fn bounded(&self) -> &Bounded {
        match &self.sink {
            Sink::Plain(bounded) => bounded,
            Sink::Gzip(decoder) => decoder.get_ref(),
        }
    }

    fn push(&mut self, piece: &[u8]) -> Result<(), FetchError> {
        let written = match &mut self.sink {
            Sink::Plain(bounded) => bounded.write_all(piece),
            Sink::Gzip(decoder) => decoder.write_all(piece),
        };
        self.check(written)?;
        self.book()
    }

    fn check(&self, written: std::io::Result<()>) -> Result<(), FetchError> {
        if self.bounded().exceeded {
            let limit = u64::try_from(self.bounded().limit).unwrap_or(u64::MAX);
            return Err(FetchError::BodySize { limit });
        }
        written.map_err(|error| FetchError::Encoding(format!("no valid gzip: {error}")))
    }

    /// Books what the answer has grown by. Without free memory the scrape fails at once: waiting for other answers that wait too would end
    /// in timeouts for all.
    fn book(&mut self) -> Result<(), FetchError> {
        let bytes = self.bounded().bytes.len();
        let steps = bytes
            .saturating_sub(self.booked_bytes)
            .div_ceil(BUDGET_STEP);
        if steps == 0 {
            return Ok(());
        }
        let more = u32::try_from(steps)
            .ok()
            .and_then(|steps| {
                self.fetcher
                    .budget
                    .clone()
                    .try_acquire_many_owned(steps)
                    .ok()
            })
            .ok_or(FetchError::Budget {
                limit: self.fetcher.budget_bytes,
            })?;
        match &mut self.booked {
            Some(booked) => booked.merge(more),
            None => self.booked = Some(more),
        }
        self.booked_bytes += steps * BUDGET_STEP;
        Ok(())
    }

    fn finish(mut self) -> Result<(Vec<u8>, Option<OwnedSemaphorePermit>), FetchError> {
        if let Sink::Gzip(decoder) = &mut self.sink {
            let finished = decoder.try_finish();
            self.check(finished)?;
            self.book()?;
        }
        let bounded = match self.sink {
            Sink::Plain(bounded) => bounded,
            Sink::Gzip(mut decoder) => {
                let empty = Bounded {
                    bytes: Vec::new(),
                    limit: 0,
                    exceeded: false,
                };
                std::mem::replace(decoder.get_mut(), empty)
            }
        };
        Ok((bounded.bytes, self.booked))
    }
}
