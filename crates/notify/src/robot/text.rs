//! What a message says, before it takes the form of one service.

use stonechat_template::Error;

use super::Service;
use super::config::{Mentions, RobotConfig};
use crate::alert::ToldAlert;
use crate::notification::Status;
use crate::template::Renderer;

/// A message in words.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Said {
    pub title: String,
    /// Something fires; decides the colour, and whether anybody is called.
    pub firing: bool,
    /// One for each alert, or the text of a template of one's own.
    pub blocks: Vec<String>,
    pub mentions: Mentions,
}

/// The labels that the title and the texts of an alert show already.
const SHOWN_BEFORE: [&str; 2] = ["alertname", "severity"];

/// Annotations that are the text of an alert, the first that is there.
const TEXTS: [&str; 3] = ["summary", "description", "message"];

impl Said {
    pub(super) fn new(config: &RobotConfig, renderer: &Renderer<'_>) -> Result<Self, Error> {
        let alerts = &renderer.notification.alerts;
        let firing = alerts.iter().any(|told| !told.resolved);
        let title = match &config.title {
            Some(title) => renderer.text(title)?,
            None => renderer.text("{{ template \"__subject\" . }}")?,
        };
        let blocks = match &config.message {
            Some(message) => vec![renderer.text(message)?],
            None => alerts
                .iter()
                .map(|told| block(told, config.service, renderer))
                .collect(),
        };
        Ok(Self {
            title,
            firing,
            blocks,
            mentions: if firing {
                config.mentions.clone()
            } else {
                Mentions::default()
            },
        })
    }
}

/// One alert: its name in the colour of its state, what it is, its labels, since when.
fn block(told: &ToldAlert, service: Service, renderer: &Renderer<'_>) -> String {
    let alert = &told.known.alert;
    let name = match alert.labels.get("severity") {
        Some(severity) => format!("{} · {severity}", alert.name()),
        None => alert.name().to_owned(),
    };
    let mut lines = vec![format!("**{}**", colored(&name, Status::of(told), service))];
    let texts = TEXTS
        .iter()
        .filter_map(|name| alert.annotations.get(*name))
        .filter(|text| !text.is_empty());
    lines.extend(texts.take(2).cloned());
    let labels = alert
        .labels
        .iter()
        .filter(|(name, _)| !SHOWN_BEFORE.contains(name));
    let labels: Vec<String> = labels
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    if !labels.is_empty() {
        lines.push(labels.join(", "));
    }
    let mut times = renderer.local_time(alert.starts_at);
    if told.resolved {
        times = format!("{times} – {}", renderer.local_time(alert.ends_at));
    }
    match alert.generator_url.is_empty() {
        true => lines.push(times),
        false => lines.push(format!("{times} [→]({})", alert.generator_url)),
    }
    // A single line break is none in DingTalk's Markdown.
    lines.join(match service {
        Service::DingTalk => "  \n",
        Service::WeCom | Service::Feishu => "\n",
    })
}

/// A text in the colour of a state.
pub(super) fn colored(text: &str, status: Status, service: Service) -> String {
    let color = match (service, status) {
        (Service::DingTalk, Status::Firing) => "#d93026",
        (Service::DingTalk, Status::Resolved) => "#1a8f3c",
        (Service::WeCom, Status::Firing) => "warning",
        (Service::WeCom, Status::Resolved) => "info",
        (Service::Feishu, Status::Firing) => "red",
        (Service::Feishu, Status::Resolved) => "green",
    };
    match service {
        Service::Feishu => format!("<font color='{color}'>{text}</font>"),
        Service::DingTalk | Service::WeCom => format!("<font color=\"{color}\">{text}</font>"),
    }
}
