//! Routing, grouping and sending of alerts.
