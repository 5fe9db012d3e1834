//! Connections over real sockets.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::bench::Bench;
use crate::{HostNames, ServerLimits, ServerMetrics, Site, serve};

/// How long anything may take before the test fails.
const PATIENCE: Duration = Duration::from_secs(30);

struct Running {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
    bench: Bench,
}

async fn start(limits: ServerLimits) -> Running {
    let bench = Bench::new().await;
    let site = Arc::new(Site::new(&bench.registry, HostNames::any()).unwrap());
    site.open(bench.rooms.clone()).unwrap();
    let metrics = ServerMetrics::register(&bench.registry).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let stopped = async { drop(stopped.await) };
    let task = tokio::spawn(serve(listener, site, limits, metrics, stopped));
    Running {
        address,
        stop,
        task,
        bench,
    }
}

impl Running {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// The value of one of the server's metrics.
    async fn metric(&self, name: &str) -> f64 {
        let page = self.bench.ask("GET /metrics").await.body;
        let line = page
            .lines()
            .find(|line| line.split(' ').next() == Some(name));
        line.unwrap_or_else(|| panic!("no {name} on\n{page}"))
            .split(' ')
            .nth(1)
            .unwrap()
            .parse()
            .unwrap()
    }

    async fn wait_for(&self, name: &str, value: f64) {
        let deadline = Instant::now() + PATIENCE;
        while self.metric(name).await != value {
            assert!(
                Instant::now() < deadline,
                "{name} is {}",
                self.metric(name).await
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// Everything until the other side closes.
async fn rest(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut text)).await;
    // A reset says the same as an end.
    let _ = read.expect("the connection is closed");
    String::from_utf8(text).unwrap()
}

const CLOSING: &[u8] = b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
const STAYING: &[u8] = b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// Reads one answer of a connection that stays open.
async fn one_answer(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    while !text.ends_with(b"Healthy.\n") {
        let mut byte = [0];
        let read = tokio::time::timeout(PATIENCE, stream.read_exact(&mut byte)).await;
        read.expect("an answer").expect("a whole answer");
        text.push(byte[0]);
    }
    String::from_utf8(text).unwrap()
}

#[tokio::test]
async fn one_connection_too_many_is_told_so_and_counted() {
    let server = start(ServerLimits {
        connections_max: 2,
        ..ServerLimits::default()
    })
    .await;
    let mut open = [server.connect().await, server.connect().await];
    for stream in &mut open {
        stream.write_all(STAYING).await.unwrap();
        assert!(one_answer(stream).await.starts_with("HTTP/1.1 200 OK"));
    }
    server.wait_for("stonechat_http_connections", 2.0).await;
    let refused = rest(&mut server.connect().await).await;
    assert!(
        refused.starts_with("HTTP/1.1 503 Service Unavailable\r\n"),
        "{refused}"
    );
    assert!(
        refused.ends_with("\r\n\r\ntoo many open connections\n"),
        "{refused}"
    );
    server
        .wait_for("stonechat_http_connections_refused_total", 1.0)
        .await;

    drop(open);
    server.wait_for("stonechat_http_connections", 0.0).await;
    let mut stream = server.connect().await;
    stream.write_all(CLOSING).await.unwrap();
    assert!(rest(&mut stream).await.starts_with("HTTP/1.1 200 OK"));
}

#[tokio::test]
async fn a_client_that_does_not_say_what_it_wants_is_closed() {
    let head_timeout = Duration::from_millis(200);
    let server = start(ServerLimits {
        head_timeout,
        ..ServerLimits::default()
    })
    .await;
    let began = Instant::now();
    let (mut silent, mut slow, mut idle) = (
        server.connect().await,
        server.connect().await,
        server.connect().await,
    );
    slow.write_all(b"GET / HTTP/1.1\r\nHost: local")
        .await
        .unwrap();
    idle.write_all(STAYING).await.unwrap();
    one_answer(&mut idle).await;
    for stream in [&mut silent, &mut slow, &mut idle] {
        rest(stream).await;
    }
    assert!(began.elapsed() >= head_timeout);
    server.wait_for("stonechat_http_connections", 0.0).await;
}

#[tokio::test]
async fn a_stop_lets_open_requests_finish() {
    let server = start(ServerLimits::default()).await;
    let mut idle = server.connect().await;
    idle.write_all(STAYING).await.unwrap();
    one_answer(&mut idle).await;
    let mut half = server.connect().await;
    let form = "query=1";
    let head = format!(
        "POST /api/v1/query HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n",
        form.len()
    );
    half.write_all(head.as_bytes()).await.unwrap();
    // The request is in the handler when it is counted, as is the one that asks.
    server
        .wait_for("stonechat_http_requests_in_flight", 2.0)
        .await;
    server.stop.send(()).unwrap();
    assert_eq!(rest(&mut idle).await, "", "an idle connection is closed");
    assert!(!server.task.is_finished());
    half.write_all(form.as_bytes()).await.unwrap();
    assert!(rest(&mut half).await.starts_with("HTTP/1.1 200 OK"));
    tokio::time::timeout(PATIENCE, server.task)
        .await
        .expect("it ends")
        .unwrap();
    assert!(TcpStream::connect(server.address).await.is_err());
}
