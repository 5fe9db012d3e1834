use std::convert::Infallible;
use std::future::pending;

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::http::{Request, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{get, get_service, post};
use stonechat_metrics::{HttpServer, Registry};
use tower::{Service, ServiceExt, service_fn};

use super::lines;

fn registry() -> (Registry, HttpServer) {
    let registry = Registry::bare();
    let http = HttpServer::register(&registry).unwrap();
    (registry, http)
}

fn app() -> Router {
    let file = service_fn(async |_: Request<Body>| Ok::<_, Infallible>("file".into_response()));
    Router::new()
        .route(
            "/users/{id}",
            get(async |Path(id): Path<String>| id).delete(async || StatusCode::NO_CONTENT),
        )
        .route(
            "/messages",
            post(async || StatusCode::INTERNAL_SERVER_ERROR),
        )
        .route("/files/{*rest}", get_service(file))
        .nest(
            "/rooms",
            Router::new().route("/{room}/members", get(async || "members")),
        )
        .nest_service("/static", file)
}

async fn send(app: &Router, method: &str, path: &str) -> StatusCode {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .body(Body::empty())
        .unwrap();
    app.clone().oneshot(request).await.unwrap().status()
}

/// Sends one request, and returns the method, path and status under which it was counted.
async fn labels_of(method: &str, path: &str) -> String {
    let (registry, http) = registry();
    send(&app().layer(http.layer()), method, path).await;
    let requests = lines(&registry, "http_requests_total");
    let [line] = requests.as_slice() else {
        panic!("{method} {path}: {requests:?}")
    };
    assert!(line.ends_with(" 1"), "{line}");
    assert_eq!(
        lines(&registry, "http_requests_in_flight"),
        ["http_requests_in_flight 0"]
    );
    assert_eq!(
        lines(&registry, "http_request_duration_seconds_count").len(),
        1
    );
    let values: Vec<&str> = line.split('"').skip(1).step_by(2).collect();
    values.join(" ")
}

#[tokio::test]
async fn requests_are_counted_under_their_route() {
    let cases = [
        ("GET /users/7", "GET /users/{id} 200"),
        (
            "GET /users/0f8fad5b-d9cb-469f-a165-70867728950e?x=1",
            "GET /users/{id} 200",
        ),
        ("HEAD /users/7", "HEAD /users/{id} 200"),
        ("DELETE /users/7", "DELETE /users/{id} 204"),
        ("PUT /users/7", "PUT /users/{id} 405"),
        ("POST /messages", "POST /messages 500"),
        ("GET /files/a/b/c", "GET /files/{*rest} 200"),
        ("GET /rooms/12345/members", "GET /rooms/{room}/members 200"),
        ("GET /static/a/1234567", "GET unmatched 200"),
        ("GET /wp-admin/1234", "GET unmatched 404"),
        ("GET /rooms/1/2/3", "GET unmatched 404"),
        ("BREW /users/7", "other /users/{id} 405"),
        ("get /users/7", "other /users/{id} 405"),
        ("X-9f8a7b6c /nowhere", "other unmatched 404"),
    ];
    for (request, counted) in cases {
        let (method, path) = request.split_once(' ').unwrap();
        assert_eq!(labels_of(method, path).await, counted, "{request}");
    }
}

#[tokio::test]
async fn a_route_layer_sees_only_what_a_route_matches() {
    let (registry, http) = registry();
    let app = Router::new()
        .route("/users/{id}", get(async || "user"))
        .route_layer(http.layer());
    assert_eq!(send(&app, "GET", "/users/1").await, StatusCode::OK);
    assert_eq!(send(&app, "GET", "/users/2").await, StatusCode::OK);
    assert_eq!(send(&app, "GET", "/nowhere").await, StatusCode::NOT_FOUND);
    let expected = [r#"http_requests_total{method="GET",path="/users/{id}",status="200"} 2"#];
    assert_eq!(lines(&registry, "http_requests_total"), expected);
}

#[tokio::test]
async fn a_request_is_in_flight_until_its_future_is_dropped() {
    let (registry, http) = registry();
    let mut app = Router::new()
        .route("/slow", get(pending::<()>))
        .layer(http.layer());
    let request = Request::builder().uri("/slow").body(Body::empty()).unwrap();
    let mut answer = Box::pin(app.call(request));
    assert!(poll_once(&mut answer).is_none());
    assert_eq!(
        lines(&registry, "http_requests_in_flight"),
        ["http_requests_in_flight 1"]
    );
    drop(answer);
    assert_eq!(
        lines(&registry, "http_requests_in_flight"),
        ["http_requests_in_flight 0"]
    );
    let expected = [r#"http_requests_total{method="GET",path="/slow",status="499"} 1"#];
    assert_eq!(lines(&registry, "http_requests_total"), expected);
}

#[test]
fn servers_that_share_a_registry_are_in_flight_together() {
    let registry = Registry::bare();
    let [api, files] = [(); 2].map(|()| HttpServer::register(&registry).unwrap());
    let (call, file) = (api.start("GET", "/call"), files.start("GET", "/file"));
    let shown = || lines(&registry, "http_requests_in_flight");
    assert_eq!(shown(), ["http_requests_in_flight 2"]);
    // It may end on another thread than the one it began on.
    std::thread::spawn(|| call.finish("200")).join().unwrap();
    assert_eq!(shown(), ["http_requests_in_flight 1"]);
    drop(file);
    assert_eq!(shown(), ["http_requests_in_flight 0"]);
}

#[test]
fn requests_and_a_hand_can_share_a_gauge() {
    let registry = Registry::bare();
    let http = HttpServer::register(&registry).unwrap();
    let help = "Requests that wait for an answer.";
    let by_hand = registry.gauge("http_requests_in_flight", help);
    let by_hand = by_hand.register().unwrap();
    let shown = || lines(&registry, "http_requests_in_flight");
    let (request, held) = (http.start("GET", "/call"), by_hand.hold());
    assert_eq!(shown(), ["http_requests_in_flight 2"]);
    assert_eq!(shown(), ["http_requests_in_flight 2"]);
    request.finish("200");
    assert_eq!(shown(), ["http_requests_in_flight 1"]);
    drop(held);
    assert_eq!(shown(), ["http_requests_in_flight 0"]);
}

/// Polls once.
fn poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::Pin::new(future).poll(&mut context) {
        std::task::Poll::Ready(output) => Some(output),
        std::task::Poll::Pending => None,
    }
}

#[tokio::test]
async fn a_handler_that_panics_counts_as_500() {
    let (registry, http) = registry();
    async fn handler() {
        std::panic::resume_unwind(Box::new("a bug"))
    }
    let app = Router::new()
        .route("/bug", get(handler))
        .layer(http.layer());
    let task = tokio::spawn(async move { send(&app, "GET", "/bug").await });
    assert!(task.await.unwrap_err().is_panic());
    let expected = [r#"http_requests_total{method="GET",path="/bug",status="500"} 1"#];
    assert_eq!(lines(&registry, "http_requests_total"), expected);
    assert_eq!(
        lines(&registry, "http_requests_in_flight"),
        ["http_requests_in_flight 0"]
    );
}

#[tokio::test]
async fn a_service_that_fails_counts_as_500() {
    use tower::Layer;
    let (registry, http) = registry();
    let failing =
        service_fn(async |_: Request<Body>| Err::<axum::response::Response, _>("no answer"));
    let result = http
        .layer()
        .layer(failing)
        .oneshot(Request::new(Body::empty()))
        .await;
    assert_eq!(result.unwrap_err(), "no answer");
    let expected = [r#"http_requests_total{method="GET",path="unmatched",status="500"} 1"#];
    assert_eq!(lines(&registry, "http_requests_total"), expected);
}

#[tokio::test]
async fn a_panic_that_is_caught_outside_counts_as_500() {
    let (registry, http) = registry();
    async fn handler() {
        std::panic::resume_unwind(Box::new("a bug"))
    }
    let app = Router::new()
        .route("/bug", get(handler))
        .layer(http.layer());
    let request = Request::builder().uri("/bug").body(Body::empty()).unwrap();
    assert!(super::panics_inside(app.oneshot(request)).await);
    let expected = [r#"http_requests_total{method="GET",path="/bug",status="500"} 1"#];
    assert_eq!(lines(&registry, "http_requests_total"), expected);
}

#[tokio::test]
async fn sizes_are_those_that_have_passed() {
    use http_body_util::BodyExt;
    use stonechat_metrics::{HttpMetric, Named};
    let registry = Registry::bare();
    let sizes = [HttpMetric::RequestSize, HttpMetric::ResponseSize];
    let names = sizes.map(|metric| (metric, Named::standard()));
    let http = HttpServer::register_as(&registry, &names).unwrap();
    let stream = async || Body::new(Parts(["one", "three"].into()));
    let app = Router::new()
        .route("/read", post(async |text: String| text.len().to_string()))
        .route("/ignore", post(async || "no"))
        .route("/stream", get(stream))
        .layer(http.layer());
    // What the client says, what it sends, and the sizes that are observed.
    let cases = [
        ("POST", "/read", "5", "hello", (5, 1)),
        ("POST", "/read", "999999999999", "hello", (5, 1)),
        ("POST", "/ignore", "18446744073709551615", "", (0, 2)),
        ("GET", "/stream", "0", "", (0, 8)),
    ];
    let mut expected = (0, 0);
    for (method, path, told, sent, (read, answered)) in cases {
        let request = Request::builder().method(method).uri(path);
        let request = request.header("content-length", told);
        let request = request.body(Body::from(sent)).unwrap();
        let answer = app.clone().oneshot(request).await.unwrap();
        answer.into_body().collect().await.unwrap();
        expected = (expected.0 + read, expected.1 + answered);
        for (name, sum) in [("request", expected.0), ("response", expected.1)] {
            let name = format!("http_{name}_size_bytes_sum");
            assert_eq!(lines(&registry, &name), [format!("{name} {sum}")], "{path}");
        }
    }
}

/// A stream of these parts.
struct Parts(std::collections::VecDeque<&'static str>);

impl http_body::Body for Parts {
    type Data = axum::body::Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Self::Data>, Infallible>>> {
        let frame = |part: &'static str| Ok(http_body::Frame::data(part.into()));
        std::task::Poll::Ready(self.0.pop_front().map(frame))
    }
}

#[test]
fn a_source_of_traces_may_count_requests_itself() {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicBool, Ordering};
    static HTTP: OnceLock<HttpServer> = OnceLock::new();
    static ASKED: AtomicBool = AtomicBool::new(false);
    // It is asked while a duration is observed, and waits for a thread that counts a new route.
    let traces = || {
        if let Some(http) = HTTP.get()
            && !ASKED.swap(true, Ordering::Relaxed)
        {
            let inner = std::thread::spawn(|| http.start("GET", "/inner").finish("200"));
            inner.join().unwrap();
        }
        None
    };
    let builder = Registry::builder().process(false).runtime(false);
    let registry = builder.trace_ids(traces).build().unwrap();
    let http = HttpServer::register(&registry).unwrap();
    http.start("GET", "/outer").finish("200");
    http.start("GET", "/outer").finish("200");
    assert!(HTTP.set(http.clone()).is_ok());
    let (done, waiting) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        http.start("GET", "/outer").finish("200");
        done.send(()).unwrap();
    });
    let waited = waiting.recv_timeout(std::time::Duration::from_secs(20));
    assert!(waited.is_ok(), "a lock is held");
    assert_eq!(lines(&registry, "http_requests_total").len(), 2);
}
