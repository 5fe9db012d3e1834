//! Silences: for a while, nobody hears of the alerts that match.
//!
//! The rules are those of Alertmanager: a silence is never forgotten at once, but ends and is kept for a while so that
//! people see what was silenced; changing what it matches ends the old one and begins a new one.

mod file; // silences on disk

use std::collections::BTreeMap;
use std::time::Duration;

use stonechat_model::{Labels, Matcher, Timestamp};

use crate::route::all_match;

pub(crate) use self::file::{SilenceFile, SilenceFileError};

/// How long a silence that is over is still shown; Alertmanager's `--data.retention`.
const KEPT: Duration = Duration::from_hours(120);

/// The most silences that are kept, those that are over included.
pub(crate) const SILENCES_MAX: usize = 10_000;

/// What a silence has at most: a person writes it, and every alert is compared with it.
const MATCHERS_MAX: usize = 100;
const TEXT_BYTES_MAX: usize = 16 * 1024;

/// Keeps alerts quiet for a while.
#[derive(Debug, Clone, PartialEq)]
pub struct Silence {
    /// Names it; empty for one that is new.
    pub id: String,
    /// What an alert has to satisfy.
    pub matchers: Vec<Matcher>,
    /// From when it holds.
    pub starts_at: Timestamp,
    /// Until when.
    pub ends_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Who made it.
    pub created_by: String,
    /// Why.
    pub comment: String,
}

/// Where a silence stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SilenceState {
    /// It begins later.
    Pending,
    /// It holds.
    Active,
    /// It is over.
    Expired,
}

impl SilenceState {
    /// As the API shows it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Expired => "expired",
        }
    }
}

/// Why a silence is not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SilenceError {
    /// There is none of that name: look at the list, it may have been forgotten.
    #[error("silence {0} not found")]
    Unknown(String),
    /// It says nothing that can be: the text says what to change.
    #[error("invalid silence: {0}")]
    Invalid(&'static str),
    /// There are too many: let some end.
    #[error("exceeded maximum number of silences: {SILENCES_MAX}")]
    TooMany,
    /// It could not be written down and does not hold: look at the disk.
    #[error("the silence cannot be kept")]
    NotKept(#[from] std::io::Error),
}

impl Silence {
    /// Where it stands at `now`.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> SilenceState {
        if now < self.starts_at {
            SilenceState::Pending
        } else if now < self.ends_at {
            SilenceState::Active
        } else {
            SilenceState::Expired
        }
    }

    fn check(&self) -> Result<(), SilenceError> {
        let invalid = |what| Err(SilenceError::Invalid(what));
        if self.matchers.is_empty() {
            return invalid("at least one matcher required");
        }
        if self.matchers.iter().all(Matcher::matches_empty) {
            return invalid("at least one matcher must not match the empty string");
        }
        if self
            .matchers
            .iter()
            .any(|matcher| matcher.name().is_empty())
        {
            return invalid("a matcher names no label");
        }
        if self.ends_at < self.starts_at {
            return invalid("end time must not be before start time");
        }
        if self.matchers.len() > MATCHERS_MAX {
            return invalid("too many matchers");
        }
        if self.comment.len() + self.created_by.len() > TEXT_BYTES_MAX {
            return invalid("its texts are too long");
        }
        Ok(())
    }

    /// Whether `self` may simply be changed into `new`.
    fn becomes(&self, new: &Self, now: Timestamp) -> bool {
        if self.matchers != new.matchers {
            return false;
        }
        match self.state(now) {
            SilenceState::Active => new.starts_at == self.starts_at && new.ends_at >= now,
            SilenceState::Pending => new.starts_at >= now,
            SilenceState::Expired => false,
        }
    }
}

/// All silences that are kept. Every change gives the whole set that would then hold, so that it can be written down
/// before it is taken.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Silences(BTreeMap<String, Silence>);

impl Silences {
    pub(crate) fn new(silences: impl IntoIterator<Item = Silence>) -> Self {
        Self(
            silences
                .into_iter()
                .map(|silence| (silence.id.clone(), silence))
                .collect(),
        )
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Silence> {
        self.0.values()
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Silence> {
        self.0.get(id)
    }

    /// The silences that keep an alert quiet now.
    pub(crate) fn of<'a>(
        &'a self,
        labels: &'a Labels,
        now: Timestamp,
    ) -> impl Iterator<Item = &'a Silence> {
        self.iter().filter(move |silence| {
            silence.state(now) == SilenceState::Active && all_match(&silence.matchers, labels)
        })
    }

    /// The set with a silence that is new or changed, and the silence's name. `new_id` names it if it needs a name.
    pub(crate) fn with(
        &self,
        mut silence: Silence,
        now: Timestamp,
        new_id: String,
    ) -> Result<(Self, String), SilenceError> {
        let mut next = self.clone();
        silence.updated_at = now;
        if !silence.id.is_empty() {
            let Some(old) = next.0.get_mut(&silence.id) else {
                return Err(SilenceError::Unknown(silence.id));
            };
            silence.check()?;
            if old.becomes(&silence, now) {
                let id = silence.id.clone();
                *old = silence;
                return Ok((next, id));
            }
            end(old, now);
        }
        silence.check()?;
        next.0.retain(|_, kept| kept.ends_at.plus(KEPT) > now);
        if next.0.len() >= SILENCES_MAX {
            return Err(SilenceError::TooMany);
        }
        silence.starts_at = silence.starts_at.max(now);
        silence.id.clone_from(&new_id);
        next.0.insert(new_id.clone(), silence);
        Ok((next, new_id))
    }

    /// The set with a silence ended. One that is over already stays as it is.
    pub(crate) fn without(&self, id: &str, now: Timestamp) -> Result<Self, SilenceError> {
        let mut next = self.clone();
        let silence = next
            .0
            .get_mut(id)
            .ok_or_else(|| SilenceError::Unknown(id.to_owned()))?;
        end(silence, now);
        Ok(next)
    }
}

/// Ends a silence now. One that has not begun loses its whole time.
fn end(silence: &mut Silence, now: Timestamp) {
    match silence.state(now) {
        SilenceState::Expired => return,
        SilenceState::Active => silence.ends_at = now,
        SilenceState::Pending => (silence.starts_at, silence.ends_at) = (now, now),
    }
    silence.updated_at = now;
}

#[cfg(test)]
mod tests;
