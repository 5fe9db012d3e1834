use std::net::SocketAddr;
use std::time::Duration;

use stonechat_metrics::Registry;
use stonechat_model::{AppendError, Appended, Appender, Batch, Labels, SeriesRef};
use stonechat_sql::plan::PoolLimits;
use stonechat_sql::rows::Value::Int;
use stonechat_sql::source::{SourceError, open};
use stonechat_sql::{SqlManager, SqlMetrics, config};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::servers::{RedisServer, free_port, mariadb};
use crate::setup::{MySql, Postgres, ask, execute, source, until, url, value};

/// A door to a server that can be shut, with everyone who is inside thrown out.
struct Door {
    address: SocketAddr,
    server: SocketAddr,
    keeper: Option<watch::Sender<()>>,
}

impl Door {
    async fn new(url: &str) -> Self {
        let url = url::Url::parse(url).expect("a URL");
        let host = format!(
            "{}:{}",
            url.host_str().expect("a host"),
            url.port().expect("a port")
        );
        let server = tokio::net::lookup_host(host)
            .await
            .expect("the host")
            .next();
        let free = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        Self {
            address: free.local_addr().expect("it is bound"),
            server: server.expect("an address"),
            keeper: None,
        }
    }

    async fn open(&mut self) {
        let listener = TcpListener::bind(self.address)
            .await
            .expect("the same port");
        let (keeper, mut shut) = watch::channel(());
        self.keeper = Some(keeper);
        let server = self.server;
        tokio::spawn(async move {
            loop {
                let mut inside = tokio::select! {
                    _ = shut.changed() => return,
                    accepted = listener.accept() => accepted.expect("a connection").0,
                };
                let mut shut = shut.clone();
                tokio::spawn(async move {
                    let mut outside = TcpStream::connect(server).await.expect("the server");
                    tokio::select! {
                        _ = shut.changed() => {}
                        _ = copy_bidirectional(&mut inside, &mut outside) => {}
                    }
                });
            }
        });
    }

    async fn shut(&mut self) {
        self.keeper = None;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn a_server_that_was_gone_is_found_again() {
    for database in [MySql, Postgres] {
        let Some(url) = url(database) else { continue };
        let mut door = Door::new(&url).await;
        let mut through = url::Url::parse(&url).expect("a URL");
        through
            .set_port(Some(door.address.port()))
            .expect("it has a host");
        let source = source(database, through.as_str(), PoolLimits::default());
        for _ in 0..3 {
            let error = ask(&*source, "SELECT 1")
                .await
                .expect_err("nobody is there");
            assert!(matches!(error, SourceError::Connect(_)), "{error:?}");
            door.open().await;
            assert_eq!(value(&*source, "SELECT 1").await, Int(1));
            door.shut().await;
        }
        // Gone and back between two questions: nobody notices.
        door.open().await;
        assert_eq!(value(&*source, "SELECT 1").await, Int(1));
        door.shut().await;
        door.open().await;
        assert_eq!(value(&*source, "SELECT 1").await, Int(1));
    }
}

#[tokio::test]
async fn a_connection_that_the_server_closed_is_replaced() {
    for (database, own, kill) in [
        (MySql, "SELECT CONNECTION_ID()", "KILL {id}"),
        (
            Postgres,
            "SELECT pg_backend_pid()",
            "SELECT pg_terminate_backend({id})",
        ),
    ] {
        let Some(url) = url(database) else { continue };
        let source = source(database, &url, PoolLimits::default());
        for _ in 0..3 {
            let Int(id) = value(&*source, own).await else {
                panic!("{own}: no number");
            };
            execute(database, &url, &kill.replace("{id}", &id.to_string())).await;
            tokio::time::sleep(Duration::from_millis(100)).await;
            assert_ne!(value(&*source, own).await, Int(id));
        }
    }
}

/// A plan that a server keeps for a connection does not outlive the columns of its table.
#[tokio::test]
async fn a_table_that_is_altered_does_not_end_a_query() {
    for database in [MySql, Postgres] {
        let Some(url) = url(database) else { continue };
        let source = source(database, &url, PoolLimits::default());
        for (columns, expected) in [
            ("a INT", 1),
            ("a INT, b VARCHAR(9)", 2),
            ("b DOUBLE PRECISION", 1),
        ] {
            execute(database, &url, "DROP TABLE IF EXISTS source_altered").await;
            execute(
                database,
                &url,
                &format!("CREATE TABLE source_altered ({columns})"),
            )
            .await;
            let fives = vec!["5"; expected].join(", ");
            execute(
                database,
                &url,
                &format!("INSERT INTO source_altered VALUES ({fives})"),
            )
            .await;
            let rows = ask(&*source, "SELECT * FROM source_altered")
                .await
                .expect(columns);
            assert_eq!(rows.columns.len(), expected, "{columns}");
        }
    }
}

#[tokio::test]
async fn a_database_that_is_killed_in_the_middle_of_a_query_is_found_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let port = free_port();
    let url = format!("mysql://root@127.0.0.1:{port}/mysql");
    let source = source(MySql, &url, PoolLimits::default());
    for _ in 0..2 {
        let Some(mut server) = mariadb(folder.path(), port, &[]) else {
            return;
        };
        until("MariaDB answers", async || {
            ask(&*source, "SELECT 1").await.is_ok()
        })
        .await;
        let slow = ask(&*source, "SELECT SLEEP(60)");
        let kill = async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            server.kill();
        };
        let (answer, ()) = tokio::join!(slow, kill);
        assert!(matches!(answer, Err(SourceError::Connect(_))), "{answer:?}");
    }
}

/// A store that takes everything and keeps nothing.
struct Nowhere;

impl Appender for Nowhere {
    fn series(&self, _: &Labels) -> Result<SeriesRef, AppendError> {
        Ok(SeriesRef(0))
    }

    fn append(&self, batch: &Batch) -> Result<Appended, AppendError> {
        let mut appended = Appended::default();
        appended.accepted = batch.len();
        Ok(appended)
    }
}

/// Everything but the store is real: a file, schedules, pools, MariaDB and Redis, which are not there at first and are killed twice.
#[tokio::test(flavor = "multi_thread")]
async fn killing_and_restarting_mariadb_and_redis_in_the_middle_heals_by_itself() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = tempfile::tempdir().expect("a folder");
    let port = free_port();
    let Some(mut redis) = RedisServer::start(&["--save", ""]).await else {
        return;
    };
    redis.kill();
    let text = format!(
        "sources:\n  db: {{mysql: 'mysql://root@127.0.0.1:{port}/mysql'}}\n  cache: {{redis: '{}'}}\n  file: {{sqlite: empty.db}}\n\
         queries:\n  tables: {{source: db, sql: SELECT 5, interval: 1s, metrics: {{tables: {{type: gauge}}}}}}\n  \
         keys: {{source: cache, redis: [DBSIZE], interval: 1s, metrics: {{keys: {{type: gauge}}}}}}\n  \
         other: {{source: file, sql: SELECT 7, interval: 1s, metrics: {{other: {{type: gauge}}}}}}\n",
        redis.url()
    );
    std::fs::write(folder.path().join("empty.db"), "").expect("a file");
    let loaded = config::parse(&folder.path().join("sql.yml"), &text).expect("a good file");
    let metrics = SqlMetrics::register(&Registry::new()).expect("the first");
    let manager = SqlManager::new(std::sync::Arc::new(Nowhere), Box::new(open), metrics);
    manager.apply(&loaded.plan).await.expect("good schedules");
    let shows = async |line: &str| manager.page().lines().any(|shown| shown == line);
    // A port on which nobody listens refuses sooner than a file is opened.
    until("other 7", async || shows("other 7").await).await;
    for _ in 0..2 {
        for line in [
            "sql_query_up{query=\"tables\",source=\"db\"} 0",
            "sql_query_up{query=\"keys\",source=\"cache\"} 0",
        ] {
            until(line, async || shows(line).await).await;
        }
        // No old value is shown, and the others go on.
        assert!(!shows("tables 5").await && !shows("keys 0").await);
        assert!(shows("other 7").await);
        let Some(mut server) = mariadb(folder.path(), port, &[]) else {
            return;
        };
        redis.restart().await;
        for line in ["tables 5", "keys 0"] {
            until(line, async || shows(line).await).await;
        }
        server.kill();
        redis.kill();
    }
    manager.stop(Duration::from_secs(5)).await;
}
