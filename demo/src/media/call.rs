use std::fmt;
use std::time::Instant;

use stonechat_metrics::{CloseReason, IceState, MediaSession};
use str0m::media::MediaData;
use str0m::net::Transmit;
use str0m::{Event, Input, Rtc, RtcError};
use tokio::sync::OwnedSemaphorePermit;

use super::MediaConfig;
use crate::rtc::drain;

/// One call: takes packets and the time, gives packets, and says when it is over.
pub(crate) struct Call {
    session_id: String,
    rtc: Rtc,
    session: MediaSession,
    config: MediaConfig,
    /// When str0m wants to be given the time.
    rtc_due: Instant,
    waiting: Waiting,
    _seat: Option<OwnedSemaphorePermit>,
}

/// What a call that goes on waits for.
#[derive(Debug, Clone, Copy)]
enum Waiting {
    /// A connection, which was never there or is lost since then.
    Connection(Instant),
    /// Picture or sound, the last of which came then.
    Media(Instant),
}

impl Call {
    /// A call whose offer was answered now.
    pub fn new(
        session_id: String,
        rtc: Rtc,
        session: MediaSession,
        config: MediaConfig,
        now: Instant,
    ) -> Self {
        Self {
            session_id,
            rtc,
            session,
            config,
            rtc_due: now,
            waiting: Waiting::Connection(now),
            _seat: None,
        }
    }

    /// The call holds this seat as long as it lasts.
    pub fn seated(self, seat: OwnedSemaphorePermit) -> Self {
        Self {
            _seat: Some(seat),
            ..self
        }
    }

    pub fn session_id(&self) -> &str {
        &self.session_id
    }

    /// Whether this packet belongs to this call.
    pub fn accepts(&self, input: &Input<'_>) -> bool {
        self.rtc.accepts(input)
    }

    /// When it wants to be given the time.
    pub fn due(&self) -> Instant {
        self.rtc_due.min(self.deadline().0)
    }

    /// When the call is over if nothing happens, and why.
    fn deadline(&self) -> (Instant, CloseReason) {
        match self.waiting {
            Waiting::Connection(since) => (since + self.config.connect_max, CloseReason::IceFailed),
            Waiting::Media(since) => (
                since + self.config.silence_max,
                CloseReason::InactiveTimeout,
            ),
        }
    }

    /// Takes a packet that came now, or just the time. Gives a reason if the call is over.
    pub fn take(
        &mut self,
        input: Input<'_>,
        now: Instant,
        packets: &mut Vec<Transmit>,
    ) -> Option<CloseReason> {
        let handled = self.rtc.handle_input(input);
        let hung_up = match handled.and_then(|()| self.drain(now, packets)) {
            Ok(hung_up) => hung_up,
            Err(error) => {
                tracing::debug!(session_id = self.session_id, %error, "call broken");
                return Some(CloseReason::Dropped);
            }
        };
        if hung_up {
            return Some(CloseReason::Normal);
        }
        self.waiting = match (self.rtc.is_connected(), self.waiting) {
            (true, Waiting::Connection(_)) => Waiting::Media(now),
            (false, Waiting::Media(_)) => Waiting::Connection(now),
            (_, unchanged) => unchanged,
        };
        let (deadline, reason) = self.deadline();
        (deadline <= now).then_some(reason)
    }

    /// Hands out everything that str0m has to say; true if the caller has hung up.
    fn drain(&mut self, now: Instant, packets: &mut Vec<Transmit>) -> Result<bool, RtcError> {
        let Self {
            rtc,
            session,
            waiting,
            ..
        } = self;
        let mut hung_up = false;
        self.rtc_due = drain(rtc, packets, |rtc, event| {
            session.observe(&event);
            match event {
                Event::MediaData(media) => {
                    if let Waiting::Media(last) = waiting {
                        *last = now;
                    }
                    echo(rtc, media);
                }
                Event::Closed => hung_up = true,
                _ => {}
            }
        })?;
        Ok(hung_up)
    }

    /// Ends the call, and says goodbye to a caller who may still be there.
    pub fn close(mut self, reason: CloseReason, packets: &mut Vec<Transmit>) {
        self.session.ice_state(match reason {
            CloseReason::IceFailed => IceState::Failed,
            _ => IceState::Closed,
        });
        let session = &self.session;
        let goodbye = self.rtc.close();
        let said = goodbye
            .and_then(|()| drain(&mut self.rtc, packets, |_, event| session.observe(&event)));
        if let Err(error) = said {
            tracing::debug!(session_id = self.session_id, %error, "no goodbye");
        }
        tracing::debug!(
            session_id = self.session_id,
            reason = reason.as_str(),
            "call closed"
        );
        self.session.close(reason);
    }
}

/// Sends sound back as it came.
fn echo(rtc: &mut Rtc, media: MediaData) {
    if !media.params.spec().codec.is_audio() {
        return;
    }
    let Some(writer) = rtc.writer(media.mid) else {
        return;
    };
    let Some(format) = writer.match_params(media.params) else {
        return;
    };
    if let Err(error) = writer.write(format, media.network_time, media.time, media.data) {
        tracing::debug!(%error, "no echo");
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("session_id", &self.session_id)
            .field("waiting", &self.waiting)
            .finish_non_exhaustive()
    }
}
