use std::net::SocketAddr;

use http::Uri;
use http::uri::PathAndQuery;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tonic::client::Grpc;
use tonic::{Code, Request, Status};
use tonic_prost::ProstCodec;

use crate::backend::start;
use crate::exposition::{eventually, metric};

/// The messages of `chat.Gateway/Push` as somebody outside would write them.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Push {
    #[prost(message, repeated, tag = "1")]
    pub deliveries: Vec<Delivery>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Delivery {
    #[prost(int64, tag = "1")]
    pub message_id: i64,
    #[prost(string, tag = "2")]
    pub session_id: String,
    #[prost(string, tag = "3")]
    pub sender: String,
    #[prost(string, tag = "4")]
    pub body: String,
    #[prost(int64, repeated, tag = "6")]
    pub recipients: Vec<i64>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Pushed {
    #[prost(message, repeated, tag = "1")]
    pub outcomes: Vec<Outcome>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Outcome {
    #[prost(int64, repeated, tag = "1")]
    pub delivered: Vec<i64>,
    #[prost(int64, repeated, tag = "2")]
    pub failed: Vec<i64>,
}

async fn call(gateway: SocketAddr, path: &'static str, push: Push) -> Result<Pushed, Status> {
    let client = Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build_http();
    let origin: Uri = format!("http://{gateway}").parse().unwrap();
    let mut grpc = Grpc::with_origin(client, origin);
    grpc.ready().await.unwrap();
    let path = PathAndQuery::from_static(path);
    let answer = grpc.unary(Request::new(push), path, ProstCodec::default());
    Ok(answer.await?.into_inner())
}

/// Pushes as task does.
pub async fn push(gateway: SocketAddr, deliveries: Vec<Delivery>) -> Result<Pushed, Status> {
    call(gateway, "/chat.Gateway/Push", Push { deliveries }).await
}

#[tokio::test]
async fn calls_are_counted_by_method_and_code() {
    let chat = start().await;
    let at = chat.addresses();
    let session = |session_id: &str| Delivery {
        session_id: session_id.to_owned(),
        ..Delivery::default()
    };
    let pushed = push(at.push, vec![session("s-1-2")]).await.unwrap();
    assert_eq!(pushed.outcomes, [Outcome::default()], "there is nobody");
    let refused = push(at.push, vec![session("s-1-2"), session("nowhere")]).await;
    assert_eq!(refused.unwrap_err().code(), Code::InvalidArgument);
    let unknown = call(at.push, "/chat.Gateway/Pull", Push::default()).await;
    assert_eq!(unknown.unwrap_err().code(), Code::Unimplemented);
    for labels in [
        [r#"method="Push""#, r#"code="OK""#],
        [r#"method="Push""#, r#"code="InvalidArgument""#],
        [r#"method="unknown""#, r#"code="Unimplemented""#],
    ] {
        eventually(labels[1], async || {
            metric(
                at.gateway_metrics,
                "chat_grpc_server_handled_total",
                &labels,
            )
            .await
                == 1.0
        })
        .await;
    }
    let in_flight = "chat_grpc_server_in_flight";
    assert_eq!(metric(at.gateway_metrics, in_flight, &[]).await, 0.0);
    chat.stop().await;
}
