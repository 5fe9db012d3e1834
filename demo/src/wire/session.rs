use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::UserId;

/// The two kinds of session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Single,
    Group,
}

impl Kind {
    /// The value of the label `type`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::Group => "group",
        }
    }
}

/// Names a session, and tells its kind: `s-3-17` is between users 3 and 17, `g-5203` is a group.
///
/// Two users have one session, whoever writes first, because its identifier follows from theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct SessionId(Inner);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Inner {
    Single { low: i64, high: i64 },
    Group(i64),
}

impl SessionId {
    /// The session of two different users; `None` for one user alone.
    pub fn single(one: UserId, other: UserId) -> Option<Self> {
        let (low, high) = (one.0.min(other.0), one.0.max(other.0));
        (low != high).then_some(Self(Inner::Single { low, high }))
    }

    pub fn group(number: i64) -> Self {
        Self(Inner::Group(number))
    }

    pub fn kind(self) -> Kind {
        match self.0 {
            Inner::Single { .. } => Kind::Single,
            Inner::Group(_) => Kind::Group,
        }
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Inner::Single { low, high } => write!(f, "s-{low}-{high}"),
            Inner::Group(number) => write!(f, "g-{number}"),
        }
    }
}

/// A text that names no session.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no session, such as `s-3-17` or `g-5203`")]
pub(crate) struct NoSessionId(String);

impl FromStr for SessionId {
    type Err = NoSessionId;

    fn from_str(text: &str) -> Result<Self, NoSessionId> {
        // Digits only: `parse` alone would also take `+3`, and one session would have two names.
        let number = |digits: &str| {
            let plain =
                digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
            plain.then(|| digits.parse::<i64>().ok()).flatten()
        };
        let parsed = if let Some((low, high)) = text
            .strip_prefix("s-")
            .and_then(|pair| pair.split_once('-'))
        {
            match (number(low), number(high)) {
                (Some(low), Some(high)) if low < high => Some(Inner::Single { low, high }),
                _ => None,
            }
        } else {
            text.strip_prefix("g-").and_then(number).map(Inner::Group)
        };
        parsed
            .map(Self)
            .ok_or_else(|| NoSessionId(text.chars().take(64).collect()))
    }
}

impl Serialize for SessionId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SessionId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, kind: Option<Kind>) {
        let parsed = text.parse::<SessionId>();
        assert_eq!(parsed.as_ref().ok().map(|id| id.kind()), kind, "{text}");
        if let Ok(id) = parsed {
            assert_eq!(id.to_string(), text);
        }
    }

    #[test]
    fn an_identifier_tells_the_kind_of_its_session() {
        check("s-3-17", Some(Kind::Single));
        check("g-5203", Some(Kind::Group));
    }

    #[test]
    fn a_session_has_only_one_name() {
        for text in [
            "", "s-", "g-", "s-17-3", "s-3-3", "s-03-17", "s-+3-17", "s-3-17-1", "x-3",
        ] {
            check(text, None);
        }
        check("g-99999999999999999999", None);
    }

    #[test]
    fn two_users_share_a_session_whoever_asks() {
        let (one, other) = (UserId(17), UserId(3));
        assert_eq!(SessionId::single(one, other), SessionId::single(other, one));
        assert_eq!(SessionId::single(one, other).unwrap().to_string(), "s-3-17");
        assert_eq!(SessionId::single(one, one), None);
    }
}
