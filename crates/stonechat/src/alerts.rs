//! `stonechat alerts`: what fires, and why somebody was told of it or was not.

mod show; // in words

use anyhow::{Context, Result, bail};
use serde_json::Value as Json;
use stonechat_model::{Labels, Matcher, Timestamp};

/// See what fires, and why somebody was told of it or was not.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    stonechat alerts\n  \
    stonechat alerts why HighHTTPLatency\n  \
    stonechat alerts why 'severity=~\"critical|warning\"' instance=gateway-1")]
pub(crate) struct AlertsArgs {
    #[command(subcommand)]
    command: Option<AlertsCommand>,
    /// The server.
    #[arg(
        long,
        global = true,
        value_name = "URL",
        default_value = "http://127.0.0.1:9090"
    )]
    server: String,
}

#[derive(Debug, clap::Subcommand)]
enum AlertsCommand {
    /// Which way alerts went: route, group, what keeps them quiet, each message with its attempts, and when the next is due.
    Why {
        /// The name of an alert, conditions on labels, or a fingerprint.
        #[arg(required = true, value_name = "WHICH")]
        which: Vec<String>,
    },
}

/// The most alerts that are explained at once.
const EXPLAINED_MAX: usize = 20;

pub(crate) async fn run(args: AlertsArgs) -> Result<()> {
    let server = Server(args.server.trim_end_matches('/').to_owned());
    match args.command {
        None => {
            let mut alerts = server.ask("/api/stonechat/v1/alerts", &[]).await?;
            if let Some(alerts) = alerts.as_array_mut() {
                alerts.retain(|alert| alert["state"] == "firing");
            }
            print!("{}", show::list(&pending(&server, &[]).await?, &alerts));
        }
        Some(AlertsCommand::Why { which }) => why(&server, &which).await?,
    }
    Ok(())
}

async fn why(server: &Server, which: &[String]) -> Result<()> {
    let now = Timestamp::now();
    if let [fingerprint] = which
        && fingerprint.len() == 16
        && fingerprint.bytes().all(|byte| byte.is_ascii_hexdigit())
    {
        print!("{}", show::why(&server.why(fingerprint).await?, now));
        return Ok(());
    }
    let filters: Vec<String> = which.iter().map(|text| condition(text)).collect();
    let mut matchers = Vec::new();
    for filter in &filters {
        let read = stonechat_notify::parse_matchers(filter);
        matchers.extend(read.map_err(|error| anyhow::anyhow!("{filter}: {error}"))?);
    }
    let pending = pending(server, &matchers).await?;
    let query: Vec<(&str, &str)> = filters
        .iter()
        .map(|text| ("filter", text.as_str()))
        .collect();
    let alerts = server.ask("/api/stonechat/v1/alerts", &query).await?;
    let alerts = alerts.as_array().cloned().unwrap_or_default();
    if alerts.is_empty() && pending.is_empty() {
        bail!("no alert that matches is pending, fires, or has fired lately");
    }
    print!("{}", show::pending(&pending));
    for alert in alerts.iter().take(EXPLAINED_MAX) {
        let fingerprint = alert["fingerprint"].as_str().unwrap_or_default();
        let mut answer = server.why(fingerprint).await?;
        // An alert that is over may be known by its history alone.
        if answer["labels"].is_null() {
            answer["labels"] = alert["labels"].clone();
        }
        println!("{}", show::why(&answer, now));
    }
    if alerts.len() > EXPLAINED_MAX {
        println!(
            "{} more match; name them more closely",
            alerts.len() - EXPLAINED_MAX
        );
    }
    Ok(())
}

/// A name alone is that of an alert.
fn condition(text: &str) -> String {
    match text.contains(['=', '~']) {
        true => text.to_owned(),
        false => format!("alertname={text:?}"),
    }
}

/// Alerts that are pending, of which notification does not know yet.
async fn pending(server: &Server, matchers: &[Matcher]) -> Result<Vec<Json>> {
    let answer = server.ask("/api/v1/alerts", &[]).await?;
    let alerts = answer["alerts"].as_array().cloned().unwrap_or_default();
    let matches = |alert: &Json| {
        let labels: Option<Labels> = serde_json::from_value(alert["labels"].clone()).ok();
        labels.is_some_and(|labels| {
            let value = |name| labels.get(name).unwrap_or_default();
            let mut matchers = matchers.iter();
            matchers.all(|matcher| matcher.matches(value(matcher.name())))
        })
    };
    let pending = alerts.into_iter();
    Ok(pending
        .filter(|alert| alert["state"] == "pending" && matches(alert))
        .collect())
}

/// The server's address.
struct Server(String);

impl Server {
    async fn why(&self, fingerprint: &str) -> Result<Json> {
        let path = format!("/api/stonechat/v1/alerts/{fingerprint}/why");
        self.ask(&path, &[]).await
    }

    /// The `data` of an answer, or the server's own error.
    async fn ask(&self, path: &str, query: &[(&str, &str)]) -> Result<Json> {
        let mut url = reqwest::Url::parse(&format!("{}{path}", self.0))
            .with_context(|| format!("{} is not the address of a server", self.0))?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let response = reqwest::Client::new()
            .get(url.clone())
            .send()
            .await
            .with_context(|| format!("asking {url}"))?;
        let text = response.text().await?;
        let mut answer: Json =
            serde_json::from_str(&text).with_context(|| format!("{url} did not answer in JSON"))?;
        if answer["status"] != "success" {
            let reason = answer["error"].as_str();
            bail!("{}", reason.unwrap_or("the server gave no reason"));
        }
        Ok(answer["data"].take())
    }
}
