use std::any::Any;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

use hashbrown::{DefaultHashBuilder, HashTable};
use parking_lot::{Mutex, RwLock};

use super::ended::{Ended, Ends};
use super::recent::{Labelled, Wanted};
use super::suspect::suspicion;
use super::visit::{AnyFamily, Look, View, Visitor};
use super::{LABEL_VALUE_BYTES_MAX, LabelValues, OTHER};
use crate::desc::{Desc, Kind, TimeUnit};
use crate::metric::{Beyond, Bounds, HistogramReading, Metric, Shape, TraceSource};

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
    /// Values that a limit sent to the series `other`.
    limited: Arc<AtomicU64>,
    unseen: AtomicU64,
    suspected: AtomicBool,
}

struct Table<M> {
    series: HashTable<Arc<Series<M>>>,
    /// 1 if the series `other` is among them: it takes no place of the limit.
    others: usize,
    /// What passes values on to that series, and counts them.
    beyond: Option<M>,
    /// Grows with each series that comes or goes.
    generation: u64,
    /// Series of sessions that are over, until the scrapes have seen them.
    ended: Ends<M>,
}

struct Order<M> {
    generation: u64,
    series: Vec<Arc<Series<M>>>,
}

pub struct Series<M> {
    hash: u64,
    values: LabelValues,
    metric: M,
    /// Came without a session, so that none takes it along.
    permanent: bool,
    /// Sessions that hold the series; changed under the lock of the table.
    pub(super) sessions: AtomicU32,
    /// The last end, as counted by the table; changed under its lock.
    pub(super) last_end: AtomicU64,
    /// It is no longer in the table; changed under its lock.
    pub(super) removed: AtomicBool,
}

impl<M: Metric> FamilyCore<M> {
    pub fn new(desc: Desc, traces: Option<TraceSource>) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        Self {
            number: NUMBER.fetch_add(1, Ordering::Relaxed),
            removals: AtomicU64::new(0),
            shape: Shape {
                bounds: Bounds::new(Arc::clone(&desc.buckets)),
                ignored: Arc::default(),
                second: match desc.kind {
                    Kind::Histogram => desc.time_unit.second(),
                    Kind::Counter | Kind::Gauge => TimeUnit::of_name(&desc.name).second(),
                },
                absent_until_set: desc.absent_until_set,
                native_buckets_max: desc.native_buckets_max,
                traces,
            },
            desc: Arc::new(desc),
            hasher: DefaultHashBuilder::default(),
            table: RwLock::new(Table {
                series: HashTable::new(),
                others: 0,
                beyond: None,
                generation: 0,
                ended: Ends::new(),
            }),
            ended: AtomicUsize::new(0),
            order: Mutex::new(Order {
                generation: 0,
                series: Vec::new(),
            }),
            limited: Arc::default(),
            unseen: AtomicU64::new(0),
            suspected: AtomicBool::new(false),
        }
    }

    pub fn len(&self) -> usize {
        self.table.read().series.len()
    }

    /// How many series were removed so far: whoever keeps a handle for label values looks at this.
    pub fn removals(&self) -> u64 {
        self.removals.load(Ordering::Relaxed)
    }

    pub fn with(&self, values: &[&str]) -> M {
        self.apply(values, M::clone)
    }

    /// Does something with the series of these label values, without taking a handle.
    #[inline]
    pub fn apply<A>(&self, values: &[&str], action: impl Fn(&M) -> A) -> A {
        let wanted = Wanted {
            family: self.number,
            removals: self.removals(),
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
            let full = table.is_full(&self.desc);
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
        let full = full && self.ended.load(Ordering::Relaxed) == 0 && !is_other(values);
        if !full && !too_long(values) {
            self.suspect(values);
            let mut table = self.table.write();
            // None, if other threads have filled the family in the meantime.
            if let Some(series) = self.find_or_insert(&mut table, hash, values, true) {
                return series.metric.clone();
            }
        }
        self.other(values.len())
    }

    /// For what the limits keep out: each value goes to the series `other`, and is counted.
    pub fn other(&self, labels: usize) -> M {
        if let Some(beyond) = &self.table.read().beyond {
            return beyond.clone();
        }
        let values = vec![OTHER; labels];
        let hash = self.hasher.hash_one(values.as_slice());
        let mut table = self.table.write();
        if let Some(beyond) = &table.beyond {
            return beyond.clone();
        }
        let series = match table.find(hash, &values) {
            Some(series) => Arc::clone(series),
            None => self.insert(&mut table, hash, &values, true),
        };
        let beyond = Beyond::new(series.metric.clone(), &self.limited);
        let beyond = M::beyond(&self.shape, beyond);
        table.beyond.insert(beyond).clone()
    }

    fn find_or_insert(
        &self,
        table: &mut Table<M>,
        hash: u64,
        values: &[&str],
        permanent: bool,
    ) -> Option<Arc<Series<M>>> {
        // Another thread may have created it while this one waited.
        if let Some(series) = table.find(hash, values) {
            return Some(Arc::clone(series));
        }
        if table.is_full(&self.desc) && !is_other(values) && !self.evict(table) {
            return None;
        }
        Some(self.insert(table, hash, values, permanent))
    }

    fn insert(
        &self,
        table: &mut Table<M>,
        hash: u64,
        values: &[&str],
        permanent: bool,
    ) -> Arc<Series<M>> {
        let series = Arc::new(Series {
            hash,
            values: LabelValues::new(&self.desc.label_names, values),
            metric: M::create(&self.shape),
            permanent,
            sessions: AtomicU32::new(0),
            last_end: AtomicU64::new(0),
            removed: AtomicBool::new(false),
        });
        table
            .series
            .insert_unique(hash, Arc::clone(&series), |series| series.hash);
        table.others += usize::from(is_other(values));
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
        let (series, _) = entry.remove();
        series.removed.store(true, Ordering::Relaxed);
        if is_other(values) {
            table.others = 0;
            table.beyond = None;
        }
        table.generation += 1;
        self.removals.fetch_add(1, Ordering::Relaxed);
        true
    }

    /// The series, if it is there.
    pub fn find(&self, values: &[&str]) -> Option<Arc<Series<M>>> {
        let hash = self.hasher.hash_one(values);
        self.table.read().find(hash, values).cloned()
    }

    /// The series for a session that begins, or none past a limit.
    pub fn begin(&self, values: &[&str], now: Instant) -> Option<Arc<Series<M>>> {
        if too_long(values) {
            return None;
        }
        let hash = self.hasher.hash_one(values);
        let mut table = self.table.write();
        self.expire(&mut table, now);
        let series = self.find_or_insert(&mut table, hash, values, false)?;
        series.sessions.fetch_add(1, Ordering::Relaxed);
        Some(series)
    }

    /// The session is over; its series goes once the scrapes have seen it.
    pub fn end(&self, series: &Arc<Series<M>>, now: Instant) {
        let mut table = self.table.write();
        let last = series.sessions.fetch_sub(1, Ordering::Relaxed) == 1;
        if last && !series.permanent && !series.removed.load(Ordering::Relaxed) {
            let known = table.series.len();
            table.ended.push(Arc::clone(series), now, known);
        }
        self.expire(&mut table, now);
    }

    /// Makes room by removing the oldest series that waits for a scrape.
    fn evict(&self, table: &mut Table<M>) -> bool {
        let mut evicted = false;
        while !evicted && let Some(ended) = table.ended.pop() {
            evicted = self.remove_unseen(table, &ended);
        }
        self.ended.store(table.ended.len(), Ordering::Relaxed);
        evicted
    }

    /// Removes what has waited too long. Each end is taken out once, so that a session pays for what it adds.
    fn expire(&self, table: &mut Table<M>, now: Instant) {
        let wait_max = self.desc.ended_wait_max;
        while let Some(ended) = table.ended.pop_older(now, wait_max) {
            self.remove_unseen(table, &ended);
        }
        self.ended.store(table.ended.len(), Ordering::Relaxed);
    }

    fn remove_unseen(&self, table: &mut Table<M>, ended: &Ended<M>) -> bool {
        let removed = self.remove_ended(table, ended);
        let unseen = removed && !table.ended.is_seen(ended);
        self.unseen.fetch_add(u64::from(unseen), Ordering::Relaxed);
        removed
    }

    /// The number of the scrape that begins, if a series waits for one.
    fn begin_scrape(&self) -> Option<u64> {
        // Most families have none, and need no lock for it.
        let waiting = self.ended.load(Ordering::Relaxed) > 0;
        waiting.then(|| self.table.write().ended.begin_scrape())
    }

    /// Removes what this scrape was the last to wait for.
    fn reap(&self, scrape: u64, scrapers: u64, now: Instant) {
        let wait_max = self.desc.ended_wait_max;
        let mut table = self.table.write();
        table.ended.finish_scrape(scrape);
        while let Some(ended) = table.ended.pop_seen(scrape, scrapers, now, wait_max) {
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
                ended.series.removed.store(true, Ordering::Relaxed);
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

/// Whether these are the label values of the series that takes what the limits keep out.
pub fn is_other(values: &[&str]) -> bool {
    !values.is_empty() && values.iter().all(|value| *value == OTHER)
}

impl<M> Labelled for Series<M> {
    #[inline]
    fn is(&self, values: &[&str]) -> bool {
        self.values.is(values)
    }
}

impl<M> Series<M> {
    pub fn metric(&self) -> &M {
        &self.metric
    }

    pub fn is_removed(&self) -> bool {
        self.removed.load(Ordering::Relaxed)
    }
}

impl<M> Table<M> {
    fn is_full(&self, desc: &Desc) -> bool {
        self.series.len() - self.others >= desc.series_max
    }

    fn find(&self, hash: u64, values: &[&str]) -> Option<&Arc<Series<M>>> {
        self.series.find(hash, |series| series.values.is(values))
    }
}

impl<M: Metric> AnyFamily for FamilyCore<M> {
    fn desc(&self) -> &Arc<Desc> {
        &self.desc
    }

    fn visit(&self, look: Look, visitor: &mut Visitor<'_>) {
        let mut order = self.order.lock();
        let scrape = look.scrapers.and_then(|scrapers| {
            let number = self.begin_scrape()?;
            Some((number, scrapers))
        });
        self.refresh(&mut order);
        let mut scratch = HistogramReading {
            wants_native: look.native,
            ..HistogramReading::default()
        };
        for series in &order.series {
            if let Some(reading) = series.metric.read(&mut scratch) {
                let values = &series.values;
                visitor(View { values, reading });
            }
        }
        if let Some((number, scrapers)) = scrape {
            self.reap(number, scrapers, look.now);
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
