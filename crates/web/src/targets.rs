//! `/api/v1/targets` and `/api/v1/scrape_pools`.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use serde_json::{Value, json};
use stonechat_model::duration;
use stonechat_scrape::{DroppedTarget, TargetStatus};

use crate::Rooms;
use crate::answer::{ApiError, success};
use crate::own::{NEVER, rfc3339};
use crate::params::Params;

/// Active and dropped targets, optionally of one scrape pool or one state.
pub(crate) async fn targets(
    State(rooms): State<Rooms>,
    params: Params,
) -> Result<Response, ApiError> {
    // An unknown state is the state of no target, as in Prometheus.
    let state = params.get("state").unwrap_or("any").to_ascii_lowercase();
    let [wants_active, wants_dropped] =
        ["active", "dropped"].map(|kind| state == "any" || state == kind);
    let pool = params.get("scrapePool");
    let wanted = |candidate: &str| pool.is_none_or(|pool| pool == candidate);
    let (targets, dropped) = (rooms.scrapes.targets(), rooms.scrapes.dropped_targets());
    let active: Vec<Value> = targets
        .iter()
        .filter(|target| wants_active && wanted(&target.scrape_pool))
        .map(shown)
        .collect();
    let counts = wants_dropped.then(|| dropped_counts(&targets, &dropped));
    let dropped: Vec<Value> = dropped
        .iter()
        .filter(|target| wants_dropped && wanted(&target.scrape_pool))
        .map(|target| {
            json!({ "discoveredLabels": target.discovered_labels, "scrapePool": target.scrape_pool })
        })
        .collect();
    success(
        &json!({ "activeTargets": active, "droppedTargets": dropped, "droppedTargetCounts": counts }),
    )
}

/// The names of the jobs.
pub(crate) async fn pools(State(rooms): State<Rooms>) -> Result<Response, ApiError> {
    success(&json!({ "scrapePools": rooms.scrapes.pools() }))
}

/// How many targets of each pool are dropped, whichever pool was asked for.
fn dropped_counts<'a>(
    targets: &'a [TargetStatus],
    dropped: &'a [DroppedTarget],
) -> BTreeMap<&'a str, usize> {
    let pools = targets.iter().map(|target| target.scrape_pool.as_str());
    let mut counts: BTreeMap<&str, usize> = pools.map(|pool| (pool, 0)).collect();
    for target in dropped {
        *counts.entry(&target.scrape_pool).or_default() += 1;
    }
    counts
}

fn shown(target: &TargetStatus) -> Value {
    json!({
        "discoveredLabels": target.discovered_labels,
        "labels": target.labels,
        "scrapePool": target.scrape_pool,
        "scrapeUrl": target.scrape_url,
        "globalUrl": target.global_url,
        "lastError": target.last_error,
        "lastScrape": target.last_scrape.map_or_else(|| NEVER.to_owned(), rfc3339),
        "lastScrapeDuration": target.last_scrape_duration.as_secs_f64(),
        "health": target.health.as_str(),
        "scrapeInterval": duration::format(target.scrape_interval),
        "scrapeTimeout": duration::format(target.scrape_timeout),
    })
}
