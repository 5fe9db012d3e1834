use sqlx::{Error, QueryBuilder};

use super::{InsertedKey, Store, StoreError, on};
use crate::wire::{Identity, UnixMillis, UserId};

/// A user as logging in needs it.
#[derive(Debug)]
pub(crate) struct Account {
    pub user_id: UserId,
    pub password_hash: String,
}

impl Store {
    /// Adds a user; `None` if the name is taken.
    pub async fn add_user(
        &self,
        name: &str,
        password_hash: &str,
    ) -> Result<Option<UserId>, StoreError> {
        const SQL: &str = "INSERT INTO users (name, password_hash) VALUES (?, ?)";
        let inserted = self
            .timed("insert", "users", async {
                on!(self, write, |pool| {
                    let insert = sqlx::query(SQL).bind(name).bind(password_hash);
                    insert.execute(pool).await.map(|done| done.inserted_key())
                })
            })
            .await;
        match inserted {
            Ok(key) => Ok(Some(UserId(key))),
            Err(StoreError::Query(Error::Database(error))) if error.is_unique_violation() => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// The account of this name.
    pub async fn account(&self, name: &str) -> Result<Option<Account>, StoreError> {
        const SQL: &str = "SELECT id, password_hash FROM users WHERE name = ?";
        let row: Option<(i64, String)> = self
            .timed("select", "users", async {
                on!(self, read, |pool| sqlx::query_as(SQL)
                    .bind(name)
                    .fetch_optional(pool)
                    .await)
            })
            .await?;
        Ok(row.map(|(id, password_hash)| Account {
            user_id: UserId(id),
            password_hash,
        }))
    }

    /// The users of these names, in one query; who is unknown is missing.
    pub async fn users_named(&self, names: &[String]) -> Result<Vec<Identity>, StoreError> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let rows: Vec<(i64, String)> = self
            .timed("select", "users", async {
                on!(self, read, |pool| {
                    let mut select =
                        QueryBuilder::new("SELECT id, name FROM users WHERE name IN (");
                    let mut list = select.separated(", ");
                    for name in names {
                        list.push_bind(name);
                    }
                    list.push_unseparated(")");
                    select.build_query_as().fetch_all(pool).await
                })
            })
            .await?;
        Ok(rows
            .into_iter()
            .map(|(id, name)| Identity {
                user_id: UserId(id),
                name,
            })
            .collect())
    }

    /// Keeps the hash of a new token, and forgets those of this user that have expired.
    pub async fn add_token(
        &self,
        user: UserId,
        token_hash: &str,
        now: UnixMillis,
        expires_at: UnixMillis,
    ) -> Result<(), StoreError> {
        const FORGET: &str = "DELETE FROM tokens WHERE user_id = ? AND expires_at_ms < ?";
        const ADD: &str =
            "INSERT INTO tokens (token_hash, user_id, expires_at_ms) VALUES (?, ?, ?)";
        self.timed("delete", "tokens", async {
            on!(self, write, |pool| {
                sqlx::query(FORGET)
                    .bind(user.0)
                    .bind(now.0)
                    .execute(pool)
                    .await
                    .map(drop)
            })
        })
        .await?;
        self.timed("insert", "tokens", async {
            on!(self, write, |pool| {
                let add = sqlx::query(ADD)
                    .bind(token_hash)
                    .bind(user.0)
                    .bind(expires_at.0);
                add.execute(pool).await.map(drop)
            })
        })
        .await
    }

    /// Whose token this is, if it has not expired.
    pub async fn token_owner(
        &self,
        token_hash: &str,
        now: UnixMillis,
    ) -> Result<Option<Identity>, StoreError> {
        const SQL: &str = "SELECT u.id, u.name FROM tokens t JOIN users u ON u.id = t.user_id \
                           WHERE t.token_hash = ? AND t.expires_at_ms >= ?";
        let row: Option<(i64, String)> = self
            .timed("select", "tokens", async {
                on!(self, read, |pool| {
                    sqlx::query_as(SQL)
                        .bind(token_hash)
                        .bind(now.0)
                        .fetch_optional(pool)
                        .await
                })
            })
            .await?;
        Ok(row.map(|(id, name)| Identity {
            user_id: UserId(id),
            name,
        }))
    }
}
