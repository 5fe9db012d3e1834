//! Calls from one service to another: JSON over HTTP, each with a timeout.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde::Serialize;
use serde::de::DeserializeOwned;
use stonechat_metrics::HttpClient;

use crate::refusal::RefusalBody;
use crate::trace;

/// Longest answer that is read.
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Idle connections kept to one service. Fewer than the listener keeps open, and for less long, so
/// that a call rarely meets a connection that is just being closed.
const IDLE_CONNECTIONS_MAX: usize = 64;
const IDLE_CONNECTION_AGE_MAX: Duration = Duration::from_secs(30);

/// A call that brought no usable answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// The service said no; the message is its own.
    #[error("{message} (status {status})")]
    Refused { status: StatusCode, message: String },
    #[error("{service} did not answer within {after:?}")]
    Timeout { service: String, after: Duration },
    #[error("{service} cannot be reached")]
    Unreachable {
        service: String,
        source: hyper_util::client::legacy::Error,
    },
    #[error("{service} gave an answer that cannot be read: {why}")]
    Answer { service: String, why: String },
}

/// Calls one service at one address.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    service: String,
    address: SocketAddr,
    timeout: Duration,
    client: Client<HttpConnector, Full<Bytes>>,
    /// Where its calls are counted, and as calls to whom.
    metrics: Option<(HttpClient, &'static str)>,
}

/// What is asked; the body is given to [`Caller::call`].
#[derive(Debug, Clone)]
pub(crate) struct Call<'a> {
    pub method: Method,
    pub path: &'a str,
    /// For the services behind the gateway there is none: they trust the gateway.
    pub token: Option<&'a str>,
}

impl Caller {
    /// `service` is the name that errors use.
    pub fn new(service: &str, address: SocketAddr, timeout: Duration) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(timeout));
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_CONNECTION_AGE_MAX)
            .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
            .build(connector);
        Self {
            service: format!("{service} at {address}"),
            address,
            timeout,
            client,
            metrics: None,
        }
    }

    /// Where the service is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Counts and times its calls, as calls to this host.
    pub fn measured(self, metrics: &HttpClient, host: &'static str) -> Self {
        Self {
            metrics: Some((metrics.clone(), host)),
            ..self
        }
    }

    /// Posts a question and reads the answer.
    pub async fn post<Q: Serialize, A: DeserializeOwned>(
        &self,
        path: &str,
        question: &Q,
    ) -> Result<A, CallError> {
        self.call(
            &Call {
                method: Method::POST,
                path,
                token: None,
            },
            Some(question),
        )
        .await
    }

    /// Makes any call; without a question the body is empty.
    pub async fn call<Q: Serialize, A: DeserializeOwned>(
        &self,
        call: &Call<'_>,
        question: Option<&Q>,
    ) -> Result<A, CallError> {
        let request = self.request(call, question)?;
        match tokio::time::timeout(self.timeout, self.exchange(request)).await {
            Ok(answer) => answer,
            Err(_) => Err(CallError::Timeout {
                service: self.service.clone(),
                after: self.timeout,
            }),
        }
    }

    fn request<Q: Serialize>(
        &self,
        call: &Call<'_>,
        question: Option<&Q>,
    ) -> Result<Request<Full<Bytes>>, CallError> {
        let unusable = |why: String| CallError::Answer {
            service: self.service.clone(),
            why,
        };
        let body = match question {
            Some(question) => {
                serde_json::to_vec(question).map_err(|error| unusable(error.to_string()))?
            }
            None => Vec::new(),
        };
        let mut request = Request::builder()
            .method(&call.method)
            .uri(format!("http://{}{}", self.address, call.path))
            .header(
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/json"),
            );
        if let Some(token) = call.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let mut request = request
            .body(Full::new(body.into()))
            .map_err(|error| unusable(error.to_string()))?;
        trace::hand_on(request.headers_mut());
        Ok(request)
    }

    async fn exchange<A: DeserializeOwned>(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<A, CallError> {
        let service = || self.service.clone();
        let unusable = |why: String| CallError::Answer {
            service: service(),
            why,
        };
        let measured = self.metrics.as_ref();
        let measured = measured.map(|(it, host)| it.start(request.method().as_str(), host));
        let response =
            self.client
                .request(request)
                .await
                .map_err(|source| CallError::Unreachable {
                    service: service(),
                    source,
                })?;
        let status = response.status();
        if let Some(measured) = measured {
            measured.finish(status.as_u16());
        }
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX)
            .collect()
            .await
            .map_err(|error| unusable(error.to_string()))?
            .to_bytes();
        if status.is_success() {
            return serde_json::from_slice(&body).map_err(|error| unusable(error.to_string()));
        }
        let message = match serde_json::from_slice::<RefusalBody>(&body) {
            Ok(body) => body.error,
            Err(_) => format!("{} refused without a reason", self.service),
        };
        Err(CallError::Refused { status, message })
    }
}
