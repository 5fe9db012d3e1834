//! Histograms as text.

use std::fmt;

use super::Histogram;
use super::bounds::Bucket;
use crate::format_general;

impl fmt::Display for Bucket {
    /// `(0.5,1]:3`, with round brackets where the bound does not belong to it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let open = if self.lower_inclusive { '[' } else { '(' };
        let close = if self.upper_inclusive { ']' } else { ')' };
        let [lower, upper, count] = [self.lower, self.upper, self.count].map(format_general);
        write!(f, "{open}{lower},{upper}{close}:{count}")
    }
}

impl fmt::Display for Histogram {
    /// As Prometheus writes it: `{count:3, sum:4.5, [-0.001,0.001]:1, (1,2]:2}`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, sum) = (format_general(self.count), format_general(self.sum));
        write!(f, "{{count:{count}, sum:{sum}")?;
        let negative: Vec<Bucket> = self.side(false).collect();
        let zero = (self.zero_count != 0.0).then(|| self.zero_bucket());
        let all = negative.into_iter().rev();
        for bucket in all.chain(zero).chain(self.side(true)) {
            if bucket.count != 0.0 {
                write!(f, ", {bucket}")?;
            }
        }
        write!(f, "}}")
    }
}
