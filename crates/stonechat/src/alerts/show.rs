//! Alerts in words.

use std::fmt::Write as _;

use serde_json::Value as Json;
use stonechat_model::Timestamp;

/// Pending and firing alerts, one a line.
pub(super) fn list(pending: &[Json], firing: &Json) -> String {
    let mut text = self::pending(pending);
    for alert in firing.as_array().into_iter().flatten() {
        let since = text_of(&alert["fired_at"]);
        let fingerprint = text_of(&alert["fingerprint"]);
        line(
            &mut text,
            0,
            &format!(
                "{fingerprint}  fires since {since}  {}",
                labels(&alert["labels"])
            ),
        );
    }
    if text.is_empty() {
        text.push_str("nothing is pending or fires\n");
    }
    text
}

/// Alerts of which nobody is told yet.
pub(super) fn pending(pending: &[Json]) -> String {
    let mut text = String::new();
    for alert in pending {
        let since = text_of(&alert["activeAt"]);
        let labels = labels(&alert["labels"]);
        line(
            &mut text,
            0,
            &format!("pending since {since}: nobody is told before its `for` is over  {labels}"),
        );
    }
    text
}

/// One alert: where it stands, which way it went, and what has happened to it.
pub(super) fn why(answer: &Json, now: Timestamp) -> String {
    let mut text = String::new();
    let state = match answer["state"].as_str() {
        Some("firing") => format!("fires since {}", text_of(&answer["starts_at"])),
        _ => "is over".to_owned(),
    };
    line(
        &mut text,
        0,
        &format!("{} {state}", labels(&answer["labels"])),
    );
    for (key, what) in [
        ("silenced_by", "quiet: silenced by"),
        ("inhibited_by", "quiet: inhibited by the alert"),
        ("muted_by", "quiet: in the time interval"),
    ] {
        for name in answer[key].as_array().into_iter().flatten() {
            line(&mut text, 1, &format!("{what} {}", text_of(name)));
        }
    }
    for route in answer["routes"].as_array().into_iter().flatten() {
        self::route(&mut text, route, now);
    }
    let history = answer["history"].as_array();
    if history.is_none_or(Vec::is_empty) {
        line(&mut text, 1, "nothing is in the delivery log");
    }
    for happened in history.into_iter().flatten() {
        let at = text_of(&happened["at"]);
        line(&mut text, 1, &format!("{at}  {}", event(happened)));
    }
    text
}

fn route(text: &mut String, route: &Json, now: Timestamp) {
    let receiver = text_of(&route["receiver"]);
    let name = text_of(&route["route"]);
    line(text, 1, &format!("route {name} to {receiver:?}"));
    match route["group"].as_str() {
        Some(group) => {
            let due = until(&route["due"], now);
            line(
                text,
                2,
                &format!("in the group {group}, looked at next {due}"),
            );
        }
        None => line(text, 2, "in no group: all about it has been said"),
    }
    let ways = route["ways"].as_array();
    if ways.is_none_or(Vec::is_empty) {
        line(text, 2, "this receiver tells nobody");
    }
    for way in ways.into_iter().flatten() {
        let knows = match (way["knows_firing"].as_bool(), way["told_at"].as_str()) {
            (Some(true), Some(at)) => {
                let repeat = until(&way["repeat_at"], now);
                format!("told at {at} that it fires, told again {repeat} if nothing changes")
            }
            (_, Some(at)) => format!("told something else about the group at {at}"),
            (_, None) => "not told anything about the group".to_owned(),
        };
        let sending = match way["sending"].as_bool() {
            Some(true) => "; a message is on its way",
            _ => "",
        };
        line(
            text,
            2,
            &format!("{}: {knows}{sending}", text_of(&way["way"])),
        );
    }
}

/// What has happened, in a line.
fn event(happened: &Json) -> String {
    let of = |key: &str| text_of(&happened[key]);
    match happened["what"].as_str().unwrap_or_default() {
        "fires" => format!(
            "fires since {}, for {}",
            of("since"),
            names(&happened["receivers"])
        ),
        "ends" => format!("over since {}", of("ended")),
        "quiet" => {
            let by = happened["by"].as_array().into_iter().flatten();
            let by = by.filter_map(Json::as_object).flatten();
            let by: Vec<String> = by
                .map(|(kind, name)| format!("{} {}", kind.replace('_', " "), text_of(name)))
                .collect();
            format!("kept quiet in {}: {}", of("group"), by.join(", "))
        }
        "audible" => format!("no longer kept quiet in {}", of("group")),
        "message" => {
            let count = happened["alerts"].as_array().map_or(0, Vec::len);
            let (id, way, reason) = (of("id"), of("way"), of("reason"));
            format!("message {id} to {way}: {reason}, {count} alerts")
        }
        "attempt" => {
            let seconds = happened["seconds"].as_f64().unwrap_or_default();
            let (id, number, answer) = (of("id"), of("number"), of("answer"));
            format!("message {id}, attempt {number}: {answer} after {seconds:.3} s")
        }
        "outcome" => format!("message {} {}: {}", of("id"), of("outcome"), of("answer")),
        other => other.to_owned(),
    }
}

fn names(names: &Json) -> String {
    let names = names.as_array().into_iter().flatten();
    let names: Vec<String> = names.map(|name| format!("{name}")).collect();
    match names.is_empty() {
        true => "nobody".to_owned(),
        false => names.join(", "),
    }
}

/// `Name {a="b"}`.
fn labels(labels: &Json) -> String {
    let pairs = labels.as_object().into_iter().flatten();
    let others = pairs.filter(|(name, _)| *name != "alertname");
    let others: Vec<String> = others
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let name = text_of(&labels["alertname"]);
    match others.is_empty() {
        true => name,
        false => format!("{name} {{{}}}", others.join(", ")),
    }
}

/// How far ahead a time is, and when.
fn until(time: &Json, now: Timestamp) -> String {
    let text = text_of(time);
    let parsed: Option<jiff::Timestamp> = text.parse().ok();
    match parsed.map(|time| time.as_millisecond() - now.millis()) {
        Some(ahead) if ahead > 0 => format!("at {text}, in {} s", (ahead + 999) / 1000),
        Some(_) => format!("now (due at {text})"),
        None => "at no time".to_owned(),
    }
}

/// A text without its quotes; anything else as it is written.
fn text_of(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Null => String::new(),
        other => other.to_string(),
    }
}

fn line(text: &mut String, depth: usize, what: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{}{what}", "  ".repeat(depth));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_way_of_an_alert_is_told_in_lines() {
        let now = "2026-01-01T00:01:00Z".parse::<jiff::Timestamp>().unwrap();
        let answer = json!({
            "state": "firing",
            "labels": { "alertname": "Slow", "instance": "a" },
            "starts_at": "2026-01-01T00:00:00Z",
            "silenced_by": ["s-1"], "inhibited_by": [], "muted_by": [],
            "routes": [{
                "route": "{}", "receiver": "r", "group": "{}:{}", "due": "2026-01-01T00:02:00Z",
                "ways": [
                    { "way": "r/webhook[0]", "told_at": "2026-01-01T00:00:30Z", "knows_firing": true,
                      "repeat_at": "2026-01-01T04:00:30Z", "sending": false },
                    { "way": "r/email[0]", "told_at": null, "knows_firing": false, "repeat_at": null, "sending": true },
                ],
            }],
            "history": [
                { "at": "2026-01-01T00:00:01Z", "what": "fires", "alert": "00", "since": "2026-01-01T00:00:00Z", "receivers": ["r"] },
                { "at": "2026-01-01T00:00:30Z", "what": "message", "id": "m", "way": "r/webhook[0]", "reason": "first notification", "alerts": [{}] },
                { "at": "2026-01-01T00:00:31Z", "what": "attempt", "id": "m", "number": 1, "answer": "503", "seconds": 0.5 },
                { "at": "2026-01-01T00:00:32Z", "what": "quiet", "alert": "00", "group": "{}:{}", "by": [{ "silence": "s-1" }] },
                { "at": "2026-01-01T00:00:33Z", "what": "outcome", "id": "m", "outcome": "delivered", "answer": "200 OK" },
            ],
        });
        let shown = why(&answer, Timestamp::from_millis(now.as_millisecond()));
        let expected = r#"Slow {instance="a"} fires since 2026-01-01T00:00:00Z
  quiet: silenced by s-1
  route {} to "r"
    in the group {}:{}, looked at next at 2026-01-01T00:02:00Z, in 60 s
    r/webhook[0]: told at 2026-01-01T00:00:30Z that it fires, told again at 2026-01-01T04:00:30Z, in 14370 s if nothing changes
    r/email[0]: not told anything about the group; a message is on its way
  2026-01-01T00:00:01Z  fires since 2026-01-01T00:00:00Z, for "r"
  2026-01-01T00:00:30Z  message m to r/webhook[0]: first notification, 1 alerts
  2026-01-01T00:00:31Z  message m, attempt 1: 503 after 0.500 s
  2026-01-01T00:00:32Z  kept quiet in {}:{}: silence s-1
  2026-01-01T00:00:33Z  message m delivered: 200 OK
"#;
        assert_eq!(shown, expected);
        assert_eq!(list(&[], &json!([])), "nothing is pending or fires\n");
    }
}
