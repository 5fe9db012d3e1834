//! A server's answer.

use anyhow::{Context, Result, bail};
use stonechat_promql::Steps;

/// Asks a server that speaks Prometheus' API; gives the parsed answer, or the server's own error.
pub(super) async fn ask(server: &str, expr: &str, steps: Steps) -> Result<serde_json::Value> {
    let server = server.trim_end_matches('/');
    let seconds =
        |millis: i64| format!("{}.{:03}", millis.div_euclid(1000), millis.rem_euclid(1000));
    let end = seconds(steps.end.millis());
    let (path, form) = if steps.start == steps.end {
        ("query", vec![("query", expr.to_owned()), ("time", end)])
    } else {
        let form = vec![
            ("query", expr.to_owned()),
            ("start", seconds(steps.start.millis())),
            ("end", end),
            ("step", steps.step.as_secs_f64().to_string()),
        ];
        ("query_range", form)
    };
    let url = format!("{server}/api/v1/{path}");
    let body: String = form
        .iter()
        .map(|(name, value)| format!("{name}={}", percent(value)))
        .collect::<Vec<_>>()
        .join("&");
    let response = reqwest::Client::new()
        .post(&url)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body)
        .send()
        .await
        .with_context(|| format!("asking {url}"))?;
    let text = response.text().await?;
    let answer: serde_json::Value =
        serde_json::from_str(&text).with_context(|| format!("{url} did not answer in JSON"))?;
    if answer["status"] != "success" {
        bail!(
            "{}",
            answer["error"]
                .as_str()
                .unwrap_or("the server gave no reason")
        );
    }
    Ok(answer)
}

/// A value of a form.
fn percent(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}
