/// Why an answer cannot become series. All of it is refused then: half an answer would look like a true one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SeriesError {
    /// The query or the configuration names another column.
    #[error("the answer has no column `{column}`; it has {found}")]
    NoColumn {
        /// The column that a metric needs.
        column: String,
        /// Those that are there.
        found: String,
    },
    /// Only numbers can be values.
    #[error("row {row}: column `{column}` is {value:?}, which is no number")]
    NoNumber {
        /// From 1.
        row: usize,
        /// The column.
        column: String,
        /// What is in it, shortened.
        value: String,
    },
    /// A time is a point in time, or seconds since 1970.
    #[error("row {row}: column `{column}` is {value:?}, which is no time")]
    NoTime {
        /// From 1.
        row: usize,
        /// The column.
        column: String,
        /// What is in it, shortened.
        value: String,
    },
    /// A counter that adds up cannot go down.
    #[error("row {row}: column `{column}` is {value}, and a counter cannot go down")]
    Negative {
        /// From 1.
        row: usize,
        /// The column.
        column: String,
        /// What is in it.
        value: String,
    },
    /// A label value that no series can have.
    #[error("row {row}: {reason}")]
    Labels {
        /// From 1.
        row: usize,
        /// What is wrong.
        reason: String,
    },
    /// Nothing came back, and the query says that something must.
    #[error("the answer has no rows")]
    NoRows,
    /// More than what is added up may hold.
    #[error("more than {0} series add up; labels seem to be unbounded")]
    TooManySeries(usize),
}
