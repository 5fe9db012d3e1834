//! Content negotiation, as RFC 9110 has it, for the two formats.

use super::Format;

/// The format that a scraper with this `Accept` header likes best. Between equals the first one
/// wins; a scraper that wants neither, or says nothing, gets [`Format::Text`].
///
/// ```
/// use stonechat_metrics::{Format, negotiate};
///
/// let prometheus = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2";
/// assert_eq!(negotiate(prometheus), Format::OpenMetrics);
/// assert_eq!(negotiate("*/*"), Format::Text);
/// ```
pub fn negotiate(accept: &str) -> Format {
    let mut best = (Format::Text, 0);
    for range in accept.split(',') {
        if let Some((format, quality)) = parse_range(range)
            && quality > best.1
        {
            best = (format, quality);
        }
    }
    best.0
}

/// The format that a media range asks for and its quality in thousandths; none when the range asks
/// for something else, or makes no sense.
fn parse_range(range: &str) -> Option<(Format, u16)> {
    let mut parts = range.split(';').map(str::trim);
    let media_type = parts.next()?;
    let mut version = None;
    let mut quality = 1_000;
    for part in parts {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let value = value.trim().trim_matches('"');
        match name.trim() {
            name if name.eq_ignore_ascii_case("version") => version = Some(value),
            name if name.eq_ignore_ascii_case("q") => quality = parse_quality(value)?,
            _ => {}
        }
    }
    let is = |name: &str| media_type.eq_ignore_ascii_case(name);
    let format = match version {
        None if is("*/*") || is("text/*") => Format::Text,
        None if is("application/*") => Format::OpenMetrics,
        None | Some("0.0.4") if is("text/plain") => Format::Text,
        None | Some("1.0.0") if is("application/openmetrics-text") => Format::OpenMetrics,
        _ => return None,
    };
    Some((format, quality))
}

fn parse_quality(text: &str) -> Option<u16> {
    let quality: f64 = text.parse().ok()?;
    (0.0..=1.0)
        .contains(&quality)
        .then_some((quality * 1_000.0) as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_known_format_wins() {
        let prometheus_3 = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
                            application/openmetrics-text;version=0.0.1;q=0.4,\
                            text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,\
                            text/plain;version=0.0.4;q=0.2,/;q=0.1";
        let protobuf_first = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;\
                              encoding=delimited;q=0.6,text/plain;version=0.0.4;q=0.3,*/*;q=0.1";
        let cases = [
            (prometheus_3, Format::OpenMetrics),
            (protobuf_first, Format::Text),
            ("", Format::Text),
            ("*/*", Format::Text),
            ("text/html,application/xhtml+xml,*/*;q=0.8", Format::Text),
            ("application/openmetrics-text", Format::OpenMetrics),
            (
                "Application/OpenMetrics-Text; Version=1.0.0; charset=utf-8",
                Format::OpenMetrics,
            ),
            (
                "application/openmetrics-text; version=\"1.0.0\"",
                Format::OpenMetrics,
            ),
            ("application/openmetrics-text;version=0.0.1", Format::Text),
            (
                "application/openmetrics-text;version=2.0.0,text/plain;q=0.1",
                Format::Text,
            ),
            (
                "text/plain;version=1.0.0;q=1,application/openmetrics-text;q=0.1",
                Format::OpenMetrics,
            ),
            (
                "application/openmetrics-text;q=0.5,text/plain;q=0.7",
                Format::Text,
            ),
            (
                "text/plain;q=0.5,application/openmetrics-text;q=0.7",
                Format::OpenMetrics,
            ),
            ("text/plain,application/openmetrics-text", Format::Text),
            (
                "application/openmetrics-text,text/plain",
                Format::OpenMetrics,
            ),
            ("application/openmetrics-text;q=0", Format::Text),
            (
                "application/openmetrics-text;q=0.001,text/plain;q=0",
                Format::OpenMetrics,
            ),
            ("application/openmetrics-text;q=7", Format::Text),
            ("application/openmetrics-text;q=NaN", Format::Text),
            ("application/openmetrics-text;q=", Format::Text),
            (";;;,,,=;q", Format::Text),
            ("image/png", Format::Text),
        ];
        for (accept, format) in cases {
            assert_eq!(negotiate(accept), format, "Accept: {accept}");
        }
    }
}
