//! Bucket bounds for common quantities, and how to make one's own.

/// Durations of requests and other short work: 5 milliseconds to 10 seconds.
pub const SECONDS: &[f64] = &[
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

/// Durations of fast work, such as a query or a step in memory: half a millisecond to 5 seconds.
pub const SECONDS_FAST: &[f64] = &[
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0,
];

/// Durations of sessions and connections: 1 second to 8 hours.
pub const SECONDS_LONG: &[f64] = &[
    1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 1_800.0, 3_600.0, 7_200.0, 14_400.0, 28_800.0,
];

/// Sizes of messages: 64 bytes to a mebibyte.
pub const BYTES: &[f64] = &[
    64.0,
    256.0,
    1_024.0,
    4_096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
];

/// `count` bounds, each `factor` times the one before. Bounds that do not rise, by a factor of 1
/// for example, are refused when the histogram is registered.
///
/// ```
/// assert_eq!(stonechat_metrics::buckets::exponential(64.0, 4.0, 3), [64.0, 256.0, 1024.0]);
/// ```
pub fn exponential(first: f64, factor: f64, count: usize) -> Vec<f64> {
    std::iter::successors(Some(first), |bound| Some(bound * factor))
        .take(count)
        .collect()
}

/// `count` bounds, each `width` above the one before. Bounds that do not rise, by a negative width
/// for example, are refused when the histogram is registered.
///
/// ```
/// assert_eq!(stonechat_metrics::buckets::linear(10.0, 5.0, 3), [10.0, 15.0, 20.0]);
/// ```
pub fn linear(first: f64, width: f64, count: usize) -> Vec<f64> {
    (0..count).map(|step| first + width * step as f64).collect()
}
