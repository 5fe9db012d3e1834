//! Requests that a foreign page makes in somebody's browser. A server on loopback is reachable from every page
//! that is open on the same machine, so being on loopback is no protection against them.

use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// Refuses requests that change something when the browser says that another site makes them. Programs
/// such as curl send neither header.
pub(crate) async fn refuse_foreign(request: Request, next: Next) -> Response {
    let changes = ![Method::GET, Method::HEAD, Method::OPTIONS].contains(request.method());
    // Queries may be sent by POST too, and their answers are kept from foreign pages by the browser.
    if changes && request.uri().path().starts_with("/-/") && is_foreign(request.headers()) {
        let reason = "refused: this request comes from a page of another site\n";
        return (StatusCode::FORBIDDEN, reason).into_response();
    }
    next.run(request).await
}

fn is_foreign(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text(header::HOST.as_str()).unwrap_or_default();
    let site_differs =
        text("sec-fetch-site").is_some_and(|site| !["same-origin", "none"].contains(&site));
    let origin_differs = text(header::ORIGIN.as_str()).is_some_and(|origin| {
        origin
            .split_once("://")
            .is_none_or(|(_, origin)| origin != host)
    });
    site_differs || origin_differs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(headers: &[(&'static str, &'static str)], foreign: bool) {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        let headers: HeaderMap = headers.collect();
        assert_eq!(is_foreign(&headers), foreign, "{headers:?}");
    }

    #[test]
    fn knows_a_foreign_page() {
        check(&[("host", "127.0.0.1:9090")], false);
        check(
            &[
                ("host", "127.0.0.1:9090"),
                ("origin", "http://127.0.0.1:9090"),
            ],
            false,
        );
        check(
            &[
                ("host", "127.0.0.1:9090"),
                ("origin", "https://evil.example"),
            ],
            true,
        );
        check(&[("host", "127.0.0.1:9090"), ("origin", "null")], true);
        check(
            &[("host", "127.0.0.1:9090"), ("sec-fetch-site", "cross-site")],
            true,
        );
        check(
            &[
                ("host", "127.0.0.1:9090"),
                ("sec-fetch-site", "same-origin"),
            ],
            false,
        );
    }
}
