//! How much a template may do.

/// Bounds of one execution. A template that reaches one fails with [`Error::Limit`](crate::Error::Limit).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of output, and of any text on the way.
    pub output_bytes_max: usize,
    /// Commands and rounds of loops.
    pub steps_max: usize,
    /// Blocks, parentheses and named templates inside one another.
    pub depth_max: usize,
}

impl Default for Limits {
    /// One mebibyte, a million steps, 200 levels: far above what rules and notifications need.
    fn default() -> Self {
        Self {
            output_bytes_max: 1 << 20,
            steps_max: 1_000_000,
            depth_max: 200,
        }
    }
}
