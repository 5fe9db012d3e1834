//! The format of `sql2metrics`: connections, and metrics of which each is one value of one query.

mod file; // as it is written

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use stonechat_model::Secret;
use stonechat_model::yaml::Spanned;

use self::file::{File, MetricFile, MySqlFile, RedisFile, RestFile};
use super::check::Check;
use super::time::{ROWS_MAX_DEFAULT, jitter_default};
use super::url::{self, Parts};
use super::variables;
use super::written::Entries;
use crate::plan::{
    Metric, MetricKind, OnError, OnNull, Plan, PoolLimits, Query, RedisMode, RedisSource, Request,
    RestRequest, RestSource, Schedule, Source, SourceKind, Tls, Values,
};

/// As sql2metrics has it: an hour.
const INTERVAL_DEFAULT: Duration = Duration::from_hours(1);
/// As long as its REST sources wait; its databases have no limit.
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(30);

/// What is known of a connection.
struct Connection {
    source: Arc<Source>,
    timeout: Duration,
    retries: u32,
}

/// Connections by the kind and the name with which metrics name them; `None` for one with mistakes.
type Connections = BTreeMap<(&'static str, String), Option<Connection>>;

pub(super) fn plan(check: &mut Check<'_>, text: &str) -> Option<Plan> {
    let expanded = variables::shell(check, text);
    let file: File = check.read(&expanded)?;
    let connections = connections(check, &file);
    for (section, what) in [
        (&file.prometheus, "its page is served by Stonechat itself"),
        (&file.alertmanager, "alerts come from rule files"),
        (&file.notifier, "people are told by `alertmanager.yml`"),
    ] {
        if let Some(section) = section {
            check.warn(section, format!("this section has no effect: {what}"));
        }
    }
    let interval = match file.schedule.as_ref().and_then(|it| it.interval.as_ref()) {
        Some(interval) if !interval.value.is_empty() => {
            let duration = check.go_duration(interval);
            duration.and_then(|duration| check.interval(interval, duration))
        }
        _ => Some(Schedule::Every(INTERVAL_DEFAULT)),
    };
    if file.metrics.as_ref().is_none_or(Vec::is_empty) {
        check.of_file("there are no metrics");
    }
    let mut plan = Plan::default();
    for metric in file.metrics.iter().flatten() {
        if metric.value.enabled == Some(false) {
            continue;
        }
        let query = query(check, &metric.value, &connections, interval.as_ref());
        plan.queries.extend(query.map(Arc::new));
    }
    // A connection that no metric needs is not opened there either.
    for query in &plan.queries {
        let source = &query.source;
        plan.sources.insert(source.name.clone(), Arc::clone(source));
    }
    Some(plan)
}

fn connections(check: &mut Check<'_>, file: &File) -> Connections {
    let mut connections = Connections::new();
    for (name, written) in file.mysql_connections.iter().flat_map(Entries::iter) {
        let connection = mysql(check, written, &name.value);
        connections.insert(("mysql", name.value.clone()), connection);
    }
    for (name, written) in file.redis_connections.iter().flat_map(Entries::iter) {
        let connection = redis(check, written, &name.value);
        connections.insert(("redis", name.value.clone()), connection);
    }
    for (name, written) in file.restapi_connections.iter().flat_map(Entries::iter) {
        let connection = rest(check, written, &name.value);
        connections.insert(("restapi", name.value.clone()), connection);
    }
    // The older sections are the default, unless there is one.
    if let Some(written) = &file.mysql {
        let key = ("mysql", "default".to_owned());
        let MySqlFile {
            host,
            user,
            database,
            ..
        } = &written.value;
        let is_given = [host, user, database]
            .into_iter()
            .flatten()
            .any(|it| !it.is_empty());
        if is_given && !connections.contains_key(&key) {
            let connection = mysql(check, written, "default");
            connections.insert(key, connection);
        }
    }
    if let Some(written) = &file.redis {
        let key = ("redis", "default".to_owned());
        let is_given = written
            .value
            .addr
            .as_ref()
            .is_some_and(|it| !it.value.is_empty());
        if is_given && !connections.contains_key(&key) {
            let connection = redis(check, written, "default");
            connections.insert(key, connection);
        }
    }
    connections
}

fn connection<T>(
    check: &Check<'_>,
    written: &Spanned<T>,
    name: String,
    kind: SourceKind,
) -> Connection {
    Connection {
        source: Arc::new(Source {
            name,
            kind,
            // Its own bounds.
            pool: PoolLimits {
                connections_max: 5,
                ..PoolLimits::default()
            },
            labels: BTreeMap::new(),
            tls: Tls::default(),
            place: check.place(written),
        }),
        timeout: TIMEOUT_DEFAULT,
        retries: 0,
    }
}

fn mysql(check: &mut Check<'_>, written: &Spanned<MySqlFile>, name: &str) -> Option<Connection> {
    let file = &written.value;
    let given = |value: &Option<String>| value.clone().filter(|value| !value.is_empty());
    let (Some(host), Some(user), Some(database)) =
        (given(&file.host), given(&file.user), given(&file.database))
    else {
        check.at(
            written,
            "a connection to MySQL needs host, user and database",
        );
        return None;
    };
    let port = file.port.filter(|port| *port != 0).unwrap_or(3306);
    let login = match given(&file.password) {
        Some(password) => format!("{user}:{password}"),
        None => user,
    };
    let options = file.params.iter().flatten();
    let options: Vec<_> = options
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let options = options.join("&");
    // The same text is handed to Go's driver there.
    let dsn = format!("mysql://{login}@tcp({host}:{port})/{database}?{options}");
    match super::dsn::go(&dsn) {
        Ok(dsn) => {
            for warning in &dsn.warnings {
                check.warn(written, warning);
            }
            Some(connection(
                check,
                written,
                format!("mysql_{name}"),
                dsn.kind,
            ))
        }
        Err(reason) => {
            check.at(written, reason);
            None
        }
    }
}

fn redis(check: &mut Check<'_>, written: &Spanned<RedisFile>, name: &str) -> Option<Connection> {
    let file = &written.value;
    if let Some(mode) = &file.mode
        && !matches!(mode.value.as_str(), "" | "standalone")
    {
        let help = "our own format can name sentinels and clusters";
        check.at_with_help(mode, "only `standalone` is known to sql2metrics", help);
        return None;
    }
    if let Some(skip) = file.skip_tls_verify.as_ref().filter(|skip| skip.value) {
        check.unsupported(Some(skip), "`skip_tls_verify`");
        return None;
    }
    let Some(addr) = file.addr.as_ref().filter(|addr| !addr.value.is_empty()) else {
        check.at_with_help(written, "a connection to Redis needs `addr`", "host:port");
        return None;
    };
    let (host, port) = addr.value.rsplit_once(':').unwrap_or((&addr.value, "6379"));
    let Ok(port) = port.parse() else {
        check.at_with_help(addr, format!("`{port}` is not a port"), "host:port");
        return None;
    };
    let tls = file.enable_tls.unwrap_or_default();
    let parts = Parts {
        scheme: if tls { "rediss" } else { "redis" },
        user: file.username.clone().unwrap_or_default(),
        password: file.password.clone().filter(|it| !it.is_empty()),
        host: host.to_owned(),
        port: Some(port),
        path: file.db.unwrap_or_default().to_string(),
        options: Vec::new(),
    };
    match url::build(&parts) {
        Ok(url) => {
            let kind = SourceKind::Redis(RedisSource {
                urls: vec![Secret::new(url)],
                mode: RedisMode::Standalone,
            });
            Some(connection(check, written, format!("redis_{name}"), kind))
        }
        Err(reason) => {
            check.at(addr, reason);
            None
        }
    }
}

fn rest(check: &mut Check<'_>, written: &Spanned<RestFile>, name: &str) -> Option<Connection> {
    let file = &written.value;
    let skip = file.tls.as_ref().and_then(|tls| tls.skip_verify.as_ref());
    if let Some(skip) = skip.filter(|skip| skip.value) {
        check.unsupported(Some(skip), "`skip_verify`");
        return None;
    }
    let Some(base) = file.base_url.as_ref().filter(|url| !url.value.is_empty()) else {
        check.at(written, "a connection to a REST service needs `base_url`");
        return None;
    };
    if let Err(reason) = url::normalise(&base.value, &["http", "https"], None) {
        check.at(base, reason);
        return None;
    }
    let headers = file.headers.iter().flatten();
    let kind = SourceKind::Rest(RestSource {
        url: base.value.trim_end_matches('/').to_owned(),
        headers: headers
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| (name.clone(), Secret::new(value.clone())))
            .collect(),
    });
    let timeout = match file.timeout.as_ref().filter(|it| !it.value.is_empty()) {
        Some(timeout) => check.go_duration(timeout)?,
        None => TIMEOUT_DEFAULT,
    };
    let mut retries = 0;
    if let Some(retry) = &file.retry {
        retries = retry.max_attempts.unwrap_or_default().saturating_sub(1);
        if let Some(backoff) = retry.backoff.as_ref().filter(|it| !it.value.is_empty()) {
            check.warn(
                backoff,
                "`backoff` has no effect: Stonechat chooses the pause itself",
            );
        }
    }
    Some(Connection {
        timeout,
        retries,
        ..connection(check, written, format!("restapi_{name}"), kind)
    })
}

fn query(
    check: &mut Check<'_>,
    metric: &MetricFile,
    connections: &Connections,
    schedule: Option<&Schedule>,
) -> Option<Query> {
    let kind = kind(check, metric);
    check.metric_name(&metric.name, kind.as_ref());
    check.query_name(&metric.name, &metric.name.value);
    let mut labels = BTreeMap::new();
    for (label, value) in metric.labels.iter().flat_map(Entries::iter) {
        check.label_name(label, kind.as_ref());
        labels.insert(label.value.clone(), value.value.clone());
    }
    let connection = connection_of(check, metric, connections);
    let (request, values) = request(check, metric, connection)?;
    let connection = connection?;
    let schedule = schedule?.clone();
    Some(Query {
        name: metric.name.value.clone(),
        source: Arc::clone(&connection.source),
        request,
        jitter: jitter_default(&schedule),
        timeout: connection.timeout,
        schedule,
        rows_max: ROWS_MAX_DEFAULT,
        parameters: Vec::new(),
        metrics: vec![Metric {
            name: metric.name.value.clone(),
            help: metric.help.clone().unwrap_or_default(),
            kind: kind?,
            labels: Vec::new(),
            constant_labels: labels,
            values,
            timestamp: None,
            // An answer that is no number is an error there, and an error is shown as NaN.
            on_null: OnNull::Nan,
        }],
        on_error: OnError::Nan,
        rows_required: true,
        place: check.place(&metric.name),
    })
}

fn kind(check: &mut Check<'_>, metric: &MetricFile) -> Option<MetricKind> {
    let type_ = metric.kind.as_ref().map_or("", |kind| kind.value.as_str());
    let written = metric.kind.as_ref().unwrap_or(&metric.name);
    match type_ {
        "" | "gauge" => Some(MetricKind::Gauge),
        "counter" => Some(MetricKind::Counter { accumulate: false }),
        "histogram" => {
            let Some(buckets) = &metric.buckets else {
                check.at(written, "a histogram needs `buckets`");
                return None;
            };
            let buckets = check.buckets(buckets)?;
            Some(MetricKind::Histogram {
                buckets,
                accumulate: true,
            })
        }
        "summary" => {
            let help = "sql2metrics itself never fills one; a histogram can be had";
            check.at_with_help(
                written,
                "a summary of single values is not supported yet",
                help,
            );
            None
        }
        other => {
            let message = format!("the type `{other}` is not known");
            check.at_with_help(written, message, "gauge, counter or histogram");
            None
        }
    }
}

fn connection_of<'c>(
    check: &mut Check<'_>,
    metric: &MetricFile,
    connections: &'c Connections,
) -> Option<&'c Connection> {
    let kind = match metric.source.value.as_str() {
        "mysql" => "mysql",
        "redis" => "redis",
        "restapi" => "restapi",
        "iotdb" => {
            check.leave_out(&metric.source, "the source `iotdb` is not supported yet");
            return None;
        }
        other => {
            let message = format!("the source `{other}` is not known");
            check.at_with_help(&metric.source, message, "mysql, redis or restapi");
            return None;
        }
    };
    let named = metric.connection.as_ref().filter(|it| !it.value.is_empty());
    let name = named.map_or("default", |name| name.value.as_str());
    if let Some(connection) = connections.get(&(kind, name.to_owned())) {
        return connection.as_ref();
    }
    let of_kind = connections.keys().filter(|(other, _)| *other == kind);
    let known: Vec<&str> = of_kind.map(|(_, name)| name.as_str()).collect();
    match named {
        Some(named) => check.unknown(&format!("{kind} connection"), named, known),
        None => {
            let message = format!("there is no {kind} connection `default`");
            check.at(&metric.source, message);
        }
    }
    None
}

fn request(
    check: &mut Check<'_>,
    metric: &MetricFile,
    connection: Option<&Connection>,
) -> Option<(Request, Values)> {
    let query = metric.query.as_ref().map_or("", |query| query.value.trim());
    match metric.source.value.as_str() {
        "mysql" | "redis" if query.is_empty() => {
            let message = format!("the metric `{}` has no query", metric.name.value);
            check.at(&metric.name, message);
            None
        }
        "mysql" => Some((Request::Sql(query.to_owned()), Values::Scalar)),
        "redis" => {
            let mut command: Vec<String> = query.split_whitespace().map(str::to_owned).collect();
            command[0].make_ascii_uppercase();
            Some((Request::Redis { command }, Values::Scalar))
        }
        "restapi" => {
            let retries = connection.map_or(0, |connection| connection.retries);
            let request = rest_request(check, metric, query, retries)?;
            let values = Values::Column("value".to_owned());
            Some((Request::Rest(request), values))
        }
        _ => None,
    }
}

/// `GET /path`, or `POST /path` and the body on the lines below; nothing means `GET`.
fn rest_request(
    check: &mut Check<'_>,
    metric: &MetricFile,
    query: &str,
    retries: u32,
) -> Option<RestRequest> {
    let (first, body) = query.split_once('\n').unwrap_or((query, ""));
    let (method, path) = first.trim().split_once(' ').unwrap_or((first.trim(), ""));
    let method = method.to_ascii_uppercase();
    if !matches!(method.as_str(), "" | "GET" | "POST") {
        let written = metric.query.as_ref().unwrap_or(&metric.name);
        let message = format!("the method `{method}` is not for reading");
        check.at_with_help(written, message, "GET or POST");
        return None;
    }
    let path = path.trim();
    let path = match path {
        "" => String::new(),
        path if path.starts_with('/') => path.to_owned(),
        path => format!("/{path}"),
    };
    let column = match &metric.result_field {
        Some(field) if field.value == "length" => {
            check.unsupported(Some(field), "the length of a list");
            return None;
        }
        Some(field) => json_path(&field.value),
        None => "$".to_owned(),
    };
    let body = body.trim();
    let mut headers = BTreeMap::new();
    if !body.is_empty() {
        let json = Secret::new("application/json");
        headers.insert("Content-Type".to_owned(), json);
    }
    Some(RestRequest {
        method: if method.is_empty() {
            "GET".to_owned()
        } else {
            method
        },
        path,
        headers,
        body: (!body.is_empty()).then(|| body.to_owned()),
        rows: "$".to_owned(),
        columns: BTreeMap::from([("value".to_owned(), column)]),
        retries,
    })
}

/// `data.items[0].value` as a JSONPath.
fn json_path(field: &str) -> String {
    let mut path = "$".to_owned();
    for part in field.split('.').filter(|part| !part.is_empty()) {
        let (name, indexes) = part.split_at(part.find('[').unwrap_or(part.len()));
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let starts = name.starts_with(|c: char| !c.is_ascii_digit());
        if name.is_empty() {
        } else if starts && name.chars().all(is_plain) {
            path.push('.');
            path.push_str(name);
        } else {
            let name = name.replace('\\', "\\\\").replace('\'', "\\'");
            path.push_str(&format!("['{name}']"));
        }
        path.push_str(indexes);
    }
    path
}
