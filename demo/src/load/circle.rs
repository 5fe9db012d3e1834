use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::Method;
use tokio::sync::Mutex;

use crate::call::{Call, CallError, Caller};
use crate::wire::{OpenSession, Opened, SessionId};

/// Members of a group.
const GROUP_SIZE: usize = 10;

/// Users that talk with each other in one session, which the first of them opens who wants to
/// speak when all are registered.
#[derive(Debug)]
pub(super) struct Circle {
    title: String,
    members: Vec<String>,
    registered: AtomicUsize,
    session: Mutex<Option<SessionId>>,
}

/// A session, and how many others hear what one says there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub session: SessionId,
    pub others: u64,
}

impl Circle {
    fn new(title: String, members: &[usize]) -> Self {
        Self {
            title,
            members: members.iter().copied().map(user_name).collect(),
            registered: AtomicUsize::new(0),
            session: Mutex::new(None),
        }
    }

    /// One member more is registered.
    pub fn add_registered(&self) {
        self.registered.fetch_add(1, Ordering::Relaxed);
    }

    /// The session; `None` as long as not all members are registered.
    pub async fn place(
        &self,
        api: &Caller,
        speaker: &str,
        token: &str,
    ) -> Result<Option<Place>, CallError> {
        if self.registered.load(Ordering::Relaxed) < self.members.len() {
            return Ok(None);
        }
        let mut session = self.session.lock().await;
        let known = match *session {
            Some(known) => known,
            None => *session.insert(self.open(api, speaker, token).await?),
        };
        Ok(Some(Place {
            session: known,
            others: self.members.len() as u64 - 1,
        }))
    }

    async fn open(&self, api: &Caller, speaker: &str, token: &str) -> Result<SessionId, CallError> {
        let others = self.members.iter().filter(|name| *name != speaker).cloned();
        let question = match self.members.len() {
            2 => OpenSession::Single {
                user: others.collect(),
            },
            _ => OpenSession::Group {
                group: self.title.clone(),
                members: others.collect(),
            },
        };
        let call = Call {
            method: Method::POST,
            path: "/api/sessions",
            token: Some(token),
        };
        let opened: Opened = api.call(&call, Some(&question)).await?;
        Ok(opened.session_id)
    }

    /// The chat does not know this session any more; the next speaker opens one again.
    pub async fn forget(&self, lost: SessionId) {
        let mut session = self.session.lock().await;
        if *session == Some(lost) {
            *session = None;
        }
    }
}

/// The circles of all users: each has one with one other user, and one with a group.
#[derive(Debug)]
pub(super) struct Circles {
    pairs: Vec<Arc<Circle>>,
    groups: Vec<Arc<Circle>>,
}

/// The circles of one user.
#[derive(Debug, Clone)]
pub(super) struct OwnCircles {
    pub pair: Arc<Circle>,
    pub group: Arc<Circle>,
}

impl Circles {
    /// For at least two users; `run` makes the titles of the groups differ from run to run.
    pub fn new(users: usize, run: u64) -> Self {
        let circles = |name: &str, size| {
            let chunks = chunks(users, size);
            let circle = |(index, members): (usize, Vec<usize>)| {
                Arc::new(Circle::new(
                    format!("{name} {index} of run {run}"),
                    &members,
                ))
            };
            chunks.into_iter().enumerate().map(circle).collect()
        };
        Self {
            pairs: circles("pair", 2),
            groups: circles("group", GROUP_SIZE),
        }
    }

    pub fn of(&self, user: usize) -> OwnCircles {
        // A remainder of one user belongs to the chunk before it.
        let own = |circles: &[Arc<Circle>], size: usize| {
            Arc::clone(&circles[(user / size).min(circles.len() - 1)])
        };
        OwnCircles {
            pair: own(&self.pairs, 2),
            group: own(&self.groups, GROUP_SIZE),
        }
    }
}

/// Users 0 to `users - 1` in chunks of `size`; nobody is alone in one.
fn chunks(users: usize, size: usize) -> Vec<Vec<usize>> {
    let numbers: Vec<usize> = (0..users).collect();
    let mut chunks: Vec<Vec<usize>> = numbers.chunks(size).map(<[usize]>::to_vec).collect();
    if chunks.len() > 1 && chunks.last().is_some_and(|last| last.len() == 1) {
        let alone = chunks.pop().unwrap_or_default();
        if let Some(last) = chunks.last_mut() {
            last.extend(alone);
        }
    }
    chunks
}

/// The name under which a user of the load registers.
pub(super) fn user_name(number: usize) -> String {
    format!("load-{number:05}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_alone() {
        assert_eq!(chunks(4, 2), [vec![0, 1], vec![2, 3]]);
        assert_eq!(chunks(5, 2), [vec![0, 1], vec![2, 3, 4]]);
        assert_eq!(chunks(2, 10), [vec![0, 1]]);
        assert_eq!(chunks(11, 10), [(0..11).collect::<Vec<_>>()]);
    }

    #[test]
    fn every_user_is_a_member_of_its_circles() {
        for users in 2..=31 {
            let circles = Circles::new(users, 1);
            for user in 0..users {
                let own = circles.of(user);
                for circle in [own.pair, own.group] {
                    assert!(
                        circle.members.contains(&user_name(user)),
                        "{user} of {users}"
                    );
                }
            }
        }
    }
}
