//! PostgreSQL: URLs of libpq and its kin.

use super::super::url::{self, POSTGRES_OPTIONS, Parts};
use super::{Dsn, seconds, secret};
use crate::plan::SourceKind;

/// Folders in which PostgreSQL keeps its socket.
const SOCKET_FOLDERS: [&str; 3] = ["/var/run/postgresql", "/run/postgresql", "/tmp"];

pub(super) fn read(rest: &str, scheme: &str) -> Result<Dsn, String> {
    let (rest, socket) = without_socket(rest);
    let url = url::parse(&format!("postgres:{rest}"))?;
    let database = url::decode(url.path().trim_start_matches('/'));
    if database.starts_with("include") || database.starts_with("exclude") {
        return Err("a choice of databases by pattern is not supported yet".to_owned());
    }
    let (mut options, mut settings) = (Vec::new(), Vec::new());
    let (mut warnings, mut connect_timeout) = (Vec::new(), None);
    for (name, value) in url.query_pairs().into_owned() {
        match name.as_str() {
            "connect_timeout" => connect_timeout = seconds(&value),
            "fallback_application_name" => options.push(("application_name".to_owned(), value)),
            "client_encoding" | "binary_parameters" | "disable_prepared_binary_result" => {
                warnings.push(format!("the option `{name}` has no effect here"));
            }
            known if POSTGRES_OPTIONS.contains(&known) => options.push((name, value)),
            // As in Go's driver, what is left is a setting of the session.
            _ => settings.push((name, value)),
        }
    }
    let host = url.host_str().unwrap_or("localhost").to_owned();
    let port = url.port();
    let shown = match (&socket, port) {
        (Some(socket), _) => socket.clone(),
        (None, Some(port)) => format!("{host}:{port}"),
        (None, None) => host.clone(),
    };
    if let Some(socket) = socket {
        options.push(("host".to_owned(), socket));
    }
    let user = url::decode(url.username());
    let written = url::build(&Parts {
        scheme: "postgres",
        user: user.clone(),
        password: url.password().map(url::decode),
        host,
        port,
        path: database.clone(),
        options,
    })?;
    let mut dsn = Dsn {
        kind: SourceKind::Postgres(secret(written)),
        driver: scheme.split('+').next().unwrap_or(scheme).to_owned(),
        host: shown,
        database,
        user,
        connect_timeout,
        warnings,
    };
    for (name, value) in settings {
        dsn.set(&name, &value)?;
    }
    Ok(dsn)
}

/// Takes the folder of a socket out of `//user@/var/run/postgresql/name`.
fn without_socket(rest: &str) -> (String, Option<String>) {
    let authority = rest.trim_start_matches('/');
    let Some((login, path)) = authority.split_once('/') else {
        return (rest.to_owned(), None);
    };
    let path = format!("/{path}");
    let hostless = login.is_empty() || login.ends_with('@') || rest.starts_with("///");
    if !hostless {
        return (rest.to_owned(), None);
    }
    let login = if login.ends_with('@') { login } else { "" };
    let (path, query) = match path.split_once('?') {
        Some((path, query)) => (path.to_owned(), format!("?{query}")),
        None => (path, String::new()),
    };
    let folder = SOCKET_FOLDERS
        .iter()
        .find_map(|folder| path.strip_prefix(folder).map(|name| (*folder, name)));
    match folder {
        Some((folder, name)) => {
            let name = name.trim_start_matches('/');
            let url = format!("//{login}localhost/{name}{query}");
            (url, Some(folder.to_owned()))
        }
        None => (format!("//{login}localhost{path}{query}"), None),
    }
}

impl Dsn {
    /// A setting of each session.
    ///
    /// # Errors
    /// When the database cannot be given one in its URL.
    pub(in super::super) fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let SourceKind::Postgres(written) = &self.kind else {
            return Err(format!(
                "a setting of the session such as `{name}` is supported for PostgreSQL only yet"
            ));
        };
        let mut url = url::parse(written.reveal())?;
        // A blank would end the value.
        let value = value.replace('\\', "\\\\").replace(' ', "\\ ");
        let setting = format!("-c {name}={value}");
        let (before, others): (Vec<_>, Vec<_>) = url
            .query_pairs()
            .into_owned()
            .partition(|(name, _)| name == "options");
        let mut settings: Vec<String> = before.into_iter().map(|(_, value)| value).collect();
        settings.push(setting);
        url.query_pairs_mut()
            .clear()
            .extend_pairs(others)
            .append_pair("options", &settings.join(" "));
        self.kind = SourceKind::Postgres(secret(url.into()));
        Ok(())
    }

    /// One statement `SET name = value` of those that are sent to a new connection.
    ///
    /// # Errors
    /// When it is another statement, or the database cannot be given settings.
    pub(in super::super) fn startup(&mut self, statement: &str) -> Result<(), String> {
        let other = || "only `SET name = value` for PostgreSQL is supported yet".to_owned();
        let statement = statement.trim().trim_end_matches(';');
        let (set, rest) = statement
            .split_once(char::is_whitespace)
            .ok_or_else(other)?;
        if !set.eq_ignore_ascii_case("set") {
            return Err(other());
        }
        let rest = rest.trim_start();
        let rest = match rest.split_once(char::is_whitespace) {
            Some((word, rest)) if word.eq_ignore_ascii_case("session") => rest,
            _ => rest,
        };
        let (name, value) = match rest.split_once('=') {
            Some((name, value)) => (name.trim(), value.trim()),
            None => {
                let at = rest.to_ascii_lowercase().find(" to ").ok_or_else(other)?;
                (rest[..at].trim(), rest[at + 4..].trim())
            }
        };
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
        if name.is_empty() || !name.chars().all(is_name) {
            return Err(other());
        }
        let value = value
            .strip_prefix('\'')
            .and_then(|value| value.strip_suffix('\''))
            .unwrap_or(value);
        self.set(name, value)
    }
}
