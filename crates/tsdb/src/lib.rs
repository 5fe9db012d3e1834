//! The store: a head in memory behind a write-ahead log.
//!
//! Samples enter through [`Appender`](stonechat_model::Appender), a target's whole scrape at once, and leave through
//! [`Queryable`](stonechat_model::Queryable). What [`append`](stonechat_model::Appender::append) has accepted survives the
//! death of the process; a power cut costs at most [`StoreOptions::sync_interval`]. The only crate that opens the data
//! directory; `docs/storage.md` draws what lies in it.
//!
//! ```
//! use stonechat_model::{Appender, Batch, Columns, Labels, Matcher, Queryable, TimeRange, Timestamp};
//! use stonechat_tsdb::{Store, StoreOptions};
//!
//! let dir = tempfile::tempdir()?;
//! let store = Store::open(StoreOptions::new(dir.path()))?;
//!
//! let labels = Labels::from_pairs([("__name__", "up"), ("job", "gateway")])?;
//! let series = Appender::series(&store, &labels)?;
//! let mut scrape = Batch::at(Timestamp::from_millis(15_000));
//! scrape.values.push((series, 1.0));
//! assert_eq!(store.append(&scrape)?.accepted, 1);
//!
//! let selection = store.select(&[Matcher::equal("job", "gateway")], TimeRange::ALL)?;
//! let mut columns = Columns::default();
//! selection.read(0, &mut columns)?;
//! assert_eq!(columns.values, [1.0]);
//! store.close()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod store; // opening, appending, selecting, retention

mod block; // compressed samples of some time, in a file
mod bytes; // varints, and a cursor that never runs over
mod chunk; // samples of one series to bytes and back
pub mod disk; // the file layer
mod head; // every series in memory
mod histogram; // native histograms to bytes and back
mod log; // the write-ahead log
mod packing; // zstd
mod prefetch; // memory that is needed in a moment

pub use block::BlockError;
pub use store::{
    BlockInfo, Cardinality, Damage, DamageKind, Imported, Importer, OpenError, Progress, Recovery,
    Store, StoreLimits, StoreOptions, StoreStats,
};
