//! Which format an answer has.

/// A format that this crate reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// Prometheus' text format 0.0.4 (and 1.0.0, which adds names in quotes; both are read alike).
    Text,
    /// OpenMetrics 1.0 (and 0.0.1).
    OpenMetrics,
}

/// Why an answer's format is not known. Prometheus 3 fails such a scrape too instead of guessing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// The target has to send a `Content-Type`.
    #[error("the answer has no Content-Type")]
    Missing,
    /// The target sends something else than metrics, for example a page for people.
    #[error("the Content-Type {0:?} is no metrics format that can be read")]
    Unknown(String),
}

impl Format {
    /// The format that a `Content-Type` header names. Its parameters do not matter.
    ///
    /// # Errors
    /// When the header is missing or names no format that can be read.
    pub fn of_content_type(header: Option<&str>) -> Result<Self, FormatError> {
        let header = header.filter(|header| !header.trim().is_empty());
        let header = header.ok_or(FormatError::Missing)?;
        let media_type = header.split(';').next().unwrap_or_default().trim();
        if media_type.eq_ignore_ascii_case("text/plain") {
            Ok(Self::Text)
        } else if media_type.eq_ignore_ascii_case("application/openmetrics-text") {
            Ok(Self::OpenMetrics)
        } else {
            Err(FormatError::Unknown(header.chars().take(100).collect()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_media_type_decides() {
        for (header, expected) in [
            ("text/plain", Some(Format::Text)),
            (
                "text/plain; version=0.0.4; charset=utf-8",
                Some(Format::Text),
            ),
            ("Text/Plain ;version=1.0.0", Some(Format::Text)),
            (
                "application/openmetrics-text; version=1.0.0",
                Some(Format::OpenMetrics),
            ),
            ("text/html; charset=utf-8", None),
            ("application/json", None),
            ("", None),
        ] {
            assert_eq!(
                Format::of_content_type(Some(header)).ok(),
                expected,
                "{header}"
            );
        }
        assert_eq!(Format::of_content_type(None), Err(FormatError::Missing));
    }
}
