use std::time::Instant;

use str0m::media::{MediaKind, Mid};
use str0m::{Event, IceConnectionState};

use crate::families::{IceState, MediaSession};

/// Streams of a session whose kind is remembered.
const STREAMS_MAX: usize = 64;

/// RTP clocks, in which jitter is told: of video, and of Opus.
const VIDEO_HZ: f64 = 90_000.0;
const AUDIO_HZ: f64 = 48_000.0;

/// What a session has to remember between two events.
#[derive(Debug, Default)]
pub struct Str0mState {
    streams: Vec<(Mid, MediaKind)>,
    /// Pictures since the last statistics.
    frames: u64,
    /// Time and bytes of the last statistics.
    last: Option<(Instant, u64, u64)>,
    /// Of the stream that arrives most unevenly, in these statistics.
    jitter_seconds: f64,
}

impl MediaSession {
    /// Takes what there is to know from an event of str0m: call it with every event that
    /// `Rtc::poll_output` gives. Statistics come only if `Rtc::builder()` has
    /// `set_stats_interval`.
    ///
    /// The state of the connection, the round trip, the loss (the worse of the two directions) and
    /// the jitter (the worst of all streams) are str0m's; pictures and bits are those that arrive, or
    /// bits that are sent where nothing arrives.
    pub fn observe(&self, event: &Event) {
        match event {
            Event::IceConnectionStateChange(state) => self.ice_state(ice_state(*state)),
            Event::MediaAdded(added) => {
                let streams = &mut self.str0m().streams;
                if streams.len() < STREAMS_MAX {
                    streams.push((added.mid, added.kind));
                }
            }
            Event::MediaData(data) => {
                let mut state = self.str0m();
                if state.kind(data.mid) == MediaKind::Video {
                    state.frames += 1;
                }
            }
            Event::MediaIngressStats(stats) => {
                let mut state = self.str0m();
                let clock = match state.kind(stats.mid) {
                    MediaKind::Video => VIDEO_HZ,
                    MediaKind::Audio => AUDIO_HZ,
                };
                state.jitter_seconds = state.jitter_seconds.max(f64::from(stats.jitter) / clock);
                self.set_jitter_seconds(state.jitter_seconds);
            }
            Event::PeerStats(stats) => {
                // That of a STUN request is the nearest to the network's, and there also where
                // nothing is sent: the feedback behind the other waits up to 100 ms.
                let pair = stats.selected_candidate_pair.as_ref();
                let of_pair = pair.and_then(|pair| pair.current_round_trip_time);
                if let Some(time) = of_pair.or(stats.rtt) {
                    self.set_round_trip(time);
                }
                let losses = [stats.ingress_loss_fraction, stats.egress_loss_fraction];
                let worse = losses.into_iter().flatten().reduce(f32::max);
                if let Some(loss) = worse {
                    self.set_loss(loss.into());
                }
                self.traffic(stats.timestamp, stats.bytes_rx, stats.bytes_tx);
            }
            _ => {}
        }
    }

    /// Sets pictures and bits a second from what passed since the last statistics.
    fn traffic(&self, now: Instant, received: u64, sent: u64) {
        let mut state = self.str0m();
        let frames = std::mem::take(&mut state.frames);
        // The statistics of the streams follow those of the peer.
        state.jitter_seconds = 0.0;
        let Some((at, received_before, sent_before)) = state.last.replace((now, received, sent))
        else {
            return;
        };
        let seconds = now.saturating_duration_since(at).as_secs_f64();
        if seconds <= 0.0 {
            return;
        }
        let arrived = received.saturating_sub(received_before);
        let bytes = if arrived > 0 {
            arrived
        } else {
            sent.saturating_sub(sent_before)
        };
        self.set_frame_rate(frames as f64 / seconds);
        self.set_bitrate(bytes as f64 * 8.0 / seconds);
    }
}

impl Str0mState {
    /// Streams that nobody has announced are the service's own, and mostly video.
    fn kind(&self, mid: Mid) -> MediaKind {
        let known = self.streams.iter().find(|(own, _)| *own == mid);
        known.map_or(MediaKind::Video, |(_, kind)| *kind)
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
