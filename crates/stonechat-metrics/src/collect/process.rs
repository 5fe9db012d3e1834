//! Metrics of this process, read from `/proc`. On other systems than Linux there are none.
//!
//! Own code, because it is four small files and three formats: the crates that read them bring
//! several times the code, and an error where one field is missing.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Collect, Collected, Row, single};
use crate::desc::{Desc, Kind};
use crate::error::Place;

const fn row(name: &'static str, help: &'static str, kind: Kind, unit: &'static str) -> Row {
    Row {
        name,
        help,
        kind,
        unit,
        label: None,
    }
}

const ROWS: [Row; 7] = [
    row(
        "process_cpu_seconds_total",
        "User and system CPU time.",
        Kind::Counter,
        "seconds",
    ),
    row(
        "process_resident_memory_bytes",
        "Resident memory.",
        Kind::Gauge,
        "bytes",
    ),
    row(
        "process_virtual_memory_bytes",
        "Virtual memory.",
        Kind::Gauge,
        "bytes",
    ),
    row(
        "process_open_fds",
        "Open file descriptors.",
        Kind::Gauge,
        "",
    ),
    row(
        "process_max_fds",
        "Most file descriptors that may be open.",
        Kind::Gauge,
        "",
    ),
    row(
        "process_start_time_seconds",
        "Start, as seconds since 1970.",
        Kind::Gauge,
        "seconds",
    ),
    row(
        "process_threads",
        "Operating system threads.",
        Kind::Gauge,
        "",
    ),
];

pub struct ProcessMetrics {
    /// `/proc`, but for tests.
    root: PathBuf,
    descs: Vec<Arc<Desc>>,
}

impl ProcessMetrics {
    pub fn new(place: Place) -> Self {
        Self {
            root: PathBuf::from("/proc"),
            descs: ROWS.iter().map(|row| row.desc(place)).collect(),
        }
    }

    /// The values in the order of `ROWS`.
    fn values(&self) -> [Option<f64>; 7] {
        let text = |name: &str| read_text(&self.root, name);
        let stat = text("self/stat");
        let status = text("self/status");
        let ticks = ticks(&self.root);
        let start = stat_field(&stat, 22).zip(boot_time(&text("stat")));
        [
            cpu_seconds(&stat, ticks),
            status_kib(&status, "VmRSS:"),
            status_kib(&status, "VmSize:"),
            open_files(&self.root),
            open_files_max(&text("self/limits")),
            start.map(|(after_boot, boot)| boot + after_boot / ticks),
            status_value(&status, "Threads:"),
        ]
    }
}

/// What the process uses now, as far as the system tells.
pub struct ProcessReading {
    pub cpu_seconds: Option<f64>,
    pub resident: Option<f64>,
    /// The data segment: heap and more.
    pub data: Option<f64>,
    pub open_files: Option<f64>,
    pub threads: Option<f64>,
}

/// Reads what the process uses now.
pub fn read() -> ProcessReading {
    let root = Path::new("/proc");
    let status = read_text(root, "self/status");
    ProcessReading {
        cpu_seconds: cpu_seconds(&read_text(root, "self/stat"), ticks(root)),
        resident: status_kib(&status, "VmRSS:"),
        data: status_kib(&status, "VmData:"),
        open_files: open_files(root),
        threads: status_value(&status, "Threads:"),
    }
}

fn read_text(root: &Path, name: &str) -> String {
    fs::read_to_string(root.join(name)).unwrap_or_default()
}

fn ticks(root: &Path) -> f64 {
    let auxv = fs::read(root.join("self/auxv")).ok();
    auxv.and_then(|auxv| clock_ticks(&auxv))
        .unwrap_or(TICKS_PER_SECOND)
}

fn cpu_seconds(stat: &str, ticks: f64) -> Option<f64> {
    let (user, system) = stat_field(stat, 14).zip(stat_field(stat, 15))?;
    Some((user + system) / ticks)
}

/// Reading the folder opens one descriptor more, which is not the service's.
fn open_files(root: &Path) -> Option<f64> {
    let count = fs::read_dir(root.join("self/fd")).ok()?.count();
    Some(count.saturating_sub(1) as f64)
}

impl Collect for ProcessMetrics {
    fn describe(&self) -> Vec<Arc<Desc>> {
        self.descs.clone()
    }

    fn collect(&self, out: &mut Vec<Collected>) {
        for (desc, value) in self.descs.iter().zip(self.values()) {
            out.extend(value.map(|value| single(desc, value)));
        }
    }
}

/// What the kernel counts time in, on every architecture that Rust's standard library supports.
const TICKS_PER_SECOND: f64 = 100.0;

/// The kernel's own answer, from the pairs of machine words that it gives each process.
fn clock_ticks(auxv: &[u8]) -> Option<f64> {
    const AT_CLKTCK: usize = 17;
    const WORD: usize = size_of::<usize>();
    let word = |bytes: &[u8]| bytes.try_into().ok().map(usize::from_ne_bytes);
    auxv.chunks_exact(2 * WORD)
        .find(|pair| word(&pair[..WORD]) == Some(AT_CLKTCK))
        .and_then(|pair| word(&pair[WORD..]))
        .map(|ticks| ticks as f64)
}

/// Field `number` of `stat`, counted from 1 as in proc(5), from the third on. The second is the
/// program's name, which may hold spaces and brackets.
fn stat_field(stat: &str, number: usize) -> Option<f64> {
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_ascii_whitespace().nth(number - 3)?.parse().ok()
}

fn status_value(status: &str, key: &str) -> Option<f64> {
    let rest = status.lines().find_map(|line| line.strip_prefix(key))?;
    rest.split_ascii_whitespace().next()?.parse().ok()
}

fn status_kib(status: &str, key: &str) -> Option<f64> {
    status_value(status, key).map(|kib| kib * 1024.0)
}

/// The soft limit; an unlimited one has no number.
fn open_files_max(limits: &str) -> Option<f64> {
    status_value(limits, "Max open files")
}

/// Seconds since 1970 at which the machine started.
fn boot_time(stat: &str) -> Option<f64> {
    status_value(stat, "btime ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAT: &str = "4242 (a) b (c) S 1 4242 4242 0 -1 4194304 100 0 0 0 150 50 0 0 20 0 9 0 \
                        1000 123456789 2048 18446744073709551615";

    #[test]
    fn fields_of_stat_are_found_behind_a_name_with_brackets() {
        for (number, value) in [
            (14, Some(150.0)),
            (15, Some(50.0)),
            (22, Some(1000.0)),
            (99, None),
        ] {
            assert_eq!(stat_field(STAT, number), value, "field {number}");
        }
        assert_eq!(stat_field("garbage", 14), None);
        assert_eq!(stat_field("", 14), None);
    }

    #[test]
    fn keyed_files_give_the_number_behind_the_key() {
        let status = "Name:\tchat\nVmSize:\t   2048 kB\nVmRSS:\t     10 kB\nThreads:\t9\n";
        let limits = "Limit                     Soft Limit           Hard Limit           Units\n\
                      Max open files            1024                 524288               files\n";
        let unlimited =
            "Max open files            unlimited            unlimited            files\n";
        assert_eq!(status_kib(status, "VmRSS:"), Some(10_240.0));
        assert_eq!(status_value(status, "Threads:"), Some(9.0));
        assert_eq!(status_value(status, "VmSwap:"), None);
        assert_eq!(open_files_max(limits), Some(1024.0));
        assert_eq!(open_files_max(unlimited), None);
        assert_eq!(
            boot_time("cpu 1 2\nbtime 1700000000\n"),
            Some(1_700_000_000.0)
        );
    }

    #[test]
    fn clock_ticks_come_from_the_vector_or_not_at_all() {
        let words = |list: &[usize]| -> Vec<u8> {
            list.iter().flat_map(|word| word.to_ne_bytes()).collect()
        };
        assert_eq!(clock_ticks(&words(&[6, 4096, 17, 250, 0, 0])), Some(250.0));
        assert_eq!(clock_ticks(&words(&[6, 4096, 0, 0])), None);
        assert_eq!(clock_ticks(&[1, 2, 3]), None);
    }

    #[test]
    fn a_machine_without_proc_has_no_process_metrics() {
        let place = std::panic::Location::caller();
        let mut metrics = ProcessMetrics::new(place);
        metrics.root = PathBuf::from("/nowhere");
        let mut out = Vec::new();
        metrics.collect(&mut out);
        assert!(out.is_empty());
    }
}
