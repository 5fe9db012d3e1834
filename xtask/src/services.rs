//! MariaDB, PostgreSQL and Redis for tests: the servers named in the environment, else private ones on free ports
//! in a temporary folder, from the installed programs.

use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::run::{Running, output, run_quietly};
use crate::setup;

/// Names the database server for tests, for example `mysql://root@127.0.0.1:3306/test`.
pub const MYSQL: &str = "STONECHAT_TEST_MYSQL_URL";
/// Names the PostgreSQL server for tests, for example `postgres://postgres@127.0.0.1:5432/postgres`.
pub const POSTGRES: &str = "STONECHAT_TEST_POSTGRES_URL";
/// Names the Redis server for tests, for example `redis://127.0.0.1:6379`.
pub const REDIS: &str = "STONECHAT_TEST_REDIS_URL";

/// Servers that run as long as this value lives.
pub struct Services {
    /// Variables that tell the tests where the servers are.
    pub environment: Vec<(&'static str, String)>,
    _running: Vec<Running>,
    _folders: Vec<TempDir>,
}

impl Services {
    /// Starts what the environment does not name.
    pub fn start() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        // The server of PostgreSQL may have a user of its own, who cannot enter a folder of ours.
        let folder_of_postgres = tempfile::tempdir()?;
        let (mut environment, mut running) = (Vec::new(), Vec::new());
        if std::env::var_os(MYSQL).is_none() {
            let (server, url) = mariadb(folder.path()).context("MariaDB for the tests")?;
            running.push(server);
            environment.push((MYSQL, url));
        }
        if std::env::var_os(POSTGRES).is_none() {
            let (server, url) =
                postgres(folder_of_postgres.path()).context("PostgreSQL for the tests")?;
            running.push(server);
            environment.push((POSTGRES, url));
        }
        if std::env::var_os(REDIS).is_none() {
            let (server, url) = redis(folder.path()).context("Redis for the tests")?;
            running.push(server);
            environment.push((REDIS, url));
        }
        Ok(Self {
            environment,
            _running: running,
            _folders: vec![folder, folder_of_postgres],
        })
    }
}

/// MariaDB in a folder, with a database `test`, and its URL.
pub fn mariadb(folder: &Path) -> Result<(Running, String)> {
    let server = setup::program(
        &["mariadbd", "mysqld"],
        "mariadb-server",
        "tests on a real database",
    )?;
    let installer = setup::program(
        &["mariadb-install-db"],
        "mariadb-server",
        "tests on a real database",
    )?;
    let client = setup::program(&["mariadb"], "mariadb-client", "tests on a real database")?;
    let (data, socket, port) = (
        folder.join("mariadb"),
        folder.join("mariadb.sock"),
        free_port()?,
    );
    let user = output(Command::new("id").arg("-un"))?.trim().to_owned();
    eprintln!("starting MariaDB on port {port} for the tests");
    let installed = run_quietly(
        Command::new(installer)
            .args([
                "--no-defaults",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
            ])
            .arg(format!("--user={user}"))
            .arg(format!("--datadir={}", data.display())),
    );
    anyhow::ensure!(installed, "mariadb-install-db failed");
    let mut running = Running::start(
        Command::new(server)
            .args([
                "--no-defaults",
                "--bind-address=127.0.0.1",
                "--skip-log-bin",
                "--innodb-flush-log-at-trx-commit=0",
            ])
            .arg(format!("--user={user}"))
            .arg(format!("--datadir={}", data.display()))
            .arg(format!("--socket={}", socket.display()))
            .arg(format!(
                "--pid-file={}",
                folder.join("mariadb.pid").display()
            ))
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null()),
    )?;
    let create = || {
        let socket = format!("--socket={}", socket.display());
        run_quietly(Command::new(&client).args([
            "--no-defaults",
            "-uroot",
            &socket,
            "-eCREATE DATABASE IF NOT EXISTS test",
        ]))
    };
    running.wait_until(Duration::from_secs(60), "MariaDB", create)?;
    Ok((running, format!("mysql://root@127.0.0.1:{port}/test")))
}

fn postgres(folder: &Path) -> Result<(Running, String)> {
    let purpose = "tests on a real database";
    let server = setup::program(&["postgres"], "postgresql", purpose)?;
    let installer = setup::program(&["initdb"], "postgresql", purpose)?;
    let (data, port) = (folder.join("data"), free_port()?);
    let user = user_of_postgres()?;
    if let Some((uid, gid)) = user {
        std::os::unix::fs::chown(folder, Some(uid), Some(gid))?;
    }
    let as_user = |program: &Path| {
        let mut command = Command::new(program);
        if let Some((uid, gid)) = user {
            command.uid(uid).gid(gid);
        }
        command.current_dir(folder);
        command
    };
    eprintln!("starting PostgreSQL on port {port} for the tests");
    let installed = run_quietly(
        as_user(&installer)
            .args(["--username=postgres", "--auth=trust", "--no-sync"])
            .args(["--encoding=UTF8", "--locale=C"])
            .arg(format!("--pgdata={}", data.display())),
    );
    anyhow::ensure!(installed, "initdb failed");
    let mut running = Running::start(
        as_user(&server)
            .arg("-D")
            .arg(&data)
            .arg(format!("--port={port}"))
            .args([
                "--listen_addresses=127.0.0.1",
                "--unix_socket_directories=",
                "--fsync=off",
            ])
            .stdout(Stdio::null())
            .stderr(Stdio::null()),
    )?;
    // The server writes its state into the eighth line of this file.
    let ready = || {
        let about = std::fs::read_to_string(data.join("postmaster.pid")).unwrap_or_default();
        about
            .lines()
            .nth(7)
            .is_some_and(|state| state.trim() == "ready")
    };
    running.wait_until(Duration::from_secs(60), "PostgreSQL", ready)?;
    let url = format!("postgres://postgres@127.0.0.1:{port}/postgres");
    Ok((running, url))
}

/// PostgreSQL refuses to run as root; then its own user runs it, or else nobody.
fn user_of_postgres() -> Result<Option<(u32, u32)>> {
    let number = |arguments: &[&str]| -> Result<u32> {
        Ok(output(Command::new("id").args(arguments))?.trim().parse()?)
    };
    if number(&["-u"])? != 0 {
        return Ok(None);
    }
    let is_known = run_quietly(Command::new("id").arg("postgres"));
    let name = if is_known { "postgres" } else { "nobody" };
    Ok(Some((number(&["-u", name])?, number(&["-g", name])?)))
}

fn redis(folder: &Path) -> Result<(Running, String)> {
    let server = setup::program(
        &["redis-server", "valkey-server"],
        "redis-server",
        "tests on a real queue",
    )?;
    let port = free_port()?;
    eprintln!("starting Redis on port {port} for the tests");
    let mut running = Running::start(
        Command::new(server)
            .args([
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                "no",
                "--port",
                &port.to_string(),
            ])
            .current_dir(folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null()),
    )?;
    running.wait_until(Duration::from_secs(20), "Redis", || {
        TcpStream::connect(("127.0.0.1", port)).is_ok()
    })?;
    Ok((running, format!("redis://127.0.0.1:{port}")))
}

/// A port that was free a moment ago.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
