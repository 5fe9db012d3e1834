//! `/federate`: the newest samples of series, for another server to scrape.
//!
//! Source: <https://prometheus.io/docs/prometheus/latest/federation/>.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use stonechat_model::{
    Columns, Labels, METRIC_NAME, Matcher, QueryableError, TimeRange, Timestamp, format_float,
    is_legacy_label_name, is_stale,
};

use crate::Rooms;
use crate::answer::{ApiError, ErrorType};
use crate::labels::matcher_sets;
use crate::params::Params;
use crate::work;

/// What a client says that reads names of any characters.
const ANY_NAMES: &str = "escaping=allow-utf-8";

/// The newest sample of every series that a selector means, unless it is older than the look-back or the series has ended. Native
/// histograms have no place in this format.
pub(crate) async fn federate(
    State(rooms): State<Rooms>,
    headers: HeaderMap,
    params: Params,
) -> Response {
    let accepted = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok());
    let any_names = accepted.is_some_and(|accept| accept.contains(ANY_NAMES));
    let sets = match matcher_sets(&params) {
        Ok(sets) => sets,
        Err(error) => return plain(StatusCode::BAD_REQUEST, &error),
    };
    let done = work::run(rooms, None, move |rooms, _| {
        let end = Timestamp::now();
        let range = TimeRange {
            start: end.minus(rooms.engine.options().lookback),
            end,
        };
        let page = Page {
            external: rooms.operator.external_labels(),
            any_names,
        };
        newest(rooms, &sets, range).map(|samples| page.write(samples))
    });
    let kind = if any_names {
        "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8"
    } else {
        "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"
    };
    match done.await.map(|done| done.value) {
        Ok(Ok(page)) => ([(header::CONTENT_TYPE, kind)], page).into_response(),
        Ok(Err(error)) => {
            let error = ApiError::new(ErrorType::Internal, error.to_string());
            plain(StatusCode::INTERNAL_SERVER_ERROR, &error)
        }
        Err(error) => plain(StatusCode::SERVICE_UNAVAILABLE, &error),
    }
}

fn plain(status: StatusCode, error: &ApiError) -> Response {
    (status, format!("{error}\n")).into_response()
}

/// Series by name, and then by labels, with their newest samples.
type Newest = BTreeMap<(String, Labels), (i64, f64)>;

fn newest(
    rooms: &Rooms,
    sets: &[Vec<Matcher>],
    range: TimeRange,
) -> Result<Newest, QueryableError> {
    let mut samples = Newest::new();
    for matchers in sets {
        let selection = rooms.queryable.select(matchers, range)?;
        let mut columns = Columns::default();
        for index in 0..selection.len() {
            columns.clear();
            selection.read(index, &mut columns)?;
            let last = columns.timestamps.last().zip(columns.values.last());
            let Some((at, value)) = last.filter(|(_, value)| !is_stale(**value)) else {
                continue;
            };
            let labels = selection.labels(index);
            let key = (labels.metric_name().to_owned(), labels.clone());
            samples.insert(key, (*at, *value));
        }
    }
    Ok(samples)
}

/// How a page is written.
struct Page {
    /// What is added to series that have no such label.
    external: Labels,
    /// Whether names of any characters are understood; otherwise they are underscores.
    any_names: bool,
}

impl Page {
    fn write(&self, samples: Newest) -> String {
        let mut page = String::new();
        let mut family = None;
        for ((name, labels), (at, value)) in samples {
            // A series without a name cannot be written.
            if name.is_empty() {
                continue;
            }
            let shown = self.name(&name);
            if family.as_ref() != Some(&name) {
                // Writing to a String cannot fail.
                let _ = writeln!(page, "# TYPE {shown} untyped");
                family = Some(name.clone());
            }
            let quoted = shown.starts_with('"');
            let _ = write!(page, "{}{{", if quoted { "" } else { &shown });
            if quoted {
                let _ = write!(page, "{shown},");
            }
            let _ = writeln!(
                page,
                "{}}} {} {at}",
                self.labels(&labels),
                format_float(value)
            );
        }
        page
    }

    fn labels(&self, labels: &Labels) -> String {
        let mut all: BTreeMap<&str, &str> = self.external.iter().collect();
        // The scraper would add its own name of us otherwise.
        all.entry("instance").or_default();
        all.extend(labels.iter().filter(|(name, _)| *name != METRIC_NAME));
        let written = all.into_iter().map(|(name, value)| {
            let value = value
                .replace('\\', "\\\\")
                .replace('"', "\\\"")
                .replace('\n', "\\n");
            format!("{}=\"{value}\"", self.name(name))
        });
        written.collect::<Vec<_>>().join(",")
    }

    fn name(&self, name: &str) -> String {
        let is_plain = name
            .split(':')
            .all(|part| part.is_empty() || is_legacy_label_name(part));
        if is_plain {
            return name.to_owned();
        }
        if self.any_names {
            return format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""));
        }
        let mut escaped = String::new();
        for (place, character) in name.chars().enumerate() {
            let fits = character.is_ascii_alphabetic()
                || matches!(character, '_' | ':')
                || (place > 0 && character.is_ascii_digit());
            escaped.push(if fits { character } else { '_' });
        }
        escaped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(any_names: bool) -> String {
        let labels = |pairs: &[(&str, &str)]| Labels::from_pairs(pairs.iter().copied()).unwrap();
        let series = [
            (
                labels(&[("__name__", "up"), ("instance", "a"), ("job", "x\"\\\n")]),
                1.0,
            ),
            (labels(&[("__name__", "up"), ("job", "b")]), f64::INFINITY),
            (labels(&[("__name__", "größe"), ("9.a", "b")]), 2.5),
        ];
        let samples = series
            .into_iter()
            .map(|(labels, value)| ((labels.metric_name().to_owned(), labels), (5, value)));
        let external = labels(&[("job", "external"), ("site", "s")]);
        Page {
            external,
            any_names,
        }
        .write(samples.collect())
    }

    #[test]
    fn pages_are_written_as_clients_read_them() {
        let common = "# TYPE up untyped\n\
            up{instance=\"a\",job=\"x\\\"\\\\\\n\",site=\"s\"} 1 5\n\
            up{instance=\"\",job=\"b\",site=\"s\"} +Inf 5\n";
        let plain = "# TYPE gr__e untyped\n\
            gr__e{_.a=\"b\",instance=\"\",job=\"external\",site=\"s\"} 2.5 5\n"
            .replace("_.a", "__a");
        assert_eq!(page(false), plain + common);
        let any = "# TYPE \"größe\" untyped\n\
            {\"größe\",\"9.a\"=\"b\",instance=\"\",job=\"external\",site=\"s\"} 2.5 5\n";
        assert_eq!(page(true), any.to_owned() + common);
    }
}
