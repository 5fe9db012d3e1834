use std::panic::{AssertUnwindSafe, resume_unwind};

use futures_util::FutureExt;
use redis::AsyncCommands;
use sqlx::{AssertSqlSafe, Connection, MySqlConnection};
use stonechat_demo::{Addresses, Chat, ChatConfig, QueueConfig, StoreConfig, run};

/// A configuration on free ports that needs nothing but this process.
pub fn embedded() -> ChatConfig {
    ChatConfig::embedded(Addresses::any_free())
}

/// Starts an embedded chat.
pub async fn start() -> Chat {
    run(embedded()).await.unwrap()
}

/// Database and stream of one test, on servers that the environment names.
struct External {
    mysql: String,
    database: String,
    redis: String,
    stream: String,
}

impl External {
    /// `None`, with a reason on standard error, if a server is not named.
    fn named(test: &str) -> Option<Self> {
        let url = |variable: &str| match std::env::var(variable) {
            Ok(url) => Some(url),
            Err(_) => {
                eprintln!("skipped: {variable} is not set");
                None
            }
        };
        let unique = format!("{}_{test}", std::process::id());
        Some(Self {
            mysql: url("STONECHAT_TEST_MYSQL_URL")?,
            database: format!("stonechat_test_{unique}"),
            redis: url("STONECHAT_TEST_REDIS_URL")?,
            stream: format!("stonechat-test:{unique}"),
        })
    }

    fn config(&self) -> ChatConfig {
        let (server, _) = self
            .mysql
            .rsplit_once('/')
            .expect("the URL names a database");
        ChatConfig {
            store: Some(StoreConfig::MySql(format!("{server}/{}", self.database))),
            queue: QueueConfig::Redis {
                url: self.redis.clone(),
                stream: self.stream.clone(),
            },
            ..embedded()
        }
    }

    async fn sql(&self, statement: &str) {
        let mut connection = MySqlConnection::connect(&self.mysql).await.unwrap();
        let statement = AssertSqlSafe(format!("{statement} {}", self.database));
        sqlx::raw_sql(statement)
            .execute(&mut connection)
            .await
            .unwrap();
        connection.close().await.unwrap();
    }

    async fn clean_up(&self) {
        self.sql("DROP DATABASE").await;
        let client = redis::Client::open(self.redis.as_str()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let () = connection.del(&self.stream).await.unwrap();
    }
}

/// Runs a test on MariaDB and Redis, in a database and a stream of its own, and cleans up also if
/// it fails.
pub async fn on_mariadb_and_redis(test: &str, check: impl AsyncFnOnce(ChatConfig)) {
    let Some(external) = External::named(test) else {
        return;
    };
    external.sql("CREATE DATABASE").await;
    let result = AssertUnwindSafe(check(external.config()))
        .catch_unwind()
        .await;
    external.clean_up().await;
    if let Err(panic) = result {
        resume_unwind(panic);
    }
}
