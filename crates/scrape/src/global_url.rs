//! Links to targets that work on other machines.

/// How others reach this server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalUrl {
    /// `http` or `https`.
    pub scheme: String,
    /// The host without a port.
    pub host: String,
    /// The port, when the URL has one.
    pub port: Option<u16>,
    /// The port on which this server listens itself.
    pub listen_port: u16,
}

const LOCAL: [&str; 3] = ["127.0.0.1", "localhost", "[::1]"];

impl ExternalUrl {
    /// The URL of a target as others have to write it: a target on this machine is reached under our external name, and the server itself
    /// under its external URL.
    pub(crate) fn global_url(&self, url: &str) -> String {
        let Some((scheme, rest)) = url.split_once("://") else {
            return url.to_owned();
        };
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let Some((host, port)) = authority.rsplit_once(':') else {
            return url.to_owned();
        };
        if !LOCAL.contains(&host) {
            return url.to_owned();
        }
        if port.parse() == Ok(self.listen_port) {
            let port = self.port.map(|port| format!(":{port}")).unwrap_or_default();
            return format!("{}://{}{port}{path}", self.scheme, self.host);
        }
        format!("{scheme}://{}:{port}{path}", self.host)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_hosts_become_external_ones() {
        let external = ExternalUrl {
            scheme: "https".to_owned(),
            host: "stonechat.example".to_owned(),
            port: None,
            listen_port: 9090,
        };
        for (url, global) in [
            (
                "http://127.0.0.1:19101/metrics?a=b",
                "http://stonechat.example:19101/metrics?a=b",
            ),
            (
                "http://localhost:9090/metrics",
                "https://stonechat.example/metrics",
            ),
            ("http://[::1]:1/", "http://stonechat.example:1/"),
            ("http://10.0.0.1:80/metrics", "http://10.0.0.1:80/metrics"),
            ("http://localhost/metrics", "http://localhost/metrics"),
        ] {
            assert_eq!(external.global_url(url), global);
        }
    }
}
