use std::net::SocketAddr;

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

/// Status and JSON (or, if it is none, text) of an answer.
pub type Answer = (u16, Value);

/// Makes one request on a connection of its own.
pub async fn call(
    method: Method,
    address: SocketAddr,
    path: &str,
    token: Option<&str>,
    body: Option<Value>,
) -> Result<Answer, Error> {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let body = body.map(|body| body.to_string()).unwrap_or_default();
    let mut request = Request::builder()
        .method(method)
        .uri(format!("http://{address}{path}"));
    request = request.header("content-type", "application/json");
    // Whoever looks at metrics here is the scraper, and only a scraper takes the ends of sessions away.
    request = request.header("x-prometheus-scrape-timeout-seconds", "10");
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let request = request.body(Full::<Bytes>::from(body)).unwrap();
    let response = client.request(request).await?;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let text = String::from_utf8(body.to_vec()).unwrap();
    Ok((
        status,
        serde_json::from_str(&text).unwrap_or(Value::String(text)),
    ))
}

pub async fn get(address: SocketAddr, path: &str, token: Option<&str>) -> Answer {
    call(Method::GET, address, path, token, None).await.unwrap()
}

pub async fn post(address: SocketAddr, path: &str, token: Option<&str>, body: Value) -> Answer {
    call(Method::POST, address, path, token, Some(body))
        .await
        .unwrap()
}
