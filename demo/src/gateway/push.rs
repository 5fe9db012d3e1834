use std::future::{Ready, ready};
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::from_fn;
use axum::routing::post;
use tonic::body::Body;
use tonic::server::{Grpc, UnaryService};
use tonic::{Response, Status};
use tonic_prost::ProstCodec;

use super::Gateway;
use super::hub::{Frame, FrameKind, PushResult};
use super::socket::text_of;
use crate::trace;
use crate::wire::{
    Delivery, HistoryLine, PUSH_BYTES_MAX, PUSH_PATH, Push, PushOutcome, Pushed, ToClient,
};

/// The gRPC service that task calls, on a listener that users do not reach.
pub(crate) fn router(gateway: Arc<Gateway>) -> Router {
    let grpc = gateway.metrics.grpc.layer();
    Router::new()
        .route(PUSH_PATH, post(push))
        .fallback(async || Status::unimplemented("there is no such method").into_http::<Body>())
        .layer(grpc)
        .layer(from_fn(trace::follow))
        .with_state(gateway)
}

async fn push(State(gateway): State<Arc<Gateway>>, request: Request) -> http::Response<Body> {
    Grpc::new(ProstCodec::default())
        .max_decoding_message_size(PUSH_BYTES_MAX)
        .unary(PushMethod(gateway), request)
        .await
}

struct PushMethod(Arc<Gateway>);

impl UnaryService<Push> for PushMethod {
    type Response = Pushed;
    type Future = Ready<Result<Response<Pushed>, Status>>;

    fn call(&mut self, asked: tonic::Request<Push>) -> Self::Future {
        ready(self.0.push_all(asked.into_inner()).map(Response::new))
    }
}

impl Gateway {
    /// All or none: what cannot be read is found before anything is pushed.
    fn push_all(&self, asked: Push) -> Result<Pushed, Status> {
        let deliveries: Result<Vec<Delivery>, _> = asked
            .deliveries
            .into_iter()
            .map(TryInto::try_into)
            .collect();
        let deliveries = deliveries.map_err(|error| Status::invalid_argument(error.to_string()))?;
        let push = |delivery| self.push(delivery);
        Ok(Pushed {
            outcomes: deliveries.into_iter().map(push).collect(),
        })
    }

    fn push(&self, delivery: Delivery) -> PushOutcome {
        let began = Instant::now();
        let accepted_at = Some(delivery.sent_at_ms);
        let text = text_of(&ToClient::Message {
            session_id: delivery.session_id,
            line: HistoryLine {
                message_id: delivery.message_id,
                sender: delivery.sender,
                body: delivery.body,
                sent_at_ms: delivery.sent_at_ms,
            },
        });
        let frame = Frame {
            kind: FrameKind::Message,
            text,
            accepted_at,
        };
        let mut outcome = PushOutcome::default();
        for user in delivery.recipients {
            match self.hub.push(user, &frame) {
                PushResult::Delivered => outcome.delivered.push(user.0),
                PushResult::TooSlow => outcome.failed.push(user.0),
                PushResult::Offline => {}
            }
        }
        self.metrics.messages.pushed_within(began.elapsed());
        outcome
    }
}
