//! An answer that is being received: decompressed, bounded, and booked against the memory that all answers share.

use std::io::Write;
use std::sync::Arc;

use flate2::write::MultiGzDecoder;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use http::{HeaderMap, HeaderName};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::FetchError;

/// Memory for answers is booked in steps of so many bytes.
const BUDGET_STEP: usize = 64 << 10;
/// What is allocated before the first byte has come, at most.
const CAPACITY_MAX: usize = 1 << 20;

/// The memory that the answers of all targets may take together.
#[derive(Debug, Clone)]
pub(crate) struct Budget {
    steps: Arc<Semaphore>,
    bytes: usize,
}

impl Budget {
    pub(crate) fn new(bytes: usize) -> Self {
        let steps = (bytes / BUDGET_STEP).clamp(1, Semaphore::MAX_PERMITS);
        Self {
            steps: Arc::new(Semaphore::new(steps)),
            bytes,
        }
    }

    /// Books steps. Without free memory the scrape fails at once: waiting for other answers that wait too would end in
    /// timeouts for all.
    fn book(&self, steps: usize) -> Result<OwnedSemaphorePermit, FetchError> {
        u32::try_from(steps)
            .ok()
            .and_then(|steps| self.steps.clone().try_acquire_many_owned(steps).ok())
            .ok_or(FetchError::Budget { limit: self.bytes })
    }
}

/// Memory that is in use until this is dropped.
pub(crate) type Booked = Option<OwnedSemaphorePermit>;

/// The value of a header as text.
pub(crate) fn header(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let value = headers.get(name)?;
    Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// An answer that is being received.
pub(crate) struct Body<'a> {
    budget: &'a Budget,
    sink: Sink,
    booked: Booked,
    booked_bytes: usize,
}

enum Sink {
    Plain(Bounded),
    Gzip(Box<MultiGzDecoder<Bounded>>),
}

/// Bytes that refuse to become more than a limit.
struct Bounded {
    bytes: Vec<u8>,
    limit: usize,
    exceeded: bool,
}

impl Write for Bounded {
    fn write(&mut self, piece: &[u8]) -> std::io::Result<usize> {
        if piece.len() > self.limit - self.bytes.len() {
            self.exceeded = true;
            return Err(std::io::Error::other("the limit is reached"));
        }
        self.bytes.extend_from_slice(piece);
        Ok(piece.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> Body<'a> {
    /// Starts with what the head of the answer says. `expected_bytes` is what the last one had.
    pub(crate) fn new(
        budget: &'a Budget,
        headers: &HeaderMap,
        limit: u64,
        expected_bytes: usize,
    ) -> Result<Self, FetchError> {
        let encoding = header(headers, &CONTENT_ENCODING);
        let encoding = encoding.unwrap_or_default().to_ascii_lowercase();
        let is_gzip = match encoding.as_str() {
            "gzip" | "x-gzip" => true,
            "" | "identity" => false,
            _ => return Err(FetchError::Encoding(format!("it is {encoding:?}"))),
        };
        let announced = header(headers, &CONTENT_LENGTH);
        let announced: Option<u64> = announced.and_then(|bytes| bytes.parse().ok());
        if announced.is_some_and(|bytes| bytes > limit) {
            return Err(FetchError::BodySize { limit });
        }
        // The last answer's size is a good guess, and an announced size is better.
        let capacity = announced
            .filter(|_| !is_gzip)
            .and_then(|bytes| usize::try_from(bytes).ok())
            .unwrap_or(expected_bytes);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let bounded = Bounded {
            bytes: Vec::with_capacity(capacity.min(limit).min(CAPACITY_MAX)),
            limit,
            exceeded: false,
        };
        let sink = if is_gzip {
            Sink::Gzip(Box::new(MultiGzDecoder::new(bounded)))
        } else {
            Sink::Plain(bounded)
        };
        Ok(Self {
            budget,
            sink,
            booked: None,
            booked_bytes: 0,
        })
    }

    fn bounded(&self) -> &Bounded {
        match &self.sink {
            Sink::Plain(bounded) => bounded,
            Sink::Gzip(decoder) => decoder.get_ref(),
        }
    }

    /// Takes the next piece.
    pub(crate) fn push(&mut self, piece: &[u8]) -> Result<(), FetchError> {
        let written = match &mut self.sink {
            Sink::Plain(bounded) => bounded.write_all(piece),
            Sink::Gzip(decoder) => decoder.write_all(piece),
        };
        self.check(written)?;
        self.book()
    }

    fn check(&self, written: std::io::Result<()>) -> Result<(), FetchError> {
        if self.bounded().exceeded {
            let limit = u64::try_from(self.bounded().limit).unwrap_or(u64::MAX);
            return Err(FetchError::BodySize { limit });
        }
        written.map_err(|error| FetchError::Encoding(format!("no valid gzip: {error}")))
    }

    /// Books what the answer has grown by.
    fn book(&mut self) -> Result<(), FetchError> {
        let bytes = self.bounded().bytes.len();
        let steps = bytes
            .saturating_sub(self.booked_bytes)
            .div_ceil(BUDGET_STEP);
        if steps == 0 {
            return Ok(());
        }
        let more = self.budget.book(steps)?;
        match &mut self.booked {
            Some(booked) => booked.merge(more),
            None => self.booked = Some(more),
        }
        self.booked_bytes += steps * BUDGET_STEP;
        Ok(())
    }

    /// The whole answer, when nothing follows.
    pub(crate) fn finish(mut self) -> Result<(Vec<u8>, Booked), FetchError> {
        if let Sink::Gzip(decoder) = &mut self.sink {
            let finished = decoder.try_finish();
            self.check(finished)?;
            self.book()?;
        }
        let bounded = match self.sink {
            Sink::Plain(bounded) => bounded,
            Sink::Gzip(mut decoder) => {
                let empty = Bounded {
                    bytes: Vec::new(),
                    limit: 0,
                    exceeded: false,
                };
                std::mem::replace(decoder.get_mut(), empty)
            }
        };
        Ok((bounded.bytes, self.booked))
    }
}
