//! Metrics that are read at the moment of a scrape instead of being kept up to date.

mod own;
mod process;
#[cfg(feature = "tokio-runtime")]
mod runtime;

use std::sync::Arc;

pub use own::OwnMetrics;
pub use process::{ProcessReading, read as read_process};

use crate::desc::{Desc, Kind};
use crate::error::Place;
use crate::family::{LabelValues, View, Visitor};
use crate::metric::Reading;

/// A source of families that are read when a scrape asks.
pub trait Collect: Send + Sync {
    /// The families, so that nobody else can take their names.
    fn describe(&self) -> Vec<Arc<Desc>>;

    /// Adds the families with their values now. What cannot be read is left out.
    fn collect(&self, out: &mut Vec<Collected>);
}

/// A family as it was read for one scrape.
pub struct Collected {
    desc: Arc<Desc>,
    series: Vec<(LabelValues, f64)>,
}

impl Collected {
    pub fn desc(&self) -> &Arc<Desc> {
        &self.desc
    }

    pub fn visit(&self, visitor: &mut Visitor<'_>) {
        for (values, value) in &self.series {
            visitor(View {
                values,
                reading: Reading::Number(*value),
            });
        }
    }
}

/// The collectors that a registry has unless it is told otherwise.
pub fn standard(place: Place, process: bool, runtime: bool) -> Vec<Arc<dyn Collect>> {
    let mut collectors: Vec<Arc<dyn Collect>> = Vec::new();
    if process {
        collectors.push(Arc::new(process::ProcessMetrics::new(place)));
    }
    if runtime {
        #[cfg(feature = "tokio-runtime")]
        collectors.push(Arc::new(runtime::RuntimeMetrics::new(place)));
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
        let mut desc = Desc::new(self.name.to_owned(), self.help, self.kind, place);
        self.unit.clone_into(&mut desc.unit);
        desc.label_names = self.label.iter().map(|label| (*label).to_owned()).collect();
        Arc::new(desc)
    }
}

/// The only series of a family without labels.
fn single(desc: &Arc<Desc>, value: f64) -> Collected {
    Collected {
        desc: Arc::clone(desc),
        series: vec![(LabelValues::new(&[], &[]), value)],
    }
}

/// The series of a family with one label, in the order in which they are given.
fn labelled(desc: &Arc<Desc>, values: impl IntoIterator<Item = (String, f64)>) -> Collected {
    let one =
        |(label, value): (String, f64)| (LabelValues::new(&desc.label_names, &[&label]), value);
    Collected {
        desc: Arc::clone(desc),
        series: values.into_iter().map(one).collect(),
    }
}
