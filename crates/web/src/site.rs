//! What answers: from the moment at which the server listens, and from the moment at which the rooms are there.

use std::convert::Infallible;
use std::sync::OnceLock;

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use stonechat_metrics::{HttpServer, RegisterError, Registry};
use tower::ServiceExt;

use crate::answer::{ApiError, ErrorType};
use crate::guard::{HostNames, refuse_name};
use crate::{Rooms, assets, lifecycle, router};

/// Why nothing is answered before the rooms are there.
const STARTING: &str = "the server is starting and reads its log back";

/// Answers every request.
#[derive(Debug)]
pub struct Site {
    names: HostNames,
    lobby: Router,
    rooms: OnceLock<Router>,
}

impl Site {
    /// A site without rooms: health, metrics and the page are there, everything else is told to come back.
    ///
    /// # Errors
    /// When the registry already holds other families of the same names.
    pub fn new(registry: &Registry, names: HostNames) -> Result<Self, RegisterError> {
        let http = HttpServer::register(&registry.namespace("stonechat"))?;
        let lobby = Router::new()
            .route("/api/{*path}", any(come_back))
            .route("/-/healthy", get(lifecycle::healthy))
            .route("/-/ready", get(async || lifecycle::unready(STARTING)))
            .route("/-/reload", any(async || lifecycle::unready(STARTING)))
            .fallback(get(assets::page))
            .merge(stonechat_metrics::metrics_router(registry.clone()))
            .layer(http.layer());
        Ok(Self {
            names,
            lobby,
            rooms: OnceLock::new(),
        })
    }

    /// Opens the rooms. Those that were opened first stay.
    ///
    /// # Errors
    /// When the registry of the rooms already holds other families of the same names.
    pub fn open(&self, rooms: Rooms) -> Result<(), RegisterError> {
        let router = router(rooms)?;
        self.rooms.get_or_init(|| router);
        Ok(())
    }

    /// Answers one request.
    pub async fn answer(&self, request: Request) -> Response {
        if let Some(name) = self.names.foreign(request.headers()) {
            return refuse_name(name);
        }
        let router = self.rooms.get().unwrap_or(&self.lobby);
        let answer: Result<Response, Infallible> = router.clone().oneshot(request).await;
        match answer {
            Ok(answer) => answer,
            Err(never) => match never {},
        }
    }
}

async fn come_back() -> Response {
    ApiError::new(ErrorType::Unavailable, STARTING).into_response()
}
