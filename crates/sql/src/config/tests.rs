use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use super::*;
use crate::plan::{Place, Query, Source};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files")
}

fn variables(name: &str) -> Option<String> {
    let value = match name {
        "SHOP_PASSWORD" => "a b",
        "WEB_PASSWORD" | "MYSQL_PASS" => "x:y/z@",
        "REDIS_PASS" | "PG_PASSWORD" => "hunter2",
        "SHOP_TOKEN" => "t0ken",
        "PG_DSN" => "postgresql+psycopg2://reader:hunter2@pg1/chat",
        _ => return None,
    };
    Some(value.to_owned())
}

/// A plan without the places at which it is written.
fn without_places(plan: &Plan) -> Plan {
    let source = |source: &Arc<Source>| {
        Arc::new(Source {
            place: Place::default(),
            ..(**source).clone()
        })
    };
    let query = |query: &Arc<Query>| {
        Arc::new(Query {
            place: Place::default(),
            source: source(&query.source),
            ..(**query).clone()
        })
    };
    Plan {
        sources: plan
            .sources
            .iter()
            .map(|(name, it)| (name.clone(), source(it)))
            .collect(),
        queries: plan.queries.iter().map(query).collect(),
    }
}

/// Every secret that a plan holds, under the variable that stands for it when it is printed: all are the same here.
fn same_secrets(text: &str) -> String {
    let mut printed = text.to_owned();
    for secret in [
        "p%40ss%3Aw%2Frd",
        "a%20b",
        "x%3Ay%2Fz%40",
        "hunter2",
        "secret",
        "p%40ss",
    ] {
        printed = printed.replace(&format!(":{secret}@"), ":X@");
    }
    printed
}

/// Reads an example, compares it with the same in our own format, and reads that again.
fn check_file(name: &str, format: Format) {
    let file = folder().join(name);
    let text = fs::read_to_string(&file).unwrap();
    let loaded = parse_with(&file, &text, &variables).unwrap_or_else(|all| panic!("{all}"));
    assert_eq!(loaded.format, format);
    let printed = print(&loaded.plan).replace(&format!("{}/", folder().display()), "");
    for secret in ["hunter2", "secret:", "t0ken", "p@ss", "a b", "x:y"] {
        assert!(!printed.contains(secret), "{secret} in {printed}");
    }
    let warnings: String = loaded
        .warnings
        .iter()
        .map(|warning| {
            format!(
                "# warning: {}\n",
                warning.replace(&*folder().to_string_lossy(), "")
            )
        })
        .collect();
    let shown = format!("{warnings}{printed}");
    let expected = folder().join(name.replace(".yml", ".expected.yml"));
    assert_eq!(shown, fs::read_to_string(&expected).unwrap());
    // Read again, it says the same; what it does not show is given by variables.
    let again = parse_with(&folder().join("again.yml"), &printed, &|_| {
        Some("X".to_owned())
    });
    let again = again.unwrap_or_else(|all| panic!("{all}\n{printed}"));
    let printed_again = print(&again.plan).replace(&format!("{}/", folder().display()), "");
    assert_eq!(printed_again, printed);
    let revealed = |plan: &Plan| {
        let plan = without_places(plan);
        format!("{plan:#?}").replace(&format!("{}/", folder().display()), "")
    };
    assert_eq!(revealed(&again.plan), revealed(&loaded.plan));
    for (name, source) in &again.plan.sources {
        assert_eq!(
            url_of(source),
            same_secrets(&url_of(&loaded.plan.sources[name]))
        );
    }
}

/// The URL of a database, with its secret.
fn url_of(source: &Source) -> String {
    use crate::plan::SourceKind;
    match &source.kind {
        SourceKind::MySql(url) | SourceKind::Postgres(url) | SourceKind::ClickHouse(url) => {
            url.reveal().to_owned()
        }
        SourceKind::Redis(redis) => redis.urls[0].reveal().to_owned(),
        _ => String::new(),
    }
}

#[test]
fn our_own_format() {
    check_file("sql.yml", Format::Stonechat);
}

#[test]
fn a_file_of_sql2metrics() {
    check_file("sql2metrics.yml", Format::Sql2Metrics);
}

#[test]
fn a_file_of_sql_exporter() {
    check_file("sql_exporter.yml", Format::SqlExporter);
}

#[test]
fn a_file_of_justwatch() {
    check_file("justwatch.yml", Format::JustWatch);
}

#[test]
fn a_file_of_query_exporter() {
    check_file("query_exporter.yml", Format::QueryExporter);
}

/// The example `postgresql-stats` of that project has such a key, and Python takes the last one.
#[test]
fn of_a_key_that_query_exporter_has_twice_the_last_counts() {
    let text = "databases: {pg: {dsn: 'postgresql://pg1/chat'}}\nmetrics:\n  users: {type: counter}\n  users:\n    type: counter\n    type: gauge\nqueries: {q: {interval: 15, databases: [pg], metrics: [users], sql: SELECT 1 AS users}}\n";
    let loaded = parse_with(Path::new("file.yml"), text, &variables).unwrap();
    assert_eq!(
        loaded.warnings,
        [
            "file.yml:4: the key `users` is given twice: the last one counts",
            "file.yml:6: the key `type` is given twice: the last one counts"
        ]
    );
    assert_eq!(loaded.plan.queries.len(), 1);
    let kind = &loaded.plan.queries[0].metrics[0].kind;
    assert_eq!(*kind, crate::plan::MetricKind::Gauge);
}

/// What is wrong and where: `message at LINE:COLUMN (help)`.
fn problems(text: &str) -> Vec<String> {
    let problems = match parse_with(Path::new("f.yml"), text, &|_| None) {
        Ok(loaded) => return loaded.warnings,
        Err(problems) => problems.0,
    };
    let shown = problems.into_iter().map(|problem| {
        let place = problem.place.map_or(String::new(), |(line, column)| {
            format!(" at {line}:{column}")
        });
        let help = problem
            .help
            .map_or(String::new(), |help| format!(" ({help})"));
        format!("{}{place}{help}", problem.message)
    });
    shown.collect()
}

fn check(text: &str, expected: &[&str]) {
    assert_eq!(problems(text), expected, "{text}");
}

/// A query of our own format with these keys, on line 3.
fn query(keys: &str) -> String {
    format!("sources: {{db: {{mysql: 'mysql://u@h/d'}}}}\nqueries:\n  q: {{{keys}}}\n")
}

const GAUGE: &str = "metrics: {m: {type: gauge}}";

#[test]
fn mistakes_in_queries_have_places() {
    for (keys, expected) in [
        (
            "source: dbb, sql: s, interval: 1m",
            &[
                "the query `q` has no metrics at 3:3 (write `metrics:` and what the rows become)",
                "the source `dbb` is not defined at 3:15 (did you mean `db`?)",
            ][..],
        ),
        (
            "source: db, redis: GET x, interval: 0s, metrics: {9m: {type: gauge}}",
            &[
                "the source `db` cannot be asked by `redis` at 3:15 (write `sql:`)",
                "the interval is 0 at 3:43 (write for example 15s)",
                "`9m` is not a metric name at 3:57 (letters, digits, `_` and `:`, and no digit in front)",
            ],
        ),
    ] {
        check(&query(keys), expected);
    }
    for (keys, expected) in [
        (
            "source: db, sql: s",
            "the query `q` does not say when it is asked at 3:3 (write `interval: 15s`, or `cron` and `timezone`)",
        ),
        (
            "source: db, sql: s, cron: '0 9 * * *'",
            "`cron` needs a `timezone` at 3:33 (write for example `timezone: Asia/Shanghai`)",
        ),
        (
            "source: db, sql: s, cron: '0 9 * * *', timezone: Asia/Shanghia",
            "the time zone `Asia/Shanghia` is not known at 3:56 (write for example `Asia/Shanghai` or `UTC`)",
        ),
        (
            "source: db, sql: s, interval: 5s, timeout: 9s",
            "f.yml:3: the timeout is longer than the interval of 5s: a slow answer leaves out the next question",
        ),
        (
            "source: db, sql: s, interval: 5s, rows_mx: 1",
            "unknown key `rows_mx` at 3:41 (did you mean `rows_max`?)",
        ),
    ] {
        check(&query(&format!("{keys}, {GAUGE}")), &[expected]);
    }
}

#[test]
fn a_name_has_one_type() {
    let other = query(&format!("source: db, sql: s, interval: 5s, {GAUGE}"))
        + "  r: {source: db, sql: s, interval: 5s, metrics: {m: {type: counter}}}\n";
    check(
        &other,
        &["the series `m` is of a gauge already at 4:51 (`m` at f.yml:3; rename one)"],
    );
}

#[test]
fn mistakes_in_sources_have_places() {
    for (source, expected) in [
        (
            "{mysql: 'mysql://u:${NO}@h/d'}",
            "the environment variable `NO` is not set at 1:23",
        ),
        (
            "{mysql: 'mysql://u@h/d?ssl_mode=x'}",
            "unknown option `ssl_mode` in the URL; did you mean `ssl-mode`? at 1:23",
        ),
        (
            "{redis: 'redis://h', tls: {}}",
            "`tls` for a URL without TLS at 1:41 (write the URL with `rediss://`)",
        ),
        (
            "{mysql: 'mysql://u@h/d?ssl-mode=REQUIRED', tls: {}}",
            "`tls` and `ssl-mode` in the URL are both given at 1:63 (leave one out)",
        ),
        (
            "{postgres: 'postgres://u@h/d', tls: {ca_file: no.pem}}",
            "there is no file no.pem at 1:61 (it counts from the folder of this file)",
        ),
        (
            "{labels: {a: b}}",
            "the source `db` says not what it is at 1:11 (give one of mysql, postgres, sqlite, clickhouse, redis, rest)",
        ),
        (
            "{redis: 'redis://h', labels: {__a: b}}",
            "the label `__a` is reserved at 1:45 (names that begin with `__` cannot be given)",
        ),
    ] {
        check(&format!("sources: {{db: {source}}}\n"), &[expected]);
    }
}

#[test]
fn what_is_not_supported_is_refused() {
    check(
        "jobs:\n- name: a\n  interval: 5m\n  connections: ['sqlserver://u:hunter2@h/d']\n  queries: [{name: q, values: [v], query: s}]\n",
        &["SQL Server is not supported yet at 4:17"],
    );
    check(
        "metrics:\n- {name: m, source: iotdb, query: s}\n",
        &["the source `iotdb` is not supported yet at 2:21"],
    );
    // Where there is something else, the rest is taken.
    check(
        "jobs:\n- name: a\n  interval: 5m\n  connections: ['sqlserver://u:hunter2@h/d', 'postgres://u@h/d']\n  queries: [{name: q, values: [v], query: s}]\n",
        &["f.yml:4: SQL Server is not supported yet: what it would give is left out"],
    );
    check(
        "mysql: {host: h, user: u, database: d}\nmetrics:\n- {name: a, source: mysql, query: SELECT 1}\n- {name: m, source: iotdb, query: s}\n",
        &["f.yml:4: the source `iotdb` is not supported yet: what it would give is left out"],
    );
    check(
        "databases: {d: {dsn: !env NO}}\n",
        &["the environment variable `NO` is not set at 1:22"],
    );
    check(
        "surces: {}\n",
        &["no known format has the key `surces` here at 1:1 (did you mean `sources`?)"],
    );
}
