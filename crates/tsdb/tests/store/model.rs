//! Random operations against a plain map.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;
use stonechat_model::{
    Appended, Appender, Batch, Labels, MatchOp, Matcher, Queryable, SeriesRef, TimeRange,
};
use stonechat_tsdb::{Store, StoreOptions};

use crate::faulty_disk::{Faults, FaultyDisk};
use crate::support::{Answer, all, long, ms, options, select};

#[derive(Debug, Clone)]
enum Operation {
    /// Series by number; the batch fails after so many bytes if a fault is given.
    Append {
        at: i64,
        values: Vec<(usize, f64)>,
        stamped: Vec<(usize, i64, f64)>,
        fault: Option<usize>,
    },
    Maintain,
    Flush,
    /// The process dies after so many operations of a flush.
    FlushAndKill(usize),
    Kill,
    SyncAndPowerCut,
    Close,
    Delete(Vec<Matcher>, TimeRange),
    CleanTombstones,
    Select(Vec<Matcher>, TimeRange),
}

fn open_with(disk: &FaultyDisk, window: i64) -> Store {
    let out_of_order_window = Duration::from_millis(window.unsigned_abs());
    Store::open(StoreOptions {
        out_of_order_window,
        ..options(disk)
    })
    .unwrap()
}

/// All series that a test may use: every combination, with labels missing.
fn label_sets() -> Vec<Labels> {
    let mut sets = Vec::new();
    for name in ["requests_total", "up"] {
        for job in ["", "gateway", "logic", "task"] {
            for instance in ["", "a:1", "b:1", "b:2"] {
                let pairs = [("__name__", name), ("job", job), ("instance", instance)];
                sets.push(Labels::from_pairs(pairs).unwrap());
            }
        }
    }
    sets
}

type Samples = BTreeMap<Labels, BTreeMap<i64, u64>>;

/// What the store should be.
#[derive(Default)]
struct Model {
    samples: Samples,
    /// The same with what was deleted.
    ever: Samples,
    /// What the next sample of each series is judged by, whether it was deleted or not.
    last: BTreeMap<Labels, (i64, u64)>,
    newest: i64,
    /// How much older than the newest a sample may be that is late.
    window: i64,
}

fn matches(matchers: &[Matcher], labels: &Labels) -> bool {
    let value = |matcher: &Matcher| labels.get(matcher.name()).unwrap_or_default().to_owned();
    matchers
        .iter()
        .all(|matcher| matcher.matches(&value(matcher)))
}

/// The series that match and have samples in the range.
fn matching(all: &Samples, matchers: &[Matcher], range: TimeRange) -> Samples {
    let overlaps =
        |samples: &BTreeMap<i64, u64>| samples.keys().any(|time| range.contains(ms(*time)));
    all.iter()
        .filter(|(labels, samples)| matches(matchers, labels) && overlaps(samples))
        .map(|(labels, samples)| (labels.clone(), samples.clone()))
        .collect()
}

impl Model {
    fn append(&mut self, batch: &[(Labels, i64, f64)]) -> Appended {
        let mut appended = Appended::default();
        // Lateness is counted from what was there before the batch.
        let newest = self.newest;
        for (labels, timestamp, value) in batch {
            let (timestamp, bits) = (*timestamp, value.to_bits());
            match self.last.get(labels) {
                Some(&(last, known)) if timestamp == last => {
                    if known == bits {
                        appended.accepted += 1;
                    } else {
                        appended.duplicate += 1;
                    }
                    continue;
                }
                Some(&(last, _)) if timestamp < last => {
                    if self.window == 0 || timestamp < newest - self.window {
                        appended.out_of_order += 1;
                        continue;
                    }
                }
                _ => {
                    self.last.insert(labels.clone(), (timestamp, bits));
                }
            }
            for all in [&mut self.samples, &mut self.ever] {
                let samples = all.entry(labels.clone()).or_default();
                samples.insert(timestamp, bits);
            }
            self.newest = self.newest.max(timestamp);
            appended.accepted += 1;
        }
        appended
    }

    fn delete(&mut self, matchers: &[Matcher], range: TimeRange) {
        for (labels, samples) in &mut self.samples {
            if matches(matchers, labels) {
                samples.retain(|time, _| !range.contains(ms(*time)));
            }
        }
    }

    /// A new process knows what is left.
    fn restart(&mut self) {
        self.last.clear();
        self.newest = i64::MIN / 2;
        for (labels, samples) in &self.samples {
            if let Some((&time, &bits)) = samples.last_key_value() {
                self.last.insert(labels.clone(), (time, bits));
                self.newest = self.newest.max(time);
            }
        }
    }

    fn select(&self, matchers: &[Matcher], range: TimeRange) -> Answer {
        let mut answer = Answer::new();
        for (labels, samples) in matching(&self.samples, matchers, range) {
            let samples: Vec<_> = samples
                .into_iter()
                .filter(|(time, _)| range.contains(ms(*time)))
                .collect();
            if !samples.is_empty() {
                answer.insert(labels.to_string(), samples);
            }
        }
        answer
    }
}

/// A store that restarts, and its model.
struct Pair {
    disk: FaultyDisk,
    store: Store,
    references: Vec<SeriesRef>,
    model: Model,
}

impl Pair {
    fn new(window: i64) -> Self {
        let disk = FaultyDisk::default();
        let store = open_with(&disk, window);
        let mut model = Model {
            window,
            ..Model::default()
        };
        model.restart();
        Self {
            disk,
            store,
            references: Vec::new(),
            model,
        }
    }

    fn look_up(&mut self) {
        let references = label_sets()
            .into_iter()
            .map(|labels| Appender::series(&self.store, &labels).unwrap());
        self.references = references.collect();
    }

    fn restart(&mut self, disk: FaultyDisk) {
        self.store = open_with(&disk, self.model.window);
        self.disk = disk;
        self.model.restart();
        assert_eq!(self.store.recovery().damages, 0);
        assert_eq!(all(&self.store), self.model.select(&[], TimeRange::ALL));
        self.repeat_last();
    }

    /// What is in blocks is not known to who judges the order of new samples, until the series gets one.
    fn repeat_last(&mut self) {
        for (labels, &(time, bits)) in &self.model.last {
            let mut batch = Batch::at(ms(time));
            let series = Appender::series(&self.store, labels).unwrap();
            batch.values.push((series, f64::from_bits(bits)));
            assert_eq!(self.store.append(&batch).unwrap().accepted, 1);
        }
    }

    fn run(&mut self, operation: Operation) {
        match operation {
            Operation::Append {
                at,
                values,
                stamped,
                fault,
            } => self.append(at, &values, &stamped, fault),
            Operation::Maintain => self.store.maintain(ms(0)),
            Operation::Flush => self.store.flush().unwrap(),
            Operation::FlushAndKill(operations) => {
                self.disk.set(Faults {
                    operations_left: Some(operations),
                    ..Faults::default()
                });
                let _ = self.store.flush();
                self.restart(self.disk.after_kill());
            }
            Operation::Kill => self.restart(self.disk.after_kill()),
            Operation::SyncAndPowerCut => {
                self.store.sync().unwrap();
                self.restart(self.disk.after_power_cut(0, false));
            }
            Operation::Close => {
                self.store.close().unwrap();
                self.restart(self.disk.clone());
            }
            Operation::Delete(matchers, range) => {
                self.store
                    .delete(std::slice::from_ref(&matchers), range)
                    .unwrap();
                self.model.delete(&matchers, range);
            }
            Operation::CleanTombstones => self.store.clean_tombstones().unwrap(),
            Operation::Select(matchers, range) => self.select(&matchers, range),
        }
    }

    fn append(
        &mut self,
        at: i64,
        values: &[(usize, f64)],
        stamped: &[(usize, i64, f64)],
        fault: Option<usize>,
    ) {
        let sets = label_sets();
        // Maintenance removes what has never had a sample.
        self.look_up();
        let mut batch = Batch::at(ms(at));
        let mut plain = Vec::new();
        // Where samples may be late, a time has one value: which of two would count is not promised.
        let value_at = |series: usize, time: i64, value: f64| match self.model.window {
            0 => value,
            _ => (series as i64 * 1000 + time) as f64 / 3.0,
        };
        for &(series, value) in values {
            let value = value_at(series, at, value);
            batch.values.push((self.references[series], value));
            plain.push((sets[series].clone(), at, value));
        }
        for &(series, time, value) in stamped {
            let value = value_at(series, time, value);
            batch
                .stamped
                .push((self.references[series], ms(time), value));
            plain.push((sets[series].clone(), time, value));
        }
        self.disk.set(Faults {
            tear_next: fault,
            ..Faults::default()
        });
        let appended = self.store.append(&batch);
        self.disk.set(Faults::default());
        // A fault may find nothing to write.
        if let Ok(appended) = appended {
            assert_eq!(appended, self.model.append(&plain));
        } else {
            assert!(fault.is_some());
        }
    }

    fn select(&self, matchers: &[Matcher], range: TimeRange) {
        let expected = self.model.select(matchers, range);
        assert_eq!(select(&self.store, matchers, range), expected);

        let sets = [matchers.to_vec()];
        // Who has samples in the range is there; who has some at another time may be, for blocks know only their own times.
        let certain = matching(&self.model.samples, matchers, range);
        let possible = matching(&self.model.ever, matchers, TimeRange::ALL);
        let series = Queryable::series(&self.store, &sets, range).unwrap();
        assert!(series.is_sorted());
        check(&series, certain.keys(), possible.keys());
        let names = |samples: &Samples| -> BTreeSet<String> {
            let labels = samples.keys().flat_map(Labels::iter);
            labels.map(|(name, _)| name.to_owned()).collect()
        };
        let found = self.store.label_names(&sets, range).unwrap();
        check(&found, &names(&certain), &names(&possible));
        for name in ["__name__", "job", "absent"] {
            let values = |samples: &Samples| -> BTreeSet<String> {
                let values = samples.keys().filter_map(|labels| labels.get(name));
                values.map(str::to_owned).collect()
            };
            let found = self.store.label_values(name, &sets, range).unwrap();
            check(&found, &values(&certain), &values(&possible));
        }
    }
}

/// Checks that all of `certain` are found and nothing but `possible`.
fn check<'a, T: PartialEq + std::fmt::Debug + 'a>(
    found: &[T],
    certain: impl IntoIterator<Item = &'a T>,
    possible: impl IntoIterator<Item = &'a T>,
) {
    let mut possible = possible.into_iter();
    assert!(
        found.iter().all(|one| possible.any(|other| other == one)),
        "{found:?}"
    );
    assert!(
        certain.into_iter().all(|one| found.contains(one)),
        "{found:?}"
    );
}

fn any_value() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => (0_i32..5).prop_map(f64::from),
        1 => any::<u64>().prop_map(f64::from_bits),
        1 => Just(-0.0),
    ]
}

fn any_append() -> impl Strategy<Value = Operation> {
    let series = 0_usize..32;
    let at = -20_i64..200;
    let values = proptest::collection::vec((series.clone(), any_value()), 0..20);
    let stamped = proptest::collection::vec((series, at.clone(), any_value()), 0..4);
    let fault = proptest::option::weighted(0.1, 0_usize..120);
    (at, values, stamped, fault).prop_map(|(at, values, stamped, fault)| Operation::Append {
        at,
        values,
        stamped,
        fault,
    })
}

/// A scrape as it is: later than all before, and all series in it. Without these no chunk would ever be full.
fn scrapes() -> impl Strategy<Value = Vec<Operation>> {
    (200_i64..1000, 1_i64..150).prop_map(|(start, count)| {
        let scrape = |n: i64| Operation::Append {
            at: start + n * 3,
            values: (0..8)
                .map(|series| (series, (n * n) as f64 / 8.0))
                .collect(),
            stamped: Vec::new(),
            fault: None,
        };
        (0..count).map(scrape).collect()
    })
}

fn any_matcher() -> impl Strategy<Value = Matcher> {
    let name = prop::sample::select(vec!["__name__", "job", "instance", "absent"]);
    let op = prop::sample::select(vec![
        MatchOp::Equal,
        MatchOp::NotEqual,
        MatchOp::Regex,
        MatchOp::NotRegex,
    ]);
    let value = prop::sample::select(vec![
        "",
        "up",
        "gateway",
        "logic",
        "nothing",
        ".*",
        ".+",
        "gate.*",
        "gateway|task",
        "(logic|)",
        "b:.",
        ".*1",
        "a:1|b.+",
        "(?i)UP",
        "lo.*|gateway|task.+",
        "[gl].*",
        "x?",
    ]);
    (name, op, value).prop_map(|(name, op, value)| Matcher::new(name, op, value).unwrap())
}

fn any_range() -> impl Strategy<Value = TimeRange> {
    prop_oneof![
        Just(TimeRange::ALL),
        (-30_i64..1500, -30_i64..1500).prop_map(|(start, end)| TimeRange {
            start: ms(start),
            end: ms(end),
        }),
    ]
}

fn any_operations() -> impl Strategy<Value = Vec<Operation>> {
    let one = prop_oneof![
        10 => any_append(),
        2 => Just(Operation::Maintain),
        1 => Just(Operation::Flush),
        2 => (0_usize..40).prop_map(Operation::FlushAndKill),
        1 => Just(Operation::Kill),
        1 => Just(Operation::SyncAndPowerCut),
        1 => Just(Operation::Close),
        1 => (prop::collection::vec(any_matcher(), 0..3), any_range())
            .prop_map(|(matchers, range)| Operation::Delete(matchers, range)),
        1 => Just(Operation::CleanTombstones),
        8 => (prop::collection::vec(any_matcher(), 0..4), any_range())
            .prop_map(|(matchers, range)| Operation::Select(matchers, range)),
    ];
    let some = prop_oneof![20 => one.prop_map(|one| vec![one]), 1 => scrapes()];
    prop::collection::vec(some, 1..40).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if long() { 20_000 } else { 256 },
        ..ProptestConfig::default()
    })]

    #[test]
    fn behaves_as_a_plain_map(
        operations in any_operations(),
        window in prop::sample::select(vec![0_i64, 40, 1000]),
    ) {
        let mut pair = Pair::new(window);
        for operation in operations {
            pair.run(operation);
        }
        pair.restart(pair.disk.after_kill());
    }
}
