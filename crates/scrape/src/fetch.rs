//! Getting a page over HTTP, within bounds of time and memory.

use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, HOST, LOCATION, USER_AGENT};
use http::{Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Empty};
use hyper::body::{Body as _, Incoming};

use crate::body::{Body, Booked, Budget, header};
use crate::connection::{Connection, is_persistent};
use crate::error::FetchError;
use crate::job::ScrapeSettings;
use crate::target::Target;

/// How we introduce ourselves.
const AGENT: &str = concat!("Stonechat/", env!("CARGO_PKG_VERSION"));
const TIMEOUT_HEADER: &str = "x-prometheus-scrape-timeout-seconds";
/// The same as in Go's client, on which exporters' redirects were tried.
const REDIRECTS_MAX: usize = 10;

/// Who gets the pages of one target. Keeps the connection between scrapes.
pub(crate) struct Fetcher {
    budget: Budget,
    idle: Option<Connection>,
}

/// The answer of a target.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) body: Vec<u8>,
    pub(crate) content_type: Option<String>,
    /// Kept until the page has been read.
    _booked: Booked,
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
    pub(crate) fn new(budget: Budget) -> Self {
        Self { budget, idle: None }
    }

    /// Gets the page of a target. `expected_bytes` is what the last one had.
    pub(crate) async fn fetch(
        &mut self,
        target: &Target,
        settings: &ScrapeSettings,
        expected_bytes: usize,
    ) -> Result<Page, FetchError> {
        let page = self.page(target, settings, expected_bytes);
        tokio::time::timeout(target.timeout, page)
            .await
            .unwrap_or(Err(FetchError::Timeout(target.timeout)))
    }

    async fn page(
        &mut self,
        target: &Target,
        settings: &ScrapeSettings,
        expected_bytes: usize,
    ) -> Result<Page, FetchError> {
        let (mut connection, response) = self.follow(target, settings).await?;
        let is_persistent = is_persistent(&response);
        let limit = settings.limits.body_bytes;
        let mut body = Body::new(&self.budget, response.headers(), limit, expected_bytes)?;
        let content_type = header(response.headers(), &CONTENT_TYPE);
        let mut incoming = response.into_body();
        let receiving = async {
            while let Some(frame) = incoming.frame().await {
                let frame = frame.map_err(|error| FetchError::of_hyper(&error))?;
                if let Some(piece) = frame.data_ref() {
                    body.push(piece)?;
                }
            }
            Ok(())
        };
        connection.drive(receiving).await?;
        let (body, booked) = body.finish()?;
        self.idle = is_persistent.then_some(connection);
        Ok(Page {
            body,
            content_type,
            _booked: booked,
        })
    }

    /// Asks, and asks elsewhere when the target says so, until there is a good answer.
    async fn follow(
        &mut self,
        target: &Target,
        settings: &ScrapeSettings,
    ) -> Result<(Connection, Response<Incoming>), FetchError> {
        let mut url = target.url.clone();
        for _ in 0..=REDIRECTS_MAX {
            let (connection, response) = self.ask(&url, target, settings).await?;
            let status = response.status();
            if status == StatusCode::OK {
                return Ok((connection, response));
            }
            let location = header(response.headers(), &LOCATION);
            // What is behind another status is not worth reading; without anything behind it the connection is still good.
            if is_persistent(&response) && response.body().is_end_stream() {
                self.idle = Some(connection);
            }
            if !settings.follow_redirects || !is_redirect(status) {
                return Err(FetchError::Status(status));
            }
            let location = location
                .ok_or_else(|| FetchError::Redirect("it does not say where to".to_owned()))?;
            url = join(&url, &location)?;
        }
        Err(FetchError::Redirect(format!(
            "more than {REDIRECTS_MAX} in a row"
        )))
    }

    /// Asks over the connection of the last scrape, or over a new one. A target may close a connection that waits for the next
    /// scrape at the very moment when we use it; that is no failure.
    async fn ask(
        &mut self,
        url: &str,
        target: &Target,
        settings: &ScrapeSettings,
    ) -> Result<(Connection, Response<Incoming>), FetchError> {
        let (uri, request) = request(url, target, settings)?;
        let authority = uri
            .authority()
            .ok_or_else(|| FetchError::Redirect(format!("{url:?} is no URL")))?;
        if let Some(mut connection) = self.idle.take()
            && connection.is_ready_for(authority).await
        {
            match connection.send(request.clone()).await {
                Err(FetchError::Cut) => {}
                answer => return answer.map(|response| (connection, response)),
            }
        }
        let mut connection = Connection::open(authority.clone()).await?;
        let response = connection.send(request).await?;
        Ok((connection, response))
    }
}

/// Where to send what.
fn request(
    url: &str,
    target: &Target,
    settings: &ScrapeSettings,
) -> Result<(Uri, Request<Empty<Bytes>>), FetchError> {
    let bad_url = |_| FetchError::Redirect(format!("{url:?} is no URL"));
    let uri: Uri = url.parse().map_err(bad_url)?;
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let host = uri.authority().map_or("", |authority| authority.as_str());
    let encoding = if settings.compression {
        "gzip"
    } else {
        "identity"
    };
    let seconds = stonechat_model::format_float(target.timeout.as_secs_f64());
    let request = Request::get(path)
        .header(HOST, host)
        .header(USER_AGENT, AGENT)
        .header(ACCEPT, &settings.accept)
        .header(ACCEPT_ENCODING, encoding)
        .header(TIMEOUT_HEADER, seconds)
        .body(Empty::new())
        .map_err(|error| FetchError::Http(error.to_string()))?;
    Ok((uri, request))
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
