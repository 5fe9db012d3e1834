//! What the four programs share: the address, and traffic that never ends.

use std::error::Error;
use std::time::Duration;

use stonechat_metrics::{Registry, serve_admin};

/// Time between two rounds of traffic.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves the registry at the address after `--listen`, or else at `usual`, and lets `round` make
/// traffic until Ctrl-C.
pub async fn run(
    usual: &str,
    registry: Registry,
    mut round: impl FnMut(u64),
) -> Result<(), Box<dyn Error>> {
    let listen = listen_address(std::env::args().skip(1))?.unwrap_or_else(|| usual.to_owned());
    round(0);
    let admin = serve_admin(&listen, registry).await?;
    println!("http://{}/metrics", admin.local_addr());
    let mut clock = tokio::time::interval(PAUSE);
    let mut number = 0;
    loop {
        clock.tick().await;
        number += 1;
        round(number);
    }
}

fn listen_address(mut arguments: impl Iterator<Item = String>) -> Result<Option<String>, String> {
    match (
        arguments.next().as_deref(),
        arguments.next(),
        arguments.next(),
    ) {
        (None, ..) => Ok(None),
        (Some("--listen"), Some(address), None) => Ok(Some(address)),
        _ => Err("usage: --listen ADDRESS".to_owned()),
    }
}

/// Numbers that look random and are the same in each run: what happens in round `number`, for the
/// purpose `salt`, from 0 to below `end`.
pub fn roll(number: u64, salt: u64, end: u64) -> u64 {
    let mut bits =
        number.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ salt.wrapping_mul(0xd1b5_4a32_d192_ed03);
    bits ^= bits >> 31;
    bits = bits.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits ^= bits >> 29;
    bits % end
}
