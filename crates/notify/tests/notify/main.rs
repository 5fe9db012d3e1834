//! The notifier over HTTP: real requests to receivers that behave in every way.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod alertmanager; // beside the real Alertmanager, where it is at hand
mod changes; // restarts and reloads
mod delivery; // what the receiver answers, and what follows
mod double; // servers that judge what they are sent
mod mail; // a real mail server
mod receiver; // a receiver that does what a test tells it
mod robots; // DingTalk, WeCom, Feishu
mod services; // the other services
mod setup; // notifiers, alerts and waiting
