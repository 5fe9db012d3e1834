//! A receiver that answers as it is told and keeps what it was sent.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

/// One way to answer.
#[derive(Clone, Copy)]
pub enum Answer {
    /// A status line with what follows it: `500 Oops`.
    Status(&'static str),
    /// A status, one header and a body.
    Full(&'static str, &'static str, &'static str),
    /// Bytes that are no HTTP.
    Garbage,
    /// The connection is closed without an answer.
    Close,
    /// There is no answer, and the connection stays open.
    Hang,
    /// A good status, and a body that never ends.
    EndlessBody,
    /// The same as `Status`, so much later.
    Late(&'static str, Duration),
}

/// A request that was received.
#[derive(Clone, Debug)]
pub struct Request {
    pub at: Instant,
    /// The request line and the headers.
    pub head: String,
    pub body: Value,
}

impl Request {
    /// The names of its alerts, with a minus before those that are over.
    pub fn alerts(&self) -> Vec<String> {
        let alerts = self.body["alerts"].as_array().expect("alerts");
        let shown = alerts.iter().map(|alert| {
            let minus = if alert["status"] == "resolved" {
                "-"
            } else {
                ""
            };
            format!("{minus}{}", alert["labels"]["alertname"].as_str().unwrap())
        });
        shown.collect()
    }
}

/// A receiver on a port of its own.
pub struct Receiver {
    pub address: SocketAddr,
    scheme: &'static str,
    answers: Arc<Mutex<Vec<Answer>>>,
    requests: watch::Sender<Vec<Request>>,
}

/// How long a test waits for what has to come.
const PATIENCE: Duration = Duration::from_secs(20);

impl Receiver {
    /// Answers in this order; the last answer is repeated.
    pub async fn start(answers: &[Answer]) -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap(), answers).await
    }

    pub async fn start_at(address: SocketAddr, answers: &[Answer]) -> Self {
        Self::listen(address, answers, None).await
    }

    /// Speaks TLS with the certificate in `tests/data/tls`.
    pub async fn start_tls(answers: &[Answer]) -> Self {
        let tls = TlsAcceptor::from(Arc::new(server_tls()));
        Self::listen("127.0.0.1:0".parse().unwrap(), answers, Some(tls)).await
    }

    async fn listen(address: SocketAddr, answers: &[Answer], tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let receiver = Self {
            address: listener.local_addr().unwrap(),
            scheme: if tls.is_some() { "https" } else { "http" },
            answers: Arc::new(Mutex::new(answers.to_vec())),
            requests: watch::Sender::new(Vec::new()),
        };
        let (answers, requests) = (Arc::clone(&receiver.answers), receiver.requests.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (answers, requests) = (Arc::clone(&answers), requests.clone());
                let tls = tls.clone();
                tokio::spawn(async move {
                    // A client that goes away is no failure of the test.
                    let _ = match tls {
                        None => serve(stream, &answers, &requests).await,
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => serve(stream, &answers, &requests).await,
                            Err(error) => Err(error),
                        },
                    };
                });
            }
        });
        receiver
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.address)
    }

    /// Changes how it answers from now on.
    pub fn answer(&self, answers: &[Answer]) {
        *self.answers.lock().unwrap() = answers.to_vec();
    }

    /// What it was sent, once that is at least `count` requests.
    pub async fn received(&self, count: usize) -> Vec<Request> {
        let mut requests = self.requests.subscribe();
        let enough = requests.wait_for(|requests| requests.len() >= count);
        match timeout(PATIENCE, enough).await {
            Ok(requests) => requests.unwrap().clone(),
            Err(_) => panic!(
                "{count} requests were expected, there are {:#?}",
                self.so_far()
            ),
        }
    }

    /// What it was sent up to now.
    pub fn so_far(&self) -> Vec<Request> {
        self.requests.borrow().clone()
    }
}

/// What the server of a test shows.
fn server_tls() -> ServerConfig {
    let file = |name: &str| format!("{}/tests/data/tls/{name}", env!("CARGO_MANIFEST_DIR"));
    let chain = CertificateDer::pem_file_iter(file("server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(file("server-key.pem")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain.map(Result::unwrap).collect(), key)
        .unwrap()
}

async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    answers: &Mutex<Vec<Answer>>,
    requests: &watch::Sender<Vec<Request>>,
) -> std::io::Result<()> {
    let request = read(&mut stream).await?;
    requests.send_modify(|requests| requests.push(request));
    let answer = {
        let mut answers = answers.lock().unwrap();
        match answers.len() {
            1 => answers[0],
            _ => answers.remove(0),
        }
    };
    let text = match answer {
        Answer::Status(status) => format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n"),
        Answer::Full(status, header, body) => {
            let length = body.len();
            format!("HTTP/1.1 {status}\r\n{header}\r\nContent-Length: {length}\r\n\r\n{body}")
        }
        Answer::Garbage => "\u{0}\u{1}not http at all\r\n\r\n".to_owned(),
        Answer::Close => String::new(),
        Answer::Hang => std::future::pending().await,
        Answer::EndlessBody => "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nx".to_owned(),
        Answer::Late(status, wait) => {
            tokio::time::sleep(wait).await;
            format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n")
        }
    };
    stream.write_all(text.as_bytes()).await?;
    if matches!(answer, Answer::EndlessBody) {
        std::future::pending::<()>().await;
    }
    stream.shutdown().await
}

async fn read(stream: &mut (impl AsyncRead + Unpin)) -> std::io::Result<Request> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    };
    let head = String::from_utf8_lossy(&bytes[..head_end]).into_owned();
    let length = head
        .lines()
        .find_map(|line| {
            line.to_lowercase()
                .strip_prefix("content-length: ")?
                .parse()
                .ok()
        })
        .unwrap_or(0);
    while bytes.len() < head_end + length {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(Request {
        at: Instant::now(),
        head,
        body: serde_json::from_slice(&bytes[head_end..]).unwrap_or_default(),
    })
}
