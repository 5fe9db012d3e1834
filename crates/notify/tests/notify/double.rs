//! A server that answers as a function of the request: the ground of the doubles of chat services.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

/// A request.
#[derive(Debug, Clone)]
pub struct Heard {
    pub path: String,
    pub query: BTreeMap<String, String>,
    pub headers: BTreeMap<String, String>,
    pub bytes: usize,
    pub body: Value,
}

/// A status and a body.
pub type Reply = (u16, Value);

/// A running double.
pub struct Double {
    pub address: SocketAddr,
    taken: Arc<Mutex<Vec<(Heard, Reply)>>>,
}

impl Double {
    pub fn start(answer: impl Fn(&Heard) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let taken: Arc<Mutex<Vec<(Heard, Reply)>>> = Arc::default();
        let (kept, answer) = (Arc::clone(&taken), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (kept, answer) = (Arc::clone(&kept), Arc::clone(&answer));
                std::thread::spawn(move || {
                    let Some(heard) = read(&stream) else {
                        return;
                    };
                    let reply = answer(&heard);
                    kept.lock().unwrap().push((heard, reply.clone()));
                    let _ = write(&stream, &reply);
                });
            }
        });
        Self { address, taken }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// All requests and what was answered.
    pub fn heard(&self) -> Vec<(Heard, Reply)> {
        self.taken.lock().unwrap().clone()
    }
}

fn read(stream: &TcpStream) -> Option<Heard> {
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .ok()?;
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let target = words.nth(1)?.to_owned();
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        match line.trim_end().split_once(": ") {
            Some((name, value)) => headers.insert(name.to_lowercase(), value.to_owned()),
            None => break,
        };
    }
    let bytes = headers
        .get("content-length")
        .and_then(|length| length.parse().ok())
        .unwrap_or(0);
    let mut body = vec![0; bytes];
    reader.read_exact(&mut body).ok()?;
    // A proxy is asked for a whole address.
    let target = reqwest::Url::parse(&target)
        .or_else(|_| reqwest::Url::parse(&format!("http://double{target}")))
        .ok()?;
    Some(Heard {
        path: target.path().to_owned(),
        query: target.query_pairs().into_owned().collect(),
        headers,
        bytes,
        body: serde_json::from_slice(&body).unwrap_or_default(),
    })
}

fn write(mut stream: &TcpStream, (status, body): &Reply) -> std::io::Result<()> {
    let body = match body {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let head = format!(
        "HTTP/1.1 {status} x\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())
}
