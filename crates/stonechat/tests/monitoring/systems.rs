//! The systems: what their examples expose, and the examples themselves as targets.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::Duration;

use stonechat_metrics::{Format, Registry};
use tokio::runtime::Runtime;

#[path = "../../../stonechat-metrics/examples/chatim.rs"]
#[allow(dead_code, reason = "its `main` is not called")]
mod chatim;
#[path = "../../../stonechat-metrics/examples/im_suite.rs"]
#[allow(dead_code, reason = "its `main` is not called")]
mod im_suite;
#[path = "../../../stonechat-metrics/examples/media_service.rs"]
#[allow(dead_code, reason = "its `main` is not called")]
mod media_service;
#[path = "../../../stonechat-metrics/examples/resonance.rs"]
#[allow(dead_code, reason = "its `main` is not called")]
mod resonance;

/// Rounds of traffic until everything has happened at least once.
const ROUNDS_AT_FIRST: u64 = 400;

/// Rounds of traffic between two scrapes: those of a second.
const ROUNDS_BETWEEN: u64 = 10;

/// One system with its simulated traffic.
pub struct System {
    /// The name of its folder, and of its job.
    pub name: &'static str,
    /// Where its example listens, as the folder has it.
    pub address: &'static str,
    registry: Registry,
    traffic: Mutex<Traffic>,
    /// ChatIM probes the runtime that it lives in.
    _runtime: Runtime,
}

struct Traffic {
    number: u64,
    round: Box<dyn FnMut(u64) + Send>,
}

impl System {
    fn new<R>(
        name: &'static str,
        address: &'static str,
        registry: fn() -> Registry,
        register: impl FnOnce(&Registry) -> R,
    ) -> Self
    where
        R: FnMut(u64) + Send + 'static,
    {
        let runtime = Runtime::new().unwrap();
        let inside = runtime.enter();
        let registry = registry();
        let mut round = register(&registry);
        (0..ROUNDS_AT_FIRST).for_each(&mut round);
        drop(inside);
        Self {
            name,
            address,
            registry,
            traffic: Mutex::new(Traffic {
                number: ROUNDS_AT_FIRST,
                round: Box::new(round),
            }),
            _runtime: runtime,
        }
    }

    /// A page of metrics, and the traffic until the next.
    pub fn page(&self) -> String {
        let mut traffic = self.traffic.lock().unwrap();
        for _ in 0..ROUNDS_BETWEEN {
            traffic.number += 1;
            let number = traffic.number;
            (traffic.round)(number);
        }
        self.registry.encode(Format::Text)
    }

    /// The names of its families.
    pub fn families(&self) -> BTreeSet<String> {
        let page = self.page();
        let types = page.lines().filter_map(|line| line.strip_prefix("# TYPE "));
        types
            .filter_map(|line| line.split(' ').next())
            .map(str::to_owned)
            .collect()
    }

    /// Its series by name, with their labels.
    pub fn exposed(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut exposed: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for line in self.page().lines().filter(|line| !line.starts_with('#')) {
            let name = line.split(['{', ' ']).next().unwrap();
            let labels = exposed.entry(name.to_owned()).or_default();
            // No value of an example contains a quote, so that what stands before `="` is a name.
            let pairs = line[name.len()..].split("=\"");
            let starts = pairs.map(|pair| pair.rsplit([',', '{']).next().unwrap());
            let count = line.matches("=\"").count();
            labels.extend(starts.take(count).map(str::to_owned));
        }
        exposed
    }
}

/// The names that the series of a family may have.
pub fn series_of(family: &str) -> impl Iterator<Item = String> {
    ["", "_bucket", "_sum", "_count"]
        .map(|end| format!("{family}{end}"))
        .into_iter()
}

/// The process is looked at again after a second.
const LOOKS_APART: Duration = Duration::from_millis(1_100);

/// All four, each with a past.
pub fn all() -> [System; 4] {
    let systems = [
        System::new("im-suite", "127.0.0.1:19121", Registry::bare, |registry| {
            let suite = im_suite::ImSuite::register(registry).unwrap();
            move |number| suite.round(number)
        }),
        System::new("chatim", "127.0.0.1:19122", Registry::new, |registry| {
            let mut chat = chatim::ChatIm::register(registry).unwrap();
            move |number| chat.round(number)
        }),
        System::new(
            "media-service",
            "127.0.0.1:19123",
            Registry::bare,
            |registry| {
                let mut media = media_service::MediaService::register(registry).unwrap();
                move |number| media.round(number)
            },
        ),
        System::new("resonance", "127.0.0.1:19124", Registry::bare, |registry| {
            let mut chat = resonance::Resonance::register(registry).unwrap();
            move |number| chat.round(number)
        }),
    ];
    // CPU time is a ratio to the time between two looks, and so is there from the second on.
    for system in &systems {
        system.page();
    }
    std::thread::sleep(LOOKS_APART);
    systems
}
