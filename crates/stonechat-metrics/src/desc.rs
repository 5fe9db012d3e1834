//! What a family is: the part of a metric that does not change while the process lives.

use std::sync::Arc;
use std::time::Duration;

use crate::error::{Conflict, Difference, Place, Problem, RegisterError};
use crate::family::SERIES_MAX;

/// How the values of a family behave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts observations by size.
    Histogram,
}

impl Kind {
    /// The word of the exposition formats.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// What a histogram counts time in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum TimeUnit {
    /// The unit that Prometheus asks for.
    #[default]
    Seconds,
    /// Thousandths of it, for names that are already in dashboards.
    Milliseconds,
}

impl TimeUnit {
    /// The word that ends a name: `seconds` or `milliseconds`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Seconds => "seconds",
            Self::Milliseconds => "milliseconds",
        }
    }

    /// A second, in this unit.
    pub(crate) fn second(self) -> f64 {
        match self {
            Self::Seconds => 1.0,
            Self::Milliseconds => 1_000.0,
        }
    }

    /// What a name says: milliseconds if it ends so, and seconds otherwise.
    pub(crate) fn of_name(name: &str) -> Self {
        let ends = |suffix: &str| name.ends_with(suffix);
        if ends("_milliseconds") || ends(Self::Milliseconds.short()) {
            Self::Milliseconds
        } else {
            Self::Seconds
        }
    }

    /// The other endings of names in this unit that are in use.
    fn short(self) -> &'static str {
        match self {
            Self::Seconds => "_s",
            Self::Milliseconds => "_ms",
        }
    }
}

/// The description of one family, as it was registered.
#[derive(Debug, Clone)]
pub struct Desc {
    /// The full name; for a counter with `_total`.
    pub name: String,
    pub help: String,
    pub kind: Kind,
    /// `seconds`, `bytes` and so on; empty for none.
    pub unit: String,
    pub label_names: Vec<String>,
    /// Upper bounds without `+Inf`; empty unless a histogram.
    pub buckets: Arc<[f64]>,
    pub time_unit: TimeUnit,
    /// Whether a gauge shows nothing before it is set.
    pub absent_until_set: bool,
    /// Most buckets of the native histogram, if there is one beside the classic.
    pub native_buckets_max: Option<usize>,
    pub series_max: usize,
    /// How long the series of an ended session wait for a scrape.
    pub ended_wait_max: Duration,
    pub place: Place,
}

/// How long the series of an ended session wait for a scrape, unless the family says otherwise.
pub const ENDED_WAIT_MAX: Duration = Duration::from_secs(300);

impl Desc {
    /// A description that holds nothing but what every family has.
    pub fn new(name: String, help: &str, kind: Kind, place: Place) -> Self {
        Self {
            name,
            help: help.to_owned(),
            kind,
            unit: String::new(),
            label_names: Vec::new(),
            buckets: Arc::from([]),
            time_unit: TimeUnit::Seconds,
            absent_until_set: false,
            native_buckets_max: None,
            series_max: SERIES_MAX,
            ended_wait_max: ENDED_WAIT_MAX,
            place,
        }
    }
}

impl Desc {
    /// The name that OpenMetrics gives the family: a counter's without `_total`.
    pub fn family_name(&self) -> &str {
        match self.kind {
            Kind::Counter => self.name.strip_suffix("_total").unwrap_or(&self.name),
            Kind::Gauge | Kind::Histogram => &self.name,
        }
    }

    /// Every name that the family occupies in one of the exposition formats.
    pub fn sample_names(&self) -> Vec<String> {
        let name = &self.name;
        match self.kind {
            Kind::Counter => vec![self.family_name().to_owned(), name.clone()],
            Kind::Gauge => vec![name.clone()],
            Kind::Histogram => ["", "_bucket", "_sum", "_count"]
                .map(|suffix| format!("{name}{suffix}"))
                .to_vec(),
        }
    }

    /// Checks everything that can be known without other families.
    pub fn check(&self, constant_labels: &[(String, String)]) -> Result<(), RegisterError> {
        self.check_name()
            .and_then(|()| self.check_labels(constant_labels))
            .and_then(|()| self.check_buckets())
            .map_err(|problem| RegisterError::Invalid {
                name: self.name.clone(),
                place: self.place,
                problem,
            })
    }

    fn check_name(&self) -> Result<(), Problem> {
        if !is_name(&self.name) {
            return Err(Problem::MetricName);
        }
        if self.kind == Kind::Counter && !self.name.ends_with("_total") {
            return Err(Problem::CounterSuffix(format!("{}_total", self.name)));
        }
        let unit = &self.unit;
        if !unit.is_empty() && !self.family_name().ends_with(&format!("_{unit}")) {
            return Err(Problem::UnitSuffix { unit: unit.clone() });
        }
        self.check_time_unit()
    }

    /// A name that says milliseconds holds milliseconds, and the other way round.
    fn check_time_unit(&self) -> Result<(), Problem> {
        let other = match self.time_unit {
            TimeUnit::Seconds => TimeUnit::Milliseconds,
            TimeUnit::Milliseconds => TimeUnit::Seconds,
        };
        let ends = |suffix: &str| self.name.ends_with(suffix);
        let says_other = ends(&format!("_{}", other.as_str())) || ends(other.short());
        if self.kind == Kind::Histogram && says_other {
            return Err(Problem::TimeUnit(self.time_unit));
        }
        Ok(())
    }

    fn check_labels(&self, constant_labels: &[(String, String)]) -> Result<(), Problem> {
        for (position, name) in self.label_names.iter().enumerate() {
            check_label_name(name)?;
            if self.kind == Kind::Histogram && name == "le" {
                return Err(Problem::LabelReserved(name.clone()));
            }
            if self.label_names[..position].contains(name) {
                return Err(Problem::LabelTwice(name.clone()));
            }
            if constant_labels.iter().any(|(constant, _)| constant == name) {
                return Err(Problem::LabelConstant(name.clone()));
            }
        }
        Ok(())
    }

    fn check_buckets(&self) -> Result<(), Problem> {
        if self.kind != Kind::Histogram {
            return Ok(());
        }
        if self.buckets.is_empty() {
            return Err(Problem::BucketsMissing);
        }
        if let Some(index) = self.buckets.iter().position(|bound| !bound.is_finite()) {
            let bound = self.buckets[index];
            return Err(Problem::BucketNotFinite { index, bound });
        }
        match self.buckets.windows(2).position(|pair| pair[0] >= pair[1]) {
            Some(index) => Err(Problem::BucketNotRising {
                index: index + 1,
                before: self.buckets[index],
                bound: self.buckets[index + 1],
            }),
            None => Ok(()),
        }
    }

    /// Fails when `again`, which has the same name, is not the same family.
    pub fn check_same(&self, again: &Self) -> Result<(), RegisterError> {
        let mut differences = Vec::new();
        if self.kind != again.kind {
            differences.push(Difference::Type(self.kind.as_str(), again.kind.as_str()));
        }
        if self.help != again.help {
            differences.push(Difference::Help(self.help.clone(), again.help.clone()));
        }
        if self.label_names != again.label_names {
            let (first, second) = (self.label_names.clone(), again.label_names.clone());
            differences.push(Difference::Labels(first, second));
        }
        if self.unit != again.unit {
            differences.push(Difference::Unit(self.unit.clone(), again.unit.clone()));
        }
        if self.kind == again.kind && self.buckets != again.buckets {
            let (first, second) = (self.buckets.to_vec(), again.buckets.to_vec());
            differences.push(Difference::Buckets(first, second));
        }
        if self.time_unit != again.time_unit {
            differences.push(Difference::TimeUnit(self.time_unit, again.time_unit));
        }
        if self.absent_until_set != again.absent_until_set {
            let (first, second) = (self.absent_until_set, again.absent_until_set);
            differences.push(Difference::AbsentUntilSet(first, second));
        }
        if self.native_buckets_max != again.native_buckets_max {
            let (first, second) = (self.native_buckets_max, again.native_buckets_max);
            differences.push(Difference::Native(first, second));
        }
        if self.ended_wait_max != again.ended_wait_max {
            let (first, second) = (self.ended_wait_max, again.ended_wait_max);
            differences.push(Difference::EndedWaitMax(first, second));
        }
        if self.series_max != again.series_max {
            differences.push(Difference::SeriesMax(self.series_max, again.series_max));
        }
        if differences.is_empty() {
            return Ok(());
        }
        Err(self.conflict(again, differences))
    }

    /// The error for `again`, whose samples would be called `sample`, as some of this family's are.
    pub fn clash(&self, again: &Self, sample: &str) -> RegisterError {
        let difference = Difference::Sample {
            sample: sample.to_owned(),
            first_name: self.name.clone(),
            first_type: self.kind.as_str(),
            again_name: again.name.clone(),
            again_type: again.kind.as_str(),
        };
        self.conflict(again, vec![difference])
    }

    fn conflict(&self, again: &Self, differences: Vec<Difference>) -> RegisterError {
        RegisterError::Conflict(Box::new(Conflict {
            name: again.name.clone(),
            first: self.place,
            again: again.place,
            differences,
        }))
    }
}

/// Checks a label name by itself, wherever it is used.
pub fn check_label_name(name: &str) -> Result<(), Problem> {
    if !is_name(name) {
        return Err(Problem::LabelName(name.to_owned()));
    }
    if name.starts_with("__") {
        return Err(Problem::LabelReserved(name.to_owned()));
    }
    Ok(())
}

fn is_name(text: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    !text.is_empty() && !text.as_bytes()[0].is_ascii_digit() && text.bytes().all(word)
}
