use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use stonechat_metrics::Registry;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::super::call::Plan;
use super::super::ending::{End, Ending};
use super::super::signal::Way;
use super::super::{PhoneMetrics, Phones};
use super::{closed, scrape, sum};
use crate::args::CallArgs;
use crate::fault::Faults;
use crate::listen::{Listener, UdpListener};
use crate::media::{self, Media, MediaConfig, MediaMetrics};

/// Media and phones on sockets of their own.
struct Rig {
    registry: Registry,
    phones: Arc<Phones>,
    media: Arc<Media>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Rig {
    async fn new() -> Self {
        let any = ([127, 0, 0, 1], 0).into();
        let registry = Registry::bare();
        let config = MediaConfig {
            connect_max: Duration::from_millis(1_500),
            silence_max: Duration::from_millis(500),
        };
        let metrics = MediaMetrics::register(&registry).unwrap();
        let udp = UdpListener::bind("calls", any).await.unwrap();
        let (media, shell) = Media::new(udp, config, metrics);
        let media = Arc::new(media);
        let listener = Listener::bind("media", any).await.unwrap();
        let args = CallArgs {
            calls: 0,
            call_time: Duration::ZERO,
            call_loss: 0.0,
            call_jitter: Duration::ZERO,
            media: listener.address(),
            control: any,
        };
        let metrics = PhoneMetrics::register(&registry).unwrap();
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        tasks.spawn(shell.run(stop.clone()));
        let router = media::router(Arc::clone(&media));
        tasks.spawn(listener.serve(router, stop.clone()));
        Self {
            registry,
            phones: Arc::new(Phones::new(args, Arc::new(Faults::default()), metrics)),
            media,
            tasks,
            stop,
        }
    }

    async fn place(&self, way: Way, ending: Ending, millis: u64) -> End {
        let plan = Plan {
            device_id: "phone",
            way,
            ending,
            time: Duration::from_millis(millis),
        };
        self.phones.place(&plan, &self.stop).await.unwrap()
    }

    async fn until_closed(&self, reason: &str, count: f64) {
        for _ in 0..400 {
            if closed(&scrape(&self.registry), reason) == count {
                return;
            }
            sleep(Duration::from_millis(25)).await;
        }
        panic!("not closed: {}", scrape(&self.registry));
    }

    async fn end(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

#[tokio::test]
async fn calls_end_as_their_phones_behave() {
    let rig = Rig::new().await;
    let ends = tokio::join!(
        rig.place(Way::WebSocket, Ending::HangUp, 1_000),
        rig.place(Way::Http, Ending::FallSilent, 1_000),
        rig.place(Way::WebSocket, Ending::Unreachable, 100),
        rig.place(Way::Http, Ending::Vanish, 10_000),
    );
    let expected = (
        End::HungUp,
        End::ClosedByMedia,
        End::Abandoned,
        End::Abandoned,
    );
    assert_eq!(ends, expected);
    rig.until_closed("ice_failed", 2.0).await;
    let page = scrape(&rig.registry);
    assert_eq!(closed(&page, "normal_close"), 1.0);
    assert_eq!(closed(&page, "inactive_timeout"), 1.0);
    assert_eq!(sum(&page, "media_active_sessions", ""), 0.0);
    let posts = sum(&page, "media_http_requests_total", "method=\"POST\"");
    assert_eq!(posts, 2.0);
    for (frame, count) in [
        ("open", 2.0),
        ("opened", 2.0),
        ("close", 1.0),
        ("closed", 1.0),
    ] {
        let label = format!("type=\"{frame}\"");
        assert_eq!(sum(&page, "media_websocket_messages_total", &label), count);
        let sizes = "media_websocket_message_size_bytes_count";
        assert_eq!(sum(&page, sizes, &label), count, "{frame}");
    }
    rig.end().await;
}

#[tokio::test]
async fn fifty_calls_leave_nothing_behind() {
    let rig = Rig::new().await;
    let tasks = || {
        tokio::runtime::Handle::current()
            .metrics()
            .num_alive_tasks()
    };
    let (before, seats) = (tasks(), rig.media.free_seats());
    let calls = (0..50).map(|number| rig.place(Way::of_phone(number), Ending::HangUp, 800));
    let ends = join_all(calls).await;
    assert!(ends.iter().all(|end| *end == End::HungUp), "{ends:?}");
    rig.until_closed("normal_close", 50.0).await;
    assert!(!scrape(&rig.registry).contains("session_id="));
    assert_eq!(rig.media.free_seats(), seats);
    assert_eq!(
        sum(&scrape(&rig.registry), "media_websocket_connections", ""),
        0.0
    );
    // With the phones go their connections to media's API, which have a task at either end.
    drop(rig.phones);
    for _ in 0..200 {
        if tasks() <= before {
            break;
        }
        sleep(Duration::from_millis(25)).await;
    }
    assert!(tasks() <= before, "{} of {before}", tasks());
    rig.stop.cancel();
    rig.tasks.close();
    rig.tasks.wait().await;
}
