use std::net::SocketAddr;
use std::time::{Duration, Instant};

use http::Method;

use crate::api;

/// The sum of all series of this name that have these labels, written as in the exposition, such as
/// `status="ok"`. 0 if there is none.
pub async fn metric(address: SocketAddr, name: &str, labels: &[&str]) -> f64 {
    let (status, text) = api::get(address, "/metrics", None).await;
    assert_eq!(status, 200);
    let text = text.as_str().expect("an exposition is text");
    text.lines()
        .filter_map(|line| {
            let (series, value) = line.rsplit_once(' ')?;
            let rest = series.strip_prefix(name)?;
            let matches = (rest.is_empty() || rest.starts_with('{'))
                && labels.iter().all(|label| rest.contains(label));
            matches.then(|| value.parse::<f64>().expect("a value is a number"))
        })
        .sum()
}

/// Whether anybody serves metrics there.
pub async fn answers(address: SocketAddr) -> bool {
    api::call(Method::GET, address, "/metrics", None, None)
        .await
        .is_ok()
}

/// Asks again and again until the answer is yes.
pub async fn eventually(what: &str, mut asked: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !asked().await {
        assert!(Instant::now() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}

/// Asks for a metric until it is as wanted.
pub async fn until(address: SocketAddr, name: &str, wanted: impl Fn(f64) -> bool) {
    eventually(name, async || wanted(metric(address, name, &[]).await)).await;
}
