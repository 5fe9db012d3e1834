use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, State};
use axum::middleware::from_fn;
use axum::routing::post;
use axum::{Json, Router};

use super::Gateway;
use super::hub::{Frame, FrameKind, PushResult};
use super::socket::text_of;
use crate::trace;
use crate::wire::{Delivery, HistoryLine, Push, PushOutcome, Pushed, ToClient};

/// A full batch of the longest messages to the largest groups.
const BODY_BYTES_MAX: usize = 8 * 1024 * 1024;

/// The API that task calls, on a listener that users do not reach.
pub(crate) fn router(gateway: Arc<Gateway>) -> Router {
    let http = gateway.metrics.http.layer();
    Router::new()
        .route("/push", post(push))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(http)
        .layer(from_fn(trace::follow))
        .with_state(gateway)
}

async fn push(State(gateway): State<Arc<Gateway>>, Json(asked): Json<Push>) -> Json<Pushed> {
    let push = |delivery| gateway.push(delivery);
    Json(Pushed {
        outcomes: asked.deliveries.into_iter().map(push).collect(),
    })
}

impl Gateway {
    fn push(&self, delivery: Delivery) -> PushOutcome {
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
                PushResult::Delivered => outcome.delivered.push(user),
                PushResult::TooSlow => outcome.failed.push(user),
                PushResult::Offline => {}
            }
        }
        outcome
    }
}
