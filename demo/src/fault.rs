//! Faults: ways in which the chat can be made ill while it runs.

mod leak; // the memory that memory-leak holds

use std::fmt;
use std::str::FromStr;

use tokio::sync::watch;

pub(crate) use leak::leak_while_on;

/// One way in which the chat can be ill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// Every query of the database takes 800 ms longer.
    SlowDb,
    /// 30 % of the messages are refused with status 500.
    FailingSends,
    /// The task service is gone: its listener is closed and nobody takes messages from the queue.
    DeadService,
    /// The task service takes about three messages a second from the queue.
    Backlog,
    /// 5 MB of memory are lost each second, up to 512 MB.
    MemoryLeak,
    /// Of the packets that the load's phones send to media, 20 % are lost and the rest comes up to
    /// 80 ms late.
    LossyMedia,
    /// Phones that call media give an address at which nobody answers, as behind a firewall.
    FailingIce,
}

impl Fault {
    /// Every fault, in the order in which they are listed to people.
    pub const ALL: [Self; 7] = [
        Self::SlowDb,
        Self::FailingSends,
        Self::DeadService,
        Self::Backlog,
        Self::MemoryLeak,
        Self::LossyMedia,
        Self::FailingIce,
    ];

    /// The name on the command line and in the control API.
    pub fn name(self) -> &'static str {
        match self {
            Self::SlowDb => "slow-db",
            Self::FailingSends => "failing-sends",
            Self::DeadService => "dead-service",
            Self::Backlog => "backlog",
            Self::MemoryLeak => "memory-leak",
            Self::LossyMedia => "lossy-media",
            Self::FailingIce => "failing-ice",
        }
    }

    fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is no fault's: use one of those that the message lists.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no fault is called `{name}`; there are {}", Fault::ALL.map(Fault::name).join(", "))]
pub struct UnknownFault {
    /// The name that was asked for.
    pub name: String,
}

impl FromStr for Fault {
    type Err = UnknownFault;

    fn from_str(name: &str) -> Result<Self, UnknownFault> {
        Self::ALL
            .into_iter()
            .find(|fault| fault.name() == name)
            .ok_or_else(|| UnknownFault {
                name: name.to_owned(),
            })
    }
}

/// Which faults are on at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FaultSet(u8);

impl FaultSet {
    /// Whether this fault is on.
    pub fn contains(self, fault: Fault) -> bool {
        self.0 & fault.bit() != 0
    }

    fn with(self, fault: Fault, on: bool) -> Self {
        if on {
            Self(self.0 | fault.bit())
        } else {
            Self(self.0 & !fault.bit())
        }
    }
}

impl FromIterator<Fault> for FaultSet {
    fn from_iter<I: IntoIterator<Item = Fault>>(faults: I) -> Self {
        faults
            .into_iter()
            .fold(Self::default(), |set, fault| set.with(fault, true))
    }
}

/// The switches: the services look here, the control listener and the tests turn.
#[derive(Debug, Default)]
pub struct Faults {
    set: watch::Sender<FaultSet>,
}

impl Faults {
    /// Switches with these faults on.
    pub fn new(on: FaultSet) -> Self {
        Self {
            set: watch::Sender::new(on),
        }
    }

    /// Whether this fault is on now.
    pub fn is_on(&self, fault: Fault) -> bool {
        self.now().contains(fault)
    }

    /// All switches as they are now.
    pub fn now(&self) -> FaultSet {
        *self.set.borrow()
    }

    /// Switches a fault on or off; switching twice is the same as once.
    pub fn switch(&self, fault: Fault, on: bool) {
        let turned = self.set.send_if_modified(|set| {
            let before = *set;
            *set = before.with(fault, on);
            *set != before
        });
        if turned {
            tracing::info!(%fault, on, "fault switched");
        }
    }

    /// Returns when the fault is on (or off) as asked, at once if it is already.
    pub(crate) async fn until(&self, fault: Fault, on: bool) {
        let mut changes = self.set.subscribe();
        let reached = changes.wait_for(|set| set.contains(fault) == on).await;
        // The sender lives in `self`, so waiting cannot end otherwise.
        drop(reached);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_back() {
        for fault in Fault::ALL {
            assert_eq!(fault.name().parse(), Ok(fault));
        }
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        let error = "slow-disk".parse::<Fault>().unwrap_err().to_string();
        assert_eq!(
            error,
            "no fault is called `slow-disk`; there are slow-db, failing-sends, dead-service, \
             backlog, memory-leak, lossy-media, failing-ice"
        );
    }

    #[test]
    fn switches_do_not_touch_each_other() {
        let faults = Faults::new([Fault::SlowDb, Fault::Backlog].into_iter().collect());
        faults.switch(Fault::SlowDb, false);
        faults.switch(Fault::MemoryLeak, true);
        faults.switch(Fault::MemoryLeak, true);
        let on: Vec<_> = Fault::ALL
            .into_iter()
            .filter(|fault| faults.is_on(*fault))
            .collect();
        assert_eq!(on, [Fault::Backlog, Fault::MemoryLeak]);
    }
}
