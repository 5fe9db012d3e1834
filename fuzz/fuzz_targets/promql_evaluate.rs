//! Random expressions over random samples: the engine gives what the plain evaluator of its tests gives.
#![no_main]

#[path = "../../crates/promql/tests/reference/aggregations.rs"]
mod aggregations;
#[path = "../../crates/promql/tests/reference/choices.rs"]
mod choices;
#[path = "../../crates/promql/tests/reference/comparison.rs"]
mod comparison;
#[path = "../../crates/promql/tests/reference/evaluator.rs"]
mod evaluator;
#[path = "../../crates/promql/tests/reference/functions.rs"]
mod functions;
#[path = "../../crates/promql/tests/reference/generator.rs"]
mod generator;
#[path = "../../crates/promql/tests/reference/operators.rs"]
mod operators;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Err(difference) = comparison::compare(&generator::case(bytes)) {
        panic!("{difference}");
    }
});
