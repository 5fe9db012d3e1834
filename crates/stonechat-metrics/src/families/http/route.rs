use std::cell::RefCell;
use std::sync::{Arc, OnceLock};

use super::Families;
use crate::family::{LABEL_VALUE_BYTES_MAX, Labelled, Recent, Wanted, same};
use crate::metric::{Counter, Histogram};

/// What requests of one method under one route count into. Each thread looks it up once, and keeps it with its other
/// recent ones.
#[derive(Debug)]
pub struct Route {
    families: Arc<Families>,
    method: &'static str,
    path: Box<str>,
    /// How many series the families had lost when the route was looked up.
    removals: u64,
    answers: [OnceLock<Answer>; ANSWERS],
}

/// Most routes answer with fewer statuses; the series of others are looked up for each request.
const ANSWERS: usize = 6;

/// The series of one status.
#[derive(Debug)]
struct Answer {
    status: u16,
    requests: Option<Counter>,
    duration: Option<Histogram>,
}

impl Route {
    #[inline]
    pub fn find(families: &Arc<Families>, method: &'static str, path: &str) -> Arc<Self> {
        thread_local! {
            static RECENT: RefCell<Recent<Route>> = const { RefCell::new(Recent::new()) };
        }
        let wanted = Wanted {
            // A route keeps its families, so that there are no others at this address.
            family: Arc::as_ptr(families) as u64,
            removals: families.removals(),
            values: &[method, path],
        };
        // A thread that is about to end has no places left.
        let found = RECENT.try_with(|recent| recent.try_borrow().ok()?.find(wanted).cloned());
        if let Ok(Some(route)) = found {
            return route;
        }
        let route = Arc::new(Self {
            families: Arc::clone(families),
            method,
            path: path.into(),
            removals: wanted.removals,
            answers: Default::default(),
        });
        // What is longer goes to the series `other`, and would only take memory here.
        if path.len() <= LABEL_VALUE_BYTES_MAX {
            let _ = RECENT.try_with(|recent| {
                if let Ok(mut recent) = recent.try_borrow_mut() {
                    recent.keep(wanted, Arc::clone(&route));
                }
            });
        }
        route
    }

    pub fn families(&self) -> &Families {
        &self.families
    }

    /// Does something with the parts that labels can hold.
    pub fn with_parts<A>(&self, status: u16, action: impl FnOnce(&[&str]) -> A) -> A {
        let mut digits = itoa::Buffer::new();
        action(&[self.method, &self.path, digits.format(status)])
    }

    /// Counts an answer and observes its time.
    #[inline]
    pub fn count(&self, status: u16, seconds: f64) {
        // A series that was removed since is created again by looking it up.
        if self.removals != self.families.removals() {
            return self.look_up(status).count(seconds);
        }
        for place in &self.answers {
            match place.get() {
                Some(answer) if answer.status == status => return answer.count(seconds),
                Some(_) => {}
                None => {
                    let answer = self.look_up(status);
                    answer.count(seconds);
                    // Another thread may have been faster: then it is looked up next time too.
                    let _ = place.set(answer);
                    return;
                }
            }
        }
        self.look_up(status).count(seconds);
    }

    #[inline(never)]
    fn look_up(&self, status: u16) -> Answer {
        self.with_parts(status, |parts| Answer {
            status,
            requests: self.families.requests.get(parts),
            duration: self.families.duration.get(parts),
        })
    }
}

impl Answer {
    #[inline]
    fn count(&self, seconds: f64) {
        if let Some(duration) = &self.duration {
            duration.observe_seconds(seconds);
        }
        if let Some(requests) = &self.requests {
            requests.inc();
        }
    }
}

impl Labelled for Route {
    #[inline]
    fn is(&self, values: &[&str]) -> bool {
        let [method, path] = values else { return false };
        same(self.method.as_bytes(), method.as_bytes())
            && same(self.path.as_bytes(), path.as_bytes())
    }
}
