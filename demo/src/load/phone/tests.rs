//! Calls from both ends: in a world with its own time, and over real sockets.

mod world; // handsets, lines and the exchange, without sockets and without waiting

mod sockets; // the same service on real ones

use std::time::Duration;

use stonechat_metrics::{Format, Registry};

use super::line::Quality;
use world::World;

const GOOD: Quality = Quality {
    loss: 0.0,
    delay_max: Duration::ZERO,
};
const SECOND: Duration = Duration::from_secs(1);

/// What a scraper gets.
fn scrape(registry: &Registry) -> String {
    registry.encode(Format::Text)
}

/// The sum of all series of this name with this label, written as in the exposition.
fn sum(page: &str, name: &str, label: &str) -> f64 {
    let value = |line: &str| {
        let (series, value) = line.rsplit_once(' ')?;
        let rest = series.strip_prefix(name)?;
        let is_it = (rest.is_empty() || rest.starts_with('{')) && rest.contains(label);
        is_it.then(|| value.parse::<f64>().unwrap())
    };
    page.lines().filter_map(value).sum()
}

/// Calls that were closed for this reason.
fn closed(page: &str, reason: &str) -> f64 {
    let label = format!("reason=\"{reason}\"");
    sum(page, "media_sessions_closed_total", &label)
}

#[test]
fn a_call_is_measured_and_its_series_go_with_it() {
    let mut world = World::new();
    let phone = world.call(GOOD);
    world.pass(6 * SECOND);
    let page = scrape(&world.registry);
    let frames = sum(&page, "media_video_frame_rate", "");
    assert!((15.5..18.0).contains(&frames), "{frames}");
    let bits = sum(&page, "media_video_bitrate_bps", "");
    assert!((150_000.0..350_000.0).contains(&bits), "{bits}");
    assert_eq!(sum(&page, "media_packet_loss_ratio", ""), 0.0);
    assert_eq!(
        sum(&page, "media_ice_connection_state", "state=\"connected\"")
            + sum(&page, "media_ice_connection_state", "state=\"completed\""),
        1.0
    );
    assert_eq!(sum(&page, "media_ice_candidates_added_total", ""), 1.0);
    assert_eq!(sum(&page, "media_active_sessions", ""), 1.0);
    assert!(world.phones[phone].handset.echoes > 80, "17 a second");

    world.hang_up(phone);
    let page = scrape(&world.registry);
    assert_eq!(closed(&page, "normal_close"), 1.0);
    assert_eq!(sum(&page, "media_active_sessions", ""), 0.0);
    assert!(page.contains("session_id="), "seen once more");
    assert!(!scrape(&world.registry).contains("session_id="), "and gone");
}

#[test]
fn a_phone_that_closes_its_end_has_hung_up() {
    let mut world = World::new();
    let phone = world.call(GOOD);
    world.pass(2 * SECOND);
    world.phones[phone].handset.close();
    world.pass(SECOND);
    assert_eq!(closed(&scrape(&world.registry), "normal_close"), 1.0);
}

#[test]
fn a_silent_phone_is_hung_up_on_and_learns_of_it() {
    let mut world = World::new();
    let phone = world.call(GOOD);
    world.pass(2 * SECOND);
    world.phones[phone].handset.fall_silent();
    world.pass(4 * SECOND);
    assert_eq!(world.exchange.len(), 1, "not yet");
    world.pass(2 * SECOND);
    let page = scrape(&world.registry);
    assert_eq!(closed(&page, "inactive_timeout"), 1.0);
    assert!(world.phones[phone].handset.is_over());
}

#[test]
fn a_phone_that_is_never_reached_or_goes_away_has_no_connection() {
    let mut world = World::new();
    let unreachable = world.call(GOOD);
    world.phones[unreachable].deaf = true;
    let vanishing = world.call(GOOD);
    world.pass_until(|world| world.phones[vanishing].heard > 0);
    world.phones[vanishing].deaf = true;
    world.pass(4 * SECOND);
    assert_eq!(closed(&scrape(&world.registry), "ice_failed"), 0.0);
    world.pass(2 * SECOND);
    assert_eq!(closed(&scrape(&world.registry), "ice_failed"), 2.0);
}

#[test]
fn a_phone_that_goes_away_in_the_middle_of_a_call_counts_as_inactive() {
    let mut world = World::new();
    let phone = world.call(GOOD);
    world.pass(3 * SECOND);
    world.phones[phone].deaf = true;
    world.pass(6 * SECOND);
    assert_eq!(closed(&scrape(&world.registry), "inactive_timeout"), 1.0);
}

#[test]
fn loss_jitter_and_round_trip_are_those_of_the_line() {
    let mut world = World::new();
    let phone = world.call(GOOD);
    let now = |world: &World, name| sum(&scrape(&world.registry), name, "");
    let (loss, jitter, round_trip) = (
        |world: &World| now(world, "media_packet_loss_ratio"),
        |world: &World| now(world, "media_jitter_milliseconds"),
        |world: &World| now(world, "media_rtt_milliseconds"),
    );
    world.pass(4 * SECOND);
    assert_eq!(loss(&world), 0.0);
    assert!(jitter(&world) < 5.0, "{}", jitter(&world));
    assert!(round_trip(&world) < 5.0, "{}", round_trip(&world));

    world.phones[phone].quality.delay_max = Duration::from_millis(60);
    world.pass(10 * SECOND);
    assert!(loss(&world) < 0.1, "late is not lost: {}", loss(&world));
    // Two delays of up to 60 ms differ by 20 ms in the mean.
    assert!((10.0..40.0).contains(&jitter(&world)), "{}", jitter(&world));
    assert!(
        (0.1..60.0).contains(&round_trip(&world)),
        "{}",
        round_trip(&world)
    );

    world.phones[phone].quality = Quality::LOSSY;
    let losses = (0..20).map(|_| {
        world.pass(SECOND);
        loss(&world)
    });
    let mean = losses.sum::<f64>() / 20.0;
    assert!((0.12..0.28).contains(&mean), "{mean}");
    // More than the line's: what is sent again counts, too.
    assert!(jitter(&world) > 15.0, "{}", jitter(&world));

    world.phones[phone].quality = GOOD;
    world.pass(6 * SECOND);
    assert!(loss(&world) < 0.02, "{}", loss(&world));
    assert_eq!(world.exchange.len(), 1, "the call goes on");
}
