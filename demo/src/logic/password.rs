//! Passwords and tokens, as the database keeps them: hashed.
//!
//! This module stands for a library: it knows no registry and measures itself with the facade
//! `metrics`. Where its values go is for the program to say, which here is [`super::account`].

use std::num::NonZeroU32;
use std::time::Instant;

use ring::{digest, pbkdf2};

use crate::secret::{NoRandom, hex, random_bytes};

/// Small for a demo: two hundred users register within seconds, and hashing must not be what the
/// demo shows. A real service takes 600,000 (OWASP, 2023) or Argon2. The number is kept with each
/// hash, so that it can grow without a change of the format.
const ITERATIONS: u32 = 5_000;
/// A stored hash that asks for more work than this was not written by this program.
const ITERATIONS_MAX: u32 = 1_000_000;
const SALT_BYTES: usize = 16;
const HASH_BYTES: usize = digest::SHA256_OUTPUT_LEN;
const TOKEN_BYTES: usize = 32;
const SCHEME: &str = "pbkdf2-sha256";

/// Hashes a password, as `pbkdf2-sha256$iterations$salt$hash`. Takes a core for some milliseconds.
pub(crate) fn hash(password: &str) -> Result<String, NoRandom> {
    let salt = random_bytes::<SALT_BYTES>()?;
    let iterations = NonZeroU32::new(ITERATIONS).ok_or(NoRandom)?;
    let mut hash = [0; HASH_BYTES];
    timed("hash", || {
        pbkdf2::derive(
            pbkdf2::PBKDF2_HMAC_SHA256,
            iterations,
            &salt,
            password.as_bytes(),
            &mut hash,
        );
    });
    Ok(format!(
        "{SCHEME}${ITERATIONS}${}${}",
        hex(&salt),
        hex(&hash)
    ))
}

/// Whether this is the password that was hashed. Takes as long as hashing.
pub(crate) fn verify(password: &str, stored: &str) -> bool {
    parse(stored).is_some_and(|(iterations, salt, hash)| {
        let verified = timed("verify", || {
            pbkdf2::verify(
                pbkdf2::PBKDF2_HMAC_SHA256,
                iterations,
                &salt,
                password.as_bytes(),
                &hash,
            )
        });
        verified.is_ok()
    })
}

fn timed<T>(operation: &'static str, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = work();
    metrics::histogram!("password_hash_seconds", "operation" => operation).record(start.elapsed());
    result
}

fn parse(stored: &str) -> Option<(NonZeroU32, Vec<u8>, Vec<u8>)> {
    let mut parts = stored.split('$');
    if parts.next()? != SCHEME {
        return None;
    }
    let iterations = NonZeroU32::new(parts.next()?.parse().ok()?)?;
    let (salt, hash) = (unhex(parts.next()?)?, unhex(parts.next()?)?);
    let sound = iterations.get() <= ITERATIONS_MAX && hash.len() == HASH_BYTES;
    (sound && parts.next().is_none()).then_some((iterations, salt, hash))
}

/// A new token: 256 random bits.
pub(crate) fn new_token() -> Result<String, NoRandom> {
    Ok(hex(&random_bytes::<TOKEN_BYTES>()?))
}

/// A group's number: random, so that it needs no counter, and positive.
pub(crate) fn new_group_number() -> Result<i64, NoRandom> {
    Ok(i64::from_be_bytes(random_bytes()?) & (i64::MAX >> 10) | 1)
}

/// What the database keeps of a token. A token has 256 bits already, so one round is enough.
pub(crate) fn token_hash(token: &str) -> String {
    hex(digest::digest(&digest::SHA256, token.as_bytes()).as_ref())
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|digit| u8::try_from(digit.to_digit(16)?).ok())
        .collect();
    let digits = digits.filter(|digits| digits.len().is_multiple_of(2))?;
    Some(
        digits
            .chunks_exact(2)
            .map(|pair| pair[0] << 4 | pair[1])
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_password_that_was_hashed_is_accepted() {
        let stored = hash("correct horse").unwrap();
        assert!(verify("correct horse", &stored));
        assert!(!verify("correct horsf", &stored));
        assert_ne!(
            stored,
            hash("correct horse").unwrap(),
            "each hash has its own salt"
        );
    }

    #[test]
    fn a_damaged_hash_accepts_nothing() {
        let good = hash("secret").unwrap();
        let zero_rounds = good.replace(&format!("${ITERATIONS}$"), "$0$");
        let endless = good.replace(&format!("${ITERATIONS}$"), "$4000000000$");
        let more = format!("{good}$00");
        let cut = &good[..good.len() - 2];
        for stored in ["", "plain", &zero_rounds, &endless, &more, cut] {
            assert!(!verify("secret", stored), "{stored}");
        }
    }

    #[test]
    fn tokens_and_group_numbers_do_not_repeat() {
        assert_ne!(new_token().unwrap(), new_token().unwrap());
        assert_eq!(new_token().unwrap().len(), 64);
        let (one, other) = (new_group_number().unwrap(), new_group_number().unwrap());
        assert!(one > 0 && other > 0 && one != other);
    }
}
