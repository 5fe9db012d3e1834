use std::time::{Duration, Instant};

use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::time::sleep_until;
use tokio_util::sync::CancellationToken;

use super::Order;
use super::exchange::Exchange;
use crate::listen::UdpListener;
use crate::rtc::DATAGRAM_BYTES_MAX;

/// How long it sleeps while there are no calls.
const IDLE: Duration = Duration::from_secs(60);
/// Packets that are taken before orders and the time are looked at again.
const PACKETS_AT_ONCE_MAX: usize = 32;

/// The socket and the clock around the exchange.
#[derive(Debug)]
pub(crate) struct Shell {
    socket: UdpSocket,
    exchange: Exchange,
    orders: mpsc::Receiver<Order>,
}

impl Shell {
    pub(super) fn new(udp: UdpListener, orders: mpsc::Receiver<Order>) -> Self {
        Self {
            exchange: Exchange::new(udp.address),
            socket: udp.socket,
            orders,
        }
    }

    /// Works until `stop`, then ends all calls.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut datagram = [0; DATAGRAM_BYTES_MAX];
        loop {
            let due = self.exchange.due();
            let due = due.unwrap_or_else(|| Instant::now() + IDLE);
            tokio::select! {
                () = stop.cancelled() => break,
                order = self.orders.recv() => match order {
                    Some(order) => self.obey(order),
                    None => break,
                },
                received = self.socket.recv_from(&mut datagram) => match received {
                    Ok((length, source)) => {
                        self.exchange.receive(source, &datagram[..length], Instant::now());
                        self.take_waiting(&mut datagram);
                    }
                    Err(error) => tracing::debug!(%error, "nothing received"),
                },
                () = sleep_until(due.into()) => {}
            }
            self.exchange.tick(Instant::now());
            self.send().await;
        }
        self.exchange.close_all();
        self.send().await;
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Take(call) => self.exchange.begin(*call, Instant::now()),
            Order::HangUp(session_id, done) => {
                // Who asked may have gone.
                let _ = done.send(self.exchange.hang_up(&session_id));
            }
        }
    }

    /// Takes what has arrived already, so that a burst costs one turn and not one for each packet.
    fn take_waiting(&mut self, datagram: &mut [u8]) {
        for _ in 0..PACKETS_AT_ONCE_MAX {
            let Ok((length, source)) = self.socket.try_recv_from(datagram) else {
                return;
            };
            self.exchange
                .receive(source, &datagram[..length], Instant::now());
        }
    }

    async fn send(&mut self) {
        for packet in self.exchange.packets.drain(..) {
            if let Err(error) = self
                .socket
                .send_to(&packet.contents, packet.destination)
                .await
            {
                tracing::debug!(to = %packet.destination, %error, "packet not sent");
            }
        }
    }
}
