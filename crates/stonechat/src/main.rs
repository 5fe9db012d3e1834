//! The program: command line, wiring, start, reload, shutdown.
fn main() {}
