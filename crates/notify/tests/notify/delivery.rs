//! What the receiver answers, and what follows from it.

use std::time::{Duration, Instant};

use serde_json::json;
use stonechat_metrics::{Format, Registry};
use stonechat_notify::{DeliveryOutcome, Notifier, NotifyMetrics};

use crate::receiver::{Answer, Receiver, Request};
use crate::setup::{
    concluded, config, end, fire, fire_with, options, parse, start, wait_for, webhook,
};

#[tokio::test]
async fn a_message_is_alertmanagers_json() {
    let data = tempfile::tempdir().unwrap();
    let receiver = Receiver::start(&[Answer::Status("200 OK")]).await;
    let url = receiver.url("/alerts");
    let notifier = start(webhook("100ms", &format!("url: '{url}'")), data.path());
    fire(&notifier, "Slow");
    let request = receiver.received(1).await.remove(0);
    let mut body = request.body.clone();
    let starts_at = body["alerts"][0]["startsAt"].take();
    assert!(starts_at.as_str().unwrap().ends_with('Z'), "{starts_at}");
    assert_eq!(
        body,
        json!({
            "receiver": "r",
            "status": "firing",
            "alerts": [{
                "status": "firing",
                "labels": {"alertname": "Slow"},
                "annotations": {"summary": "something is slow"},
                "startsAt": null,
                "endsAt": "0001-01-01T00:00:00Z",
                "generatorURL": "http://stonechat.example/graph",
                "fingerprint": "2a6d61766e100a13",
            }],
            "notification_reason": "first notification",
            "groupLabels": {"alertname": "Slow"},
            "commonLabels": {"alertname": "Slow"},
            "commonAnnotations": {"summary": "something is slow"},
            "externalURL": "http://stonechat.example",
            "version": "4",
            "groupKey": "{}:{alertname=\"Slow\"}",
            "truncatedAlerts": 0,
        })
    );
    let head = request.head.to_lowercase();
    assert!(head.starts_with("post /alerts http/1.1\r\n"), "{head}");
    assert!(head.contains("content-type: application/json"), "{head}");
    assert!(head.contains("user-agent: stonechat/"), "{head}");

    end(&notifier, "Slow");
    let request = receiver.received(2).await.remove(1);
    assert_eq!(request.body["status"], "resolved");
    assert_ne!(request.body["alerts"][0]["endsAt"], "0001-01-01T00:00:00Z");
    let delivery = concluded(&notifier, "Slow").await;
    let mut shown = serde_json::to_value(&delivery).unwrap();
    assert!(shown["at"].take().is_string());
    assert!(shown["duration_seconds"].take().is_f64());
    assert_eq!(
        shown,
        json!({
            "at": null, "receiver": "r", "group": "{alertname=\"Slow\"}", "status": "resolved",
            "alerts": [{"name": "Slow", "labels": {"alertname": "Slow"}, "status": "resolved"}],
            "alerts_total": 1, "outcome": "delivered", "attempts": 1, "answer": "200 OK",
            "duration_seconds": null,
        })
    );
    notifier.shutdown().await;
}

#[tokio::test]
async fn max_alerts_cuts_the_message_and_counts_the_rest() {
    let data = tempfile::tempdir().unwrap();
    let receiver = Receiver::start(&[Answer::Status("200 OK")]).await;
    let text = format!(
        "{{route: {{receiver: a.b, group_wait: 300ms}}, receivers: [{{name: a.b, webhook_configs: [{{url: '{}', max_alerts: 2}}]}}]}}",
        receiver.url("/")
    );
    let notifier = Notifier::new(parse(&text), options(data.path())).unwrap();
    // The group waits for all, since its first alert has only just begun.
    let alert = |index: usize| stonechat_model::Alert {
        labels: stonechat_model::Labels::from_pairs([("n", index.to_string().as_str())]).unwrap(),
        annotations: std::collections::BTreeMap::default(),
        starts_at: stonechat_model::Timestamp::now(),
        ends_at: stonechat_model::Timestamp::MAX,
        generator_url: String::new(),
    };
    stonechat_model::AlertSink::put(&notifier, (0..5).map(alert).collect());
    let body = receiver.received(1).await.remove(0).body;
    assert_eq!(body["truncatedAlerts"], 3);
    assert_eq!(body["alerts"].as_array().unwrap().len(), 2);
    assert_eq!(body["receiver"], r"a\.b", "escaped as by Alertmanager");
    notifier.shutdown().await;
}

/// Sends one alert to a receiver with these answers; gives outcome, attempts and the last answer.
async fn outcome_of(
    answers: &[Answer],
    options_of_webhook: &str,
) -> (DeliveryOutcome, u32, String) {
    let data = tempfile::tempdir().unwrap();
    let receiver = Receiver::start(answers).await;
    let url = receiver.url("/hook/secret-token-123?key=other-secret");
    let webhook = webhook("1h", &format!("url: '{url}'{options_of_webhook}"));
    let notifier = start(webhook, data.path());
    fire(&notifier, "A");
    let delivery = concluded(&notifier, "A").await;
    let requests = receiver.so_far();
    assert_eq!(requests.len(), delivery.attempts as usize);
    for request in &requests {
        assert_eq!(request.body, requests[0].body, "each attempt says the same");
    }
    let shown = serde_json::to_string(&notifier.deliveries()).unwrap();
    assert!(!shown.contains("secret-"), "{shown}");
    assert!(!shown.contains("other-"), "{shown}");
    notifier.shutdown().await;
    (delivery.outcome, delivery.attempts, delivery.answer)
}

#[tokio::test]
async fn what_may_pass_is_tried_again() {
    use DeliveryOutcome::Delivered;
    let ok = Answer::Status("200 OK");
    for (first, second) in [
        (Answer::Status("500 Internal Server Error"), ok),
        (Answer::Status("503 Service Unavailable"), ok),
        (Answer::Garbage, ok),
        (Answer::Close, ok),
        (
            Answer::Full("429 Too Many Requests", "Retry-After: 0", ""),
            ok,
        ),
        (Answer::Full("500 Oops", "X-A: b", "not now"), ok),
    ] {
        let (outcome, attempts, answer) = outcome_of(&[first, first, second], "").await;
        assert_eq!(
            (outcome, attempts, answer.as_str()),
            (Delivered, 3, "200 OK")
        );
    }
    let no_content = outcome_of(&[Answer::Status("204 No Content")], "").await;
    assert_eq!(no_content, (Delivered, 1, "204 No Content".to_owned()));
}

#[tokio::test]
async fn what_will_not_be_taken_is_not_tried_again() {
    use DeliveryOutcome::Failed;
    for (answer, shown) in [
        (Answer::Status("400 Bad Request"), "400 Bad Request"),
        (
            Answer::Full(
                "404 Not Found",
                "X-A: b",
                "no robot\n  at /hook/secret-token-123?key=other-secret",
            ),
            "404 Not Found: no robot at <secret>?<secret>",
        ),
        (Answer::Status("401 Unauthorized"), "401 Unauthorized"),
        (Answer::Status("304 Not Modified"), "304 Not Modified"),
    ] {
        assert_eq!(
            outcome_of(&[answer], "").await,
            (Failed, 1, shown.to_owned())
        );
    }
}

#[tokio::test]
async fn a_good_status_counts_even_if_the_body_never_ends() {
    let (outcome, attempts, _) = outcome_of(&[Answer::EndlessBody], "").await;
    assert_eq!((outcome, attempts), (DeliveryOutcome::Delivered, 1));
}

#[tokio::test]
async fn an_attempt_that_takes_too_long_is_given_up_and_repeated() {
    let answers = [Answer::Hang, Answer::Status("200 OK")];
    let (outcome, attempts, _) = outcome_of(&answers, ", timeout: 200ms").await;
    assert_eq!((outcome, attempts), (DeliveryOutcome::Delivered, 2));
}

#[tokio::test]
async fn redirects_are_followed_unless_that_is_off() {
    let (data, target) = (
        tempfile::tempdir().unwrap(),
        Receiver::start(&[Answer::Status("200 OK")]).await,
    );
    let location: &'static str = format!("Location: {}", target.url("/there")).leak();
    let from = Receiver::start(&[Answer::Full("307 Temporary Redirect", location, "")]).await;
    let webhook_of = |more: &str| webhook("1h", &format!("url: '{}'{more}", from.url("/")));
    let notifier = start(webhook_of(""), data.path());
    fire(&notifier, "A");
    let request = target.received(1).await.remove(0);
    assert_eq!(request.alerts(), ["A"]);
    let off = webhook_of(", http_config: {follow_redirects: false}");
    notifier.apply(off).unwrap();
    fire(&notifier, "B");
    let delivery = concluded(&notifier, "B").await;
    assert_eq!(delivery.answer, "307 Temporary Redirect");
    notifier.shutdown().await;
}

#[tokio::test]
async fn a_receiver_that_asks_to_wait_is_left_alone_for_so_long() {
    let data = tempfile::tempdir().unwrap();
    let receiver = Receiver::start(&[
        Answer::Full("429 Too Many Requests", "Retry-After: 1", ""),
        Answer::Status("200 OK"),
    ])
    .await;
    let url = receiver.url("/");
    let notifier = start(webhook("1h", &format!("url: '{url}'")), data.path());
    fire(&notifier, "A");
    receiver.received(1).await;
    wait_for("the answer", || {
        let answer = &notifier.deliveries()[0].answer;
        answer.starts_with("429").then_some(())
    })
    .await;
    // Another group's message waits as well: the whole receiver asked for it.
    fire(&notifier, "B");
    let requests = receiver.received(3).await;
    let waits = [
        requests[1].at - requests[0].at,
        requests[2].at - requests[0].at,
    ];
    assert!(
        waits.iter().all(|wait| *wait >= Duration::from_millis(990)),
        "{waits:?}"
    );
    notifier.shutdown().await;
}

#[tokio::test]
async fn a_receiver_that_is_down_hears_everything_once_it_is_back() {
    let data = tempfile::tempdir().unwrap();
    let down = Receiver::start(&[Answer::Status("200 OK")]).await;
    // A port that was just given back: nobody listens there.
    let address = std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .unwrap();
    let text = format!(
        "- {{name: r, webhook_configs: [{{url: 'http://{address}/'}}, {{url: '{}'}}]}}",
        down.url("/")
    );
    let notifier = start(config("100ms", &text), data.path());
    fire(&notifier, "A");
    wait_for("a refused connection", || {
        let pending = |d: &stonechat_notify::Delivery| d.outcome == DeliveryOutcome::Pending;
        let delivery = notifier.deliveries().into_iter().find(pending)?;
        (delivery.attempts > 2).then_some(delivery.answer)
    })
    .await
    .starts_with(&format!("cannot connect to http://{address}: "))
    .then_some(())
    .expect("the answer says why");
    let back = Receiver::start_at(address, &[Answer::Status("200 OK")]).await;
    assert_eq!(back.received(1).await[0].alerts(), ["A"]);
    end(&notifier, "A");
    assert_eq!(back.received(2).await[1].alerts(), ["-A"]);
    let other: Vec<_> = down.received(2).await.iter().map(Request::alerts).collect();
    assert_eq!(other, [["A"], ["-A"]]);
    notifier.shutdown().await;
}

#[tokio::test]
async fn a_refused_message_is_tried_again_in_the_groups_next_round() {
    let data = tempfile::tempdir().unwrap();
    let receiver =
        Receiver::start(&[Answer::Status("400 Bad Request"), Answer::Status("200 OK")]).await;
    let url = receiver.url("/");
    let notifier = start(webhook("200ms", &format!("url: '{url}'")), data.path());
    fire(&notifier, "A");
    let requests = receiver.received(2).await;
    assert!(requests[1].at - requests[0].at >= Duration::from_millis(150));
    let outcomes = wait_for("both outcomes", || {
        let outcomes: Vec<_> = notifier.deliveries().iter().map(|d| d.outcome).collect();
        (!outcomes.contains(&DeliveryOutcome::Pending)).then_some(outcomes)
    })
    .await;
    assert_eq!(
        outcomes,
        [DeliveryOutcome::Delivered, DeliveryOutcome::Failed]
    );
    notifier.shutdown().await;
}

#[tokio::test]
async fn a_receiver_that_hangs_delays_no_other() {
    let data = tempfile::tempdir().unwrap();
    let hanging = Receiver::start(&[Answer::Hang]).await;
    let good = Receiver::start(&[Answer::Status("200 OK")]).await;
    let text = format!(
        "- {{name: r, webhook_configs: [{{url: '{}'}}, {{url: '{}'}}]}}",
        hanging.url("/"),
        good.url("/")
    );
    let mut options = options(data.path());
    options.shutdown_timeout = Duration::from_millis(50);
    let notifier = Notifier::new(config("100ms", &text), options).unwrap();
    let begun = Instant::now();
    for index in 0..50 {
        fire(&notifier, &format!("A{index}"));
    }
    good.received(50).await;
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
    end(&notifier, "A0");
    let last = good.received(51).await.pop().unwrap();
    assert_eq!(last.alerts(), ["-A0"]);
    assert_eq!(hanging.so_far().len(), 16, "so many requests at a time");
    notifier.shutdown().await;
}

#[tokio::test]
async fn a_full_queue_refuses_and_is_counted() {
    let data = tempfile::tempdir().unwrap();
    let receiver = Receiver::start(&[Answer::Hang]).await;
    let registry = Registry::bare();
    let mut options = options(data.path()).metrics(NotifyMetrics::register(&registry).unwrap());
    options.queue_max = 1;
    options.shutdown_timeout = Duration::from_millis(50);
    let url = receiver.url("/");
    let notifier = Notifier::new(webhook("1h", &format!("url: '{url}'")), options).unwrap();
    fire(&notifier, "A");
    receiver.received(1).await;
    fire(&notifier, "B");
    let delivery = concluded(&notifier, "B").await;
    assert_eq!(delivery.outcome, DeliveryOutcome::Failed);
    assert_eq!(delivery.answer, "too many messages wait for this receiver");
    let text = registry.encode(Format::Text);
    for line in [
        "stonechat_notify_dropped_total{limit=\"queue\"} 1",
        "stonechat_notify_queue_length{receiver=\"r\"} 1",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
    notifier.shutdown().await;
}

#[tokio::test]
async fn what_happens_is_counted() {
    let data = tempfile::tempdir().unwrap();
    let receiver = Receiver::start(&[
        Answer::Status("500 Oops"),
        Answer::Status("200 OK"),
        Answer::Status("400 No"),
    ])
    .await;
    let registry = Registry::bare();
    let options = options(data.path()).metrics(NotifyMetrics::register(&registry).unwrap());
    let url = receiver.url("/");
    let notifier = Notifier::new(webhook("1h", &format!("url: '{url}'")), options).unwrap();
    fire(&notifier, "A");
    concluded(&notifier, "A").await;
    fire(&notifier, "B");
    concluded(&notifier, "B").await;
    let text = registry.encode(Format::Text);
    for line in [
        "stonechat_notify_notifications_total{kind=\"webhook\",outcome=\"delivered\"} 1",
        "stonechat_notify_notifications_total{kind=\"webhook\",outcome=\"failed\"} 1",
        "stonechat_notify_retries_total{kind=\"webhook\"} 1",
        "stonechat_notify_attempt_duration_seconds_count{kind=\"webhook\"} 3",
        "stonechat_notify_queue_length{receiver=\"r\"} 0",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
    wait_for("the gauges", || {
        let text = registry.encode(Format::Text);
        fire(&notifier, "C");
        text.contains("stonechat_notify_alerts_firing 3")
            .then_some(())
    })
    .await;
    notifier.shutdown().await;
}

#[tokio::test]
async fn files_with_secrets_are_read_each_time() {
    let data = tempfile::tempdir().unwrap();
    let receiver = Receiver::start(&[Answer::Status("200 OK")]).await;
    let (url, password) = (data.path().join("url"), data.path().join("password"));
    std::fs::write(&password, " first \n").unwrap();
    let text = format!(
        "url_file: '{}', http_config: {{basic_auth: {{username: u, password_file: '{}'}}}}",
        url.display(),
        password.display()
    );
    let notifier = start(webhook("1h", &text), data.path());
    fire(&notifier, "A");
    let answer = wait_for("a first attempt", || {
        let delivery = notifier.deliveries().into_iter().next()?;
        (delivery.attempts > 0).then_some(delivery.answer)
    })
    .await;
    assert!(
        answer.starts_with("the file with the URL cannot be read: "),
        "{answer}"
    );
    std::fs::write(&url, format!("{}\n", receiver.url("/x"))).unwrap();
    let first = receiver.received(1).await.remove(0).head;
    std::fs::write(&password, "second").unwrap();
    fire(&notifier, "B");
    let second = receiver.received(2).await.remove(1).head;
    // u:first and u:second in base64.
    for (head, credentials) in [
        (first, "Basic dTpmaXJzdA=="),
        (second, "Basic dTpzZWNvbmQ="),
    ] {
        assert!(head.contains(credentials), "{head}");
    }
    notifier.shutdown().await;
}

#[tokio::test]
async fn only_the_newest_deliveries_are_kept() {
    let data = tempfile::tempdir().unwrap();
    let receiver = Receiver::start(&[Answer::Status("200 OK")]).await;
    let url = receiver.url("/");
    let notifier = start(webhook("1h", &format!("url: '{url}'")), data.path());
    for index in 0..120 {
        fire_with(&notifier, &format!("A{index}"), &[("n", "1")]);
    }
    receiver.received(120).await;
    let deliveries = notifier.deliveries();
    assert_eq!(deliveries.len(), 100);
    assert!(deliveries.is_sorted_by(|a, b| a.at >= b.at));
    notifier.shutdown().await;
}

#[tokio::test]
async fn https_is_checked_against_the_authority() {
    let receiver = Receiver::start_tls(&[Answer::Status("200 OK")]).await;
    let ca = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/tls/ca.pem");
    let outcome_with = async |tls: &str| {
        let data = tempfile::tempdir().unwrap();
        let text = format!(
            "url: '{}', http_config: {{tls_config: {tls}}}",
            receiver.url("/")
        );
        let notifier = start(webhook("1h", &text), data.path());
        fire(&notifier, "A");
        let answer = wait_for("an answer", || {
            let delivery = notifier.deliveries().into_iter().next()?;
            (delivery.attempts > 0).then_some(delivery.answer)
        })
        .await;
        notifier.shutdown().await;
        answer
    };
    assert_eq!(outcome_with(&format!("{{ca_file: {ca}}}")).await, "200 OK");
    assert_eq!(outcome_with("{insecure_skip_verify: true}").await, "200 OK");
    let unknown = outcome_with("{}").await;
    assert!(
        unknown.contains("invalid peer certificate: UnknownIssuer"),
        "{unknown}"
    );
}
