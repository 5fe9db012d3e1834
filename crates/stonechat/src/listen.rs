//! Where the server listens, and under which URL people reach it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use anyhow::{Context, Result};
use stonechat_web::HostNames;
use tokio::net::TcpListener;

/// An address to listen on, as Prometheus takes them: `127.0.0.1:9090`, `localhost:9090`, `[::]:9090`, and `:9090` for
/// every address of the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listen {
    /// A name or an address without brackets; empty for every address.
    host: String,
    port: u16,
}

impl Listen {
    /// Reads an address.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let refused = |reason: &str| {
            Err(format!(
                "{reason}; write host:port, for example 127.0.0.1:9090, localhost:9090, [::]:9090, or :9090 for every address of this machine"
            ))
        };
        if text.contains("://") || text.contains('/') {
            return refused("an address is no URL");
        }
        let Some((host, port)) = text.rsplit_once(':') else {
            return refused("there is no port");
        };
        let host = match host.strip_prefix('[').map(|host| host.strip_suffix(']')) {
            Some(Some(host)) if host.parse::<Ipv6Addr>().is_ok() => host,
            Some(_) => return refused("what stands in brackets is no IPv6 address"),
            None if host.contains(':') => {
                return refused("an IPv6 address stands in brackets");
            }
            None => host,
        };
        let Ok(port) = port.parse() else {
            return refused("the port is not a number from 0 to 65535");
        };
        Ok(Self {
            host: host.to_owned(),
            port,
        })
    }

    /// Listens there.
    pub(crate) async fn bind(&self) -> Result<TcpListener> {
        let addresses = self.addresses().await?;
        let mut outcome = Err(anyhow::anyhow!("{self} leads to no address"));
        for address in addresses {
            match TcpListener::bind(address).await {
                Ok(listener) => return Ok(listener),
                Err(error) => outcome = Err(error.into()),
            }
        }
        outcome.with_context(|| {
            format!("cannot listen on {self}; is another server running? choose another address with --listen")
        })
    }

    /// The addresses to try, one after the other. A machine without IPv6 has only the second of the two that mean all.
    async fn addresses(&self) -> Result<Vec<SocketAddr>> {
        if self.host.is_empty() {
            let every: [IpAddr; 2] = [Ipv6Addr::UNSPECIFIED.into(), Ipv4Addr::UNSPECIFIED.into()];
            return Ok(every.map(|ip| SocketAddr::new(ip, self.port)).to_vec());
        }
        let found = tokio::net::lookup_host((self.host.as_str(), self.port)).await;
        let found = found.with_context(|| format!("cannot listen on {self}"))?;
        let mut addresses: Vec<SocketAddr> = found.collect();
        addresses.sort_by_key(SocketAddr::is_ipv6);
        Ok(addresses)
    }

    /// The host of URLs that lead here: as it is written, or the machine's name when that means every address.
    fn url_host(&self) -> String {
        match self.host.parse::<IpAddr>() {
            Ok(ip) if ip.is_unspecified() => host_name(),
            Ok(IpAddr::V6(ip)) => format!("[{ip}]"),
            _ if self.host.is_empty() => host_name(),
            _ => self.host.clone(),
        }
    }
}

impl std::fmt::Display for Listen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

/// The URL under which people reach the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ExternalUrl {
    /// Without a slash at the end.
    text: String,
    scheme: String,
    /// An IPv6 address is in brackets.
    host: String,
    port: Option<u16>,
}

impl ExternalUrl {
    /// Reads a URL.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let refused = |reason: &str| {
            Err(format!(
                "{reason}; write for example https://monitor.example/ or http://monitor.example:9090/"
            ))
        };
        if !text.starts_with("http://") && !text.starts_with("https://") {
            return refused("the URL begins with neither http:// nor https://");
        }
        let url = match reqwest::Url::parse(text) {
            Ok(url) => url,
            Err(error) => return refused(&format!("not a URL: {error}")),
        };
        let Some(host) = url.host_str() else {
            return refused("the URL has no host");
        };
        if url.query().is_some() || url.fragment().is_some() {
            return refused("nothing may stand behind the path of the URL");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return refused("a user does not belong into a URL that everybody gets");
        }
        Ok(Self {
            text: text.trim_end_matches('/').to_owned(),
            scheme: url.scheme().to_owned(),
            host: host.to_owned(),
            port: url.port(),
        })
    }

    /// The URL of a server for which nobody has said one.
    fn of(listen: &Listen, port: u16) -> Self {
        let host = listen.url_host();
        Self {
            text: format!("http://{host}:{port}"),
            scheme: "http".to_owned(),
            host,
            port: Some(port),
        }
    }

    /// Without a slash at the end.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }
}

/// The server as others see it.
#[derive(Debug, Clone)]
pub(crate) struct Front {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// Where people reach it.
    pub(crate) url: ExternalUrl,
    /// By which names it goes.
    pub(crate) names: HostNames,
}

impl Front {
    /// What follows from the address that was asked for and the one that was got.
    pub(crate) fn new(
        listen: &Listen,
        address: SocketAddr,
        url: Option<ExternalUrl>,
        accepted: &[String],
    ) -> Self {
        let url = url.unwrap_or_else(|| ExternalUrl::of(listen, address.port()));
        // On an address that other machines reach, people come by names that only they know.
        let names = if address.ip().is_loopback() || !accepted.is_empty() {
            let own = [url.host.clone(), host_name()];
            HostNames::only(own.iter().chain(accepted).cloned())
        } else {
            HostNames::any()
        };
        Self {
            address,
            url,
            names,
        }
    }

    /// What links to targets begin with.
    pub(crate) fn of_targets(&self) -> stonechat_scrape::ExternalUrl {
        stonechat_scrape::ExternalUrl {
            scheme: self.url.scheme.clone(),
            host: self.url.host.clone(),
            port: self.url.port,
            listen_port: self.address.port(),
        }
    }
}

/// The name of the machine.
pub(crate) fn host_name() -> String {
    let system = rustix::system::uname();
    system.nodename().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_as_prometheus_takes_them() {
        for (text, shown) in [
            ("127.0.0.1:9090", "127.0.0.1:9090"),
            (":9090", ":9090"),
            ("localhost:0", "localhost:0"),
            ("[::]:9090", "[::]:9090"),
            ("[::1]:80", "[::1]:80"),
        ] {
            assert_eq!(Listen::parse(text).unwrap().to_string(), shown);
        }
        for (text, reason) in [
            ("9090", "there is no port"),
            ("", "there is no port"),
            ("localhost", "there is no port"),
            ("localhost:http", "the port is not a number from 0 to 65535"),
            (
                "127.0.0.1:70000",
                "the port is not a number from 0 to 65535",
            ),
            ("::1:9090", "an IPv6 address stands in brackets"),
            ("[x]:1", "what stands in brackets is no IPv6 address"),
            ("[::1:1", "what stands in brackets is no IPv6 address"),
            ("http://127.0.0.1:9090", "an address is no URL"),
        ] {
            let error = Listen::parse(text).unwrap_err();
            assert!(error.starts_with(reason), "{text}: {error}");
            assert!(error.contains("for example 127.0.0.1:9090"), "{error}");
        }
    }

    #[tokio::test]
    async fn it_listens_where_it_should() {
        for (text, loopback) in [
            ("127.0.0.1:0", true),
            ("localhost:0", true),
            (":0", false),
            ("0.0.0.0:0", false),
        ] {
            let listener = Listen::parse(text).unwrap().bind().await.unwrap();
            let address = listener.local_addr().unwrap();
            assert_eq!(address.ip().is_loopback(), loopback, "{text}: {address}");
            let here = ("127.0.0.1", address.port());
            tokio::net::TcpStream::connect(here).await.expect(text);
        }
        let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let listen = Listen::parse(&taken.local_addr().unwrap().to_string()).unwrap();
        let error = format!("{:#}", listen.bind().await.unwrap_err());
        assert!(error.contains("choose another address"), "{error}");
        assert!(
            Listen::parse("nowhere.invalid:1")
                .unwrap()
                .bind()
                .await
                .is_err()
        );
    }

    #[test]
    fn external_urls_are_checked() {
        for (text, shown, port) in [
            ("https://monitor.example/", "https://monitor.example", None),
            (
                "http://monitor.example:9090",
                "http://monitor.example:9090",
                Some(9090),
            ),
            ("http://m/prometheus/", "http://m/prometheus", None),
            ("http://[::1]:1/", "http://[::1]:1", Some(1)),
        ] {
            let url = ExternalUrl::parse(text).unwrap();
            assert_eq!((url.as_str(), url.port), (shown, port));
        }
        for (text, reason) in [
            ("monitor.example:9090", "the URL begins with neither"),
            ("ftp://m/", "the URL begins with neither"),
            ("'http://m/'", "the URL begins with neither"),
            ("http://", "not a URL: empty host"),
            ("http://m:x/", "not a URL: invalid port number"),
            ("http://m/?a=b", "nothing may stand behind the path"),
            ("http://m/#a", "nothing may stand behind the path"),
            ("http://u:p@m/", "a user does not belong"),
        ] {
            let error = ExternalUrl::parse(text).unwrap_err();
            assert!(error.starts_with(reason), "{text}: {error}");
        }
    }

    /// The URL that people get, and what the links to targets begin with.
    #[test]
    fn the_url_follows_from_the_address() {
        let machine = host_name();
        for (listen, url, expected) in [
            ("127.0.0.1:9090", None, "http://127.0.0.1:9090".to_owned()),
            ("localhost:9090", None, "http://localhost:9090".to_owned()),
            ("[::1]:9090", None, "http://[::1]:9090".to_owned()),
            (":9090", None, format!("http://{machine}:9090")),
            ("0.0.0.0:9090", None, format!("http://{machine}:9090")),
            ("[::]:9090", None, format!("http://{machine}:9090")),
            ("10.1.2.3:9090", None, "http://10.1.2.3:9090".to_owned()),
            (
                ":9090",
                Some("https://m.example/"),
                "https://m.example".to_owned(),
            ),
        ] {
            let listen = Listen::parse(listen).unwrap();
            let url = url.map(|url| ExternalUrl::parse(url).unwrap());
            let address = SocketAddr::from(([0, 0, 0, 0], 9090));
            let front = Front::new(&listen, address, url, &[]);
            assert_eq!(front.url.as_str(), expected);
            assert_eq!(front.of_targets().host, front.url.host);
            assert_eq!(front.of_targets().listen_port, 9090);
        }
    }

    #[test]
    fn names_matter_where_only_this_machine_listens() {
        let names = |address: [u8; 4], accepted: &[&str]| {
            let accepted: Vec<String> = accepted.iter().map(ToString::to_string).collect();
            let url = ExternalUrl::parse("http://m.example/").ok();
            let listen = Listen::parse(":1").unwrap();
            Front::new(&listen, SocketAddr::from((address, 1)), url, &accepted).names
        };
        let only = |names: &[&str]| {
            let own = ["m.example".to_owned(), host_name()];
            HostNames::only(own.into_iter().chain(names.iter().map(ToString::to_string)))
        };
        assert_eq!(names([127, 0, 0, 1], &[]), only(&[]));
        assert_eq!(names([127, 0, 0, 1], &["n"]), only(&["n"]));
        assert_eq!(names([0, 0, 0, 0], &[]), HostNames::any());
        assert_eq!(names([10, 0, 0, 1], &["n"]), only(&["n"]));
    }
}
