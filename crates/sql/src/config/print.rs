//! A plan in our own format.

mod yaml; // texts as YAML needs them

use std::collections::BTreeMap;
use std::fmt::Write as _;

use stonechat_model::{Secret, duration, format_float};

use self::yaml::{block, flow_list, flow_map, quote};
use super::time::{REPEAT_DEFAULT, ROWS_MAX_DEFAULT, jitter_default, timeout_default};
use super::url::{Shown, shown};
use crate::plan::{
    Metric, MetricKind, OnError, OnNull, Plan, PoolLimits, Query, RedisMode, Request, RestRequest,
    Schedule, Source, SourceKind, Tls, Values,
};

/// Writes a plan in our own format. Secrets are not written: variables of the environment stand in their place.
#[must_use]
pub fn print(plan: &Plan) -> String {
    let mut printer = Printer::default();
    printer.line(0, "sources:");
    for source in plan.sources.values() {
        printer.source(source);
    }
    printer.line(0, "queries:");
    for query in &plan.queries {
        printer.query(query);
    }
    let mut text = String::new();
    if !printer.secrets.is_empty() {
        text.push_str("# Secrets are not written here. Set these variables, or write `password_file` in the place of `password`:\n");
        for name in &printer.secrets {
            let _ = writeln!(text, "#   {name}");
        }
    }
    text.push_str(&printer.text);
    text
}

#[derive(Default)]
struct Printer {
    text: String,
    secrets: Vec<String>,
}

impl Printer {
    fn line(&mut self, depth: usize, line: &str) {
        let _ = writeln!(self.text, "{:1$}{line}", "", depth * 2);
    }

    fn pair(&mut self, depth: usize, key: &str, value: &str) {
        self.line(depth, &format!("{key}: {value}"));
    }

    /// The variable that stands for a secret.
    fn secret(&mut self, of: &[&str]) -> String {
        let name = of.join("_");
        let name: String = name
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() {
                    c.to_ascii_uppercase()
                } else {
                    '_'
                }
            })
            .collect();
        if !self.secrets.contains(&name) {
            self.secrets.push(name.clone());
        }
        quote(&format!("${{{name}}}"))
    }

    fn source(&mut self, source: &Source) {
        self.line(1, &format!("{}:", quote(&source.name)));
        match &source.kind {
            SourceKind::MySql(url) => self.database(source, "mysql", url),
            SourceKind::Postgres(url) => self.database(source, "postgres", url),
            SourceKind::ClickHouse(url) => self.database(source, "clickhouse", url),
            SourceKind::Sqlite(path) => self.pair(2, "sqlite", &quote(&escape(path))),
            SourceKind::Redis(redis) => self.redis(source, &redis.urls, &redis.mode),
            SourceKind::Rest(rest) => {
                let url = match shown(&rest.url) {
                    Shown::All(_) => quote(&escape(&rest.url)),
                    _ => self.secret(&[&source.name, "url"]),
                };
                self.pair(2, "rest", &url);
                self.headers(2, &source.name, &rest.headers);
            }
        }
        self.tls(&source.tls);
        if !source.labels.is_empty() {
            self.pair(2, "labels", &flow_map(&source.labels));
        }
        self.pool(&source.pool);
    }

    fn database(&mut self, source: &Source, kind: &str, url: &Secret) {
        match shown(url.reveal()) {
            Shown::All(url) => self.pair(2, kind, &quote(&escape(&url))),
            Shown::WithoutPassword(url) => {
                self.pair(2, kind, &quote(&escape(&url)));
                let password = self.secret(&[&source.name, "password"]);
                self.pair(2, "password", &password);
            }
            Shown::Nothing => {
                let url = self.secret(&[&source.name, "url"]);
                self.pair(2, kind, &url);
            }
        }
    }

    fn redis(&mut self, source: &Source, urls: &[Secret], mode: &RedisMode) {
        if let (RedisMode::Standalone, [url]) = (mode, urls) {
            return self.database(source, "redis", url);
        }
        let mut written = Vec::new();
        for (index, url) in urls.iter().enumerate() {
            written.push(match shown(url.reveal()) {
                Shown::All(url) => quote(&escape(&url)),
                _ => self.secret(&[&source.name, "url", &(index + 1).to_string()]),
            });
        }
        let urls = written.join(", ");
        let servers = match mode {
            RedisMode::Sentinel { master } => {
                format!("{{sentinels: [{urls}], master: {}}}", quote(master))
            }
            _ => format!("{{cluster: [{urls}]}}"),
        };
        self.pair(2, "redis", &servers);
    }

    fn headers(&mut self, depth: usize, owner: &str, headers: &BTreeMap<String, Secret>) {
        /// Headers that hold no secret.
        const OPEN: [&str; 4] = ["accept", "accept-language", "content-type", "user-agent"];
        if headers.is_empty() {
            return;
        }
        self.line(depth, "headers:");
        for (name, value) in headers {
            let value = if OPEN.contains(&name.to_ascii_lowercase().as_str()) {
                quote(&escape(value.reveal()))
            } else {
                self.secret(&[owner, name])
            };
            self.pair(depth + 1, &quote(name), &value);
        }
    }

    fn tls(&mut self, tls: &Tls) {
        let client = tls.client.as_ref();
        let files = [
            ("ca_file", tls.ca_file.as_ref()),
            ("cert_file", client.map(|client| &client.cert_file)),
            ("key_file", client.map(|client| &client.key_file)),
        ];
        let files: Vec<String> = files
            .into_iter()
            .filter_map(|(key, path)| Some(format!("{key}: {}", quote(&path?.to_string_lossy()))))
            .collect();
        if !files.is_empty() {
            self.pair(2, "tls", &format!("{{{}}}", files.join(", ")));
        }
    }

    fn pool(&mut self, pool: &PoolLimits) {
        let default = PoolLimits::default();
        let bound = |bound| duration::format(Option::unwrap_or_default(bound));
        if pool.connections_max != default.connections_max {
            self.pair(2, "connections_max", &pool.connections_max.to_string());
        }
        if pool.lifetime_max != default.lifetime_max {
            self.pair(2, "lifetime", &bound(pool.lifetime_max));
        }
        if pool.idle_max != default.idle_max {
            self.pair(2, "idle", &bound(pool.idle_max));
        }
        if pool.ping {
            self.pair(2, "ping", "true");
        }
        if pool.connect_timeout != default.connect_timeout {
            self.pair(
                2,
                "connect_timeout",
                &duration::format(pool.connect_timeout),
            );
        }
    }

    fn query(&mut self, query: &Query) {
        self.line(1, &format!("{}:", quote(&query.name)));
        self.pair(2, "source", &quote(&query.source.name));
        match &query.request {
            Request::Sql(sql) => self.pair(2, "sql", &block(sql, 3)),
            Request::Redis { command } => self.pair(2, "redis", &flow_list(command)),
            Request::Rest(rest) => self.rest(&query.name, rest),
        }
        self.times(query);
        if query.rows_max != ROWS_MAX_DEFAULT {
            self.pair(2, "rows_max", &query.rows_max.to_string());
        }
        if query.rows_required {
            self.pair(2, "rows_required", "true");
        }
        match query.on_error {
            OnError::Stale => {}
            OnError::Keep => self.pair(2, "on_error", "keep"),
            OnError::Nan => self.pair(2, "on_error", "nan"),
        }
        if !query.parameters.is_empty() {
            self.line(2, "parameters:");
            for set in &query.parameters {
                self.line(3, &format!("- {}", flow_map(set)));
            }
        }
        self.line(2, "metrics:");
        let mut names: Vec<&str> = Vec::new();
        for metric in &query.metrics {
            if !names.contains(&metric.name.as_str()) {
                names.push(&metric.name);
            }
        }
        for name in names {
            let of_name = query.metrics.iter().filter(|metric| metric.name == name);
            let of_name: Vec<&Metric> = of_name.collect();
            self.line(3, &format!("{}:", quote(name)));
            for metric in &of_name {
                self.metric(metric, of_name.len() > 1);
            }
        }
    }

    fn times(&mut self, query: &Query) {
        match &query.schedule {
            Schedule::Every(interval) => self.pair(2, "interval", &duration::format(*interval)),
            Schedule::Cron {
                expression,
                zone,
                repeat,
            } => {
                self.pair(2, "cron", &quote(expression));
                self.pair(2, "timezone", &quote(zone));
                if *repeat != REPEAT_DEFAULT {
                    self.pair(2, "repeat", &duration::format(*repeat));
                }
            }
        }
        if query.jitter != jitter_default(&query.schedule) {
            self.pair(2, "jitter", &duration::format(query.jitter));
        }
        if query.timeout != timeout_default(&query.schedule) {
            self.pair(2, "timeout", &duration::format(query.timeout));
        }
    }

    fn rest(&mut self, owner: &str, rest: &RestRequest) {
        self.line(2, "rest:");
        if rest.method != "GET" {
            self.pair(3, "method", &quote(&rest.method));
        }
        if !rest.path.is_empty() {
            self.pair(3, "path", &quote(&rest.path));
        }
        self.headers(3, owner, &rest.headers);
        if let Some(body) = &rest.body {
            self.pair(3, "body", &block(body, 4));
        }
        self.pair(3, "rows", &quote(&rest.rows));
        if !rest.columns.is_empty() {
            self.pair(3, "columns", &flow_map(&rest.columns));
        }
        if rest.retries != 0 {
            self.pair(3, "retries", &rest.retries.to_string());
        }
    }

    /// A metric, as an item of a list when there are several of its name.
    fn metric(&mut self, metric: &Metric, in_list: bool) {
        let mut keys = kind(&metric.kind);
        if !metric.help.is_empty() {
            keys.push(("help", quote(&metric.help)));
        }
        if !metric.labels.is_empty() {
            let plain = metric.labels.iter().all(|(label, column)| label == column);
            let columns: Vec<String> = metric.labels.iter().map(|it| it.1.clone()).collect();
            let pairs = metric.labels.iter().map(|(label, column)| (label, column));
            keys.push((
                "labels",
                if plain {
                    flow_list(&columns)
                } else {
                    flow_map(pairs)
                },
            ));
        }
        if !metric.constant_labels.is_empty() {
            keys.push(("constant_labels", flow_map(&metric.constant_labels)));
        }
        match &metric.values {
            Values::Scalar => {}
            Values::Column(column) => keys.push(("value", quote(column))),
            Values::Constant(value) => keys.push(("constant", format_float(*value))),
            Values::Columns { label, columns } => {
                keys.push(("values", flow_list(columns)));
                keys.push(("value_label", quote(label)));
            }
        }
        if let Some(column) = &metric.timestamp {
            keys.push(("timestamp", quote(column)));
        }
        match metric.on_null {
            OnNull::Skip => {}
            OnNull::Zero => keys.push(("on_null", "zero".to_owned())),
            OnNull::Nan => keys.push(("on_null", "nan".to_owned())),
        }
        for (index, (key, value)) in keys.iter().enumerate() {
            match (in_list, index) {
                (true, 0) => self.line(4, &format!("- {key}: {value}")),
                (true, _) => self.pair(5, key, value),
                (false, _) => self.pair(4, key, value),
            }
        }
    }
}

/// The type and what belongs to it.
fn kind(kind: &MetricKind) -> Vec<(&'static str, String)> {
    let numbers = |numbers: &[f64]| {
        let numbers: Vec<String> = numbers.iter().map(|it| format_float(*it)).collect();
        format!("[{}]", numbers.join(", "))
    };
    let (word, list, accumulate) = match kind {
        MetricKind::Gauge => ("gauge", None, false),
        MetricKind::Counter { accumulate } => ("counter", None, *accumulate),
        MetricKind::Histogram {
            buckets,
            accumulate,
        } => ("histogram", Some(("buckets", buckets)), *accumulate),
        MetricKind::Summary { quantiles } => ("summary", Some(("quantiles", quantiles)), false),
    };
    let mut keys = vec![("type", word.to_owned())];
    keys.extend(list.map(|(key, list)| (key, numbers(list))));
    if accumulate {
        keys.push(("accumulate", "true".to_owned()));
    }
    keys
}

/// `${` means a variable where secrets may stand.
fn escape(text: &str) -> String {
    text.replace("${", "$${")
}
