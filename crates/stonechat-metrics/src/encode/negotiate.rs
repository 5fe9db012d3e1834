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
    let text = |wire| match wire {
        Wire::Text(format) => Some(format),
        Wire::Protobuf => None,
    };
    best(accept, text).unwrap_or_default()
}

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    /// As text.
    Text(Format),
    /// As messages, which need the feature `protobuf`.
    Protobuf,
}

/// Like [`negotiate`], among all the formats that are compiled in.
#[cfg(feature = "axum")]
pub fn negotiate_wire(accept: &str) -> Wire {
    let known = |wire| (wire != Wire::Protobuf || cfg!(feature = "protobuf")).then_some(wire);
    best(accept, known).unwrap_or(Wire::Text(Format::Text))
}

fn best<A>(accept: &str, known: impl Fn(Wire) -> Option<A>) -> Option<A> {
    let mut best = (None, 0);
    for range in accept.split(',') {
        if let Some((wire, quality)) = parse_range(range)
            && quality > best.1
            && let Some(wire) = known(wire)
        {
            best = (Some(wire), quality);
        }
    }
    best.0
}

/// The format that a media range asks for and its quality in thousandths; none when the range asks
/// for something else, or makes no sense.
fn parse_range(range: &str) -> Option<(Wire, u16)> {
    let mut parts = range.split(';').map(str::trim);
    let media_type = parts.next()?;
    let (mut version, mut proto, mut encoding) = (None, None, None);
    let mut quality = 1_000;
    for part in parts {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let value = value.trim().trim_matches('"');
        match name.trim() {
            name if name.eq_ignore_ascii_case("version") => version = Some(value),
            name if name.eq_ignore_ascii_case("proto") => proto = Some(value),
            name if name.eq_ignore_ascii_case("encoding") => encoding = Some(value),
            name if name.eq_ignore_ascii_case("q") => quality = parse_quality(value)?,
            _ => {}
        }
    }
    let is = |name: &str| media_type.eq_ignore_ascii_case(name);
    let wire = match version {
        None if is("*/*") || is("text/*") => Wire::Text(Format::Text),
        None if is("application/*") => Wire::Text(Format::OpenMetrics),
        None | Some("0.0.4") if is("text/plain") => Wire::Text(Format::Text),
        None | Some("1.0.0") if is("application/openmetrics-text") => {
            Wire::Text(Format::OpenMetrics)
        }
        None if is("application/vnd.google.protobuf")
            && proto == Some("io.prometheus.client.MetricFamily")
            && encoding == Some("delimited") =>
        {
            Wire::Protobuf
        }
        _ => return None,
    };
    Some((wire, quality))
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

    #[test]
    fn protobuf_is_for_those_who_ask_for_exactly_this() {
        let media_type = "application/vnd.google.protobuf";
        let family = "proto=io.prometheus.client.MetricFamily";
        for (accept, wire) in [
            (
                format!("{media_type};{family};encoding=delimited;q=0.6,text/plain;q=0.3"),
                Wire::Protobuf,
            ),
            (
                format!("{media_type};{family};encoding=delimited;q=0.2,text/plain;q=0.3"),
                Wire::Text(Format::Text),
            ),
            (
                format!("{media_type};{family};encoding=text"),
                Wire::Text(Format::Text),
            ),
            (media_type.to_owned(), Wire::Text(Format::Text)),
        ] {
            let parsed = best(&accept, Some).unwrap_or(Wire::Text(Format::Text));
            assert_eq!(parsed, wire, "{accept}");
        }
    }
}
