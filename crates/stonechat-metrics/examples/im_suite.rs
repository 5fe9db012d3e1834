//! The metrics of im-suite, an instant messenger, under the names that its dashboards know.
//!
//! `cargo run -p stonechat-metrics --features axum --example im_suite`, and `monitoring/im-suite` watches it;
//! `-- --listen ADDRESS` lets it listen elsewhere than where that folder looks for it.

#[path = "simulation/run.rs"]
mod run;

use std::error::Error;

use stonechat_metrics::{
    Cache, CacheMetric, Caches, Database, DatabaseMetric, Gauge, HttpMetric, HttpServer,
    MessageMetric, MessageType, Messages, Named, Outcome, Redis, RedisMetric, RegisterError,
    Registry, WebRtc, WebRtcMetric,
};

/// Everything that im-suite counts.
pub struct ImSuite {
    http: HttpServer,
    message: MessageType,
    database: Database,
    redis: Redis,
    cache: Cache,
    calls: WebRtc,
    online: Gauge,
    active: Gauge,
}

impl ImSuite {
    /// Registers the families.
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        let duration = Named::new("http_request_duration_seconds")
            .label("method", "method")
            .label("path", "path")
            .label("status", "status");
        let http = [
            (HttpMetric::Requests, Named::standard()),
            (HttpMetric::Duration, duration),
        ];
        let sent = Named::new("messages_sent_total").no_labels();
        let messages = Messages::register_as(registry, &[(MessageMetric::Sent, sent)])?;
        let cache = [
            (
                CacheMetric::Hits,
                Named::new("redis_cache_hits_total").no_labels(),
            ),
            (
                CacheMetric::Misses,
                Named::new("redis_cache_misses_total").no_labels(),
            ),
        ];
        let database = [
            (DatabaseMetric::Duration, Named::standard()),
            (
                DatabaseMetric::PoolActive,
                Named::new("mysql_connections_active"),
            ),
            (
                DatabaseMetric::PoolIdle,
                Named::new("mysql_connections_idle"),
            ),
        ];
        let calls = [(
            WebRtcMetric::Active,
            Named::new("webrtc_connections_active"),
        )];
        let online = registry.gauge("online_users_current", "Users with a connection.");
        let active = registry.gauge("im_active_users_total", "Users that wrote today.");
        Ok(Self {
            http: HttpServer::register_as(registry, &http)?,
            message: messages.message_type("single"),
            database: Database::register_as(registry, &database)?,
            redis: Redis::register_as(registry, &[(RedisMetric::Memory, Named::standard())])?,
            cache: Caches::register_as(registry, &cache)?.cache("users"),
            calls: WebRtc::register_as(registry, &calls)?,
            online: online.register()?,
            active: active.register()?,
        })
    }

    /// Makes the traffic of a tenth of a second.
    pub fn round(&self, number: u64) {
        let status = if run::roll(number, 1, 50) == 0 {
            "500"
        } else {
            "200"
        };
        self.http.start("POST", "/api/messages").finish(status);
        self.http.start("GET", "/api/users/{id}").finish("200");
        self.database.start("insert", "messages").finish();
        self.message.start_send().finish(Outcome::Ok);
        if run::roll(number, 2, 10) < 8 {
            self.cache.hit();
        } else {
            self.cache.miss();
        }
        let call = self.calls.session("s", "d");
        self.database.set_pool(1 + run::roll(number, 3, 9), 4);
        self.redis
            .set_memory(50_000_000 + 1_000 * run::roll(number, 4, 900));
        self.online
            .set(1_200.0 + run::roll(number / 50, 5, 100) as f64);
        self.active.set(3_500.0 + (number / 100) as f64);
        drop(call);
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let registry = Registry::bare();
    let suite = ImSuite::register(&registry)?;
    run::run("127.0.0.1:19121", registry, |number| suite.round(number)).await
}
