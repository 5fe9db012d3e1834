//! The one entrance for people: demo, test, check, ui, bench, dist.
fn main() {}
