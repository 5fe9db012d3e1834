use std::net::SocketAddr;
use std::time::Instant;

use stonechat_metrics::CloseReason;
use str0m::Input;
use str0m::net::{Protocol, Receive, Transmit};

use super::call::Call;

/// All calls of one socket. Has neither: it is given packets and the time, and leaves what is to be
/// sent in [`packets`](Self::packets).
#[derive(Debug)]
pub(crate) struct Exchange {
    address: SocketAddr,
    calls: Vec<Call>,
    /// To be taken out and sent.
    pub packets: Vec<Transmit>,
}

impl Exchange {
    /// `address` is that of the socket.
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address,
            calls: Vec::new(),
            packets: Vec::new(),
        }
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.calls.len()
    }

    /// A new call.
    pub fn begin(&mut self, call: Call, now: Instant) {
        self.calls.push(call);
        self.give(self.calls.len() - 1, Input::Timeout(now), now);
    }

    /// A packet that came from there now. One that is no WebRTC, or belongs to no call, is dropped.
    pub fn receive(&mut self, source: SocketAddr, datagram: &[u8], now: Instant) {
        let packet = match Receive::new(Protocol::Udp, source, self.address, datagram) {
            Ok(packet) => packet,
            Err(error) => return tracing::debug!(%source, %error, "packet cannot be read"),
        };
        let input = Input::Receive(now, packet);
        if let Some(index) = self.calls.iter().position(|call| call.accepts(&input)) {
            self.give(index, input, now);
        }
    }

    /// Gives the time to the calls that want it.
    pub fn tick(&mut self, now: Instant) {
        // From behind, because a call that ends makes room for the last one.
        for index in (0..self.calls.len()).rev() {
            if self.calls[index].due() <= now {
                self.give(index, Input::Timeout(now), now);
            }
        }
    }

    /// When it wants to be given the time; `None` without calls.
    pub fn due(&self) -> Option<Instant> {
        self.calls.iter().map(Call::due).min()
    }

    /// Ends a call as its caller asked; false if there is none of this identifier.
    pub fn hang_up(&mut self, session_id: &str) -> bool {
        let named = |call: &Call| call.session_id() == session_id;
        let Some(index) = self.calls.iter().position(named) else {
            return false;
        };
        self.close(index, CloseReason::Normal);
        true
    }

    /// Ends all calls, as when the service goes away.
    pub fn close_all(&mut self) {
        for index in (0..self.calls.len()).rev() {
            self.close(index, CloseReason::Normal);
        }
    }

    fn give(&mut self, index: usize, input: Input<'_>, now: Instant) {
        if let Some(reason) = self.calls[index].take(input, now, &mut self.packets) {
            self.close(index, reason);
        }
    }

    fn close(&mut self, index: usize, reason: CloseReason) {
        let call = self.calls.swap_remove(index);
        call.close(reason, &mut self.packets);
    }
}
