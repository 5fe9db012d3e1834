use redis::aio::ConnectionLike;
use redis::{Cmd, Pipeline, RedisError, RedisFuture, Value};
use stonechat_metrics::{Redis, Registry};

use super::lines;

/// A connection that answers with what it is given, or is broken. Like the real ones it passes an
/// error of the server on as a value.
struct FakeRedis(Option<Value>);

impl FakeRedis {
    fn answer(&self) -> redis::RedisResult<Value> {
        let broken = || RedisError::from(std::io::Error::other("gone"));
        self.0.clone().ok_or_else(broken)
    }
}

impl ConnectionLike for FakeRedis {
    fn req_packed_command<'a>(&'a mut self, _: &'a Cmd) -> RedisFuture<'a, Value> {
        let answer = self.answer();
        Box::pin(async { answer })
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        _: &'a Pipeline,
        _: usize,
        _: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        let answers = self.answer().map(|answer| vec![Value::Okay, answer]);
        Box::pin(async move { answers })
    }

    fn get_db(&self) -> i64 {
        0
    }
}

fn refusal() -> Value {
    redis::parse_redis_value(b"-WRONGTYPE Operation against a wrong kind of value\r\n").unwrap()
}

#[tokio::test]
async fn commands_are_counted_by_how_they_end() {
    let inside = |value| Value::Array(vec![Value::Okay, Value::Array(vec![value])]);
    let cases = [
        (None, "error"),
        (Some(Value::Okay), "ok"),
        (Some(Value::Nil), "ok"),
        (Some(inside(Value::Int(1))), "ok"),
        (Some(refusal()), "error"),
        (Some(inside(refusal())), "error"),
        (Some(Value::Map(vec![(Value::Nil, refusal())])), "error"),
    ];
    for (answer, status) in cases {
        let registry = Registry::bare();
        let redis = Redis::register(&registry).unwrap();
        let mut connection = redis.observed(FakeRedis(answer.clone()));
        let _: redis::RedisResult<Value> = redis::cmd("get")
            .arg("k")
            .query_async(&mut connection)
            .await;
        let mut pipe = redis::pipe();
        pipe.cmd("GET").arg("a").cmd("GET").arg("b");
        let _: redis::RedisResult<Vec<Value>> = pipe.query_async(&mut connection).await;
        let expected = ["get", "pipeline"].map(|operation| {
            format!(r#"redis_operations_total{{operation="{operation}",status="{status}"}} 1"#)
        });
        let counted = lines(&registry, "redis_operations_total");
        assert_eq!(counted, expected, "{answer:?}");
        let timed = lines(&registry, "redis_operation_duration_seconds_count");
        assert_eq!(timed.len(), 2);
    }
}

#[tokio::test]
async fn what_a_real_redis_refuses_is_an_error() {
    let Ok(url) = std::env::var("STONECHAT_TEST_REDIS_URL") else {
        println!("skipped: STONECHAT_TEST_REDIS_URL is not set");
        return;
    };
    let registry = Registry::bare();
    let client = redis::Client::open(url).unwrap();
    let connection = client.get_multiplexed_async_connection().await.unwrap();
    let mut connection = Redis::register(&registry).unwrap().observed(connection);
    let key = format!("stonechat-metrics-test-{}", std::process::id());
    let run = async |connection: &mut _, command: &str, arguments: &[&str]| {
        let mut command = redis::cmd(command);
        command.arg(&key).arg(arguments);
        command.query_async::<Value>(connection).await
    };
    run(&mut connection, "SET", &["word"]).await.unwrap();
    let refused = run(&mut connection, "INCR", &[]).await;
    assert!(refused.is_err(), "{refused:?}");
    let refused = run(&mut connection, "LPUSH", &["x"]).await;
    assert!(refused.is_err(), "{refused:?}");
    run(&mut connection, "DEL", &[]).await.unwrap();
    assert_eq!(
        lines(&registry, "redis_operations_total"),
        [
            r#"redis_operations_total{operation="del",status="ok"} 1"#,
            r#"redis_operations_total{operation="incr",status="error"} 1"#,
            r#"redis_operations_total{operation="lpush",status="error"} 1"#,
            r#"redis_operations_total{operation="set",status="ok"} 1"#,
        ]
    );
}
