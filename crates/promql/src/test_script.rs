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

use stonechat_model::Labels;

use points::Point;
pub use run::{Outcome, Report, run};
pub use script::ScriptError;

/// A series and what stands at each of its steps.
pub type SeriesLine = (Labels, Vec<Option<f64>>);

/// Reads a series as a script writes it, `up{job="a"} 0 1x5 _ stale`: its labels, and what stands at each step.
///
/// # Errors
/// What is wrong with the line. Native histograms are not evaluated yet.
pub fn series_line(line: &str) -> Result<SeriesLine, String> {
    let series = points::parse_line(line)?;
    let points = series.points.into_iter().map(|point| match point {
        Point::Float(value) => Ok(Some(value)),
        Point::Missing => Ok(None),
        Point::Histogram(_) => Err("native histograms are not evaluated yet".to_owned()),
    });
    Ok((series.labels, points.collect::<Result<_, _>>()?))
}
