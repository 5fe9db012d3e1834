//! A Prometheus beside the server, where one is installed.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::{PATIENCE, request, write};

/// It ends with its test.
pub struct Prometheus {
    child: Child,
    address: SocketAddr,
}

impl Prometheus {
    /// Starts it with a configuration; nothing, and a printed reason, where none is installed.
    pub fn start(folder: &Path, configuration: &str) -> Option<Self> {
        let Some(program) = installed("prometheus") else {
            eprintln!("skipped: there is no prometheus on the path");
            return None;
        };
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let file = folder.join("peer.yml");
        write(&file, configuration);
        let mut command = Command::new(program);
        command
            .arg(format!("--config.file={}", file.display()))
            .arg(format!(
                "--storage.tsdb.path={}",
                folder.join("peer").display()
            ))
            .arg(format!("--web.listen-address={address}"))
            .arg("--log.level=warn");
        command.stdin(Stdio::null()).stderr(Stdio::inherit());
        let child = command.spawn().unwrap();
        Some(Self { child, address })
    }

    /// Waits until the answer to a query has a text in it.
    pub fn wait_for(&self, query: &str, text: &str) {
        let query: String = query.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let path = format!("/api/v1/query?query={query}");
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = TcpStream::connect(self.address)
                .ok()
                .map(|_| request(self.address, "GET", &path).1);
            if answer
                .as_deref()
                .is_some_and(|answer| answer.contains(text))
            {
                break;
            }
            assert!(Instant::now() < deadline, "{answer:?}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn installed(program: &str) -> Option<PathBuf> {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let peers = home.map(|home| home.join(".cache/peers/root/usr/bin").join(program));
    let search = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&search).map(|folder| folder.join(program));
    peers.into_iter().chain(on_path).find(|file| file.is_file())
}
