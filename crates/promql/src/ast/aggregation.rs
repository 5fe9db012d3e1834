//! Aggregations over series.

use super::Expr;

/// `topk by (job) (5, x)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Aggregation {
    /// Which one.
    pub op: AggregateOp,
    /// What is aggregated.
    pub expr: Box<Expr>,
    /// The parameter of those that have one.
    pub param: Option<Box<Expr>>,
    /// Which labels form the groups.
    pub grouping: Grouping,
}

/// Which labels form the groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grouping {
    /// These. No labels make one group of all.
    By(Vec<String>),
    /// All but these.
    Without(Vec<String>),
}

impl Default for Grouping {
    fn default() -> Self {
        Self::By(Vec::new())
    }
}

/// The aggregations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are those of the language")]
pub enum AggregateOp {
    Avg,
    Bottomk,
    Count,
    CountValues,
    Group,
    LimitRatio,
    Limitk,
    Max,
    Min,
    Quantile,
    Stddev,
    Stdvar,
    Sum,
    Topk,
}

impl AggregateOp {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Avg,
        Self::Bottomk,
        Self::Count,
        Self::CountValues,
        Self::Group,
        Self::LimitRatio,
        Self::Limitk,
        Self::Max,
        Self::Min,
        Self::Quantile,
        Self::Stddev,
        Self::Stdvar,
        Self::Sum,
        Self::Topk,
    ];

    /// The word in a query.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Avg => "avg",
            Self::Bottomk => "bottomk",
            Self::Count => "count",
            Self::CountValues => "count_values",
            Self::Group => "group",
            Self::LimitRatio => "limit_ratio",
            Self::Limitk => "limitk",
            Self::Max => "max",
            Self::Min => "min",
            Self::Quantile => "quantile",
            Self::Stddev => "stddev",
            Self::Stdvar => "stdvar",
            Self::Sum => "sum",
            Self::Topk => "topk",
        }
    }

    /// True for those with a parameter before the expression.
    #[must_use]
    pub const fn has_param(self) -> bool {
        matches!(
            self,
            Self::Bottomk
                | Self::CountValues
                | Self::LimitRatio
                | Self::Limitk
                | Self::Quantile
                | Self::Topk
        )
    }

    /// True for those that give some of the series they are given, with all their labels.
    #[must_use]
    pub const fn picks_series(self) -> bool {
        matches!(
            self,
            Self::Bottomk | Self::LimitRatio | Self::Limitk | Self::Topk
        )
    }
}
