//! Any text parses or is refused; what parses prints to a text that parses to the same tree.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(expr) = stonechat_promql::parse(text) {
        let printed = expr.to_string();
        let again = stonechat_promql::parse(&printed).expect("what was printed parses");
        assert_eq!(again, expr, "{printed}");
    }
});
