//! Reading and writing the text formats in which applications expose metrics.
