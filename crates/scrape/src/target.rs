//! A target: what its labels are and where it is. Pure; nothing here opens a connection.

use std::time::Duration;

use stonechat_model::{Labels, LabelsBuilder, LabelsError, duration};

use crate::job::{Job, TargetGroup};
use crate::relabel;

pub(crate) const ADDRESS: &str = "__address__";
const SCHEME: &str = "__scheme__";
const METRICS_PATH: &str = "__metrics_path__";
const INTERVAL: &str = "__scrape_interval__";
const TIMEOUT: &str = "__scrape_timeout__";
const PARAM_PREFIX: &str = "__param_";
const RESERVED_PREFIX: &str = "__";

/// Something that is scraped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Labels before relabelling.
    pub discovered: Labels,
    /// Labels that every series of the target gets.
    pub labels: Labels,
    /// Where its page is.
    pub url: String,
    /// How often it is scraped.
    pub interval: Duration,
    /// How long a scrape may take.
    pub timeout: Duration,
}

/// Why an address cannot become a target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// Give the target an address, or do not let relabelling remove it.
    #[error("the target has no address")]
    NoAddress,
    /// An address is `host:port`; a path belongs in `metrics_path`, `https` in `scheme`.
    #[error("{0:?} is no address; write host:port")]
    Address(String),
    /// Only plain HTTP can be spoken yet.
    #[error("the scheme {0:?} is not supported yet")]
    Scheme(String),
    /// Relabelling made an interval or timeout that is none.
    #[error("{label} is {value:?}, which is no duration above zero")]
    Duration {
        /// `__scrape_interval__` or `__scrape_timeout__`.
        label: &'static str,
        /// What it was set to.
        value: String,
    },
    /// A scrape has to end before the next begins.
    #[error("the timeout {timeout} is longer than the interval {interval}")]
    Timeout {
        /// The timeout.
        timeout: String,
        /// The interval.
        interval: String,
    },
    /// A label cannot be.
    #[error(transparent)]
    Labels(#[from] LabelsError),
}

/// What became of the addresses of a job.
#[derive(Debug, Default)]
pub(crate) struct Targets {
    /// To be scraped.
    pub(crate) active: Vec<Target>,
    /// Dropped by relabelling: their labels before it. At most as many as the job remembers.
    pub(crate) dropped: Vec<Labels>,
    /// No targets, and why.
    pub(crate) failed: Vec<(String, TargetError)>,
}

/// The targets of a job.
pub(crate) fn targets_of(job: &Job) -> Targets {
    let mut targets = Targets::default();
    for group in &job.groups {
        for own in &group.targets {
            match target(job, group, own) {
                Ok(Relabelled::Kept(target)) => targets.active.push(target),
                Ok(Relabelled::Dropped(labels)) if targets.dropped.len() < job.dropped_max => {
                    targets.dropped.push(labels);
                }
                Ok(Relabelled::Dropped(_)) => {}
                Err(error) => {
                    let address = own.get(ADDRESS).cloned().unwrap_or_default();
                    targets.failed.push((address, error));
                }
            }
        }
    }
    targets
}

type OwnLabels = std::collections::BTreeMap<String, String>;

enum Relabelled {
    Kept(Target),
    Dropped(Labels),
}

fn target(job: &Job, group: &TargetGroup, own: &OwnLabels) -> Result<Relabelled, TargetError> {
    let mut labels = discovered(job, group, own);
    let before = labels.clone().build()?;
    if !relabel::apply(&job.relabel, &mut labels)? {
        return Ok(Relabelled::Dropped(before));
    }
    let address = labels.get(ADDRESS).unwrap_or_default().to_owned();
    check_address(&address)?;
    let scheme = labels.get(SCHEME).unwrap_or_default();
    if scheme != "http" {
        return Err(TargetError::Scheme(scheme.to_owned()));
    }
    let interval = duration_label(&labels, INTERVAL)?;
    let timeout = duration_label(&labels, TIMEOUT)?;
    if timeout > interval {
        return Err(TargetError::Timeout {
            timeout: duration::format(timeout),
            interval: duration::format(interval),
        });
    }
    if labels.get("instance").is_none() {
        labels.set("instance", &address);
    }
    let labels = labels.build()?;
    let public = labels
        .iter()
        .filter(|(name, _)| !name.starts_with(RESERVED_PREFIX));
    Ok(Relabelled::Kept(Target {
        discovered: before,
        labels: Labels::from_pairs(public)?,
        url: url(job, &labels),
        interval,
        timeout,
    }))
}

/// The labels before relabelling: the target's own, then its group's and what the job says, where nothing is set yet.
fn discovered(job: &Job, group: &TargetGroup, own: &OwnLabels) -> LabelsBuilder {
    let mut labels = LabelsBuilder::default();
    for (name, value) in group.labels.iter().chain(own) {
        labels.set(name, value);
    }
    let interval = duration::format(job.interval);
    let timeout = duration::format(job.timeout);
    for (name, value) in [
        ("job", job.name.as_str()),
        (INTERVAL, interval.as_str()),
        (TIMEOUT, timeout.as_str()),
        (METRICS_PATH, job.metrics_path.as_str()),
        (SCHEME, job.scheme.as_str()),
    ] {
        set_if_absent(&mut labels, name, value);
    }
    for (name, values) in &job.params {
        if let Some(first) = values.first() {
            set_if_absent(&mut labels, &format!("{PARAM_PREFIX}{name}"), first);
        }
    }
    labels
}

fn set_if_absent(labels: &mut LabelsBuilder, name: &str, value: &str) {
    if labels.get(name).is_none() {
        labels.set(name, value);
    }
}

fn duration_label(labels: &LabelsBuilder, label: &'static str) -> Result<Duration, TargetError> {
    let value = labels.get(label).unwrap_or_default();
    match duration::parse(value) {
        Ok(duration) if !duration.is_zero() => Ok(duration),
        _ => Err(TargetError::Duration {
            label,
            value: value.to_owned(),
        }),
    }
}

/// An address is what stands between `http://` and the path of a URL.
pub(crate) fn check_address(address: &str) -> Result<(), TargetError> {
    if address.is_empty() {
        return Err(TargetError::NoAddress);
    }
    match address.parse::<http::uri::Authority>() {
        Ok(authority) if !authority.host().is_empty() && !address.contains('@') => Ok(()),
        _ => Err(TargetError::Address(address.to_owned())),
    }
}

/// The URL of the page, written as Go writes it.
fn url(job: &Job, labels: &Labels) -> String {
    let get = |name| labels.get(name).unwrap_or_default();
    let mut url = format!("{}://{}", get(SCHEME), get(ADDRESS));
    let path = get(METRICS_PATH);
    if !path.starts_with('/') && !path.is_empty() {
        url.push('/');
    }
    encode(path, b"-_.~$&+,/:;=@", &mut url);
    let mut params = job.params.clone();
    for (name, value) in labels.iter() {
        if let Some(param) = name.strip_prefix(PARAM_PREFIX) {
            let values = params.entry(param.to_owned()).or_default();
            match values.first_mut() {
                Some(first) => value.clone_into(first),
                None => values.push(value.to_owned()),
            }
        }
    }
    let pairs = params
        .iter()
        .flat_map(|(name, values)| values.iter().map(move |value| (name, value)));
    for (index, (name, value)) in pairs.enumerate() {
        url.push(if index == 0 { '?' } else { '&' });
        encode(name, b"-_.~ ", &mut url);
        url.push('=');
        encode(value, b"-_.~ ", &mut url);
    }
    url
}

/// Appends a text with every byte but letters, digits and `plain` ones as `%XX`; a plain space becomes `+`.
fn encode(text: &str, plain: &[u8], url: &mut String) {
    for byte in text.bytes() {
        if byte == b' ' && plain.contains(&b' ') {
            url.push('+');
        } else if byte.is_ascii_alphanumeric() || plain.contains(&byte) {
            url.push(char::from(byte));
        } else {
            url.push_str(&format!("%{byte:02X}"));
        }
    }
}
