use redis::aio::ConnectionLike;
use redis::{Arg, Cmd, Pipeline, RedisFuture, RedisResult, Value};

use crate::families::{Outcome, Redis};
use crate::family::OTHER;

impl Redis {
    /// A connection whose commands are counted and timed; use it in the place of the other. An
    /// answer that is an error, such as `WRONGTYPE`, counts as one; a pipeline is one operation, and
    /// fails as a whole if one of its commands does.
    ///
    /// ```no_run
    /// # async fn connect(registry: &stonechat_metrics::Registry) -> Result<(), Box<dyn std::error::Error>> {
    /// use redis::AsyncCommands;
    /// use stonechat_metrics::Redis;
    ///
    /// let client = redis::Client::open("redis://127.0.0.1/")?;
    /// let connection = client.get_multiplexed_async_connection().await?;
    /// let mut connection = Redis::register(registry)?.observed(connection);
    /// let online: u64 = connection.get("online").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn observed<C>(&self, connection: C) -> ObservedConnection<C> {
        ObservedConnection {
            inner: connection,
            redis: self.clone(),
        }
    }
}

/// A connection whose commands are counted and timed; made by [`Redis::observed`].
#[derive(Debug, Clone)]
pub struct ObservedConnection<C> {
    inner: C,
    redis: Redis,
}

impl<C: ConnectionLike + Send> ConnectionLike for ObservedConnection<C> {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        let command = self.redis.start(operation(cmd));
        let answer = self.inner.req_packed_command(cmd);
        Box::pin(async move {
            let answer = answer.await;
            let refused = answer.as_ref().is_ok_and(is_refusal);
            command.finish(outcome(&answer, refused));
            answer
        })
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        let command = self.redis.start("pipeline");
        let answer = self.inner.req_packed_commands(pipeline, offset, count);
        Box::pin(async move {
            let answer = answer.await;
            let refused = |answers: &Vec<Value>| answers.iter().any(is_refusal);
            let refused = answer.as_ref().is_ok_and(refused);
            command.finish(outcome(&answer, refused));
            answer
        })
    }

    fn get_db(&self) -> i64 {
        self.inner.get_db()
    }
}

fn outcome<T>(answer: &RedisResult<T>, refused: bool) -> Outcome {
    if refused {
        Outcome::Error
    } else {
        Outcome::from(answer)
    }
}

/// Whether Redis has answered with an error, as a whole or in a part of its answer. A connection
/// passes that on as a value, which becomes an error only where somebody asks for its content.
fn is_refusal(value: &Value) -> bool {
    match value {
        Value::ServerError(_) => true,
        Value::Array(parts) | Value::Set(parts) => parts.iter().any(is_refusal),
        Value::Map(pairs) => pairs.iter().any(|(_, value)| is_refusal(value)),
        Value::Attribute { data, .. } => is_refusal(data),
        _ => false,
    }
}

/// Commands that are counted under their own name.
const KNOWN: &str = "\
    append auth blpop brpop copy decr decrby del eval evalsha exists expire expireat \
    flushdb geoadd geosearch get getdel getex getset hdel hexists hget hgetall hincrby \
    hkeys hlen hmget hmset hscan hset hsetnx hvals incr incrby info keys llen lpop lpush \
    lrange lrem lset ltrim mget mset persist pexpire pfadd pfcount ping psetex pttl publish \
    rename rpop rpush sadd scan scard select set setex setnx sismember smembers spop srem \
    sscan strlen subscribe sunion ttl type unlink unsubscribe xack xadd xautoclaim xclaim \
    xdel xgroup xinfo xlen xpending xrange xread xreadgroup xrevrange xtrim zadd zcard \
    zcount zincrby zrange zrangebyscore zrank zrem zremrangebyscore zrevrange zscan zscore";

/// The command in small letters; one that is not known is `other`, as it may come from anywhere.
fn operation(cmd: &Cmd) -> &'static str {
    let Some(Arg::Simple(name)) = cmd.args_iter().next() else {
        return OTHER;
    };
    let same = |known: &&str| known.as_bytes().eq_ignore_ascii_case(name);
    KNOWN.split(' ').find(same).unwrap_or(OTHER)
}

#[cfg(test)]
mod tests {
    use super::operation;

    #[test]
    fn commands_are_known_in_any_case() {
        for (name, expected) in [("GET", "get"), ("xAdd", "xadd"), ("NONSENSE", "other")] {
            assert_eq!(operation(redis::cmd(name).arg("key")), expected);
        }
        assert_eq!(operation(&redis::Cmd::new()), "other");
    }
}
