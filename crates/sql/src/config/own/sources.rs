//! Where questions can be asked.

use std::collections::BTreeMap;
use std::sync::Arc;

use stonechat_model::Secret;
use stonechat_model::yaml::Spanned;

use super::super::check::Check;
use super::super::url::{self, MYSQL_OPTIONS, POSTGRES_OPTIONS, Parts};
use super::super::written::{Entries, Never, Shape, Text};
use super::file::{File, PartsFile, RedisFile, SourceFile};
use super::tls;
use crate::plan::{PoolLimits, RedisMode, RedisSource, RestSource, Source, SourceKind};

/// The sources of one file; `None` for one with mistakes, so that queries can still refer to it.
pub(super) fn sources(check: &mut Check<'_>, file: &File) -> Vec<(String, Option<Arc<Source>>)> {
    let mut sources = Vec::new();
    for (name, written) in file.sources.iter().flat_map(Entries::iter) {
        check.source_name(name, &name.value);
        let source = source(check, name, written).map(Arc::new);
        sources.push((name.value.clone(), source));
    }
    sources
}

fn source(check: &mut Check<'_>, name: &Text, written: &Spanned<SourceFile>) -> Option<Source> {
    let labels = labels(check, written.value.labels.as_ref());
    let pool = pool(check, &written.value);
    let password = password(check, &written.value);
    let kind = kind(check, name, &written.value, password?.as_deref());
    let (kind, tls) = tls::apply(check, &written.value, kind?)?;
    Some(Source {
        name: name.value.clone(),
        kind,
        pool: pool?,
        labels,
        tls,
        place: check.place(name),
    })
}

fn labels(check: &mut Check<'_>, written: Option<&Entries<Text>>) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    for (name, value) in written.into_iter().flat_map(Entries::iter) {
        check.label_name(name, None);
        labels.insert(name.value.clone(), value.value.clone());
    }
    labels
}

/// The password, if there is one; `None` when it is wrong.
#[expect(
    clippy::option_option,
    reason = "none because of a mistake is not none at all"
)]
fn password(check: &mut Check<'_>, written: &SourceFile) -> Option<Option<String>> {
    match (&written.password, &written.password_file) {
        (Some(_), Some(file)) => {
            let help = "leave one out";
            check.at_with_help(file, "`password` and `password_file` are both given", help);
            None
        }
        (Some(password), None) => check.expand(password).map(Some),
        (None, Some(file)) => check.secret_file(file).map(Some),
        (None, None) => Some(None),
    }
}

fn pool(check: &mut Check<'_>, written: &SourceFile) -> Option<PoolLimits> {
    let default = PoolLimits::default();
    if let Some(max) = written
        .connections_max
        .as_ref()
        .filter(|max| max.value == 0)
    {
        let help = "every query needs one; write at least 1";
        check.at_with_help(max, "`connections_max` is 0", help);
        return None;
    }
    if let Some(timeout) = &written.connect_timeout
        && timeout.value.0.is_zero()
    {
        check.at_with_help(timeout, "`connect_timeout` is 0", "write for example 5s");
        return None;
    }
    // 0 means that there is no bound.
    let bound = |given: Option<stonechat_model::duration::ConfigDuration>, default| match given {
        Some(given) => (!given.0.is_zero()).then_some(given.0),
        None => default,
    };
    let connections_max = written.connections_max.as_ref();
    let connect_timeout = written.connect_timeout.as_ref();
    Some(PoolLimits {
        connections_max: connections_max.map_or(default.connections_max, |max| max.value),
        lifetime_max: bound(written.lifetime, default.lifetime_max),
        idle_max: bound(written.idle, default.idle_max),
        ping: written.ping.unwrap_or(default.ping),
        connect_timeout: connect_timeout.map_or(default.connect_timeout, |given| given.value.0),
    })
}

fn kind(
    check: &mut Check<'_>,
    name: &Text,
    written: &SourceFile,
    password: Option<&str>,
) -> Option<SourceKind> {
    let given = [
        ("mysql", written.mysql.is_some()),
        ("postgres", written.postgres.is_some()),
        ("clickhouse", written.clickhouse.is_some()),
        ("sqlite", written.sqlite.is_some()),
        ("redis", written.redis.is_some()),
        ("rest", written.rest.is_some()),
    ];
    let given: Vec<&str> = given
        .into_iter()
        .filter_map(|(kind, is_given)| is_given.then_some(kind))
        .collect();
    if given.len() != 1 {
        let message = match given.as_slice() {
            [] => format!("the source `{}` says not what it is", name.value),
            many => format!(
                "the source `{}` is {} at once",
                name.value,
                many.join(" and ")
            ),
        };
        let help = "give one of mysql, postgres, sqlite, clickhouse, redis, rest";
        check.at_with_help(name, message, help);
        return None;
    }
    // Only where it could be believed to be in force.
    if written.rest.is_none() {
        for (header, _) in written
            .headers
            .iter()
            .chain(&written.header_files)
            .flat_map(Entries::iter)
        {
            check.at(header, "only a `rest` source has headers");
        }
    }
    if let Some(password) = written.password.as_ref().or(written.password_file.as_ref())
        && (written.rest.is_some() || written.sqlite.is_some())
    {
        let help = "a `rest` source takes `headers`";
        check.at_with_help(password, "this source takes no password", help);
    }
    let database = |check: &mut Check<'_>, written, kind| database(check, written, kind, password);
    match written {
        SourceFile {
            mysql: Some(it), ..
        } => database(check, it, Database::MySql).map(SourceKind::MySql),
        SourceFile {
            postgres: Some(it), ..
        } => database(check, it, Database::Postgres).map(SourceKind::Postgres),
        SourceFile {
            clickhouse: Some(it),
            ..
        } => database(check, it, Database::ClickHouse).map(SourceKind::ClickHouse),
        SourceFile {
            sqlite: Some(path), ..
        } => sqlite(check, path),
        SourceFile {
            redis: Some(it), ..
        } => redis(check, it, password).map(SourceKind::Redis),
        SourceFile {
            rest: Some(url), ..
        } => rest(check, url, written).map(SourceKind::Rest),
        _ => None,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Database {
    MySql,
    Postgres,
    ClickHouse,
}

impl Database {
    fn schemes(self) -> &'static [&'static str] {
        match self {
            Self::MySql => &["mysql", "mariadb"],
            Self::Postgres => &["postgres", "postgresql"],
            Self::ClickHouse => &["http", "https"],
        }
    }

    /// Options that are understood; `ClickHouse` takes all its settings in the URL.
    fn options(self) -> Option<&'static [&'static str]> {
        match self {
            Self::MySql => Some(&MYSQL_OPTIONS),
            Self::Postgres => Some(&POSTGRES_OPTIONS),
            Self::ClickHouse => None,
        }
    }
}

/// A URL or parts of one.
fn database(
    check: &mut Check<'_>,
    written: &Spanned<Shape<Never, PartsFile>>,
    kind: Database,
    password: Option<&str>,
) -> Option<Secret> {
    let text = match &written.value {
        Shape::Scalar(url) => {
            let url = Spanned::new(url.clone(), written.referenced, written.defined);
            check.expand_url(&url)?
        }
        Shape::Map(parts) => {
            let parts = expanded(check, parts, kind)?;
            match url::build(&parts) {
                Ok(url) => url,
                Err(reason) => {
                    check.at(written, reason);
                    return None;
                }
            }
        }
        Shape::List(never) => match *never {},
    };
    if let Some(known) = kind.options() {
        for unknown in url::unknown_options(&text, known) {
            check.at(written, unknown);
        }
    }
    match url::normalise(&text, kind.schemes(), password) {
        Ok(url) => Some(Secret::new(url)),
        Err(reason) => {
            check.at(written, reason);
            None
        }
    }
}

fn expanded(check: &mut Check<'_>, written: &PartsFile, kind: Database) -> Option<Parts> {
    let mut text = |text: &Option<Text>| match text {
        Some(text) => check.expand(text),
        None => Some(String::new()),
    };
    let host = text(&Some(written.host.clone()));
    let user = text(&written.user);
    let database = text(&written.database);
    let mut options = Vec::new();
    for (name, value) in written.options.iter().flat_map(Entries::iter) {
        options.push((name.value.clone(), check.expand(value)?));
    }
    let mut path = database?;
    if kind == Database::ClickHouse && !path.is_empty() {
        options.insert(0, ("database".to_owned(), std::mem::take(&mut path)));
    }
    Some(Parts {
        scheme: kind.schemes()[0],
        user: user?,
        password: None,
        host: host?,
        port: match kind {
            Database::ClickHouse => Some(written.port.unwrap_or(8123)),
            _ => written.port,
        },
        path,
        options,
    })
}

fn sqlite(check: &mut Check<'_>, path: &Text) -> Option<SourceKind> {
    let text = check.expand(path)?;
    let file = text.strip_prefix("sqlite:").unwrap_or(&text);
    if file.is_empty() || file == ":memory:" {
        check.at(
            path,
            "a database in memory is empty; give the path of a file",
        );
        return None;
    }
    // As every path in a configuration, it counts from the folder of the file.
    let file = check.beside(file);
    Some(SourceKind::Sqlite(file.to_string_lossy().into_owned()))
}

fn redis(
    check: &mut Check<'_>,
    written: &Spanned<Shape<Never, RedisFile>>,
    password: Option<&str>,
) -> Option<RedisSource> {
    let file = match &written.value {
        Shape::Scalar(url) => {
            let url = Spanned::new(url.clone(), written.referenced, written.defined);
            return Some(RedisSource {
                urls: vec![redis_url(check, &url, password)?],
                mode: RedisMode::Standalone,
            });
        }
        Shape::Map(file) => file,
        Shape::List(never) => match *never {},
    };
    let (urls, mode) = match (&file.sentinels, &file.master, &file.cluster) {
        (Some(urls), Some(master), None) => {
            let master = master.value.clone();
            (urls, RedisMode::Sentinel { master })
        }
        (None, None, Some(urls)) => (urls, RedisMode::Cluster),
        _ => {
            let help = "a URL, or `sentinels` with `master`, or `cluster`";
            check.at_with_help(written, "it is not clear which servers are meant", help);
            return None;
        }
    };
    if urls.is_empty() {
        check.at(written, "there is no server in the list");
        return None;
    }
    let urls: Vec<_> = urls
        .iter()
        .map(|url| redis_url(check, url, password))
        .collect();
    Some(RedisSource {
        urls: urls.into_iter().collect::<Option<_>>()?,
        mode,
    })
}

fn redis_url(check: &mut Check<'_>, written: &Text, password: Option<&str>) -> Option<Secret> {
    let text = check.expand_url(written)?;
    match url::normalise(&text, &["redis", "rediss"], password) {
        Ok(url) => Some(Secret::new(url)),
        Err(reason) => {
            check.at(written, reason);
            None
        }
    }
}

fn rest(check: &mut Check<'_>, written: &Text, source: &SourceFile) -> Option<RestSource> {
    let text = check.expand_url(written)?;
    let schemes = ["http", "https"];
    if let Err(reason) = url::normalise(&text, &schemes, None) {
        check.at(written, reason);
        return None;
    }
    let mut headers = super::queries::headers(check, source.headers.as_ref())?;
    for (name, path) in source.header_files.iter().flat_map(Entries::iter) {
        let value = check.secret_file(path)?;
        if headers
            .insert(name.value.clone(), Secret::new(value))
            .is_some()
        {
            check.at(name, format!("the header `{}` is given twice", name.value));
        }
    }
    Some(RestSource { url: text, headers })
}
