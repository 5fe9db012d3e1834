//! The engine gives what a plain evaluator gives, over random expressions and random samples: in instant queries and in range
//! queries, and it refuses what that refuses. `fuzz/` does the same without an end.

mod aggregations; // sum, topk, count_values
mod choices; // bytes as a row of choices
mod comparison; // both asked the same
mod evaluator; // the plain evaluator
mod functions; // rate, clamp, histogram_quantile
mod generator; // random cases
mod operators; // a / on (job) b

use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestRunner};

const BYTES: usize = 400;

#[test]
fn the_engine_gives_what_a_plain_evaluator_gives() {
    let long = std::env::var_os("STONECHAT_TEST_LONG").is_some();
    let mut runner = TestRunner::new(ProptestConfig {
        cases: if long { 100_000 } else { 500 },
        failure_persistence: None,
        max_shrink_iters: 20_000,
        // A change should be judged by itself: who looks for new differences takes the long run.
        rng_seed: if long {
            RngSeed::Random
        } else {
            RngSeed::Fixed(7)
        },
        ..ProptestConfig::default()
    });
    let bytes = prop::collection::vec(any::<u8>(), BYTES);
    let outcome = runner.run(&bytes, |bytes| {
        comparison::compare(&generator::case(&bytes)).map_err(TestCaseError::fail)
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}
