//! Redis: commands that read, and their answers as rows.
//!
//! | command | rows |
//! |---|---|
//! | one value, such as GET, HGET, LLEN, SCARD, ZCARD, ZSCORE, XLEN, DBSIZE, TTL, STRLEN | one row, column `value` |
//! | many values: LRANGE, SMEMBERS, HKEYS, HVALS, ZRANGE, SCAN, SSCAN | column `value` |
//! | names with values: HGETALL, HMGET, MGET, ZRANGE … WITHSCORES, HSCAN, ZSCAN, XINFO STREAM | columns `key`, `value` |
//! | INFO | columns `key`, `value`; `db0:keys=1,expires=0` becomes `db0.keys` and `db0.expires`; in a cluster also `node` |
//! | XINFO GROUPS, XINFO CONSUMERS | a column for each name, such as `name`, `pending`, `lag` |
//! | XPENDING key group | one row: `value` (how many), `first`, `last` |
//! | XPENDING with a range | `id`, `consumer`, `idle`, `deliveries` |
//!
//! A key that does not exist is NULL where Redis says nil, and no rows where it says an empty list. SCAN and its kin go on until the end.
//! In `value`, a text that is a number is a number.

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::sentinel::{SentinelClientBuilder, SentinelServerType};
use redis::{
    AsyncConnectionConfig, Client, ClientTlsConfig, Cmd, ConnectionAddr, ConnectionInfo,
    IntoConnectionInfo, RedisError, TlsCertificates, TlsMode,
};

use super::pool::{Failure, Server, Terms};
use super::tls::certificates;
use super::{SourceError, bound};
use crate::plan::{RedisMode, RedisSource, Request, Tls};
use crate::rows::Rows;
use command::{Order, Shape};

mod answer; // answers to rows
mod command; // what may be sent

/// How many keys one step of SCAN looks at, unless the command says otherwise.
const SCAN_STEP: &str = "1000";

/// One or more servers of Redis.
pub(super) struct RedisServer {
    source: RedisSource,
    tls: Tls,
}

/// A connection to one server, or to a cluster.
pub(super) enum Session {
    /// To a server.
    Single(MultiplexedConnection),
    /// To a cluster.
    Cluster(ClusterConnection),
}

impl Session {
    async fn query(&mut self, command: &Cmd) -> Result<redis::Value, RedisError> {
        let answer = match self {
            Self::Single(connection) => connection.req_packed_command(command).await?,
            Self::Cluster(connection) => connection.req_packed_command(command).await?,
        };
        answer.extract_error()
    }
}

impl RedisServer {
    /// Servers that are reached when they are first asked.
    pub(super) fn new(source: RedisSource, tls: Tls) -> Self {
        Self { source, tls }
    }

    fn infos(&self) -> Result<Vec<ConnectionInfo>, SourceError> {
        // The text of this error may quote the URL.
        let wrong = |_| {
            SourceError::Connect(
                "the URL cannot be read: it should be like redis://host:6379/0".to_owned(),
            )
        };
        let urls = self.source.urls.iter();
        urls.map(|url| url.reveal().into_connection_info().map_err(wrong))
            .collect()
    }

    /// What TLS needs, where there is TLS.
    fn certificates(
        &self,
        infos: &[ConnectionInfo],
    ) -> Result<Option<TlsCertificates>, SourceError> {
        if !infos.iter().any(|info| is_tls(info.addr())) {
            return Ok(None);
        }
        let certificates = certificates(&self.tls)?;
        Ok(Some(TlsCertificates {
            client_tls: certificates
                .own
                .map(|(client_cert, client_key)| ClientTlsConfig {
                    client_cert,
                    client_key,
                }),
            root_cert: certificates.authorities,
        }))
    }

    async fn open(
        &self,
        infos: Vec<ConnectionInfo>,
        certificates: Option<TlsCertificates>,
    ) -> Result<Session, RedisError> {
        // The pool knows better how long each may take.
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(None)
            .set_response_timeout(None);
        let Some(first) = infos.first().cloned() else {
            return Err((redis::ErrorKind::InvalidClientConfig, "no URL is given").into());
        };
        Ok(match &self.source.mode {
            RedisMode::Standalone => {
                let client = match certificates {
                    Some(certificates) => Client::build_with_tls(first, certificates)?,
                    None => Client::open(first)?,
                };
                Session::Single(
                    client
                        .get_multiplexed_async_connection_with_config(&config)
                        .await?,
                )
            }
            RedisMode::Cluster => {
                let mut builder = ClusterClient::builder(infos).retries(1);
                if let Some(certificates) = certificates {
                    builder = builder.certs(certificates);
                }
                let client = builder.build()?;
                Session::Cluster(client.get_async_connection().await?)
            }
            RedisMode::Sentinel { master } => {
                let addresses = infos.iter().map(|info| info.addr().clone());
                let mut builder = SentinelClientBuilder::new(
                    addresses,
                    master.clone(),
                    SentinelServerType::Master,
                )?;
                // User, password and number of the database in the URL are those of the server.
                let redis = first.redis_settings();
                builder = builder.set_client_to_redis_db(redis.db());
                if let Some(username) = redis.username() {
                    builder = builder.set_client_to_redis_username(username);
                }
                if let Some(password) = redis.password() {
                    builder = builder.set_client_to_redis_password(password);
                }
                if let Some(certificates) = certificates {
                    builder = builder
                        .set_client_to_sentinel_certificates(certificates.clone())
                        .set_client_to_redis_certificates(certificates)
                        .set_client_to_sentinel_tls_mode(TlsMode::Secure)
                        .set_client_to_redis_tls_mode(TlsMode::Secure);
                }
                let mut client = builder.build()?;
                Session::Single(client.get_async_connection_with_config(&config).await?)
            }
        })
    }
}

impl Server for RedisServer {
    type Connection = Session;
    type Order = Order;

    fn check(&self, request: &Request) -> Result<Order, SourceError> {
        let Request::Redis { command } = request else {
            return Err(SourceError::Refused(
                "Redis is asked by a command, such as `GET key`".to_owned(),
            ));
        };
        let order = command::read(command)?;
        if self.source.mode == RedisMode::Cluster && order.name == "SCAN" {
            let reason =
                "SCAN sees one node only; ask each node of the cluster as a source of its own";
            return Err(SourceError::Refused(reason.to_owned()));
        }
        Ok(order)
    }

    async fn connect(&self) -> Result<Session, SourceError> {
        let infos = self.infos()?;
        let certificates = self.certificates(&infos)?;
        let places: Vec<String> = infos.iter().map(|info| info.addr().to_string()).collect();
        let opened = self.open(infos, certificates).await;
        opened.map_err(|error| {
            SourceError::Connect(format!("{}: {}", places.join(", "), message(&error)))
        })
    }

    /// After a failover the old master goes on as a replica, so it has to say each time what it is.
    fn pings_always(&self) -> bool {
        matches!(self.source.mode, RedisMode::Sentinel { .. })
    }

    async fn ping(&self, session: &mut Session) -> bool {
        if !self.pings_always() {
            return session.query(&redis::cmd("PING")).await.is_ok();
        }
        match session.query(&redis::cmd("ROLE")).await {
            Ok(redis::Value::Array(role)) => {
                role.first().is_some_and(|role| answer::is(role, "master"))
            }
            _ => false,
        }
    }

    async fn run(
        &self,
        session: &mut Session,
        order: &Order,
        terms: Terms<'_>,
    ) -> Result<Rows, Failure> {
        let mut arguments = Vec::with_capacity(order.arguments.len());
        for argument in &order.arguments {
            arguments.push(
                match argument.strip_prefix(':').filter(|name| !name.is_empty()) {
                    Some(name) => bound(terms.parameters, name)?.to_owned(),
                    None => argument.clone(),
                },
            );
        }
        if let Shape::Scan { cursor, .. } = order.shape {
            return scan(session, order, arguments, (cursor, terms.rows_max)).await;
        }
        // A whole answer comes at once, so its length is asked for first where it is not known.
        if let Some(length) = command::length(&order.name, &arguments) {
            let length = session
                .query(&command(&length))
                .await
                .map_err(|error| failure(&error))?;
            let most = i64::try_from(terms.rows_max).unwrap_or(i64::MAX);
            if matches!(length, redis::Value::Int(length) if length > most) {
                return Err(Failure::Query(SourceError::TooManyRows(terms.rows_max)));
            }
        }
        let words = [vec![order.name.clone()], arguments.clone()].concat();
        let value = session
            .query(&command(&words))
            .await
            .map_err(|error| failure(&error))?;
        let rows = answer::rows(&order.shape, &arguments, value).map_err(Failure::Query)?;
        at_most(rows, terms.rows_max)
    }

    async fn cancel(&self, _: &mut Session) {
        // Redis has no way to cancel one command of another connection; that nobody waits for it is all.
    }

    async fn close(&self, _: Session) {}
}

fn is_tls(address: &ConnectionAddr) -> bool {
    matches!(address, ConnectionAddr::TcpTls { .. })
}

fn command(words: &[String]) -> Cmd {
    let mut command = Cmd::new();
    for word in words {
        command.arg(word);
    }
    command
}

fn at_most(rows: Rows, rows_max: usize) -> Result<Rows, Failure> {
    if rows.rows.len() > rows_max {
        return Err(Failure::Query(SourceError::TooManyRows(rows_max)));
    }
    Ok(rows)
}

/// Goes on from cursor to cursor until the end, or until there is a row too many.
async fn scan(
    session: &mut Session,
    order: &Order,
    mut arguments: Vec<String>,
    (cursor, rows_max): (usize, usize),
) -> Result<Rows, Failure> {
    if !arguments
        .iter()
        .any(|argument| argument.eq_ignore_ascii_case("COUNT"))
    {
        arguments.extend(["COUNT".to_owned(), SCAN_STEP.to_owned()]);
    }
    let mut all = Rows::default();
    loop {
        let words = [vec![order.name.clone()], arguments.clone()].concat();
        let value = session
            .query(&command(&words))
            .await
            .map_err(|error| failure(&error))?;
        let (next, page) = answer::page(&order.shape, value).map_err(Failure::Query)?;
        all.columns = page.columns;
        // The same element may come twice, as Redis says; in the rows it is once.
        all.rows.extend(page.rows);
        all = at_most(all, rows_max)?;
        if next == "0" {
            break;
        }
        arguments[cursor] = next;
    }
    answer::without_duplicates(&mut all);
    Ok(all)
}

fn failure(error: &RedisError) -> Failure {
    if error.is_io_error() || error.is_connection_dropped() || error.is_unrecoverable_error() {
        Failure::Lost(SourceError::Connect(message(error)))
    } else {
        Failure::Query(SourceError::Refused(message(error)))
    }
}

/// The server's own words.
fn message(error: &RedisError) -> String {
    match (error.code(), error.detail()) {
        (Some(code), Some(detail)) => format!("{code} {detail}"),
        _ => error.to_string(),
    }
}
