//! What can be wrong with a template, in Go's words and with its place.

/// Why a template cannot be read or executed. The texts are those of Go's `text/template`, which people search for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text is no template: mend it at the place.
    #[error("template: {template}:{}: {message}", .place.line)]
    Parse {
        /// The template's name.
        template: String,
        /// Where.
        place: Place,
        /// What is wrong.
        message: String,
    },
    /// The template cannot be executed on this data: mend the action at the place.
    #[error("template: {template}:{place}: executing {running:?} at <{action}>: {message}")]
    Execute {
        /// The template in whose text the place is.
        template: String,
        /// Where.
        place: Place,
        /// The named template that was being executed.
        running: String,
        /// The part of the template that failed.
        action: String,
        /// What is wrong.
        message: String,
    },
    /// There is no template of that name: define it, or mend the name.
    #[error("template: no template {0:?} associated with the set")]
    Unknown(String),
    /// Output, steps or depth went past their limit: simplify the template.
    #[error("template: {template}: {limit} exceeded")]
    Limit {
        /// The named template that was being executed.
        template: String,
        /// Which limit, with its number.
        limit: String,
    },
}

/// A place in a template's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// From 1.
    pub line: usize,
    /// Bytes before the place on its line, as Go counts them: from 0.
    pub column: usize,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

impl Place {
    pub(crate) fn of(text: &str, offset: usize) -> Self {
        let before = &text.as_bytes()[..offset.min(text.len())];
        let line_start = before
            .iter()
            .rposition(|&byte| byte == b'\n')
            .map_or(0, |newline| newline + 1);
        Self {
            line: 1 + before.iter().filter(|&&byte| byte == b'\n').count(),
            column: before.len() - line_start,
        }
    }
}

impl Error {
    /// Where the mistake is, when it has a place.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        match self {
            Self::Parse { place, .. } | Self::Execute { place, .. } => Some(*place),
            Self::Unknown(_) | Self::Limit { .. } => None,
        }
    }
}
