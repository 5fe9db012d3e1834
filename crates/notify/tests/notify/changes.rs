//! Restarts and reloads in the middle.

use std::time::{Duration, Instant};

use stonechat_notify::{DeliveryOutcome, Notifier, NotifyError};

use crate::receiver::{Answer, Receiver};
use crate::setup::{concluded, end, fire, options, start, webhook};

const OK: Answer = Answer::Status("200 OK");

/// The alerts of each message.
fn told(receiver: &Receiver) -> Vec<String> {
    let requests = receiver.so_far();
    requests.iter().map(|r| r.alerts().join(" ")).collect()
}

#[tokio::test]
async fn a_restart_tells_nothing_again_and_forgets_no_end() {
    let data = tempfile::tempdir().unwrap();
    let receiver = Receiver::start(&[OK]).await;
    let config = webhook("100ms", &format!("url: '{}'", receiver.url("/")));
    let notifier = start(config.clone(), data.path());
    fire(&notifier, "A");
    concluded(&notifier, "A").await;
    notifier.shutdown().await;

    let notifier = start(config.clone(), data.path());
    fire(&notifier, "A");
    // Had the first alert to be told again, that would stand before this one.
    fire(&notifier, "Fence");
    receiver.received(2).await;
    end(&notifier, "A");
    receiver.received(3).await;
    concluded(&notifier, "A").await;
    notifier.shutdown().await;

    let notifier = start(config, data.path());
    end(&notifier, "A");
    fire(&notifier, "Other");
    receiver.received(4).await;
    assert_eq!(told(&receiver), ["A", "Fence", "-A", "Other"]);
    notifier.shutdown().await;
}

#[test]
fn a_process_that_is_killed_remembers_what_has_arrived() {
    let data = tempfile::tempdir().unwrap();
    let outside = tokio::runtime::Runtime::new().unwrap();
    let receiver = outside.block_on(Receiver::start(&[OK]));
    let config = webhook("100ms", &format!("url: '{}'", receiver.url("/")));

    // A runtime that goes away without a word is the nearest to SIGKILL within one process.
    let killed = tokio::runtime::Runtime::new().unwrap();
    killed.block_on(async {
        let notifier = start(config.clone(), data.path());
        fire(&notifier, "A");
        concluded(&notifier, "A").await;
        // The record is appended behind the answer, on a thread of its own.
        crate::setup::wait_for("the record", || {
            let bytes = std::fs::metadata(data.path().join("nflog")).unwrap().len();
            (bytes > 100).then_some(())
        })
        .await;
    });
    killed.shutdown_background();

    let restarted = tokio::runtime::Runtime::new().unwrap();
    restarted.block_on(async {
        let notifier = start(config, data.path());
        fire(&notifier, "A");
        fire(&notifier, "Fence");
        receiver.received(2).await;
        end(&notifier, "A");
        receiver.received(3).await;
        notifier.shutdown().await;
    });
    assert_eq!(told(&receiver), ["A", "Fence", "-A"]);
}

#[tokio::test]
async fn a_shutdown_is_bounded_and_what_had_not_arrived_is_sent_after_the_next_start() {
    let data = tempfile::tempdir().unwrap();
    let receiver = Receiver::start(&[Answer::Hang]).await;
    let config = webhook("1h", &format!("url: '{}'", receiver.url("/")));
    let mut options = options(data.path());
    options.shutdown_timeout = Duration::from_millis(100);
    let notifier = Notifier::new(config.clone(), options).unwrap();
    fire(&notifier, "A");
    receiver.received(1).await;
    let begun = Instant::now();
    notifier.shutdown().await;
    assert!(begun.elapsed() < Duration::from_secs(3));
    let delivery = notifier.deliveries().remove(0);
    assert_eq!(delivery.outcome, DeliveryOutcome::Failed);
    assert_eq!(delivery.answer, "not tried yet (interrupted)");

    receiver.answer(&[OK]);
    let notifier = start(config, data.path());
    fire(&notifier, "A");
    receiver.received(2).await;
    notifier.shutdown().await;
    assert_eq!(told(&receiver), ["A", "A"]);
}

#[tokio::test]
async fn a_shutdown_waits_for_a_slow_answer() {
    let data = tempfile::tempdir().unwrap();
    let late = Answer::Late("200 OK", Duration::from_millis(500));
    let receiver = Receiver::start(&[late]).await;
    let config = webhook("1h", &format!("url: '{}'", receiver.url("/")));
    let notifier = start(config.clone(), data.path());
    fire(&notifier, "A");
    receiver.received(1).await;
    notifier.shutdown().await;
    assert_eq!(notifier.deliveries()[0].outcome, DeliveryOutcome::Delivered);

    let notifier = start(config, data.path());
    fire(&notifier, "A");
    fire(&notifier, "Fence");
    receiver.received(2).await;
    notifier.shutdown().await;
    assert_eq!(told(&receiver), ["A", "Fence"]);
}

#[tokio::test]
async fn a_reload_tells_nothing_again_and_takes_the_new_way() {
    let data = tempfile::tempdir().unwrap();
    let (old, new) = (Receiver::start(&[OK]).await, Receiver::start(&[OK]).await);
    let config_of =
        |receiver: &Receiver| webhook("100ms", &format!("url: '{}'", receiver.url("/")));
    let notifier = start(config_of(&old), data.path());
    fire(&notifier, "A");
    concluded(&notifier, "A").await;
    notifier.apply(config_of(&old)).unwrap();
    notifier.apply(config_of(&new)).unwrap();
    fire(&notifier, "A");
    fire(&notifier, "B");
    new.received(1).await;
    end(&notifier, "A");
    new.received(2).await;
    assert_eq!(told(&old), ["A"]);
    assert_eq!(told(&new), ["B", "-A"]);
    notifier.shutdown().await;
}

#[tokio::test]
async fn a_reload_in_the_middle_of_retries_goes_on_by_the_new_way() {
    let data = tempfile::tempdir().unwrap();
    let old = Receiver::start(&[Answer::Status("500 Oops")]).await;
    let new = Receiver::start(&[OK]).await;
    let config_of = |receiver: &Receiver| webhook("1h", &format!("url: '{}'", receiver.url("/")));
    let notifier = start(config_of(&old), data.path());
    fire(&notifier, "A");
    old.received(2).await;
    notifier.apply(config_of(&new)).unwrap();
    new.received(1).await;
    assert_eq!(told(&new), ["A"]);
    notifier.shutdown().await;
}

#[tokio::test]
async fn a_configuration_that_cannot_be_used_changes_nothing() {
    let data = tempfile::tempdir().unwrap();
    let receiver = Receiver::start(&[OK]).await;
    let url = receiver.url("/");
    let notifier = start(webhook("1h", &format!("url: '{url}'")), data.path());
    let bad = webhook(
        "1h",
        "url: 'https://elsewhere/', http_config: {tls_config: {ca: no-certificate}}",
    );
    let error = notifier.apply(bad).unwrap_err();
    assert!(matches!(error, NotifyError::Receiver { .. }));
    assert_eq!(
        error.to_string(),
        "the receiver r/webhook[0] cannot be used"
    );
    fire(&notifier, "A");
    receiver.received(1).await;
    notifier.shutdown().await;
}

#[tokio::test]
async fn without_a_configuration_nobody_is_told() {
    let data = tempfile::tempdir().unwrap();
    let receiver = Receiver::start(&[OK]).await;
    let notifier = start(stonechat_notify::Config::silent(), data.path());
    fire(&notifier, "A");
    let config = webhook("1h", &format!("url: '{}'", receiver.url("/")));
    notifier.apply(config).unwrap();
    // What already fired is told by the new configuration.
    receiver.received(1).await;
    notifier.shutdown().await;
}
