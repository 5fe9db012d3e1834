use std::net::SocketAddr;
use std::time::{Duration, Instant};

use stonechat_metrics::Registry;
use str0m::RtcConfig;

use super::super::handset::Handset;
use super::super::line::{Line, Quality};
use crate::media::{Exchange, Media, MediaMetrics};
use crate::rtc;

/// Handsets, each with a line to one exchange. Time passes as fast as it can be computed.
pub struct World {
    pub registry: Registry,
    pub exchange: Exchange,
    pub phones: Vec<Phone>,
    media: Media,
    config: RtcConfig,
    now: Instant,
}

pub struct Phone {
    pub handset: Handset,
    pub quality: Quality,
    /// Neither hears nor sends anything.
    pub deaf: bool,
    /// Packets that came.
    pub heard: u64,
    session_id: String,
    address: SocketAddr,
    line: Line,
}

fn address(port: u16) -> SocketAddr {
    ([127, 0, 0, 1], port).into()
}

impl World {
    pub fn new() -> Self {
        let registry = Registry::bare();
        let metrics = MediaMetrics::register(&registry).unwrap();
        let media = Media::without_socket(address(1), metrics);
        Self {
            registry,
            exchange: Exchange::new(address(1)),
            phones: Vec::new(),
            media,
            config: rtc::config(),
            now: Instant::now(),
        }
    }

    /// A phone calls; gives its number.
    pub fn call(&mut self, quality: Quality) -> usize {
        let number = self.phones.len();
        let address = address(1_000 + u16::try_from(number).unwrap());
        let (mut handset, offer, pending) = Handset::new(&self.config, address, self.now).unwrap();
        let (call, answer) = self
            .media
            .answer("phone", &offer.to_sdp_string(), self.now)
            .unwrap();
        let session_id = call.session_id().to_owned();
        self.exchange.begin(call, self.now);
        handset.accept(pending, &answer).unwrap();
        self.phones.push(Phone {
            handset,
            quality,
            deaf: false,
            heard: 0,
            session_id,
            address,
            line: Line::new(number as u64),
        });
        number
    }

    pub fn hang_up(&mut self, phone: usize) {
        assert!(self.exchange.hang_up(&self.phones[phone].session_id));
    }

    /// Lets so much time pass.
    pub fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while self.step(end) {}
    }

    /// Lets time pass until something has happened.
    pub fn pass_until(&mut self, happened: impl Fn(&Self) -> bool) {
        let end = self.now + Duration::from_secs(60);
        while !happened(self) {
            assert!(self.step(end), "it never happens");
        }
    }

    /// Goes on to the next moment in which something is to be done, but not beyond the end.
    fn step(&mut self, end: Instant) -> bool {
        self.exchange.tick(self.now);
        self.deliver();
        for phone in self.phones.iter_mut().filter(|phone| !phone.deaf) {
            phone.handset.tick(self.now).unwrap();
            for packet in phone.handset.packets.drain(..) {
                phone.line.send(packet, self.now, phone.quality);
            }
            while let Some(packet) = phone.line.arrived(self.now) {
                self.exchange
                    .receive(phone.address, &packet.contents, self.now);
            }
        }
        self.deliver();
        let next = self.phones.iter().filter(|phone| !phone.deaf);
        let next = next.flat_map(|phone| [Some(phone.handset.due()), phone.line.due()]);
        let next = next.chain([self.exchange.due()]).flatten().min();
        let next = next
            .unwrap_or(end)
            .max(self.now + Duration::from_micros(100));
        let goes_on = next < end;
        self.now = next.min(end);
        goes_on
    }

    /// What the exchange sends arrives at once.
    fn deliver(&mut self) {
        for packet in std::mem::take(&mut self.exchange.packets) {
            let hears = |phone: &&mut Phone| phone.address == packet.destination && !phone.deaf;
            if let Some(phone) = self.phones.iter_mut().find(hears) {
                phone.heard += 1;
                phone
                    .handset
                    .receive(packet.source, &packet.contents, self.now)
                    .unwrap();
            }
        }
    }
}
