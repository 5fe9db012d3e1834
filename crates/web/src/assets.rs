//! The web UI, embedded in the program.

use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Response};
use rust_embed::RustEmbed;

/// The built page. Without a build the folder holds nothing and a note is served instead.
#[derive(RustEmbed)]
#[folder = "../../ui/dist"]
struct Page;

/// Everything comes from this server and nothing is written into the page: a label value cannot become a script.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// A file of the UI; any other path gets the page itself, which knows its own paths.
pub(crate) async fn page(uri: Uri, request: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    if path.starts_with("api/") || path.starts_with("-/") {
        return (
            StatusCode::NOT_FOUND,
            format!("there is no {}\n", uri.path()),
        )
            .into_response();
    }
    let (path, file) = match Page::get(path) {
        Some(file) => (path, file),
        None if path.starts_with("assets/") => return StatusCode::NOT_FOUND.into_response(),
        None => match Page::get("index.html") {
            Some(index) => ("index.html", index),
            None => return unbuilt(),
        },
    };
    let caching = if is_hashed(path) {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let tag = format!("\"{}\"", hex(&file.metadata.sha256_hash()[..12]));
    let mut headers = security_headers();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        if request.get(header::IF_NONE_MATCH) == Some(&tag) {
            return (StatusCode::NOT_MODIFIED, headers).into_response();
        }
        headers.insert(header::ETAG, tag);
    }
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(content_type(path)),
    );
    (headers, file.data).into_response()
}

/// True for names such as `assets/index-B2x9_kQa.js`, into which the build writes a hash of the content.
fn is_hashed(path: &str) -> bool {
    let stem = path.rsplit_once('.').map_or(path, |(stem, _)| stem);
    let hash = stem
        .len()
        .checked_sub(9)
        .and_then(|start| stem.get(start..))
        .unwrap_or_default();
    let in_hash = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    path.starts_with("assets/") && hash.starts_with('-') && hash.bytes().skip(1).all(in_hash)
}

fn security_headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(POLICY),
    );
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
    headers
}

fn unbuilt() -> Response {
    let note = "<!doctype html><title>Stonechat</title><h1>Stonechat</h1>\
        <p>This program was built without its web UI. Build it with <code>cargo xtask ui</code>, then build the program again.</p>\
        <p>The API answers below <code>/api/v1/</code>.</p>";
    (StatusCode::NOT_FOUND, security_headers(), Html(note)).into_response()
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("json" | "webmanifest") => "application/json",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hashed_names_are_kept_for_ever() {
        for (path, hashed) in [
            ("assets/index-B2x9_kQa.js", true),
            ("assets/theme.js", false),
            ("index.html", false),
            ("assets/a.js", false),
        ] {
            assert_eq!(is_hashed(path), hashed, "{path}");
        }
    }
}
