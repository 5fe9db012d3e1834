//! The registry's metrics about itself: which of its limits were reached, and by which family.

use std::sync::Arc;

use super::{Row, labelled};
use crate::desc::{Desc, Kind};
use crate::error::Place;
use crate::family::AnyFamily;
use crate::registry::Snapshot;

const LIMITED: Row = Row {
    name: "stonechat_series_limited_total",
    help: "Look-ups that went to the series `other`, because the family is full or a label value too long.",
    kind: Kind::Counter,
    unit: "",
    label: Some("family"),
};

const IGNORED: Row = Row {
    name: "stonechat_values_ignored_total",
    help: "Values that could not be recorded: NaN, infinite, or a counter going down.",
    kind: Kind::Counter,
    unit: "",
    label: Some("family"),
};

pub struct OwnMetrics {
    limited: Arc<Desc>,
    ignored: Arc<Desc>,
    /// Whether a family that can reach its limit is shown before it does, with zero.
    zeros: bool,
}

impl OwnMetrics {
    pub fn from_start(place: Place) -> Self {
        Self {
            limited: LIMITED.desc(place),
            ignored: IGNORED.desc(place),
            zeros: true,
        }
    }

    pub fn once_reached(place: Place) -> Self {
        Self {
            zeros: false,
            ..Self::from_start(place)
        }
    }

    pub fn describe(&self) -> [Arc<Desc>; 2] {
        [Arc::clone(&self.limited), Arc::clone(&self.ignored)]
    }

    /// Adds the two families for `families`, which are sorted by name.
    pub fn collect(&self, families: &[Arc<dyn AnyFamily>], out: &mut Vec<Snapshot>) {
        let name = |family: &Arc<dyn AnyFamily>| family.desc().name.clone();
        let limited = families.iter().filter(|family| {
            family.limited() > 0 || (self.zeros && !family.desc().label_names.is_empty())
        });
        let ignored = families.iter().filter(|family| family.ignored() > 0);
        let limited = limited.map(|family| (name(family), family.limited() as f64));
        let ignored = ignored.map(|family| (name(family), family.ignored() as f64));
        out.push(labelled(&self.limited, limited));
        out.push(labelled(&self.ignored, ignored));
    }
}
