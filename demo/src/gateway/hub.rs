use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use axum::extract::ws::Utf8Bytes;
use parking_lot::Mutex;
use stonechat_metrics::{Counter, Gauge, GaugeGuard};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::wire::{UnixMillis, UserId};

/// Most WebSockets of all users together, and of one user.
const SEATS_MAX: usize = 10_000;
const SEATS_OF_USER_MAX: usize = 8;
/// Frames that wait for one client. A client with more waiting is too slow, and dropped: its memory
/// must not grow, and the others must not wait for it.
const FRAMES_WAITING_MAX: usize = 64;

/// What a frame is, for the metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FrameKind {
    Ack,
    Error,
    Message,
}

/// One text frame on its way to a client; clones share the text.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    pub kind: FrameKind,
    pub text: Utf8Bytes,
    /// When logic accepted the message that it carries.
    pub accepted_at: Option<UnixMillis>,
}

/// A frame that waits for its client.
#[derive(Debug)]
pub(super) struct Waiting {
    pub frame: Frame,
    /// Counts a message as unread until it is written, or its connection gone.
    _unread: Option<GaugeGuard>,
}

impl From<Frame> for Waiting {
    fn from(frame: Frame) -> Self {
        Self {
            frame,
            _unread: None,
        }
    }
}

/// What became of a push to one user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PushResult {
    Delivered,
    Offline,
    /// All connections of the user were too slow, and are dropped.
    TooSlow,
}

/// There is no seat: the gateway is full, or the user has too many connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoSeat {
    #[error("the gateway has as many connections as it takes")]
    GatewayFull,
    #[error("you have {SEATS_OF_USER_MAX} connections already")]
    UserFull,
}

/// Who is connected to this gateway.
#[derive(Debug)]
pub(super) struct Hub {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    lines: Mutex<HashMap<UserId, Vec<Line>>>,
    seats: AtomicUsize,
    next_line: AtomicU64,
    slow_clients: Counter,
}

/// The hub's end of a connection.
#[derive(Debug)]
struct Line {
    number: u64,
    frames: mpsc::Sender<Waiting>,
    too_slow: CancellationToken,
    unread: Gauge,
}

/// The connection's end: while it lives, its user is connected.
#[derive(Debug)]
pub(super) struct Seat {
    shared: Arc<Shared>,
    user: UserId,
    number: u64,
    /// For what the gateway itself has to say to this client.
    pub frames: mpsc::Sender<Waiting>,
    /// Cancelled when the hub gives this client up.
    pub too_slow: CancellationToken,
}

impl Hub {
    /// `slow_clients` counts the connections that are given up.
    pub fn new(slow_clients: Counter) -> Self {
        let shared = Shared {
            lines: Mutex::default(),
            seats: AtomicUsize::new(0),
            next_line: AtomicU64::new(0),
            slow_clients,
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Takes a seat for a user; the receiver brings what is to be written to the client, and `unread`
    /// shows how many messages wait.
    pub fn join(
        &self,
        user: UserId,
        unread: Gauge,
    ) -> Result<(Seat, mpsc::Receiver<Waiting>), NoSeat> {
        let shared = &self.shared;
        let mut lines = shared.lines.lock();
        if shared.seats.load(Ordering::Relaxed) >= SEATS_MAX {
            return Err(NoSeat::GatewayFull);
        }
        let own = lines.entry(user).or_default();
        if own.len() >= SEATS_OF_USER_MAX {
            return Err(NoSeat::UserFull);
        }
        let (frames, outgoing) = mpsc::channel(FRAMES_WAITING_MAX);
        let number = shared.next_line.fetch_add(1, Ordering::Relaxed);
        let too_slow = CancellationToken::new();
        own.push(Line {
            number,
            frames: frames.clone(),
            too_slow: too_slow.clone(),
            unread,
        });
        shared.seats.fetch_add(1, Ordering::Relaxed);
        let seat = Seat {
            shared: Arc::clone(shared),
            user,
            number,
            frames,
            too_slow,
        };
        Ok((seat, outgoing))
    }

    /// Hands a frame to every connection of a user, without waiting for any.
    pub fn push(&self, user: UserId, frame: &Frame) -> PushResult {
        let lines = self.shared.lines.lock();
        let Some(own) = lines.get(&user) else {
            return PushResult::Offline;
        };
        let mut result = PushResult::Offline;
        for line in own {
            let waiting = Waiting {
                frame: frame.clone(),
                _unread: Some(line.unread.hold()),
            };
            match line.frames.try_send(waiting) {
                Ok(()) => result = PushResult::Delivered,
                Err(mpsc::error::TrySendError::Full(_)) => {
                    self.give_up(line);
                    if result == PushResult::Offline {
                        result = PushResult::TooSlow;
                    }
                }
                // The connection has just ended, and its seat is about to leave.
                Err(mpsc::error::TrySendError::Closed(_)) => {}
            }
        }
        result
    }

    fn give_up(&self, line: &Line) {
        if !line.too_slow.is_cancelled() {
            self.shared.slow_clients.inc();
            line.too_slow.cancel();
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut lines = self.shared.lines.lock();
        if let Some(own) = lines.get_mut(&self.user) {
            own.retain(|line| line.number != self.number);
            if own.is_empty() {
                lines.remove(&self.user);
            }
        }
        self.shared.seats.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use stonechat_metrics::Registry;

    use super::*;

    const ANN: UserId = UserId(1);
    const BEN: UserId = UserId(2);

    fn hub() -> (Hub, Counter) {
        let slow = Registry::bare()
            .counter("slow_total", "Slow.")
            .register()
            .unwrap();
        (Hub::new(slow.clone()), slow)
    }

    fn unread() -> Gauge {
        let registry = Registry::bare();
        registry.gauge("unread", "Unread.").register().unwrap()
    }

    fn frame(text: &'static str) -> Frame {
        Frame {
            kind: FrameKind::Message,
            text: text.into(),
            accepted_at: None,
        }
    }

    #[test]
    fn every_connection_of_a_user_receives() {
        let (hub, _) = hub();
        let (_phone, mut to_phone) = hub.join(ANN, unread()).unwrap();
        let (_desk, mut to_desk) = hub.join(ANN, unread()).unwrap();
        assert_eq!(hub.push(ANN, &frame("hello")), PushResult::Delivered);
        assert_eq!(hub.push(BEN, &frame("hello")), PushResult::Offline);
        assert_eq!(to_phone.try_recv().unwrap().frame.text.as_str(), "hello");
        assert_eq!(to_desk.try_recv().unwrap().frame.text.as_str(), "hello");
    }

    #[test]
    fn a_message_is_unread_until_it_is_written_or_its_connection_gone() {
        let (hub, _) = hub();
        let unread = unread();
        let (seat, mut frames) = hub.join(ANN, unread.clone()).unwrap();
        hub.push(ANN, &frame("one"));
        hub.push(ANN, &frame("two"));
        assert_eq!(unread.get(), 2.0);
        drop(frames.try_recv().unwrap());
        assert_eq!(unread.get(), 1.0);
        drop((seat, frames));
        assert_eq!(unread.get(), 0.0);
    }

    #[test]
    fn who_has_left_is_offline() {
        let (hub, _) = hub();
        let (seat, _frames) = hub.join(ANN, unread()).unwrap();
        drop(seat);
        assert_eq!(hub.push(ANN, &frame("hello")), PushResult::Offline);
        assert!(hub.shared.lines.lock().is_empty());
    }

    #[test]
    fn a_slow_client_is_given_up_and_counted_once() {
        let (hub, slow) = hub();
        let (seat, _unread) = hub.join(ANN, unread()).unwrap();
        for _ in 0..FRAMES_WAITING_MAX {
            assert_eq!(hub.push(ANN, &frame("hello")), PushResult::Delivered);
        }
        assert!(!seat.too_slow.is_cancelled());
        for _ in 0..2 {
            assert_eq!(hub.push(ANN, &frame("hello")), PushResult::TooSlow);
        }
        assert!(seat.too_slow.is_cancelled());
        assert_eq!(slow.get(), 1.0);
    }

    #[test]
    fn a_user_has_a_limited_number_of_connections() {
        let (hub, _) = hub();
        let seats: Vec<_> = (0..SEATS_OF_USER_MAX)
            .map(|_| hub.join(ANN, unread()).unwrap())
            .collect();
        assert_eq!(hub.join(ANN, unread()).unwrap_err(), NoSeat::UserFull);
        assert!(hub.join(BEN, unread()).is_ok());
        drop(seats);
        assert!(hub.join(ANN, unread()).is_ok());
    }
}
