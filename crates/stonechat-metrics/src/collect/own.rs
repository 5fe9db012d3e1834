//! The registry's metrics about itself: which of its limits were reached, and by which family.

use std::sync::Arc;

use super::{Collected, Row, labelled, single};
use crate::desc::{Desc, Kind};
use crate::error::Place;
use crate::family::AnyFamily;

const LIMITED: Row = Row {
    name: "stonechat_series_limited_total",
    help: "Values that went to the series `other`, because the family is full or a label value too long.",
    kind: Kind::Counter,
    unit: "",
    label: Some("family"),
};

const IGNORED: Row = Row {
    name: "stonechat_values_ignored_total",
    help: "Values that could not be recorded: NaN, infinite, too large for the sum, or a counter going down.",
    kind: Kind::Counter,
    unit: "",
    label: Some("family"),
};

const UNSEEN: Row = Row {
    name: "stonechat_session_series_unseen_total",
    help: "Series of ended sessions that no scrape has seen to their end.",
    kind: Kind::Counter,
    unit: "",
    label: Some("family"),
};

const HIDDEN: Row = Row {
    name: "stonechat_families_hidden",
    help: "Families of included registries whose name belongs to another family.",
    kind: Kind::Gauge,
    unit: "",
    label: None,
};

pub struct OwnMetrics {
    limited: Arc<Desc>,
    ignored: Arc<Desc>,
    unseen: Arc<Desc>,
    hidden: Arc<Desc>,
    /// Whether a family that can reach its limit is shown before it does, with zero.
    zeros: bool,
}

impl OwnMetrics {
    pub fn from_start(place: Place) -> Self {
        Self {
            limited: LIMITED.desc(place),
            ignored: IGNORED.desc(place),
            unseen: UNSEEN.desc(place),
            hidden: HIDDEN.desc(place),
            zeros: true,
        }
    }

    pub fn once_reached(place: Place) -> Self {
        Self {
            zeros: false,
            ..Self::from_start(place)
        }
    }

    pub fn describe(&self) -> [Arc<Desc>; 4] {
        [&self.limited, &self.ignored, &self.unseen, &self.hidden].map(Arc::clone)
    }

    /// Adds what there is to say about `families`, and about `hidden` ones.
    pub fn collect(&self, families: &[&Arc<dyn AnyFamily>], hidden: u64, out: &mut Vec<Collected>) {
        let zeros = |family: &dyn AnyFamily| self.zeros && !family.desc().label_names.is_empty();
        let each = |count: fn(&dyn AnyFamily) -> u64, zeros: &dyn Fn(&dyn AnyFamily) -> bool| {
            let mut counts: Vec<(String, f64)> = families
                .iter()
                .filter(|family| count(family.as_ref()) > 0 || zeros(family.as_ref()))
                .map(|family| (family.desc().name.clone(), count(family.as_ref()) as f64))
                .collect();
            counts.sort_by(|left, right| left.0.cmp(&right.0));
            counts
        };
        out.push(labelled(
            &self.limited,
            each(|family| family.limited(), &zeros),
        ));
        out.push(labelled(
            &self.ignored,
            each(|family| family.ignored(), &|_| false),
        ));
        out.push(labelled(
            &self.unseen,
            each(|family| family.unseen(), &|_| false),
        ));
        if hidden > 0 {
            out.push(single(&self.hidden, hidden as f64));
        }
    }
}
