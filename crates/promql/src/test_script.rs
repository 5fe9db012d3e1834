//! Runs test scripts in the language of Prometheus' own (`promqltest`): samples are loaded, expressions evaluated, results compared.
//!
//! ```text
//! load 1m
//!   requests_total{path="/"} 0+60x10
//!
//! eval instant at 10m rate(requests_total[5m])
//!   {path="/"} 1
//! ```
//!
//! Every instant evaluation is run in several ways that must agree: as it stands, as a step of a range query, and with its
//! time fixed by `@` and evaluated at other times.

mod classic; // classic histograms as native ones
mod compare; // what came with what was expected
mod expectation; // expect lines and result lines
mod fixed_time; // the same expression with @ everywhere
mod histogram_notation; // {{schema:0 count:3}}
mod points; // 0+10x5
mod run; // command by command
mod script; // text to commands
mod starts; // when counting began

pub use run::{Outcome, Report, run};
pub use script::ScriptError;
