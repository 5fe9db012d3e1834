//! Go's text/template language, as rules and notifications use it.
