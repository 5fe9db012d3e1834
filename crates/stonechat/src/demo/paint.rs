//! Colours, where somebody sees them.

use std::io::IsTerminal;
use std::sync::OnceLock;

/// A colour or weight of a text in a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paint {
    Bold,
    Dim,
    Link,
    Red,
    Green,
    Yellow,
    Magenta,
    Cyan,
}

impl Paint {
    /// The text in this colour; as it is when standard output is no terminal or `NO_COLOR` is set.
    pub(crate) fn on(self, text: &str) -> String {
        static SHOWN: OnceLock<bool> = OnceLock::new();
        let shown = *SHOWN.get_or_init(|| {
            std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none()
        });
        if !shown {
            return text.to_owned();
        }
        let code = match self {
            Self::Bold => "1",
            Self::Dim => "2",
            Self::Link => "1;4",
            Self::Red => "31",
            Self::Green => "32",
            Self::Yellow => "33",
            Self::Magenta => "35",
            Self::Cyan => "36",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}
