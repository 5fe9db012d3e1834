//! The answer to a query, whatever it came from.

/// A table.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rows {
    /// Names of the columns, in their order.
    pub columns: Vec<String>,
    /// As many values in each as there are columns.
    pub rows: Vec<Vec<Value>>,
}

impl Rows {
    /// The position of a column; the first, if two have the same name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column == name)
    }
}

/// One value of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// NULL, or a member that is not there.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A whole number above the largest `Int`.
    Uint(u64),
    /// A floating-point number.
    Float(f64),
    /// A DECIMAL or NUMERIC, with all its digits.
    Decimal(String),
    /// Text.
    Text(String),
    /// A date, a time of the day (or a duration in hours), or both, without a zone, as ISO 8601.
    Local(String),
    /// A point in time, milliseconds since 1970.
    Time(i64),
}
