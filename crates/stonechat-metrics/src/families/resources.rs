use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::named::{Chosen, Key, Named, Part, Template, standard};
use crate::collect::{ProcessReading, read_process};
use crate::error::RegisterError;
use crate::metric::Gauge;
use crate::registry::{Refresh, Registry};

/// Between two readings at least this time passes: the CPU ratio needs a time to be taken over.
const PAUSE: Duration = Duration::from_secs(1);

/// What the process uses, read at each scrape: `process_cpu_usage_ratio` (from the second on),
/// `process_memory_usage_bytes`, `process_memory_allocated_bytes` and
/// `process_memory_heap_bytes` (both of jemalloc, with the feature of that name and jemalloc as the
/// program's `#[global_allocator]`), `process_files_open` and `process_tasks` (with the feature `tokio-runtime`).
///
/// Every [`Registry::new`] has metrics of the process under the names that all services share;
/// this is for those that dashboards know under other names, and for the allocator.
///
/// ```
/// # fn main() -> Result<(), stonechat_metrics::RegisterError> {
/// # let registry = stonechat_metrics::Registry::bare();
/// use stonechat_metrics::{Named, ResourceMetric, Resources};
///
/// let cpu = Named::new("media_cpu_usage_ratio");
/// Resources::register_as(&registry, &[(ResourceMetric::Cpu, cpu)])?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Resources(());

/// The metrics of [`Resources`], all of them gauges without parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ResourceMetric {
    /// CPU time in the time since the last scrape; 1 is one core.
    Cpu,
    /// Resident memory.
    Resident,
    /// Memory that the program has allocated. Without jemalloc it is the data segment, the nearest
    /// that the system knows.
    Allocated,
    /// Memory that the allocator holds for the program. Without jemalloc it is the data segment.
    Heap,
    /// Open file descriptors.
    OpenFiles,
    /// Tasks of the tokio runtime that have not ended; outside of one, threads.
    Tasks,
}

impl Key for ResourceMetric {
    fn template(self) -> Template {
        let new = Template::new;
        match self {
            Self::Cpu => new(
                "process_cpu_usage_ratio",
                "CPU time in the time since the last scrape; 1 is one core.",
            )
            .unit("ratio")
            .measured(),
            Self::Resident => new("process_memory_usage_bytes", "Resident memory.").unit("bytes"),
            Self::Allocated => new(
                "process_memory_allocated_bytes",
                "Memory that the program has allocated.",
            )
            .unit("bytes"),
            Self::Heap => new(
                "process_memory_heap_bytes",
                "Memory that the allocator holds for the program.",
            )
            .unit("bytes"),
            Self::OpenFiles => new("process_files_open", "Open file descriptors."),
            Self::Tasks => new("process_tasks", "Tasks that have not ended."),
        }
    }
}

impl Resources {
    /// Registers the families.
    ///
    /// # Errors
    ///
    /// A different metric has one of the names.
    #[track_caller]
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        use ResourceMetric::{Allocated, Cpu, Heap, OpenFiles, Resident, Tasks};
        let all = [Cpu, Resident, Allocated, Heap, OpenFiles, Tasks];
        Self::register_as(registry, &standard(all))
    }

    /// Registers the metrics that are listed, under their names, and no others.
    ///
    /// # Errors
    ///
    /// A different metric has one of the names, or a name breaks a rule of the data model.
    #[track_caller]
    pub fn register_as(
        registry: &Registry,
        names: &[(ResourceMetric, Named)],
    ) -> Result<Self, RegisterError> {
        let chosen = Chosen::here(registry, names);
        let mut families = Vec::new();
        let mut gauge = |key| -> Result<Option<Gauge>, RegisterError> {
            let part: Part<Gauge> = chosen.part(key)?;
            families.extend(part.refreshed());
            Ok((!part.is_absent()).then(|| part.with(&[])))
        };
        let gauges = Gauges {
            cpu: gauge(ResourceMetric::Cpu)?,
            resident: gauge(ResourceMetric::Resident)?,
            allocated: gauge(ResourceMetric::Allocated)?,
            heap: gauge(ResourceMetric::Heap)?,
            open_files: gauge(ResourceMetric::OpenFiles)?,
            tasks: gauge(ResourceMetric::Tasks)?,
        };
        registry.refresher(families, || Readings {
            gauges,
            tasks: TaskSource::here(),
            last: Mutex::new(None),
        });
        Ok(Self(()))
    }
}

/// What is read before a scrape.
struct Readings {
    gauges: Gauges,
    tasks: TaskSource,
    /// When it was read last, and the CPU time then, in seconds.
    last: Mutex<Option<(Instant, f64)>>,
}

impl Refresh for Readings {
    fn refresh(&self) -> bool {
        let mut last = self.last.lock();
        self.gauges.refresh(&self.tasks, &mut last, Instant::now());
        true
    }
}

struct Gauges {
    cpu: Option<Gauge>,
    resident: Option<Gauge>,
    allocated: Option<Gauge>,
    heap: Option<Gauge>,
    open_files: Option<Gauge>,
    tasks: Option<Gauge>,
}

impl Gauges {
    fn refresh(&self, tasks: &TaskSource, last: &mut Option<(Instant, f64)>, now: Instant) {
        if last.is_some_and(|(at, _)| now.saturating_duration_since(at) < PAUSE) {
            return;
        }
        let ProcessReading {
            cpu_seconds,
            resident,
            data,
            open_files,
            threads,
        } = read_process();
        let set = |gauge: &Option<Gauge>, value: Option<f64>| {
            if let Some(gauge) = gauge {
                gauge.set(value.unwrap_or(f64::NAN));
            }
        };
        let since = |(at, cpu): (Instant, f64)| {
            let passed = now.saturating_duration_since(at).as_secs_f64();
            (cpu_seconds.unwrap_or(cpu) - cpu) / passed
        };
        if let Some(cpu) = last.map(since) {
            set(&self.cpu, Some(cpu));
        }
        set(&self.resident, resident);
        let allocator = allocator();
        set(
            &self.allocated,
            allocator.map(|(allocated, _)| allocated).or(data),
        );
        set(&self.heap, allocator.map(|(_, heap)| heap).or(data));
        set(&self.open_files, open_files);
        set(&self.tasks, tasks.count().or(threads));
        *last = Some((now, cpu_seconds.unwrap_or(0.0)));
    }
}

/// Bytes that jemalloc has given to the program, and bytes that it holds for it; none if the program
/// allocates elsewhere, as the feature alone makes jemalloc only a library.
#[cfg(feature = "jemalloc")]
fn allocator() -> Option<(f64, f64)> {
    use tikv_jemalloc_ctl::{epoch, stats};
    static IN_USE: std::sync::LazyLock<bool> =
        std::sync::LazyLock::new(|| jemalloc_in_use().unwrap_or(false));
    if !*IN_USE {
        return None;
    }
    // The numbers are those of the last time that the epoch was advanced.
    epoch::advance().ok()?;
    let allocated = stats::allocated::read().ok()?;
    Some((allocated as f64, stats::mapped::read().ok()? as f64))
}

/// Whether an allocation of this program shows in jemalloc's count for the current thread.
#[cfg(feature = "jemalloc")]
fn jemalloc_in_use() -> Option<bool> {
    const PROBE: usize = 64 * 1024;
    let allocated = tikv_jemalloc_ctl::thread::allocatedp::read().ok()?;
    let before = allocated.get();
    drop(std::hint::black_box(Vec::<u8>::with_capacity(PROBE)));
    Some(allocated.get() >= before + PROBE as u64)
}

#[cfg(not(feature = "jemalloc"))]
fn allocator() -> Option<(f64, f64)> {
    None
}

/// The runtime whose tasks are counted.
#[cfg(feature = "tokio-runtime")]
struct TaskSource(std::sync::OnceLock<tokio::runtime::Handle>);

#[cfg(feature = "tokio-runtime")]
impl TaskSource {
    fn here() -> Self {
        let source = Self(std::sync::OnceLock::new());
        source.count();
        source
    }

    fn count(&self) -> Option<f64> {
        if let Ok(handle) = tokio::runtime::Handle::try_current() {
            self.0.get_or_init(|| handle);
        }
        let handle = self.0.get()?;
        Some(handle.metrics().num_alive_tasks() as f64)
    }
}

#[cfg(not(feature = "tokio-runtime"))]
struct TaskSource;

#[cfg(not(feature = "tokio-runtime"))]
impl TaskSource {
    fn here() -> Self {
        Self
    }

    fn count(&self) -> Option<f64> {
        None
    }
}

#[cfg(all(test, feature = "jemalloc"))]
mod tests {
    #[test]
    fn a_jemalloc_that_is_not_the_allocator_is_not_asked() {
        // The tests use the allocator of the system.
        assert_eq!(super::jemalloc_in_use(), Some(false));
        assert_eq!(super::allocator(), None);
    }
}
