use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::error::{IceError, SdpError};
use str0m::format::PayloadParams;
use str0m::media::{Direction, Frequency, MediaKind, MediaTime, Mid};
use str0m::net::{Protocol, Receive, Transmit};
use str0m::{Candidate, Event, Input, Rtc, RtcConfig, RtcError};

use super::super::random::Random;
use crate::rtc::drain;

/// A picture and the sound of this time go together: some 17 times a second three packets, mostly.
const FRAME_EVERY: Duration = Duration::from_millis(60);
/// The same time by the clocks of the two streams.
const PICTURE_TICKS: u64 = 90_000 * 60 / 1_000;
const SOUND_TICKS: u64 = 48_000 * 60 / 1_000;
/// Every so many pictures one stands for itself, and is larger.
const KEY_PICTURE_EVERY: u64 = 30;
const KEY_PICTURE_BYTES: usize = 5_000;
/// The others have any size between these.
const PICTURE_BYTES: (usize, usize) = (1_300, 2_100);
const SOUND_BYTES: usize = 160;

/// The handset cannot call, or no longer.
#[derive(Debug, thiserror::Error)]
pub(super) enum HandsetError {
    #[error("the own address cannot be offered")]
    Address(#[from] IceError),
    #[error("there is nothing to offer")]
    NoOffer,
    #[error("the answer cannot be read")]
    Answer(#[from] SdpError),
    #[error("the call is broken")]
    Rtc(#[from] RtcError),
}

/// The caller's end of a call: takes packets and the time, gives packets.
pub(super) struct Handset {
    rtc: Rtc,
    address: SocketAddr,
    video: Mid,
    audio: Mid,
    random: Random,
    /// When str0m wants to be given the time.
    rtc_due: Instant,
    speech: Option<Speech>,
    /// What there is to send; taken out by whoever has the socket.
    pub packets: Vec<Transmit>,
    /// Sounds that came back.
    pub echoes: u64,
    over: bool,
}

/// What was shown and said since the call was connected.
#[derive(Debug, Clone, Copy)]
struct Speech {
    began: Instant,
    /// Pictures, each with its sound.
    frames: u32,
}

impl Speech {
    fn next(&self) -> Instant {
        self.began + FRAME_EVERY * self.frames
    }
}

impl Handset {
    /// A handset at this address, and the offer with which it calls.
    pub fn new(
        config: &RtcConfig,
        address: SocketAddr,
        now: Instant,
    ) -> Result<(Self, SdpOffer, SdpPendingOffer), HandsetError> {
        let mut rtc = config.clone().build(now);
        rtc.add_local_candidate(Candidate::host(address, "udp")?);
        let mut changes = rtc.sdp_api();
        let video = changes.add_media(MediaKind::Video, Direction::SendOnly, None, None, None);
        let audio = changes.add_media(MediaKind::Audio, Direction::SendRecv, None, None, None);
        let (offer, pending) = changes.apply().ok_or(HandsetError::NoOffer)?;
        let handset = Self {
            rtc,
            address,
            video,
            audio,
            random: Random::new(u64::from(address.port())),
            rtc_due: now,
            speech: None,
            packets: Vec::new(),
            echoes: 0,
            over: false,
        };
        Ok((handset, offer, pending))
    }

    /// Takes the answer; from now on the handset looks for a way to the other side.
    pub fn accept(&mut self, pending: SdpPendingOffer, answer: &str) -> Result<(), HandsetError> {
        let answer = SdpAnswer::from_sdp_string(answer)?;
        self.rtc.sdp_api().accept_answer(pending, answer)?;
        Ok(())
    }

    /// Takes a packet that came from there now.
    pub fn receive(
        &mut self,
        source: SocketAddr,
        datagram: &[u8],
        now: Instant,
    ) -> Result<(), HandsetError> {
        // What is no WebRTC is somebody else's mistake.
        let Ok(packet) = Receive::new(Protocol::Udp, source, self.address, datagram) else {
            return Ok(());
        };
        self.rtc.handle_input(Input::Receive(now, packet))?;
        self.drain(now)
    }

    /// Takes the time, and shows and says what is due.
    pub fn tick(&mut self, now: Instant) -> Result<(), HandsetError> {
        if self.rtc_due <= now {
            self.rtc.handle_input(Input::Timeout(now))?;
            self.drain(now)?;
        }
        if let Some(speech) = self.speech {
            self.speak(speech, now)?;
        }
        Ok(())
    }

    /// Shows and says nothing any more, but stays on the line.
    pub fn fall_silent(&mut self) {
        self.speech = None;
    }

    /// Ends the call from this side.
    #[cfg(test)]
    pub fn close(&mut self) {
        self.rtc.close().unwrap();
        self.rtc_due = Instant::now();
    }

    /// Whether the other side has ended the call.
    pub fn is_over(&self) -> bool {
        self.over || !self.rtc.is_alive()
    }

    /// When it wants to be given the time.
    pub fn due(&self) -> Instant {
        match &self.speech {
            Some(speech) => self.rtc_due.min(speech.next()),
            None => self.rtc_due,
        }
    }

    fn drain(&mut self, now: Instant) -> Result<(), HandsetError> {
        let Self {
            rtc,
            packets,
            echoes,
            speech,
            over,
            ..
        } = self;
        self.rtc_due = drain(rtc, packets, |_, event| match event {
            Event::Connected => {
                *speech = Some(Speech {
                    began: now,
                    frames: 0,
                });
            }
            Event::MediaData(_) => *echoes += 1,
            Event::Closed => *over = true,
            _ => {}
        })?;
        Ok(())
    }

    /// At most one frame: what was missed because the machine was busy is left out.
    fn speak(&mut self, mut speech: Speech, now: Instant) -> Result<(), HandsetError> {
        if now < speech.next() {
            return Ok(());
        }
        let since = now.saturating_duration_since(speech.began);
        let reached = since.as_millis() / FRAME_EVERY.as_millis();
        let frame = u32::try_from(reached).unwrap_or(u32::MAX - 1);
        speech.frames = frame + 1;
        self.speech = Some(speech);

        let frame = u64::from(frame);
        let picture = self.picture(frame);
        let time = MediaTime::from_90khz(frame * PICTURE_TICKS);
        self.write(self.video, time, picture, now)?;
        let time = MediaTime::new(frame * SOUND_TICKS, Frequency::FORTY_EIGHT_KHZ);
        self.write(self.audio, time, vec![0x5a; SOUND_BYTES], now)
    }

    /// Bytes in the place of an encoder's. The first says, as in VP8, whether the picture stands for
    /// itself.
    fn picture(&mut self, number: u64) -> Vec<u8> {
        let stands_alone = number.is_multiple_of(KEY_PICTURE_EVERY);
        let length = if stands_alone {
            KEY_PICTURE_BYTES
        } else {
            let (least, most) = PICTURE_BYTES;
            least + ((most - least) as f64 * self.random.unit()) as usize
        };
        let mut picture = vec![0x5a; length];
        picture[0] = u8::from(!stands_alone);
        picture
    }

    fn write(
        &mut self,
        stream: Mid,
        time: MediaTime,
        data: Vec<u8>,
        now: Instant,
    ) -> Result<(), HandsetError> {
        let Some(writer) = self.rtc.writer(stream) else {
            return Ok(());
        };
        let format = writer.payload_params().next().map(PayloadParams::pt);
        if let Some(format) = format {
            writer.write(format, now, time, data)?;
        }
        self.drain(now)
    }
}

impl fmt::Debug for Handset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handset")
            .field("address", &self.address)
            .field("speech", &self.speech)
            .finish_non_exhaustive()
    }
}
