//! How many messages a robot takes. Whoever sends more is shut out for minutes, so the count is kept here.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::Service;

/// The messages of one robot within the time that its service counts.
#[derive(Debug)]
pub(super) struct Pace {
    /// At most so many messages within so long.
    limits: &'static [(usize, Duration)],
    sent: VecDeque<Instant>,
    resting_until: Option<Instant>,
}

const MINUTE: Duration = Duration::from_secs(60);

/// DingTalk and WeCom: 20 messages a minute, <https://help.dingtalk.io/open/development/custom-robots-send-group-messages>,
/// <https://developer.work.weixin.qq.com/document/path/91770>.
const TWENTY_A_MINUTE: &[(usize, Duration)] = &[(20, MINUTE)];

/// Feishu: 100 a minute and 5 a second, <https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot>.
const FEISHU: &[(usize, Duration)] = &[(100, MINUTE), (5, Duration::from_secs(1))];

impl Pace {
    pub(super) fn of(service: Service) -> Self {
        Self {
            limits: match service {
                Service::DingTalk | Service::WeCom => TWENTY_A_MINUTE,
                Service::Feishu => FEISHU,
            },
            sent: VecDeque::new(),
            resting_until: None,
        }
    }

    /// How long until the next message may go.
    pub(super) fn wait(&mut self, now: Instant) -> Duration {
        let longest = self
            .limits
            .iter()
            .map(|(_, span)| *span)
            .max()
            .unwrap_or_default();
        while self
            .sent
            .front()
            .is_some_and(|first| now.duration_since(*first) >= longest)
        {
            self.sent.pop_front();
        }
        let of_limits = self.limits.iter().map(|(count, span)| {
            let blocking = self
                .sent
                .len()
                .checked_sub(*count)
                .and_then(|index| self.sent.get(index));
            blocking.map_or(Duration::ZERO, |at| {
                (*at + *span).saturating_duration_since(now)
            })
        });
        let rest = self
            .resting_until
            .map_or(Duration::ZERO, |until| until.saturating_duration_since(now));
        of_limits.chain([rest]).max().unwrap_or_default()
    }

    /// A message goes now.
    pub(super) fn note(&mut self, now: Instant) {
        self.sent.push_back(now);
    }

    /// Messages within the longest time that counts.
    pub(super) fn sent(&self) -> usize {
        self.sent.len()
    }

    /// The service says that it was too much. DingTalk then takes nothing for ten minutes; it is asked again every minute,
    /// because a message that waits is worse than a refused request.
    pub(super) fn rest(&mut self, now: Instant, wait: Option<Duration>) {
        self.resting_until = Some(now + wait.unwrap_or(MINUTE));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twenty_go_at_once_and_the_next_after_a_minute() {
        let mut pace = Pace::of(Service::DingTalk);
        let begin = Instant::now();
        for index in 0..20 {
            let now = begin + Duration::from_secs(index);
            assert_eq!(pace.wait(now), Duration::ZERO, "{index}");
            pace.note(now);
        }
        assert_eq!(
            pace.wait(begin + Duration::from_secs(20)),
            Duration::from_secs(40)
        );
        assert_eq!(pace.wait(begin + Duration::from_secs(60)), Duration::ZERO);
        pace.note(begin + Duration::from_secs(60));
        assert_eq!(
            pace.wait(begin + Duration::from_millis(60_500)),
            Duration::from_millis(500)
        );
    }

    #[test]
    fn one_that_was_refused_rests() {
        let mut pace = Pace::of(Service::Feishu);
        let begin = Instant::now();
        for _ in 0..5 {
            pace.note(begin);
        }
        assert_eq!(pace.wait(begin), Duration::from_secs(1));
        pace.rest(begin, Some(Duration::from_secs(5)));
        assert_eq!(pace.wait(begin), Duration::from_secs(5));
    }
}
