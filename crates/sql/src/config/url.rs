//! URLs of databases: one way to write each, and passwords kept apart.

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use stonechat_model::nearest;
use url::Url;

/// What a URL may say behind its `?`, for the databases that connect with it.
pub(super) const MYSQL_OPTIONS: [&str; 8] = [
    "ssl-mode",
    "ssl-ca",
    "ssl-cert",
    "ssl-key",
    "charset",
    "collation",
    "socket",
    "time-zone",
];
/// The same for PostgreSQL.
pub(super) const POSTGRES_OPTIONS: [&str; 7] = [
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "host",
    "application_name",
    "options",
];

/// The parts of which a URL is built.
#[derive(Debug, Clone, Default)]
pub(super) struct Parts {
    pub(super) scheme: &'static str,
    pub(super) user: String,
    pub(super) password: Option<String>,
    pub(super) host: String,
    pub(super) port: Option<u16>,
    pub(super) path: String,
    pub(super) options: Vec<(String, String)>,
}

/// Writes text so that it can stand anywhere in a URL.
pub(super) fn encode(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

pub(super) fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// Builds a URL.
///
/// # Errors
/// What is wrong with the parts.
pub(super) fn build(parts: &Parts) -> Result<String, String> {
    let host = &parts.host;
    let host = if host.contains(':') && !host.starts_with('[') {
        format!("[{host}]")
    } else {
        host.clone()
    };
    let mut url = Url::parse(&format!("{}://{host}/", parts.scheme))
        .map_err(|error| format!("not a host: `{host}` ({error})"))?;
    let broken = |()| "a URL without host".to_owned();
    url.set_username(&parts.user).map_err(broken)?;
    url.set_password(parts.password.as_deref())
        .map_err(broken)?;
    url.set_port(parts.port).map_err(broken)?;
    url.set_path(&parts.path);
    if !parts.options.is_empty() {
        url.query_pairs_mut().extend_pairs(&parts.options);
    }
    Ok(url.into())
}

/// A URL in the one way in which we write it, with a password that was given beside it.
///
/// # Errors
/// What is wrong with it.
pub(super) fn normalise(
    text: &str,
    schemes: &[&str],
    password: Option<&str>,
) -> Result<String, String> {
    let mut url = parse(text)?;
    if !schemes.contains(&url.scheme()) {
        let wanted = schemes.join("://` or `");
        return Err(format!(
            "a URL with `{}://`, where `{wanted}://` is meant",
            url.scheme()
        ));
    }
    let inside = url.password().map(decode);
    let password = match (inside.as_deref(), password) {
        (Some(_), Some(_)) => return Err("a password in the URL and another beside it".to_owned()),
        (inside, beside) => inside.or(beside),
    };
    if password.is_some() {
        url.set_password(password)
            .map_err(|()| "a URL without host cannot have a password".to_owned())?;
    }
    Ok(url.into())
}

pub(super) fn parse(text: &str) -> Result<Url, String> {
    // The text itself may hold a password, and does not belong into a message.
    Url::parse(text)
        .map_err(|error| format!("not a URL: {error}; write `scheme://user@host:port/name`"))
}

/// Options of a URL that the database would not understand.
pub(super) fn unknown_options(text: &str, known: &[&str]) -> Vec<String> {
    let Ok(url) = Url::parse(text) else {
        return Vec::new();
    };
    let unknown = url.query_pairs().filter_map(|(key, _)| {
        if known.contains(&&*key) {
            return None;
        }
        let help = match nearest(&key, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known here: {}", known.join(", ")),
        };
        Some(format!("unknown option `{key}` in the URL; {help}"))
    });
    unknown.collect()
}

/// What of a URL may be shown.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// All.
    All(String),
    /// All but the password, which has been taken out.
    WithoutPassword(String),
    /// Nothing: there is a secret in its middle.
    Nothing,
}

/// Parts of the names of URL options that hold secrets.
const SECRET_OPTIONS: [&str; 6] = ["password", "secret", "token", "key", "sig", "auth"];

/// Splits the password from a URL.
pub(super) fn shown(text: &str) -> Shown {
    let Ok(mut url) = Url::parse(text) else {
        return Shown::Nothing;
    };
    let names_file = |name: &str| matches!(name, "ssl-key" | "sslkey");
    let secret = url.query_pairs().any(|(name, _)| {
        let name = name.to_ascii_lowercase();
        !names_file(&name) && SECRET_OPTIONS.iter().any(|secret| name.contains(secret))
    });
    if secret {
        return Shown::Nothing;
    }
    if url.password().is_none() {
        return Shown::All(text.to_owned());
    }
    match url.set_password(None) {
        Ok(()) => Shown::WithoutPassword(url.into()),
        Err(()) => Shown::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_written_in_one_way() {
        for (text, password, shown) in [
            ("mysql://u:p%21@h/d", None, Ok("mysql://u:p!@h/d")),
            (
                "mysql://u@h:1/d",
                Some("a/b@c:d"),
                Ok("mysql://u:a%2Fb%40c%3Ad@h:1/d"),
            ),
            (
                "redis://h/0",
                Some("x"),
                Err("a URL with `redis://`, where `mysql://` is meant"),
            ),
            (
                "mysql://u:p@h/d",
                Some("x"),
                Err("a password in the URL and another beside it"),
            ),
            (
                "db1",
                None,
                Err("not a URL: relative URL without a base; write `scheme://user@host:port/name`"),
            ),
        ] {
            let normal = normalise(text, &["mysql"], password);
            assert_eq!(
                normal,
                shown.map(str::to_owned).map_err(str::to_owned),
                "{text}"
            );
            if let Ok(normal) = normal {
                assert_eq!(normalise(&normal, &["mysql"], None), Ok(normal.clone()));
            }
        }
    }

    #[test]
    fn a_secret_is_not_shown() {
        for (text, expected) in [
            ("mysql://u@h/d", Shown::All("mysql://u@h/d".to_owned())),
            (
                "mysql://u:p@h/d?ssl-mode=REQUIRED",
                Shown::WithoutPassword("mysql://u@h/d?ssl-mode=REQUIRED".to_owned()),
            ),
            ("https://h/d?api_token=x", Shown::Nothing),
            ("no url", Shown::Nothing),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }
}
