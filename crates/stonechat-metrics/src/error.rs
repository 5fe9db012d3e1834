//! Why a metric was not registered, told so that the reader can mend it without a debugger.

use std::fmt;
use std::panic::Location;
use std::time::Duration;

use crate::desc::TimeUnit;

/// A place in the source, as `file:line:column`.
pub type Place = &'static Location<'static>;

/// A metric was not registered, or a registry not built; what was there before is unchanged.
///
/// The debug form is the message itself, because that is what `fn main() -> Result<..>` prints.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// The description breaks a rule of the data model: change it where `place` points.
    #[error("metric `{name}` cannot be registered\n  at:    {place}\n  why:   {problem}")]
    Invalid {
        /// The full name, with the namespace.
        name: String,
        /// Where the registration was written.
        place: Place,
        /// The rule that was broken, and what would be right.
        problem: Problem,
    },
    /// A constant label of a registry breaks a rule of the data model: change it where `place`
    /// points.
    #[error("the registry cannot be built\n  at:    {place}\n  why:   {problem}")]
    ConstantLabel {
        /// Where the builder was made.
        place: Place,
        /// The rule that was broken, and what would be right.
        problem: Problem,
    },
    /// A registry cannot show itself, directly or by way of another one.
    #[error(
        "the registry cannot include this one\n  at:    {place}\n  why:   it would show itself"
    )]
    Circle {
        /// Where it was to be included.
        place: Place,
    },
    /// The name is taken by a different metric: make the two descriptions the same, or register
    /// in one place and pass the handles on.
    #[error(transparent)]
    Conflict(Box<Conflict>),
}

impl fmt::Debug for RegisterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Two registrations that cannot both be exposed.
#[derive(Debug, thiserror::Error)]
#[error(
    "metric `{name}` is already registered, and differently\n  \
     first: {first}\n  \
     again: {again}\n  \
     why:   {}\n  \
     to do: {}",
    join(.differences),
    advice(.differences)
)]
#[non_exhaustive]
pub struct Conflict {
    /// The full name of the second metric, with the namespace.
    pub name: String,
    /// Where the metric that holds the name was registered.
    pub first: Place,
    /// Where the registration that was refused is written.
    pub again: Place,
    /// Everything in which the second differs from the first.
    pub differences: Vec<Difference>,
}

/// One thing in which two registrations of a name differ; the first one's side comes first.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Difference {
    /// A counter in one place and a gauge in the other, for example.
    #[error("type differs: {0} vs {1}")]
    Type(&'static str, &'static str),
    /// The help texts are not the same.
    #[error("help text differs: {0:?} vs {1:?}")]
    Help(String, String),
    /// Other labels, or the same labels in another order: values are given by position.
    #[error("label names differ: {{{}}} vs {{{}}}", .0.join(","), .1.join(","))]
    Labels(Vec<String>, Vec<String>),
    /// The units are not the same; empty where there is none.
    #[error("unit differs: {0:?} vs {1:?}")]
    Unit(String, String),
    /// The bucket bounds of the two histograms are not the same.
    #[error("buckets differ: {0:?} vs {1:?}")]
    Buckets(Vec<f64>, Vec<f64>),
    /// The units in which durations are observed are not the same.
    #[error("durations are in different units: {} vs {}", .0.as_str(), .1.as_str())]
    TimeUnit(TimeUnit, TimeUnit),
    /// The native histograms are not the same: most buckets of each, if there is one.
    #[error("most native buckets differs: {0:?} vs {1:?}")]
    Native(Option<usize>, Option<usize>),
    /// One of the two gauges shows nothing before it is set, and the other zero.
    #[error("absent until set differs: {0} vs {1}")]
    AbsentUntilSet(bool, bool),
    /// The waiting times of the series of ended sessions are not the same.
    #[error("longest wait for a scrape differs: {0:?} vs {1:?}")]
    EndedWaitMax(Duration, Duration),
    /// The limits on the number of series are not the same.
    #[error("most series differs: {0} vs {1}")]
    SeriesMax(usize, usize),
    /// Two names that become one in an exposition, such as histogram `x` and gauge `x_count`.
    #[error(
        "both would expose `{sample}`: {first_type} `{first_name}` vs {again_type} `{again_name}`"
    )]
    Sample {
        /// The name that both would write.
        sample: String,
        /// The name of the first metric.
        first_name: String,
        /// The type of the first metric.
        first_type: &'static str,
        /// The name of the second metric.
        again_name: String,
        /// The type of the second metric.
        again_type: &'static str,
    },
}

/// A rule of the data model that a description breaks.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// Names are made of letters, digits and `_`, and do not begin with a digit.
    #[error(
        "the name may hold only letters, digits and `_`, and may not begin with a digit (`:` is for recording rules)"
    )]
    MetricName,
    /// Counters end in `_total`, in every exposition format.
    #[error("the name of a counter ends in `_total`: call it `{0}`")]
    CounterSuffix(String),
    /// Label names are made of letters, digits and `_`, and do not begin with a digit.
    #[error("label {0:?} may hold only letters, digits and `_`, and may not begin with a digit")]
    LabelName(String),
    /// The label has a meaning of its own in the data model.
    #[error("label `{0}` is reserved: choose another name")]
    LabelReserved(String),
    /// One label is listed twice.
    #[error("label `{0}` is listed twice")]
    LabelTwice(String),
    /// The registry sets the label on every series.
    #[error("label `{0}` is a constant label of the registry: choose another name")]
    LabelConstant(String),
    /// A metric with a unit carries it at the end of its name.
    #[error(
        "the unit is {unit:?}, so the name must end in `_{unit}`, or in `_{unit}_total` for a counter"
    )]
    UnitSuffix {
        /// The unit as it was given.
        unit: String,
    },
    /// The name says another unit than the one in which durations are observed.
    #[error("durations are observed in {}, and the name says otherwise: rename it, or change the unit", .0.as_str())]
    TimeUnit(TimeUnit),
    /// A ready family was given a label for something that it does not know.
    #[error("label `{label}` is to hold {part:?}, but this metric knows only {known:?}")]
    PartUnknown {
        /// The name of the label.
        label: String,
        /// What it was to hold.
        part: String,
        /// What there is.
        known: &'static [&'static str],
    },
    /// A metric of a ready family was given something that it has no use for: leave it out.
    #[error("`{option}` is for {wanted}, which this {kind} is not: leave it out")]
    OptionUnused {
        /// The function of `Named` that gave it.
        option: &'static str,
        /// What has a use for it.
        wanted: &'static str,
        /// The type of the metric.
        kind: &'static str,
    },
    /// A ready family was given two names for one of its metrics: only one of them could be shown.
    #[error(
        "the ready family has this metric under the name `{first}` already: keep one of the two"
    )]
    MetricTwice {
        /// The full name that was given first.
        first: String,
    },
    /// A ready family may have this many labels at most.
    #[error("it has {count} labels, and may have {max}")]
    LabelsTooMany {
        /// Number of labels that were given.
        count: usize,
        /// Number of labels that are possible.
        max: usize,
    },
    /// A histogram without buckets shows nothing but a sum and a count.
    #[error("the histogram has no buckets: give at least one bound")]
    BucketsMissing,
    /// A bound is NaN or infinite; the bucket `+Inf` is added without being asked for.
    #[error("bucket {index} is {bound}: bounds are finite numbers (`+Inf` is added by itself)")]
    BucketNotFinite {
        /// Position in the list, from 0.
        index: usize,
        /// The bound as it was given.
        bound: f64,
    },
    /// Bounds rise from each to the next.
    #[error("bucket {index} does not rise: {bound} comes after {before}")]
    BucketNotRising {
        /// Position in the list, from 0.
        index: usize,
        /// The bound before it.
        before: f64,
        /// The bound that is not greater.
        bound: f64,
    },
}

fn join(differences: &[Difference]) -> String {
    let texts: Vec<String> = differences.iter().map(ToString::to_string).collect();
    texts.join("; ")
}

fn advice(differences: &[Difference]) -> &'static str {
    let renaming = |difference: &Difference| {
        matches!(difference, Difference::Type(..) | Difference::Sample { .. })
    };
    if differences.iter().any(renaming) {
        "rename one of the two, or register it in one place and clone the handle"
    } else {
        "make the two descriptions the same, or register it in one place and clone the handle"
    }
}
