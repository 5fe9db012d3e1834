//! Addresses of graphs, and text inside addresses.

/// The path of a page that draws an expression.
pub(super) fn graph(expression: &str) -> String {
    format!("/graph?g0.expr={}&g0.tab=0", query_escape(expression))
}

/// The path of a page that shows an expression as a table.
pub(super) fn table(expression: &str) -> String {
    format!("/graph?g0.expr={}&g0.tab=1", query_escape(expression))
}

/// A text for the query part of an address, as Go's `url.QueryEscape`.
pub(crate) fn query_escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(char::from(byte));
            }
            b' ' => out.push('+'),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}
