//! `stonechat demo`: a chat backend, its load and Stonechat watching it, in one process group.

mod children; // the processes
mod faults; // when a fault is switched on and off
mod folder; // the monitoring files, written out
mod inbox; // where notifications arrive
mod paint; // colours
mod ports; // where each part listens
mod story; // what happened, with times
mod watch; // asks the server what it sees

use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use stonechat_model::duration;
use tokio::signal::unix::Signal;

use children::{Line, Part};
use faults::{Plan, Switch};
use folder::Folder;
use inbox::Inbox;
use paint::Paint;
use ports::Ports;
use story::Story;
use watch::Watch;

use crate::signals;

/// Environment variables with URLs of the database and the queue, which may hold a password: a command line can be read by
/// everybody on the machine.
const MYSQL: &str = "STONECHAT_DEMO_MYSQL";
const REDIS: &str = "STONECHAT_DEMO_REDIS";

/// What the process is called that SIGHUP is passed on to.
const SERVER: &str = "the server";

/// How often the demo looks at its parts.
const TICK: Duration = Duration::from_millis(200);

/// In which time people join the chat.
const RAMP: Duration = Duration::from_secs(3);

/// How long the parts may take until they answer.
const START_LIMIT: Duration = Duration::from_secs(60);

/// Run a chat backend with 200 people, watched by Stonechat.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct DemoArgs {
    /// End by itself after this time and print a summary, for example 90s.
    #[arg(long = "for", value_name = "DURATION", value_parser = duration::parse)]
    end_after: Option<Duration>,
    /// Make the chat ill: slow-db, failing-sends, dead-service, backlog, memory-leak, lossy-media, failing-ice. May be given several times.
    #[arg(long, value_name = "NAME")]
    fault: Vec<String>,
    /// When the faults begin.
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration::parse)]
    fault_after: Duration,
    /// How long the faults last. Without it: until half of --for, or until they are switched off by hand.
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    fault_for: Option<Duration>,
    /// People who chat.
    #[arg(long, default_value_t = 200)]
    users: u32,
    /// Phones that call the chat's media service, each one call at a time.
    #[arg(long, default_value_t = 8)]
    calls: u32,
    /// Listen on the 12 ports from this one on, instead of 9090, 18080-18083 and 19100-19106.
    #[arg(long, value_name = "PORT")]
    port_base: Option<u16>,
    /// Keep configuration, data and logs in this folder. Without it a temporary one is used and removed.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Let the chat use this MariaDB or MySQL instead of SQLite.
    #[arg(long, value_name = "URL", env = MYSQL, hide_env_values = true)]
    mysql: Option<String>,
    /// Let the chat queue its messages in this Redis instead of in the process.
    #[arg(long, value_name = "URL", env = REDIS, hide_env_values = true)]
    redis: Option<String>,
}

/// Runs the demo until Ctrl-C, SIGTERM, or the end of `--for`.
pub(crate) async fn run(args: DemoArgs) -> Result<()> {
    let mut stop = signals::Stop::listen()?;
    let hangup = signals::reload()?;
    let was_terminal = std::io::stdout().is_terminal();
    let plan = Plan::new(
        &args.fault,
        args.fault_after,
        args.fault_for,
        args.end_after,
    )?;
    let ports = Ports::new(args.port_base)?;
    ports.check_free()?;
    let folder = Folder::open(args.dir.as_deref(), ports)?;
    let inbox = Inbox::open(ports.inbox()).await?;
    let demo = Demo {
        watch: Watch::new(ports)?,
        hangup,
        was_terminal,
        inbox,
        plan,
        end_after: args.end_after,
        users: args.users,
    };
    let (mut parts, mut story) = (Vec::new(), Story::default());
    let show = || print_screen(&args, ports, &folder);
    let running = async {
        parts = start(&args, ports, &folder).await?;
        demo.run(&mut parts, &mut story, show).await
    };
    let outcome = tokio::select! {
        outcome = running => outcome,
        () = stop.wait() => Ok(()),
    };
    if was_terminal && !std::io::stdout().is_terminal() {
        // Nobody is there to be told anything, and nothing can be written any more.
        children::stop(parts).await;
        return Ok(());
    }
    println!("\nstopping …");
    children::stop(parts).await;
    outcome.inspect_err(|_| print_logs(&folder))?;
    print_summary(&args, &story);
    Ok(())
}

/// Gives the chat the URLs that its parent has put into the environment.
pub(crate) fn with_environment(mut args: stonechat_demo::ChatArgs) -> stonechat_demo::ChatArgs {
    let keep = &mut args.keep;
    if keep.data.is_none() {
        keep.mysql = keep.mysql.take().or_else(|| std::env::var(MYSQL).ok());
    }
    keep.redis = keep.redis.take().or_else(|| std::env::var(REDIS).ok());
    args
}

/// How chat, load and server are started, in this order.
fn command_lines(args: &DemoArgs, ports: Ports, folder: &Folder) -> [Line; 3] {
    let text = |path: PathBuf| path.display().to_string();
    let server = [
        "serve".to_owned(),
        "--exit-with-stdin".to_owned(),
        format!("--config={}", text(folder.monitoring())),
        format!("--data={}", text(folder.join("data"))),
        format!("--listen={}", ports.server()),
    ];
    let [gateway, logic, push, media] = ports.chat();
    let [
        gateway_metrics,
        logic_metrics,
        task_metrics,
        media_metrics,
        load_metrics,
    ] = ports.metrics();
    let mut chat = vec![
        "demo-chat".to_owned(),
        "--exit-with-stdin".to_owned(),
        format!("--control={}", ports.control()),
        format!("--gateway={gateway}"),
        format!("--logic={logic}"),
        format!("--push={push}"),
        format!("--gateway-metrics={gateway_metrics}"),
        format!("--logic-metrics={logic_metrics}"),
        format!("--task-metrics={task_metrics}"),
        format!("--media={media}"),
        format!("--media-metrics={media_metrics}"),
    ];
    if args.mysql.is_none() {
        chat.push(format!("--data={}", text(folder.join("chat"))));
    }
    let urls = [(MYSQL, &args.mysql), (REDIS, &args.redis)];
    let urls = urls.map(|(name, url)| Some((name, url.clone()?)));
    let load = [
        "demo-load".to_owned(),
        "--exit-with-stdin".to_owned(),
        format!("--gateway={gateway}"),
        format!("--metrics={load_metrics}"),
        format!("--media={media}"),
        format!("--control={}", ports.control()),
        format!("--calls={}", args.calls),
        format!("--users={}", args.users),
        format!("--ramp={}", duration::format(RAMP)),
    ];
    let line = |name, arguments| Line {
        name,
        arguments,
        environment: Vec::new(),
    };
    let chat = Line {
        environment: urls.into_iter().flatten().collect(),
        ..line("the chat", chat)
    };
    [
        chat,
        line("the load", load.to_vec()),
        line(SERVER, server.to_vec()),
    ]
}

/// Starts the chat, and when it answers, its load and the server: a server that sees the chat come up would tell
/// people that it is down.
async fn start(args: &DemoArgs, ports: Ports, folder: &Folder) -> Result<Vec<Part>> {
    let [chat, load, server] = command_lines(args, ports, folder);
    let mut parts = vec![Part::start(&chat, &folder.join("chat.log"))?];
    let starting = Instant::now();
    while !ports.chat_answers().await {
        ended(&mut parts)?;
        if starting.elapsed() > START_LIMIT {
            bail!("the chat did not answer within {} s", START_LIMIT.as_secs());
        }
        tokio::time::sleep(TICK).await;
    }
    parts.push(Part::start(&load, &folder.join("load.log"))?);
    parts.push(Part::start(&server, &folder.join("server.log"))?);
    Ok(parts)
}

struct Demo {
    watch: Watch,
    /// SIGHUP.
    hangup: Signal,
    was_terminal: bool,
    inbox: Inbox,
    plan: Plan,
    end_after: Option<Duration>,
    users: u32,
}

impl Demo {
    /// Waits for the parts, then tells what happens until the end.
    async fn run(
        mut self,
        parts: &mut [Part],
        story: &mut Story,
        ready: impl FnOnce(),
    ) -> Result<()> {
        let starting = Instant::now();
        while !self.watch.is_ready(self.users).await {
            ended(parts)?;
            if starting.elapsed() > START_LIMIT {
                bail!("the demo was not ready after {} s", START_LIMIT.as_secs());
            }
            tokio::time::sleep(TICK).await;
        }
        ready();
        let began = Instant::now();
        loop {
            let at = began.elapsed();
            for switch in self.plan.due(at) {
                self.switch(at, &switch).await?;
            }
            if let Some(alerts) = self.watch.alerts().await {
                story
                    .shown(at, &alerts)
                    .iter()
                    .for_each(|event| println!("{event}"));
            }
            let read = self.inbox.read();
            story
                .told(at, &read.alerts)
                .iter()
                .for_each(|event| println!("{event}"));
            if read.dropped > 0 {
                println!("{}", story.missed(at, read.dropped));
            }
            ended(parts)?;
            if self.end_after.is_some_and(|end| at >= end) {
                return Ok(());
            }
            tokio::select! {
                () = tokio::time::sleep(TICK) => {}
                Some(()) = self.hangup.recv() => {
                    // A terminal that is closed sends the same signal.
                    if self.was_terminal && !std::io::stdout().is_terminal() {
                        return Ok(());
                    }
                    let server = parts.iter().find(|part| part.name() == SERVER);
                    if let Some(server) = server {
                        server.ask_to_reload();
                        let seconds = at.as_secs_f64();
                        println!("{seconds:>6.1} s  {} {SERVER} reads its files again", Paint::Cyan.on("↻"));
                    }
                }
            }
        }
    }

    async fn switch(&self, at: Duration, switch: &Switch) -> Result<()> {
        self.watch
            .switch(&switch.fault, switch.on)
            .await
            .context("the fault cannot be switched")?;
        let (paint, state) = if switch.on {
            (Paint::Magenta, "on")
        } else {
            (Paint::Cyan, "off")
        };
        println!(
            "{:>6.1} s  {} fault {} {state}",
            at.as_secs_f64(),
            paint.on("⚡"),
            switch.fault
        );
        Ok(())
    }
}

/// A part that ends before the demo does is a failure of the demo.
fn ended(parts: &mut [Part]) -> Result<()> {
    match parts.iter_mut().find_map(Part::ended) {
        Some(how) => bail!("{how}"),
        None => Ok(()),
    }
}

fn print_screen(args: &DemoArgs, ports: Ports, folder: &Folder) {
    let [gateway, ..] = ports.chat();
    let [gateway_metrics, ..] = ports.metrics();
    let faults = ports.control();
    let title = format!("  Stonechat is watching a chat of {} people", args.users);
    let page = Paint::Link.on(&format!("http://{}/", ports.server()));
    let kept = if folder.is_temporary() {
        " (removed at the end)"
    } else {
        ""
    };
    println!("\n{}\n", Paint::Bold.on(&title));
    println!("    look here      {page}");
    println!(
        "    the chat       http://{gateway}/  (its metrics: http://{gateway_metrics}/metrics)"
    );
    println!("    make it ill    curl -X PUT    http://{faults}/faults/slow-db");
    println!("    make it well   curl -X DELETE http://{faults}/faults/slow-db");
    println!("    other faults   failing-sends, dead-service, backlog, memory-leak, lossy-media,");
    println!("                   failing-ice");
    println!(
        "    rules, data    {}{kept}\n",
        folder.monitoring().display()
    );
    match args.end_after {
        Some(end) => println!("  It ends after {}. What happens:\n", duration::format(end)),
        None => println!("  Ctrl-C stops everything. What happens:\n"),
    }
}

fn print_summary(args: &DemoArgs, story: &Story) {
    let alerts = story.summary();
    let told = if alerts.is_empty() {
        "nobody had to be told anything".to_owned()
    } else {
        alerts.join("; ")
    };
    let length = args
        .end_after
        .map(|end| format!(" of {}", duration::format(end)))
        .unwrap_or_default();
    println!("demo{length} with {} people: {told}", args.users);
}

/// Shows the end of each log, because a temporary folder is about to go.
fn print_logs(folder: &Folder) {
    for name in ["server.log", "chat.log", "load.log"] {
        let text = std::fs::read_to_string(folder.join(name)).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let last = &lines[lines.len().saturating_sub(15)..];
        if !last.is_empty() {
            eprintln!("--- the end of {name}\n{}", last.join("\n"));
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Arguments {
        #[command(flatten)]
        demo: DemoArgs,
    }

    #[test]
    fn passwords_are_on_no_command_line() {
        let [mysql, redis] = ["mysql://u:hunter2@h/chat", "redis://:hunter3@h"];
        let arguments = ["demo", "--mysql", mysql, "--redis", redis];
        let args = Arguments::parse_from(arguments).demo;
        let ports = Ports::new(Some(21000)).unwrap();
        let folder = Folder::open(None, ports).unwrap();
        let [chat, load, server] = command_lines(&args, ports, &folder);
        for line in [&chat, &load, &server] {
            let arguments = line.arguments.join(" ");
            assert!(!arguments.contains("hunter"), "{}: {arguments}", line.name);
        }
        let urls = [(MYSQL, mysql.to_owned()), (REDIS, redis.to_owned())];
        assert_eq!(chat.environment, urls);
        assert!(load.environment.is_empty() && server.environment.is_empty());
        assert!(
            !chat
                .arguments
                .iter()
                .any(|argument| argument.starts_with("--data"))
        );
    }
}
