//! A thousand queries of one row each at 15 s: Stonechat beside the exporters of Debian, one after the other, on the same MariaDB.
//!
//! The file with the queries has the format of justwatchcom/sql_exporter, which Debian packages; Stonechat reads the same file.
//! `mysqld_exporter` has no queries of its own: it is measured with what it asks by itself, and its cost is shown for a statement, too.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::run::{Running, cargo, output, run};
use crate::services::{self, MYSQL, free_port};
use crate::{root, setup};

/// How many queries are asked.
const QUERIES: u32 = 1_000;

/// How often, and how often somebody scrapes.
const INTERVAL: Duration = Duration::from_secs(15);

/// The first round opens connections and prepares statements; it does not count.
const WARM: Duration = Duration::from_secs(20);

/// How long is measured: four rounds.
const MEASURED: Duration = Duration::from_secs(60);

/// How late a round may seem because the bench itself looks once a second.
const LOOK: Duration = Duration::from_secs(1);

/// What one program cost.
struct Cost {
    name: &'static str,
    cpu: Duration,
    memory_kib: u64,
    statements: u64,
    served: usize,
}

/// Runs the comparison and prints its table.
pub fn bench() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (_server, url) = match std::env::var(MYSQL) {
        Ok(url) => (None, url),
        Err(_) => {
            let (server, url) = services::mariadb(folder.path()).context("MariaDB")?;
            (Some(server), url)
        }
    };
    let database = Database::new(&url)?;
    database.run(&table())?;
    let stonechat = stonechat()?;
    let mut costs = Vec::new();
    let file = folder.path().join("queries.yml");
    std::fs::write(&file, queries(&database, None))?;
    let mut contestants = vec![Contestant::stonechat(&stonechat, folder.path(), &file)?];
    contestants.extend(Contestant::sql_exporter(&file)?);
    contestants.extend(Contestant::mysqld_exporter(&database, folder.path())?);
    for contestant in contestants {
        costs.push(contestant.measure(&database)?);
    }
    print(&costs);
    std::fs::write(&file, queries(&database, Some("SELECT SLEEP(20) AS v")))?;
    let ours = Contestant::stonechat(&stonechat, &folder.path().join("slow"), &file)?;
    let (latest, up) = ours.with_a_slow_query()?;
    println!(
        "\nStonechat with one more query that takes 20 s: the oldest answer of the {up} others was {:.1} s old at the most",
        latest.as_secs_f64()
    );
    if let Some(theirs) = Contestant::sql_exporter(&file)? {
        let stalled = theirs.rounds_with_a_slow_query(&database)?;
        println!(
            "sql_exporter with the same file: {stalled} statements in 60 s, where {} are due",
            QUERIES * 4
        );
    }
    Ok(())
}

/// The program, built unless the environment names one.
fn stonechat() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os("STONECHAT") {
        return Ok(named.into());
    }
    run(cargo().args(["build", "--release", "--package", "stonechat"]))?;
    let built =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    Ok(built.join("release/stonechat"))
}

fn table() -> String {
    format!(
        "CREATE OR REPLACE TABLE bench_values (id INT PRIMARY KEY, v INT) SELECT seq AS id, seq AS v FROM seq_1_to_{QUERIES}"
    )
}

/// The file that both programs read; with a slow query in its middle, if there is one.
fn queries(database: &Database, slow: Option<&str>) -> String {
    let Database { user, place, name } = database;
    let mut text = format!(
        "jobs:\n- name: bench\n  interval: {}s\n  connections: ['mysql://{user}@tcp({place})/{name}']\n  queries:\n",
        INTERVAL.as_secs()
    );
    let mut add = |name: &str, sql: &str| {
        text += &format!("  - {{name: {name}, help: h, values: [v], query: \"{sql}\"}}\n");
    };
    for number in 1..=QUERIES {
        if number == QUERIES / 2
            && let Some(slow) = slow
        {
            add("slow", slow);
        }
        let sql = format!("SELECT v FROM bench_values WHERE id = {number}");
        add(&format!("bench_{number}"), &sql);
    }
    text
}

/// The parts of a URL that others write in another way.
struct Database {
    user: String,
    place: String,
    name: String,
}

impl Database {
    /// From `mysql://user@host:port/name`.
    fn new(url: &str) -> Result<Self> {
        let rest = url.strip_prefix("mysql://").context("a URL of MySQL")?;
        let (user, rest) = rest.split_once('@').unwrap_or(("root", rest));
        let (place, name) = rest.split_once('/').unwrap_or((rest, "test"));
        Ok(Self {
            user: user.to_owned(),
            place: place.to_owned(),
            name: name.to_owned(),
        })
    }

    fn run(&self, sql: &str) -> Result<String> {
        let client = setup::program(&["mariadb"], "mariadb-client", "the benchmark")?;
        let (host, port) = self.place.split_once(':').unwrap_or((&self.place, "3306"));
        let (user, password) = self.user.split_once(':').unwrap_or((&self.user, ""));
        let mut command = Command::new(client);
        command.args(["--no-defaults", "-N", "-h", host, "-P", port, "-u", user]);
        command.env("MYSQL_PWD", password).arg(format!("-e{sql}"));
        output(command.arg(&self.name))
    }

    /// Statements that clients have sent so far.
    fn statements(&self) -> Result<u64> {
        let row = self.run("SHOW GLOBAL STATUS LIKE 'Questions'")?;
        let number = row.split_whitespace().last().unwrap_or_default();
        number.parse().context("the count of statements")
    }
}

/// A program under measurement, before it is started.
struct Contestant {
    name: &'static str,
    command: Command,
    port: u16,
    page: &'static str,
    /// How a line of a query's own begins on its page.
    mark: &'static str,
}

/// A program that the environment names, or one on the path; or a printed reason.
fn peer(variable: &str, programs: &[&str]) -> Option<PathBuf> {
    let found = std::env::var_os(variable).map(PathBuf::from);
    let found = found.or_else(|| setup::find(programs));
    if found.is_none() {
        println!(
            "left out: {} is not on the path, and {variable} does not name it",
            programs[0]
        );
    }
    found
}

impl Contestant {
    fn stonechat(program: &Path, folder: &Path, file: &Path) -> Result<Self> {
        let configuration = folder.join("monitoring");
        std::fs::create_dir_all(&configuration)?;
        std::fs::write(configuration.join("prometheus.yml"), "scrape_configs: []\n")?;
        let port = free_port()?;
        let mut command = Command::new(program);
        command.arg("serve").arg("--config").arg(&configuration);
        command.arg("--sql").arg(file);
        command.arg("--data").arg(folder.join("data"));
        command.args(["--listen", &format!("127.0.0.1:{port}")]);
        Ok(Self {
            name: "stonechat (whole server)",
            command,
            port,
            page: "/metrics/sql",
            mark: "sql_bench_",
        })
    }

    fn sql_exporter(file: &Path) -> Result<Option<Self>> {
        let names = ["prometheus-sql-exporter", "sql_exporter"];
        let Some(program) = peer("STONECHAT_SQL_EXPORTER", &names) else {
            return Ok(None);
        };
        let port = free_port()?;
        let mut command = Command::new(program);
        command.arg("-config.file").arg(file);
        command.arg(format!("-web.listen-address=127.0.0.1:{port}"));
        Ok(Some(Self {
            name: "sql_exporter",
            command,
            port,
            page: "/metrics",
            mark: "sql_bench_",
        }))
    }

    fn mysqld_exporter(database: &Database, folder: &Path) -> Result<Option<Self>> {
        let names = ["prometheus-mysqld-exporter", "mysqld_exporter"];
        let Some(program) = peer("STONECHAT_MYSQLD_EXPORTER", &names) else {
            return Ok(None);
        };
        let (host, port) = database
            .place
            .split_once(':')
            .unwrap_or((&database.place, "3306"));
        let (user, password) = database
            .user
            .split_once(':')
            .unwrap_or((&database.user, ""));
        let login = folder.join("my.cnf");
        std::fs::write(
            &login,
            format!("[client]\nhost={host}\nport={port}\nuser={user}\npassword={password}\n"),
        )?;
        let port = free_port()?;
        let mut command = Command::new(program);
        command.arg(format!("--config.my-cnf={}", login.display()));
        command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
        Ok(Some(Self {
            name: "mysqld_exporter (its own statements)",
            command,
            port,
            page: "/metrics",
            mark: "mysql_",
        }))
    }

    fn start(mut self) -> Result<(Running, u16, &'static str)> {
        let command = self.command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut running = Running::start(command)?;
        let (port, page) = (self.port, self.page);
        running.wait_until(Duration::from_secs(30), self.name, || {
            get(port, page).is_some()
        })?;
        Ok((running, port, page))
    }

    /// Lets it work while somebody scrapes it.
    fn measure(self, database: &Database) -> Result<Cost> {
        let (name, mark) = (self.name, self.mark);
        eprintln!("measuring {name} for {} s", (WARM + MEASURED).as_secs());
        let (running, port, page) = self.start()?;
        std::thread::sleep(WARM);
        let (cpu, statements) = (cpu(running.id())?, database.statements()?);
        let (start, mut served) = (Instant::now(), 0);
        while start.elapsed() < MEASURED {
            let text = get(port, page).unwrap_or_default();
            served = text.lines().filter(|line| line.starts_with(mark)).count();
            std::thread::sleep(INTERVAL);
        }
        let cost = Cost {
            name,
            cpu: self::cpu(running.id())?.saturating_sub(cpu),
            memory_kib: memory_kib(running.id())?,
            statements: database.statements()? - statements,
            served,
        };
        running.stop()?;
        Ok(cost)
    }

    /// The greatest age of an answer while one query takes 20 s, and how many queries have answers.
    fn with_a_slow_query(self) -> Result<(Duration, usize)> {
        let (running, port, page) = self.start()?;
        std::thread::sleep(WARM);
        let (start, mut latest, mut up) = (Instant::now(), Duration::ZERO, 0);
        while start.elapsed() < MEASURED {
            let text = get(port, page).unwrap_or_default();
            let now = std::time::SystemTime::UNIX_EPOCH.elapsed()?;
            let answered = text.lines().filter(|line| {
                line.starts_with("sql_query_last_success_timestamp_seconds")
                    && !line.contains("\"slow@")
            });
            let ages = answered.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
            let ages = ages.map(|at| now.saturating_sub(Duration::from_secs_f64(at)));
            let ages: Vec<Duration> = ages.collect();
            up = ages.len();
            latest = latest.max(ages.into_iter().max().unwrap_or_default());
            std::thread::sleep(LOOK);
        }
        running.stop()?;
        Ok((latest, up))
    }

    /// How many statements get through while one of them takes 20 s.
    fn rounds_with_a_slow_query(self, database: &Database) -> Result<u64> {
        let (running, ..) = self.start()?;
        std::thread::sleep(WARM);
        let before = database.statements()?;
        std::thread::sleep(MEASURED);
        let statements = database.statements()? - before;
        running.stop()?;
        Ok(statements)
    }
}

fn print(costs: &[Cost]) {
    println!(
        "\n| program | CPU in {} s | memory | statements | CPU for 1,000 | series on its page |",
        MEASURED.as_secs()
    );
    println!("|---|---|---|---|---|---|");
    for cost in costs {
        let thousands = cost.statements.max(1) as f64 / 1_000.0;
        println!(
            "| {} | {:.2} s | {:.1} MiB | {} | {:.0} ms | {} |",
            cost.name,
            cost.cpu.as_secs_f64(),
            cost.memory_kib as f64 / 1024.0,
            cost.statements,
            cost.cpu.as_secs_f64() * 1_000.0 / thousands,
            cost.served,
        );
    }
}

/// The body behind a path on this machine.
fn get(port: u16, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .ok()?;
    let request =
        format!("GET {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    head.lines()
        .next()?
        .contains(" 200 ")
        .then(|| body.to_owned())
}

/// Time that a process has spent, in its own code and in the kernel.
fn cpu(process: u32) -> Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    let (_, fields) = stat.rsplit_once(')').context("the name of the process")?;
    let ticks = fields.split_whitespace().skip(11).take(2);
    let ticks: u64 = ticks.filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    // `CLK_TCK` is 100 on every Linux.
    Ok(Duration::from_millis(ticks * 10))
}

/// The most memory that a process has had.
fn memory_kib(process: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    number.context("VmHWM")?.parse().context("a number")
}
