use super::{InsertedKey, Store, StoreError, on};
use crate::wire::{HistoryLine, MessageId, SessionId, UnixMillis, UserId};

/// A message that is about to be kept.
#[derive(Debug)]
pub(crate) struct NewMessage<'a> {
    pub session_id: SessionId,
    pub sender: UserId,
    pub body: &'a str,
    pub sent_at: UnixMillis,
}

/// One row of a history: key, sender, body, time.
type HistoryRow = (i64, String, String, i64);

impl Store {
    /// Keeps a message.
    pub async fn add_message(&self, message: &NewMessage<'_>) -> Result<MessageId, StoreError> {
        const SQL: &str = "INSERT INTO messages (session_id, sender_id, body, sent_at_ms) \
                           VALUES (?, ?, ?, ?)";
        let session = message.session_id.to_string();
        self.timed("insert", "messages", async {
            on!(self, write, |pool| {
                let insert = sqlx::query(SQL)
                    .bind(&session)
                    .bind(message.sender.0)
                    .bind(message.body)
                    .bind(message.sent_at.0);
                insert
                    .execute(pool)
                    .await
                    .map(|done| MessageId(done.inserted_key()))
            })
        })
        .await
    }

    /// Takes a message back that could not be put into the queue.
    pub async fn remove_message(&self, message: MessageId) -> Result<(), StoreError> {
        const SQL: &str = "DELETE FROM messages WHERE id = ?";
        self.timed("delete", "messages", async {
            on!(self, write, |pool| {
                sqlx::query(SQL)
                    .bind(message.0)
                    .execute(pool)
                    .await
                    .map(drop)
            })
        })
        .await
    }

    /// At most `limit` messages of a session that are older than `before`, newest first.
    pub async fn history(
        &self,
        session: SessionId,
        before: Option<MessageId>,
        limit: u32,
    ) -> Result<Vec<HistoryLine>, StoreError> {
        const SQL: &str = "SELECT m.id, u.name, m.body, m.sent_at_ms \
                           FROM messages m JOIN users u ON u.id = m.sender_id \
                           WHERE m.session_id = ? AND m.id < ? ORDER BY m.id DESC LIMIT ?";
        let id = session.to_string();
        let before = before.map_or(i64::MAX, |message| message.0);
        let rows: Vec<HistoryRow> = self
            .timed("select", "messages", async {
                on!(self, read, |pool| {
                    let select = sqlx::query_as(SQL)
                        .bind(&id)
                        .bind(before)
                        .bind(i64::from(limit));
                    select.fetch_all(pool).await
                })
            })
            .await?;
        let line = |(key, sender, body, sent_at)| HistoryLine {
            message_id: MessageId(key),
            sender,
            body,
            sent_at_ms: UnixMillis(sent_at),
        };
        Ok(rows.into_iter().map(line).collect())
    }

    /// Deletes the oldest messages beyond `kept`; returns how many went.
    pub async fn trim_messages(&self, kept: u32) -> Result<u64, StoreError> {
        // The keys grow by one, so counting them down from the newest counts messages.
        const NEWEST: &str = "SELECT MAX(id) FROM messages";
        const TRIM: &str = "DELETE FROM messages WHERE id <= ?";
        let newest: Option<i64> = self
            .timed("select", "messages", async {
                on!(self, read, |pool| sqlx::query_scalar(NEWEST)
                    .fetch_one(pool)
                    .await)
            })
            .await?;
        let last_to_go = newest.unwrap_or(0) - i64::from(kept);
        if last_to_go <= 0 {
            return Ok(0);
        }
        self.timed("delete", "messages", async {
            on!(self, write, |pool| {
                let trim = sqlx::query(TRIM).bind(last_to_go);
                trim.execute(pool).await.map(|done| done.rows_affected())
            })
        })
        .await
    }
}
