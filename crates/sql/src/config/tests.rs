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
