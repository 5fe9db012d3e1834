use std::net::SocketAddr;
use std::time::Duration;

use http::Uri;
use http::uri::PathAndQuery;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::timeout;
use tonic::body::Body;
use tonic::client::Grpc;
use tonic::{Request, Status};
use tonic_prost::ProstCodec;

use crate::wire::{PUSH_BYTES_MAX, PUSH_PATH, Push, Pushed};

/// A gateway that does not answer a push within this time is tried again.
const PUSH_TIMEOUT: Duration = Duration::from_secs(3);
/// All pushes to a gateway share one connection, so one that is dead has to be noticed.
const PING_EVERY: Duration = Duration::from_secs(10);

/// Pushes to one gateway, over gRPC.
#[derive(Debug)]
pub(super) struct PushClient {
    address: SocketAddr,
    grpc: Grpc<Client<HttpConnector, Body>>,
}

/// A push that brought no usable answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum PushError {
    /// The gateway said no, or cannot be reached.
    #[error("the gateway at {gateway} answers {}: {}", status.code(), status.message())]
    Status {
        gateway: SocketAddr,
        status: Box<Status>,
    },
    #[error("the gateway at {0} did not answer within {PUSH_TIMEOUT:?}")]
    Timeout(SocketAddr),
    #[error(transparent)]
    Client(#[from] Error),
}

impl PushClient {
    pub fn new(address: SocketAddr) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(PUSH_TIMEOUT));
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .http2_only(true)
            .http2_keep_alive_interval(PING_EVERY)
            .http2_keep_alive_timeout(PUSH_TIMEOUT)
            .build(connector);
        let origin = Uri::builder()
            .scheme("http")
            .authority(address.to_string())
            .path_and_query("/")
            .build()
            .expect("an address and a port are an authority");
        let grpc = Grpc::with_origin(client, origin).max_decoding_message_size(PUSH_BYTES_MAX);
        Self { address, grpc }
    }

    pub async fn push(&self, push: &Push) -> Result<Pushed, PushError> {
        let path = PathAndQuery::from_static(PUSH_PATH);
        let mut grpc = self.grpc.clone();
        let answer = async {
            grpc.ready().await?;
            let request = Request::new(push.clone());
            let answer = grpc.unary(request, path, ProstCodec::default()).await;
            answer.map_err(|status| PushError::Status {
                gateway: self.address,
                status: Box::new(status),
            })
        };
        match timeout(PUSH_TIMEOUT, answer).await {
            Ok(answer) => Ok(answer?.into_inner()),
            Err(_) => Err(PushError::Timeout(self.address)),
        }
    }
}
