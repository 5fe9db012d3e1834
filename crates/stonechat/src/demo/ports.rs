//! Where each part of the demo listens.

use std::net::{SocketAddr, TcpListener};

use anyhow::{Result, bail};

/// The parts, with their address in the files of `monitoring/demo` and, behind `--port-base`, their distance from it.
const PARTS: [(&str, u16, u16); 12] = [
    ("Stonechat", 9090, 0),
    ("control of the chat", 19100, 1),
    ("metrics of the gateway", 19101, 2),
    ("metrics of logic", 19102, 3),
    ("metrics of the task service", 19103, 4),
    ("metrics of the load", 19104, 5),
    ("inbox for notifications", 19105, 6),
    ("chat gateway", 18080, 7),
    ("chat logic", 18081, 8),
    ("chat push", 18082, 9),
    ("metrics of media", 19106, 10),
    ("chat media", 18083, 11),
];

/// The addresses of one demo, all on loopback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ports {
    base: Option<u16>,
}

impl Ports {
    /// The usual ports, or as many from `base` on.
    pub(crate) fn new(base: Option<u16>) -> Result<Self> {
        if base.is_some_and(|base| base == 0 || base > u16::MAX - 16) {
            bail!("--port-base must lie between 1 and {}", u16::MAX - 16);
        }
        Ok(Self { base })
    }

    fn of(self, usual: u16) -> SocketAddr {
        let distance = PARTS
            .iter()
            .find(|(_, port, _)| *port == usual)
            .map_or(0, |(_, _, distance)| *distance);
        SocketAddr::from((
            [127, 0, 0, 1],
            self.base.map_or(usual, |base| base + distance),
        ))
    }

    /// Where Stonechat listens.
    pub(crate) fn server(self) -> SocketAddr {
        self.of(9090)
    }

    /// Where faults are switched.
    pub(crate) fn control(self) -> SocketAddr {
        self.of(19100)
    }

    /// Metrics of gateway, logic, task, media and load.
    pub(crate) fn metrics(self) -> [SocketAddr; 5] {
        [19101, 19102, 19103, 19106, 19104].map(|port| self.of(port))
    }

    /// Where notifications arrive.
    pub(crate) fn inbox(self) -> SocketAddr {
        self.of(19105)
    }

    /// The chat's own listeners: gateway, logic, push, media.
    pub(crate) fn chat(self) -> [SocketAddr; 4] {
        [18080, 18081, 18082, 18083].map(|port| self.of(port))
    }

    /// Says which port is taken before anything is started.
    pub(crate) fn check_free(self) -> Result<()> {
        for (part, usual, _) in PARTS {
            let address = self.of(usual);
            if let Err(error) = TcpListener::bind(address) {
                bail!(
                    "{address}, for {part}, cannot be used: {error}; choose other ports with --port-base 20000"
                );
            }
        }
        Ok(())
    }

    /// True when everything of the chat that the server scrapes listens.
    pub(crate) async fn chat_answers(self) -> bool {
        let [gateway, logic, task, media, _] = self.metrics();
        for address in [gateway, logic, task, media] {
            if tokio::net::TcpStream::connect(address).await.is_err() {
                return false;
            }
        }
        true
    }

    /// Puts these addresses where a file of `monitoring/demo` has the usual ones. In one pass: a new port may be the
    /// usual one of another part.
    pub(crate) fn rewrite(self, text: &str) -> String {
        let mut pieces = text.split(HOST);
        let mut rewritten = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            let digits = piece.bytes().take_while(u8::is_ascii_digit).count();
            let (port, behind) = piece.split_at(digits);
            let known = port
                .parse()
                .ok()
                .filter(|port| PARTS.iter().any(|(_, usual, _)| usual == port));
            match known {
                Some(usual) => rewritten.push_str(&self.of(usual).to_string()),
                None => rewritten.extend([HOST, port]),
            }
            rewritten.push_str(behind);
        }
        rewritten
    }
}

/// How the files name an address of this machine.
const HOST: &str = "127.0.0.1:";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rewrites_addresses() {
        let text = "targets: [\"127.0.0.1:19101\", \"127.0.0.1:9090\"]";
        assert_eq!(Ports::new(None).unwrap().rewrite(text), text);
        let moved = Ports::new(Some(20000)).unwrap();
        assert_eq!(
            moved.rewrite(text),
            "targets: [\"127.0.0.1:20002\", \"127.0.0.1:20000\"]"
        );
        let crossing = Ports::new(Some(19102)).unwrap();
        assert_eq!(
            crossing.rewrite("127.0.0.1:9090, 127.0.0.1:1"),
            "127.0.0.1:19102, 127.0.0.1:1"
        );
        assert!(Ports::new(Some(0)).is_err());
    }
}
