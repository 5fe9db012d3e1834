use crate::source::SourceError;

/// A command that may be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::source) struct Order {
    /// In capitals; with its second word where the command is only whole with it.
    pub name: String,
    /// What follows; `:name` stands for a parameter.
    pub arguments: Vec<String>,
    /// What the answer becomes.
    pub shape: Shape,
}

/// What an answer becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::source) enum Shape {
    /// One row with one value.
    Value,
    /// A row for each element.
    List,
    /// A row for each name and value.
    Pairs,
    /// A value for each argument from this one on, which names it.
    Named(usize),
    /// The text of INFO.
    Info,
    /// A row for each map, with a column for each name.
    Table,
    /// The summary of XPENDING.
    Pending,
    /// The list of XPENDING.
    PendingList,
    /// One page of a longer answer; the position of the cursor, and whether the elements are pairs.
    Scan {
        /// Which argument is the cursor.
        cursor: usize,
        /// Names and values.
        pairs: bool,
    },
}

/// Commands that read and have the same answer whatever their arguments.
const READING: [(&str, Shape); 49] = [
    ("BITCOUNT", Shape::Value),
    ("DBSIZE", Shape::Value),
    ("EXISTS", Shape::Value),
    ("EXPIRETIME", Shape::Value),
    ("GET", Shape::Value),
    ("GETBIT", Shape::Value),
    ("GETRANGE", Shape::Value),
    ("HEXISTS", Shape::Value),
    ("HGET", Shape::Value),
    ("HGETALL", Shape::Pairs),
    ("HKEYS", Shape::List),
    ("HLEN", Shape::Value),
    ("HMGET", Shape::Named(1)),
    ("HSTRLEN", Shape::Value),
    ("HVALS", Shape::List),
    ("INFO", Shape::Info),
    ("LASTSAVE", Shape::Value),
    ("LINDEX", Shape::Value),
    ("LLEN", Shape::Value),
    ("LRANGE", Shape::List),
    ("MGET", Shape::Named(0)),
    ("PFCOUNT", Shape::Value),
    ("PING", Shape::Value),
    ("PTTL", Shape::Value),
    ("SCARD", Shape::Value),
    ("SDIFF", Shape::List),
    ("SINTER", Shape::List),
    ("SINTERCARD", Shape::Value),
    ("SISMEMBER", Shape::Value),
    ("SMEMBERS", Shape::List),
    ("STRLEN", Shape::Value),
    ("SUNION", Shape::List),
    ("TIME", Shape::List),
    ("TTL", Shape::Value),
    ("TYPE", Shape::Value),
    ("XLEN", Shape::Value),
    ("ZCARD", Shape::Value),
    ("ZCOUNT", Shape::Value),
    ("ZLEXCOUNT", Shape::Value),
    ("ZMSCORE", Shape::Named(1)),
    ("ZRANK", Shape::Value),
    ("ZREVRANK", Shape::Value),
    ("ZSCORE", Shape::Value),
    // With their second word, or with rows that depend on their arguments.
    ("MEMORY USAGE", Shape::Value),
    ("SLOWLOG LEN", Shape::Value),
    ("CLUSTER INFO", Shape::Info),
    ("XINFO STREAM", Shape::Pairs),
    ("XINFO GROUPS", Shape::Table),
    ("XINFO CONSUMERS", Shape::Table),
];

/// Commands of ranges; WITHSCORES makes their answer pairs.
const RANGES: [&str; 4] = ["ZRANGE", "ZREVRANGE", "ZRANGEBYSCORE", "ZREVRANGEBYSCORE"];

/// Checks a command against the list of those that read.
///
/// # Errors
///
/// What is refused, and why.
pub(super) fn read(words: &[String]) -> Result<Order, SourceError> {
    let Some((first, rest)) = words.split_first() else {
        return Err(SourceError::Refused("there is no command".to_owned()));
    };
    let name = first.to_ascii_uppercase();
    let both = rest
        .first()
        .map(|second| format!("{name} {}", second.to_ascii_uppercase()));
    let both_shape = both.as_deref().and_then(fixed);
    let (arguments, shape) = match both_shape {
        Some(shape) => (rest, Some(shape)),
        None => (rest, shape_of(&name, rest)),
    };
    let Some(shape) = shape else {
        let hint = if name == "KEYS" {
            "; use SCAN, which lets others work meanwhile"
        } else {
            ""
        };
        let name = both
            .filter(|_| {
                ["CONFIG", "MEMORY", "SLOWLOG", "CLUSTER", "XINFO", "CLIENT"].contains(&&*name)
            })
            .unwrap_or(name);
        let reason = format!(
            "only commands that read are allowed, such as GET or HGETALL, and `{name}` is not on the list{hint}"
        );
        return Err(SourceError::Refused(reason));
    };
    if let Shape::Scan { cursor, .. } = shape
        && arguments.get(cursor).is_none_or(|cursor| cursor != "0")
    {
        return Err(SourceError::Refused(format!(
            "{name} begins with the cursor 0 and goes on to the end by itself"
        )));
    }
    Ok(Order {
        name,
        arguments: arguments.to_vec(),
        shape,
    })
}

/// The shape of a command that has always the same.
fn fixed(name: &str) -> Option<Shape> {
    let known = READING.iter().find(|(known, _)| *known == name);
    known.map(|(_, shape)| *shape)
}

/// The shape of a command by its arguments.
fn shape_of(name: &str, arguments: &[String]) -> Option<Shape> {
    let has = |word: &str| {
        arguments
            .iter()
            .any(|argument| argument.eq_ignore_ascii_case(word))
    };
    Some(match name {
        name if RANGES.contains(&name) && has("WITHSCORES") => Shape::Pairs,
        name if RANGES.contains(&name) => Shape::List,
        "XPENDING" if arguments.len() > 2 => Shape::PendingList,
        "XPENDING" => Shape::Pending,
        "SCAN" => Shape::Scan {
            cursor: 0,
            pairs: false,
        },
        "SSCAN" => Shape::Scan {
            cursor: 1,
            pairs: false,
        },
        "HSCAN" | "ZSCAN" => Shape::Scan {
            cursor: 1,
            pairs: true,
        },
        other => return fixed(other),
    })
}

/// The command that tells how many rows another will have, where its arguments do not.
pub(super) fn length(name: &str, arguments: &[String]) -> Option<Vec<String>> {
    let key = arguments.first()?.clone();
    let of = |command: &str| Some(vec![command.to_owned(), key.clone()]);
    match name {
        "HGETALL" | "HKEYS" | "HVALS" => of("HLEN"),
        "SMEMBERS" => of("SCARD"),
        "LRANGE" if is_open(arguments) => of("LLEN"),
        "ZRANGE" | "ZREVRANGE" if is_open(arguments) => of("ZCARD"),
        "ZRANGEBYSCORE" | "ZREVRANGEBYSCORE" if arguments.len() < 6 => {
            let (mut low, mut high) = (arguments.get(1)?.clone(), arguments.get(2)?.clone());
            if name == "ZREVRANGEBYSCORE" {
                std::mem::swap(&mut low, &mut high);
            }
            Some(vec!["ZCOUNT".to_owned(), key, low, high])
        }
        _ => None,
    }
}

/// Whether a range goes from one end to the other, such as `0 -1`.
fn is_open(arguments: &[String]) -> bool {
    let number = |index: usize| {
        arguments
            .get(index)
            .and_then(|argument| argument.parse::<i64>().ok())
    };
    match (number(1), number(2)) {
        (Some(start), Some(stop)) => start >= 0 && stop < 0,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn only_commands_that_read_are_let_through() {
        for (command, shape) in [
            ("get a", Shape::Value),
            ("HGETALL a", Shape::Pairs),
            ("ZRANGE a 0 -1", Shape::List),
            ("zrange a 0 -1 withscores", Shape::Pairs),
            ("MGET a b", Shape::Named(0)),
            ("XINFO GROUPS s", Shape::Table),
            ("xpending s g", Shape::Pending),
            ("XPENDING s g - + 10", Shape::PendingList),
            (
                "SCAN 0 MATCH a*",
                Shape::Scan {
                    cursor: 0,
                    pairs: false,
                },
            ),
            (
                "HSCAN a 0",
                Shape::Scan {
                    cursor: 1,
                    pairs: true,
                },
            ),
        ] {
            let order = read(&words(command)).expect(command);
            assert_eq!(order.shape, shape, "{command}");
        }
        for (command, reason) in [
            ("", "there is no command"),
            ("SET a 1", "`SET` is not on the list"),
            ("FLUSHALL", "`FLUSHALL` is not on the list"),
            ("KEYS *", "use SCAN"),
            ("CONFIG GET requirepass", "`CONFIG GET` is not on the list"),
            ("EVAL x 0", "`EVAL` is not on the list"),
            ("GETDEL a", "`GETDEL` is not on the list"),
            ("GETEX a EX 1", "`GETEX` is not on the list"),
            ("GETSET a 1", "`GETSET` is not on the list"),
            ("EVAL_RO x 0", "`EVAL_RO` is not on the list"),
            ("SORT a STORE b", "`SORT` is not on the list"),
            ("BITFIELD a SET u8 0 1", "`BITFIELD` is not on the list"),
            ("XREADGROUP GROUP g c STREAMS s >", "`XREADGROUP` is not"),
            ("MEMORY PURGE", "`MEMORY PURGE` is not on the list"),
            ("SLOWLOG RESET", "`SLOWLOG RESET` is not on the list"),
            ("CLUSTER RESET", "`CLUSTER RESET` is not on the list"),
            ("ZRANGESTORE a b 0 1", "`ZRANGESTORE` is not on the list"),
            ("BLPOP a 0", "`BLPOP` is not on the list"),
            ("XINFO HELP", "`XINFO HELP` is not on the list"),
            ("SCAN 5", "begins with the cursor 0"),
        ] {
            let error = read(&words(command)).expect_err(command).to_string();
            assert!(error.contains(reason), "{command}: {error}");
        }
    }
}
