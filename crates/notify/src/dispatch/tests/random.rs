//! Random stories: alerts come and go, receivers fail and return, the program is killed, stopped and reloaded. In the
//! end every receiver knows exactly what fires; nobody has heard twice of the same end, or of trouble that was over.

use std::time::Duration;

use proptest::prelude::*;

use super::driver::Driver;

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

/// The same receiver with two ways out, under two groupings.
fn config(group_by: &str, more: &str) -> String {
    format!(
        "
route:
  receiver: r
  group_by: [{group_by}]
  group_wait: 10s
  group_interval: 1m
  repeat_interval: 10m
{more}
receivers:
- name: r
  webhook_configs: [{{url: 'http://r/0'}}, {{url: 'http://r/1'}}]
"
    )
}

#[derive(Debug, Clone)]
enum Op {
    Fire(usize),
    End(usize),
    Answer(usize, &'static str),
    Restart(&'static str),
    Reload(usize),
}

fn ops() -> impl Strategy<Value = Vec<(u64, Op)>> {
    let answers = prop::sample::select(vec!["now", "never", "refused", "after=20s"]);
    let op = prop_oneof![
        4 => (0..NAMES.len()).prop_map(Op::Fire),
        4 => (0..NAMES.len()).prop_map(Op::End),
        2 => (0..2_usize, answers).prop_map(|(way, answer)| Op::Answer(way, answer)),
        1 => prop::sample::select(vec!["kill", "shutdown"]).prop_map(Op::Restart),
        1 => (0..2_usize).prop_map(Op::Reload),
    ];
    prop::collection::vec((0..150_u64, op), 1..40)
}

/// Runs a story while rules report, every half minute, what fires and what has ended in the last quarter of an hour.
struct Story {
    driver: Driver,
    /// For each alert: since when it fires, or when it ended.
    alerts: [Option<(bool, u64)>; 4],
    at: u64,
}

impl Story {
    fn pass(&mut self, seconds: u64) {
        let until = self.at + seconds;
        while self.at < until {
            self.at = until.min(self.at / 30 * 30 + 30);
            self.driver.advance(Duration::from_secs(self.at));
            self.report();
        }
    }

    fn report(&mut self) {
        for (name, state) in NAMES.iter().zip(self.alerts) {
            match state {
                Some((true, since)) => {
                    let until = self.at + 240;
                    self.driver
                        .event(&format!("fire {name} since={since}s until={until}s"));
                }
                Some((false, end)) if self.at < end + 900 => {
                    self.driver.event(&format!("end {name} at={end}s"));
                }
                Some(_) | None => {}
            }
        }
    }

    fn op(&mut self, op: &Op) {
        match op {
            Op::Fire(index) => {
                let fires = self.alerts[*index].is_some_and(|(fires, _)| fires);
                if !fires {
                    self.alerts[*index] = Some((true, self.at));
                    self.driver.begin_episode(NAMES[*index]);
                }
            }
            Op::End(index) => {
                let fires = self.alerts[*index].is_some_and(|(fires, _)| fires);
                if fires {
                    self.alerts[*index] = Some((false, self.at));
                    self.driver.end_episode(NAMES[*index]);
                }
            }
            Op::Answer(way, answer) => {
                let way = if *way == 0 { "r" } else { "r[1]" };
                self.driver.event(&format!("answer {way} {answer}"));
            }
            Op::Restart(way) => self.driver.event(way),
            Op::Reload(index) => self.driver.event(&format!("reload {index}")),
        }
        self.report();
    }
}

fn check(ops: &[(u64, Op)], configs: [&str; 2]) -> Result<(), TestCaseError> {
    let mut story = Story {
        driver: Driver::new(configs[0], &configs),
        alerts: [None; 4],
        at: 0,
    };
    for (wait, op) in ops {
        story.pass(*wait);
        story.op(op);
    }
    story.op(&Op::Answer(0, "now"));
    story.op(&Op::Answer(1, "now"));
    story.pass(1800);
    let firing = NAMES.iter().zip(story.alerts);
    let firing: Vec<&str> = firing
        .filter(|(_, state)| state.is_some_and(|(fires, _)| fires))
        .map(|(name, _)| *name)
        .collect();
    for way in ["r", "r[1]"] {
        prop_assert_eq!(story.driver.believed_firing(way), firing.clone(), "{}", way);
    }
    prop_assert_eq!(story.driver.ends_told_twice(), Vec::<String>::new());
    prop_assert_eq!(story.driver.false_alarms(), Vec::<String>::new());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn everybody_knows_what_fires_in_the_end_and_hears_each_end_once(ops in ops()) {
        let by_name = config("alertname", "");
        let by_name_too = config("alertname", "  routes: [{matchers: [x=y], receiver: r}]");
        check(&ops, [&by_name, &by_name_too])?;
        let together = config("", "");
        let together_too = config("", "  routes: [{matchers: [x=y], receiver: r}]");
        check(&ops, [&together, &together_too])?;
    }
}
