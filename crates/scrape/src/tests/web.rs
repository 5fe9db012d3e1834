//! Servers that answer as they are told, on ports of their own.

use std::future::Future;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Serves every connection with `answer`, which gets the request's head.
pub(super) async fn serve<F, A>(answer: A) -> SocketAddr
where
    A: Fn(String, TcpStream) -> F + Send + Sync + Clone + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = answer.clone();
            tokio::spawn(async move {
                if let Some(head) = head(&mut stream).await {
                    answer(head, stream).await;
                }
            });
        }
    });
    address
}

/// Serves one answer, as it is, to everybody, and closes.
pub(super) async fn serve_raw(answer: impl Into<Vec<u8>>) -> SocketAddr {
    let answer: std::sync::Arc<Vec<u8>> = std::sync::Arc::new(answer.into());
    serve(move |_, mut stream| {
        let answer = answer.clone();
        async move {
            let _ = stream.write_all(&answer).await;
            let _ = stream.shutdown().await;
        }
    })
    .await
}

/// Serves a page over connections that stay open.
pub(super) async fn serve_page(page: &'static str) -> SocketAddr {
    serve(move |_, mut stream| async move {
        loop {
            if stream.write_all(&good(page)).await.is_err() || head(&mut stream).await.is_none() {
                return;
            }
        }
    })
    .await
}

/// A good answer.
pub(super) fn good(page: &str) -> Vec<u8> {
    let length = page.len();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {length}\r\n\r\n"
    );
    (head + page).into_bytes()
}

/// The head of a request; `None` when the connection closes before.
pub(super) async fn head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte).await {
            Ok(1) if head.len() < 10_000 => head.push(byte[0]),
            _ => return None,
        }
    }
    Some(String::from_utf8_lossy(&head).into_owned())
}
