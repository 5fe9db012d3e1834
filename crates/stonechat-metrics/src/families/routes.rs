//! The series of each route, found in one look-up instead of one for each metric.

use std::fmt;
use std::hash::BuildHasher;
use std::sync::{Arc, OnceLock};

use hashbrown::{DefaultHashBuilder, HashTable};
use parking_lot::RwLock;

use super::http::StatusSeries;
use crate::family::SERIES_MAX;

/// Statuses from 100 to 599, in rows of 50.
const ROWS: usize = 10;
const ROW: usize = 50;
const FIRST: usize = 100;

/// What was looked up before, for up to [`SERIES_MAX`] routes; the families have limits of their
/// own, and take what is not kept here.
#[derive(Default)]
pub struct Routes {
    hasher: DefaultHashBuilder,
    table: RwLock<HashTable<Route>>,
}

/// Where the series of one status are, once there are any.
type Place = OnceLock<Arc<StatusSeries>>;

struct Route {
    hash: u64,
    method: &'static str,
    path: Box<str>,
    /// Most routes answer with few statuses, so that most rows stay empty.
    rows: [OnceLock<Box<[Place; ROW]>>; ROWS],
}

impl Route {
    fn is(&self, method: &str, path: &str) -> bool {
        self.method == method && *self.path == *path
    }

    fn place(&self, status: u16) -> Option<&Place> {
        let place = usize::from(status).checked_sub(FIRST)?;
        let row = self.rows.get(place / ROW)?;
        let row = row.get_or_init(|| Box::new([const { OnceLock::new() }; ROW]));
        Some(&row[place % ROW])
    }
}

impl Routes {
    /// The series of a request, which `look_up` finds the first time.
    ///
    /// What is done with them, and finding them, may run code of the program: a source of traces, or
    /// a subscriber of the log. So neither happens under the lock, which such code may need too.
    pub fn series(
        &self,
        (method, path): (&'static str, &str),
        status: u16,
        look_up: impl FnOnce(&str) -> StatusSeries,
    ) -> Arc<StatusSeries> {
        let hash = self.hasher.hash_one((method, path));
        let find = || {
            let table = self.table.read();
            let route = table.find(hash, |route| route.is(method, path))?;
            route.place(status)?.get().cloned()
        };
        find().unwrap_or_else(|| {
            let series = Arc::new(look_up(&status.to_string()));
            self.insert(hash, (method, path), status, &series);
            series
        })
    }

    #[cold]
    fn insert(
        &self,
        hash: u64,
        (method, path): (&'static str, &str),
        status: u16,
        series: &Arc<StatusSeries>,
    ) {
        let mut table = self.table.write();
        let known = table.find(hash, |route| route.is(method, path)).is_some();
        if !known && table.len() < SERIES_MAX {
            let route = Route {
                hash,
                method,
                path: path.into(),
                rows: [const { OnceLock::new() }; ROWS],
            };
            table.insert_unique(hash, route, |route| route.hash);
        }
        let route = table.find(hash, |route| route.is(method, path));
        if let Some(place) = route.and_then(|route| route.place(status)) {
            // Another thread may have been first, with the same series.
            let _ = place.set(Arc::clone(series));
        }
    }
}

impl fmt::Debug for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Routes")
            .field("known", &self.table.read().len())
            .finish_non_exhaustive()
    }
}
