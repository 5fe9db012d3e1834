use std::any::Any;
use std::collections::VecDeque;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

use hashbrown::{DefaultHashBuilder, HashTable};
use parking_lot::{Mutex, RwLock};

use super::recent::Wanted;
use super::suspect::suspicion;
use super::{LABEL_VALUE_BYTES_MAX, LabelValues, OTHER};
use crate::desc::{Desc, Kind, TimeUnit};
use crate::metric::{HistogramReading, Metric, Reading, Shape, TraceSource};

/// What the registry keeps of a family.
pub struct FamilyCore<M> {
    number: u64,
    /// How many series were removed; changed under the lock of the table.
    removals: AtomicU64,
    desc: Arc<Desc>,
    shape: Shape,
    hasher: DefaultHashBuilder,
    table: RwLock<Table<M>>,
    /// As many as in `table.ended`, to be read without its lock.
    ended: AtomicUsize,
    /// The series in the order in which they are shown, as of the last scrape.
    order: Mutex<Order<M>>,
    limited: AtomicU64,
    unseen: AtomicU64,
    suspected: AtomicBool,
}

struct Table<M> {
    series: HashTable<Arc<Series<M>>>,
    /// Grows with each series that comes or goes.
    generation: u64,
    /// Series of sessions that are over, oldest first, until a scrape has seen them.
    ended: VecDeque<Ended<M>>,
    /// Number of series that have ended so far.
    ends: u64,
}

struct Ended<M> {
    series: Arc<Series<M>>,
    /// The end this is about: the session may have come back, and ended again.
    end: u64,
    at: Instant,
}

struct Order<M> {
    generation: u64,
    series: Vec<Arc<Series<M>>>,
}

pub struct Series<M> {
    hash: u64,
    values: LabelValues,
    metric: M,
    /// Sessions that hold the series; changed under the lock of the table.
    sessions: AtomicU32,
    /// The last end, as counted by the table; changed under its lock.
    last_end: AtomicU64,
}

impl<M: Metric> FamilyCore<M> {
    pub fn new(desc: Desc, traces: Option<TraceSource>) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        Self {
            number: NUMBER.fetch_add(1, Ordering::Relaxed),
            removals: AtomicU64::new(0),
            shape: Shape {
                buckets: Arc::clone(&desc.buckets),
                ignored: Arc::default(),
                second: match desc.kind {
                    Kind::Histogram => desc.time_unit.second(),
                    Kind::Counter | Kind::Gauge => TimeUnit::of_name(&desc.name).second(),
                },
                native_buckets_max: desc.native_buckets_max,
                traces,
            },
            desc: Arc::new(desc),
            hasher: DefaultHashBuilder::default(),
            table: RwLock::new(Table {
                series: HashTable::new(),
                generation: 0,
                ended: VecDeque::new(),
                ends: 0,
            }),
            ended: AtomicUsize::new(0),
            order: Mutex::new(Order {
                generation: 0,
                series: Vec::new(),
            }),
            limited: AtomicU64::new(0),
            unseen: AtomicU64::new(0),
            suspected: AtomicBool::new(false),
        }
    }

    pub fn len(&self) -> usize {
        self.table.read().series.len()
    }

    pub fn with(&self, values: &[&str]) -> M {
        self.apply(values, M::clone)
    }

    /// Does something with the series of these label values, without taking a handle.
    #[inline]
    pub fn apply<A>(&self, values: &[&str], action: impl Fn(&M) -> A) -> A {
        let wanted = Wanted {
            family: self.number,
            removals: self.removals.load(Ordering::Relaxed),
            values,
        };
        // A thread that is about to end has no places left.
        let answer = M::recent().try_with(|recent| {
            let recent = recent.try_borrow().ok()?;
            recent.find(wanted).map(|series| action(&series.metric))
        });
        match answer {
            Ok(Some(answer)) => answer,
            _ => action(&self.look_up(wanted)),
        }
    }

    /// Finds or creates the series, and remembers it for this thread.
    #[inline(never)]
    fn look_up(&self, wanted: Wanted<'_>) -> M {
        let values = wanted.values;
        let hash = self.hasher.hash_one(values);
        let table = self.table.read();
        let Some(series) = table.find(hash, values).cloned() else {
            let full = table.series.len() >= self.desc.series_max;
            drop(table);
            return self.missing(hash, values, full);
        };
        drop(table);
        let metric = series.metric.clone();
        let _ = M::recent().try_with(|recent| {
            // Borrowed while an action of this thread is under way, which led here.
            if let Ok(mut recent) = recent.try_borrow_mut() {
                recent.keep(wanted, series);
            }
        });
        metric
    }

    #[cold]
    fn missing(&self, hash: u64, values: &[&str], full: bool) -> M {
        // A family that is full is left under the shared lock: a flood of label values must not
        // make the known ones wait.
        let full = full && self.ended.load(Ordering::Relaxed) == 0;
        if !full && !too_long(values) {
            self.suspect(values);
            let mut table = self.table.write();
            // None, if other threads have filled the family in the meantime.
            if let Some(series) = self.find_or_insert(&mut table, hash, values) {
                return series.metric.clone();
            }
        }
        self.other(values.len())
    }

    /// The series that takes what the limits keep out.
    pub fn other(&self, labels: usize) -> M {
        self.limited.fetch_add(1, Ordering::Relaxed);
        let values = vec![OTHER; labels];
        let hash = self.hasher.hash_one(values.as_slice());
        if let Some(series) = self.table.read().find(hash, &values) {
            return series.metric.clone();
        }
        let mut table = self.table.write();
        if let Some(series) = table.find(hash, &values) {
            return series.metric.clone();
        }
        self.insert(&mut table, hash, &values).metric.clone()
    }

    fn find_or_insert(
        &self,
        table: &mut Table<M>,
        hash: u64,
        values: &[&str],
    ) -> Option<Arc<Series<M>>> {
        // Another thread may have created it while this one waited.
        if let Some(series) = table.find(hash, values) {
            return Some(Arc::clone(series));
        }
        if table.series.len() >= self.desc.series_max && !self.evict(table) {
            return None;
        }
        Some(self.insert(table, hash, values))
    }

    fn insert(&self, table: &mut Table<M>, hash: u64, values: &[&str]) -> Arc<Series<M>> {
        let series = Arc::new(Series {
            hash,
            values: LabelValues::new(&self.desc.label_names, values),
            metric: M::create(&self.shape),
            sessions: AtomicU32::new(0),
            last_end: AtomicU64::new(0),
        });
        table
            .series
            .insert_unique(hash, Arc::clone(&series), |series| series.hash);
        table.generation += 1;
        series
    }

    pub fn remove(&self, values: &[&str]) -> bool {
        let hash = self.hasher.hash_one(values);
        let mut table = self.table.write();
        let found = table
            .series
            .find_entry(hash, |series| series.values.is(values));
        let Ok(entry) = found else {
            return false;
        };
        entry.remove();
        table.generation += 1;
        self.removals.fetch_add(1, Ordering::Relaxed);
        true
    }

    /// The series for a session that begins, or none past a limit.
    pub fn begin(&self, values: &[&str]) -> Option<Arc<Series<M>>> {
        if too_long(values) {
            return None;
        }
        let hash = self.hasher.hash_one(values);
        let mut table = self.table.write();
        let series = self.find_or_insert(&mut table, hash, values)?;
        series.sessions.fetch_add(1, Ordering::Relaxed);
        Some(series)
    }

    /// The session is over; its series goes once a scrape has seen it.
    pub fn end(&self, series: &Arc<Series<M>>, now: Instant) {
        let mut table = self.table.write();
        if series.sessions.fetch_sub(1, Ordering::Relaxed) > 1 {
            return;
        }
        table.ends += 1;
        let end = table.ends;
        series.last_end.store(end, Ordering::Relaxed);
        // A session that comes back and ends, again and again, leaves entries that are void.
        if table.ended.len() > 2 * table.series.len() {
            table.ended.retain(Ended::is_due);
        }
        table.ended.push_back(Ended {
            series: Arc::clone(series),
            end,
            at: now,
        });
        self.ended.store(table.ended.len(), Ordering::Relaxed);
    }

    /// Makes room by removing the oldest series that waits for a scrape.
    fn evict(&self, table: &mut Table<M>) -> bool {
        let mut evicted = false;
        while !evicted && let Some(ended) = table.ended.pop_front() {
            evicted = self.remove_ended(table, &ended);
        }
        self.unseen.fetch_add(u64::from(evicted), Ordering::Relaxed);
        self.ended.store(table.ended.len(), Ordering::Relaxed);
        evicted
    }

    /// Removes what has waited too long, and returns the number of the last end before this scrape.
    fn expire(&self, now: Instant) -> u64 {
        if self.ended.load(Ordering::Relaxed) == 0 {
            return 0;
        }
        let mut table = self.table.write();
        let wait_max = self.desc.ended_wait_max;
        while let Some(ended) = table
            .ended
            .pop_front_if(|ended| now.saturating_duration_since(ended.at) > wait_max)
        {
            let removed = self.remove_ended(&mut table, &ended);
            self.unseen.fetch_add(u64::from(removed), Ordering::Relaxed);
        }
        self.ended.store(table.ended.len(), Ordering::Relaxed);
        table.ends
    }

    /// Removes what had ended before the scrape that is now over.
    fn reap(&self, end_last: u64) {
        let mut table = self.table.write();
        while let Some(ended) = table.ended.pop_front_if(|ended| ended.end <= end_last) {
            self.remove_ended(&mut table, &ended);
        }
        self.ended.store(table.ended.len(), Ordering::Relaxed);
    }

    /// Removes the series, unless its session has come back.
    fn remove_ended(&self, table: &mut Table<M>, ended: &Ended<M>) -> bool {
        if !ended.is_due() {
            return false;
        }
        let same = |series: &Arc<Series<M>>| Arc::ptr_eq(series, &ended.series);
        match table.series.find_entry(ended.series.hash, same) {
            Ok(entry) => {
                entry.remove();
                table.generation += 1;
                self.removals.fetch_add(1, Ordering::Relaxed);
                true
            }
            Err(_) => false,
        }
    }

    /// Brings the order up to date; allocates only when there are more series than ever before.
    fn refresh(&self, order: &mut Order<M>) {
        let table = self.table.read();
        if order.generation == table.generation {
            return;
        }
        order.series.clear();
        order.series.extend(table.series.iter().cloned());
        order.generation = table.generation;
        // The rest needs no lock, and a writer may be waiting for it.
        drop(table);
        order
            .series
            .sort_unstable_by(|left, right| left.values.compare(&right.values));
    }

    fn suspect(&self, values: &[&str]) {
        if self.suspected.load(Ordering::Relaxed) {
            return;
        }
        for (label, value) in self.desc.label_names.iter().zip(values) {
            let Some(looks_like) = suspicion(value) else {
                continue;
            };
            if !self.suspected.swap(true, Ordering::Relaxed) {
                crate::log::unbounded_label(&self.desc, label, value, looks_like);
            }
        }
    }
}

fn too_long(values: &[&str]) -> bool {
    let mut values = values.iter();
    values.any(|value| value.len() > LABEL_VALUE_BYTES_MAX)
}

impl<M> Series<M> {
    /// Whether these are its label values.
    #[inline]
    pub fn is(&self, values: &[&str]) -> bool {
        self.values.is(values)
    }

    pub fn metric(&self) -> &M {
        &self.metric
    }
}

impl<M> Table<M> {
    fn find(&self, hash: u64, values: &[&str]) -> Option<&Arc<Series<M>>> {
        self.series.find(hash, |series| series.values.is(values))
    }
}

impl<M> Ended<M> {
    fn is_due(&self) -> bool {
        self.series.sessions.load(Ordering::Relaxed) == 0
            && self.series.last_end.load(Ordering::Relaxed) == self.end
    }
}

/// One series at one moment, for the encoders.
#[derive(Clone, Copy)]
pub struct View<'a> {
    pub values: &'a LabelValues,
    pub reading: Reading<'a>,
}

/// Is shown one series after the other.
pub type Visitor<'a> = dyn FnMut(View<'_>) + 'a;

/// A family whose kind of metric is not known, as the registry and the encoders see it.
pub trait AnyFamily: Send + Sync {
    fn desc(&self) -> &Arc<Desc>;

    /// Shows all series, sorted by their label values. This is the scrape that the series of ended
    /// sessions wait for.
    fn visit(&self, now: Instant, visitor: &mut Visitor<'_>);

    /// Look-ups that a limit sent to the `other` series.
    fn limited(&self) -> u64;

    /// Series of ended sessions that no scrape has seen to their end.
    fn unseen(&self) -> u64;

    /// Values that could not be recorded.
    fn ignored(&self) -> u64;

    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;
}

impl<M: Metric> AnyFamily for FamilyCore<M> {
    fn desc(&self) -> &Arc<Desc> {
        &self.desc
    }

    fn visit(&self, now: Instant, visitor: &mut Visitor<'_>) {
        let mut order = self.order.lock();
        let end_last = self.expire(now);
        self.refresh(&mut order);
        let mut scratch = HistogramReading::default();
        for series in &order.series {
            visitor(View {
                values: &series.values,
                reading: series.metric.read(&mut scratch),
            });
        }
        if end_last > 0 {
            self.reap(end_last);
        }
    }

    fn limited(&self) -> u64 {
        self.limited.load(Ordering::Relaxed)
    }

    fn unseen(&self) -> u64 {
        self.unseen.load(Ordering::Relaxed)
    }

    fn ignored(&self) -> u64 {
        self.shape.ignored.load(Ordering::Relaxed)
    }

    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}
