use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};

use tokio::net::UdpSocket;
use tokio::time::sleep_until;
use tokio_util::sync::CancellationToken;

use super::Phones;
use super::ending::{End, Ending};
use super::handset::{Handset, HandsetError};
use super::line::Line;
use super::signal::{Signal, SignalError, Way};
use crate::rtc::DATAGRAM_BYTES_MAX;
use crate::wire::OpenCall;

/// A phone that has fallen silent waits so long for media to end the call.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// A call did not come to be, or broke.
#[derive(Debug, thiserror::Error)]
pub(super) enum PhoneError {
    #[error(transparent)]
    Media(#[from] SignalError),
    #[error(transparent)]
    Handset(#[from] HandsetError),
    #[error("there is no socket")]
    Socket(#[from] std::io::Error),
}

/// A call that is to be placed.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    pub device_id: &'a str,
    pub way: Way,
    pub ending: Ending,
    /// It lasts so long if nobody ends it before.
    pub time: Duration,
}

/// A call that media has taken.
struct Talk<'a> {
    phones: &'a Phones,
    socket: UdpSocket,
    handset: Handset,
    line: Line,
}

impl Phones {
    /// Places one call.
    pub(super) async fn place(
        &self,
        plan: &Plan<'_>,
        stop: &CancellationToken,
    ) -> Result<End, PhoneError> {
        let socket = socket_towards(self.media_address()).await?;
        let address = socket.local_addr()?;
        let (mut handset, offer, pending) = Handset::new(&self.rtc, address, Instant::now())?;
        let asked = OpenCall {
            device_id: plan.device_id.to_owned(),
            offer: offer.to_sdp_string(),
        };
        let mut signal = Signal::connect(plan.way, &self.media).await?;
        let opened = signal.open(asked).await?;
        let _active = self.metrics.active.hold();
        let until = Instant::now() + plan.time;
        if plan.ending == Ending::Unreachable {
            // The socket is kept, so that nobody else gets its address, but nobody reads from it.
            stop.run_until_cancelled(sleep_until(until.into())).await;
            return Ok(End::Abandoned);
        }
        handset.accept(pending, &opened.answer)?;
        let mut talk = Talk {
            phones: self,
            socket,
            handset,
            line: Line::new(u64::from(address.port())),
        };
        let end = talk.talk(plan.ending, until, stop).await?;
        if end == End::HungUp {
            signal.hang_up(opened.session_id).await?;
        }
        Ok(end)
    }
}

impl Talk<'_> {
    async fn talk(
        &mut self,
        ending: Ending,
        until: Instant,
        stop: &CancellationToken,
    ) -> Result<End, PhoneError> {
        let mut until = until;
        let mut silent = false;
        let mut datagram = [0; DATAGRAM_BYTES_MAX];
        loop {
            let now = Instant::now();
            self.handset.tick(now)?;
            self.send(now).await;
            if self.handset.is_over() {
                return Ok(End::ClosedByMedia);
            }
            if until <= now && (ending != Ending::FallSilent || silent) {
                return Ok(End::HungUp);
            }
            if until <= now {
                (silent, until) = (true, now + SILENCE_MAX);
                self.handset.fall_silent();
            }
            let due = self.handset.due().min(until);
            let due = self.line.due().map_or(due, |packet| packet.min(due));
            tokio::select! {
                () = stop.cancelled() => return Ok(End::HungUp),
                received = self.socket.recv_from(&mut datagram) => {
                    let (length, source) = received?;
                    if ending == Ending::Vanish {
                        return Ok(End::Abandoned);
                    }
                    self.hear(source, &datagram[..length])?;
                }
                () = sleep_until(due.into()) => {}
            }
        }
    }

    fn hear(&mut self, source: SocketAddr, datagram: &[u8]) -> Result<(), HandsetError> {
        let before = self.handset.echoes;
        self.handset.receive(source, datagram, Instant::now())?;
        let metrics = &self.phones.metrics;
        metrics.echoes.inc_by(self.handset.echoes - before);
        Ok(())
    }

    /// Puts what the handset has to send on the line, and what arrives at its end into the socket.
    async fn send(&mut self, now: Instant) {
        let metrics = &self.phones.metrics;
        let quality = self.phones.quality();
        for packet in self.handset.packets.drain(..) {
            metrics.packets_sent.inc();
            if !self.line.send(packet, now, quality) {
                metrics.packets_lost.inc();
            }
        }
        while let Some(packet) = self.line.arrived(now) {
            let sent = self.socket.send_to(&packet.contents, packet.destination);
            if let Err(error) = sent.await {
                tracing::debug!(to = %packet.destination, %error, "packet not sent");
            }
        }
    }
}

/// A socket of the address with which this machine reaches media.
async fn socket_towards(media: SocketAddr) -> std::io::Result<UdpSocket> {
    let any: SocketAddr = match media {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let probe = UdpSocket::bind(any).await?;
    // Sends nothing: it only asks the system which of its addresses it would use.
    probe.connect(media).await?;
    UdpSocket::bind((probe.local_addr()?.ip(), 0)).await
}
