//! Blocks to and from a real Prometheus, where one is installed.

#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use stonechat_blocks::{Block, BlockWriter, find_blocks};
use stonechat_model::{
    BucketSpan, Buckets, CUSTOM_BUCKETS_SCHEMA, Columns, Histogram, Labels, ResetHint, STALE_NAN,
    Timestamp, format_float, is_stale,
};

/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(60);

fn installed(program: &str) -> Option<PathBuf> {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let peers = home.map(|home| home.join(".cache/peers/root/usr/bin").join(program));
    let search = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&search).map(|folder| folder.join(program));
    peers.into_iter().chain(on_path).find(|file| file.is_file())
}

struct Prometheus {
    process: Child,
    port: u16,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// By series, time and what stands there.
type Shown = BTreeMap<String, Vec<(i64, String)>>;

impl Prometheus {
    fn start(program: &Path, folder: &Path) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let config = folder.join("prometheus.yml");
        fs::write(&config, "").unwrap();
        let process = Command::new(program)
            .arg(format!("--config.file={}", config.display()))
            .arg(format!(
                "--storage.tsdb.path={}",
                folder.join("data").display()
            ))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .args(["--web.enable-remote-write-receiver", "--log.level=error"])
            .args([
                "--web.enable-admin-api",
                "--enable-feature=native-histograms",
            ])
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let server = Self { process, port };
        let deadline = Instant::now() + PATIENCE;
        let ready = |answer: Option<(u16, String)>| answer.is_some_and(|answer| answer.0 == 200);
        while !ready(server.ask("GET", "/-/ready", &[])) {
            assert!(Instant::now() < deadline, "Prometheus does not get ready");
            std::thread::sleep(Duration::from_millis(50));
        }
        server
    }

    /// HTTP 1.0, so that answers come in one piece.
    fn ask(&self, method: &str, path: &str, body: &[u8]) -> Option<(u16, String)> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        let head = format!(
            "{method} {path} HTTP/1.0\r\nContent-Type: application/x-protobuf\r\nContent-Encoding: snappy\r\n\
             X-Prometheus-Remote-Write-Version: 0.1.0\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(&[head.as_bytes(), body].concat()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some((status, body.to_owned()))
    }

    fn data(&self, method: &str, path: &str) -> serde_json::Value {
        let (status, body) = self.ask(method, path, &[]).unwrap();
        assert_eq!(status, 200, "{body}");
        let mut answer: serde_json::Value = serde_json::from_str(&body).unwrap();
        answer["data"].take()
    }

    /// All samples of the last seven hours.
    fn samples(&self) -> Shown {
        let data = self.data(
            "GET",
            "/api/v1/query?query=%7B__name__%3D~%22.%2B%22%7D%5B7h%5D",
        );
        let each = |series: &serde_json::Value| {
            let labels: Labels = serde_json::from_value(series["metric"].clone()).unwrap();
            let floats = series["values"].as_array().into_iter().flatten();
            let floats = floats.map(|sample| (millis(&sample[0]), number(&sample[1])));
            let histograms = series["histograms"].as_array().into_iter().flatten();
            let histograms = histograms.map(|sample| {
                let histogram = &sample[1];
                let (count, sum) = (number(&histogram["count"]), number(&histogram["sum"]));
                let buckets = histogram["buckets"].as_array().into_iter().flatten();
                let counts: Vec<String> = buckets.map(|bucket| number(&bucket[3])).collect();
                (millis(&sample[0]), format!("{count} {sum} {counts:?}"))
            });
            let mut samples: Vec<_> = floats.chain(histograms).collect();
            samples.sort();
            (labels.to_string(), samples)
        };
        data["result"]
            .as_array()
            .unwrap()
            .iter()
            .map(each)
            .collect()
    }
}

#[expect(clippy::cast_possible_truncation, reason = "milliseconds of our time")]
fn millis(time: &serde_json::Value) -> i64 {
    (time.as_f64().unwrap() * 1000.0).round() as i64
}

/// A number of an answer, written as ours are: Prometheus gives very large ones an exponent.
fn number(value: &serde_json::Value) -> String {
    format_float(text(value).parse().unwrap())
}

fn text(value: &serde_json::Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// What Prometheus should say of samples.
fn shown(columns: &Columns) -> Vec<(i64, String)> {
    let floats = columns.timestamps.iter().zip(&columns.values);
    // A stale marker is no answer.
    let floats = floats.filter(|(_, value)| !is_stale(**value));
    let floats = floats.map(|(at, value)| (*at, format_float(*value)));
    let histograms = columns.histograms.iter().map(|(at, histogram)| {
        let negative = histogram.negative.counts.iter().rev();
        let counts = negative
            .chain([&histogram.zero_count])
            .chain(&histogram.positive.counts);
        let counts = counts.filter(|count| **count > 0.0);
        let counts: Vec<String> = counts.map(|count| format_float(*count)).collect();
        let (count, sum) = (format_float(histogram.count), format_float(histogram.sum));
        (*at, format!("{count} {sum} {counts:?}"))
    });
    let mut all: Vec<_> = floats.chain(histograms).collect();
    all.sort();
    all
}

fn now() -> i64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    i64::try_from(now.unwrap().as_millis()).unwrap()
}

fn histogram(step: u32, custom: bool, reset_hint: ResetHint) -> Arc<Histogram> {
    let count = f64::from(step % 130);
    let span = |offset, length| BucketSpan { offset, length };
    let spans = vec![span(0, 1), span(1, 1 + (step / 100) % 2)];
    let counts = vec![count + 0.5; 1 + spans[1].length as usize];
    let mut histogram = Histogram {
        reset_hint,
        schema: 2,
        zero_threshold: 0.5,
        zero_count: count,
        sum: count * 1.25,
        positive: Buckets { spans, counts },
        negative: Buckets {
            spans: vec![span(-3, 1)],
            counts: vec![count],
        },
        ..Histogram::default()
    };
    if custom {
        histogram.schema = CUSTOM_BUCKETS_SCHEMA;
        (histogram.zero_threshold, histogram.zero_count) = (0.0, 0.0);
        histogram.negative = Buckets::default();
        histogram.custom_values = [0.1, 0.25, 1.0, 2.0].into();
    }
    let counts = histogram.positive.counts.iter();
    let all = counts.chain(&histogram.negative.counts).sum::<f64>();
    histogram.count = all + histogram.zero_count;
    histogram.validate().unwrap();
    Arc::new(histogram)
}

/// Floats of many kinds, and histograms of many layouts.
fn series(begin: i64) -> Vec<(Labels, Columns)> {
    const ODD: [f64; 8] = [
        0.1,
        -0.0,
        1e300,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
        STALE_NAN,
        5e-324,
    ];
    let labels = |pairs: &[(&str, &str)]| Labels::from_pairs(pairs.iter().copied()).unwrap();
    let (mut counter, mut odd) = (Columns::default(), Columns::default());
    for step in 0..500_i32 {
        let at = begin + i64::from(step) * 15_000 + i64::from(step % 7);
        counter.push(Timestamp::from_millis(at), f64::from(step * step));
        let value = ODD[usize::try_from(step).unwrap() % ODD.len()];
        odd.push(Timestamp::from_millis(at), value);
    }
    let histograms = |custom: bool, hint: ResetHint| Columns {
        histograms: (0..300)
            .map(|step| {
                (
                    begin + i64::from(step) * 30_000,
                    histogram(step, custom, hint),
                )
            })
            .collect(),
        ..Columns::default()
    };
    let unknown = ResetHint::Unknown;
    let total = &[("__name__", "counter_total"), ("job", "a"), ("path", "/ä")];
    let mut all = vec![
        (labels(total), counter),
        (labels(&[("__name__", "odd"), ("größe", "x\"y\n")]), odd),
        (
            labels(&[("__name__", "latency")]),
            histograms(false, unknown),
        ),
        (labels(&[("__name__", "custom")]), histograms(true, unknown)),
        (
            labels(&[("__name__", "size")]),
            histograms(false, ResetHint::Gauge),
        ),
    ];
    all.sort_by(|one, other| one.0.cmp(&other.0));
    all
}

fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let length = u8::try_from(content.len()).unwrap();
    [&[number << 3 | 2, length], content].concat()
}

/// A request of remote write with a histogram of integers.
fn remote_write(at: i64) -> Vec<u8> {
    let label = [field(1, b"__name__"), field(2, b"whole")].concat();
    let mut histogram = vec![8, 7, 0x19]; // count, sum
    histogram.extend(2.5_f64.to_le_bytes());
    histogram.extend([0x20, 2, 0x30, 1]); // schema 1, zero count
    histogram.extend(field(8, &[8, 1, 16, 1])); // negative: from -1, one bucket
    histogram.extend(field(9, &[2]));
    histogram.extend(field(11, &[8, 2, 16, 2])); // positive: from 1, two buckets
    histogram.extend(field(12, &[4, 2]));
    histogram.push(0x78); // timestamp
    let mut time = at.cast_unsigned();
    while time > 0x7f {
        histogram.push(time as u8 | 0x80);
        time >>= 7;
    }
    histogram.push(time as u8);
    let series = [field(1, &label), field(4, &histogram)].concat();
    let message = field(1, &series);
    snap::raw::Encoder::new().compress_vec(&message).unwrap()
}

#[test]
fn blocks_go_to_prometheus_and_come_from_it() {
    let Some(program) = installed("prometheus") else {
        eprintln!("skipped: there is no prometheus on the path");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let ours = series(now() - 6 * 3_600_000);
    let data = folder.path().join("data");
    let mut writer = BlockWriter::create(&data, now().cast_unsigned(), 42).unwrap();
    for (labels, columns) in &ours {
        writer.add(labels, columns).unwrap();
    }
    writer.finish().unwrap().unwrap();

    let server = Prometheus::start(&program, folder.path());
    let found = server.samples();
    for (labels, columns) in &ours {
        assert_eq!(found[&labels.to_string()], shown(columns), "{labels}");
    }
    assert_eq!(found.len(), ours.len());

    // Back again: what Prometheus writes itself, among it histograms of integers.
    for step in 0..5 {
        let body = remote_write(now() - 5000 + step * 1000);
        let (status, reason) = server.ask("POST", "/api/v1/write", &body).unwrap();
        assert!(status < 300, "{status}: {reason}");
    }
    let name = text(&server.data("POST", "/api/v1/admin/tsdb/snapshot")["name"]);
    let expected = server.samples();
    let mut read: BTreeMap<String, Columns> = BTreeMap::new();
    for (path, _) in find_blocks(&data.join("snapshots").join(name)).unwrap() {
        let block = Block::open(&path).unwrap();
        for index in 0..block.len() {
            let series = block.series(index).unwrap();
            let columns = read.entry(series.labels.to_string()).or_default();
            block.read(&series, columns).unwrap();
        }
    }
    let read = read
        .iter()
        .map(|(labels, columns)| (labels.clone(), shown(columns)));
    let read: Shown = read.collect();
    assert_eq!(read["whole"].len(), 5);
    assert_eq!(read["whole"][0].1, r#"7 2.5 ["1", "1", "2", "3"]"#);
    assert_eq!(read, expected);
}
