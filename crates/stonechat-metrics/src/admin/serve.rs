//! The connections of the admin server. `axum::serve` has no limits, and a client that is slow or
//! many would take memory and files of the service that is watched.

mod deadline; // a connection whose answers have to be taken in time

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

use deadline::AnswerDeadline;

/// How much the clients of the server may take of the process.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub connections_max: usize,
    /// For the head of a request, and so also between two requests.
    pub head_max: Duration,
    /// For an answer, from its first byte to its last.
    pub answer_max: Duration,
}

impl Limits {
    /// Between two requests is more than the minute that many scrapers wait.
    pub const USUAL: Self = Self {
        connections_max: 64,
        head_max: Duration::from_secs(75),
        answer_max: Duration::from_secs(30),
    };
}

/// After an error that accepting again would only repeat, such as too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// Serves until `stopped`, and then as long as answers are under way.
pub async fn run(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    stopped: impl Future<Output = ()>,
) {
    let places = Arc::new(Semaphore::new(limits.connections_max));
    let (closing, closed) = watch::channel(());
    let mut connections = JoinSet::new();
    let mut stopped = pin!(stopped);
    loop {
        tokio::select! {
            (stream, place) = accept(&listener, &places) => {
                let closing = closed.clone();
                connections.spawn(drive(stream, router.clone(), limits, closing, place));
            }
            // How a connection ended is its client's affair.
            Some(_) = connections.join_next() => {}
            () = &mut stopped => break,
        }
    }
    drop(listener);
    drop(closing);
    while connections.join_next().await.is_some() {}
}

/// The next connection, once there is a place for it; until then the system lets it wait.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> (TcpStream, OwnedSemaphorePermit) {
    let place = Arc::clone(places).acquire_owned().await;
    let place = place.expect("nobody closes the semaphore");
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return (stream, place),
            Err(error) if is_of_connection(&error) => {}
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

/// Whether only the one connection failed, before it was accepted.
fn is_of_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted
    )
}

/// Serves one connection until it ends, or is closed once its answer has been sent.
async fn drive(
    stream: TcpStream,
    router: Router,
    limits: Limits,
    mut closing: watch::Receiver<()>,
    _place: OwnedSemaphorePermit,
) {
    let stream = AnswerDeadline::new(stream, limits.answer_max);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_max)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut connection = pin!(connection);
    // Errors are those of the client, who is not there any more to be told.
    tokio::select! {
        _ = connection.as_mut() => {}
        _ = closing.changed() => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::time::Duration;

    use axum::Router;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    use super::{Limits, run};

    const LIMITS: Limits = Limits {
        connections_max: 1,
        head_max: Duration::from_millis(300),
        answer_max: Duration::from_millis(300),
    };

    /// Waits for requests longer than any test.
    const PATIENT: Limits = Limits {
        head_max: Duration::from_secs(100),
        ..LIMITS
    };

    /// Longer than what is waited for on a machine that is busy.
    const PATIENCE: Duration = Duration::from_secs(20);

    /// Starts a server, with a page that is more than the buffers of both ends hold.
    async fn start(limits: Limits) -> SocketAddr {
        const LARGE: usize = 32 << 20;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let router = Router::new()
            .route("/small", get(async || "small"))
            .route("/large", get(async || vec![b'x'; LARGE]));
        tokio::spawn(run(listener, router, limits, std::future::pending()));
        addr
    }

    async fn send(addr: SocketAddr, request: &str) -> TcpStream {
        let mut stream = TcpStream::connect(addr).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }

    /// Everything that comes until the server closes the connection.
    async fn rest(mut stream: TcpStream) -> Vec<u8> {
        let mut rest = Vec::new();
        let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest)).await;
        let _ = read.expect("the server closes the connection");
        rest
    }

    const SMALL: &str = "GET /small HTTP/1.1\r\nhost: x\r\n\r\n";
    const LARGE: &str = "GET /large HTTP/1.1\r\nhost: x\r\n\r\n";

    #[tokio::test]
    async fn a_request_that_does_not_come_to_its_end_is_not_waited_for() {
        let addr = start(LIMITS).await;
        for begun in ["", "GET /sma", "GET /small HTTP/1.1\r\nhost: x\r\n"] {
            let answer = rest(send(addr, begun).await).await;
            assert!(!answer.starts_with(b"HTTP/1.1 200"), "{begun:?}");
        }
    }

    #[tokio::test]
    async fn a_connection_without_requests_is_closed() {
        let addr = start(LIMITS).await;
        let answer = rest(send(addr, SMALL).await).await;
        assert!(answer.starts_with(b"HTTP/1.1 200"));
    }

    #[tokio::test]
    async fn further_connections_wait_for_a_place() {
        let addr = start(PATIENT).await;
        let first = send(addr, "").await;
        let mut second = send(addr, SMALL).await;
        let mut byte = [0];
        let early = tokio::time::timeout(Duration::from_millis(200), second.read(&mut byte));
        assert!(early.await.is_err(), "it is served beside the first");
        drop(first);
        let served = tokio::time::timeout(PATIENCE, second.read(&mut byte)).await;
        assert_eq!(served.unwrap().unwrap(), 1);
    }

    #[tokio::test]
    async fn an_answer_that_is_not_taken_in_time_is_given_up() {
        let addr = start(PATIENT).await;
        let mut first = send(addr, LARGE).await;
        // It takes a little now and then, which is no better than nothing.
        let slow = tokio::spawn(async move {
            let mut part = [0; 1024];
            while first.read(&mut part).await.is_ok_and(|read| read > 0) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        // There is a place for the second once the server has let go of the first.
        let mut second = send(addr, SMALL).await;
        let mut byte = [0];
        let served = tokio::time::timeout(PATIENCE, second.read(&mut byte)).await;
        assert_eq!(served.unwrap().unwrap(), 1);
        slow.abort();
    }

    #[tokio::test]
    async fn a_large_answer_that_is_taken_arrives_whole() {
        let limits = Limits {
            answer_max: PATIENCE,
            ..LIMITS
        };
        let answer = rest(send(start(limits).await, LARGE).await).await;
        assert!(answer.len() > 32 << 20, "{}", answer.len());
    }
}
