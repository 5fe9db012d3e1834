mod state; // what a session remembers between two events

use std::time::Duration;

use str0m::media::{MediaKind, Mid};
use str0m::stats::PeerStats;
use str0m::{Event, IceConnectionState};

use crate::families::{IceState, MediaSession};

pub use state::Str0mState;

impl MediaSession {
    /// Takes what there is to know from an event of str0m: call it with every event that
    /// `Rtc::poll_output` gives. Statistics come only if `Rtc::builder()` has
    /// `set_stats_interval`.
    ///
    /// The state of the connection, the round trip and the loss (the worse of the two directions)
    /// are str0m's. Pictures and bits are those of the video that arrives; where none does, bits are
    /// those of the video that is sent. Jitter is that of the video that arrives, or of the sound
    /// where there is no video, and of several streams the worst.
    ///
    /// str0m does not tell of candidates: call [`candidate_added`](Self::candidate_added) where you
    /// hand it one. Nor does it tell of media that the service itself adds; what is sent on these is
    /// taken for video unless [`own_media`](Self::own_media) says otherwise.
    pub fn observe(&self, event: &Event) {
        match event {
            Event::IceConnectionStateChange(state) => self.ice_state(ice_state(*state)),
            Event::MediaAdded(added) => self.str0m().set_kind(added.mid, added.kind),
            Event::MediaData(data) => {
                let clock = data.params.spec().clock_rate.get();
                self.str0m().received(data.mid, clock);
            }
            Event::MediaIngressStats(stats) => {
                let mut state = self.str0m();
                let stream = (stats.mid, stats.rid);
                state.arrived(stream, stats.timestamp, stats.bytes, stats.jitter);
                if let Some(seconds) = state.jitter_seconds() {
                    self.set_jitter(Duration::try_from_secs_f64(seconds).unwrap_or_default());
                }
                self.show_bitrate(&mut state);
            }
            Event::MediaEgressStats(stats) => {
                let mut state = self.str0m();
                state.sent((stats.mid, stats.rid), stats.timestamp, stats.bytes);
                self.show_bitrate(&mut state);
            }
            Event::PeerStats(stats) => self.peer(stats),
            _ => {}
        }
    }

    /// Says what kind of media the service itself has added.
    pub fn own_media(&self, mid: Mid, kind: MediaKind) {
        self.str0m().set_kind(mid, kind);
    }

    /// str0m gives these before those of the streams, in each interval.
    fn peer(&self, stats: &PeerStats) {
        // The upkeep of the connection is the nearest to the network's, and there also where nothing is sent: the feedback
        // behind the other waits up to 100 ms.
        let pair = stats.selected_candidate_pair.as_ref();
        let upkeep = pair.and_then(|pair| pair.current_round_trip_time);
        if let Some(time) = upkeep.or(stats.rtt) {
            self.set_round_trip(time);
        }
        let losses = [stats.ingress_loss_fraction, stats.egress_loss_fraction];
        if let Some(loss) = losses.into_iter().flatten().reduce(f32::max) {
            self.set_loss(loss.into());
        }
        let mut state = self.str0m();
        if let Some(frames) = state.interval(stats.timestamp) {
            self.set_frame_rate(frames);
        }
        self.show_bitrate(&mut state);
    }

    fn show_bitrate(&self, state: &mut Str0mState) {
        if let Some(bits) = state.video_bits() {
            self.set_bitrate(bits);
        }
    }
}

fn ice_state(state: IceConnectionState) -> IceState {
    match state {
        IceConnectionState::New => IceState::New,
        IceConnectionState::Checking => IceState::Checking,
        IceConnectionState::Connected => IceState::Connected,
        IceConnectionState::Completed => IceState::Completed,
        IceConnectionState::Disconnected => IceState::Disconnected,
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use str0m::Event;
    use str0m::media::{MediaKind, Mid};
    use str0m::stats::{MediaEgressStats, MediaIngressStats, PeerStats};

    use crate::encode::Format;
    use crate::families::{IceState, MediaSession, WebRtc};
    use crate::registry::Registry;

    fn session() -> (Registry, MediaSession) {
        let registry = Registry::bare();
        let session = WebRtc::register(&registry).unwrap().session("s", "d");
        (registry, session)
    }

    fn value(registry: &Registry, metric: &str) -> f64 {
        let text = registry.encode(Format::Text);
        let start = format!("webrtc_{metric}{{session_id=\"s\"}} ");
        let line = text.lines().find_map(|line| line.strip_prefix(&start));
        line.unwrap_or_else(|| panic!("{start} in {text}"))
            .parse()
            .unwrap()
    }

    fn peer(timestamp: Instant) -> Event {
        Event::PeerStats(PeerStats {
            peer_bytes_rx: 0,
            peer_bytes_tx: 0,
            bytes_rx: 0,
            bytes_tx: 0,
            timestamp,
            bwe_tx: None,
            egress_loss_fraction: Some(0.25),
            ingress_loss_fraction: Some(0.125),
            rtt: Some(Duration::from_millis(250)),
            selected_candidate_pair: None,
        })
    }

    fn arrived(mid: &str, timestamp: Instant, bytes: u64, jitter: u32) -> Event {
        Event::MediaIngressStats(MediaIngressStats {
            mid: Mid::from(mid),
            rid: None,
            bytes,
            packets: 0,
            firs: 0,
            plis: 0,
            nacks: 0,
            jitter,
            rtt: None,
            loss: None,
            timestamp,
            remote: None,
        })
    }

    fn sent(mid: &str, timestamp: Instant, bytes: u64) -> Event {
        Event::MediaEgressStats(MediaEgressStats {
            mid: Mid::from(mid),
            rid: None,
            bytes,
            packets: 0,
            firs: 0,
            plis: 0,
            nacks: 0,
            rtt: None,
            loss: None,
            timestamp,
            remote: None,
        })
    }

    #[test]
    fn video_is_told_from_sound() {
        let (registry, session) = session();
        session.own_media(Mid::from("snd"), MediaKind::Audio);
        session.own_media(Mid::from("vid"), MediaKind::Video);
        let start = Instant::now();
        for second in 0..3 {
            let now = start + Duration::from_secs(second);
            session.observe(&peer(now));
            session.observe(&arrived("vid", now, second * 1_000, 9_000));
            // The sound comes last, and must not stand for the video.
            session.observe(&arrived("snd", now, second * 50_000, 48_000));
            session.observe(&sent("vid", now, second * 7_000));
        }
        for (metric, expected) in [
            ("video_bitrate_bps", 8_000.0),
            ("jitter_seconds", 0.1),
            ("packet_loss_ratio", 0.25),
            ("rtt_seconds", 0.25),
            ("video_frame_rate", 0.0),
        ] {
            assert_eq!(value(&registry, metric), expected, "{metric}");
        }
    }

    #[test]
    fn video_that_is_only_sent_counts_too_and_ends_with_its_stream() {
        let (registry, session) = session();
        session.own_media(Mid::from("snd"), MediaKind::Audio);
        let start = Instant::now();
        for second in 0..3 {
            let now = start + Duration::from_secs(second);
            session.observe(&peer(now));
            session.observe(&sent("vid", now, second * 1_000));
            session.observe(&sent("snd", now, second * 50_000));
        }
        assert_eq!(value(&registry, "video_bitrate_bps"), 8_000.0);
        for second in 3..5 {
            let now = start + Duration::from_secs(second);
            session.observe(&peer(now));
            session.observe(&sent("snd", now, second * 50_000));
        }
        assert_eq!(value(&registry, "video_bitrate_bps"), 0.0);
    }

    #[test]
    fn the_jitter_of_sound_is_shown_where_there_is_no_video() {
        let (registry, session) = session();
        session.own_media(Mid::from("snd"), MediaKind::Audio);
        session.observe(&arrived("snd", Instant::now(), 0, 4_800));
        assert_eq!(value(&registry, "jitter_seconds"), 0.1);
    }

    #[test]
    fn the_last_scrape_sees_that_the_connection_is_closed() {
        for (last, expected) in [
            (IceState::Connected, "closed"),
            // This is how it ended.
            (IceState::Failed, "failed"),
        ] {
            let (registry, session) = session();
            session.ice_state(last);
            drop(session);
            let text = registry.encode(Format::Text);
            let is = format!("{{session_id=\"s\",state=\"{expected}\"}} 1");
            let ones: Vec<&str> = text
                .lines()
                .filter(|line| line.starts_with("webrtc_ice_connection_state{"))
                .filter(|line| line.ends_with(" 1"))
                .collect();
            assert_eq!(ones, [format!("webrtc_ice_connection_state{is}")], "{text}");
        }
    }
}
