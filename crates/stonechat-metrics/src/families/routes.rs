//! The series of each route, found in one look-up instead of one for each metric.

use std::fmt;
use std::hash::BuildHasher;
use std::sync::OnceLock;

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

struct Route {
    hash: u64,
    method: &'static str,
    path: Box<str>,
    /// Most routes answer with few statuses, so that most rows stay empty.
    rows: [OnceLock<Box<[OnceLock<StatusSeries>; ROW]>>; ROWS],
}

impl Route {
    fn is(&self, method: &str, path: &str) -> bool {
        self.method == method && *self.path == *path
    }

    fn series(
        &self,
        status: u16,
        look_up: impl FnOnce(&str) -> StatusSeries,
    ) -> Option<&StatusSeries> {
        let place = usize::from(status).checked_sub(FIRST)?;
        let row = self.rows.get(place / ROW)?;
        let row = row.get_or_init(|| Box::new([const { OnceLock::new() }; ROW]));
        Some(row[place % ROW].get_or_init(|| look_up(&status.to_string())))
    }
}

impl Routes {
    /// Uses the series of a request, which `look_up` finds the first time.
    pub fn with(
        &self,
        (method, path): (&'static str, &str),
        status: u16,
        look_up: impl Fn(&str) -> StatusSeries,
        action: impl FnOnce(&StatusSeries),
    ) {
        let hash = self.hasher.hash_one((method, path));
        let table = self.table.read();
        if let Some(route) = table.find(hash, |route| route.is(method, path))
            && let Some(series) = route.series(status, &look_up)
        {
            return action(series);
        }
        drop(table);
        self.insert(hash, method, path);
        action(&look_up(&status.to_string()));
    }

    #[cold]
    fn insert(&self, hash: u64, method: &'static str, path: &str) {
        let mut table = self.table.write();
        let known = table.find(hash, |route| route.is(method, path)).is_some();
        if known || table.len() >= SERIES_MAX {
            return;
        }
        let route = Route {
            hash,
            method,
            path: path.into(),
            rows: [const { OnceLock::new() }; ROWS],
        };
        table.insert_unique(hash, route, |route| route.hash);
    }
}

impl fmt::Debug for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Routes")
            .field("known", &self.table.read().len())
            .finish_non_exhaustive()
    }
}
