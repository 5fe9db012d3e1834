//! Queries as series, in the real program: reloads of all three kinds, the page for another Prometheus, and the command line with files of
//! every format.

#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod support;

use std::fs;
use std::path::Path;

use support::prometheus::Prometheus;
use support::{Server, folder, program, target, write};

const PROMETHEUS: &str = "scrape_configs: []\n";

/// Two queries on an empty database: the answer to one is another each time it is asked.
fn queries(sent: u32) -> String {
    format!(
        "sources: {{db: {{sqlite: empty.db}}}}\n\
         queries:\n  \
           drawn: {{source: db, sql: SELECT abs(random() % 1000000000), interval: 1h, metrics: {{drawn: {{type: gauge}}}}}}\n  \
           sent: {{source: db, sql: SELECT {sent}, interval: 1h, metrics: {{sent: {{type: gauge, help: Messages.}}}}}}\n"
    )
}

/// The value of a series on the page.
fn shown(server: &Server, series: &str) -> Option<f64> {
    let (_, page) = server.get("/metrics/sql");
    let mut found = page.lines().filter_map(|line| line.rsplit_once(' '));
    found
        .find(|(name, _)| *name == series)
        .map(|(_, value)| value.parse().unwrap())
}

fn reloaded_well(server: &Server) -> Option<f64> {
    server.metric("stonechat_config_last_reload_successful")
}

/// A server whose two queries are answered, and the value that was drawn.
fn started(folder: &Path) -> (Server, f64) {
    let server = Server::start(folder);
    server.wait_until("both queries are answered", |server| {
        shown(server, "drawn").is_some() && shown(server, "sent").is_some()
    });
    let drawn = shown(&server, "drawn").unwrap();
    (server, drawn)
}

/// What a way to reload is called, and how it is gone.
type Way = (&'static str, fn(&Server));

#[test]
fn a_reload_by_signal_by_request_and_by_a_changed_file() {
    let folder = folder(&[
        ("prometheus.yml", PROMETHEUS),
        ("sql.yml", &queries(3509)),
        ("empty.db", ""),
    ]);
    let file = folder.path().join("sql.yml");
    let (server, drawn) = started(folder.path());
    assert_eq!(server.query("sent"), Some(3509.0), "in the store, too");
    let ways: [Way; 3] = [
        ("by signal", |server| server.signal("HUP")),
        ("by request", |server| {
            // It may be that the file was seen to change just before; either way it is read.
            assert_eq!(server.post("/-/reload").0, 200);
        }),
        ("by the file", |_| {}),
    ];
    let mut before = 3509;
    for (sent, (way, reload)) in (1..).zip(ways) {
        write(&file, &queries(sent));
        reload(&server);
        server.wait_until(way, |server| {
            // At no instant is there a page without one of them, or with a value that no query returned.
            let value = shown(server, "sent").unwrap();
            assert_eq!(shown(server, "drawn"), Some(drawn), "asked again");
            assert!([before, sent].map(f64::from).contains(&value), "{value}");
            value == f64::from(sent)
        });
        before = sent;
        assert_eq!(server.query("sent"), Some(f64::from(sent)));
        assert_eq!(server.query("drawn"), Some(drawn));
    }
    assert_eq!(reloaded_well(&server), Some(1.0));
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_wrong_file_is_refused_and_the_queries_go_on() {
    let folder = folder(&[
        ("prometheus.yml", PROMETHEUS),
        ("sql.yml", &queries(3509)),
        ("empty.db", ""),
    ]);
    let file = folder.path().join("sql.yml");
    let (server, drawn) = started(folder.path());
    assert_eq!(reloaded_well(&server), Some(1.0));
    write(&file, &queries(1).replace("interval: 1h", "intervall: 1h"));
    let (status, body) = server.post("/-/reload");
    assert_eq!(status, 500, "{body}");
    assert!(
        body.contains("sql.yml:3:") && body.contains("did you mean `interval`?"),
        "{body}"
    );
    let goes_on = |server: &Server| {
        assert_eq!(shown(server, "sent"), Some(3509.0));
        assert_eq!(shown(server, "drawn"), Some(drawn));
    };
    assert_eq!(reloaded_well(&server), Some(0.0));
    goes_on(&server);
    // Mended, and wrong again, without anybody who says so.
    write(&file, &queries(3509));
    server.wait_until("the mended file is taken", |server| {
        reloaded_well(server) == Some(1.0)
    });
    write(&file, "sources: nonsense\n");
    server.wait_until("the wrong file is refused", |server| {
        reloaded_well(server) == Some(0.0)
    });
    goes_on(&server);
    // By the signal it is refused again, and a file that is gone is no file with queries: it takes them away.
    server.signal("HUP");
    server.wait_until("it is refused twice", |server| {
        server.said().matches("the old one goes on").count() >= 3
    });
    goes_on(&server);
    fs::remove_file(&file).unwrap();
    server.wait_until("they are gone", |server| {
        shown(server, "sent").is_none() && server.query("sent").is_none()
    });
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn files_that_are_included_and_files_that_come_are_noticed() {
    let one = |name: &str, value: &str| {
        format!(
            "queries: {{{name}: {{source: db, sql: SELECT {value}, interval: 1h, metrics: {{{name}: {{type: gauge}}}}}}}}\n"
        )
    };
    let alone = |name: &str| {
        format!("sources: {{{name}: {{sqlite: ../empty.db}}}}\n")
            + &one(name, "1").replace("source: db", &format!("source: {name}"))
    };
    let folder = folder(&[
        ("prometheus.yml", PROMETHEUS),
        ("empty.db", ""),
        (
            "sql/main.yml",
            "include: ['more/*.yml']\nsources: {db: {sqlite: ../empty.db}}\n",
        ),
        ("sql/more/a.yml", &one("a", "1")),
    ]);
    let more = folder.path().join("sql/more");
    let server = Server::start(folder.path());
    server.wait_until("the included query", |server| {
        shown(server, "a") == Some(1.0)
    });
    write(&more.join("a.yml"), &one("a", "22"));
    server.wait_until("the changed query", |server| {
        shown(server, "a") == Some(22.0)
    });
    write(&more.join("b.yml"), &one("b", "3"));
    server.wait_until("a file in the pattern", |server| {
        shown(server, "b") == Some(3.0)
    });
    write(&folder.path().join("sql/c.yml"), &alone("c"));
    server.wait_until("a file in the folder", |server| {
        shown(server, "c") == Some(1.0)
    });
    assert_eq!(shown(&server, "a"), Some(22.0));
}

#[test]
fn another_prometheus_scrapes_the_page() {
    let wrong = "  wrong: {source: db, sql: SELECT absent, interval: 1h, metrics: {wrong: {type: gauge}}}\n";
    let folder = folder(&[
        ("prometheus.yml", PROMETHEUS),
        ("sql.yml", &(queries(3509) + wrong)),
        ("empty.db", ""),
    ]);
    let (server, _) = started(folder.path());
    server.wait_until("the wrong query has its error", |server| {
        let failed = "sql_query_errors_total{query=\"wrong\",source=\"db\"}";
        shown(server, failed) == Some(1.0)
    });
    let (_, page) = server.get("/metrics/sql");
    for line in [
        "# HELP sent Messages.",
        "# TYPE sent gauge",
        "sent 3509",
        "sql_query_up{query=\"sent\",source=\"db\"} 1",
        "sql_query_rows{query=\"sent\",source=\"db\"} 1",
        "sql_query_errors_total{query=\"sent\",source=\"db\"} 0",
        "sql_query_up{query=\"wrong\",source=\"db\"} 0",
    ] {
        assert!(page.lines().any(|found| found == line), "{line}: {page}");
    }
    for family in [
        "sql_query_duration_seconds",
        "sql_query_last_success_timestamp_seconds",
    ] {
        assert!(
            shown(
                &server,
                &format!("{family}{{query=\"sent\",source=\"db\"}}")
            )
            .is_some()
        );
    }
    // The error has the database's own words and the place.
    let data = server.data("/api/stonechat/v1/queries");
    let wrong = data.as_array().unwrap().iter();
    let wrong = wrong
        .clone()
        .find(|query| query["name"] == "wrong")
        .unwrap();
    let error = wrong["error"].as_str().unwrap();
    assert!(error.contains("no such column: absent"), "{error}");
    assert_eq!(wrong["line"], 5);
    let said = server.said();
    assert!(
        said.contains("sql.yml:5: ") && said.contains(error),
        "{said}"
    );

    let config = format!(
        "scrape_configs: [{{job_name: s, honor_labels: true, scrape_interval: 200ms, scrape_timeout: 200ms, metrics_path: /metrics/sql, \
         static_configs: [{{targets: ['{}']}}]}}]\n",
        server.address
    );
    // Our own, and a Prometheus where there is one.
    let ours = support::folder(&[("prometheus.yml", &config)]);
    let second = Server::start(ours.path());
    second.wait_until("our own scrapes it", |second| {
        second.query("sent{job=\"s\"}") == Some(3509.0)
    });
    if let Some(peer) = Prometheus::start(ours.path(), &config) {
        peer.wait_for("sent{job=\"s\"}", "\"3509\"");
        peer.wait_for("sql_query_up{query=\"wrong\"}", "\"0\"");
    }
}

/// What a command prints, and what it warns of; it has to end well.
fn run(arguments: &[&str]) -> (String, String) {
    let output = program().arg("sql").args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let (out, err) = (text(output.stdout), text(output.stderr));
    assert!(output.status.success(), "{arguments:?}: {out}{err}");
    (out, err)
}

/// The lines with series that `try` prints.
fn series(printed: &str) -> Vec<&str> {
    let lines = printed.lines().map(str::trim);
    lines.filter(|line| line.contains("online")).collect()
}

/// Tries a file, converts it, and tries what came of it.
fn check_try_and_convert(folder: &Path, (name, file): (&str, &str), expected: &str) {
    let (tried, _) = run(&["try", file]);
    assert!(series(&tried).contains(&expected), "{name}: {tried}");
    // The row as a table, and how long it took.
    assert!(tried.contains("─") && tried.contains("3509\n"), "{tried}");
    assert!(
        tried.contains("1 row and 1 series in ") && tried.ends_with(" ms\n"),
        "{tried}"
    );

    let (converted, _) = run(&["convert", file]);
    assert!(!converted.contains("topsecret"), "{converted}");
    let again = folder.join(format!("{name}.ours.yml"));
    write(&again, &converted);
    let mut command = program();
    command.args(["sql", "try"]).arg(&again);
    // What was not written stands in a variable.
    command.env("RESTAPI_DEFAULT_AUTHORIZATION", "topsecret");
    let output = command.output().unwrap();
    let tried = String::from_utf8(output.stdout).unwrap();
    assert!(
        series(&tried).contains(&expected),
        "{name}: {tried} of {converted}"
    );
}

/// Files of every program, as they are: on SQLite where the program can ask that, and otherwise on a service of HTTP.
#[test]
fn files_of_every_program_are_tried_and_converted() {
    let service = target(|| "{\"data\": {\"count\": 3509}}".to_owned());
    let folder = folder(&[("empty.db", "")]);
    let db = folder.path().join("empty.db").display().to_string();
    let own = "sources: {db: {sqlite: empty.db}}\n\
               queries: {online: {source: db, sql: SELECT 3509 AS v, interval: 1m, metrics: {online: {type: gauge, value: v}}}}\n"
        .to_owned();
    let sql2metrics = format!(
        "schedule: {{interval: 1m}}\nrestapi_connections: {{default: {{base_url: 'http://{service}', headers: {{Authorization: topsecret}}}}}}\n\
         metrics:\n- {{name: online, help: h, type: gauge, source: restapi, query: GET /x, result_field: data.count, labels: {{region: cn}}}}\n"
    );
    let sql_exporter = format!(
        "target: {{name: t, data_source_name: 'sqlite3:{db}', collectors: [c]}}\ncollectors:\n- collector_name: c\n  min_interval: 1m\n  metrics:\n  \
         - {{metric_name: online, type: gauge, help: h, key_labels: [region], values: [v], query: \"SELECT 'cn' AS region, 3509 AS v\"}}\n"
    );
    let justwatch = format!(
        "jobs:\n- name: j\n  interval: 1m\n  connections: ['sqlite3:{db}']\n  queries:\n  \
         - {{name: online, help: h, labels: [region], values: [v], query: \"SELECT 'cn' AS region, 3509 AS v\"}}\n"
    );
    let query_exporter = format!(
        "databases: {{db: {{dsn: 'sqlite:///{db}'}}}}\nmetrics: {{online: {{type: gauge, labels: [region]}}}}\n\
         queries: {{q: {{databases: [db], metrics: [online], interval: 60, sql: \"SELECT 'cn' AS region, 3509 AS online\"}}}}\n"
    );
    for (name, text, format, expected) in [
        ("own", own, "stonechat", "online 3509".to_owned()),
        (
            "sql2metrics",
            sql2metrics,
            "sql2metrics",
            "online{region=\"cn\"} 3509".to_owned(),
        ),
        (
            "sql_exporter",
            sql_exporter,
            "burningalchemist/sql_exporter",
            "online{region=\"cn\", target=\"t\"} 3509".to_owned(),
        ),
        (
            "justwatch",
            justwatch,
            "justwatchcom/sql_exporter",
            format!(
                "sql_online{{col=\"v\", database=\"{db}\", driver=\"sqlite3\", region=\"cn\", sql_job=\"j\"}} 3509"
            ),
        ),
        (
            "query-exporter",
            query_exporter,
            "query-exporter",
            "online{database=\"db\", region=\"cn\"} 3509".to_owned(),
        ),
    ] {
        let file = folder.path().join(format!("{name}.yml"));
        write(&file, &text);
        let file = file.to_str().unwrap();
        let (checked, _) = run(&["check", file]);
        assert!(
            checked.contains(&format!("in the format of {format}: 1 query on 1 source")),
            "{checked}"
        );
        check_try_and_convert(folder.path(), (name, file), &expected);
    }
}

#[test]
fn try_shows_what_is_wrong_and_no_secret() {
    let folder = folder(&[(
        "sql.yml",
        "sources: {db: {sqlite: empty.db}, gone: {mysql: 'mysql://reader:topsecret@127.0.0.1:1/x'}}\n\
         queries:\n  \
           text: {source: db, sql: SELECT 'many', interval: 1m, metrics: {online: {type: gauge}}}\n  \
           column: {source: db, sql: SELECT 1 AS w, interval: 1m, metrics: {offline: {type: gauge, value: v}}}\n  \
           writes: {source: db, sql: DELETE FROM t, interval: 1m, metrics: {gone: {type: gauge}}}\n  \
           down: {source: gone, sql: SELECT 1, interval: 1m, metrics: {down: {type: gauge}}}\n",
    )]);
    write(&folder.path().join("empty.db"), "");
    let file = folder.path().join("sql.yml");
    for (query, line, reason) in [
        ("text", 3, "is \"many\", which is no number"),
        ("column", 4, "the answer has no column `v`; it has `w`"),
        ("writes", 5, "only statements that read are allowed"),
        ("down", 6, "cannot connect: 127.0.0.1:1: "),
        ("txt", 0, "did you mean `text`?"),
    ] {
        let mut command = program();
        command.args(["sql", "try"]).arg(&file).arg(query);
        let output = command.output().unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success(), "{query}");
        assert!(err.contains(reason), "{query}: {err}");
        assert!(!err.contains("topsecret"), "{err}");
        if line > 0 {
            assert!(
                err.contains(&format!("sql.yml:{line}: query `{query}`")),
                "{err}"
            );
        }
    }
}
