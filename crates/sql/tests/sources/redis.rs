use redis::aio::MultiplexedConnection;
use stonechat_model::Secret;
use stonechat_sql::plan::{PoolLimits, RedisMode, RedisSource, Request, SourceKind};
use stonechat_sql::rows::Rows;
use stonechat_sql::rows::Value::{Int, Null};
use stonechat_sql::source::{Ask, SourceError};

use crate::servers::RedisServer;
use crate::setup::{Terms, ask_on, decimal, named, of_kind, text, until};

fn source(urls: &[String], mode: RedisMode) -> std::sync::Arc<dyn Ask> {
    let urls = urls.iter().map(Secret::new).collect();
    of_kind(
        SourceKind::Redis(RedisSource { urls, mode }),
        PoolLimits::default(),
    )
}

async fn ask(source: &dyn Ask, command: &str) -> Result<Rows, SourceError> {
    let command = command.split(' ').map(str::to_owned).collect();
    ask_on(source, &Request::Redis { command }, &Terms::default()).await
}

async fn admin(url: &str) -> MultiplexedConnection {
    let client = redis::Client::open(url).expect("a URL");
    client
        .get_multiplexed_async_connection()
        .await
        .expect("the server")
}

async fn execute(url: &str, command: &str) {
    let mut words = redis::Cmd::new();
    command.split(' ').for_each(|word| {
        words.arg(word);
    });
    let done: redis::RedisResult<redis::Value> = words.query_async(&mut admin(url).await).await;
    done.expect(command);
}

/// What the table below finds.
const PREPARE: [&str; 12] = [
    "DEL source:l source:s source:z source:x source:h",
    "SET source:n 3509",
    "SET source:text 007",
    "SET source:price 12.50",
    "HSET source:h a 1 b x",
    "RPUSH source:l 1 two",
    "SADD source:s member",
    "ZADD source:z 1.5 one 2 two",
    "XADD source:x 1-1 f v",
    "XADD source:x 2-1 f v",
    "XGROUP CREATE source:x workers 0",
    "XREADGROUP GROUP workers anna COUNT 1 STREAMS source:x >",
];

#[tokio::test]
async fn every_answer_becomes_rows() {
    let Some(url) = named("STONECHAT_TEST_REDIS_URL") else {
        return;
    };
    for command in PREPARE {
        execute(&url, command).await;
    }
    let source = source(&[url], RedisMode::Standalone);
    for (command, columns, rows) in [
        ("GET source:n", vec!["value"], vec![vec![Int(3509)]]),
        ("get source:text", vec!["value"], vec![vec![decimal("007")]]),
        (
            "GET source:price",
            vec!["value"],
            vec![vec![decimal("12.50")]],
        ),
        ("GET source:missing", vec!["value"], vec![vec![Null]]),
        ("HGET source:h b", vec!["value"], vec![vec![text("x")]]),
        ("LLEN source:l", vec!["value"], vec![vec![Int(2)]]),
        ("SCARD source:s", vec!["value"], vec![vec![Int(1)]]),
        ("ZCARD source:z", vec!["value"], vec![vec![Int(2)]]),
        ("XLEN source:x", vec!["value"], vec![vec![Int(2)]]),
        (
            "LRANGE source:l 0 -1",
            vec!["value"],
            vec![vec![Int(1)], vec![text("two")]],
        ),
        (
            "SMEMBERS source:s",
            vec!["value"],
            vec![vec![text("member")]],
        ),
        (
            "SCAN 0 MATCH source:z*",
            vec!["value"],
            vec![vec![text("source:z")]],
        ),
        ("HGETALL source:missing", vec!["key", "value"], vec![]),
        (
            "HGETALL source:h",
            vec!["key", "value"],
            vec![vec![text("a"), Int(1)], vec![text("b"), text("x")]],
        ),
        (
            "HMGET source:h b c",
            vec!["key", "value"],
            vec![vec![text("b"), text("x")], vec![text("c"), Null]],
        ),
        (
            "MGET source:n",
            vec!["key", "value"],
            vec![vec![text("source:n"), Int(3509)]],
        ),
        (
            "ZRANGE source:z 0 -1 WITHSCORES",
            vec!["key", "value"],
            vec![vec![text("one"), decimal("1.5")], vec![text("two"), Int(2)]],
        ),
        (
            "XPENDING source:x workers",
            vec!["value", "first", "last"],
            vec![vec![Int(1), text("1-1"), text("1-1")]],
        ),
    ] {
        let found = ask(&*source, command).await.expect(command);
        assert_eq!(found.columns, columns, "{command}");
        assert_eq!(found.rows, rows, "{command}");
    }
}

#[tokio::test]
async fn reports_of_the_server_become_rows() {
    let Some(url) = named("STONECHAT_TEST_REDIS_URL") else {
        return;
    };
    for command in [
        "DEL source:y",
        "XADD source:y 1-1 f v",
        "XGROUP CREATE source:y workers 0",
        "XREADGROUP GROUP workers anna COUNT 1 STREAMS source:y >",
    ] {
        execute(&url, command).await;
    }
    let source = source(&[url], RedisMode::Standalone);
    for (command, column, key) in [
        ("INFO memory", "key", "used_memory"),
        ("INFO keyspace", "key", "db0.keys"),
        ("XINFO STREAM source:y", "key", "length"),
        ("XINFO GROUPS source:y", "name", "workers"),
        ("XINFO CONSUMERS source:y workers", "name", "anna"),
    ] {
        let found = ask(&*source, command).await.expect(command);
        let column = found.column(column).expect(command);
        assert!(
            found.rows.iter().any(|row| row[column] == text(key)),
            "{command}: {found:?}"
        );
    }
    for (command, reason) in [
        ("SET a 1", "only commands that read are allowed"),
        ("GET source:y", "WRONGTYPE Operation against a key"),
    ] {
        let error = ask(&*source, command).await.expect_err(command).to_string();
        assert!(error.starts_with(reason), "{command}: {error}");
    }
}

#[tokio::test]
async fn more_rows_than_allowed_are_not_fetched() {
    let Some(url) = named("STONECHAT_TEST_REDIS_URL") else {
        return;
    };
    let members: Vec<String> = (0..500)
        .map(|member| format!("{member} m{member}"))
        .collect();
    execute(&url, &format!("ZADD source:many {}", members.join(" "))).await;
    let source = source(&[url], RedisMode::Standalone);
    for command in [
        "ZRANGE source:many 0 -1",
        "ZRANGE source:many 0 200",
        "ZRANGEBYSCORE source:many 100 +inf",
        "ZREVRANGEBYSCORE source:many 300 100",
        "ZSCAN source:many 0",
    ] {
        let error = ask(&*source, command).await.expect_err(command);
        assert!(
            matches!(error, SourceError::TooManyRows(100)),
            "{command}: {error}"
        );
    }
    for command in [
        "ZRANGE source:many 0 9",
        "ZRANGE source:many -10 -1",
        "ZRANGEBYSCORE source:many 0 9",
    ] {
        assert_eq!(
            ask(&*source, command).await.expect(command).rows.len(),
            10,
            "{command}"
        );
    }
}

#[tokio::test]
async fn a_server_that_is_killed_and_started_again_is_found_again() {
    let Some(mut server) = RedisServer::start(&["--save", ""]).await else {
        return;
    };
    let source = source(&[server.url()], RedisMode::Standalone);
    for _ in 0..3 {
        assert_eq!(
            ask(&*source, "DBSIZE").await.expect("it runs").rows,
            [[Int(0)]]
        );
        server.kill();
        let error = ask(&*source, "DBSIZE").await.expect_err("it is gone");
        assert!(matches!(error, SourceError::Connect(_)), "{error:?}");
        server.restart().await;
    }
    // Gone and back between two questions: nobody notices.
    assert_eq!(
        ask(&*source, "DBSIZE").await.expect("it runs").rows,
        [[Int(0)]]
    );
    server.kill();
    server.restart().await;
    assert_eq!(
        ask(&*source, "DBSIZE").await.expect("it runs").rows,
        [[Int(0)]]
    );
}

/// Three nodes that know each other, with a third of the slots each.
async fn cluster() -> Option<Vec<RedisServer>> {
    let options = ["--save", "", "--cluster-enabled", "yes"];
    let mut nodes = Vec::new();
    for _ in 0..3 {
        nodes.push(RedisServer::start(&options).await?);
    }
    for (node, slots) in nodes.iter().zip(["0 5460", "5461 10922", "10923 16383"]) {
        execute(&node.url(), &format!("CLUSTER ADDSLOTSRANGE {slots}")).await;
        execute(
            &nodes[0].url(),
            &format!("CLUSTER MEET 127.0.0.1 {}", node.port),
        )
        .await;
    }
    for node in &nodes {
        until("the cluster is whole", async || {
            let info: redis::RedisResult<String> = redis::cmd("CLUSTER")
                .arg("INFO")
                .query_async(&mut admin(&node.url()).await)
                .await;
            info.is_ok_and(|info| {
                info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:3")
            })
        })
        .await;
    }
    Some(nodes)
}

#[tokio::test]
async fn a_cluster_of_three_is_asked_as_one() {
    let Some(mut nodes) = cluster().await else {
        return;
    };
    // Slots 15495, 3300 and 7365: one key on each node.
    for (node, command) in [(2, "SET a 5"), (0, "SET b 6"), (1, "HSET c x 1")] {
        execute(&nodes[node].url(), command).await;
    }
    // One node is enough to find the others.
    let source = source(&[nodes[1].url()], RedisMode::Cluster);
    for (command, rows) in [
        ("GET a", vec![vec![Int(5)]]),
        ("GET b", vec![vec![Int(6)]]),
        ("HGETALL c", vec![vec![text("x"), Int(1)]]),
        (
            "MGET a b",
            vec![vec![text("a"), Int(5)], vec![text("b"), Int(6)]],
        ),
        ("DBSIZE", vec![vec![Int(3)]]),
    ] {
        assert_eq!(
            ask(&*source, command).await.expect(command).rows,
            rows,
            "{command}"
        );
    }
    let info = ask(&*source, "INFO clients").await.expect("INFO");
    assert_eq!(info.columns, ["node", "key", "value"]);
    let mut of: Vec<_> = info
        .rows
        .iter()
        .map(|row| format!("{:?}", row[0]))
        .collect();
    of.dedup();
    assert_eq!(of.len(), 3, "of each node: {of:?}");
    let error = ask(&*source, "SCAN 0")
        .await
        .expect_err("one node only")
        .to_string();
    assert!(error.starts_with("SCAN sees one node only"), "{error}");
    // A node that is gone takes its keys with it; those of the others are still answered, and it is found again.
    nodes[2].kill();
    let gone = ask(&*source, "GET a").await;
    assert!(gone.is_err(), "{gone:?}");
    nodes[2].restart().await;
    until("the node is back", async || {
        ask(&*source, "GET b")
            .await
            .is_ok_and(|rows| rows.rows == [[Int(6)]])
            && ask(&*source, "GET a").await.is_ok()
    })
    .await;
}

#[tokio::test]
async fn sentinels_know_the_server_and_its_successor() {
    let Some(mut master) = RedisServer::start(&["--save", ""]).await else {
        return;
    };
    let follows = format!("127.0.0.1 {}", master.port);
    let Some(replica) =
        RedisServer::start(&["--save", "", "--repl-diskless-sync-delay", "0"]).await
    else {
        return;
    };
    execute(&replica.url(), &format!("REPLICAOF {follows}")).await;
    let Some(sentinel) = RedisServer::start(&["--sentinel"]).await else {
        return;
    };
    execute(
        &sentinel.url(),
        &format!("SENTINEL MONITOR shop {follows} 1"),
    )
    .await;
    execute(
        &sentinel.url(),
        "SENTINEL SET shop down-after-milliseconds 500",
    )
    .await;
    execute(&master.url(), "SET a 5").await;
    let mode = RedisMode::Sentinel {
        master: "shop".to_owned(),
    };
    let source = source(&[sentinel.url()], mode);
    assert_eq!(
        ask(&*source, "GET a").await.expect("the master").rows,
        [[Int(5)]]
    );
    // The replica has to be known, and up to date, before it can take over.
    until("the replica is there", async || {
        let mut words = redis::cmd("SENTINEL");
        let known: redis::RedisResult<Vec<redis::Value>> = words
            .arg("REPLICAS")
            .arg("shop")
            .query_async(&mut admin(&sentinel.url()).await)
            .await;
        let copied: redis::RedisResult<Option<i64>> = redis::cmd("GET")
            .arg("a")
            .query_async(&mut admin(&replica.url()).await)
            .await;
        known.is_ok_and(|known| !known.is_empty()) && copied.is_ok_and(|copied| copied == Some(5))
    })
    .await;
    execute(&sentinel.url(), "SENTINEL FAILOVER shop").await;
    until("the replica is the master", async || {
        let info: redis::RedisResult<String> = redis::cmd("INFO")
            .arg("replication")
            .query_async(&mut admin(&replica.url()).await)
            .await;
        info.is_ok_and(|info| info.contains("role:master"))
    })
    .await;
    execute(&replica.url(), "SET a 6").await;
    master.kill();
    until("the successor answers", async || {
        ask(&*source, "GET a")
            .await
            .is_ok_and(|rows| rows.rows == [[Int(6)]])
    })
    .await;
}
