//! The control listener: faults on and off while the chat runs.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::routing::{get, put};
use axum::{Json, Router};
use http::{Method, StatusCode};

use crate::call::{Call, CallError, Caller};
use crate::fault::{Fault, Faults};
use crate::refusal::Refusal;

type Switches = BTreeMap<&'static str, bool>;

/// `GET /faults` lists the switches; `PUT` and `DELETE /faults/{name}` turn one and list them again.
pub(crate) fn router(faults: Arc<Faults>) -> Router {
    Router::new()
        .route("/faults", get(list))
        .route("/faults/{name}", put(switch_on).delete(switch_off))
        .with_state(faults)
}

async fn list(State(faults): State<Arc<Faults>>) -> Json<Switches> {
    Json(switches(&faults))
}

async fn switch_on(
    State(faults): State<Arc<Faults>>,
    Path(name): Path<String>,
) -> Result<Json<Switches>, Refusal> {
    switch(&faults, &name, true)
}

async fn switch_off(
    State(faults): State<Arc<Faults>>,
    Path(name): Path<String>,
) -> Result<Json<Switches>, Refusal> {
    switch(&faults, &name, false)
}

fn switch(faults: &Faults, name: &str, on: bool) -> Result<Json<Switches>, Refusal> {
    let fault: Fault = name
        .parse()
        .map_err(|unknown| Refusal::new(StatusCode::NOT_FOUND, unknown))?;
    faults.switch(fault, on);
    Ok(Json(switches(faults)))
}

fn switches(faults: &Faults) -> Switches {
    let now = faults.now();
    Fault::ALL
        .into_iter()
        .map(|fault| (fault.name(), now.contains(fault)))
        .collect()
}

/// How often somebody who follows the switches looks at them.
const FOLLOW_EVERY: Duration = Duration::from_millis(500);

/// How long a chat may take to answer about its switches.
const SWITCH_TIMEOUT: Duration = Duration::from_secs(3);

/// A running chat did not switch a fault: check its control address and that it runs.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct SwitchError(#[from] CallError);

/// Switches a fault of the chat whose control listener is at this address.
///
/// # Errors
///
/// When no chat answers there.
pub async fn switch_fault(control: SocketAddr, fault: Fault, on: bool) -> Result<(), SwitchError> {
    let method = if on { Method::PUT } else { Method::DELETE };
    let path = format!("/faults/{fault}");
    let call = Call {
        method,
        path: &path,
        token: None,
    };
    let chat = Caller::new("the control of the chat", control, SWITCH_TIMEOUT);
    let _now: BTreeMap<String, bool> = chat.call(&call, None::<&()>).await?;
    Ok(())
}

/// Turns these switches as those of the chat are turned whose control listener is at this address,
/// until it is dropped. As long as no chat answers, they stay as they are.
pub(crate) async fn follow_faults(control: SocketAddr, faults: &Faults) {
    let chat = Caller::new("the control of the chat", control, SWITCH_TIMEOUT);
    let call = Call {
        method: Method::GET,
        path: "/faults",
        token: None,
    };
    let mut ticks = tokio::time::interval(FOLLOW_EVERY);
    loop {
        ticks.tick().await;
        let now: Result<BTreeMap<String, bool>, CallError> = chat.call(&call, None::<&()>).await;
        match now {
            Ok(now) => Fault::ALL.into_iter().for_each(|fault| {
                let on = now.get(fault.name()).copied();
                faults.switch(fault, on.unwrap_or_default());
            }),
            Err(error) => tracing::debug!(%error, "faults are not known"),
        }
    }
}
