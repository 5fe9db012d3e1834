//! Requests that a foreign page makes in somebody's browser. A server on loopback is reachable from every page
//! that is open on the same machine, so being on loopback is no protection against them.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv6Addr};

use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// The names under which a server is called.
///
/// A foreign page can let its own name lead to a loopback address; to the browser, this server's answers are then its
/// own, and it reads them. The name in the request gives it away. Addresses and the names of loopback cannot be made
/// to lead elsewhere, so they are always good.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostNames(Option<BTreeSet<String>>);

impl HostNames {
    /// Every name is good: the server is meant for other machines, whose names for it nobody knows.
    #[must_use]
    pub fn any() -> Self {
        Self(None)
    }

    /// Only these names are good.
    pub fn only(names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let names = names.into_iter().map(Into::into);
        Self(Some(names.map(|name: String| plain(&name)).collect()))
    }

    /// The name in a request that is none of ours.
    pub(crate) fn foreign<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        let names = self.0.as_ref()?;
        headers.get_all(header::HOST).iter().find_map(|host| {
            let Ok(host) = host.to_str() else {
                return Some("with odd characters");
            };
            (!is_good(names, host)).then_some(host)
        })
    }
}

fn is_good(names: &BTreeSet<String>, host: &str) -> bool {
    if let Some(bracketed) = host.strip_prefix('[') {
        let address = bracketed.split(']').next().unwrap_or_default();
        return address.parse::<Ipv6Addr>().is_ok();
    }
    let name = plain(host.split(':').next().unwrap_or_default());
    name.parse::<IpAddr>().is_ok()
        || name == "localhost"
        || name.ends_with(".localhost")
        || names.contains(&name)
}

/// A name as it is compared: in small letters, without the dot at the end.
fn plain(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

/// The answer to a request under a name that is none of ours.
pub(crate) fn refuse_name(name: &str) -> Response {
    let reason = format!(
        "refused: this server does not go by the name {name:?}; name it with --accept-host or --external-url\n"
    );
    (StatusCode::FORBIDDEN, reason).into_response()
}

/// Where requests change something.
const GUARDED: [&str; 4] = ["/-/", "/api/v1/admin/", "/api/v1/write", "/api/v2/"];

/// Refuses requests that change something when the browser says that another site makes them. Programs
/// such as curl send neither header.
pub(crate) async fn refuse_foreign(request: Request, next: Next) -> Response {
    let changes = ![Method::GET, Method::HEAD, Method::OPTIONS].contains(request.method());
    // Queries may be sent by POST too, and their answers are kept from foreign pages by the browser.
    let path = request.uri().path();
    let guarded = GUARDED.iter().any(|prefix| path.starts_with(prefix));
    if changes && guarded && is_foreign(request.headers()) {
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
    fn knows_its_own_names() {
        let names = HostNames::only(["Stonechat.example."]);
        for (host, good) in [
            ("127.0.0.1:9090", true),
            ("10.0.0.1", true),
            ("[::1]:9090", true),
            ("[fe80::1]", true),
            ("localhost", true),
            ("LOCALHOST.:9090", true),
            ("a.localhost:9090", true),
            ("stonechat.example", true),
            ("STONECHAT.example.:80", true),
            ("evil.example:9090", false),
            ("stonechat.example.evil.example", false),
            ("localhost.evil.example", false),
            ("[evil", false),
            ("127.0.0.1.evil.example", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(header::HOST, host.parse().unwrap())]);
            assert_eq!(names.foreign(&headers).is_none(), good, "{host}");
            assert_eq!(HostNames::any().foreign(&headers), None);
        }
        let none = HeaderMap::new();
        assert_eq!(names.foreign(&none), None, "HTTP/1.0 has no names");
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
