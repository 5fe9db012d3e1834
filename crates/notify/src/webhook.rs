//! Messages to a URL, in the form that Alertmanager gives them.

mod config; // as it is written, and checked
mod message; // the body
mod send; // the request and what its answer means

pub(crate) use self::config::{WebhookConfig, WebhookFile, go_duration, parse_url};
pub(crate) use self::send::WebhookSender;
