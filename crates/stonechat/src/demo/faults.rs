//! When a fault is switched on and off.

use std::time::Duration;

use anyhow::{Result, bail};
use stonechat_demo::Fault;
use stonechat_model::nearest;

/// One switching.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Switch {
    /// Which fault.
    pub(crate) fault: String,
    /// On or off.
    pub(crate) on: bool,
    at: Duration,
}

/// All switchings that are still to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan(Vec<Switch>);

impl Plan {
    /// Plans each fault from `after` on, for `lasting`, or until half of the demo is over, or without end.
    pub(crate) fn new(
        faults: &[String],
        after: Duration,
        lasting: Option<Duration>,
        end: Option<Duration>,
    ) -> Result<Self> {
        if let Some(end) = end.filter(|end| *end <= after && !faults.is_empty()) {
            bail!(
                "the faults would begin after {after:?}, but the demo ends after {end:?}; give an earlier --fault-after"
            );
        }
        let off = lasting
            .map(|lasting| after + lasting)
            .or(end.map(|end| (end / 2).max(after)));
        let mut plan = Vec::new();
        for fault in faults {
            let names = Fault::ALL.map(Fault::name);
            if !names.contains(&fault.as_str()) {
                let near = nearest(fault, names).map(|near| format!("did you mean {near}? "));
                bail!(
                    "there is no fault {fault:?}; {}known: {}",
                    near.unwrap_or_default(),
                    names.join(", ")
                );
            }
            plan.push(Switch {
                fault: fault.clone(),
                on: true,
                at: after,
            });
            plan.extend(off.map(|at| Switch {
                fault: fault.clone(),
                on: false,
                at,
            }));
        }
        Ok(Self(plan))
    }

    /// Takes out what is due.
    pub(crate) fn due(&mut self, at: Duration) -> Vec<Switch> {
        let (due, rest) = self.0.drain(..).partition(|switch| switch.at <= at);
        self.0 = rest;
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: fn(u64) -> Duration = Duration::from_secs;

    fn check(lasting: Option<u64>, end: Option<u64>, off: Option<u64>) {
        let plan = Plan::new(&["slow-db".to_owned()], S(10), lasting.map(S), end.map(S)).unwrap();
        let planned = plan
            .0
            .iter()
            .find(|switch| !switch.on)
            .map(|switch| switch.at);
        assert_eq!(planned, off.map(S));
    }

    #[test]
    fn a_fault_ends_in_time() {
        check(None, Some(90), Some(45));
        check(Some(20), Some(90), Some(30));
        check(None, None, None);
        check(None, Some(12), Some(10));
    }

    #[test]
    fn each_switching_happens_once() {
        let mut plan = Plan::new(&["backlog".to_owned()], S(1), Some(S(2)), None).unwrap();
        assert!(plan.due(S(0)).is_empty());
        assert_eq!(plan.due(S(1)).len(), 1);
        assert_eq!(plan.due(S(5)).len(), 1);
        assert!(plan.due(S(9)).is_empty());
    }

    #[test]
    fn an_unknown_fault_names_the_nearest() {
        let error = Plan::new(&["slow-bd".to_owned()], S(1), None, None).unwrap_err();
        assert!(
            error.to_string().contains("did you mean slow-db?"),
            "{error}"
        );
    }
}
