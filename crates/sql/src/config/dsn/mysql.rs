//! MySQL: URLs, and the form of Go's driver.

use super::super::url::{self, MYSQL_OPTIONS, Parts};
use super::{Dsn, seconds, secret};
use crate::plan::SourceKind;

/// Options that steer only how Go's or Python's driver works inside. There is nothing here that they could change.
const OF_THE_DRIVER: [&str; 10] = [
    "parseTime",
    "allowNativePasswords",
    "allowOldPasswords",
    "interpolateParams",
    "maxAllowedPacket",
    "checkConnLiveness",
    "multiStatements",
    "rejectReadOnly",
    "clientFoundRows",
    "use_unicode",
];

pub(super) fn read(rest: &str) -> Result<Dsn, String> {
    let is_url = rest.strip_prefix("//").filter(|rest| !is_of_go(rest));
    let written = match is_url {
        Some(_) => of_url(rest)?,
        None if rest.starts_with("//") => of_go(&rest[2..])?,
        // `mysql:/run/mysqld/mysqld.sock`
        None => Written {
            socket: Some(rest.to_owned()),
            ..Written::default()
        },
    };
    written.finish()
}

/// What a text says.
#[derive(Default)]
struct Written {
    user: String,
    password: Option<String>,
    host: String,
    port: Option<u16>,
    socket: Option<String>,
    database: String,
    options: Vec<(String, String)>,
}

/// Whether a text is `[user[:password]@][network[(address)]]/name`, not the rest of a URL.
fn is_of_go(text: &str) -> bool {
    let left = text.rsplit_once('/').map_or(text, |(left, _)| left);
    let network = left.rsplit_once('@').map_or(left, |(_, network)| network);
    network.is_empty() || network.ends_with(')')
}

fn of_go(text: &str) -> Result<Written, String> {
    let (left, right) = text
        .rsplit_once('/')
        .ok_or("there is no `/` in front of the database")?;
    let (database, options) = right.split_once('?').unwrap_or((right, ""));
    let (login, network) = left.rsplit_once('@').unwrap_or(("", left));
    let (user, password) = match login.split_once(':') {
        Some((user, password)) => (user, Some(password.to_owned())),
        None => (login, None),
    };
    let (kind, address) = match network.split_once('(') {
        Some((kind, address)) => (kind, address.trim_end_matches(')')),
        None => ("tcp", ""),
    };
    let mut written = Written {
        user: user.to_owned(),
        password,
        database: url::decode(database),
        options: pairs(options),
        ..Written::default()
    };
    match kind {
        "tcp" | "tcp4" | "tcp6" | "" => {
            let address = if address.is_empty() {
                "127.0.0.1:3306"
            } else {
                address
            };
            let (host, port) = host_and_port(address)?;
            (written.host, written.port) = (host, port);
        }
        "unix" => written.socket = Some(address.to_owned()),
        other => {
            return Err(format!(
                "the network `{other}` is not known; tcp and unix are"
            ));
        }
    }
    Ok(written)
}

fn of_url(rest: &str) -> Result<Written, String> {
    let url = url::parse(&format!("mysql:{rest}"))?;
    Ok(Written {
        user: url::decode(url.username()),
        password: url.password().map(url::decode),
        host: url.host_str().unwrap_or("127.0.0.1").to_owned(),
        port: url.port(),
        socket: None,
        database: url::decode(url.path().trim_start_matches('/')),
        options: url.query_pairs().into_owned().collect(),
    })
}

impl Written {
    fn finish(mut self) -> Result<Dsn, String> {
        let (mut warnings, mut connect_timeout) = (Vec::new(), None);
        let mut options = Vec::new();
        for (name, value) in std::mem::take(&mut self.options) {
            match name.as_str() {
                "tls" | "ssl" => options.push(("ssl-mode".to_owned(), tls(&value)?.to_owned())),
                "timeout" | "connect_timeout" => connect_timeout = seconds(&value),
                "unix_socket" => self.socket = Some(value),
                "charset" => {
                    // Go takes the first that the server knows.
                    let first = value.split(',').next().unwrap_or_default();
                    options.push((name, first.to_owned()));
                }
                known if MYSQL_OPTIONS.contains(&known) => options.push((name, value)),
                of_driver if OF_THE_DRIVER.contains(&of_driver) => {}
                _ => warnings.push(format!("the option `{name}` has no effect here")),
            }
        }
        let shown = match &self.socket {
            Some(socket) => socket.clone(),
            None => format!("{}:{}", self.host, self.port.unwrap_or(3306)),
        };
        if let Some(socket) = self.socket {
            self.host = "localhost".to_owned();
            options.push(("socket".to_owned(), socket));
        }
        let url = url::build(&Parts {
            scheme: "mysql",
            user: self.user.clone(),
            password: self.password,
            host: self.host,
            port: self.port,
            path: self.database.clone(),
            options,
        })?;
        Ok(Dsn {
            kind: SourceKind::MySql(secret(url)),
            driver: "mysql".to_owned(),
            host: shown,
            database: self.database,
            user: self.user,
            connect_timeout,
            warnings,
        })
    }
}

/// The modes of Go's driver in the words of MySQL.
fn tls(value: &str) -> Result<&'static str, String> {
    match value {
        "true" | "1" => Ok("VERIFY_IDENTITY"),
        "false" | "0" => Ok("DISABLED"),
        "skip-verify" => Ok("REQUIRED"),
        "preferred" => Ok("PREFERRED"),
        _ => Err(format!(
            "`tls={value}` is not supported yet; true, false, skip-verify and preferred are"
        )),
    }
}

fn host_and_port(address: &str) -> Result<(String, Option<u16>), String> {
    let (host, port) = match address.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port),
        _ => return Ok((address.to_owned(), Some(3306))),
    };
    match port.parse() {
        Ok(port) => Ok((host.to_owned(), Some(port))),
        Err(_) => Err(format!("`{port}` is not a port")),
    }
}

fn pairs(query: &str) -> Vec<(String, String)> {
    ::url::form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect()
}
