//! The store: write-ahead log, head, select.
