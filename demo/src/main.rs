//! The chat's command line.
fn main() {}
