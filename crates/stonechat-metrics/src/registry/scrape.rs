use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use super::{Registry, Shared};
use crate::collect::Collected;
use crate::desc::Desc;
use crate::family::{AnyFamily, Look, Visitor};

/// For whom the metrics are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// Something that keeps what it reads: series of ended sessions have been seen then.
    Scraper,
    /// Somebody who looks, and changes nothing by it.
    Person,
}

/// Everything that one scrape shows.
pub struct Scrape {
    /// Sorted by name; some may turn out to have no series.
    pub families: Vec<Shown>,
    /// Scrapes that are to see the end of a session; none for a person.
    scrapers: Option<u64>,
    /// Whether native histograms are shown.
    native: bool,
    now: Instant,
}

/// A family, and the registry that it is in.
pub struct Shown {
    pub owner: Arc<Shared>,
    pub source: Source,
}

/// Where the series of a family come from.
pub enum Source {
    Family(Arc<dyn AnyFamily>),
    Collected(Collected),
}

impl Source {
    pub fn desc(&self) -> &Arc<Desc> {
        match self {
            Self::Family(family) => family.desc(),
            Self::Collected(collected) => collected.desc(),
        }
    }
}

impl Scrape {
    /// The same with native histograms.
    #[cfg(feature = "protobuf")]
    pub fn with_native(mut self) -> Self {
        self.native = true;
        self
    }

    /// Shows the series of one family.
    pub fn visit(&self, shown: &Shown, visitor: &mut Visitor<'_>) {
        match &shown.source {
            Source::Family(family) => {
                // An included registry may be scraped by more than this one, and the other way round.
                let scrapers = self.scrapers.map(|own| own.max(shown.owner.scrapers));
                let look = Look {
                    now: self.now,
                    scrapers,
                    native: self.native,
                };
                family.visit(look, visitor);
            }
            Source::Collected(collected) => collected.visit(visitor),
        }
    }
}

impl Registry {
    /// Starts a scrape: refreshes what wants to be, and finds out which families there are.
    pub(crate) fn scrape(&self, reader: Reader) -> Scrape {
        let mut gathering = Gathering::default();
        gathering.add(self, true);
        let mut families = gathering.shown;
        let counted: Vec<&Arc<dyn AnyFamily>> = families
            .iter()
            .filter_map(|shown| match &shown.source {
                Source::Family(family) => Some(family),
                Source::Collected(_) => None,
            })
            .collect();
        let mut own = Vec::new();
        self.shared
            .own
            .collect(&counted, gathering.hidden, &mut own);
        families.extend(own.into_iter().map(|collected| Shown {
            owner: Arc::clone(&self.shared),
            source: Source::Collected(collected),
        }));
        families.sort_by(|left, right| left.source.desc().name.cmp(&right.source.desc().name));
        Scrape {
            families,
            scrapers: (reader == Reader::Scraper).then_some(self.shared.scrapers),
            native: false,
            now: Instant::now(),
        }
    }
}

#[derive(Default)]
struct Gathering {
    shown: Vec<Shown>,
    /// The names of all that is shown, once a second registry is there.
    taken: BTreeSet<String>,
    seen: Vec<Arc<Shared>>,
    hidden: u64,
}

impl Gathering {
    fn add(&mut self, registry: &Registry, outermost: bool) {
        let shared = &registry.shared;
        // Two ways may lead to the same registry.
        if self.seen.iter().any(|seen| Arc::ptr_eq(seen, shared)) {
            return;
        }
        self.seen.push(Arc::clone(shared));
        registry.refresh();
        // The lock is not held while anything is read: a scrape does not delay a registration.
        let (families, collectors, included) = {
            let names = shared.names.lock();
            let families: Vec<_> = names.families.values().cloned().collect();
            (families, names.collectors.clone(), names.included.clone())
        };
        if outermost && !included.is_empty() {
            self.taken
                .extend(shared.names.lock().samples.keys().cloned());
        }
        for family in families {
            if outermost || self.take(family.desc()) {
                self.show(shared, Source::Family(family));
            } else {
                self.hidden += 1;
            }
        }
        let mut collected = Vec::new();
        for collector in collectors {
            collector.collect(&mut collected);
        }
        for collected in collected {
            // The process is the same one for both registries, so it is not counted as hidden.
            if outermost || self.take(collected.desc()) {
                self.show(shared, Source::Collected(collected));
            }
        }
        for inner in included {
            self.add(&inner, false);
        }
    }

    fn show(&mut self, owner: &Arc<Shared>, source: Source) {
        self.shown.push(Shown {
            owner: Arc::clone(owner),
            source,
        });
    }

    /// Takes the names of a family, unless one of them is taken.
    fn take(&mut self, desc: &Desc) -> bool {
        let samples = desc.sample_names();
        if samples.iter().any(|sample| self.taken.contains(sample)) {
            return false;
        }
        self.taken.extend(samples);
        true
    }
}
