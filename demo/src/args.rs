//! The command lines of the chat and of its load.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::chat::{Addresses, ChatConfig};
use crate::fault::Fault;
use crate::media::MediaConfig;
use crate::queue::QueueConfig;
use crate::store::StoreConfig;

/// How the chat is started.
#[derive(Debug, Clone, Args)]
pub struct ChatArgs {
    /// Where the services listen.
    #[command(flatten)]
    pub listen: ListenArgs,

    /// Where the data is kept.
    #[command(flatten)]
    pub keep: KeepArgs,

    /// How long media waits for its callers.
    #[command(flatten)]
    pub media: MediaArgs,

    /// Start with this fault; may be given several times
    #[arg(long = "fault", value_name = "NAME", help_heading = "Faults")]
    pub faults: Vec<Fault>,

    /// When the chat ends.
    #[command(flatten)]
    pub end: EndArgs,
}

/// One address for each listener; port 0 takes any free port.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Addresses")]
pub struct ListenArgs {
    /// HTTP API and WebSockets of the gateway, for users
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:18080")]
    pub gateway: SocketAddr,

    /// Logic service, for the gateway
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:18081")]
    pub logic: SocketAddr,

    /// Push endpoint of the gateway, for the task service
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:18082")]
    pub push: SocketAddr,

    /// Offers of callers to media
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:18083")]
    pub media: SocketAddr,

    /// Picture and sound of calls, over UDP; callers are told where
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    pub media_udp: SocketAddr,

    /// Switches for faults
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:19100")]
    pub control: SocketAddr,

    /// Metrics of the gateway
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:19101")]
    pub gateway_metrics: SocketAddr,

    /// Metrics of the logic service
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:19102")]
    pub logic_metrics: SocketAddr,

    /// Metrics of the task service
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:19103")]
    pub task_metrics: SocketAddr,

    /// Metrics of media
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:19106")]
    pub media_metrics: SocketAddr,
}

/// Calls, as media sees them.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Calls")]
pub struct MediaArgs {
    /// A call that has no connection for so long has failed
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = parse_time)]
    pub media_connect_max: Duration,

    /// A call that brings neither picture nor sound for so long is closed
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = parse_time)]
    pub media_silence_max: Duration,
}

/// Database and queue.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Database and queue")]
pub struct KeepArgs {
    /// Keep the SQLite database in this folder [default: a temporary folder, deleted in the end]
    #[arg(long, value_name = "DIR", conflicts_with = "mysql")]
    pub data: Option<PathBuf>,

    /// Use MariaDB or MySQL, such as mysql://user:password@127.0.0.1:3306/chat; tables are created
    #[arg(long, value_name = "URL")]
    pub mysql: Option<String>,

    /// Use a Redis stream as the queue, such as redis://127.0.0.1:6379
    #[arg(long, value_name = "URL")]
    pub redis: Option<String>,

    /// Key of the Redis stream
    #[arg(
        long,
        value_name = "KEY",
        default_value = "chat:push",
        requires = "redis"
    )]
    pub redis_stream: String,

    /// Most messages in the queue; while it is full, sending answers 503
    #[arg(long, value_name = "MESSAGES", default_value_t = 5_000,
        value_parser = clap::value_parser!(u32).range(1..))]
    pub queue_capacity: u32,

    /// Most messages in the history, roughly; the oldest are deleted
    #[arg(long, value_name = "MESSAGES", default_value_t = 500_000,
        value_parser = clap::value_parser!(u32).range(1..))]
    pub history: u32,
}

/// When a program ends; also at Ctrl-C and SIGTERM.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Ending")]
pub struct EndArgs {
    /// End after this time, such as 90s or 5m [default: at Ctrl-C]
    #[arg(long = "for", value_name = "TIME", value_parser = parse_time)]
    pub time: Option<Duration>,

    /// End also when standard input ends, as it does when the parent process dies
    #[arg(long)]
    pub exit_with_stdin: bool,
}

/// How the load is started.
#[derive(Debug, Clone, Args)]
pub struct LoadArgs {
    /// The chat's gateway
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:18080")]
    pub gateway: SocketAddr,

    /// Metrics of the load itself; port 0 takes any free port
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:19104")]
    pub metrics: SocketAddr,

    /// Users that chat
    #[arg(long, value_name = "COUNT", default_value_t = 200,
        value_parser = clap::value_parser!(u32).range(2..=10_000))]
    pub users: u32,

    /// Messages that each user sends in a second
    #[arg(long, value_name = "RATE", default_value_t = 0.5, value_parser = parse_rate)]
    pub rate: f64,

    /// Time over which the users arrive, one after the other
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = parse_time)]
    pub ramp: Duration,

    /// Who calls media.
    #[command(flatten)]
    pub calls: CallArgs,

    /// When the load ends.
    #[command(flatten)]
    pub end: EndArgs,
}

/// Calls, as callers place them.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Calls")]
pub struct CallArgs {
    /// Phones that call media, each one call at a time
    #[arg(long, value_name = "COUNT", default_value_t = 8,
        value_parser = clap::value_parser!(u32).range(0..=200))]
    pub calls: u32,

    /// Length of a call, give or take half of it
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = parse_time)]
    pub call_time: Duration,

    /// Part of the packets of calls that is lost on the way to media, from 0 to 1
    #[arg(long, value_name = "RATIO", default_value_t = 0.0, value_parser = parse_ratio)]
    pub call_loss: f64,

    /// Most by which a packet of a call is late
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = parse_time)]
    pub call_jitter: Duration,

    /// Where media takes offers
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:18083")]
    pub media: SocketAddr,

    /// The chat's control address, to learn of faults that concern calls
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:19100")]
    pub control: SocketAddr,
}

impl From<ChatArgs> for ChatConfig {
    fn from(args: ChatArgs) -> Self {
        let ChatArgs {
            listen,
            keep,
            media,
            faults,
            end: _,
        } = args;
        let store = keep
            .mysql
            .map(StoreConfig::MySql)
            .or_else(|| keep.data.map(StoreConfig::Folder));
        let queue = match keep.redis {
            Some(url) => QueueConfig::Redis {
                url,
                stream: keep.redis_stream,
            },
            None => QueueConfig::Memory,
        };
        Self {
            addresses: Addresses {
                gateway: listen.gateway,
                logic: listen.logic,
                push: listen.push,
                control: listen.control,
                gateway_metrics: listen.gateway_metrics,
                logic_metrics: listen.logic_metrics,
                task_metrics: listen.task_metrics,
                media: listen.media,
                media_udp: listen.media_udp,
                media_metrics: listen.media_metrics,
            },
            store,
            queue,
            queue_capacity: keep.queue_capacity,
            history_messages_max: keep.history,
            media: MediaConfig {
                connect_max: media.media_connect_max,
                silence_max: media.media_silence_max,
            },
            faults,
            queries: None,
        }
    }
}

/// Reads a time such as `90s`, `500ms`, `5m` or `2h`.
fn parse_time(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is no time such as 90s, 500ms, 5m or 2h");
    let digits = text
        .find(|it: char| !it.is_ascii_digit())
        .ok_or_else(wrong)?;
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let unit_millis = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(wrong()),
    };
    number
        .checked_mul(unit_millis)
        .map(Duration::from_millis)
        .ok_or_else(wrong)
}

fn parse_rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if (0.001..=100.0).contains(&rate) => Ok(rate),
        _ => Err("a rate is between 0.001 and 100".to_owned()),
    }
}

fn parse_ratio(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(ratio) if (0.0..=1.0).contains(&ratio) => Ok(ratio),
        _ => Err("a ratio is between 0 and 1".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    enum Cli {
        Chat(Box<ChatArgs>),
        Load(Box<LoadArgs>),
    }

    fn chat(options: &[&str]) -> Result<ChatConfig, String> {
        match Cli::try_parse_from(["test", "chat"].iter().chain(options)) {
            Ok(Cli::Chat(args)) => Ok((*args).into()),
            Ok(Cli::Load(_)) => unreachable!(),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn times_are_read() {
        for (text, millis) in [
            ("90s", 90_000),
            ("500ms", 500),
            ("5m", 300_000),
            ("2h", 7_200_000),
            ("0s", 0),
        ] {
            assert_eq!(parse_time(text), Ok(Duration::from_millis(millis)));
        }
        for text in [
            "",
            "90",
            "s",
            "1.5s",
            "-1s",
            "1 s",
            "9999999999999999999h",
            "5d",
        ] {
            assert!(parse_time(text).is_err(), "{text}");
        }
    }

    #[test]
    fn nothing_given_is_an_embedded_chat_at_the_usual_addresses() {
        let config = chat(&[]).unwrap();
        assert_eq!(config.store, None);
        assert_eq!(config.queue, QueueConfig::Memory);
        assert_eq!(config.addresses.gateway.to_string(), "127.0.0.1:18080");
        assert_eq!(config.addresses.task_metrics.to_string(), "127.0.0.1:19103");
    }

    #[test]
    fn urls_choose_database_and_queue() {
        let config = chat(&["--mysql", "mysql://db/chat", "--redis", "redis://cache"]).unwrap();
        assert_eq!(
            config.store,
            Some(StoreConfig::MySql("mysql://db/chat".to_owned()))
        );
        let (url, stream) = ("redis://cache".to_owned(), "chat:push".to_owned());
        assert_eq!(config.queue, QueueConfig::Redis { url, stream });
    }

    #[test]
    fn contradictions_and_unknown_faults_are_refused() {
        for (options, message) in [
            (
                &["--mysql", "mysql://db/chat", "--data", "/tmp/x"][..],
                "cannot be used with",
            ),
            (&["--redis-stream", "key"], "--redis"),
            (&["--fault", "slow-disk"], "there are slow-db"),
            (&["--queue-capacity", "0"], "0 is not in 1.."),
            (&["--for", "soon"], "is no time such as 90s"),
        ] {
            let error = chat(options).unwrap_err();
            assert!(error.contains(message), "{options:?}: {error}");
        }
    }
}
