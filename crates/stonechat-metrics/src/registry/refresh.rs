use std::any::Any;
use std::sync::Arc;

use super::Registry;

/// Something that is done before each scrape.
pub trait Refresh: Any + Send + Sync {
    /// Does it, and returns whether it is wanted next time too.
    fn refresh(&self) -> bool;
}

/// A family that is set before each scrape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refreshed {
    /// The full name.
    pub name: String,
    /// What its labels hold, by which two users of one family differ.
    pub labels: String,
}

/// What is done before each scrape, and for whom.
pub(super) struct Refresher {
    /// What it sets; once all these families are gone, so is this. Nothing for what the program asked
    /// for: nobody knows what that sets.
    families: Vec<Refreshed>,
    pub refresh: Arc<dyn Refresh>,
}

impl Refresher {
    /// Takes away a family that was unregistered, and returns whether any is left.
    pub fn outlives(&mut self, family: &str) -> bool {
        let free = self.families.is_empty();
        self.families.retain(|own| own.name != family);
        free || !self.families.is_empty()
    }
}

/// A function of the program.
struct Call<F>(F);

impl<F: Fn() -> bool + Send + Sync + 'static> Refresh for Call<F> {
    fn refresh(&self) -> bool {
        (self.0)()
    }
}

impl Registry {
    /// Calls a function before each scrape, for gauges that are cheaper to ask for than to keep up
    /// to date. It is to be quick, as the scraper waits for it.
    ///
    /// The registry keeps the function, and what it holds, for as long as it lives; see
    /// [`on_scrape_while`](Self::on_scrape_while) for one that comes to an end.
    ///
    /// ```
    /// # fn main() -> Result<(), stonechat_metrics::RegisterError> {
    /// let registry = stonechat_metrics::Registry::bare();
    /// let (sender, _receiver) = std::sync::mpsc::sync_channel::<u8>(4);
    /// let waiting = registry.gauge("jobs_waiting", "Jobs that wait.").register()?;
    /// registry.on_scrape(move || waiting.set(3.0));
    /// # drop(sender);
    /// # Ok(())
    /// # }
    /// ```
    pub fn on_scrape(&self, refresh: impl Fn() + Send + Sync + 'static) {
        self.on_scrape_while(move || {
            refresh();
            true
        });
    }

    /// Calls a function before each scrape until it returns `false`, which lets go of it.
    ///
    /// ```
    /// # fn main() -> Result<(), stonechat_metrics::RegisterError> {
    /// # use std::sync::{Arc, Mutex};
    /// let registry = stonechat_metrics::Registry::bare();
    /// let waiting = registry.gauge("jobs_waiting", "Jobs that wait.").register()?;
    /// let jobs = Arc::new(Mutex::new(vec!["mail"]));
    /// let seen = Arc::downgrade(&jobs);
    /// registry.on_scrape_while(move || match seen.upgrade() {
    ///     Some(jobs) => {
    ///         waiting.set(jobs.lock().map_or(f64::NAN, |jobs| jobs.len() as f64));
    ///         true
    ///     }
    ///     None => false,
    /// });
    /// # Ok(())
    /// # }
    /// ```
    pub fn on_scrape_while(&self, refresh: impl Fn() -> bool + Send + Sync + 'static) {
        self.shared.names.lock().refreshers.push(Refresher {
            families: Vec::new(),
            refresh: Arc::new(Call(refresh)),
        });
    }

    /// What sets these families before each scrape: there is one for the same families with the same
    /// labels, however often they are registered. It goes when the last of them is unregistered.
    pub(crate) fn refresher<R: Refresh>(
        &self,
        families: Vec<Refreshed>,
        refresh: impl FnOnce() -> R,
    ) -> Arc<R> {
        let mut names = self.shared.names.lock();
        for known in &names.refreshers {
            let any: Arc<dyn Any + Send + Sync> = known.refresh.clone();
            if known.families == families
                && let Ok(known) = any.downcast()
            {
                return known;
            }
        }
        let refresh = Arc::new(refresh());
        names.refreshers.push(Refresher {
            families,
            refresh: refresh.clone(),
        });
        refresh
    }

    /// Does what is to be done before a scrape. No lock is held meanwhile: a scrape does not delay a
    /// registration, and may cause one.
    pub(super) fn refresh(&self) {
        let mut over: Vec<Arc<dyn Refresh>> = {
            let names = self.shared.names.lock();
            let known = names.refreshers.iter();
            known.map(|known| Arc::clone(&known.refresh)).collect()
        };
        over.retain(|refresh| !refresh.refresh());
        if over.is_empty() {
            return;
        }
        let is_over = |known: &mut Refresher| {
            let mut over = over.iter();
            over.any(|over| Arc::ptr_eq(over, &known.refresh))
        };
        let mut names = self.shared.names.lock();
        let gone: Vec<Refresher> = names.refreshers.extract_if(.., is_over).collect();
        drop(names);
        // What they hold is let go of when nothing is locked any more.
        drop(gone);
    }
}
