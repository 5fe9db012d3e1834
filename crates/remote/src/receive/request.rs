//! What a request holds, whatever its version: flat lists, and of each series where its labels stand in the body.

use std::ops::Range;
use std::sync::Arc;

use stonechat_model::{Exemplar, Histogram};

/// The content of one request. Kept from request to request for its memory.
#[derive(Debug, Default)]
pub(super) struct Request {
    /// Series in the order of the request.
    pub(super) entries: Vec<Entry>,
    /// Times in milliseconds, and values; those of a series stand together.
    pub(super) samples: Vec<(i64, f64)>,
    pub(super) histograms: Vec<(i64, Arc<Histogram>)>,
    pub(super) exemplars: Vec<Exemplar>,
    /// Where descriptions of families stand in the body.
    pub(super) metadata: Vec<Range<usize>>,
    /// Native histograms that cannot be, and why the first of them cannot.
    pub(super) bad_histograms: (usize, Option<String>),
}

/// A series of a request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    /// Where its labels stand in the body. A body has less than 2^32 bytes.
    labels: (u32, u32),
    /// Where the lists had ended before it.
    samples: u32,
    histograms: u32,
    exemplars: u32,
}

/// What a series brings, as places in the lists.
pub(super) struct Parts {
    pub(super) samples: Range<usize>,
    pub(super) histograms: Range<usize>,
    pub(super) exemplars: Range<usize>,
}

impl Entry {
    pub(super) fn labels(self, body: &[u8]) -> &[u8] {
        &body[self.labels.0 as usize..self.labels.1 as usize]
    }
}

impl Request {
    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.samples.clear();
        self.histograms.clear();
        self.exemplars.clear();
        self.metadata.clear();
        self.bad_histograms = (0, None);
    }

    /// Begins a series; what is added to the lists from now on is its own.
    pub(super) fn begin(&mut self, labels: Range<usize>) {
        let place = |place: usize| u32::try_from(place).expect("a body has less than 2^32 bytes");
        self.entries.push(Entry {
            labels: (place(labels.start), place(labels.end)),
            samples: place(self.samples.len()),
            histograms: place(self.histograms.len()),
            exemplars: place(self.exemplars.len()),
        });
    }

    /// Adds a histogram, unless it cannot be.
    pub(super) fn add_histogram(&mut self, timestamp: i64, histogram: Histogram) {
        match histogram.validate() {
            Ok(()) => self.histograms.push((timestamp, Arc::new(histogram))),
            Err(error) => {
                self.bad_histograms.0 += 1;
                let first = &mut self.bad_histograms.1;
                first.get_or_insert_with(|| error.to_string());
            }
        }
    }

    /// Number of samples of a series.
    pub(super) fn samples_of(&self, index: usize) -> usize {
        let parts = self.parts(index);
        parts.samples.len() + parts.histograms.len()
    }

    /// What belongs to a series.
    pub(super) fn parts(&self, index: usize) -> Parts {
        let entry = self.entries[index];
        let next = self.entries.get(index + 1);
        let range = |start: u32, end: Option<u32>, all: usize| {
            start as usize..end.map_or(all, |end| end as usize)
        };
        Parts {
            samples: range(entry.samples, next.map(|n| n.samples), self.samples.len()),
            histograms: range(
                entry.histograms,
                next.map(|n| n.histograms),
                self.histograms.len(),
            ),
            exemplars: range(
                entry.exemplars,
                next.map(|n| n.exemplars),
                self.exemplars.len(),
            ),
        }
    }
}
