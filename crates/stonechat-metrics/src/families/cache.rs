use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::named::{Chosen, Key, Named, Part, Template, standard};
use crate::error::RegisterError;
use crate::family::{OTHER, SERIES_MAX};
use crate::metric::{Counter, Gauge};
use crate::registry::{Refresh, Registry};

/// Caches: `cache_hits_total{cache}`, `cache_misses_total{cache}`; the part of look-ups that hit,
/// and other names, by [`register_as`](Self::register_as).
///
/// ```
/// # fn main() -> Result<(), stonechat_metrics::RegisterError> {
/// # let registry = stonechat_metrics::Registry::bare();
/// let users = stonechat_metrics::Caches::register(&registry)?.cache("users");
/// users.hit();
/// users.miss();
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Caches {
    hits: Part<Counter>,
    misses: Part<Counter>,
    rates: Option<Arc<Rates>>,
}

/// The metrics of [`Caches`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CacheMetric {
    /// Counter of look-ups that found what they looked for, by `cache`.
    Hits,
    /// Counter of look-ups that did not, by `cache`.
    Misses,
    /// Gauge of the part of all look-ups that hit, by `cache`. A rate over time is better taken
    /// from the counters.
    Rate,
}

impl Key for CacheMetric {
    fn template(self) -> Template {
        let template = match self {
            Self::Hits => Template::new("cache_hits_total", "Look-ups that hit."),
            Self::Misses => Template::new("cache_misses_total", "Look-ups that missed."),
            Self::Rate => Template::new(
                "cache_hit_ratio",
                "Part of all look-ups that hit, from 0 to 1.",
            )
            .measured(),
        };
        template.labels(&["cache"])
    }
}

impl Caches {
    /// Registers the families.
    ///
    /// # Errors
    ///
    /// A different metric has one of the names.
    #[track_caller]
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        Self::register_as(
            registry,
            &standard([CacheMetric::Hits, CacheMetric::Misses]),
        )
    }

    /// Registers the metrics that are listed, under their names, and no others.
    ///
    /// # Errors
    ///
    /// A different metric has one of the names, or a name breaks a rule of the data model.
    #[track_caller]
    pub fn register_as(
        registry: &Registry,
        names: &[(CacheMetric, Named)],
    ) -> Result<Self, RegisterError> {
        let chosen = Chosen::here(registry, names);
        let hits: Part<Counter> = chosen.part(CacheMetric::Hits)?;
        let misses: Part<Counter> = chosen.part(CacheMetric::Misses)?;
        let rate: Part<Gauge> = chosen.part(CacheMetric::Rate)?;
        let rates = rate.refreshed().map(|refreshed| {
            let all = [Some(refreshed), hits.refreshed(), misses.refreshed()];
            registry.refresher(all.into_iter().flatten().collect(), || Rates {
                rate,
                caches: Mutex::default(),
            })
        });
        Ok(Self {
            hits,
            misses,
            rates,
        })
    }

    /// The series of one cache; asked for again, they are the same. Call it once for each cache and
    /// keep the result.
    pub fn cache(&self, name: &str) -> Cache {
        let Some(rates) = &self.rates else {
            return Cache {
                hits: self.hits.with(&[name]),
                misses: self.misses.with(&[name]),
            };
        };
        rates.cache(name, |name| Cache {
            hits: counter(&self.hits, name),
            misses: counter(&self.misses, name),
        })
    }
}

/// A counter that nobody sees must not be shared either: the rate is taken from it.
fn counter(part: &Part<Counter>, name: &str) -> Counter {
    if part.is_absent() {
        Part::absent().with(&[])
    } else {
        part.with(&[name])
    }
}

/// The rates of all caches, which are set before each scrape.
#[derive(Debug)]
struct Rates {
    rate: Part<Gauge>,
    /// By name, up to [`SERIES_MAX`]; the rest share one.
    caches: Mutex<BTreeMap<String, (Cache, Gauge)>>,
}

impl Rates {
    fn cache(&self, name: &str, make: impl FnOnce(&str) -> Cache) -> Cache {
        let mut caches = self.caches.lock();
        let full = caches.len() >= SERIES_MAX && !caches.contains_key(name);
        let name = if full { OTHER } else { name };
        if let Some((cache, _)) = caches.get(name) {
            return cache.clone();
        }
        let cache = make(name);
        let rate = self.rate.with(&[name]);
        caches.insert(name.to_owned(), (cache.clone(), rate));
        cache
    }
}

impl Refresh for Rates {
    fn refresh(&self) -> bool {
        for (Cache { hits, misses }, rate) in self.caches.lock().values() {
            let (hits, misses) = (hits.get(), misses.get());
            // Before the first look-up there is none to show.
            if hits + misses > 0.0 {
                rate.set(hits / (hits + misses));
            }
        }
        true
    }
}

/// The series of one cache, made by [`Caches::cache`]; using it takes no locks.
#[derive(Debug, Clone)]
pub struct Cache {
    hits: Counter,
    misses: Counter,
}

impl Cache {
    /// Counts a look-up that found what it looked for.
    pub fn hit(&self) {
        self.hits.inc();
    }

    /// Counts a look-up that did not.
    pub fn miss(&self) {
        self.misses.inc();
    }
}
