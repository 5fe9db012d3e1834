//! Any script runs to its end or is refused: its expressions are evaluated over its own samples.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let _ = stonechat_promql::test_script::run(text);
});
