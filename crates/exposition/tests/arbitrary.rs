//! Whatever the bytes are: no panic, no endless loop, and the quick way reads what the thorough way reads.

#![allow(clippy::unwrap_used, reason = "a test stops where it goes wrong")]

use proptest::prelude::*;
use stonechat_exposition::{Entries, Entry, Format, read_labels};

/// Pieces of which pages are made, good and bad.
const PIECES: [&str; 44] = [
    "a",
    "b_total",
    "le",
    "x:y",
    "{",
    "}",
    "=",
    ",",
    "\"",
    "\"1\"",
    "\"a.b\"",
    "\\",
    "\\\"",
    " ",
    "  ",
    "\t",
    "\n",
    "\n",
    "\r",
    "\0",
    "# ",
    "#",
    "HELP ",
    "TYPE ",
    "UNIT ",
    "EOF",
    "# EOF\n",
    "counter",
    "histogram",
    "1",
    "0.5",
    "-Inf",
    "NaN",
    "1e3",
    "0x1",
    "é",
    " 1\n",
    " 1\n",
    " 1 2\n",
    "a{x=\"1\"} 2\n",
    "# TYPE a histogram\n",
    " # {t=\"1\"} 1",
    "a_bucket{le=\"1\"}",
    "{\"q\"} 3\n",
];

fn page() -> impl Strategy<Value = Vec<u8>> {
    let pieces = prop::collection::vec(prop::sample::select(&PIECES[..]), 0..40);
    prop_oneof![
        4 => pieces.prop_map(|pieces| pieces.concat().into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..200),
    ]
}

fn format() -> impl Strategy<Value = Format> {
    prop::sample::select(&[Format::Text, Format::OpenMetrics][..])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_to_an_end(page in page(), format in format()) {
        let entries = Entries::new(&page, format);
        let mut count = 0;
        for entry in entries {
            count += 1;
            prop_assert!(count <= page.len());
            match entry {
                Ok(Entry::Sample(sample)) => {
                    let _ = sample.labels();
                    if let Some(exemplar) = &sample.exemplar {
                        let _ = exemplar.labels();
                    }
                }
                Ok(Entry::Help { family, text }) => {
                    let _ = (family.text(), text.text());
                }
                Err(error) => prop_assert!(error.line <= page.len() + 1),
                Ok(_) => {}
            }
        }
    }

    #[test]
    fn every_decimal_is_read_as_the_nearest_float(text in "[0-9]{0,17}\\.?[0-9]{0,17}") {
        let page = format!("a {text}\n");
        let read = match Entries::new(page.as_bytes(), Format::Text).next() {
            Some(Ok(Entry::Sample(sample))) => Some(sample.value.to_bits()),
            _ => None,
        };
        prop_assert_eq!(read, text.parse().ok().map(f64::to_bits), "{}", text);
    }

    #[test]
    fn any_text_may_be_asked_for_labels(series in prop::collection::vec(any::<u8>(), 0..60)) {
        let _ = read_labels(&series, stonechat_exposition::MetricType::Histogram);
    }

    #[test]
    fn expecting_a_series_changes_nothing(page in page(), other in page(), format in format()) {
        // Texts as a cache has them: from another page, and from this one.
        let known: Vec<&[u8]> = [&page, &other]
            .into_iter()
            .flat_map(|page| Entries::new(page, format))
            .filter_map(|entry| match entry {
                Ok(Entry::Sample(sample)) => Some(sample.series),
                _ => None,
            })
            .collect();
        for series in known {
            let mut hinted = Entries::new(&page, format);
            for plain in Entries::new(&page, format) {
                let mut hinted = hinted.next_expecting(series);
                if let Some(Ok(Entry::Sample(sample))) = &mut hinted {
                    prop_assert!(!sample.is_expected || sample.series == series);
                    sample.is_expected = false;
                }
                // As text, because NaN equals nothing.
                prop_assert_eq!(format!("{:?}", Some(plain)), format!("{hinted:?}"));
            }
            prop_assert!(hinted.next_expecting(series).is_none());
        }
    }
}
