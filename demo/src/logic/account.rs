use std::sync::Arc;

use http::StatusCode;

use super::{Logic, password};
use crate::refusal::Refusal;
use crate::wire::{Authenticate, Credentials, Identity, LoggedIn, Registered, UnixMillis};

const NAME_BYTES_MAX: usize = 32;
const PASSWORD_BYTES: std::ops::RangeInclusive<usize> = 8..=128;
const TOKEN_LIFE_MS: i64 = 24 * 60 * 60 * 1_000;

impl Logic {
    /// Adds a user.
    pub(super) async fn register(&self, asked: Credentials) -> Result<Registered, Refusal> {
        check_name(&asked.name)?;
        check_password(&asked.password)?;
        let hash = self
            .hashing(move || password::hash(&asked.password))
            .await??;
        let added = self.store.add_user(&asked.name, &hash).await?;
        match added {
            Some(user_id) => Ok(Registered { user_id }),
            None => Err(Refusal::new(StatusCode::CONFLICT, "this name is taken")),
        }
    }

    /// Checks a password and gives a token for it.
    pub(super) async fn log_in(&self, asked: Credentials) -> Result<LoggedIn, Refusal> {
        // The same answer for an unknown name and a wrong password. The time it takes still tells
        // them apart; a real service would hash in both cases.
        let refused = || Refusal::new(StatusCode::UNAUTHORIZED, "wrong name or password");
        check_name(&asked.name).map_err(|_| refused())?;
        check_password(&asked.password).map_err(|_| refused())?;
        let account = self.store.account(&asked.name).await?.ok_or_else(refused)?;
        let right = self
            .hashing(move || password::verify(&asked.password, &account.password_hash))
            .await?;
        if !right {
            return Err(refused());
        }
        let token = password::new_token()?;
        let now = UnixMillis::now();
        let expires_at = UnixMillis(now.0 + TOKEN_LIFE_MS);
        let hash = password::token_hash(&token);
        self.store
            .add_token(account.user_id, &hash, now, expires_at)
            .await?;
        Ok(LoggedIn {
            user_id: account.user_id,
            token,
        })
    }

    /// Says whose token it is.
    pub(super) async fn authenticate(&self, asked: Authenticate) -> Result<Identity, Refusal> {
        let hash = password::token_hash(&asked.token);
        let owner = self.store.token_owner(&hash, UnixMillis::now()).await?;
        owner.ok_or_else(|| Refusal::new(StatusCode::UNAUTHORIZED, "this token is not valid"))
    }

    /// Runs the work of a hash where it does not hold up the other users.
    async fn hashing<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let _permit = self.hashing.acquire().await;
        let libraries = Arc::clone(&self.metrics.libraries);
        let work = move || metrics::with_local_recorder(&*libraries, work);
        tokio::task::spawn_blocking(work).await.map_err(|error| {
            tracing::error!(%error, "hashing failed");
            Refusal::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the password could not be hashed",
            )
        })
    }
}

/// Lower case only, so that no two users differ by case in one database and not in another.
pub(super) fn check_name(name: &str) -> Result<(), Refusal> {
    let allowed =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
    if (1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(allowed) {
        return Ok(());
    }
    Err(Refusal::bad_request(format!(
        "a name has 1 to {NAME_BYTES_MAX} of the characters a-z, 0-9, `-`, `_`, `.`"
    )))
}

fn check_password(password: &str) -> Result<(), Refusal> {
    if PASSWORD_BYTES.contains(&password.len()) {
        return Ok(());
    }
    Err(Refusal::bad_request(format!(
        "a password has {} to {} bytes",
        PASSWORD_BYTES.start(),
        PASSWORD_BYTES.end()
    )))
}
