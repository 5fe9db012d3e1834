//! WebRTC as both ends of a call use it: one configuration, and one way to drive `str0m`, which has
//! neither a clock nor sockets.

use std::time::{Duration, Instant};

use str0m::net::Transmit;
use str0m::{Event, Output, Rtc, RtcConfig, RtcError, crypto};

/// How often loss, jitter and round trip are told, to the peer and to the metrics.
const REPORT_EVERY: Duration = Duration::from_secs(1);

/// Longest datagram that is read; WebRTC keeps its own below the MTU of an Ethernet.
pub(crate) const DATAGRAM_BYTES_MAX: usize = 2_000;

/// Calls with one picture and one sound, under one certificate: making one takes longer than
/// everything else at the beginning of a call.
pub(crate) fn config() -> RtcConfig {
    let mut config = RtcConfig::new()
        .clear_codecs()
        .enable_vp8(true)
        .enable_opus(true, false)
        .set_stats_interval(Some(REPORT_EVERY))
        .set_rtcp_report_interval_audio(REPORT_EVERY)
        .set_rtcp_report_interval_video(REPORT_EVERY);
    // Also the distance between two measurements of the round trip.
    config.set_max_stun_rto(REPORT_EVERY);
    match crypto::from_feature_flags()
        .dtls_provider
        .generate_certificate()
    {
        Some(certificate) => config.set_dtls_cert(certificate),
        None => config,
    }
}

/// Takes out everything that a peer has to say after it was given something: packets for the
/// network, events for the caller. Returns when it wants to be given the time again.
pub(crate) fn drain(
    rtc: &mut Rtc,
    packets: &mut Vec<Transmit>,
    mut on_event: impl FnMut(&mut Rtc, Event),
) -> Result<Instant, RtcError> {
    loop {
        match rtc.poll_output()? {
            Output::Timeout(due) => return Ok(due),
            Output::Transmit(packet) => packets.push(packet),
            Output::Event(event) => on_event(rtc, event),
        }
    }
}
