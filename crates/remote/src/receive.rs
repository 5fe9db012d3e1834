//! Remote write, received.
//!
//! A request goes through four steps: out of the compression, bytes into flat lists ([`version1`], [`version2`]), series into
//! references ([`cache`]), samples into batches ([`batches`]). A series that was there before builds no label set.

mod batches; // samples into batches for the store
mod cache; // series by their label bytes
mod encoding; // headers and compression
mod histogram; // native histograms
mod labels; // label sets out of bytes
mod metadata; // what families mean
mod outcome; // what became of the samples
mod refusal; // how a request is refused
mod request; // what a request holds
#[cfg(test)]
mod tests;
mod version1; // bodies of remote write 1.0
mod version2; // bodies of remote write 2.0

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use parking_lot::{Mutex, RwLock};
use stonechat_model::{AppendError, Appender, SeriesRef, Timestamp};

use crate::RemoteMetrics;
use batches::Batches;
use cache::{Key, SeriesCache};
use labels::read_labels;
use outcome::Outcome;
use request::Request;

pub use encoding::Message;
pub use outcome::Written;
pub(crate) use refusal::Reason;
pub use refusal::Refusal;

/// What requests may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReceiverLimits {
    /// The longest body in bytes, as it comes and out of its compression. 32 MiB by default: Prometheus sends at most
    /// half a megabyte, vmagent eight.
    pub body_bytes_max: usize,
    /// How far ahead of the clock a sample may be. Ten minutes, as in Prometheus.
    pub ahead_max: Duration,
    /// How many series are kept in mind. One million by default.
    pub series_known_max: usize,
}

impl Default for ReceiverLimits {
    fn default() -> Self {
        Self {
            body_bytes_max: 32 << 20,
            ahead_max: Duration::from_mins(10),
            series_known_max: 1_000_000,
        }
    }
}

/// Takes requests of remote write, any number at a time.
pub struct Receiver {
    store: Arc<dyn Appender>,
    metrics: RemoteMetrics,
    limits: ReceiverLimits,
    cache: RwLock<SeriesCache>,
    /// Descriptions that the store has, by their bytes: senders repeat them every minute.
    described: Mutex<HashSet<Key>>,
    /// Memory of finished requests; as many as there were at a time, at most [`SPARE_MAX`].
    spare: Mutex<Vec<Workspace>>,
}

/// What a request needs while it is worked on.
#[derive(Default)]
struct Workspace {
    decoded: Vec<u8>,
    request: Request,
    /// Of each series of the request, once it is known.
    series: Vec<Place>,
    batches: Batches,
}

/// Where the samples of a series go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// It is not known yet.
    Unknown,
    At(SeriesRef),
    /// They are refused, or stored already.
    Nowhere,
}

/// Descriptions that are kept in mind.
const DESCRIBED_MAX: usize = 100_000;

/// Workspaces that are kept.
const SPARE_MAX: usize = 8;

/// A workspace that has grown beyond this is not kept.
const SPARE_BYTES_MAX: usize = 4 << 20;

impl Receiver {
    /// A receiver that writes into a store.
    pub fn new(store: Arc<dyn Appender>, metrics: RemoteMetrics, limits: ReceiverLimits) -> Self {
        Self {
            store,
            metrics,
            limits,
            cache: RwLock::new(SeriesCache::new(limits.series_known_max)),
            described: Mutex::default(),
            spare: Mutex::default(),
        }
    }

    /// What requests may take.
    #[must_use]
    pub const fn limits(&self) -> &ReceiverLimits {
        &self.limits
    }

    /// The message that the headers of a request announce.
    ///
    /// # Errors
    /// When they announce none that is understood.
    pub fn message(&self, headers: &HeaderMap) -> Result<Message, Refusal> {
        encoding::announced(headers).inspect_err(|refusal| self.metrics.refused(refusal.reason))
    }

    /// Stores what a body holds. Good samples are stored even when others are refused. Works on the calling
    /// thread, and waits for the log to be written: when it returns, what is acknowledged survives the death of the process.
    ///
    /// # Errors
    /// When the body cannot be read, samples are refused, or the store cannot write.
    pub fn write(&self, message: Message, body: &[u8], now: Timestamp) -> Result<Written, Refusal> {
        let mut workspace = self.spare.lock().pop().unwrap_or_default();
        let outcome = self.write_in(&mut workspace, message, body, now);
        match &outcome {
            Ok(written) => self.metrics.taken(*written),
            Err(refusal) => {
                self.metrics.taken(refusal.written);
                self.metrics.refused(refusal.reason);
            }
        }
        if workspace.decoded.capacity() <= SPARE_BYTES_MAX {
            let mut spare = self.spare.lock();
            if spare.len() < SPARE_MAX {
                spare.push(workspace);
            }
        }
        outcome
    }

    fn write_in(
        &self,
        workspace: &mut Workspace,
        message: Message,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Written, Refusal> {
        let Workspace {
            decoded,
            request,
            series,
            batches,
        } = workspace;
        encoding::decompress(body, self.limits.body_bytes_max, decoded)?;
        request.clear();
        let body = match message {
            Message::Version1 => {
                version1::read(decoded, request).map_err(|error| error.to_string())
            }
            Message::Version2 => version2::read(decoded, self.limits.body_bytes_max, request)
                .map(Cow::Owned)
                .map_err(|error| error.to_string()),
        };
        let body = body.map_err(|reason| {
            Refusal::new(Reason::Message, format!("the body is no message: {reason}"))
        })?;
        let mut outcome = Outcome {
            bad_histograms: std::mem::take(&mut request.bad_histograms),
            ..Outcome::default()
        };
        series.clear();
        series.resize(request.entries.len(), Place::Unknown);
        self.find(&body, request, series);
        self.make(&body, request, series, &mut outcome)?;
        batches.newest = now.plus(self.limits.ahead_max).millis();
        let gone = batches.append(&*self.store, request, series, &mut outcome)?;
        if !gone.is_empty() {
            // The store has forgotten series that had no samples for long. They are made again, once.
            for place in series.iter_mut() {
                *place = match place {
                    Place::At(series) if gone.contains(series) => Place::Unknown,
                    _ => Place::Nowhere,
                };
            }
            self.make(&body, request, series, &mut outcome)?;
            let gone = batches.append(&*self.store, request, series, &mut outcome)?;
            if !gone.is_empty() {
                return Err(Refusal {
                    written: outcome.written,
                    ..Refusal::new(Reason::Store, "the store forgets series at once")
                });
            }
        }
        self.describe(&body, request, &outcome)?;
        outcome.answer()
    }

    /// Tells the store what families mean. Descriptions that cannot be read cost nothing else.
    fn describe(&self, body: &[u8], request: &Request, outcome: &Outcome) -> Result<(), Refusal> {
        for place in &request.metadata {
            let bytes = &body[place.clone()];
            let key = self.cache.read().key(bytes);
            if self.described.lock().contains(&key) {
                continue;
            }
            if let Ok(Some((family, metadata))) = metadata::read(bytes) {
                let told = self.store.describe(family, &metadata);
                told.map_err(|error| outcome.failed(&error))?;
            }
            let mut described = self.described.lock();
            if described.len() >= DESCRIBED_MAX {
                described.clear();
            }
            described.insert(key);
        }
        Ok(())
    }

    /// Looks up the series of a request among those that are known.
    fn find(&self, body: &[u8], request: &Request, series: &mut [Place]) {
        let cache = self.cache.read();
        let mut expected = 0;
        for (entry, place) in request.entries.iter().zip(series) {
            let key = cache.key(entry.labels(body));
            if let Some((found, next)) = cache.find(key, expected) {
                *place = Place::At(found);
                expected = next;
            }
        }
    }

    /// Makes the series that are not known, and knows them from now on.
    fn make(
        &self,
        body: &[u8],
        request: &Request,
        series: &mut [Place],
        outcome: &mut Outcome,
    ) -> Result<(), Refusal> {
        let unknown = |place: &&mut Place| **place == Place::Unknown;
        let mut made = Vec::new();
        for (index, place) in series
            .iter_mut()
            .enumerate()
            .filter(|(_, place)| unknown(place))
        {
            let bytes = request.entries[index].labels(body);
            let labels = match read_labels(bytes) {
                Ok(labels) => labels,
                Err(error) => {
                    outcome.add_bad_series(&error);
                    *place = Place::Nowhere;
                    continue;
                }
            };
            *place = match self.store.series(&labels) {
                Ok(series) => {
                    made.push((bytes, series));
                    Place::At(series)
                }
                Err(AppendError::SeriesLimit { .. }) => {
                    outcome.over_limit += request.samples_of(index);
                    Place::Nowhere
                }
                Err(error) => return Err(outcome.failed(&error)),
            };
        }
        if !made.is_empty() {
            let mut cache = self.cache.write();
            for (bytes, series) in made {
                let key = cache.key(bytes);
                cache.insert(key, series);
            }
            self.metrics.series_known(cache.len());
        }
        Ok(())
    }
}

impl std::fmt::Debug for Receiver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Receiver")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
