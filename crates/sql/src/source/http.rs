//! What REST and ClickHouse have in common: one client, bodies with a bound, errors without secrets.

use std::error::Error as _;
use std::sync::OnceLock;
use std::time::Duration;

use reqwest::{Certificate, Client, Identity, Response, redirect};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use super::SourceError;
use super::tls::certificates;
use crate::plan::{PoolLimits, Tls};
use crate::rows::Rows;

/// The largest answer that is read.
const BODY_BYTES_MAX: usize = 64 << 20;

/// How much of an answer that is no success an error shows.
const EXCERPT_CHARACTERS: usize = 300;

/// How often a service may send us elsewhere.
const REDIRECTS_MAX: usize = 5;

/// A client whose connections have the limits of a source.
fn client(limits: &PoolLimits, tls: &Tls) -> Result<Client, SourceError> {
    let unusable = |error: reqwest::Error| SourceError::Connect(cause(&error));
    let mut builder = Client::builder()
        .connect_timeout(limits.connect_timeout)
        .pool_max_idle_per_host(limits.connections_max as usize)
        .pool_idle_timeout(limits.idle_max)
        .redirect(redirect::Policy::custom(follow))
        .user_agent("stonechat");
    let certificates = certificates(tls)?;
    if let Some(authorities) = &certificates.authorities {
        let authorities = Certificate::from_pem_bundle(authorities).map_err(unusable)?;
        builder = builder.tls_certs_only(authorities);
    }
    if let Some((certificate, key)) = certificates.own {
        let both = [certificate, key].join(&b'\n');
        builder = builder.identity(Identity::from_pem(&both).map_err(unusable)?);
    }
    builder.build().map_err(unusable)
}

/// Follows only to the same place: the headers of a source may be secrets, and are for that place.
fn follow(attempt: redirect::Attempt<'_>) -> redirect::Action {
    let place = |url: &url::Url| {
        (
            url.host_str().map(str::to_owned),
            url.port_or_known_default(),
        )
    };
    let is_same = attempt.previous().first().is_some_and(|first| {
        let same_host = first.host_str() == attempt.url().host_str();
        let more_secure = first.scheme() == "http" && attempt.url().scheme() == "https";
        place(first) == place(attempt.url()) || same_host && more_secure
    });
    if is_same && attempt.previous().len() <= REDIRECTS_MAX {
        attempt.follow()
    } else {
        attempt.stop()
    }
}

/// The innermost reason, which says more than "error sending request". It names no URL, since that may have a password.
pub(super) fn cause(error: &reqwest::Error) -> String {
    let mut reason: &dyn std::error::Error = error;
    while let Some(source) = reason.source() {
        reason = source;
    }
    if error.source().is_none() {
        return if error.is_timeout() {
            "no answer in time"
        } else {
            "the request failed"
        }
        .to_owned();
    }
    reason.to_string()
}

/// What a failed request means.
pub(super) fn failed(error: &reqwest::Error) -> SourceError {
    if error.is_builder() {
        return SourceError::Connect("the URL or a header is not valid".to_owned());
    }
    SourceError::Connect(cause(error))
}

/// Reads a body up to the bound.
pub(super) async fn body(mut response: Response) -> Result<Vec<u8>, SourceError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| failed(&error))? {
        if body.len() + chunk.len() > BODY_BYTES_MAX {
            let mebibytes = BODY_BYTES_MAX >> 20;
            return Err(SourceError::Answer(format!(
                "an answer of more than {mebibytes} MiB: ask for less"
            )));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The beginning of a body, on one line.
pub(super) fn excerpt(body: &[u8]) -> String {
    let text =
        String::from_utf8_lossy(&body[..body.len().min(4 * EXCERPT_CHARACTERS)]).into_owned();
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().take(EXCERPT_CHARACTERS).collect()
}

/// A service, and how many requests to it may be under way.
pub(super) struct Service {
    limits: PoolLimits,
    tls: Tls,
    turns: Semaphore,
    client: OnceLock<Client>,
}

impl Service {
    /// A service that is reached when it is first asked.
    pub(super) fn new(limits: PoolLimits, tls: Tls) -> Self {
        let turns = Semaphore::new(limits.connections_max.max(1) as usize);
        Self {
            limits,
            tls,
            turns,
            client: OnceLock::new(),
        }
    }

    /// Waits for a turn, then does something until the time is over.
    pub(super) async fn within<F>(
        &self,
        limit: Duration,
        work: impl FnOnce(Client) -> F,
    ) -> Result<Rows, SourceError>
    where
        F: Future<Output = Result<Rows, SourceError>>,
    {
        let deadline = Instant::now() + limit;
        let Ok(turn) = timeout_at(deadline, self.turns.acquire()).await else {
            let most = self.limits.connections_max;
            return Err(SourceError::Connect(format!(
                "all {most} connections were busy for {limit:?}"
            )));
        };
        let client = match self.client.get() {
            Some(client) => client.clone(),
            None => {
                let built = client(&self.limits, &self.tls)?;
                self.client.get_or_init(|| built).clone()
            }
        };
        let answer = timeout_at(deadline, work(client)).await;
        drop(turn);
        answer.unwrap_or(Err(SourceError::Timeout(limit)))
    }
}
