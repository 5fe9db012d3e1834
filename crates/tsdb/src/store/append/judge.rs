//! What of a batch is accepted.

use std::sync::Arc;

use stonechat_model::{Appended, Exemplar, Histogram, SeriesRef, Timestamp};

use super::{Judged, NO_KEY, Rules, Tail};
use crate::head::{Registry, Series, make_room, slot_of};
use crate::histogram::fingerprint;
use crate::log::{Link, LogId, LogSample};
use crate::store::exemplars::Exemplars;

enum Verdict {
    Store,
    /// It comes behind a later one of its series, but soon enough.
    Late,
    /// It is stored already.
    Same,
    OutOfOrder,
    Duplicate,
    TooOld,
}

/// Decides over samples one by one.
pub(super) struct Judge<'a> {
    pub registry: &'a Registry,
    pub rules: Rules,
    pub newest: i64,
    pub tails: &'a mut Vec<Tail>,
    pub next_id: &'a mut u32,
    pub batch: &'a mut Judged,
    pub appended: Appended,
}

impl<'a> Judge<'a> {
    pub fn float(&mut self, reference: SeriesRef, timestamp: Timestamp, value: f64) {
        let Some((series, slot)) = self.find(reference) else {
            return self.appended.unknown_series.push(reference);
        };
        let (timestamp, bits) = (timestamp.millis(), value.to_bits());
        let before = self.tails[slot as usize];
        let late = match self.verdict(series, before, timestamp, bits) {
            Verdict::Store => false,
            Verdict::Late => true,
            refused => return self.refuse(&refused),
        };
        let id = self.accept(series, slot, before);
        if !late {
            let tail = &mut self.tails[slot as usize];
            (tail.known, tail.time, tail.bits) = (true, timestamp, bits);
        }
        self.batch.slots.push(slot);
        self.batch.samples.push(LogSample {
            id,
            timestamp,
            bits,
            base: before.bits,
            link: if late { Link::Late } else { Link::Key },
        });
    }

    pub fn histogram(
        &mut self,
        reference: SeriesRef,
        timestamp: Timestamp,
        histogram: &Arc<Histogram>,
    ) {
        let Some((series, slot)) = self.find(reference) else {
            return self.appended.unknown_series.push(reference);
        };
        let (timestamp, bits) = (timestamp.millis(), fingerprint(histogram));
        let before = self.tails[slot as usize];
        let late = match self.verdict(series, before, timestamp, bits) {
            Verdict::Store => false,
            Verdict::Late => true,
            refused => return self.refuse(&refused),
        };
        let id = self.accept(series, slot, before);
        if !late {
            let tail = &mut self.tails[slot as usize];
            // A float that follows cannot build on a histogram.
            (tail.known, tail.time, tail.bits, tail.age) = (true, timestamp, bits, NO_KEY);
        }
        self.batch.histogram_slots.push(slot);
        self.batch
            .histograms
            .push((id, timestamp, Arc::clone(histogram)));
    }

    pub fn exemplar(&mut self, reference: SeriesRef, exemplar: &Exemplar, known: &Exemplars) {
        let fresh =
            exemplar.timestamp.millis() >= self.rules.horizon && known.is_new(reference, exemplar);
        if let Some((series, slot)) = self.find(reference).filter(|_| fresh) {
            let before = self.tails[slot as usize];
            let id = self.accept(series, slot, before);
            self.appended.accepted -= 1;
            let entry = (id, exemplar.clone());
            if !self.batch.exemplars.contains(&entry) {
                self.batch.exemplars.push(entry);
                self.batch.exemplar_series.push(reference);
            }
        }
    }

    fn find(&mut self, reference: SeriesRef) -> Option<(&'a Series, u32)> {
        let series = self.registry.get(reference)?;
        let slot = slot_of(reference);
        if self.tails.len() <= slot as usize {
            make_room(self.tails, slot as usize + 1);
            self.tails.resize(slot as usize + 1, Tail::default());
        }
        Some((series, slot))
    }

    /// Gives the series an id if it has none.
    fn accept(&mut self, series: &Series, slot: u32, before: Tail) -> LogId {
        self.batch.before.push((slot, before));
        self.appended.accepted += 1;
        let tail = &mut self.tails[slot as usize];
        if tail.id == 0 {
            tail.id = *self.next_id;
            *self.next_id += 1;
            self.batch
                .new
                .push((LogId(tail.id.into()), series.labels().clone()));
        }
        LogId(tail.id.into())
    }

    fn refuse(&mut self, verdict: &Verdict) {
        let appended = &mut self.appended;
        match verdict {
            Verdict::TooOld => appended.too_old += 1,
            Verdict::OutOfOrder => appended.out_of_order += 1,
            Verdict::Duplicate => appended.duplicate += 1,
            Verdict::Same | Verdict::Store | Verdict::Late => appended.accepted += 1,
        }
    }

    /// As Prometheus judges: the same value at the same time again is no mistake.
    fn verdict(&self, series: &Series, tail: Tail, timestamp: i64, bits: u64) -> Verdict {
        if timestamp < self.rules.horizon {
            return Verdict::TooOld;
        }
        if !tail.known || timestamp > tail.time {
            return Verdict::Store;
        }
        if timestamp == tail.time {
            return if bits == tail.bits {
                Verdict::Same
            } else {
                Verdict::Duplicate
            };
        }
        let window = self.rules.late_window;
        if window == 0 || timestamp < self.newest.saturating_sub(window) {
            return Verdict::OutOfOrder;
        }
        let twice = |sample: &&LogSample| {
            sample.timestamp == timestamp && sample.id.0 == u64::from(tail.id)
        };
        let pending = self
            .batch
            .samples
            .iter()
            .rev()
            .find(twice)
            .map(|sample| sample.bits);
        match pending.or_else(|| series.late(timestamp)) {
            Some(same) if same == bits => Verdict::Same,
            Some(_) => Verdict::Duplicate,
            None => Verdict::Late,
        }
    }
}
