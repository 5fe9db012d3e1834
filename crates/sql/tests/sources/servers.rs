//! Servers that a test starts itself, in folders of its own, and that end with it.

use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::setup::until;

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    let free = TcpListener::bind("127.0.0.1:0").expect("a port");
    free.local_addr().expect("it is bound").port()
}

/// A server that ends with its test.
pub struct Running(Child);

impl Running {
    pub fn kill(&mut self) {
        self.0.kill().expect("it is ours");
        self.0.wait().expect("it has ended");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

fn quietly(command: &mut Command) -> &mut Command {
    command.stdout(Stdio::null()).stderr(Stdio::null())
}

/// MariaDB in a folder of its own; nothing, and a printed reason, where it is not installed.
pub fn mariadb(folder: &Path, port: u16, options: &[String]) -> Option<Running> {
    let data = format!("--datadir={}", folder.join("data").display());
    if !folder.join("data").exists() {
        let mut install = Command::new("mariadb-install-db");
        install.args([
            "--no-defaults",
            "--auth-root-authentication-method=normal",
            "--user=root",
            &data,
        ]);
        let installed = quietly(&mut install).status();
        if !installed.is_ok_and(|status| status.success()) {
            eprintln!("skipped: MariaDB is not installed, or not for this user");
            return None;
        }
    }
    let mut server = Command::new("mariadbd");
    server.args([
        "--no-defaults",
        "--bind-address=127.0.0.1",
        "--skip-log-bin",
        "--user=root",
        &data,
    ]);
    server.arg(format!("--socket={}", folder.join("socket").display()));
    server.arg(format!("--port={port}")).args(options);
    quietly(&mut server).spawn().ok().map(Running)
}

/// Who runs PostgreSQL, which refuses to be run by root.
pub fn user_of_postgres() -> Option<(u32, u32)> {
    let number = |arguments: &[&str]| -> Option<u32> {
        let output = Command::new("id").args(arguments).output().ok()?;
        String::from_utf8(output.stdout).ok()?.trim().parse().ok()
    };
    if number(&["-u"])? != 0 {
        return None;
    }
    let name = match number(&["-u", "postgres"]) {
        Some(_) => "postgres",
        None => "nobody",
    };
    Some((number(&["-u", name])?, number(&["-g", name])?))
}

/// PostgreSQL in a folder of its own, which must be one that its user may enter.
pub fn postgres(folder: &Path, port: u16, options: &[String]) -> Option<Running> {
    let user = user_of_postgres();
    let as_user = |program: &str| {
        let mut command = Command::new(program);
        if let Some((uid, gid)) = user {
            command.uid(uid).gid(gid);
        }
        command.current_dir(folder);
        command
    };
    let data = folder.join("data");
    let mut install = as_user("initdb");
    install.args(["--username=postgres", "--auth=trust", "--no-sync"]);
    install
        .args(["--encoding=UTF8", "--locale=C", "-D"])
        .arg(&data);
    if !quietly(&mut install)
        .status()
        .is_ok_and(|status| status.success())
    {
        eprintln!("skipped: initdb of PostgreSQL is not on the path");
        return None;
    }
    let mut server = as_user("postgres");
    server.arg("-D").arg(&data).arg(format!("--port={port}"));
    server.args(["--listen_addresses=127.0.0.1", "--fsync=off"]);
    server.arg("--unix_socket_directories=").args(options);
    quietly(&mut server).spawn().ok().map(Running)
}

/// A server of Redis, killed at the end.
pub struct RedisServer {
    pub port: u16,
    options: Vec<String>,
    running: Option<Child>,
    folder: tempfile::TempDir,
}

impl RedisServer {
    /// Nothing, and a printed reason, where Redis is not installed.
    pub async fn start(options: &[&str]) -> Option<Self> {
        let mut server = Self {
            port: free_port(),
            options: options.iter().map(|option| (*option).to_owned()).collect(),
            running: None,
            folder: tempfile::tempdir().expect("a folder"),
        };
        server.restart().await.then_some(server)
    }

    /// Whether it talks TLS.
    fn is_tls(&self) -> bool {
        self.options.contains(&"--tls-cert-file".to_owned())
    }

    pub async fn restart(&mut self) -> bool {
        let mut command = Command::new("redis-server");
        if self.options.contains(&"--sentinel".to_owned()) {
            std::fs::write(self.folder.path().join("sentinel.conf"), "").expect("a file");
            command.arg("sentinel.conf");
        }
        let port = self.port.to_string();
        command.args(["--bind", "127.0.0.1"]);
        match self.is_tls() {
            true => command.args(["--port", "0", "--tls-port", &port]),
            false => command.args(["--port", &port]),
        };
        command.args(&self.options).current_dir(self.folder.path());
        let Ok(running) = quietly(&mut command).spawn() else {
            eprintln!("skipped: redis-server is not installed");
            return false;
        };
        self.running = Some(running);
        let port = self.port;
        until("Redis listens", async || {
            tokio::net::TcpStream::connect(("127.0.0.1", port))
                .await
                .is_ok()
        })
        .await;
        true
    }

    pub fn kill(&mut self) {
        if let Some(mut running) = self.running.take() {
            running.kill().expect("it runs");
            running.wait().expect("it has ended");
        }
    }

    pub fn url(&self) -> String {
        let scheme = if self.is_tls() { "rediss" } else { "redis" };
        format!("{scheme}://127.0.0.1:{}", self.port)
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}
