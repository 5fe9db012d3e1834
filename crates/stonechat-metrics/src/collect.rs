//! Metrics that are read at the moment of a scrape instead of being kept up to date.

mod own;
mod process;
#[cfg(feature = "tokio-runtime")]
mod runtime;

use std::sync::Arc;

pub use own::OwnMetrics;

use crate::desc::{Desc, Kind};
use crate::error::Place;
use crate::metric::Reading;
use crate::registry::Snapshot;

/// A source of families that are read when a scrape asks.
pub trait Collect: Send + Sync {
    /// The families, so that nobody else can take their names.
    fn describe(&self) -> Vec<Arc<Desc>>;

    /// Adds the families with their values now. What cannot be read is left out.
    fn collect(&self, out: &mut Vec<Snapshot>);
}

/// The collectors that a registry has unless it is told otherwise.
pub fn standard(place: Place, process: bool, runtime: bool) -> Vec<Box<dyn Collect>> {
    let mut collectors: Vec<Box<dyn Collect>> = Vec::new();
    if process {
        collectors.push(Box::new(process::ProcessMetrics::new(place)));
    }
    if runtime {
        #[cfg(feature = "tokio-runtime")]
        collectors.push(Box::new(runtime::RuntimeMetrics::new(place)));
    }
    collectors
}

/// A family as a collector lists it.
struct Row {
    name: &'static str,
    help: &'static str,
    kind: Kind,
    unit: &'static str,
    label: Option<&'static str>,
}

impl Row {
    fn desc(&self, place: Place) -> Arc<Desc> {
        Arc::new(Desc {
            name: self.name.to_owned(),
            help: self.help.to_owned(),
            kind: self.kind,
            unit: self.unit.to_owned(),
            label_names: self.label.iter().map(|label| (*label).to_owned()).collect(),
            buckets: Arc::from([]),
            series_max: usize::MAX,
            place,
        })
    }
}

/// The only series of a family without labels.
fn single(desc: &Arc<Desc>, value: f64) -> Snapshot {
    let series = vec![(Arc::from([]), Reading::Number(value))];
    Snapshot {
        desc: Arc::clone(desc),
        series,
    }
}

/// The series of a family with one label, in the order in which they are given.
fn labelled(desc: &Arc<Desc>, values: impl IntoIterator<Item = (String, f64)>) -> Snapshot {
    let one = |(label, value): (String, f64)| {
        (Arc::from([label.into_boxed_str()]), Reading::Number(value))
    };
    Snapshot {
        desc: Arc::clone(desc),
        series: values.into_iter().map(one).collect(),
    }
}
