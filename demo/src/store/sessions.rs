use sqlx::Error;

use super::{Store, StoreError, on};
use crate::wire::{HistoryLine, MessageId, SessionId, SessionLine, UnixMillis, UserId};

/// Most sessions in a list; the ones with the newest messages are kept.
const SESSIONS_LISTED_MAX: i64 = 200;

/// A user in a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    pub user_id: UserId,
    pub name: String,
}

/// One row of the session list: session, title, and the last message's key, sender, body, time.
type ListRow = (
    String,
    String,
    Option<i64>,
    Option<String>,
    Option<String>,
    Option<i64>,
);

impl Store {
    /// The members of a session; none if there is no such session.
    pub async fn members(&self, session: SessionId) -> Result<Vec<Member>, StoreError> {
        const SQL: &str = "SELECT u.id, u.name FROM members m JOIN users u ON u.id = m.user_id \
                           WHERE m.session_id = ? ORDER BY u.id";
        let id = session.to_string();
        let rows: Vec<(i64, String)> = self
            .timed("select", "members", async {
                on!(self, read, |pool| sqlx::query_as(SQL)
                    .bind(&id)
                    .fetch_all(pool)
                    .await)
            })
            .await?;
        Ok(rows
            .into_iter()
            .map(|(id, name)| Member {
                user_id: UserId(id),
                name,
            })
            .collect())
    }

    /// Creates a session with its members; one that is there already stays as it is.
    pub async fn open_session(
        &self,
        session: SessionId,
        title: &str,
        members: &[UserId],
    ) -> Result<(), StoreError> {
        const SESSION: &str = "INSERT INTO sessions (id, title) VALUES (?, ?)";
        const MEMBER: &str = "INSERT INTO members (session_id, user_id) VALUES (?, ?)";
        let id = session.to_string();
        let opened = self
            .timed("insert", "sessions", async {
                on!(self, write, |pool| {
                    let mut transaction = pool.begin().await?;
                    let insert = sqlx::query(SESSION).bind(&id).bind(title);
                    insert.execute(&mut *transaction).await?;
                    for member in members {
                        let insert = sqlx::query(MEMBER).bind(&id).bind(member.0);
                        insert.execute(&mut *transaction).await?;
                    }
                    transaction.commit().await
                })
            })
            .await;
        match opened {
            // Two users can open their session in the same moment.
            Err(StoreError::Query(Error::Database(error))) if error.is_unique_violation() => Ok(()),
            result => result,
        }
    }

    /// A user's sessions, those with the newest messages first. A single session is titled with the
    /// name of the other user.
    pub async fn sessions_of(&self, user: UserId) -> Result<Vec<SessionLine>, StoreError> {
        const SQL: &str = "SELECT s.id, COALESCE(peer.name, s.title), \
                           last.id, sender.name, last.body, last.sent_at_ms \
             FROM members me JOIN sessions s ON s.id = me.session_id \
             LEFT JOIN members other ON s.id LIKE 's-%' \
                 AND other.session_id = s.id AND other.user_id <> me.user_id \
             LEFT JOIN users peer ON peer.id = other.user_id \
             LEFT JOIN messages last \
                 ON last.id = (SELECT MAX(id) FROM messages WHERE session_id = s.id) \
             LEFT JOIN users sender ON sender.id = last.sender_id \
             WHERE me.user_id = ? ORDER BY last.id DESC, s.id LIMIT ?";
        let rows: Vec<ListRow> = self
            .timed("select", "sessions", async {
                on!(self, read, |pool| {
                    let select = sqlx::query_as(SQL).bind(user.0).bind(SESSIONS_LISTED_MAX);
                    select.fetch_all(pool).await
                })
            })
            .await?;
        Ok(rows.into_iter().filter_map(session_line).collect())
    }
}

fn session_line((id, title, message, sender, body, sent_at): ListRow) -> Option<SessionLine> {
    let last_message = message.map(|key| HistoryLine {
        message_id: MessageId(key),
        sender: sender.unwrap_or_default(),
        body: body.unwrap_or_default(),
        sent_at_ms: UnixMillis(sent_at.unwrap_or_default()),
    });
    // Rows are written with identifiers only; one that is none was not written by this program.
    id.parse().ok().map(|session_id| SessionLine {
        session_id,
        title,
        last_message,
    })
}
