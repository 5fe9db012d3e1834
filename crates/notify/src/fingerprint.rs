//! The number by which Alertmanager names a label set: FNV-1a over names and values.
//!
//! Own code because the number appears in webhook bodies and has to be the one that Alertmanager computes
//! (`model.LabelSet.Fingerprint` of github.com/prometheus/common): labels sorted by name, each text followed by the
//! byte 255, which no UTF-8 text contains.

use std::fmt;

use stonechat_model::Labels;

const OFFSET_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0100_0000_01b3;
const SEPARATOR: u8 = 255;

/// Names a label set; shown as 16 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Fingerprint(u64);

impl Fingerprint {
    pub(crate) fn of(labels: &Labels) -> Self {
        let mut hash = OFFSET_BASIS;
        for (name, value) in labels.iter() {
            for text in [name, value] {
                for byte in text.bytes().chain([SEPARATOR]) {
                    hash = (hash ^ u64::from(byte)).wrapping_mul(PRIME);
                }
            }
        }
        Self(hash)
    }

    /// Reads what `Display` writes.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        u64::from_str_radix(text, 16).ok().map(Self)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The expected numbers were printed by Alertmanager 0.33.1.
    #[test]
    fn is_the_number_of_alertmanager() {
        for (pairs, expected) in [
            (
                &[
                    ("alertname", "q\"\n"),
                    ("my label", "x"),
                    ("sev", "crit"),
                    ("zone", "a\\b"),
                ][..],
                "3dd36fbb318cd49c",
            ),
            (
                &[
                    ("alertname", "A"),
                    ("grüße", "ü\u{1}\u{200b}x"),
                    ("job", "j"),
                    ("x", "2"),
                ],
                "20438869826f2c62",
            ),
            (&[], "cbf29ce484222325"),
        ] {
            let labels = Labels::from_pairs(pairs.iter().copied()).unwrap();
            let fingerprint = Fingerprint::of(&labels);
            assert_eq!(fingerprint.to_string(), expected, "{labels}");
            assert_eq!(Fingerprint::parse(expected), Some(fingerprint));
        }
    }
}
