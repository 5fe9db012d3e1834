//! A server under test: the real program, on a free port, over a temporary folder.

#![allow(dead_code, reason = "each test file uses its own part of this")]
#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

pub mod prometheus; // a Prometheus beside it

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

/// How long anything may take before the test fails.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The program.
pub fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_stonechat"))
}

/// A folder with the given files.
pub fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        write(&folder.path().join(name), text);
    }
    folder
}

/// Writes a file and the folders above it.
pub fn write(file: &Path, text: &str) {
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, text).unwrap();
}

/// Runs `serve` over a folder that it should refuse.
pub fn refused(folder: &Path) -> Output {
    let mut command = program();
    command
        .arg("serve")
        .arg("--config")
        .arg(folder)
        .arg("--data")
        .arg(folder.join("data"));
    command.args(["--listen", "127.0.0.1:0"]).output().unwrap()
}

/// A running server.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
    said: Arc<Mutex<Vec<String>>>,
    folder: PathBuf,
    data: PathBuf,
}

impl Server {
    /// Starts it and waits until it is ready.
    pub fn start(folder: &Path) -> Self {
        Self::start_with(folder, &folder.join("data"))
    }

    /// The same with a data folder that stands elsewhere.
    pub fn start_with(folder: &Path, data: &Path) -> Self {
        let server = Self::launch(folder, data, &[]);
        server.wait_until("ready", |server| server.get("/-/ready").0 == 200);
        server
    }

    /// Starts it, with more arguments, and waits until it listens.
    pub fn begin(folder: &Path, arguments: &[&str]) -> Self {
        Self::launch(folder, &folder.join("data"), arguments)
    }

    fn launch(folder: &Path, data: &Path, arguments: &[&str]) -> Self {
        Self::launch_by(program(), folder, data, arguments)
    }

    /// Starts it by another command, to which the program's own arguments are added, and waits until it is ready.
    pub fn start_by(command: Command, folder: &Path, data: &Path) -> Self {
        let server = Self::launch_by(command, folder, data, &[]);
        server.wait_until("ready", |server| server.get("/-/ready").0 == 200);
        server
    }

    fn launch_by(mut command: Command, folder: &Path, data: &Path, arguments: &[&str]) -> Self {
        command
            .arg("serve")
            .arg("--config")
            .arg(folder)
            .arg("--data")
            .arg(data);
        if !arguments.contains(&"--listen") {
            command.args(["--listen", "127.0.0.1:0"]);
        }
        command
            .args(arguments)
            .stdin(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = read_lines(child.stderr.take().unwrap());
        let deadline = Instant::now() + PATIENCE;
        let said = Arc::new(Mutex::new(Vec::new()));
        let address = loop {
            let line = lines
                .recv_timeout(deadline - Instant::now())
                .expect("the server says where it listens");
            if let Some((_, address)) = line.split_once("listening on http://") {
                let address: SocketAddr = address.trim_end_matches('/').parse().unwrap();
                break match address.ip().is_unspecified() {
                    true => SocketAddr::from(([127, 0, 0, 1], address.port())),
                    false => address,
                };
            }
            said.lock().unwrap().push(line);
        };
        let more = Arc::clone(&said);
        std::thread::spawn(move || {
            lines
                .iter()
                .for_each(|line| more.lock().unwrap().push(line));
        });
        Self {
            child,
            address,
            said,
            folder: folder.to_owned(),
            data: data.to_owned(),
        }
    }

    /// The number of its process.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// What it has said so far, but where it listens.
    pub fn said(&self) -> String {
        self.said.lock().unwrap().join("\n")
    }

    /// GET, with status and body.
    pub fn get(&self, path: &str) -> (u16, String) {
        request(self.address, "GET", path)
    }

    /// POST without a body.
    pub fn post(&self, path: &str) -> (u16, String) {
        request(self.address, "POST", path)
    }

    /// The `data` of an answer of the API.
    pub fn data(&self, path: &str) -> serde_json::Value {
        let (status, body) = self.get(path);
        assert_eq!(status, 200, "{path}: {body}");
        let mut answer: serde_json::Value = serde_json::from_str(&body).unwrap();
        answer["data"].take()
    }

    /// The single value of an instant query, if it has one.
    pub fn query(&self, query: &str) -> Option<f64> {
        let query: String = query.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let data = self.data(&format!("/api/v1/query?query={query}"));
        data["result"][0]["value"][1]
            .as_str()
            .map(|value| value.parse().unwrap())
    }

    /// A metric of the server itself.
    pub fn metric(&self, name: &str) -> Option<f64> {
        let (_, page) = self.get("/metrics");
        let line = page
            .lines()
            .find(|line| line.split([' ', '{']).next() == Some(name))?;
        line.rsplit(' ').next().map(|value| value.parse().unwrap())
    }

    /// Waits until a condition holds.
    pub fn wait_until(&self, what: &str, mut holds: impl FnMut(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !holds(self) {
            assert!(
                Instant::now() < deadline,
                "{what}: not within {} s",
                PATIENCE.as_secs()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Sends a signal, for example "HUP".
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .arg(format!("-{name}"))
            .arg(self.child.id().to_string())
            .status()
            .unwrap();
        assert!(status.success());
    }

    /// Asks it to stop and gives its exit status.
    pub fn stop(mut self) -> Option<i32> {
        self.signal("TERM");
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(Instant::now() < deadline, "the server does not stop");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Kills it without warning, and starts it again over the same folder.
    pub fn crash_and_restart(mut self) -> Self {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        Self::start_with(&self.folder.clone(), &self.data.clone())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Lines as they come, from a thread of their own.
pub fn read_lines(stream: impl Read + Send + 'static) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::sync_channel(10_000);
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

/// One request over a connection of its own.
pub fn request(address: SocketAddr, method: &str, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let chunked = head
        .to_ascii_lowercase()
        .contains("transfer-encoding: chunked");
    (
        status,
        if chunked {
            join_chunks(body)
        } else {
            body.to_owned()
        },
    )
}

fn join_chunks(mut body: &str) -> String {
    let mut joined = String::new();
    while let Some((length, rest)) = body.split_once("\r\n") {
        let length = usize::from_str_radix(length, 16).unwrap();
        if length == 0 {
            break;
        }
        joined.push_str(&rest[..length]);
        body = &rest[length + 2..];
    }
    joined
}

/// A target that answers every request with a page made by `page`, until the test ends.
pub fn target(page: impl Fn() -> String + Send + 'static) -> SocketAddr {
    serve(move |_| {
        let page = page();
        format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{page}",
            page.len()
        )
    })
}

/// A webhook receiver; every body that arrives goes to the channel.
pub fn webhook() -> (SocketAddr, mpsc::Receiver<serde_json::Value>) {
    let (sender, receiver) = mpsc::sync_channel(1000);
    let address = serve(move |body| {
        let _ = sender.send(serde_json::from_str(&body).unwrap());
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned()
    });
    (address, receiver)
}

/// A webhook receiver that answers with the status that `status` gives; what was answered and the body go to the channel.
pub fn receiver(
    status: impl Fn() -> &'static str + Send + 'static,
) -> (
    SocketAddr,
    mpsc::Receiver<(&'static str, serde_json::Value)>,
) {
    let (sender, receiver) = mpsc::sync_channel(1000);
    let address = serve(move |body| {
        let status = status();
        let _ = sender.send((status, serde_json::from_str(&body).unwrap()));
        format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    });
    (address, receiver)
}

fn serve(answer: impl Fn(String) -> String + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            let Some(body) = read_body(&stream) else {
                continue;
            };
            let _ = stream.write_all(answer(body).as_bytes());
        }
    });
    address
}

fn read_body(stream: &TcpStream) -> Option<String> {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader
            .read_line(&mut line)
            .ok()
            .filter(|bytes| *bytes > 0)?;
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    String::from_utf8(body).ok()
}
