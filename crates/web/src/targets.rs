//! `/api/v1/targets`.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use serde_json::{Value, json};
use stonechat_model::duration;
use stonechat_scrape::TargetStatus;

use crate::Rooms;
use crate::answer::{ApiError, ErrorType, success};
use crate::own::{NEVER, rfc3339};
use crate::params::Params;

/// Active and dropped targets, optionally of one scrape pool or one state.
pub(crate) async fn targets(
    State(rooms): State<Rooms>,
    params: Params,
) -> Result<Response, ApiError> {
    let state = params.get("state").unwrap_or("any");
    if !["any", "active", "dropped"].contains(&state) {
        return Err(ApiError::new(
            ErrorType::BadData,
            format!("invalid parameter \"state\": {state:?} is not any, active or dropped"),
        ));
    }
    let pool = params.get("scrapePool");
    let wanted = |candidate: &str| pool.is_none_or(|pool| pool == candidate);
    let (mut active, mut dropped) = (Vec::new(), Vec::new());
    if state != "dropped" {
        active.extend(
            rooms
                .scrapes
                .targets()
                .iter()
                .filter(|target| wanted(&target.scrape_pool))
                .map(shown),
        );
    }
    if state != "active" {
        let targets = rooms.scrapes.dropped_targets();
        let targets = targets.iter().filter(|target| wanted(&target.scrape_pool));
        dropped.extend(targets.map(|target| {
            json!({ "discoveredLabels": target.discovered_labels, "scrapePool": target.scrape_pool })
        }));
    }
    let mut counts = BTreeMap::<String, usize>::new();
    for target in rooms.scrapes.dropped_targets() {
        *counts.entry(target.scrape_pool).or_default() += 1;
    }
    success(
        &json!({ "activeTargets": active, "droppedTargets": dropped, "droppedTargetCounts": counts }),
    )
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
