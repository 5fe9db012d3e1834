//! Tests of the crate as a whole, and what they share.

mod bad_targets; // what a target can do wrong, over real connections
mod bench; // jobs from text, and a manager
mod config; // what files say, and what is wrong with them
mod pages; // what pages become, scrape by scrape
mod reload; // targets that come, change and go
mod store; // a store that remembers
mod web; // servers that answer as they are told
