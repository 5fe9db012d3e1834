//! Host and port, taken apart as Go's `net` package does.

use std::net::IpAddr;

/// Host without port; the text itself when it has none.
pub(super) fn strip_port(host_port: &str) -> &str {
    split(host_port).map_or(host_port, |(host, _)| host)
}

/// The first part of a host name, with the port if there is one. Addresses stay whole.
pub(super) fn strip_domain(host_port: &str) -> String {
    let (host, port) = split(host_port).unwrap_or((host_port, ""));
    if host.parse::<IpAddr>().is_ok() {
        return host_port.to_owned();
    }
    let first = host.split('.').next().unwrap_or(host);
    match (port.is_empty(), first.contains(':')) {
        (true, _) => first.to_owned(),
        (false, false) => format!("{first}:{port}"),
        (false, true) => format!("[{first}]:{port}"),
    }
}

/// `host:port`, `[host]:port`; anything else has no port.
fn split(host_port: &str) -> Option<(&str, &str)> {
    let (host, port) = host_port.rsplit_once(':')?;
    let host = match host.strip_prefix('[') {
        Some(bracketed) => bracketed.strip_suffix(']')?,
        None if host.contains(':') => return None,
        None => host,
    };
    let brackets = |text: &str| text.contains(['[', ']']);
    (!brackets(host) && !brackets(port)).then_some((host, port))
}
