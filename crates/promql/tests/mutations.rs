//! Expressions with mistakes of all kinds: each parses or is refused, soon and without a panic. What parses prints to a text
//! that parses to the same tree, and evaluates over any samples. The same every time it runs; `fuzz/` goes further.

use std::fs;
use std::path::Path;
use std::time::Duration;

use stonechat_model::Timestamp;
use stonechat_promql::{Cancel, Engine, EngineOptions, MemoryStore, Steps, parse, test_script};

const ROUNDS: usize = 30_000;

/// Words that mean something somewhere.
const WORDS: [&str; 34] = [
    "(",
    ")",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "@",
    "\"",
    "'",
    "`",
    "=~",
    "!=",
    "5m",
    "1e999",
    "0x",
    "-",
    "^",
    "</",
    ">/",
    "offset",
    "by",
    "without",
    "on",
    "group_left",
    "bool",
    "sum",
    "rate",
    "fill",
    "start()",
    "anchored",
    "é",
    "\0",
];

/// A small generator of numbers (xorshift), so that every run is the same.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit.max(1) as u64).expect("less than a usize")
    }
}

/// The expressions of the scripts beside this file.
fn expressions() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts");
    let mut found = Vec::new();
    let mut files: Vec<_> = fs::read_dir(folder)
        .expect("scripts that can be read")
        .map(|file| file.expect("scripts that can be read").path())
        .collect();
    files.sort();
    for file in files {
        let report = test_script::run(&fs::read_to_string(file).expect("scripts that can be read"))
            .expect("scripts that can be read");
        found.extend(report.outcomes.into_iter().map(|outcome| outcome.expr));
    }
    found
}

fn mutate(text: &str, others: &[String], numbers: &mut Numbers) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for _ in 0..=numbers.below(4) {
        let at = numbers.below(chars.len() + 1);
        let length = numbers.below(12).min(chars.len() - at);
        match numbers.below(5) {
            0 => drop(chars.drain(at..at + length)),
            1 => {
                let copy: Vec<char> = chars[at..at + length].to_vec();
                chars.splice(at..at, copy);
            }
            2 => {
                let word = WORDS[numbers.below(WORDS.len())];
                chars.splice(at..at, word.chars());
            }
            3 => {
                let other = &others[numbers.below(others.len())];
                let from = numbers.below(other.chars().count());
                chars.splice(at..at + length, other.chars().skip(from).take(20));
            }
            _ => chars.truncate(at),
        }
    }
    chars.into_iter().collect()
}

#[test]
fn mistakes_are_refused_and_nothing_panics() {
    let texts = expressions();
    assert!(texts.len() > 100);
    let engine = Engine::new(EngineOptions {
        samples_max: 10_000,
        timeout: Duration::from_secs(5),
        ..EngineOptions::default()
    });
    let store = samples();
    let (start, end) = (Timestamp::from_millis(0), Timestamp::from_millis(300_000));
    let step = Duration::from_secs(60);
    let mut numbers = Numbers(0x5eed_5eed_5eed_5eed);
    let (mut parsed, mut refused) = (0, 0);
    for _ in 0..ROUNDS {
        let text = mutate(&texts[numbers.below(texts.len())], &texts, &mut numbers);
        let Ok(expr) = parse(&text) else {
            refused += 1;
            continue;
        };
        parsed += 1;
        let printed = expr.to_string();
        let again =
            parse(&printed).unwrap_or_else(|error| panic!("{text:?}, {printed:?}: {error}"));
        assert_eq!(again, expr, "{text:?}, {printed:?}");
        // Whatever it gives or says, it ends.
        let _ = engine.instant(&store, &expr, end, &Cancel::new());
        let _ = engine.range(&store, &expr, Steps { start, end, step }, &Cancel::new());
    }
    assert!(
        parsed > ROUNDS / 20 && refused > ROUNDS / 20,
        "{parsed} parsed, {refused} refused"
    );
}

/// Samples of the kinds of names that the scripts use.
fn samples() -> MemoryStore {
    let mut store = MemoryStore::default();
    for (index, name) in ["requests_total", "up", "x", "a", "b", "h_bucket"]
        .into_iter()
        .enumerate()
    {
        for host in ["1", "2"] {
            let pairs = [("__name__", name), ("host", host), ("le", host)];
            let labels = stonechat_model::Labels::from_pairs(pairs).expect("valid labels");
            for minute in 0..5_u32 {
                let value = f64::from(minute) * (index as f64) - 3.0;
                let at = Timestamp::from_millis(i64::from(minute) * 60_000);
                store.insert(labels.clone(), at, value);
            }
        }
    }
    store
}

#[test]
fn depth_has_a_limit_everywhere() {
    for (open, close) in [
        ("(", ")"),
        ("-", ""),
        ("sum(", ")"),
        ("abs(", ")"),
        ("1 + (", ")"),
        ("max_over_time((x)[5m:", "])"),
        ("x[", "]"),
        ("{", "}"),
        ("x[5m*(", ")]"),
        ("a + on() group_left() (", ")"),
    ] {
        for depth in [10, 300, 20_000] {
            let text = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            // On a thread with little room, so that a parser that recurses without limit would be noticed.
            let thread = std::thread::Builder::new().stack_size(1 << 20);
            let parsed = thread.spawn(move || parse(&text).is_ok()).unwrap().join();
            assert!(parsed.is_ok(), "{open:?} {depth} times");
        }
    }
    // Chains lean to the left without being nested.
    let chain = vec!["1"; 20_000].join("+");
    let _ = parse(&chain);
}
