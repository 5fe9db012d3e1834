/// How a phone behaves at the end of a call, or before its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// It says that it hangs up.
    HangUp,
    /// It stops showing and saying anything, and leaves it to media to end the call.
    FallSilent,
    /// It gives an address at which nobody answers.
    Unreachable,
    /// It is gone as soon as media's first packet arrives.
    Vanish,
}

/// After so many calls the endings repeat.
const CYCLE: u32 = 25;

impl Ending {
    /// Most calls end well, and the others at even distances: chance would raise an alert now and
    /// then.
    pub fn of_call(number: u32) -> Self {
        match number % CYCLE {
            6 => Self::FallSilent,
            12 => Self::Unreachable,
            18 => Self::FallSilent,
            24 => Self::Vanish,
            _ => Self::HangUp,
        }
    }
}

/// What became of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    HungUp,
    ClosedByMedia,
    /// Media never reached the phone, or the phone went away: it will notice.
    Abandoned,
}

impl End {
    /// The value of the label `end`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::HungUp => "hung_up",
            Self::ClosedByMedia => "closed_by_media",
            Self::Abandoned => "abandoned",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_calls_end_well_and_the_others_never_follow_each_other() {
        let endings: Vec<Ending> = (0..2 * CYCLE).map(Ending::of_call).collect();
        let well = |ending: &&Ending| **ending == Ending::HangUp;
        assert_eq!(endings.iter().filter(well).count(), 42);
        for pair in endings.windows(5) {
            assert!(pair.iter().filter(well).count() >= 4, "{pair:?}");
        }
    }
}
