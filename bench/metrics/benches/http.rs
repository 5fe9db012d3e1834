//! One request through an axum router, without the layer and with it: the difference is its price.

use std::pin::pin;
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use divan::{Bencher, black_box};
use http::Request;
use stonechat_metrics::{HttpServer, Registry};
use tower_service::Service;

fn main() {
    settle();
    divan::main();
}

/// A service is measured as it is after its first second: by then the layer knows how fast the counter of the
/// processor runs.
fn settle() {
    let http = HttpServer::register(&Registry::bare()).expect("it is valid");
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(1) {
        http.start("GET", "/").finish_with(200);
    }
}

fn routes() -> Router {
    Router::new()
        .route("/health", get(async || "ok"))
        .route("/users/{id}", get(async || "user"))
}

fn measure(bencher: Bencher<'_, '_>, router: Router) {
    // As `axum::serve` does for each connection: otherwise axum puts each route and its layers together for each request.
    let mut router = router.with_state::<()>(());
    let request = || {
        Request::get("/users/7")
            .body(Body::empty())
            .expect("it is valid")
    };
    bencher.with_inputs(request).bench_local_values(|request| {
        let answer = pin!(router.call(request));
        // The handler is ready at once.
        black_box(answer.poll(&mut Context::from_waker(Waker::noop())))
    });
}

#[divan::bench(sample_size = 200, sample_count = 3_000)]
fn bare(bencher: Bencher<'_, '_>) {
    measure(bencher, routes());
}

#[divan::bench(sample_size = 200, sample_count = 3_000)]
fn with_layer(bencher: Bencher<'_, '_>) {
    let http = HttpServer::register(&Registry::bare()).expect("it is valid");
    measure(bencher, routes().layer(http.layer()));
}

/// A layer that does nothing: what axum itself needs for one more service around the router.
#[divan::bench(sample_size = 200, sample_count = 3_000)]
fn with_empty_layer(bencher: Bencher<'_, '_>) {
    let empty = tower::util::MapRequestLayer::new(|request: Request<Body>| request);
    measure(bencher, routes().layer(empty));
}

/// The layer around a service of its own, without axum's boxes.
#[divan::bench(sample_size = 200, sample_count = 3_000)]
fn guard_alone(bencher: Bencher<'_, '_>) {
    let http = HttpServer::register(&Registry::bare()).expect("it is valid");
    bencher.bench_local(|| {
        http.start(black_box("GET"), black_box("/users/{id}"))
            .finish_with(200)
    });
}
