use std::time::Instant;

use str0m::media::{MediaKind, Mid, Rid};

/// Media and streams that are remembered of a session; a peer may announce any number.
const MEDIA_MAX: usize = 64;
const STREAMS_MAX: usize = 256;

/// RTP clocks, in which jitter is told, until data says otherwise: of video, and of Opus.
const VIDEO_HZ: u32 = 90_000;
const AUDIO_HZ: u32 = 48_000;

/// What a session has to remember between two events.
#[derive(Debug, Default)]
pub struct Str0mState {
    media: Vec<Media>,
    arriving: Streams,
    sent: Streams,
    had_video: bool,
    /// Pictures since the last statistics of the peer, and when those were.
    frames: u64,
    last: Option<Instant>,
}

#[derive(Debug, Clone, Copy)]
struct Media {
    mid: Mid,
    kind: MediaKind,
    clock_hz: u32,
}

type StreamId = (Mid, Option<Rid>);

#[derive(Debug, Default)]
struct Streams(Vec<Stream>);

/// One stream, as of its last statistics.
#[derive(Debug)]
struct Stream {
    id: StreamId,
    kind: MediaKind,
    at: Instant,
    bytes: u64,
    /// Bits a second, once there are two statistics.
    bits: Option<f64>,
    jitter_seconds: f64,
    /// Whether there were statistics since the last ones of the peer.
    fresh: bool,
}

impl Str0mState {
    pub fn set_kind(&mut self, mid: Mid, kind: MediaKind) {
        self.media.retain(|media| media.mid != mid);
        if self.media.len() < MEDIA_MAX {
            self.media.push(Media::new(mid, kind));
        }
    }

    /// Data has arrived: a picture, if it is video.
    pub fn received(&mut self, mid: Mid, clock_hz: u32) {
        if self.media(mid).kind == MediaKind::Video {
            self.frames += 1;
        }
        let mut media = self.media.iter_mut();
        if let Some(known) = media.find(|media| media.mid == mid) {
            known.clock_hz = clock_hz.max(1);
        }
    }

    /// Notes the statistics of a stream that arrives; `jitter` is in ticks of its clock.
    pub fn arrived(&mut self, id: StreamId, at: Instant, bytes: u64, jitter: u32) {
        let media = self.media(id.0);
        let jitter_seconds = f64::from(jitter) / f64::from(media.clock_hz);
        self.arriving.note(id, media.kind, at, bytes);
        if let Some(stream) = self.arriving.find(id) {
            stream.jitter_seconds = jitter_seconds;
        }
    }

    /// Notes the statistics of a stream that is sent.
    pub fn sent(&mut self, id: StreamId, at: Instant, bytes: u64) {
        let kind = self.media(id.0).kind;
        self.sent.note(id, kind, at, bytes);
    }

    /// Begins another interval, and returns the pictures a second of the one before.
    pub fn interval(&mut self, now: Instant) -> Option<f64> {
        self.arriving.interval();
        self.sent.interval();
        let frames = std::mem::take(&mut self.frames);
        let before = self.last.replace(now)?;
        let seconds = now.saturating_duration_since(before).as_secs_f64();
        (seconds > 0.0).then(|| frames as f64 / seconds)
    }

    /// Bits of video a second that arrive, or that are sent if none do; nothing before there was any
    /// video.
    pub fn video_bits(&mut self) -> Option<f64> {
        let (arriving, sent) = (self.arriving.video_bits(), self.sent.video_bits());
        let bits = arriving.filter(|bits| *bits > 0.0).or(sent).or(arriving);
        self.had_video |= bits.is_some();
        self.had_video.then(|| bits.unwrap_or(0.0))
    }

    /// The worst jitter of the video, or of the sound if there is no video.
    pub fn jitter_seconds(&self) -> Option<f64> {
        let worst = |kind: MediaKind| {
            let streams = self.arriving.0.iter();
            let streams = streams.filter(|stream| stream.kind == kind);
            streams.map(|stream| stream.jitter_seconds).reduce(f64::max)
        };
        worst(MediaKind::Video).or_else(|| worst(MediaKind::Audio))
    }

    /// Media that nobody has announced are the service's own, and mostly video.
    fn media(&self, mid: Mid) -> Media {
        let known = self.media.iter().find(|media| media.mid == mid);
        known
            .copied()
            .unwrap_or_else(|| Media::new(mid, MediaKind::Video))
    }
}

impl Media {
    fn new(mid: Mid, kind: MediaKind) -> Self {
        let clock_hz = match kind {
            MediaKind::Video => VIDEO_HZ,
            MediaKind::Audio => AUDIO_HZ,
        };
        Self {
            mid,
            kind,
            clock_hz,
        }
    }
}

impl Streams {
    fn find(&mut self, id: StreamId) -> Option<&mut Stream> {
        self.0.iter_mut().find(|stream| stream.id == id)
    }

    fn note(&mut self, id: StreamId, kind: MediaKind, at: Instant, bytes: u64) {
        let Some(stream) = self.find(id) else {
            if self.0.len() < STREAMS_MAX {
                self.0.push(Stream {
                    id,
                    kind,
                    at,
                    bytes,
                    bits: None,
                    jitter_seconds: 0.0,
                    fresh: true,
                });
            }
            return;
        };
        stream.fresh = true;
        stream.kind = kind;
        let seconds = at.saturating_duration_since(stream.at).as_secs_f64();
        if seconds > 0.0 {
            let passed = bytes.saturating_sub(stream.bytes);
            stream.bits = Some(passed as f64 * 8.0 / seconds);
            (stream.at, stream.bytes) = (at, bytes);
        }
    }

    /// Forgets the streams that had no statistics in the interval that is over: they are gone.
    fn interval(&mut self) {
        self.0.retain(|stream| stream.fresh);
        for stream in &mut self.0 {
            stream.fresh = false;
        }
    }

    fn video_bits(&self) -> Option<f64> {
        let streams = self.0.iter();
        let video = streams.filter(|stream| stream.kind == MediaKind::Video);
        video
            .filter_map(|stream| stream.bits)
            .reduce(|all, one| all + one)
    }
}
