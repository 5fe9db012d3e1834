use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use str0m::net::Transmit;

use super::super::random::Random;

/// Packets under way at one time; a line that is full loses what comes.
const UNDER_WAY_MAX: usize = 1_000;

/// How good a line is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Quality {
    /// Part of the packets that is lost, from 0 to 1.
    pub loss: f64,
    /// Each packet is late by any time up to this, so they also overtake each other.
    pub delay_max: Duration,
}

impl Quality {
    /// That of [`Fault::LossyMedia`](crate::fault::Fault::LossyMedia).
    pub const LOSSY: Self = Self {
        loss: 0.2,
        delay_max: Duration::from_millis(80),
    };

    /// The worse of both, in each respect.
    pub fn or_worse(self, other: Self) -> Self {
        Self {
            loss: self.loss.max(other.loss),
            delay_max: self.delay_max.max(other.delay_max),
        }
    }
}

/// The way from a phone to media. Has no socket: packets are put in, and taken out when they have
/// arrived at its other end.
#[derive(Debug)]
pub(super) struct Line {
    random: Random,
    /// By the time at which they arrive; the number tells those of the same time apart.
    under_way: BTreeMap<(Instant, u64), Transmit>,
    count: u64,
}

impl Line {
    pub fn new(seed: u64) -> Self {
        Self {
            random: Random::new(seed),
            under_way: BTreeMap::new(),
            count: 0,
        }
    }

    /// Sends a packet on its way; false if it is lost.
    pub fn send(&mut self, packet: Transmit, now: Instant, quality: Quality) -> bool {
        if self.random.unit() < quality.loss || self.under_way.len() >= UNDER_WAY_MAX {
            return false;
        }
        let delay = quality.delay_max.mul_f64(self.random.unit());
        self.under_way.insert((now + delay, self.count), packet);
        self.count += 1;
        true
    }

    /// Takes out the next packet that has arrived.
    pub fn arrived(&mut self, now: Instant) -> Option<Transmit> {
        let next = self.under_way.first_entry()?;
        (next.key().0 <= now).then(|| next.remove())
    }

    /// When the next packet arrives.
    pub fn due(&self) -> Option<Instant> {
        self.under_way.keys().next().map(|(at, _)| *at)
    }
}

#[cfg(test)]
mod tests {
    use str0m::net::Protocol;

    use super::*;

    fn packet(number: u8) -> Transmit {
        let here = ([127, 0, 0, 1], 9).into();
        Transmit {
            proto: Protocol::Udp,
            source: here,
            destination: here,
            contents: vec![number].into(),
        }
    }

    fn drain(line: &mut Line, now: Instant) -> Vec<u8> {
        std::iter::from_fn(|| line.arrived(now))
            .map(|packet| packet.contents[0])
            .collect()
    }

    #[test]
    fn a_good_line_keeps_all_packets_in_order() {
        let (mut line, now) = (Line::new(1), Instant::now());
        let good = Quality {
            loss: 0.0,
            delay_max: Duration::ZERO,
        };
        assert!((0..100).all(|number| line.send(packet(number), now, good)));
        assert_eq!(drain(&mut line, now), (0..100).collect::<Vec<_>>());
        assert_eq!(line.due(), None);
    }

    #[test]
    fn a_bad_line_loses_its_part_and_is_late() {
        let (mut line, now) = (Line::new(1), Instant::now());
        let kept = (0..1_000)
            .filter(|number| line.send(packet((number % 250) as u8), now, Quality::LOSSY))
            .count();
        assert!((750..850).contains(&kept), "{kept}");
        let soon = drain(&mut line, now + Duration::from_millis(40)).len();
        assert!(
            (kept * 4 / 10..kept * 6 / 10).contains(&soon),
            "{soon} of {kept}"
        );
        let rest = drain(&mut line, now + Duration::from_millis(80));
        assert_eq!(rest.len(), kept - soon);
        assert!(!rest.is_sorted(), "packets overtake each other");
    }
}
