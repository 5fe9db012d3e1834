//! SQLite: a file.

use super::Dsn;
use crate::plan::SourceKind;

/// `sqlite3:path`, `sqlite3://path`, `file:path?mode=ro`.
pub(super) fn go(rest: &str) -> Result<Dsn, String> {
    file(rest.strip_prefix("//").unwrap_or(rest))
}

/// `sqlite:///path` counts from the folder in which the program runs, `sqlite:////path` from the root.
pub(super) fn sqlalchemy(rest: &str) -> Result<Dsn, String> {
    file(rest.strip_prefix("///").unwrap_or_default())
}

fn file(path: &str) -> Result<Dsn, String> {
    let (path, options) = path.split_once('?').unwrap_or((path, ""));
    if path.is_empty() || path == ":memory:" {
        return Err("a database in memory is empty; give the path of a file".to_owned());
    }
    let warnings = options
        .split('&')
        .filter(|option| !option.is_empty() && *option != "mode=ro")
        .map(|option| {
            let name = option.split('=').next().unwrap_or(option);
            format!("the option `{name}` has no effect here")
        });
    Ok(Dsn {
        kind: SourceKind::Sqlite(path.to_owned()),
        driver: "sqlite3".to_owned(),
        host: String::new(),
        database: path.to_owned(),
        user: String::new(),
        connect_timeout: None,
        warnings: warnings.collect(),
    })
}
