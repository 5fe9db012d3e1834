//! Samples from and to other systems.
//!
//! In: the remote-write receiver. It takes the bytes of a request and puts what is in them into an
//! [`Appender`](stonechat_model::Appender); it knows neither a socket nor a clock, so that the web room, a test and a fuzzer
//! call it alike.
//!
//! ```
//! use std::sync::Arc;
//! use stonechat_model::{Appender, Timestamp};
//! use stonechat_remote::{Receiver, ReceiverLimits, RemoteMetrics};
//!
//! # fn receive(store: Arc<dyn Appender>, headers: &http::HeaderMap, body: &[u8], now: Timestamp) -> Result<(), Box<dyn std::error::Error>> {
//! # let registry = stonechat_metrics::Registry::bare();
//! let receiver = Receiver::new(store, RemoteMetrics::register(&registry)?, ReceiverLimits::default());
//! let message = receiver.message(headers)?;
//! let written = receiver.write(message, body, now)?; // a refusal says with which status it is answered
//! println!("{} samples", written.samples);
//! # Ok(())
//! # }
//! ```

mod metrics; // what the room counts about itself
mod receive; // remote write in
mod request_writer; // remote write requests, written
mod wire; // fields of protobuf messages

pub use metrics::RemoteMetrics;
pub use receive::{Message, Receiver, ReceiverLimits, Refusal, Written};
pub use request_writer::RequestWriter;
