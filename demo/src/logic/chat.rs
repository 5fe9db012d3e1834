use std::sync::atomic::Ordering;

use http::StatusCode;
use stonechat_metrics::Outcome;

use super::account::check_name;
use super::{Logic, password};
use crate::fault::Fault;
use crate::queue::QueueError;
use crate::refusal::Refusal;
use crate::store::{Member, NewMessage};
use crate::wire::{
    Delivery, HistoryLine, OnBehalf, OpenSession, Opened, ReadHistory, SendMessage, Sent,
    SessionId, SessionLine, Target, UnixMillis, UserId,
};

const TITLE_BYTES_MAX: usize = 64;
const BODY_BYTES_MAX: usize = 4_096;
const GROUP_MEMBERS_MAX: usize = 200;
const HISTORY_LINES_DEFAULT: u32 = 50;
const HISTORY_LINES_MAX: u32 = 200;
/// Of ten sends, so many fail while [`Fault::FailingSends`] is on.
const FAILING_OF_TEN: u32 = 3;

impl Logic {
    /// Opens a session with another user, or a new group.
    pub(super) async fn open(&self, asked: OnBehalf<OpenSession>) -> Result<Opened, Refusal> {
        let session_id = match asked.question {
            OpenSession::Single { user } => self.open_single(asked.user_id, &user).await?,
            OpenSession::Group { group, members } => {
                self.open_group(asked.user_id, &group, &members).await?
            }
        };
        Ok(Opened { session_id })
    }

    async fn open_single(&self, user: UserId, peer: &str) -> Result<SessionId, Refusal> {
        let peer = self.user(peer).await?;
        let session = SessionId::single(user, peer)
            .ok_or_else(|| Refusal::bad_request("nobody talks with themselves here"))?;
        if self.store.members(session).await?.is_empty() {
            self.store.open_session(session, "", &[user, peer]).await?;
        }
        Ok(session)
    }

    async fn open_group(
        &self,
        founder: UserId,
        title: &str,
        members: &[String],
    ) -> Result<SessionId, Refusal> {
        if title.is_empty() || title.len() > TITLE_BYTES_MAX {
            let message = format!("the title of a group has 1 to {TITLE_BYTES_MAX} bytes");
            return Err(Refusal::bad_request(message));
        }
        if members.len() >= GROUP_MEMBERS_MAX {
            let message = format!("a group has at most {GROUP_MEMBERS_MAX} members");
            return Err(Refusal::bad_request(message));
        }
        members.iter().try_for_each(|name| check_name(name))?;
        let users = self.store.users_named(members).await?;
        let known = |name: &&String| users.iter().any(|user| user.name == **name);
        if let Some(unknown) = members.iter().find(|name| !known(name)) {
            return Err(no_user(unknown));
        }
        let mut ids: Vec<UserId> = users.iter().map(|user| user.user_id).collect();
        ids.push(founder);
        ids.sort_unstable();
        ids.dedup();
        let session = SessionId::group(password::new_group_number()?);
        self.store.open_session(session, title, &ids).await?;
        Ok(session)
    }

    async fn user(&self, name: &str) -> Result<UserId, Refusal> {
        check_name(name)?;
        let account = self.store.account(name).await?;
        Ok(account.ok_or_else(|| no_user(name))?.user_id)
    }

    /// Keeps a message and puts it into the queue to its recipients.
    pub(super) async fn send(&self, asked: OnBehalf<SendMessage>) -> Result<Sent, Refusal> {
        let messages = self.metrics.messages(asked.question.target.kind());
        messages.received();
        let send = messages.start_send();
        let sent = self.send_unmeasured(asked).await;
        send.finish(Outcome::from(&sent));
        sent
    }

    async fn send_unmeasured(&self, asked: OnBehalf<SendMessage>) -> Result<Sent, Refusal> {
        let OnBehalf {
            user_id,
            question: SendMessage { target, body },
        } = asked;
        if body.is_empty() || body.len() > BODY_BYTES_MAX {
            let message = format!("a message has 1 to {BODY_BYTES_MAX} bytes");
            return Err(Refusal::bad_request(message));
        }
        let session = match target {
            Target::Session { session_id } => session_id,
            Target::User { to } => self.open_single(user_id, &to).await?,
        };
        let (sender, others) = self.split_members(session, user_id).await?;
        self.fail_if_told()?;
        let sent_at = UnixMillis::now();
        let new = NewMessage {
            session_id: session,
            sender: user_id,
            body: &body,
            sent_at,
        };
        let message_id = self.store.add_message(&new).await?;
        let published = self
            .publish(Delivery {
                message_id,
                session_id: session,
                sender: sender.name,
                body,
                sent_at_ms: sent_at,
                recipients: others.into_iter().map(|member| member.user_id).collect(),
            })
            .await;
        if let Err(error) = published {
            // The sender is told to try again, so the history must not keep this attempt.
            if let Err(error) = self.store.remove_message(message_id).await {
                tracing::warn!(%error, "a message that was refused stays in the history");
            }
            return Err(error.into());
        }
        Ok(Sent {
            message_id,
            session_id: session,
            sent_at_ms: sent_at,
        })
    }

    /// The member who asks, and the others. Nobody learns of a session without being in it.
    async fn split_members(
        &self,
        session: SessionId,
        user: UserId,
    ) -> Result<(Member, Vec<Member>), Refusal> {
        let mut members = self.store.members(session).await?;
        let place = members
            .iter()
            .position(|member| member.user_id == user)
            .ok_or_else(|| Refusal::not_found("you have no such session"))?;
        Ok((members.swap_remove(place), members))
    }

    fn fail_if_told(&self) -> Result<(), Refusal> {
        if !self.faults.is_on(Fault::FailingSends) {
            return Ok(());
        }
        let count = self.sends.fetch_add(1, Ordering::Relaxed);
        // Spread over the ten: 3 is coprime to 10, so the remainders come in a mixed order.
        if count.wrapping_mul(3) % 10 < FAILING_OF_TEN {
            let message = "sending fails, as it was told to";
            return Err(Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, message));
        }
        Ok(())
    }

    /// The sessions of a user.
    pub(super) async fn sessions(&self, user: UserId) -> Result<Vec<SessionLine>, Refusal> {
        Ok(self.store.sessions_of(user).await?)
    }

    /// Messages of a session, newest first.
    pub(super) async fn history(
        &self,
        asked: OnBehalf<ReadHistory>,
    ) -> Result<Vec<HistoryLine>, Refusal> {
        let OnBehalf {
            user_id,
            question:
                ReadHistory {
                    session_id,
                    before,
                    limit,
                },
        } = asked;
        self.split_members(session_id, user_id).await?;
        let limit = limit
            .unwrap_or(HISTORY_LINES_DEFAULT)
            .min(HISTORY_LINES_MAX);
        Ok(self.store.history(session_id, before, limit).await?)
    }
}

fn no_user(name: &str) -> Refusal {
    Refusal::not_found(format!("there is no user `{name}`"))
}

impl From<QueueError> for Refusal {
    fn from(error: QueueError) -> Self {
        if !matches!(error, QueueError::Full { .. }) {
            tracing::warn!(%error, "cannot publish");
        }
        Self::unavailable(error)
    }
}
