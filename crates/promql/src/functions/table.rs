//! Every function with its name, arguments and result.

use crate::ast::ValueType::{self, InstantVector, RangeVector, Scalar, String};

/// How many arguments a function takes beyond those that it must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arity {
    /// As many as it has argument types.
    Fixed,
    /// The last ones, this many, may be left out.
    Optional(usize),
    /// The last one may be left out or repeated.
    Repeated,
}

/// The types of a function's arguments and result.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Signature {
    pub args: &'static [ValueType],
    pub arity: Arity,
    pub returns: ValueType,
}

macro_rules! functions {
    ($($variant:ident $name:literal ($($arg:expr),*) $arity:expr => $returns:expr;)*) => {
        /// The functions of the language.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[expect(missing_docs, reason = "the names are those of the language")]
        pub enum Function {
            $($variant,)*
        }

        impl Function {
            /// All of them, sorted by name.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name in a query.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            pub(crate) const fn signature(self) -> Signature {
                match self {
                    $(Self::$variant => Signature {
                        args: &[$($arg),*],
                        arity: $arity,
                        returns: $returns,
                    },)*
                }
            }
        }
    };
}

functions! {
    Abs "abs" (InstantVector) Arity::Fixed => InstantVector;
    Absent "absent" (InstantVector) Arity::Fixed => InstantVector;
    AbsentOverTime "absent_over_time" (RangeVector) Arity::Fixed => InstantVector;
    Acos "acos" (InstantVector) Arity::Fixed => InstantVector;
    Acosh "acosh" (InstantVector) Arity::Fixed => InstantVector;
    Asin "asin" (InstantVector) Arity::Fixed => InstantVector;
    Asinh "asinh" (InstantVector) Arity::Fixed => InstantVector;
    Atan "atan" (InstantVector) Arity::Fixed => InstantVector;
    Atanh "atanh" (InstantVector) Arity::Fixed => InstantVector;
    AvgOverTime "avg_over_time" (RangeVector) Arity::Fixed => InstantVector;
    Ceil "ceil" (InstantVector) Arity::Fixed => InstantVector;
    Changes "changes" (RangeVector) Arity::Fixed => InstantVector;
    Clamp "clamp" (InstantVector, Scalar, Scalar) Arity::Fixed => InstantVector;
    ClampMax "clamp_max" (InstantVector, Scalar) Arity::Fixed => InstantVector;
    ClampMin "clamp_min" (InstantVector, Scalar) Arity::Fixed => InstantVector;
    Cos "cos" (InstantVector) Arity::Fixed => InstantVector;
    Cosh "cosh" (InstantVector) Arity::Fixed => InstantVector;
    CountOverTime "count_over_time" (RangeVector) Arity::Fixed => InstantVector;
    DayOfMonth "day_of_month" (InstantVector) Arity::Optional(1) => InstantVector;
    DayOfWeek "day_of_week" (InstantVector) Arity::Optional(1) => InstantVector;
    DayOfYear "day_of_year" (InstantVector) Arity::Optional(1) => InstantVector;
    DaysInMonth "days_in_month" (InstantVector) Arity::Optional(1) => InstantVector;
    Deg "deg" (InstantVector) Arity::Fixed => InstantVector;
    Delta "delta" (RangeVector) Arity::Fixed => InstantVector;
    Deriv "deriv" (RangeVector) Arity::Fixed => InstantVector;
    DoubleExponentialSmoothing "double_exponential_smoothing" (RangeVector, Scalar, Scalar) Arity::Fixed => InstantVector;
    End "end" () Arity::Fixed => Scalar;
    Exp "exp" (InstantVector) Arity::Fixed => InstantVector;
    FirstOverTime "first_over_time" (RangeVector) Arity::Fixed => InstantVector;
    Floor "floor" (InstantVector) Arity::Fixed => InstantVector;
    HistogramAvg "histogram_avg" (InstantVector) Arity::Fixed => InstantVector;
    HistogramCount "histogram_count" (InstantVector) Arity::Fixed => InstantVector;
    HistogramFraction "histogram_fraction" (Scalar, Scalar, InstantVector) Arity::Fixed => InstantVector;
    HistogramQuantile "histogram_quantile" (Scalar, InstantVector) Arity::Fixed => InstantVector;
    HistogramQuantiles "histogram_quantiles" (InstantVector, String, Scalar) Arity::Repeated => InstantVector;
    HistogramStddev "histogram_stddev" (InstantVector) Arity::Fixed => InstantVector;
    HistogramStdvar "histogram_stdvar" (InstantVector) Arity::Fixed => InstantVector;
    HistogramSum "histogram_sum" (InstantVector) Arity::Fixed => InstantVector;
    Hour "hour" (InstantVector) Arity::Optional(1) => InstantVector;
    Idelta "idelta" (RangeVector) Arity::Fixed => InstantVector;
    Increase "increase" (RangeVector) Arity::Fixed => InstantVector;
    Info "info" (InstantVector, InstantVector) Arity::Optional(1) => InstantVector;
    Irate "irate" (RangeVector) Arity::Fixed => InstantVector;
    LabelJoin "label_join" (InstantVector, String, String, String) Arity::Repeated => InstantVector;
    LabelReplace "label_replace" (InstantVector, String, String, String, String) Arity::Fixed => InstantVector;
    LastOverTime "last_over_time" (RangeVector) Arity::Fixed => InstantVector;
    Ln "ln" (InstantVector) Arity::Fixed => InstantVector;
    Log10 "log10" (InstantVector) Arity::Fixed => InstantVector;
    Log2 "log2" (InstantVector) Arity::Fixed => InstantVector;
    MadOverTime "mad_over_time" (RangeVector) Arity::Fixed => InstantVector;
    MaxOf "max_of" (Scalar, Scalar) Arity::Fixed => Scalar;
    MaxOverTime "max_over_time" (RangeVector) Arity::Fixed => InstantVector;
    MinOf "min_of" (Scalar, Scalar) Arity::Fixed => Scalar;
    MinOverTime "min_over_time" (RangeVector) Arity::Fixed => InstantVector;
    Minute "minute" (InstantVector) Arity::Optional(1) => InstantVector;
    Month "month" (InstantVector) Arity::Optional(1) => InstantVector;
    Pi "pi" () Arity::Fixed => Scalar;
    PredictLinear "predict_linear" (RangeVector, Scalar) Arity::Fixed => InstantVector;
    PresentOverTime "present_over_time" (RangeVector) Arity::Fixed => InstantVector;
    QuantileOverTime "quantile_over_time" (Scalar, RangeVector) Arity::Fixed => InstantVector;
    Rad "rad" (InstantVector) Arity::Fixed => InstantVector;
    Range "range" () Arity::Fixed => Scalar;
    Rate "rate" (RangeVector) Arity::Fixed => InstantVector;
    Resets "resets" (RangeVector) Arity::Fixed => InstantVector;
    Round "round" (InstantVector, Scalar) Arity::Optional(1) => InstantVector;
    Scalar "scalar" (InstantVector) Arity::Fixed => Scalar;
    Sgn "sgn" (InstantVector) Arity::Fixed => InstantVector;
    Sin "sin" (InstantVector) Arity::Fixed => InstantVector;
    Sinh "sinh" (InstantVector) Arity::Fixed => InstantVector;
    Sort "sort" (InstantVector) Arity::Fixed => InstantVector;
    SortByLabel "sort_by_label" (InstantVector, String) Arity::Repeated => InstantVector;
    SortByLabelDesc "sort_by_label_desc" (InstantVector, String) Arity::Repeated => InstantVector;
    SortDesc "sort_desc" (InstantVector) Arity::Fixed => InstantVector;
    Sqrt "sqrt" (InstantVector) Arity::Fixed => InstantVector;
    Start "start" () Arity::Fixed => Scalar;
    StartTimestamp "start_timestamp" (InstantVector) Arity::Fixed => InstantVector;
    StddevOverTime "stddev_over_time" (RangeVector) Arity::Fixed => InstantVector;
    StdvarOverTime "stdvar_over_time" (RangeVector) Arity::Fixed => InstantVector;
    Step "step" () Arity::Fixed => Scalar;
    SumOverTime "sum_over_time" (RangeVector) Arity::Fixed => InstantVector;
    Tan "tan" (InstantVector) Arity::Fixed => InstantVector;
    Tanh "tanh" (InstantVector) Arity::Fixed => InstantVector;
    Time "time" () Arity::Fixed => Scalar;
    Timestamp "timestamp" (InstantVector) Arity::Fixed => InstantVector;
    TsOfFirstOverTime "ts_of_first_over_time" (RangeVector) Arity::Fixed => InstantVector;
    TsOfLastOverTime "ts_of_last_over_time" (RangeVector) Arity::Fixed => InstantVector;
    TsOfMaxOverTime "ts_of_max_over_time" (RangeVector) Arity::Fixed => InstantVector;
    TsOfMinOverTime "ts_of_min_over_time" (RangeVector) Arity::Fixed => InstantVector;
    Vector "vector" (Scalar) Arity::Fixed => InstantVector;
    Year "year" (InstantVector) Arity::Optional(1) => InstantVector;
}

impl Function {
    /// The function of a name; names are in lower case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .binary_search_by(|function| function.name().cmp(name))
            .ok()
            .map(|index| Self::ALL[index])
    }

    /// What its arguments evaluate to, as far as the table names them.
    #[must_use]
    pub const fn arg_types(self) -> &'static [ValueType] {
        self.signature().args
    }

    /// How many of the last arguments may be left out; -1 when the last may also be repeated.
    #[must_use]
    pub const fn variadic(self) -> i64 {
        match self.signature().arity {
            Arity::Fixed => 0,
            // No function has more than a handful.
            Arity::Optional(count) => count as i64,
            Arity::Repeated => -1,
        }
    }

    /// What it evaluates to.
    #[must_use]
    pub const fn returns(self) -> ValueType {
        self.signature().returns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_so_that_names_are_found() {
        for function in Function::ALL {
            assert_eq!(Function::from_name(function.name()), Some(*function));
        }
        assert_eq!(Function::from_name("Rate"), None);
    }
}
