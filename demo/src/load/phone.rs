//! Phones: users of the load who call media, show and say something for a while, and hang up, or
//! do not.

mod call; // one call: the socket and the clock around a handset
mod ending; // how calls end
mod handset; // one end of a call: no clock, no sockets
mod line; // the way to media, which loses packets and delays them
mod metrics; // what is measured
mod signal; // what is said to media about a call

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use str0m::RtcConfig;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::random::Random;
use crate::args::CallArgs;
use crate::call::Caller;
use crate::fault::{Fault, Faults};
use crate::rtc;
use call::Plan;
use ending::Ending;
use line::Quality;
use signal::Way;

pub(super) use metrics::PhoneMetrics;

/// How long a phone waits for media to take a call.
const OFFER_TIMEOUT: Duration = Duration::from_secs(8);
/// Between two calls of a phone passes up to this time.
const PAUSE_MAX: Duration = Duration::from_secs(2);
/// The pause after a call that media did not take.
const BACK_OFF: Duration = Duration::from_secs(2);

/// What all phones share.
#[derive(Debug)]
pub(super) struct Phones {
    args: CallArgs,
    media: Caller,
    rtc: RtcConfig,
    /// Those of the chat, as far as they are known.
    faults: Arc<Faults>,
    metrics: PhoneMetrics,
    /// Calls so far, of all phones together.
    placed: AtomicU32,
}

impl Phones {
    pub fn new(args: CallArgs, faults: Arc<Faults>, metrics: PhoneMetrics) -> Self {
        Self {
            media: Caller::new("media", args.media, OFFER_TIMEOUT),
            rtc: rtc::config(),
            args,
            faults,
            metrics,
            placed: AtomicU32::new(0),
        }
    }

    /// How many there are.
    pub fn count(&self) -> u32 {
        self.args.calls
    }

    /// Lets one phone place calls, one after the other, until `stop`.
    pub async fn ring(self: Arc<Self>, number: u32, stop: CancellationToken) {
        let device_id = format!("phone-{}", number + 1);
        let mut random = Random::new(u64::from(number) << 32);
        while !stop.is_cancelled() {
            let plan = Plan {
                device_id: &device_id,
                way: Way::of_phone(number),
                ending: self.next_ending(),
                time: self.args.call_time.mul_f64(0.5 + random.unit()),
            };
            let ended = self.place(&plan, &stop).await;
            let end = ended.as_ref().map_or("failed", |end| end.as_str());
            self.metrics.calls.with([end]).inc();
            let pause = match ended {
                Ok(_) => PAUSE_MAX.mul_f64(random.unit()),
                Err(error) => {
                    tracing::debug!(device_id, %error, "no call");
                    BACK_OFF
                }
            };
            stop.run_until_cancelled(sleep(pause)).await;
        }
    }

    /// How the next call is to end, whichever phone places it.
    fn next_ending(&self) -> Ending {
        let number = self.placed.fetch_add(1, Ordering::Relaxed);
        if self.faults.is_on(Fault::FailingIce) {
            return Ending::Unreachable;
        }
        Ending::of_call(number)
    }

    /// How good the way to media is now.
    fn quality(&self) -> Quality {
        let own = Quality {
            loss: self.args.call_loss,
            delay_max: self.args.call_jitter,
        };
        if self.faults.is_on(Fault::LossyMedia) {
            own.or_worse(Quality::LOSSY)
        } else {
            own
        }
    }

    /// Where media is.
    fn media_address(&self) -> SocketAddr {
        self.args.media
    }
}
