//! Any bytes as a page of the text format and of OpenMetrics: read to the end or refused, and read alike by who knows its series.

#![no_main]

use libfuzzer_sys::fuzz_target;
use stonechat_exposition::{Entries, Entry, Format};

fuzz_target!(|page: &[u8]| {
    for kind in ["text/plain; version=0.0.4", "application/openmetrics-text; version=1.0.0"] {
        let format = Format::of_content_type(Some(kind)).expect("both formats are known");
        let mut known = Vec::new();
        let mut plain = Vec::new();
        for entry in Entries::new(page, format) {
            if let Ok(Entry::Sample(sample)) = &entry {
                known.push(sample.series.to_vec());
                let _ = sample.labels();
                let _ = sample.exemplar.as_ref().map(|exemplar| exemplar.labels());
            }
            plain.push(shown(entry));
        }
        let mut entries = Entries::new(page, format);
        let (mut again, mut expected) = (Vec::new(), known.iter());
        let mut next = expected.next();
        while let Some(entry) = match next {
            Some(series) => entries.next_expecting(series),
            None => entries.next(),
        } {
            if matches!(entry, Ok(Entry::Sample(_))) {
                next = expected.next();
            }
            again.push(shown(entry));
        }
        assert_eq!(plain, again);
    }
});

/// An entry as text, NaN like NaN, without the flag that says how it was found.
fn shown(entry: Result<Entry<'_>, stonechat_exposition::ParseError>) -> String {
    match entry {
        Ok(Entry::Sample(mut sample)) => {
            sample.is_expected = false;
            format!("{sample:?}")
        }
        other => format!("{other:?}"),
    }
}
