//! Notifiers, alerts and waiting.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use stonechat_model::{Alert, AlertSink, Labels, Timestamp};
use stonechat_notify::{Config, Delivery, DeliveryOutcome, Notifier, NotifierOptions};

/// Options with short waits.
pub fn options(data: &Path) -> NotifierOptions {
    // Only one test of a process can be the first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut options = NotifierOptions::new(data, "http://stonechat.example");
    options.retry_wait = Duration::from_millis(10);
    options
}

/// A configuration whose groups, by alert name, are told at once and looked at every `interval`.
pub fn config(interval: &str, receivers: &str) -> Config {
    let text = format!(
        "
route: {{receiver: r, group_by: [alertname], group_wait: 0s, group_interval: {interval}}}
receivers:
{receivers}"
    );
    parse(&text)
}

/// The same with one receiver and one webhook.
pub fn webhook(interval: &str, webhook: &str) -> Config {
    config(
        interval,
        &format!("- {{name: r, webhook_configs: [{{{webhook}}}]}}"),
    )
}

pub fn parse(text: &str) -> Config {
    Config::parse(Path::new("alertmanager.yml"), text)
        .unwrap_or_else(|problems| panic!("{problems}"))
}

pub fn start(config: Config, data: &Path) -> Notifier {
    Notifier::new(config, options(data)).unwrap()
}

fn alert(name: &str, labels: &[(&str, &str)], ends_at: Timestamp) -> Alert {
    let labels = labels.iter().copied().chain([("alertname", name)]);
    Alert {
        labels: Labels::from_pairs(labels).unwrap(),
        annotations: BTreeMap::from([("summary".to_owned(), "something is slow".to_owned())]),
        starts_at: Timestamp::now().minus(Duration::from_secs(60)),
        ends_at,
        generator_url: "http://stonechat.example/graph".to_owned(),
    }
}

pub fn fire(notifier: &Notifier, name: &str) {
    let ends_at = Timestamp::now().plus(Duration::from_secs(60));
    notifier.put(vec![alert(name, &[], ends_at)]);
}

pub fn fire_with(notifier: &Notifier, name: &str, labels: &[(&str, &str)]) {
    let ends_at = Timestamp::now().plus(Duration::from_secs(60));
    notifier.put(vec![alert(name, labels, ends_at)]);
}

/// Many alerts of one name at once, each with its own labels.
pub fn fire_all(notifier: &Notifier, name: &str, labels: &[Vec<(&str, String)>]) {
    let ends_at = Timestamp::now().plus(Duration::from_secs(60));
    let alerts = labels.iter().map(|labels| {
        let labels: Vec<(&str, &str)> = labels
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        alert(name, &labels, ends_at)
    });
    notifier.put(alerts.collect());
}

pub fn end(notifier: &Notifier, name: &str) {
    notifier.put(vec![alert(name, &[], Timestamp::now())]);
}

/// The newest delivery of a group, once its outcome is known.
pub async fn concluded(notifier: &Notifier, alert: &str) -> Delivery {
    wait_for(&format!("the end of a delivery about {alert}"), || {
        let group = format!("{{alertname=\"{alert}\"}}");
        let newest = notifier.deliveries().into_iter().find(|d| d.group == group);
        newest.filter(|delivery| delivery.outcome != DeliveryOutcome::Pending)
    })
    .await
}

/// Looks again and again until there is something.
pub async fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    for _ in 0..2000 {
        if let Some(found) = look() {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("waited in vain for {what}");
}
