use std::collections::HashMap;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use stonechat_metrics::Cache;

use crate::wire::Identity;

/// A token is asked about again after this time, so that one that logic no longer takes is not
/// taken here for longer.
const KEPT_FOR: Duration = Duration::from_secs(30);
/// Most tokens that are remembered; when they are reached, all that are too old go, and if none is,
/// the new one is not remembered.
const KEPT_MAX: usize = 10_000;

/// Whose tokens were shown lately, so that logic and its database need not be asked each time.
#[derive(Debug)]
pub(super) struct Tokens {
    known: Mutex<HashMap<String, Known>>,
    metrics: Cache,
}

#[derive(Debug)]
struct Known {
    identity: Identity,
    since: Instant,
}

impl Known {
    fn is_fresh(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) < KEPT_FOR
    }
}

impl Tokens {
    pub fn new(metrics: Cache) -> Self {
        Self {
            known: Mutex::default(),
            metrics,
        }
    }

    /// Whose token it is, if that is known.
    pub fn find(&self, token: &str, now: Instant) -> Option<Identity> {
        let known = self.known.lock();
        let found = known.get(token).filter(|known| known.is_fresh(now));
        match found {
            Some(known) => {
                self.metrics.hit();
                Some(known.identity.clone())
            }
            None => {
                self.metrics.miss();
                None
            }
        }
    }

    /// Remembers what logic has said.
    pub fn remember(&self, token: String, identity: Identity, now: Instant) {
        let mut known = self.known.lock();
        if known.len() >= KEPT_MAX {
            known.retain(|_, known| known.is_fresh(now));
        }
        if known.len() < KEPT_MAX {
            let since = now;
            known.insert(token, Known { identity, since });
        }
    }
}

#[cfg(test)]
mod tests {
    use stonechat_metrics::{Caches, Format, Registry};

    use super::*;
    use crate::wire::UserId;

    fn ann() -> Identity {
        Identity {
            user_id: UserId(1),
            name: "ann".to_owned(),
        }
    }

    #[test]
    fn a_token_is_known_for_a_while() {
        let registry = Registry::bare();
        let tokens = Tokens::new(Caches::register(&registry).unwrap().cache("tokens"));
        let now = Instant::now();
        let user = |at| tokens.find("secret", at).map(|identity| identity.user_id);
        assert_eq!(user(now), None);
        tokens.remember("secret".to_owned(), ann(), now);
        assert_eq!(user(now + KEPT_FOR / 2), Some(UserId(1)));
        assert_eq!(user(now + KEPT_FOR), None);
        let page = registry.encode(Format::Text);
        assert!(
            page.contains(r#"cache_hits_total{cache="tokens"} 1"#),
            "{page}"
        );
        assert!(
            page.contains(r#"cache_misses_total{cache="tokens"} 2"#),
            "{page}"
        );
    }

    #[test]
    fn the_number_of_tokens_is_bounded() {
        let tokens = Tokens::new(Caches::register(&Registry::bare()).unwrap().cache("tokens"));
        let now = Instant::now();
        for number in 0..=KEPT_MAX {
            tokens.remember(number.to_string(), ann(), now);
        }
        assert_eq!(tokens.known.lock().len(), KEPT_MAX);
        tokens.remember("new".to_owned(), ann(), now + KEPT_FOR);
        assert_eq!(tokens.known.lock().len(), 1, "the old ones are gone");
    }
}
