//! `ClickHouse`: we speak HTTP, other drivers the server's own protocol.

use super::super::url::{self, Parts};
use super::{Dsn, seconds, secret};
use crate::plan::SourceKind;

pub(super) fn read(rest: &str, driver: &str) -> Result<Dsn, String> {
    let url = url::parse(&format!("clickhouse:{rest}"))?;
    let mut user = url::decode(url.username());
    let mut password = url.password().map(url::decode);
    let mut database = url::decode(url.path().trim_start_matches('/'));
    let mut secure = driver == "https";
    let (mut warnings, mut connect_timeout) = (Vec::new(), None);
    for (name, value) in url.query_pairs().into_owned() {
        match name.as_str() {
            "username" | "user" => user = value,
            "password" => password = Some(value),
            "database" => database = value,
            "secure" => secure = matches!(value.as_str(), "true" | "1" | "True"),
            "protocol" => secure |= value == "https",
            "dial_timeout" | "timeout" | "connect_timeout" => connect_timeout = seconds(&value),
            _ => warnings.push(format!("the option `{name}` has no effect here")),
        }
    }
    let host = url.host_str().unwrap_or("localhost").to_owned();
    let http = matches!(driver, "http" | "https" | "connect");
    let (port, moved) = match url.port() {
        Some(9000) if !http => (Some(8123), true),
        Some(9440) if !http => (Some(8443), true),
        None if secure => (Some(8443), !http),
        None => (Some(8123), !http),
        Some(port) if http => (Some(port), false),
        Some(port) => {
            return Err(format!(
                "ClickHouse's own protocol at port {port} is not supported yet; write `clickhouse+http://` and the port for HTTP"
            ));
        }
    };
    secure |= url.port() == Some(9440) && !http;
    if moved {
        let port = port.unwrap_or_default();
        warnings.push(format!("ClickHouse is asked over HTTP, at port {port}"));
    }
    let shown = match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.clone(),
    };
    let mut options = Vec::new();
    if !database.is_empty() {
        options.push(("database".to_owned(), database.clone()));
    }
    let written = url::build(&Parts {
        scheme: if secure { "https" } else { "http" },
        user: user.clone(),
        password,
        host,
        port,
        path: String::new(),
        options,
    })?;
    Ok(Dsn {
        kind: SourceKind::ClickHouse(secret(written)),
        driver: "clickhouse".to_owned(),
        host: shown,
        database,
        user,
        connect_timeout,
        warnings,
    })
}
