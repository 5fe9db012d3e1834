use std::sync::Arc;

use crate::plan::{Place, Query, Source};

/// True when a query asks the same of the same, and makes the same of it. Where it is written does not matter: a line that was added above it
/// changes nothing.
pub(super) fn same_query(running: &Query, wanted: &Query) -> bool {
    let placeless = |query: &Query| {
        let mut query = query.clone();
        query.place = Place::default();
        query.source = Arc::new(placeless_source(&query.source));
        query
    };
    placeless(running) == placeless(wanted)
}

/// True when a source is reached in the same way.
pub(super) fn same_source(running: &Source, wanted: &Source) -> bool {
    placeless_source(running) == placeless_source(wanted)
}

fn placeless_source(source: &Source) -> Source {
    Source {
        place: Place::default(),
        ..source.clone()
    }
}
