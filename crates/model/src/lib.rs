//! Labels, samples, matchers, durations, and the traits through which rooms meet.
