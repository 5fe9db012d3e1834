//! Any bytes as the body of remote write: the first says which version; what follows comes as it is, and in snappy.

#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use stonechat_metrics::Registry;
use stonechat_model::{AppendError, Appended, Appender, Batch, Labels, Metadata, SeriesRef, Timestamp};
use stonechat_remote::{Message, Receiver, ReceiverLimits, RemoteMetrics};

/// A store that takes everything.
struct Anything;

impl Appender for Anything {
    fn series(&self, labels: &Labels) -> Result<SeriesRef, AppendError> {
        Ok(SeriesRef(labels.len() as u64))
    }

    fn append(&self, batch: &Batch) -> Result<Appended, AppendError> {
        let mut appended = Appended::default();
        appended.accepted = batch.values.len();
        Ok(appended)
    }

    fn describe(&self, _: &str, _: &Metadata) -> Result<(), AppendError> {
        Ok(())
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((first, body)) = input.split_first() else {
        return;
    };
    let metrics = RemoteMetrics::register(&Registry::new()).expect("the registry is new");
    let receiver = Receiver::new(Arc::new(Anything), metrics, ReceiverLimits::default());
    let message = match first % 2 {
        0 => Message::Version1,
        _ => Message::Version2,
    };
    let packed = snap::raw::Encoder::new().compress_vec(body).expect("inputs are short");
    for body in [body, &packed, &packed] {
        let _ = receiver.write(message, body, Timestamp::from_millis(1_700_000_000_000));
    }
});
