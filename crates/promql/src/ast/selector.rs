//! Selectors and what moves them in time.

use stonechat_model::{METRIC_NAME, Matcher, Timestamp};

use super::{Expr, Length};

/// `up{job="gateway"} offset 5m @ end()`: the latest sample of each matching series.
#[derive(Debug, Clone, Default)]
pub struct VectorSelector {
    /// The metric's name, when it was written as a name and not as a condition on `__name__`.
    pub name: Option<String>,
    /// The conditions within the braces.
    pub matchers: Vec<Matcher>,
    /// How far to look back in time; negative looks ahead.
    pub offset: Length,
    /// A fixed moment instead of the time of evaluation.
    pub at: Option<At>,
    /// `anchored` or `smoothed`.
    pub extension: Option<Extension>,
}

/// In which order conditions are written makes no difference to what they mean.
impl PartialEq for VectorSelector {
    fn eq(&self, other: &Self) -> bool {
        let sorted = |selector: &Self| {
            let mut matchers: Vec<String> =
                selector.matchers.iter().map(ToString::to_string).collect();
            matchers.sort_unstable();
            matchers
        };
        (&self.name, &self.offset, self.at, self.extension)
            == (&other.name, &other.offset, other.at, other.extension)
            && self.matchers.len() == other.matchers.len()
            && sorted(self) == sorted(other)
    }
}

impl VectorSelector {
    /// Every condition, the one on the name included.
    #[must_use]
    pub fn all_matchers(&self) -> Vec<Matcher> {
        let name = self
            .name
            .iter()
            .map(|name| Matcher::equal(METRIC_NAME, name));
        name.chain(self.matchers.iter().cloned()).collect()
    }
}

/// `up{job="gateway"}[5m]`: the samples of a window of time.
#[derive(Debug, Clone, PartialEq)]
pub struct MatrixSelector {
    /// Which series; the shift in time stands here too.
    pub selector: VectorSelector,
    /// Length of the window.
    pub range: Length,
}

/// `rate(x[5m])[1h:1m]`: an instant query evaluated at every step of a window.
#[derive(Debug, Clone, PartialEq)]
pub struct Subquery {
    /// What is evaluated.
    pub expr: Box<Expr>,
    /// Length of the window.
    pub range: Length,
    /// Distance of the steps; the engine's default when left out.
    pub step: Option<Length>,
    /// How far to look back in time; negative looks ahead.
    pub offset: Length,
    /// A fixed moment instead of the time of evaluation.
    pub at: Option<At>,
}

/// The moment behind `@`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// `@ 1609746000`.
    Time(Timestamp),
    /// `@ start()`: the first step of the query.
    Start,
    /// `@ end()`: the last step of the query.
    End,
}

/// How samples at the edges of a window are treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extension {
    /// The last sample before the window counts as standing at its left edge.
    Anchored,
    /// Values at both edges are interpolated.
    Smoothed,
}

impl Extension {
    /// The word in a query.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Anchored => "anchored",
            Self::Smoothed => "smoothed",
        }
    }
}
