//! Scrape configuration, scrape loops, targets.
