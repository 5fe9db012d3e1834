//! PagerDuty: the Events API, version 2, and version 1 for those who still have a service key.
//!
//! Sources: <https://developer.pagerduty.com/docs/send-alert-event> (form, limits and answers),
//! <https://developer.pagerduty.com/docs/events-api-v1-overview>.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value as Json, json};
use stonechat_model::yaml::Spanned;

use super::{Call, CallError, Service, put};
use crate::config::{Check, GlobalFile, HttpConfig, PagerdutyFile, SecretSource, or_text};
use crate::fit;
use crate::template::Renderer;

const V2_URL: &str = "https://events.pagerduty.com/v2/enqueue";
const V1_URL: &str = "https://events.pagerduty.com/generic/2010-04-15/create_event.json";
const SUMMARY_CHARACTERS_MAX: usize = 1024;
const BODY_BYTES_MAX: usize = 512_000;

/// Where an event goes and what it says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PagerdutyConfig {
    url: String,
    key: SecretSource,
    /// The key belongs to version 1.
    is_v1: bool,
    http: HttpConfig,
    description: String,
    client: String,
    client_url: String,
    details: BTreeMap<String, String>,
    /// Keys of the payload and their templates.
    payload: Vec<(&'static str, String)>,
    images: Json,
    links: Json,
    timeout: Option<Duration>,
}

/// What is said about an event if nothing else is.
const DETAILS: [(&str, &str); 4] = [
    (
        "firing",
        "{{ template \"pagerduty.default.instances\" .Alerts.Firing }}",
    ),
    (
        "resolved",
        "{{ template \"pagerduty.default.instances\" .Alerts.Resolved }}",
    ),
    ("num_firing", "{{ .Alerts.Firing | len }}"),
    ("num_resolved", "{{ .Alerts.Resolved | len }}"),
];

impl PagerdutyConfig {
    pub(crate) fn check(
        check: &mut Check<'_>,
        place: &Spanned<PagerdutyFile>,
        (global, http): (&GlobalFile, &HttpConfig),
    ) -> Option<Self> {
        let pager = &place.value;
        let own_http = pager.http_config.as_ref().map(|http| http.check(check));
        let v2 = check.secret(
            ("routing_key", pager.routing_key.as_ref()),
            pager.routing_key_file.as_ref(),
        );
        let v1 = check.secret(
            ("service_key", pager.service_key.as_ref()),
            pager.service_key_file.as_ref(),
        );
        let is_v1 = v2.is_none();
        let url = pager.url.as_ref().or(global.pagerduty_url.as_ref());
        let url = url
            .map_or(if is_v1 { V1_URL } else { V2_URL }, |url| {
                url.value.as_str()
            })
            .to_owned();
        let mut details: BTreeMap<String, String> = DETAILS
            .into_iter()
            .map(|(key, text)| (key.to_owned(), text.to_owned()))
            .collect();
        for (key, value) in pager.details.iter().flatten() {
            details.insert(key.clone(), or_text(check, Some(value), ""));
        }
        let client = or_text(
            check,
            pager.client.as_ref(),
            "{{ template \"pagerduty.default.client\" . }}",
        );
        let payload = vec![
            ("source", or_text(check, pager.source.as_ref(), &client)),
            ("severity", or_text(check, pager.severity.as_ref(), "error")),
            ("class", or_text(check, pager.class.as_ref(), "")),
            ("component", or_text(check, pager.component.as_ref(), "")),
            ("group", or_text(check, pager.group.as_ref(), "")),
        ];
        Some(Self {
            url,
            is_v1,
            http: own_http.unwrap_or_else(|| http.clone()),
            description: or_text(
                check,
                pager.description.as_ref(),
                "{{ template \"pagerduty.default.description\" . }}",
            ),
            client_url: or_text(
                check,
                pager.client_url.as_ref(),
                "{{ template \"pagerduty.default.clientURL\" . }}",
            ),
            client,
            details,
            payload,
            images: json!(pager.images.clone().unwrap_or_default()),
            links: json!(pager.links.clone().unwrap_or_default()),
            timeout: check.go_timeout(pager.timeout.as_ref()),
            key: v2.or(v1)?,
        })
    }

    fn details(&self, renderer: &Renderer<'_>) -> Result<Map<String, Json>, CallError> {
        let filled = self
            .details
            .iter()
            .map(|(key, template)| Ok((key.clone(), Json::String(renderer.text(template)?))));
        filled.collect()
    }

    fn v2(
        &self,
        renderer: &Renderer<'_>,
        (key, resolved): (&str, bool),
    ) -> Result<Json, CallError> {
        let mut payload = Map::new();
        let summary = renderer.text(&self.description)?;
        payload.insert(
            "summary".to_owned(),
            json!(fit::cut_characters(&summary, SUMMARY_CHARACTERS_MAX)),
        );
        for (name, template) in &self.payload {
            put(&mut payload, name, renderer.optional(Some(template))?);
        }
        payload.insert(
            "custom_details".to_owned(),
            Json::Object(self.details(renderer)?),
        );
        Ok(json!({
            "routing_key": key,
            "event_action": if resolved { "resolve" } else { "trigger" },
            "dedup_key": dedup_key(&renderer.notification.group_key),
            "client": renderer.text(&self.client)?,
            "client_url": renderer.text(&self.client_url)?,
            "images": renderer.json(&self.images)?,
            "links": renderer.json(&self.links)?,
            "payload": payload,
        }))
    }

    fn v1(
        &self,
        renderer: &Renderer<'_>,
        (key, resolved): (&str, bool),
    ) -> Result<Json, CallError> {
        let description = renderer.text(&self.description)?;
        Ok(json!({
            "service_key": key,
            "event_type": if resolved { "resolve" } else { "trigger" },
            "incident_key": dedup_key(&renderer.notification.group_key),
            "description": fit::cut_characters(&description, SUMMARY_CHARACTERS_MAX),
            "client": renderer.text(&self.client)?,
            "client_url": renderer.text(&self.client_url)?,
            "details": self.details(renderer)?,
        }))
    }
}

impl Service for PagerdutyConfig {
    fn call(&self, renderer: &Renderer<'_>) -> Result<Call, CallError> {
        let key = self
            .key
            .read()
            .map_err(|error| CallError::File("key", error))?;
        let resolved = renderer
            .notification
            .alerts
            .iter()
            .all(|told| told.resolved);
        let (mut body, details) = match self.is_v1 {
            true => (self.v1(renderer, (key.reveal(), resolved))?, "/details"),
            false => (
                self.v2(renderer, (key.reveal(), resolved))?,
                "/payload/custom_details",
            ),
        };
        if body.to_string().len() > BODY_BYTES_MAX
            && let Some(details) = body.pointer_mut(details)
        {
            *details = json!({ "error": format!("the details were left out: the event was longer than {BODY_BYTES_MAX} bytes") });
        }
        Ok(Call {
            url: crate::webhook::parse_url(&self.url).map_err(CallError::Url)?,
            body,
        })
    }

    fn http(&self) -> &HttpConfig {
        &self.http
    }

    fn timeout(&self) -> Duration {
        self.timeout.unwrap_or(Duration::from_secs(10))
    }
}

/// By which PagerDuty recognises what belongs together: SHA-256 of the group's key, as from Alertmanager.
fn dedup_key(group_key: &str) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, group_key.as_bytes());
    digest
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
