//! Asks the running parts what they see.

use std::time::Duration;

use anyhow::Result;
use serde::de::DeserializeOwned;

use super::ports::Ports;
use super::story::Shown;

/// A client of the demo's own parts.
pub(crate) struct Watch {
    http: reqwest::Client,
    ports: Ports,
}

#[derive(serde::Deserialize)]
struct Envelope<T> {
    data: T,
}

#[derive(serde::Deserialize)]
struct Alerts {
    alerts: Vec<Shown>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Targets {
    active_targets: Vec<Target>,
}

#[derive(serde::Deserialize)]
struct Target {
    health: String,
}

#[derive(serde::Deserialize)]
struct Found {
    result: Vec<serde::de::IgnoredAny>,
}

impl Watch {
    pub(crate) fn new(ports: Ports) -> Result<Self> {
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(2))
            .no_proxy()
            .build()?;
        Ok(Self { http, ports })
    }

    /// True when the server sees every target up and nine people in ten connected.
    pub(crate) async fn is_ready(&self, users: u32) -> bool {
        let targets: Option<Targets> = self.get("targets").await;
        let up = targets.is_some_and(|targets| {
            !targets.active_targets.is_empty()
                && targets
                    .active_targets
                    .iter()
                    .all(|target| target.health == "up")
        });
        let query = format!("query?query=sum(chat_websocket_connections)>={users}*0.9");
        up && self
            .get::<Found>(&query)
            .await
            .is_some_and(|found| !found.result.is_empty())
    }

    /// The alerts that are pending or fire now; `None` when the server does not answer.
    pub(crate) async fn alerts(&self) -> Option<Vec<Shown>> {
        self.get::<Alerts>("alerts")
            .await
            .map(|alerts| alerts.alerts)
    }

    async fn get<T: DeserializeOwned>(&self, what: &str) -> Option<T> {
        let answer = self
            .http
            .get(format!("http://{}/api/v1/{what}", self.ports.server()))
            .send()
            .await
            .ok()?;
        answer
            .json::<Envelope<T>>()
            .await
            .ok()
            .map(|envelope| envelope.data)
    }

    /// Switches a fault of the chat. A busy machine may answer late, so it is asked up to three times.
    pub(crate) async fn switch(&self, fault: &str, on: bool) -> Result<()> {
        let url = format!("http://{}/faults/{fault}", self.ports.control());
        let mut tries = 0;
        loop {
            let request = if on {
                self.http.put(&url)
            } else {
                self.http.delete(&url)
            };
            match request
                .send()
                .await
                .and_then(reqwest::Response::error_for_status)
            {
                Ok(_) => return Ok(()),
                Err(error) if tries == 2 => return Err(error.into()),
                Err(_) => tries += 1,
            }
        }
    }
}
