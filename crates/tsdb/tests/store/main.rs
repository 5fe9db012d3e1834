//! The store through its front door: against a model, through crashes, on disks that fail.

#![expect(
    clippy::unwrap_used,
    reason = "a test that unwraps an error fails, as it should"
)]

mod beside; // histograms, exemplars, metadata, late samples, deletion, snapshots, imports
mod concurrent; // appending and querying at the same time
mod damage; // files that changed behind the store's back
mod faults; // writes that fail or are torn, disks that are full or lose power
mod faulty_disk; // a disk in memory that does as it is told
mod format; // the dumps in the documentation
mod kill; // SIGKILL at random moments
mod model; // random operations against a plain map
mod mutated; // changed bytes under a right checksum
mod read_only; // stores that only look
mod retention; // what goes and what stays
mod support; // stores, batches and answers in one line
mod throughput; // what a million samples cost
