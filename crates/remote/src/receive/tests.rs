//! Requests as senders make them, and as nobody should.

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderValue, StatusCode};
use parking_lot::Mutex;
use proptest::prelude::*;
use stonechat_metrics::Registry;
use stonechat_model::{
    Appended, Batch, Exemplar, Labels, Metadata, MetricType, STALE_NAN, is_stale,
};

use super::*;

/// A store that remembers everything.
#[derive(Default)]
struct Memory {
    series: Mutex<Vec<Labels>>,
    /// Series that the store has forgotten.
    gone: Mutex<Vec<SeriesRef>>,
    samples: Mutex<Vec<(Labels, i64, f64)>>,
    histograms: Mutex<Vec<(Labels, i64, f64)>>,
    exemplars: Mutex<Vec<(Labels, Exemplar)>>,
    described: Mutex<Vec<(String, Metadata)>>,
    /// How many series were asked for by their labels.
    asked: Mutex<usize>,
    batches: Mutex<Vec<(usize, usize)>>,
    full: Mutex<bool>,
    series_max: Mutex<usize>,
}

impl Memory {
    fn labels(&self, series: SeriesRef) -> Option<Labels> {
        let known = !self.gone.lock().contains(&series);
        known.then(|| self.series.lock()[usize::try_from(series.0).unwrap()].clone())
    }
}

impl Appender for Memory {
    fn series(&self, labels: &Labels) -> Result<SeriesRef, AppendError> {
        *self.asked.lock() += 1;
        let mut series = self.series.lock();
        let gone = self.gone.lock();
        let known = (0..)
            .zip(&*series)
            .find(|(place, known)| *known == labels && !gone.contains(&SeriesRef(*place)));
        if let Some((place, _)) = known {
            return Ok(SeriesRef(place));
        }
        let limit = *self.series_max.lock();
        if limit > 0 && series.len() >= limit {
            return Err(AppendError::SeriesLimit { limit });
        }
        series.push(labels.clone());
        Ok(SeriesRef(series.len() as u64 - 1))
    }

    fn append(&self, batch: &Batch) -> Result<Appended, AppendError> {
        if *self.full.lock() {
            return Err(AppendError::Log(std::io::ErrorKind::StorageFull.into()));
        }
        let mut appended = Appended::default();
        self.batches
            .lock()
            .push((batch.values.len(), batch.stamped.len()));
        let mut samples = self.samples.lock();
        for (series, timestamp, value) in batch.iter() {
            let Some(labels) = self.labels(series) else {
                appended.unknown_series.push(series);
                continue;
            };
            let timestamp = timestamp.millis();
            let newest = samples
                .iter()
                .filter(|(known, ..)| *known == labels)
                .map(|sample| sample.1)
                .max();
            match newest {
                Some(newest) if timestamp < newest => appended.out_of_order += 1,
                _ => {
                    samples.push((labels, timestamp, value));
                    appended.accepted += 1;
                }
            }
        }
        for (series, timestamp, histogram) in &batch.histograms {
            let labels = self.labels(*series).unwrap();
            self.histograms
                .lock()
                .push((labels, timestamp.millis(), histogram.count));
            appended.accepted += 1;
        }
        for (series, exemplar) in &batch.exemplars {
            if let Some(labels) = self.labels(*series) {
                self.exemplars.lock().push((labels, exemplar.clone()));
            }
        }
        Ok(appended)
    }

    fn describe(&self, family: &str, metadata: &Metadata) -> Result<(), AppendError> {
        self.described
            .lock()
            .push((family.to_owned(), metadata.clone()));
        Ok(())
    }
}

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

struct Bench {
    store: Arc<Memory>,
    receiver: Receiver,
}

impl Bench {
    fn new() -> Self {
        Self::with(ReceiverLimits::default())
    }

    fn with(limits: ReceiverLimits) -> Self {
        let store = Arc::new(Memory::default());
        let metrics = RemoteMetrics::register(&Registry::bare()).unwrap();
        Self {
            receiver: Receiver::new(Arc::clone(&store) as _, metrics, limits),
            store,
        }
    }

    fn write(&self, message: &[u8]) -> Result<Written, Refusal> {
        let body = snap::raw::Encoder::new().compress_vec(message).unwrap();
        self.receiver.write(Message::Version1, &body, NOW)
    }

    /// Stored samples, as `series timestamp value`.
    fn stored(&self) -> Vec<String> {
        let samples = self.store.samples.lock();
        samples
            .iter()
            .map(|(labels, timestamp, value)| format!("{labels} {timestamp} {value}"))
            .collect()
    }
}

fn refusal(outcome: Result<Written, Refusal>) -> (u16, String) {
    let refusal = outcome.unwrap_err();
    (refusal.status.as_u16(), refusal.message)
}

/// Writes messages field by field.
#[derive(Default, Clone)]
struct Out(Vec<u8>);

impl Out {
    fn varint(mut self, mut value: u64) -> Self {
        while value > 0x7f {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
        self
    }

    fn bytes(self, number: u64, bytes: &[u8]) -> Self {
        let mut out = self.varint(number << 3 | 2).varint(bytes.len() as u64);
        out.0.extend_from_slice(bytes);
        out
    }

    fn number(self, number: u64, value: u64) -> Self {
        self.varint(number << 3).varint(value)
    }

    fn double(self, number: u64, value: f64) -> Self {
        let mut out = self.varint(number << 3 | 1);
        out.0.extend_from_slice(&value.to_le_bytes());
        out
    }
}

fn label(name: &str, value: &str) -> Vec<u8> {
    Out::default()
        .bytes(1, name.as_bytes())
        .bytes(2, value.as_bytes())
        .0
}

fn sample(timestamp: i64, value: f64) -> Vec<u8> {
    Out::default()
        .double(1, value)
        .number(2, timestamp as u64)
        .0
}

fn series(labels: &[(&str, &str)], samples: &[(i64, f64)]) -> Vec<u8> {
    let out = labels.iter().fold(Out::default(), |out, (name, value)| {
        out.bytes(1, &label(name, value))
    });
    samples
        .iter()
        .fold(out, |out, (timestamp, value)| {
            out.bytes(2, &sample(*timestamp, *value))
        })
        .0
}

fn request<S: AsRef<[u8]>>(series: &[S]) -> Vec<u8> {
    series
        .iter()
        .fold(Out::default(), |out, series| out.bytes(1, series.as_ref()))
        .0
}

/// Labels as pairs.
type Pairs = &'static [(&'static str, &'static str)];

const UP: Pairs = &[("__name__", "up"), ("job", "a")];

#[test]
fn samples_are_stored_and_known_series_build_no_labels() {
    let bench = Bench::new();
    let one = |timestamp| {
        request(&[
            series(UP, &[(timestamp, 1.0)]),
            series(
                &[("__name__", "b_total"), ("path", "/ä")],
                &[(timestamp, -0.0), (timestamp + 1, 2.5)],
            ),
        ])
    };
    assert_eq!(bench.write(&one(10)).unwrap().samples, 3);
    assert_eq!(bench.write(&one(20)).unwrap().samples, 3);
    assert_eq!(
        bench.stored(),
        [
            "up{job=\"a\"} 10 1",
            "b_total{path=\"/ä\"} 10 -0",
            "b_total{path=\"/ä\"} 11 2.5",
            "up{job=\"a\"} 20 1",
            "b_total{path=\"/ä\"} 20 -0",
            "b_total{path=\"/ä\"} 21 2.5",
        ]
    );
    assert_eq!(*bench.store.asked.lock(), 2);
    assert_eq!(bench.write(&[]).unwrap(), Written::default());
}

#[test]
fn samples_of_one_time_become_a_batch() {
    let bench = Bench::new();
    let of = |first: usize, timestamp: i64| {
        (first..first + RUN).map(move |number| {
            series(
                &[("__name__", "x"), ("n", &number.to_string())],
                &[(timestamp, 0.0)],
            )
        })
    };
    const RUN: usize = 40;
    let odd = series(&[("__name__", "odd")], &[(7, 0.0), (8, 1.0)]);
    let all: Vec<_> = of(0, 10).chain([odd]).chain(of(RUN, 11)).collect();
    assert_eq!(bench.write(&request(&all)).unwrap().samples, 2 * RUN + 2);
    assert_eq!(*bench.store.batches.lock(), [(RUN, 2), (RUN, 0)]);
    assert_eq!(bench.store.samples.lock()[RUN].1, 7);
}

#[test]
fn labels_may_stand_behind_samples() {
    let bench = Bench::new();
    let first = series(&[("job", "a")], &[(5, 3.0)]);
    let odd = Out(first).bytes(1, &label("__name__", "up")).0;
    let metadata = Out::default().number(1, 2).bytes(2, b"up").0;
    let body = Out::default()
        .bytes(3, &metadata)
        .bytes(1, &odd)
        .bytes(9, b"?")
        .bytes(1, &odd)
        .0;
    assert_eq!(bench.write(&body).unwrap().samples, 2);
    assert_eq!(bench.stored()[0], "up{job=\"a\"} 5 3");
    assert_eq!(bench.store.described.lock().len(), 1);
}

#[test]
fn histograms_exemplars_and_metadata() {
    let bench = Bench::new();
    let span = Out::default().number(1, 2).number(2, 2).0;
    let deltas = Out::default().varint(2).varint(1).0; // +1, -1
    let histogram = |sum: f64| {
        Out::default()
            .number(1, 1)
            .double(3, sum)
            .number(4, 6)
            .bytes(11, &span)
            .bytes(12, &deltas)
            .number(15, 30)
            .0
    };
    let broken = Out::default().number(4, 99).number(15, 30).0;
    let exemplar = Out::default()
        .bytes(1, &label("trace_id", "t"))
        .double(2, 0.5)
        .number(3, 29)
        .0;
    let latency = Out(series(&[("__name__", "latency")], &[]))
        .bytes(4, &histogram(1.5))
        .bytes(3, &exemplar)
        .bytes(4, &histogram(STALE_NAN));
    let metadata = Out::default()
        .number(1, 1)
        .bytes(2, b"latency")
        .bytes(4, b"How long.")
        .bytes(5, b"s")
        .0;
    let body = Out::default().bytes(1, &latency.0).bytes(3, &metadata).0;
    assert_eq!(
        bench.write(&body).unwrap(),
        Written {
            samples: 1,
            histograms: 1,
            exemplars: 1
        }
    );
    let latency_labels = Labels::from_pairs([("__name__", "latency")]).unwrap();
    assert_eq!(
        *bench.store.histograms.lock(),
        [(latency_labels.clone(), 30, 1.0)]
    );
    assert!(is_stale(bench.store.samples.lock()[0].2));
    let exemplars = bench.store.exemplars.lock().clone();
    assert_eq!(exemplars[0].0, latency_labels);
    assert_eq!(
        (exemplars[0].1.value, exemplars[0].1.labels.get("trace_id")),
        (0.5, Some("t"))
    );
    let described = Metadata {
        kind: MetricType::Counter,
        help: "How long.".into(),
        unit: "s".into(),
    };
    assert_eq!(
        *bench.store.described.lock(),
        [("latency".to_owned(), described)]
    );
    bench.write(&body).unwrap();
    assert_eq!(bench.store.described.lock().len(), 1, "told once");

    let body = request(&[latency.bytes(4, &broken).0, series(UP, &[(40, 1.0)])]);
    let (status, message) = refusal(bench.write(&body));
    assert_eq!(status, 400);
    assert!(
        message.starts_with("invalid histogram: histogram has an invalid schema"),
        "{message}"
    );
    assert_eq!(bench.stored().last().unwrap(), "up{job=\"a\"} 40 1");
}

/// A request of version 2 and what a series of it refers to.
fn version2(symbols: &[&str], series: &[Vec<u8>]) -> Vec<u8> {
    let out = symbols.iter().fold(Out::default(), |out, symbol| {
        out.bytes(4, symbol.as_bytes())
    });
    series
        .iter()
        .fold(out, |out, series| out.bytes(5, series))
        .0
}

#[test]
fn version_2_is_the_same_with_a_table_of_texts() {
    let bench = Bench::new();
    let write = |message: &[u8]| {
        let body = snap::raw::Encoder::new().compress_vec(message).unwrap();
        bench.receiver.write(Message::Version2, &body, NOW)
    };
    let symbols = ["", "__name__", "up", "job", "a", "Help.", "trace", "t"];
    let exemplar = Out::default()
        .bytes(1, &[6, 7])
        .double(2, 0.5)
        .number(3, 9)
        .0;
    let metadata = Out::default().number(1, 2).number(3, 5).0;
    let histogram = Out::default().double(3, 1.5).number(15, 30).0;
    let one = |timestamp| {
        let series = Out::default()
            .bytes(1, &[1, 2, 3, 4])
            .bytes(2, &sample(timestamp, 1.0));
        series.bytes(4, &exemplar).bytes(5, &metadata).0
    };
    let expected = Written {
        samples: 1,
        histograms: 0,
        exemplars: 1,
    };
    assert_eq!(write(&version2(&symbols, &[one(10)])).unwrap(), expected);
    // The same series in version 1 is already known.
    bench.write(&request(&[series(UP, &[(20, 2.0)])])).unwrap();
    assert_eq!(*bench.store.asked.lock(), 1);
    assert_eq!(bench.stored(), ["up{job=\"a\"} 10 1", "up{job=\"a\"} 20 2"]);
    assert_eq!(
        bench.store.exemplars.lock()[0].1.labels.get("trace"),
        Some("t")
    );
    let described = bench.store.described.lock()[0].clone();
    assert_eq!(
        (
            described.0.as_str(),
            described.1.kind,
            described.1.help.as_str()
        ),
        ("up", MetricType::Gauge, "Help.")
    );
    let series = Out::default().bytes(1, &[1, 2]).bytes(3, &histogram).0;
    assert_eq!(write(&version2(&symbols, &[series])).unwrap().histograms, 1);
    for (references, reason) in [
        (
            &[1, 8][..],
            "a series refers to a text that is not in the table",
        ),
        (&[1, 2, 3], "a series has a label name without a value"),
    ] {
        let series = Out::default().bytes(1, references).0;
        let (status, message) = refusal(write(&version2(&symbols, &[series])));
        assert_eq!(
            (status, message),
            (400, format!("the body is no message: {reason}"))
        );
    }
    // A long text that is referred to often.
    let long = "x".repeat(1 << 20);
    let many = [1, 1].repeat(40);
    let series = Out::default().bytes(1, &many).0;
    let (_, message) = refusal(write(&version2(&["", &long], &[series])));
    assert!(
        message.contains("too long when they are written out"),
        "{message}"
    );
}

#[test]
fn bad_samples_cost_only_themselves() {
    let ahead = NOW.millis() + 600_001;
    let cases: [(Pairs, i64, &str); 6] = [
        (UP, 5, "out of order sample (1); 1 other samples are stored"),
        (
            UP,
            ahead,
            "out of bounds: sample is too far in the future (1); 1 other samples are stored",
        ),
        (
            &[("job", "a")],
            20,
            "invalid series: {job=\"a\"} has no metric name (1); 1 other samples are stored",
        ),
        (
            &[],
            20,
            "invalid series: {} has no metric name (1); 1 other samples are stored",
        ),
        (
            &[("__name__", "a"), ("b", "1"), ("b", "2")],
            20,
            "invalid series: label \"b\" is given twice (1); 1 other samples are stored",
        ),
        (
            &[("__name__", "a"), ("", "1")],
            20,
            "invalid series: a label name is empty (1); 1 other samples are stored",
        ),
    ];
    for (labels, timestamp, expected) in cases {
        let bench = Bench::new();
        bench.write(&request(&[series(UP, &[(10, 1.0)])])).unwrap();
        let good = series(&[("__name__", "good")], &[(10, 1.0)]);
        let body = request(&[series(labels, &[(timestamp, 2.0)]), good]);
        assert_eq!(refusal(bench.write(&body)), (400, expected.to_owned()));
        assert_eq!(bench.stored(), ["up{job=\"a\"} 10 1", "good 10 1"]);
    }
}

#[test]
fn labels_that_are_too_long_or_no_text_are_refused() {
    let bench = Bench::new();
    let long = "x".repeat(labels::LABELS_BYTES_MAX);
    let body = request(&[series(&[("__name__", &long)], &[(1, 1.0)])]);
    let (status, message) = refusal(bench.write(&body));
    assert_eq!(status, 400);
    assert!(message.contains("at most 1048576 are allowed"), "{message}");
    let label = Out::default().bytes(1, b"__name__").bytes(2, b"\xff").0;
    let (status, message) = refusal(bench.write(&request(&[Out::default().bytes(1, &label).0])));
    assert_eq!(status, 400);
    assert!(message.contains("not valid UTF-8"), "{message}");
}

#[test]
fn a_series_that_the_store_forgot_is_made_again() {
    let bench = Bench::new();
    let body = |timestamp| {
        request(&[
            series(UP, &[(timestamp, 1.0)]),
            series(&[("__name__", "b")], &[(timestamp, 2.0)]),
        ])
    };
    bench.write(&body(1)).unwrap();
    bench.store.gone.lock().push(SeriesRef(0));
    assert_eq!(bench.write(&body(2)).unwrap().samples, 2);
    assert_eq!(bench.write(&body(3)).unwrap().samples, 2);
    assert_eq!(
        *bench.store.asked.lock(),
        3,
        "up was asked for twice, b once"
    );
    let times = bench
        .store
        .samples
        .lock()
        .iter()
        .map(|sample| sample.1)
        .collect::<Vec<_>>();
    assert_eq!(times, [1, 1, 2, 2, 3, 3]);
}

#[test]
fn only_a_store_that_cannot_write_is_worth_another_try() {
    let bench = Bench::new();
    *bench.store.full.lock() = true;
    let body = request(&[series(UP, &[(10, 1.0)])]);
    let (status, message) = refusal(bench.write(&body));
    assert_eq!(status, 503);
    assert!(
        message.starts_with("the write-ahead log cannot be written: "),
        "{message}"
    );
    *bench.store.full.lock() = false;
    assert_eq!(bench.write(&body).unwrap().samples, 1);
    // More series never fit by themselves, but those that are there go on.
    *bench.store.series_max.lock() = 1;
    let body = request(&[
        series(&[("__name__", "new")], &[(20, 1.0)]),
        series(UP, &[(20, 1.0)]),
    ]);
    let refused = (
        400,
        "the store's limit of series is reached (1); 1 other samples are stored".to_owned(),
    );
    assert_eq!(refusal(bench.write(&body)), refused);
}

#[test]
fn bodies_that_are_none_are_refused() {
    let limits = ReceiverLimits {
        body_bytes_max: 10_000,
        ..ReceiverLimits::default()
    };
    let bench = Bench::with(limits);
    let good = request(&[series(UP, &[(10, 1.0)])]);
    let packed = snap::raw::Encoder::new().compress_vec(&good).unwrap();
    let write = |body: &[u8]| refusal(bench.receiver.write(Message::Version1, body, NOW));
    // Announces 9 000 bytes and has three.
    let bomb = [0xa8, 0x46, 0xff];
    let larger = snap::raw::Encoder::new()
        .compress_vec(&[0; 10_001])
        .unwrap();
    for (body, status, reason) in [
        (
            &packed[..packed.len() - 1],
            400,
            "the body is no snappy block: ",
        ),
        (b"", 400, "the body is no snappy block: "),
        (
            b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
            400,
            "the body is no snappy block: ",
        ),
        (
            &bomb,
            400,
            "the body is no snappy block: it announces more than it can hold",
        ),
        (
            &larger,
            413,
            "the body has 10001 bytes; at most 10000 are allowed",
        ),
    ] {
        let (found, message) = write(body);
        assert_eq!(found, status, "{message}");
        assert!(message.starts_with(reason), "{message}");
    }
    let (status, message) = refusal(bench.write(b"\x0a\x05garbage"));
    assert_eq!(status, 400);
    assert!(message.starts_with("the body is no message: "), "{message}");
    for end in 1..good.len() {
        assert_eq!(refusal(bench.write(&good[..end])).0, 400, "cut at {end}");
    }
    assert!(bench.stored().is_empty());
}

#[test]
fn headers_announce_the_message() {
    let bench = Bench::new();
    let announced = |kind: Option<&'static str>, encoding: Option<&'static str>| {
        let mut headers = HeaderMap::new();
        for (name, value) in [("content-type", kind), ("content-encoding", encoding)] {
            if let Some(value) = value {
                headers.insert(name, HeaderValue::from_static(value));
            }
        }
        bench
            .receiver
            .message(&headers)
            .map_err(|refusal| refusal.status)
    };
    let protobuf = "application/x-protobuf";
    for (kind, encoding) in [
        (None, None),
        (Some(protobuf), Some("snappy")),
        (
            Some("application/x-protobuf; proto=prometheus.WriteRequest"),
            Some("snappy"),
        ),
    ] {
        assert_eq!(announced(kind, encoding), Ok(Message::Version1), "{kind:?}");
    }
    for (kind, encoding) in [
        (Some("application/json"), Some("snappy")),
        (Some(protobuf), Some("zstd")),
        (
            Some("application/x-protobuf;proto=nonsense"),
            Some("snappy"),
        ),
    ] {
        assert_eq!(
            announced(kind, encoding),
            Err(StatusCode::UNSUPPORTED_MEDIA_TYPE),
            "{kind:?}"
        );
    }
}

proptest! {
    /// Whatever comes, there is an answer.
    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let bench = Bench::new();
        let _ = bench.receiver.write(Message::Version1, &bytes, NOW);
        let body = snap::raw::Encoder::new().compress_vec(&bytes).unwrap();
        let _ = bench.receiver.write(Message::Version2, &body, NOW);
        let _ = bench.write(&bytes);
    }

    /// Any request is stored as it was written, whether its series are known or not.
    #[test]
    fn requests_come_back(
        names in prop::collection::vec("[a-c]", 1..60),
        times in prop::collection::vec(0_i64..3, 1..60),
        values in prop::collection::vec(any::<f64>(), 1..60),
    ) {
        let bench = Bench::new();
        let mut expected: BTreeMap<String, Vec<(i64, u64)>> = BTreeMap::new();
        let (mut all, mut clock) = (Vec::new(), 0);
        for ((name, time), value) in names.iter().zip(&times).zip(&values) {
            clock += time;
            all.push(series(&[("__name__", name), ("x", "y")], &[(clock, *value)]));
            expected.entry(format!("{name}{{x=\"y\"}}")).or_default().push((clock, value.to_bits()));
        }
        let half = all.len() / 2;
        prop_assert_eq!(bench.write(&request(&all[..half])).unwrap().samples, half);
        prop_assert_eq!(bench.write(&request(&all[half..])).unwrap().samples, all.len() - half);
        let mut found: BTreeMap<String, Vec<(i64, u64)>> = BTreeMap::new();
        for (labels, timestamp, value) in &*bench.store.samples.lock() {
            found.entry(labels.to_string()).or_default().push((*timestamp, value.to_bits()));
        }
        prop_assert_eq!(found, expected);
    }
}
