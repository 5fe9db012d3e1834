//! PromQL, the query language of Prometheus 3: text to tree to values.
//!
//! [`parse`] turns text into a checked [`Expr`]. [`Engine`] evaluates it over any
//! [`Queryable`](stonechat_model::Queryable): the local store, a remote engine, a test's samples. Error texts,
//! warnings and results follow Prometheus.
//!
//! ```
//! use stonechat_model::{Labels, Timestamp};
//! use stonechat_promql::{Cancel, Engine, MemoryStore, Value, parse};
//!
//! let mut store = MemoryStore::default();
//! for minute in 0..=5 {
//!     let labels = Labels::from_pairs([("__name__", "messages_sent_total"), ("type", "text")])?;
//!     store.insert(labels, Timestamp::from_millis(minute * 60_000), minute as f64 * 120.0);
//! }
//!
//! let expr = parse("sum by (type)(rate(messages_sent_total[5m]))")?;
//! assert_eq!(expr.to_string(), "sum by (type) (rate(messages_sent_total[5m]))");
//!
//! let now = Timestamp::from_millis(300_000);
//! let answer = Engine::default().instant(&store, &expr, now, &Cancel::new())?;
//! let Value::Vector(vector) = answer.value else { unreachable!() };
//! assert_eq!(vector[0].labels.to_string(), r#"{type="text"}"#);
//! assert_eq!(vector[0].point.value, 2.0);
//!
//! let error = parse("rate(up)").unwrap_err();
//! assert_eq!(
//!     error.to_string(),
//!     r#"1:6: parse error: expected type range vector in call to function "rate", got instant vector"#,
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Native histograms stand beside numbers in one table, whose cells are numbers, histograms or nothing.

pub mod ast; // the tree
mod lexer; // text to tokens
mod parser; // tokens to the tree

mod engine; // the way in: an expression and a store to an answer
mod evaluation; // one running query
mod table; // series with their values at every step

mod aggregate; // sum by (job) (...)
mod binary; // a / on (job) b
mod functions; // rate(...)

mod answer; // tables to answers
mod cancel; // stopping a query from outside
mod error; // why there is no answer
mod explain; // what each part of a query cost
mod mean; // the mean of values that come one by one
mod value; // what a query answers

mod memory_store; // samples in memory
pub mod test_script; // expressions with their expected results

pub use ast::{Expr, Span, ValueType};
pub use cancel::Cancel;
pub use engine::{Engine, EngineOptions, Steps};
pub use error::{EvalError, InfoError, MatchingError};
pub use evaluation::Cost;
pub use explain::{Plan, PlanNode};
pub use functions::Function;
pub use memory_store::MemoryStore;
pub use parser::{DEPTH_MAX, ParseError, TEXT_BYTES_MAX, parse, parse_selector};
pub use value::{Annotation, Answer, Point, Sample, Series, Severity, Value};
