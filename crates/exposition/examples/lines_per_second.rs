//! How fast a page is read: `cargo run --release -p stonechat-exposition --example lines_per_second -- PAGE`.
//!
//! Three ways: each series taken apart into labels, each series stepped over, and each series expected, as a scraper does that has
//! seen the page before.

use std::error::Error;
use std::hint::black_box;
use std::time::{Duration, Instant};

use stonechat_exposition::{Entries, Entry, Format};

const ROUND: Duration = Duration::from_secs(2);

fn main() -> Result<(), Box<dyn Error>> {
    let file = std::env::args().nth(1).ok_or("name a file with a page")?;
    let page = std::fs::read(file)?;
    let format = if page.ends_with(b"# EOF\n") {
        Format::OpenMetrics
    } else {
        Format::Text
    };
    let known: Vec<&[u8]> = Entries::new(&page, format)
        .filter_map(|entry| match entry {
            Ok(Entry::Sample(sample)) => Some(sample.series),
            _ => None,
        })
        .collect();
    println!("{} bytes, {} samples", page.len(), known.len());
    measure("taken apart", &page, || {
        let entries = Entries::new(&page, format);
        entries.for_each(|entry| {
            if let Ok(Entry::Sample(sample)) = entry {
                black_box(sample.labels().ok());
            }
        });
    });
    measure("stepped over", &page, || {
        Entries::new(&page, format).for_each(|entry| {
            black_box(entry.ok());
        });
    });
    measure("expected", &page, || {
        let mut entries = Entries::new(&page, format);
        let mut place = 0;
        loop {
            let expected = known.get(place).copied().unwrap_or_default();
            match entries.next_expecting(expected) {
                Some(Ok(Entry::Sample(sample))) => {
                    place += 1;
                    black_box(sample.value);
                }
                Some(_) => {}
                None => break,
            }
        }
    });
    Ok(())
}

fn measure(name: &str, page: &[u8], read: impl Fn()) {
    let lines = page.iter().filter(|byte| **byte == b'\n').count();
    // The fastest round: on a busy machine the others say more about the neighbours.
    let (start, mut fastest) = (Instant::now(), ROUND);
    while start.elapsed() < ROUND {
        let round = Instant::now();
        read();
        fastest = fastest.min(round.elapsed());
    }
    let seconds = fastest.as_secs_f64();
    let (lines, bytes) = (lines as f64 / seconds, page.len() as f64 / seconds);
    println!(
        "{name:>12}: {:.1} million lines/s, {:.0} MB/s",
        lines / 1e6,
        bytes / 1e6
    );
}
